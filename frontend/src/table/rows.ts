import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { ask, asProblem, listed, question } from "../core/api";
import type { Problem } from "../core/source";
import { address, version } from "../core/state";
import type { Rows } from "../core/types";
import { asRows, type Row } from "./rows_answer";
import { Windows } from "./windows";

export const CURVE = "curve";

/** What an answer says of all rows; `filter` and `groupby` are those that it is the answer to. */
export interface RowsFacts {
  filter: string;
  groupby: string;
  columns: string[];
  matched: number;
  total: number;
}

export interface RowsState {
  windows: Windows<Row>;
  facts: RowsFacts | null;
  problem: Problem | null;
  isSlow: boolean;
  /** Grows with each answer. */
  answers: number;
  /** Say which rows are looked at. */
  look(first: number, last: number): void;
  /** Fetch these rows, or where they are here their neighbours; gives whether they are. */
  fetch(): boolean;
}

const SLOW = 300;
/** Rows of a window: few, so that what a screen shows does not wait for what nobody sees. */
const SIZE = 20;
const KEPT = 600;
/** So many rows to either side are fetched once those are here that are looked at. */
const AHEAD = 150;

/** The rows that the address asks for, fetched in windows. */
export function useRows(): RowsState {
  const { filter, sort, columns, groupby } = address.value;
  const asked = columns?.map(({ name }) => name).filter((name) => name !== CURVE);
  const parameters = { filter, sort: listed(sort), columns: listed(asked ?? []), groupby: listed(groupby) };
  const query = JSON.stringify(parameters);
  const [windows] = useState(() => new Windows<Row>(SIZE, KEPT));
  const [facts, setFacts] = useState<RowsFacts | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isSlow, setSlow] = useState(false);
  const [answers, count] = useReducer((before: number) => before + 1, 0);
  const stop = useRef(new AbortController());
  const told = useRef({ turn: -1, matched: 0 });
  const looked = useRef<[number, number]>([0, 0]);
  useLayoutEffect(() => setProblem(null), [query]);
  useEffect(() => () => stop.current.abort(), []);

  /** Ask for windows `from` to `to` at once. */
  const fetchWindows = async (from: number, to: number): Promise<void> => {
    let turn = 0;
    for (let place = from; place <= to; place++) turn = windows.ask(place);
    const { signal } = stop.current;
    const slow = setTimeout(() => setSlow(true), SLOW);
    try {
      const range = { offset: from * SIZE, limit: (to - from + 1) * SIZE };
      const rows = await ask<Rows>(question("rows", { ...parameters, ...range }), "rows", signal);
      const found = asRows(rows);
      for (let place = from; place <= to; place++) {
        if (!windows.put(place, turn, found.slice((place - from) * SIZE, (place - from + 1) * SIZE))) return;
      }
      // While the server still reads, it chooses columns for each part: those of the first one stay.
      if (told.current.turn !== turn) {
        const { columns, matched, total } = rows;
        setFacts({ filter, groupby: parameters.groupby, columns, matched, total });
        told.current = { turn, matched };
      }
      setProblem(null);
    } catch (error) {
      if (!signal.aborted) setProblem(asProblem(error));
    } finally {
      clearTimeout(slow);
      setSlow(false);
      count(undefined);
    }
  };
  const want = (first: number, last: number): void => {
    const places = windows.missing(Math.max(0, first), Math.max(0, last));
    if (places.length > 0) void fetchWindows(places[0]!, places.at(-1)!);
  };
  const fetch = (): boolean => {
    // What the render before left waiting may come after another query has begun.
    if (!windows.isOf(query)) return false;
    const end = told.current.matched - 1;
    const first = looked.current[0];
    const last = Math.max(first, Math.min(looked.current[1], end));
    const isHere = windows.has(first, last);
    if (isHere) want(first - AHEAD, Math.min(last + AHEAD, end));
    else want(first, last);
    return isHere;
  };
  const isAnother = !windows.isOf(query);
  if (isAnother) {
    stop.current.abort();
    stop.current = new AbortController();
  }
  // At once: the server answers while this is drawn. Also where no row is shown that is looked at.
  if (windows.begin(query, version.value)) {
    // Of news all at once, since what is looked at is held where it is among rows that move.
    const more = isAnother ? 0 : AHEAD;
    want(looked.current[0] - more, looked.current[1] + more);
  }
  const look = (first: number, last: number): void => void (looked.current = [first, last]);
  return { windows, facts, problem, isSlow, answers, look, fetch };
}
