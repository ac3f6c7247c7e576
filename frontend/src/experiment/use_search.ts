import { useEffect, useState } from "preact/hooks";
import { SLOW, ask, asProblem, experimentPath, question } from "../core/api";
import type { Problem } from "../core/source";
import type { Console } from "../core/types";
import type { Stream } from "./use_console";

const MOST = 1000;

export interface SearchState {
  numbers: number[];
  /** Whether there are more than these. */
  more: boolean;
  /** How much of the file was looked through, from 0 to 1. */
  searched: number;
  held: number | null;
  isSlow: boolean;
  problem: Problem | null;
}

const NOTHING: SearchState = { numbers: [], more: false, searched: 0, held: null, isSlow: false, problem: null };

/** Search a whole stream. One answer reaches as far as a second or two allow: the next one goes on from there. */
export function useSearch(id: string, stream: Stream, text: string): SearchState {
  const [state, setState] = useState(NOTHING);
  useEffect(() => {
    const stop = new AbortController();
    const slow = setTimeout(() => setState((last) => ({ ...last, isSlow: true })), SLOW);
    const search = async (): Promise<void> => {
      const numbers: number[] = [];
      let next: number | null = 0;
      while (next !== null) {
        const asked = question(experimentPath(id, "console"), { stream, search: text, start: next, count: MOST - numbers.length });
        const found: Console = await ask<Console>(asked, "console", stop.signal);
        numbers.push(...(found.numbers ?? []));
        next = numbers.length < MOST ? (found.next ?? null) : null;
        if (next === null) clearTimeout(slow);
        setState((last) => ({
          numbers: [...numbers],
          more: found.more && next === null,
          searched: found.searched ?? 1,
          held: found.held ?? null,
          isSlow: last.isSlow && next !== null,
          problem: null,
        }));
      }
    };
    search().catch((error: unknown) => {
      if (!stop.signal.aborted) setState((last) => ({ ...last, isSlow: false, problem: asProblem(error) }));
    });
    return () => {
      stop.abort();
      clearTimeout(slow);
    };
  }, [id, stream, text]);
  return state;
}
