import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { ask, asProblem, listed, question } from "../core/api";
import type { Problem } from "../core/source";
import { address, version } from "../core/state";
import type { Rows } from "../core/types";
import { asRows, type Row } from "./rows_answer";
import { Windows } from "./windows";

export const CURVE = "curve";

export interface RowsFacts {
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
  want(first: number, last: number): void;
}

const SLOW = 300;

/** The rows that the address asks for, fetched in windows. */
export function useRows(): RowsState {
  const { filter, sort, columns, groupby } = address.value;
  const asked = columns?.map(({ name }) => name).filter((name) => name !== CURVE);
  const parameters = { filter, sort: listed(sort), columns: listed(asked ?? []), groupby: listed(groupby) };
  const query = JSON.stringify(parameters);
  const [windows] = useState(() => new Windows<Row>());
  const [facts, setFacts] = useState<RowsFacts | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isSlow, setSlow] = useState(false);
  const [answers, count] = useReducer((before: number) => before + 1, 0);
  const stop = useRef(new AbortController());
  windows.begin(query, version.value);

  useEffect(() => {
    setProblem(null);
    return () => {
      stop.current.abort();
      stop.current = new AbortController();
    };
  }, [query]);

  const fetchWindow = async (place: number): Promise<void> => {
    const turn = windows.ask(place);
    const { signal } = stop.current;
    const slow = setTimeout(() => setSlow(true), SLOW);
    try {
      const range = { offset: place * windows.size, limit: windows.size };
      const rows = await ask<Rows>(question("rows", { ...parameters, ...range }), "rows", signal);
      if (!windows.put(place, turn, asRows(rows))) return;
      setFacts({ columns: rows.columns, matched: rows.matched, total: rows.total });
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
    // What the render before left waiting may come after another query has begun.
    if (!windows.isOf(query)) return;
    for (const place of windows.missing(first, last)) void fetchWindow(place);
  };
  return { windows, facts, problem, isSlow, answers, want };
}
