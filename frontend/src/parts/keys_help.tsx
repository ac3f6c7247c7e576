import type { JSX } from "preact";
import { shownKeys } from "../core/keys";
import { Dialog } from "./dialog";

/** What the editor of a cell does by itself. */
const EDITING = {
  title: "In an edited cell",
  keys: [
    { keys: "Enter", label: "save" },
    { keys: "Escape", label: "leave it as it was" },
    { keys: "Tab", label: "save, and edit the next cell" },
  ],
};

export function KeysHelp({ onClose }: { onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Keys" onClose={onClose}>
      {[...shownKeys(), EDITING].map((group) => (
        <section key={group.title}>
          <h3>{group.title}</h3>
          <dl class="keys">
            {group.keys.map(({ keys, label }) => (
              <div key={keys}>
                <dt>
                  {keys.split(/ (?=.)/).map((key) => (
                    <kbd key={key}>{key === " " ? "space" : key.replace("Arrow", "")}</kbd>
                  ))}
                </dt>
                <dd>{label}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
