import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { plural } from "../core/format";
import { useKeys } from "../core/keys";
import { change } from "../core/state";
import { Failure } from "../parts/states";
import type { Stream } from "./use_console";
import { useSearch } from "./use_search";

interface Props {
  id: string;
  stream: Stream;
  text: string;
  onJump: (line: number) => void;
}

/** Go through the lines of the whole file that hold a text. */
export function SearchResults({ id, stream, text, onJump }: Props): JSX.Element {
  const { numbers, more, searched, held, isSlow, problem } = useSearch(id, stream, text);
  const [place, setPlace] = useState(0);
  const other: Stream = stream === "stdout" ? "stderr" : "stdout";
  const go = (to: number): void => {
    const next = (to + numbers.length) % Math.max(1, numbers.length);
    setPlace(next);
    const line = numbers[next];
    if (line !== undefined) onJump(line);
  };
  useEffect(() => go(0), [numbers[0]]);
  useKeys("Search", [
    { keys: "n", label: "next place", run: () => go(place + 1) },
    { keys: "N", label: "place before", run: () => go(place - 1) },
  ]);
  if (problem) return <Failure problem={problem} what="Searching failed" />;
  return (
    <span class="group" role="status">
      {numbers.length > 0 && `${place + 1} of ${numbers.length}${more ? "+" : ""} lines`}
      {numbers.length === 0 && searched >= 1 && `not found in ${stream}`}
      {held !== null && ` in the last ${plural(held, "line")}, which are all that this file holds`}
      {isSlow && ` searching… ${Math.floor(100 * searched)} %`}
      {numbers.length === 0 && searched >= 1 && (
        <button type="button" onClick={() => change({ part: other }, true)}>
          Look in {other}
        </button>
      )}
      {numbers.length > 0 && (
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
