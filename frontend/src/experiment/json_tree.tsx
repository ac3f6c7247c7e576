import type { JSX } from "preact";
import { isObject, type Json } from "../core/json";

const OPEN_LEVELS = 2;
const SHOWN = 200;

/** Nested values that can be folded. */
export function JsonTree({ value, name = "", level = 0 }: { value: Json; name?: string; level?: number }): JSX.Element {
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
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <details class="json" open={level < OPEN_LEVELS && entries.length <= SHOWN}>
      <summary>
        {name && <span class="json-name">{name} </span>}
        <span class="faint">{size}</span>
      </summary>
      {entries.slice(0, SHOWN).map(([key, inner]) => (
        <JsonTree key={key} name={key} value={inner} level={level + 1} />
      ))}
      {entries.length > SHOWN && <div class="faint">and {entries.length - SHOWN} more</div>}
    </details>
  );
}
