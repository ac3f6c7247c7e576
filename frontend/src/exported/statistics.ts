/** Statistics as the server computes them, to the last digits: see _compare_statistics.py. */

/** With fewer values than this there is no interval. */
export const FEWEST = 3;

/**
 * The sum of numbers, rounded only once: Shewchuk, Adaptive Precision Floating-Point Arithmetic,
 * Discrete & Computational Geometry 18, 1997, as Python's math.fsum has it.
 */
export function exactSum(values: readonly number[]): number {
  const parts: number[] = [];
  for (let value of values) {
    let kept = 0;
    for (let part of parts) {
      if (Math.abs(value) < Math.abs(part)) [value, part] = [part, value];
      const high = value + part;
      const low = part - (high - value);
      if (low !== 0) parts[kept++] = low;
      value = high;
    }
    parts.length = kept;
    parts.push(value);
  }
  let sum = parts.pop() ?? 0;
  let rest = 0;
  while (parts.length > 0 && rest === 0) {
    const [high, part] = [sum, parts.pop()!];
    sum = high + part;
    rest = part - (sum - high);
  }
  // Half of a last digit is rounded by what comes after it.
  const after = parts.at(-1) ?? 0;
  if ((rest < 0 && after < 0) || (rest > 0 && after > 0)) {
    const doubled = 2 * rest;
    if (sum + doubled - sum === doubled) return sum + doubled;
  }
  return sum;
}

/** The mean of at least one number; numbers that are all the same have exactly that. */
export function meanOf(values: readonly number[]): number {
  const first = values[0]!;
  if (values.every((value) => value === first)) return first;
  const factor = scaleOf(values);
  return exactSum(values.map((value) => value * factor)) / values.length / factor;
}

/** The deviation of a sample; null for one number. */
export function deviationOf(values: readonly number[], mean: number): number | null {
  if (values.length < 2) return null;
  const largest = largestOf(values.map((value) => value - mean));
  if (largest === 0) return 0;
  const squares = exactSum(values.map((value) => ((value - mean) / largest) ** 2));
  return largest * Math.sqrt(squares / (values.length - 1));
}

/** A power of two so that neither sums of large numbers nor those of small ones are lost. */
function scaleOf(values: readonly number[]): number {
  const largest = largestOf(values);
  return largest > 2 ** 900 ? 2 ** -100 : largest < 2 ** -900 ? 2 ** 100 : 1;
}

function largestOf(values: readonly number[]): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

const quantiles = new Map<number, number>();

/** How many standard errors the 95 % interval of Student's t goes to either side. */
export function studentQuantile(freedom: number): number {
  const known = quantiles.get(freedom);
  if (known !== undefined) return known;
  let [low, high] = [1, 13];
  while (true) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (studentWithin(middle, freedom) < 0.95) low = middle;
    else high = middle;
  }
  quantiles.set(freedom, low);
  return low;
}

/**
 * How likely a t of a whole number of degrees of freedom is between -t and t: Abramowitz and Stegun,
 * Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
 */
export function studentWithin(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const isOdd = freedom % 2 === 1;
  const square = Math.cos(angle) ** 2;
  let term = isOdd ? Math.cos(angle) : 1;
  let sum = freedom > 1 ? term : 0;
  for (let step = isOdd ? 3 : 2; step <= freedom - 2; step += 2) {
    term *= (square * (step - 1)) / step;
    sum += term;
  }
  return isOdd ? ((angle + Math.sin(angle) * sum) * 2) / Math.PI : Math.sin(angle) * sum;
}
