import type { JSX } from "preact";
import type { Brush } from "../core/address";
import { address, change } from "../core/state";
import { brushed } from "./points";
import type { Scale } from "./scale";

/** The limits of the axes as fields: for exact values, and for who has no mouse. */
export function Limits({ scales }: { scales: Scale[] }): JSX.Element {
  const { brushes } = address.value;
  const set = (name: string, low: number, high: number): void => change({ brushes: brushed(brushes, name, low, high, false) }, true);
  const limited = brushes.flatMap((brush) => {
    const scale = scales.find(({ name }) => name === brush.name);
    return scale ? [{ brush, scale }] : [];
  });
  const free = scales.filter(({ name }) => !brushes.some((brush) => brush.name === name));
  return (
    <div class="tools" role="group" aria-label="Limits">
      {limited.map(({ brush, scale }) => (
        <Limit key={brush.name} brush={brush} scale={scale} onChange={(low, high) => set(brush.name, low, high)} />
      ))}
      {free.length > 0 && (
        <select
          aria-label="Limit an axis"
          value=""
          onChange={({ currentTarget }) => {
            const scale = scales.find(({ name }) => name === currentTarget.value);
            if (scale) set(scale.name, scale.low, scale.high);
          }}
        >
          <option value="">Limit an axis…</option>
          {free.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
      <span class="hint">Or drag along an axis.</span>
    </div>
  );
}

interface LimitProps {
  brush: Brush;
  scale: Scale;
  onChange: (low: number, high: number) => void;
}

function Limit({ brush: { name, low, high }, scale, onChange }: LimitProps): JSX.Element {
  // At least one word, or one number, is inside.
  const least = scale.words ? 1 : 0;
  const remove = (): void => change({ brushes: address.value.brushes.filter((other) => other.name !== name) }, true);
  return (
    <span class="limit">
      {name}
      <End label={`Lowest ${name}`} value={low} scale={scale} side={-0.5} onChange={(value) => onChange(value, Math.max(value + least, high))} />
      to
      <End label={`Highest ${name}`} value={high} scale={scale} side={0.5} onChange={(value) => onChange(Math.min(low, value - least), value)} />
      <button type="button" class="quiet" aria-label={`No limit of ${name}`} onClick={remove}>
        ✕
      </button>
    </span>
  );
}

interface EndProps {
  label: string;
  value: number;
  scale: Scale;
  /** Words are limited halfway between two of them. */
  side: -0.5 | 0.5;
  onChange: (value: number) => void;
}

function End({ label, value, scale: { words }, side, onChange }: EndProps): JSX.Element {
  if (words === null) {
    const take = ({ currentTarget: { value: text, valueAsNumber } }: JSX.TargetedEvent<HTMLInputElement>): void => {
      if (text !== "" && Number.isFinite(valueAsNumber)) onChange(valueAsNumber);
    };
    return <input type="number" step="any" aria-label={label} value={value} onChange={take} />;
  }
  const inner = side < 0 ? Math.ceil(value) : Math.floor(value);
  const place = Math.min(words.length - 1, Math.max(0, inner));
  return (
    <select aria-label={label} value={place} onChange={(event) => onChange(Number(event.currentTarget.value) + side)}>
      {words.map((word, index) => (
        <option key={word} value={index}>
          {word}
        </option>
      ))}
    </select>
  );
}
