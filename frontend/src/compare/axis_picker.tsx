import type { JSX } from "preact";
import { change } from "../core/state";
import type { ColumnFacts } from "../core/types";

interface Props {
  columns: ColumnFacts[];
  names: string[];
  colour: string;
}

/** Which names have axes, and which one gives the colour. */
export function AxisPicker({ columns, names, colour }: Props): JSX.Element {
  const others = columns.filter(({ name, kind, differs }) => differs && kind !== "object" && !names.includes(name));
  const set = (axes: string[]): void => change({ axes }, true);
  return (
    <div class="tools" role="group" aria-label="Axes">
      {names.map((name) => (
        <button
          key={name}
          type="button"
          class="chip"
          disabled={names.length === 1}
          title={`No axis for ${name}`}
          onClick={() => set(names.filter((other) => other !== name))}
        >
          {name} ✕
        </button>
      ))}
      <select aria-label="Another axis" value="" onChange={(event) => event.currentTarget.value && set([...names, event.currentTarget.value])}>
        <option value="">Another axis…</option>
        {others.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <label>
        colour{" "}
        <select value={colour} onChange={(event) => change({ colour: event.currentTarget.value }, true)}>
          {[...new Set([colour, ...names, ...others.map(({ name }) => name)])].map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
    </div>
  );
}
