import type { JsonObject } from "../core/json";
import type { Line } from "../core/types";

const ABSENT: Line = [["(not in this file)", "2"]];

/** The lines that are asked for, of the last ones that a file holds. */
export function linesOf(console: JsonObject, query: URLSearchParams): JsonObject {
  const lines = console.lines as Line[];
  const first = Number(console.start ?? 0);
  const errors = (console.errors as number[] | undefined ?? []).filter((line) => line >= first);
  const count = Number(query.get("count") ?? 500);
  const asked = Number(query.get("start") ?? 0);
  const text = (query.get("search") ?? "").toLowerCase();
  if (text) return { ...found(lines, first, text, Math.max(0, asked), count), errors: [] };
  const start = asked < 0 ? Math.max(0, first + lines.length + asked) : asked;
  const end = Math.min(start + count, first + lines.length);
  const shown = Array.from({ length: Math.max(0, end - start) }, (_, step) => lines[start + step - first] ?? ABSENT);
  return { ...console, errors, start, lines: shown, more: end < first + lines.length };
}

function found(lines: readonly Line[], first: number, text: string, start: number, count: number): JsonObject {
  const numbers = lines.flatMap((line, place) => {
    const has = line.map(([part]) => part).join("").toLowerCase().includes(text);
    return has && first + place >= start ? [first + place] : [];
  });
  const some = numbers.slice(0, count);
  return {
    numbers: some,
    lines: some.map((number) => lines[number - first]!),
    start,
    total: numbers.length,
    more: numbers.length > count,
    searched: 1,
    held: first > 0 ? lines.length : null,
  };
}
