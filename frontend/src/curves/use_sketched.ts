import { signal } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { source, useAnswer, type Answer } from "../core/api";

export interface Sketched<T> extends Answer<T> {
  /** The value is what some lines of long curves say, and all of them are being read. */
  isSketch: boolean;
}

/** A browser has few connections to a server, and a question about long curves keeps one for seconds. */
const AT_ONCE = 2;

/**
 * Ask about long curves; while they are read for the first time, which takes seconds, a sketch of
 * them is the answer.
 *
 * @param isSketchy Whether an answer may be a sketch.
 */
export function useSketched<T>(
  asked: string | null,
  name: string,
  version: number,
  isSketchy: (value: T) => boolean,
): Sketched<T> {
  const [unread, setUnread] = useState<string | null>(null);
  const isUnread = asked !== null && unread === asked;
  // A sketch need not follow what is logged meanwhile.
  const followed = useRef(version);
  if (!isUnread) followed.current = version;
  const question = asked !== null && source.isLive ? `${asked}&sketch=1` : asked;
  const quick = useAnswer<T>(question, name, followed.current);
  useLayoutEffect(() => {
    if (source.isLive && quick.value !== null && quick.of === question && isSketchy(quick.value)) setUnread(asked);
  }, [quick.value]);
  const whole = useQueued<T>(isUnread ? asked : null, name, version);
  if (!isUnread) return { ...quick, isSketch: false };
  if (whole.of === asked) return { ...whole, isSketch: false };
  return { ...whole, value: quick.value, of: quick.of, isSketch: true };
}

/** Ask when others are through that take long, too. */
function useQueued<T>(asked: string | null, name: string, version: number): Answer<T> {
  const [given, setGiven] = useState<string | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const isNext = useTurn(asked !== null && done !== asked);
  useLayoutEffect(() => {
    if (isNext) setGiven(asked);
  }, [isNext, asked]);
  const answer = useAnswer<T>(given === asked ? asked : null, name, version);
  useLayoutEffect(() => {
    if (answer.of === asked || answer.problem) setDone(asked);
  }, [answer, asked]);
  return answer;
}

const queue = signal<readonly symbol[]>([]);

/** Whether this one may now do what only some may do at once. */
function useTurn(isWanted: boolean): boolean {
  const own = useRef(Symbol());
  useLayoutEffect(() => {
    if (!isWanted) return;
    queue.value = [...queue.value, own.current];
    return () => {
      queue.value = queue.value.filter((other) => other !== own.current);
    };
  }, [isWanted]);
  const place = queue.value.indexOf(own.current);
  return place >= 0 && place < AT_ONCE;
}
