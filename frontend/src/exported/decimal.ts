/**
 * A number times a power of ten, rounded to `places` after the point, halves to even: exactly, as
 * Python's decimal does it. Below 0 the places are zeros before the point.
 */
export function rounded(value: number, power: number, places: number): string {
  const [mantissa, exponent] = binary(Math.abs(value));
  const shift = power + places;
  const above = mantissa * 2n ** BigInt(Math.max(0, exponent)) * 10n ** BigInt(Math.max(0, shift));
  const below = 2n ** BigInt(Math.max(0, -exponent)) * 10n ** BigInt(Math.max(0, -shift));
  let whole = above / below;
  const rest = 2n * (above % below);
  if (rest > below || (rest === below && whole % 2n === 1n)) whole++;
  const sign = value < 0 && whole > 0n ? "-" : "";
  const digits = places < 0 ? String(whole * 10n ** BigInt(-places)) : String(whole).padStart(places + 1, "0");
  if (places <= 0) return sign + digits;
  return `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** A number as a whole number times a power of two. */
function binary(value: number): [bigint, number] {
  let exponent = 0;
  while (!Number.isInteger(value) && exponent > -1100) [value, exponent] = [value * 2, exponent - 1];
  return [BigInt(value), exponent];
}

/** The power of ten of the first digit, as it is after rounding to three. */
export function magnitude(value: number): number {
  return Number(value.toExponential(2).split("e")[1]);
}

/** The first three digits, rounded. */
export function firstDigits(value: number): number {
  const power = Number(value.toExponential().split("e")[1]);
  const digits = Number(rounded(Math.abs(value), 2 - power, 0));
  return digits === 1000 ? 100 : digits;
}
