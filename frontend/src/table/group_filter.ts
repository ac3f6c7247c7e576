import type { Json } from "../core/json";
import { written } from "./completion";

/** A filter that only the members of a group pass. */
export function groupFilter(filter: string, values: readonly [string, Json][]): string {
  const conditions = values.map(([name, value]) => {
    if (value === null) return `${written(name)}.isnull()`;
    return `${written(name)} == ${literal(value)}`;
  });
  // What stands there already may hold an "or".
  return [...(filter ? [`(${filter})`] : []), ...conditions].join(" and ");
}

function literal(value: Json): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  return JSON.stringify(value);
}
