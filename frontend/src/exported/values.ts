import { isNumeric, toNumber, type Json } from "../core/json";

/** What values are sorted by: numbers, then text, then the rest as it is written. */
export type Key = readonly [number, number | string];

/** What makes two values the same group: 1 and 1.0 are one, "1" and true are others. */
export function identityOf(value: Json): string {
  if (!isNumeric(value)) return JSON.stringify(value);
  const number = toNumber(value);
  return Object.is(number, -0) ? "-0" : String(number);
}

/** A value as something to sort by; null for what is missing or not a number. */
export function keyOf(value: Json): Key | null {
  if (value === null) return null;
  if (typeof value === "boolean") return [0, Number(value)];
  if (isNumeric(value)) return Number.isNaN(toNumber(value)) ? null : [0, toNumber(value)];
  return typeof value === "string" ? [1, value] : [2, JSON.stringify(value)];
}

export function compareKeys([rank, value]: Key, [otherRank, other]: Key): number {
  if (rank !== otherRank) return rank - otherRank;
  return value === other ? 0 : value < other ? -1 : 1;
}

/** Sort by a key, equal ones as they were; what has none comes last in either direction. */
export function sortedBy<T>(items: readonly T[], keyFor: (item: T) => Key | null, isDown: boolean): T[] {
  const keyed = items.map((item) => [keyFor(item), item] as const);
  const present = keyed.flatMap(([key, item]) => (key ? [[key, item] as const] : []));
  present.sort(([a], [b]) => (isDown ? compareKeys(b, a) : compareKeys(a, b)));
  return [...present.map(([, item]) => item), ...keyed.filter(([key]) => !key).map(([, item]) => item)];
}
