import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { experimentPath, question, useAnswer } from "../core/api";
import { plural } from "../core/format";
import { useKeys } from "../core/keys";
import type { Console } from "../core/types";
import { Failure } from "../parts/states";
import type { Stream } from "./use_console";

interface Props {
  id: string;
  stream: Stream;
  text: string;
  onJump: (line: number) => void;
}

const MOST = 1000;

/** Go through the lines of the whole file that hold a text. */
export function SearchResults({ id, stream, text, onJump }: Props): JSX.Element {
  const asked = question(experimentPath(id, "console"), { stream, search: text, start: 0, count: MOST });
  const { value, problem, isSlow } = useAnswer<Console>(asked, "console");
  const [place, setPlace] = useState(0);
  const found = value?.numbers ?? [];
  const go = (to: number): void => {
    const next = (to + found.length) % Math.max(1, found.length);
    setPlace(next);
    const line = found[next];
    if (line !== undefined) onJump(line);
  };
  useEffect(() => go(0), [value]);
  useKeys("Search", [
    { keys: "n", label: "next place", run: () => go(place + 1) },
    { keys: "N", label: "place before", run: () => go(place - 1) },
  ]);
  if (problem) return <Failure problem={problem} what="Searching failed" />;
  const isPart = value !== null && (value.searched ?? 1) < 1;
  return (
    <span class="group" role="status">
      {isSlow && "searching…"}
      {value && (found.length ? `${place + 1} of ${found.length}${value.more ? "+" : ""} lines` : "not found")}
      {typeof value?.held === "number" && ` in the last ${plural(value.held, "line")}, which are all that this file holds`}
      {isPart && ` in the first ${Math.round(100 * (value.searched ?? 1))} % of the file`}
      {found.length > 0 && (
        <>
          <button type="button" onClick={() => go(place - 1)} aria-label="Place before" title="N">
            ↑
          </button>
          <button type="button" onClick={() => go(place + 1)} aria-label="Next place" title="n">
            ↓
          </button>
        </>
      )}
    </span>
  );
}
