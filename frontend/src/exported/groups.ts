import type { Json, JsonObject } from "../core/json";
import { FEWEST, deviationOf, meanOf, studentQuantile } from "./statistics";
import type { InlinedTable } from "./table";
import { sortedBy, type Key } from "./values";

const MOST_SUMMARY = 40;

/** What the table of groups is asked for; sort keys have a - in front for the largest first. */
export interface GroupQuestion {
  rows: readonly number[];
  groupby: readonly string[];
  sort: readonly string[];
  columns: readonly string[];
  offset: number;
  limit: number;
}

/** A row for all rows that agree in some values: what the server's _groups.py gives. */
export function groupsOf(table: InlinedTable, question: GroupQuestion): JsonObject {
  const { rows, groupby, sort, offset, limit } = question;
  const keys = groupby.map((name) => table.place(name, "Groupby"));
  table.mustBeExact(keys);
  const groups = ordered(table, grouped(table, rows, keys), keys, sort);
  const columns = question.columns.length ? question.columns : [...groupby, "count", "duration", ...measured(table)];
  const places = columns.map((name) => placeOf(table, name, "Columns"));
  const some = groups.slice(offset, offset + limit);
  return {
    total: table.ids.length,
    matched: groups.length,
    offset,
    columns: [...columns],
    ids: some.map((members) => members.map((row) => table.ids[row]!)),
    cells: some.map((members) => places.map((place) => cell(table, members, place, keys))),
    statuses: some.map(() => null),
  };
}

/** null stands for the number of members. */
function placeOf(table: InlinedTable, name: string, option: string): number | null {
  return name === "count" ? null : table.place(name, option);
}

/** Rows that agree in the values of some columns, the first ones first. */
export function grouped(table: InlinedTable, rows: readonly number[], keys: readonly number[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const row of rows) {
    const identity = JSON.stringify(keys.map((place) => table.identity(row, place)));
    const members = groups.get(identity);
    if (members) members.push(row);
    else groups.set(identity, [row]);
  }
  return [...groups.values()];
}

function ordered(table: InlinedTable, groups: number[][], keys: readonly number[], sort: readonly string[]): number[][] {
  const order: [number | null, boolean][] = sort.length
    ? sort.map((word) => [placeOf(table, word.replace(/^-/, ""), "Sort"), word.startsWith("-")])
    : keys.map((place) => [place, false]);
  for (const [place, isDown] of order.reverse()) groups = sortedBy(groups, (members) => keyOf(table, members, place, keys), isDown);
  return groups;
}

function keyOf(table: InlinedTable, members: readonly number[], place: number | null, keys: readonly number[]): Key | null {
  if (place === null) return [0, members.length];
  if (keys.includes(place)) return table.key(members[0]!, place);
  const numbers = numbersOf(table, members, place);
  return numbers.length ? [0, meanOf(numbers)] : null;
}

function measured(table: InlinedTable): string[] {
  const isMeasured = (place: number): boolean => table.rows.some((row) => isNumber(table, row, place));
  const names = table.columns.filter((name, place) => name.startsWith("summary.") && isMeasured(place));
  return names.slice(0, MOST_SUMMARY);
}

/** Also NaN and infinities; true and false are none. */
function isNumber(table: InlinedTable, row: number, place: number): boolean {
  const value = table.value(row, place);
  return typeof value !== "boolean" && (table.number(row, place) !== null || /^(NaN|-?Infinity)$/.test(String(value)));
}

function numbersOf(table: InlinedTable, members: readonly number[], place: number): number[] {
  return members.flatMap((row) => (typeof table.value(row, place) === "boolean" ? [] : (table.number(row, place) ?? [])));
}

/** What all members agree in, or what their numbers say. */
function cell(table: InlinedTable, members: readonly number[], place: number | null, keys: readonly number[]): Json {
  if (place === null) return members.length;
  const first = table.value(members[0]!, place);
  if (keys.includes(place)) return first;
  const numbers = numbersOf(table, members, place);
  if (numbers.length === 0) {
    const written = JSON.stringify(first);
    return members.every((row) => JSON.stringify(table.value(row, place)) === written) ? first : null;
  }
  const mean = meanOf(numbers);
  const std = deviationOf(numbers, mean);
  const count = numbers.length;
  if (std === null || count < FEWEST) return { count, mean, std, low: null, high: null };
  const half = (studentQuantile(count - 1) * std) / Math.sqrt(count);
  return { count, mean, std, low: mean - half, high: mean + half };
}
