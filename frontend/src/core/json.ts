/** What JSON can hold. Everything that comes from an experiment has this type until it is looked at. */
export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const WORDS: Record<string, number> = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };

/** A number, also one that JSON cannot write; NaN for everything else. */
export function toNumber(value: Json | undefined): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && isNumeric(value) ? WORDS[value]! : NaN;
}

export function isNumeric(value: Json | undefined): boolean {
  return typeof value === "number" || (typeof value === "string" && Object.hasOwn(WORDS, value));
}

/** Nested values as one level: {"optim": {"lr": 1}} becomes [["optim.lr", 1]]. */
export function flatten(value: JsonObject, prefix = ""): [string, Json][] {
  return Object.entries(value).flatMap(([name, inner]): [string, Json][] =>
    isObject(inner) && Object.keys(inner).length > 0
      ? flatten(inner, `${prefix}${name}.`)
      : [[prefix + name, inner]],
  );
}

/** True when both would be written the same way. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
