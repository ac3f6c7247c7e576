import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { isObject, type Json } from "../core/json";

const OPEN_LEVELS = 2;
const SHOWN = 200;

/** Nested values that can be folded; what was never opened is not made, however much or deep it is. */
export function JsonTree({ value, name = "", level = 0 }: { value: Json; name?: string; level?: number }): JSX.Element {
  const size = Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : 0;
  const [isOpen, setOpen] = useState(level < OPEN_LEVELS && size <= SHOWN);
  const entries = Array.isArray(value)
    ? value.map((inner, index): [string, Json] => [String(index), inner])
    : isObject(value)
      ? Object.entries(value)
      : null;
  if (!entries) {
    return (
      <div class="json-leaf">
        {name && <span class="json-name">{name}: </span>}
        <span class={`json-${value === null ? "null" : typeof value}`}>{JSON.stringify(value)}</span>
      </div>
    );
  }
  return (
    <details class="json" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {name && <span class="json-name">{name} </span>}
        <span class="faint">{Array.isArray(value) ? `[${size}]` : `{${size}}`}</span>
      </summary>
      {isOpen &&
        entries.slice(0, SHOWN).map(([key, inner]) => <JsonTree key={key} name={key} value={inner} level={level + 1} />)}
      {size > SHOWN && <div class="faint">and {size - SHOWN} more</div>}
    </details>
  );
}
