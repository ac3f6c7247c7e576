import type { Curve } from "./model";

/** Of a longer curve no more points than this are told apart: one step of the slider is a 600th of it. */
const FINEST = 600;

/**
 * An exponential moving average without the pull towards its start; values that are not finite stand
 * as they are and are skipped over. It decays with the distance in x, so that it is the same however
 * many points stand for a stretch: few groups of the whole curve, or each point of a part of it.
 *
 * @param unit The distance over which what was before loses `weight`.
 */
export function smooth(x: ArrayLike<number>, values: ArrayLike<number>, weight: number, unit: number): Float64Array {
  const result = new Float64Array(values.length);
  // The first point stands for as much as the second: alone it would hold what follows closely.
  let before = x[0]! - ((x[1] ?? NaN) - x[0]! || unit);
  let [average, total] = [0, 0];
  for (let index = 0; index < values.length; index++) {
    result[index] = values[index]!;
    // Several points at one place are one: there is no distance that would weigh them.
    if (index + 1 < values.length && x[index + 1] === x[index]) continue;
    const value = meanAt(x, values, index);
    if (!Number.isFinite(value)) continue;
    // Of a short distance 1 - weight ** distance would be mostly rounding.
    const gain = -Math.expm1((Math.log(weight) * (x[index]! - before)) / unit);
    average += gain * (value - average);
    total += gain * (1 - total);
    before = x[index]!;
    for (let same = index; same >= 0 && x[same] === x[index]; same--) {
      if (Number.isFinite(values[same]!)) result[same] = average / total;
    }
  }
  return result;
}

/** The mean of the finite values at the place of this one, the last there. */
function meanAt(x: ArrayLike<number>, values: ArrayLike<number>, last: number): number {
  let [sum, count] = [0, 0];
  for (let index = last; index >= 0 && x[index] === x[last]; index--) {
    if (!Number.isFinite(values[index]!)) continue;
    sum += values[index]!;
    count++;
  }
  return sum / count;
}

/**
 * The distance that the slider means: between two points where they are few and evenly spaced, as
 * elsewhere; otherwise a 600th. It is that of the whole curves, whatever part of them is seen.
 */
export function unitOf(curves: readonly Curve[]): number {
  let [widest, most] = [0, 1];
  for (const { x, points } of curves) {
    // The widest one, not all together: runs of other days do not make an hour a short time.
    if (x.length) widest = Math.max(widest, x[x.length - 1]! - x[0]!);
    most = Math.max(most, points - 1);
  }
  return widest / Math.min(FINEST, most) || 1;
}
