import { useLayoutEffect, useState } from "preact/hooks";
import { source, useAnswer, type Answer } from "../core/api";

export interface Sketched<T> extends Answer<T> {
  /** The value is what some lines of long curves say, and all of them are being read. */
  isSketch: boolean;
}

/** Milliseconds that curves take when they have been read before, also many of them. */
const PATIENCE = 100;

/**
 * Ask about long curves; while they are read for the first time, which takes seconds, a sketch of
 * them is the answer.
 *
 * @param isUnread They are known to take long: the sketch is asked for at once.
 */
export function useSketched<T>(asked: string | null, name: string, version: number, isUnread = false): Sketched<T> {
  const whole = useAnswer<T>(asked, name, version);
  const isWaiting = source.isLive && asked !== null && whole.of !== asked && !whole.problem;
  const isLate = useLate(isWaiting ? asked : null, isUnread ? 0 : PATIENCE);
  const quick = isLate ? `${asked}&sketch=1` : null;
  const sketch = useAnswer<T>(quick, name);
  const isSketch = isLate && sketch.of === quick;
  return { ...whole, value: isSketch ? sketch.value : whole.value, isSketch };
}

/** Whether something has been wanted for some milliseconds. */
function useLate(wanted: string | null, milliseconds: number): boolean {
  const [late, setLate] = useState<string | null>(null);
  useLayoutEffect(() => {
    if (wanted === null) return setLate(null);
    const timer = setTimeout(() => setLate(wanted), milliseconds);
    return () => clearTimeout(timer);
  }, [wanted, milliseconds]);
  return wanted !== null && late === wanted;
}
