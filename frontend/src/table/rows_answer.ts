import type { Json } from "../core/json";
import type { Rows, StatusFacts } from "../core/types";

export interface Row {
  id: string;
  /** All experiments of a group; the one itself otherwise. */
  ids: string[];
  status: StatusFacts | null;
  at(name: string): Json;
}

/** The rows of an answer, whose values are found by the names of their columns. */
export function asRows(rows: Rows): Row[] {
  const places = new Map(rows.columns.map((name, place) => [name, place]));
  return rows.ids.map((id, index): Row => {
    const cells = rows.cells[index] ?? [];
    const ids = Array.isArray(id) ? id : [id];
    return {
      id: ids.join(","),
      ids,
      status: rows.statuses[index] ?? null,
      at: (name) => cells[places.get(name) ?? -1] ?? null,
    };
  });
}
