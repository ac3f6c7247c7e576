import { formatNumber } from "../core/format";
import { toNumber, type JsonObject } from "../core/json";

const MOST_DIGITS = 10;

/** A mean with half of its interval, in as many digits as the interval deserves. */
export function intervalText(value: JsonObject): string {
  const mean = toNumber(value.mean);
  const half = (toNumber(value.high) - toNumber(value.low)) / 2;
  if (!Number.isFinite(half) || half === 0 || !Number.isFinite(mean)) return formatNumber(mean);
  const power = Math.floor(Math.log10(Math.max(Math.abs(mean), half)));
  // Very small and very large ones share an exponent, as in the paper's table.
  const shared = power < -4 || power >= 6 ? power : 0;
  const digits = Math.max(0, 1 - Math.floor(Math.log10(half)) + shared);
  if (digits > MOST_DIGITS) return `${formatNumber(mean)} ± ${half.toExponential(1).replace("e+", "e")}`;
  const pair = `${shifted(mean, shared).toFixed(digits)} ± ${shifted(half, shared).toFixed(digits)}`;
  return shared ? `(${pair})e${shared}` : pair;
}

/** Without a power of ten, which may itself be too small or too large for a number. */
function shifted(value: number, power: number): number {
  const [digits, exponent] = value.toExponential().split("e");
  return Number(`${digits}e${Number(exponent) - power}`);
}

/** Of how many members a mean is, where it is not of all: who diverged must not vanish without a sign. */
export function shareText(value: JsonObject, members: number): string {
  const count = toNumber(value.count);
  return count < members ? ` (${count} of ${members})` : "";
}
