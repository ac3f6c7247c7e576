import type { JSX } from "preact";
import { openExperiment } from "../core/state";
import type { Entry } from "./lines";

interface Props {
  entries: Entry[];
  hidden: ReadonlySet<string>;
  onHide: (hidden: ReadonlySet<string>) => void;
  onFocus: (id: string) => void;
}

/** All curves of the page: point at one to see it before the others, click to hide it. */
export function Legend({ entries, hidden, onHide, onFocus }: Props): JSX.Element {
  const toggle = (entry: Entry, isAlone: boolean): void => {
    const others = entries.filter(({ id }) => id !== entry.id).map(({ id }) => id);
    if (isAlone) return onHide(others.every((id) => hidden.has(id)) ? new Set() : new Set(others));
    const next = new Set(hidden);
    if (!next.delete(entry.id)) next.add(entry.id);
    onHide(next);
  };
  return (
    <ul class="legend" aria-label="Experiments" onMouseLeave={() => onFocus("")}>
      {entries.map((entry) => (
        <li key={entry.id} onMouseEnter={() => onFocus(entry.id)}>
          <button
            type="button"
            class="quiet"
            aria-pressed={!hidden.has(entry.id)}
            title="Show or hide; with shift: this one alone"
            onClick={(event) => toggle(entry, event.shiftKey)}
            onFocus={() => onFocus(entry.id)}
            onBlur={() => onFocus("")}
          >
            <i style={{ background: hidden.has(entry.id) ? "transparent" : entry.colour, borderColor: entry.colour }} />
            {entry.label}
          </button>
          {entry.ids.length === 1 && (
            <button type="button" class="quiet open" aria-label={`Open ${entry.id}`} onClick={() => openExperiment(entry.ids[0]!)}>
              →
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
