import type { JSX } from "preact";
import { shownKeys } from "../core/keys";
import { Dialog } from "./dialog";

export function KeysHelp({ onClose }: { onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Keys" onClose={onClose}>
      {shownKeys().map((group) => (
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
