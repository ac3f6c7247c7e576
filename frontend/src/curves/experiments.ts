import { useMemo } from "preact/hooks";
import { question, useAnswer, type Answer } from "../core/api";
import { formatValue } from "../core/format";
import type { Json } from "../core/json";
import { address, version } from "../core/state";
import type { Rows } from "../core/types";

export interface Shown {
  ids: string[];
  /** Names of what is not the same for all of them. */
  differing: string[];
  value(id: string, name: string): Json;
  /** The id, and what makes this one another than the others. */
  label(id: string): string;
  isChosen: boolean;
}

const NEWEST = 10;
const IN_LABEL = 3;

/** The experiments whose curves are meant: the selected ones, otherwise the newest that match. */
export function useShown(): Answer<Shown> {
  const { selected, filter, band } = address.value;
  const parameters = selected.length
    ? { ids: selected.join(","), columns: "args", limit: selected.length }
    : { filter, columns: "args", limit: NEWEST };
  const answer = useAnswer<Rows>(question("rows", parameters), "rows", selected.length ? 0 : version.value);
  const value = useMemo(() => answer.value && asShown(answer.value, selected), [answer.value, selected.join(","), band]);
  return { ...answer, value };
}

export function asShown(rows: Rows, selected: readonly string[]): Shown {
  const ids = rows.ids.map(String);
  const places = new Map(rows.columns.map((name, place) => [name, place]));
  const cells = new Map(ids.map((id, index) => [id, rows.cells[index] ?? []]));
  const value = (id: string, name: string): Json => cells.get(id)?.[places.get(name) ?? -1] ?? null;
  const distinct = (name: string): number => new Set(ids.map((id) => JSON.stringify(value(id, name)))).size;
  const differing = rows.columns.filter((name) => name.startsWith("args.") && distinct(name) > 1);
  // What has the most values tells experiments apart best.
  const telling = [...differing].sort((a, b) => distinct(b) - distinct(a)).slice(0, IN_LABEL);
  const label = (id: string): string => {
    const args = telling.map((name) => `${name.slice(name.lastIndexOf(".") + 1)}=${formatValue(value(id, name))}`);
    return [id, ...args].join(" ");
  };
  const order = new Map(selected.map((id, place) => [id, place]));
  const sorted = [...ids].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
  return { ids: sorted, differing, value, label, isChosen: selected.length > 0 };
}
