import type { JsonObject } from "../core/json";
import { filterOf } from "./filter";
import { groupsOf } from "./groups";
import type { InlinedTable } from "./table";
import { sortedBy } from "./values";

/** A part of the table, as the server would have chosen it. */
export function rowsOf(table: InlinedTable, query: URLSearchParams): JsonObject {
  const offset = Number(query.get("offset") ?? 0);
  const limit = Number(query.get("limit") ?? 200);
  const sort = namesOf(query.get("sort"));
  const asked = namesOf(query.get("columns"));
  const groupby = namesOf(query.get("groupby"));
  const rows = matching(table, query.get("filter") ?? "");
  if (groupby.length > 0) return groupsOf(table, { rows, groupby, sort, columns: asked, offset, limit });
  const order = chosen(table, ordered(table, rows, sort), query.get("ids"), sort.length > 0);
  const columns = asked.length > 0 ? asked.flatMap((name) => inGroup(table, name)) : table.usual;
  const places = columns.map((name) => table.place(name, "Columns"));
  const some = order.slice(offset, offset + limit);
  return {
    total: table.ids.length,
    matched: order.length,
    offset,
    columns,
    ids: some.map((row) => table.ids[row]!),
    cells: some.map((row) => places.map((place) => table.value(row, place))),
    statuses: some.map((row) => table.statuses[row] ?? null),
  };
}

/** The rows that match a filter, in the order of the store. */
export function matching(table: InlinedTable, filter: string): number[] {
  if (filter.trim() === "") return table.rows;
  return table.rows.filter(filterOf(filter, table));
}

/** The names of a list, as `listed` writes them. */
export function namesOf(list: string | null): string[] {
  const parts = [...(list ?? "").matchAll(/\s*(-?)(?:`([^`]*)`|([^,`]*))\s*(?:,|$)/g)];
  return parts.flatMap(([, sign = "", quoted, plain = ""]) => {
    const name = quoted ?? plain.trim();
    return name ? [sign + name] : [];
  });
}

/** Rows in the order that is asked for; otherwise the newest first. */
function ordered(table: InlinedTable, rows: number[], sort: readonly string[]): number[] {
  if (sort.length === 0) return rows.reverse();
  for (const word of [...sort].reverse()) {
    const place = table.place(word.replace(/^-/, ""), "Sort");
    rows = sortedBy(rows, (row) => table.key(row, place), word.startsWith("-"));
  }
  return rows;
}

/** Only some experiments; unless it is sorted, in the order in which they are named. */
function chosen(table: InlinedTable, rows: number[], ids: string | null, isSorted: boolean): number[] {
  if (ids === null) return rows;
  const wanted = table.ids.includes(ids) ? [ids] : ids.split(",").map((id) => id.trim());
  const there = new Map(rows.map((row) => [table.ids[row]!, row]));
  if (!isSorted) return [...new Set(wanted)].flatMap((id) => there.get(id) ?? []);
  const named = new Set(wanted);
  return rows.filter((row) => named.has(table.ids[row]!));
}

/** The name of a group means all columns in it. */
function inGroup(table: InlinedTable, name: string): string[] {
  if (table.columns.includes(name) || !["args", "summary", "annotations"].includes(name)) return [name];
  return table.columns.filter((column) => column.startsWith(`${name}.`));
}
