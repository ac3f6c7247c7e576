import { toNumber, type Json } from "../core/json";
import type { CurveAnswer } from "../core/types";
import { smooth } from "./smoothing";

/** A curve as it came: groups of points with their mean, lowest and highest. */
export interface Curve {
  id: string;
  x: Float64Array;
  mean: Float64Array;
  low: Float64Array;
  high: Float64Array;
  /** Where something logged was no finite number, and what it was. */
  odd: [x: number, word: string][];
  /** Where a session began after the first, or steps were logged again. */
  sessions: number[];
  /** How many points were logged of all of it: more than there are groups, in a long one. */
  points: number;
  /** Of a band: how many of its members have a value at each place. */
  counts?: Uint32Array;
  members?: number;
}

/** A curve as it is drawn. */
export interface Line extends Curve {
  label: string;
  colour: string;
  /** The smoothed mean; the mean itself when nothing is smoothed. */
  line: Float64Array;
  isSmoothed: boolean;
}

export interface Extent {
  low: number;
  high: number;
}

export function asCurve(answer: CurveAnswer): Curve {
  const x = numbers(answer.x);
  const order = sortedOrder(x);
  const take = (values: Float64Array): Float64Array => (order ? order.map((index) => values[index]!) : values);
  return {
    id: String(answer.id),
    x: take(x),
    mean: take(numbers(answer.mean)),
    low: take(numbers(answer.low)),
    high: take(numbers(answer.high)),
    odd: (answer.odd ?? []).map(([place, word]) => [toNumber(place), word]),
    sessions: (answer.sessions ?? []).map(toNumber).filter(Number.isFinite),
    points: answer.points,
  };
}

function numbers(values: readonly Json[]): Float64Array {
  const found = new Float64Array(values.length);
  for (let index = 0; index < values.length; index++) found[index] = toNumber(values[index]);
  return found;
}

/** Over another metric, x goes back and forth; null when it is in order already, as it mostly is. */
function sortedOrder(x: Float64Array): Float64Array | null {
  for (let index = 1; index < x.length; index++) {
    if (x[index]! < x[index - 1]!) return Float64Array.from(x.keys()).sort((a, b) => x[a]! - x[b]!);
  }
  return null;
}

/** @param unit Of the panel, as `unitOf` tells it: the lines of a panel are smoothed alike. */
export function asLine(curve: Curve, label: string, colour: string, weight: number, unit: number): Line {
  const isSmoothed = weight > 0;
  const line = isSmoothed ? smooth(curve.x, curve.mean, weight, unit) : curve.mean;
  return { ...curve, label, colour, line, isSmoothed };
}

/** What the curves reach between two places of x; spikes count. */
export function extentX(curves: readonly Curve[], isLog: boolean): Extent {
  const extent = { low: Infinity, high: -Infinity };
  for (const { x, odd } of curves) {
    for (const place of x) widen(extent, place, isLog);
    for (const [place] of odd) widen(extent, place, isLog);
  }
  return extent;
}

/** What the curves reach in y, the smoothed line too: behind a spike it lies outside of all points. */
export function extentY(curves: readonly (Curve & Partial<Line>)[], from: number, to: number, isLog: boolean): Extent {
  const extent = { low: Infinity, high: -Infinity };
  for (const { x, low, high, mean, line = mean } of curves) {
    for (let index = 0; index < x.length; index++) {
      if (x[index]! < from || x[index]! > to) continue;
      widen(extent, low[index]!, isLog);
      widen(extent, high[index]!, isLog);
      widen(extent, mean[index]!, isLog);
      widen(extent, line[index]!, isLog);
    }
    // A line may cross what is seen without a point in it.
    for (const place of [from, to]) {
      widen(extent, valueAt(x, mean, place), isLog);
      widen(extent, valueAt(x, line, place), isLog);
    }
  }
  return extent;
}

function widen(extent: Extent, value: number, isLog: boolean): void {
  if (!Number.isFinite(value) || (isLog && value <= 0)) return;
  if (value < extent.low) extent.low = value;
  if (value > extent.high) extent.high = value;
}

/** Curves with what is known finer of a part of them in the place of that part. */
export function refined(curves: readonly Curve[], finer: readonly Curve[]): Curve[] {
  const found = new Map(finer.map((curve) => [curve.id, curve]));
  return curves.map((curve) => {
    const fine = found.get(curve.id);
    if (!fine?.x.length) return curve;
    const [low, high] = [fine.x[0]!, fine.x[fine.x.length - 1]!];
    const isInside = (place: number): boolean => place >= low && place <= high;
    const [before, after] = [firstIndex(curve.x, (place) => place >= low), firstIndex(curve.x, (place) => place > high)];
    const take = (name: "x" | "mean" | "low" | "high"): Float64Array => {
      const coarse = curve[name];
      return concatenated(coarse.subarray(0, before), fine[name], coarse.subarray(after));
    };
    const odd = [...curve.odd.filter(([place]) => !isInside(place)), ...fine.odd];
    return { ...curve, x: take("x"), mean: take("mean"), low: take("low"), high: take("high"), odd };
  });
}

/** Their number, where none is so. */
function firstIndex(values: Float64Array, isSo: (value: number) => boolean): number {
  const found = values.findIndex(isSo);
  return found < 0 ? values.length : found;
}

function concatenated(...parts: Float64Array[]): Float64Array {
  const found = new Float64Array(parts.reduce((total, part) => total + part.length, 0));
  let start = 0;
  for (const part of parts) {
    found.set(part, start);
    start += part.length;
  }
  return found;
}

/** True where a curve has something to say: not before its first point, nor after its last. */
export function reaches(x: ArrayLike<number>, place: number, room: number): boolean {
  return x.length > 0 && place >= x[0]! - room && place <= x[x.length - 1]! + room;
}

/** The value at a place, between two points on the line between them; outside there is none. */
export function valueAt(x: Float64Array, values: Float64Array, place: number): number {
  const last = x.length - 1;
  if (last < 0 || place < x[0]! || place > x[last]!) return NaN;
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (x[middle]! <= place) low = middle;
    else high = middle;
  }
  const span = x[high]! - x[low]!;
  if (span === 0 || place === x[low]!) return values[low]!;
  const share = (place - x[low]!) / span;
  return share === 1 ? values[high]! : values[low]! * (1 - share) + values[high]! * share;
}

/** The index of the point nearest to a place, -1 if there is none. */
export function nearest(x: ArrayLike<number>, place: number): number {
  let low = 0;
  let high = x.length - 1;
  if (high < 0) return -1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (x[middle]! < place) low = middle;
    else high = middle;
  }
  return Math.abs(x[low]! - place) <= Math.abs(x[high]! - place) ? low : high;
}
