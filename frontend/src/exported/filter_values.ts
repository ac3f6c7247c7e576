import { isNumeric, toNumber, type Json } from "../core/json";

/** What operators and methods of a filter make of any two values: see _query_values.py. */
export type Relation = (a: Json, b: Json, isId: boolean, isOtherId: boolean) => boolean;
export type Method = (value: Json, given: Json, isId: boolean) => Json;

/** Two values that have an order; null when they are of different types, or one is missing. */
function pair(a: Json, b: Json, isId: boolean, isOtherId: boolean): [number, number] | [string, string] | null {
  if (typeof a === "string" && typeof b === "string") {
    return isId && isOtherId && isWhole(a) && isWhole(b) ? [Number(a), Number(b)] : [a, b];
  }
  if (!isCounted(a) && !isCounted(b)) return null;
  const [left, right] = [asNumber(a, isId), asNumber(b, isOtherId)];
  return left === null || right === null ? null : [left, right];
}

function isCounted(value: Json): boolean {
  return typeof value === "number" || typeof value === "boolean";
}

function isWhole(text: string): boolean {
  return /^\d+$/.test(text);
}

function asNumber(value: Json, isId: boolean): number | null {
  if (isNumeric(value)) return toNumber(value);
  if (typeof value === "boolean") return Number(value);
  return isId && isWhole(String(value)) ? Number(value) : null;
}

const equal: Relation = (a, b, isId, isOtherId) => {
  const both = pair(a, b, isId, isOtherId);
  if (both) return both[0] === both[1];
  return typeof a === "object" && a !== null && JSON.stringify(a) === JSON.stringify(b);
};

/** Whether a list holds a value, or a text another. */
export function within(a: Json, b: Json, isId: boolean): boolean {
  if (typeof b === "string") return typeof a === "string" && b.includes(a);
  if (Array.isArray(b)) return b.some((item) => equal(a, item, isId, false));
  return typeof b === "object" && b !== null && typeof a === "string" && Object.hasOwn(b, a);
}

function ordered(holds: (a: number | string, b: number | string) => boolean): Relation {
  return (a, b, isId, isOtherId) => {
    const both = pair(a, b, isId, isOtherId);
    return both !== null && holds(both[0], both[1]);
  };
}

export const RELATIONS: readonly [string, Relation][] = [
  ["==", equal],
  ["!=", (a, b, isId, isOtherId) => !equal(a, b, isId, isOtherId)],
  ["<=", ordered((a, b) => a <= b)],
  [">=", ordered((a, b) => a >= b)],
  ["<", ordered((a, b) => a < b)],
  [">", ordered((a, b) => a > b)],
  ["in", within],
];

const isNull: Method = (value) => value === null || value === "NaN";
const notNull: Method = (value) => value !== null && value !== "NaN";

function ofTexts(holds: (value: string, given: string) => boolean): Method {
  return (value, given) => typeof value === "string" && typeof given === "string" && holds(value, given);
}

export const METHODS = new Map<string, Method>([
  ["isnull", isNull],
  ["isna", isNull],
  ["notnull", notNull],
  ["notna", notNull],
  ["contains", (value, given) => within(given, value, false)],
  ["startswith", ofTexts((value, given) => value.startsWith(given))],
  ["endswith", ofTexts((value, given) => value.endsWith(given))],
  ["isin", within],
  ["lower", (value) => (typeof value === "string" ? value.toLowerCase() : null)],
  ["upper", (value) => (typeof value === "string" ? value.toUpperCase() : null)],
]);

export function isTrue(value: Json): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value) && value !== "NaN";
}
