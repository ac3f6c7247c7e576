import { isNumeric, toNumber, type Json } from "./json";

type Matches = (cells: readonly Json[], others: readonly Json[]) => boolean;

const CONDITION = /^\s*(`[^`]+`|[\w.\-/]+)\s*(==|!=|<=|>=|<|>)\s*("[^"]*"|'[^']*'|[^\s"'()]+)\s*$/;
const NULL = /^\s*(`[^`]+`|[\w.\-/]+)\.isnull\(\)\s*$/;

/**
 * What an exported page understands of a filter: comparisons that are joined by "and" or by "or".
 * Everything else is a text that a row has to hold somewhere.
 */
export function simpleFilter(filter: string, columns: readonly string[]): Matches {
  const all = filter.split(/\s+and\s+/).map((part) => condition(part, columns));
  if (all.every((part) => part !== null)) return (cells) => all.every((part) => part(cells, []));
  const some = filter.split(/\s+or\s+/).map((part) => condition(part, columns));
  if (some.every((part) => part !== null)) return (cells) => some.some((part) => part(cells, []));
  const text = filter.toLowerCase();
  return (cells, others) => JSON.stringify([cells, others]).toLowerCase().includes(text);
}

function condition(part: string, columns: readonly string[]): Matches | null {
  const isNull = NULL.exec(part);
  const [, name = "", operator = "", written = ""] = CONDITION.exec(part) ?? [];
  const place = placeOf((isNull?.[1] ?? name).replaceAll("`", ""), columns);
  if (place === null) return null;
  if (isNull) return (cells) => (cells[place] ?? null) === null;
  const value = literal(written);
  return (cells) => holds(cells[place] ?? null, operator, value);
}

function placeOf(name: string, columns: readonly string[]): number | null {
  if (name === "") return null;
  const place = columns.indexOf(name);
  if (place >= 0) return place;
  const found = columns.filter((column) => column.endsWith(`.${name}`));
  return found.length === 1 ? columns.indexOf(found[0]!) : null;
}

function literal(written: string): Json {
  if (/^["']/.test(written)) return written.slice(1, -1);
  if (/^(true|false)$/i.test(written)) return written.toLowerCase() === "true";
  const number = Number(written);
  return Number.isNaN(number) ? written : number;
}

function holds(cell: Json, operator: string, value: Json): boolean {
  if (operator === "==") return isEqual(cell, value);
  if (operator === "!=") return cell !== null && !isEqual(cell, value);
  if (cell === null || isNumeric(cell) !== isNumeric(value)) return false;
  const [a, b] = isNumeric(cell) ? [toNumber(cell), toNumber(value)] : [String(cell), String(value)];
  if (operator === "<") return a < b;
  if (operator === "<=") return a <= b;
  return operator === ">" ? a > b : a >= b;
}

function isEqual(cell: Json, value: Json): boolean {
  return cell === value || (Array.isArray(cell) && cell.includes(value));
}
