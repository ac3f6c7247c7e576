import { extentX, valueAt, type Curve } from "./model";

const PLACES = 300;

type Band = Curve & Required<Pick<Curve, "counts" | "members">>;

/**
 * Curves of runs that differ only in, say, their seed, as one: the mean, and how far they spread.
 *
 * @param isLog Whether x is logarithmic.
 */
export function joined(id: string, curves: readonly Curve[], spread: "range" | "std", isLog = false): Band {
  const x = placesBetween(curves, isLog);
  const band: Band = {
    id,
    x,
    mean: new Float64Array(x.length),
    low: new Float64Array(x.length),
    high: new Float64Array(x.length),
    odd: curves.flatMap((curve) => curve.odd),
    sessions: [],
    points: Math.max(...curves.map(({ points }) => points)),
    counts: new Uint32Array(x.length),
    members: curves.length,
  };
  x.forEach((place, index) => {
    const means = valuesAt(curves, "mean", place);
    const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
    band.mean[index] = mean;
    band.counts[index] = means.length;
    if (spread === "range") {
      // The range is that of all points, those between two places too, so that a spike of one run is in it.
      const [from, to] = [x[index - 1] ?? place, x[index + 1] ?? place];
      band.low[index] = Math.min(...valuesAt(curves, "low", place), ...between(curves, "low", from, to));
      band.high[index] = Math.max(...valuesAt(curves, "high", place), ...between(curves, "high", from, to));
    } else {
      const deviation = deviationOf(means, mean);
      band.low[index] = mean - deviation;
      band.high[index] = mean + deviation;
    }
  });
  return band;
}

/** How many there are where some have no value: the mean of the others may jump there. */
export function fewerAt({ counts, members = 0 }: Curve, index: number): string {
  const count = counts?.[index] ?? members;
  return count < members ? `${count} of ${members}` : "";
}

/** A part of a line that is drawn in one way. */
interface Part {
  values: Float64Array;
  isWhole: boolean;
}

/** The line where all members of a band have a value, and apart from it where some have none. */
export function partsOf(curve: Curve & { line: Float64Array }): Part[] {
  const { counts, members, line } = curve;
  const isFewer = (index: number): boolean => fewerAt(curve, index) !== "";
  if (!members || !counts?.some((count) => count < members)) return [{ values: line, isWhole: true }];
  return [
    { values: line.map((value, index) => (isFewer(index) ? NaN : value)), isWhole: true },
    // To the next point of the other part, too: there is no gap between them.
    { values: line.map((value, index) => ([index - 1, index, index + 1].some(isFewer) ? value : NaN)), isWhole: false },
  ];
}

/** The places of the curves when they share them, as they mostly do; otherwise evenly spaced ones. */
function placesBetween(curves: readonly Curve[], isLog: boolean): Float64Array {
  const all = new Set(curves.flatMap(({ x }) => [...x]).filter(Number.isFinite));
  if (all.size <= 2 * PLACES) return Float64Array.from(all).sort();
  const { low, high } = extentX(curves, isLog);
  return Float64Array.from({ length: PLACES }, (_, index) => {
    const share = index / (PLACES - 1);
    if (!isLog) return low + (high - low) * share;
    // Exactly at the ends, where a rounded place would lie outside of all curves.
    return share === 1 ? high : low * (high / low) ** share;
  });
}

function valuesAt(curves: readonly Curve[], what: "mean" | "low" | "high", place: number): number[] {
  return curves.map((curve) => valueAt(curve.x, curve[what], place)).filter(Number.isFinite);
}

function between(curves: readonly Curve[], what: "low" | "high", from: number, to: number): number[] {
  const found: number[] = [];
  for (const { x, [what]: values } of curves) {
    for (let index = firstAfter(x, from); index < x.length && x[index]! < to; index++) {
      if (Number.isFinite(values[index]!)) found.push(values[index]!);
    }
  }
  return found;
}

function firstAfter(x: Float64Array, place: number): number {
  let [low, high] = [0, x.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle]! <= place) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The deviation of a sample; nothing to tell for one. */
function deviationOf(values: readonly number[], mean: number): number {
  if (values.length < 2) return 0;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
