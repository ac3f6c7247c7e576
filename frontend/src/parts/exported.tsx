import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { question, useAnswer } from "../core/api";
import type { Exported } from "../core/types";
import { Dialog } from "./dialog";
import { Answered } from "./states";

/** Says that the page is a file, and on demand what is not in it. */
export function ExportedMark(): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="quiet" onClick={() => setOpen(true)} title="What is in this file">
        exported
      </button>
      {isOpen && <About onClose={() => setOpen(false)} />}
    </>
  );
}

function About({ onClose }: { onClose: () => void }): JSX.Element {
  const answer = useAnswer<Exported>(question("exported"), "exported");
  return (
    <Dialog title="An exported page" onClose={onClose}>
      <Answered answer={answer} what="Reading what is in this file">
        {({ time, points, lacking }) => (
          <>
            <p>
              It shows the experiments as they were at {time.slice(0, 16).replace("T", " ")} UTC, and needs no server and no
              network. Tags, notes and names cannot be changed in it.
            </p>
            <p>{points ? `Its curves are thinned to at most ${points} groups of points.` : "It holds no curves."}</p>
            <Lacking lacking={lacking} />
          </>
        )}
      </Answered>
    </Dialog>
  );
}

function Lacking({ lacking }: { lacking: Exported["lacking"] }): JSX.Element {
  const kinds = Object.entries(lacking);
  if (kinds.length === 0) return <p>Nothing was left out for its size.</p>;
  return (
    <>
      <p>Left out, so that the file is no larger (a larger --max-size holds more):</p>
      <ul>
        {kinds.map(([kind, count]) => (
          <li key={kind}>
            {kind}: {count}
          </li>
        ))}
      </ul>
    </>
  );
}
