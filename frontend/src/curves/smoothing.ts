/**
 * An exponential moving average without the pull towards its start; values that are not finite stand
 * as they are and are skipped over.
 */
export function smooth(values: ArrayLike<number>, weight: number): Float64Array {
  const result = new Float64Array(values.length);
  let average = 0;
  let correction = 1;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (!Number.isFinite(value)) {
      result[index] = value;
      continue;
    }
    average = weight * average + (1 - weight) * value;
    correction *= weight;
    result[index] = average / (1 - correction);
  }
  return result;
}
