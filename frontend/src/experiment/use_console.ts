import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { ask, asProblem, experimentPath, question } from "../core/api";
import type { Problem } from "../core/source";
import { changes } from "../core/state";
import type { Console, Line } from "../core/types";
import { Windows } from "../table/windows";

export type Stream = "stdout" | "stderr";

export interface ConsoleState {
  windows: Windows<Line>;
  total: number;
  errors: number[];
  problem: Problem | null;
  isSlow: boolean;
  isKnown: boolean;
  answers: number;
  want(first: number, last: number): void;
}

const PAGE = 2000;
const SLOW = 300;

/** What was printed, in pages that are fetched when they are looked at. */
export function useConsole(id: string, stream: Stream): ConsoleState {
  const [windows] = useState(() => new Windows<Line>(PAGE, 10));
  const [known, setKnown] = useState<{ total: number; errors: number[] } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isSlow, setSlow] = useState(false);
  const [answers, count] = useReducer((before: number) => before + 1, 0);
  const isGone = useRef(false);
  const changed = changes.value.get(id) ?? 0;
  windows.begin(`${id}/${stream}`, changed);

  const fetchPage = async (place: number): Promise<void> => {
    const turn = windows.ask(place);
    const slow = setTimeout(() => setSlow(true), SLOW);
    try {
      const asked = question(experimentPath(id, "console"), { stream, start: place * PAGE, count: PAGE });
      const page = await ask<Console>(asked, "console");
      if (isGone.current || !windows.put(place, turn, page.lines)) return;
      setKnown({ total: page.total, errors: page.errors ?? [] });
      setProblem(null);
    } catch (error) {
      if (!isGone.current) setProblem(asProblem(error));
    } finally {
      clearTimeout(slow);
      setSlow(false);
      count(undefined);
    }
  };
  const want = (first: number, last: number): void => {
    for (const place of windows.missing(Math.max(0, first), Math.max(0, last))) void fetchPage(place);
  };
  useEffect(() => want(0, 0), []);
  useEffect(() => {
    // More may have been printed: the last page says how many lines there are now.
    if (known) want(known.total, known.total);
  }, [changed]);
  useEffect(() => () => void (isGone.current = true), []);
  return {
    windows,
    total: known?.total ?? 0,
    errors: known?.errors ?? [],
    problem,
    isSlow,
    isKnown: known !== null,
    answers,
    want,
  };
}
