import { extentX, type Curve } from "./model";

const PLACES = 300;

/** Curves of runs that differ only in, say, their seed, as one: the mean, and how far they spread. */
export function joined(id: string, curves: readonly Curve[], spread: "range" | "std"): Curve {
  const { low, high } = extentX(curves, false);
  const x = placesBetween(curves, low, high);
  const band: Curve = {
    id,
    x,
    mean: new Float64Array(x.length),
    low: new Float64Array(x.length),
    high: new Float64Array(x.length),
    odd: curves.flatMap((curve) => curve.odd),
    sessions: [],
  };
  x.forEach((place, index) => {
    const means = valuesAt(curves, "mean", place);
    const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
    band.mean[index] = mean;
    if (spread === "range") {
      // The range is that of all points, so that a spike of one run is in it.
      band.low[index] = Math.min(...valuesAt(curves, "low", place));
      band.high[index] = Math.max(...valuesAt(curves, "high", place));
    } else {
      const deviation = deviationOf(means, mean);
      band.low[index] = mean - deviation;
      band.high[index] = mean + deviation;
    }
  });
  return band;
}

/** The places of the curves when they share them, as they mostly do; otherwise evenly spaced ones. */
function placesBetween(curves: readonly Curve[], low: number, high: number): Float64Array {
  const all = new Set(curves.flatMap(({ x }) => [...x]).filter(Number.isFinite));
  if (all.size <= 2 * PLACES) return Float64Array.from(all).sort();
  return Float64Array.from({ length: PLACES }, (_, index) => low + ((high - low) * index) / (PLACES - 1));
}

function valuesAt(curves: readonly Curve[], what: "mean" | "low" | "high", place: number): number[] {
  return curves.map((curve) => valueAt(curve.x, curve[what], place)).filter(Number.isFinite);
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

/** The deviation of a sample; nothing to tell for one. */
function deviationOf(values: readonly number[], mean: number): number {
  if (values.length < 2) return 0;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
