import type { JSX } from "preact";
import { experimentPath, question, useAnswer } from "../core/api";
import { changes, openExperiment } from "../core/state";
import type { Console } from "../core/types";
import { LineText } from "./line_text";

const LOOKED_AT = 400;
const SHOWN = 60;

/** What an experiment that failed printed last: that is why its page was opened. */
export function Traceback({ id, message }: { id: string; message: string }): JSX.Element {
  const asked = question(experimentPath(id, "console"), { stream: "stderr", start: -LOOKED_AT, count: LOOKED_AT });
  const { value } = useAnswer<Console>(asked, "console", changes.value.get(id) ?? 0);
  const lines = value ? value.lines.slice(startOf(value)).slice(-SHOWN) : [];
  return (
    <section class="card failed">
      <h2>How it failed</h2>
      {message && <p class="reason">{message}</p>}
      {lines.length > 0 && (
        <pre class="console-text" tabIndex={0} aria-label="The end of what it printed">
          {lines.map((line, index) => (
            <LineText key={index} line={line} />
          ))}
        </pre>
      )}
      <button type="button" onClick={() => openExperiment(id, "console", "stderr")}>
        Open the console
      </button>
    </section>
  );
}

/** Where the last traceback begins among the lines that were sent; else the last twenty lines. */
function startOf({ errors, start, lines }: Console): number {
  const inside = (errors ?? []).map((line) => line - start).filter((place) => place >= 0 && place < lines.length);
  return inside.at(-1) ?? Math.max(0, lines.length - 20);
}
