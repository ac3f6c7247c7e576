import { isNumeric, toNumber, type Json } from "../core/json";
import { linearTicks } from "../curves/ticks";

/** An axis for values of one name: numbers where they stand, words in a row. */
export interface Scale {
  name: string;
  low: number;
  high: number;
  /** null for numbers; otherwise the words, whose places are their numbers. */
  words: string[] | null;
  ticks: { at: number; label: string }[];
}

/** More would stand on each other along an axis of 270 pixels. */
const MOST_WORDS = 18;

export function scaleFor(name: string, values: readonly Json[], format: (value: number) => string): Scale {
  const present = values.filter((value) => value !== null);
  if (present.length > 0 && present.every(isNumeric)) {
    const finite = present.map(toNumber).filter(Number.isFinite);
    const [low, high] = widened(Math.min(...finite), Math.max(...finite));
    const ticks = linearTicks(low, high, 5).map((at) => ({ at, label: format(at) }));
    return { name, low, high, words: null, ticks };
  }
  const words = [...new Set(present.map(wordOf))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const [low, high] = [-0.5, Math.max(0.5, words.length - 0.5)];
  const every = Math.ceil(words.length / MOST_WORDS);
  const ticks = words.map((label, at) => ({ at, label })).filter(({ at }) => at % every === 0);
  return { name, low, high, words, ticks };
}

function widened(low: number, high: number): [number, number] {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

function wordOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The number of a value on its axis; NaN when it has none. */
export function placeOf(scale: Scale, value: Json): number {
  if (value === null) return NaN;
  if (scale.words) return scale.words.indexOf(wordOf(value));
  const place = toNumber(value);
  return Number.isFinite(place) ? place : NaN;
}

/** From 0 at the lower end to 1 at the upper. */
export function shareOf(scale: Scale, value: Json): number {
  return (placeOf(scale, value) - scale.low) / (scale.high - scale.low);
}

/** A colour between blue and yellow, told apart by everyone also in grey; grey for no value. */
export function shade(share: number): string {
  if (Number.isNaN(share)) return "rgb(140 140 140)";
  const stops: [number, number, number][] = [[80, 100, 225], [33, 145, 140], [94, 190, 80], [240, 190, 20]];
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(place));
  const [from, to] = [stops[index]!, stops[index + 1]!];
  return `rgb(${from.map((part, channel) => Math.round(part + (to[channel]! - part) * (place - index))).join(" ")})`;
}
