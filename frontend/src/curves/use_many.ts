import { useAnswer, type Answer } from "../core/api";

export interface AnswerOfMany<T> extends Answer<T> {
  /** How many of those that were asked about the answer lacks as yet. */
  lacking: number;
}

const FIRST = 10;

/**
 * Ask about many experiments; while that takes long, what is known of the first ones is the answer,
 * since long curves that nobody has read before are read one after the other.
 */
export function useAnswerOfMany<T>(
  questionOf: (ids: readonly string[]) => string | null,
  ids: readonly string[],
  name: string,
  version: number,
): AnswerOfMany<T> {
  const all = useAnswer<T>(questionOf(ids), name, version);
  const isLong = all.value === null && all.isSlow && ids.length > FIRST;
  const first = useAnswer<T>(isLong ? questionOf(ids.slice(0, FIRST)) : null, name, version);
  if (!isLong || first.value === null) return { ...all, lacking: 0 };
  return { ...all, value: first.value, lacking: ids.length - FIRST };
}
