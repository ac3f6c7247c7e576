import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { useKeys } from "../core/keys";
import { address, change } from "../core/state";

interface Props {
  metrics: string[];
  /** Args that are not the same everywhere: bands can be made of those that share them. */
  differing: string[];
  problem: string;
  /** Metrics that were logged rarely are not known as yet. */
  isReading: boolean;
}

const NO_METRICS: ReadonlySet<string> = new Set(["step", "relative", "wall"]);

export function Controls({ metrics, differing, problem, isReading }: Props): JSX.Element {
  const now = address.value;
  const search = useRef<HTMLInputElement>(null);
  useKeys("Curves", [
    { keys: "/", label: "search metrics", run: () => search.current?.focus() },
    { keys: "y", label: "logarithmic y, or not", run: () => change({ logy: !now.logy }) },
    { keys: "l", label: "logarithmic x, or not", run: () => change({ logx: !now.logx, zoom: null }) },
    { keys: "s", label: "smooth more", run: () => change({ smooth: more(now.smooth, 1) }) },
    { keys: "S", label: "smooth less", run: () => change({ smooth: more(now.smooth, -1) }) },
    { keys: "p", label: "to the first panel: there arrows walk along it, + and - zoom", run: firstPanel },
    { keys: "0", label: "zoom out", run: () => change({ zoom: null }) },
  ]);
  return (
    <div class="tools">
      <input
        ref={search}
        type="search"
        aria-label="Search metrics by a regular expression"
        placeholder="Metrics: loss|acc   ( / )"
        aria-invalid={problem !== ""}
        title={problem}
        value={now.metrics}
        onInput={(event) => change({ metrics: event.currentTarget.value })}
        onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
      />
      {problem && <span class="failure">{problem}</span>}
      <label>
        x{" "}
        <select value={now.x} onChange={(event) => change({ x: event.currentTarget.value, zoom: null }, true)}>
          <option value="step">step</option>
          <option value="relative">time since the start</option>
          <option value="wall">date</option>
          {(NO_METRICS.has(now.x) || metrics.includes(now.x) ? metrics : [now.x, ...metrics]).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <Check label="log x" isOn={now.logx} onChange={(logx) => change({ logx, zoom: null })} />
      <Check label="log y" isOn={now.logy} onChange={(logy) => change({ logy })} />
      <label title="A moving average; the raw curve stays behind it">
        smooth{" "}
        <input
          type="range"
          min="0"
          max="0.99"
          step="0.01"
          value={now.smooth}
          onInput={(event) => change({ smooth: Number(event.currentTarget.value) })}
        />
        <output>{now.smooth ? now.smooth.toFixed(2) : "off"}</output>
      </label>
      <label title="One curve with a band for all that share this value">
        band by{" "}
        <select value={now.band} onChange={(event) => change({ band: event.currentTarget.value }, true)}>
          <option value="">nothing</option>
          {(now.band && !differing.includes(now.band) ? [now.band, ...differing] : differing).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {now.band && (
        <select
          aria-label="What bands show"
          value={now.spread}
          onChange={(event) => change({ spread: event.currentTarget.value === "std" ? "std" : "range" })}
        >
          <option value="range">lowest to highest</option>
          <option value="std">± deviation</option>
        </select>
      )}
      {now.zoom && (
        <button type="button" onClick={() => change({ zoom: null })} title="Or double-click a panel (0)">
          Zoom out
        </button>
      )}
      {isReading && (
        <span class="hint" role="status">
          Looking for further metrics…
        </span>
      )}
    </div>
  );
}

function firstPanel(): void {
  document.querySelector<HTMLElement>(".plot")?.focus();
}

function more(smooth: number, direction: number): number {
  return Math.min(0.99, Math.max(0, Math.round((smooth + direction * 0.1) * 100) / 100));
}

interface CheckProps {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
}

function Check({ label, isOn, onChange }: CheckProps): JSX.Element {
  return (
    <label>
      <input type="checkbox" checked={isOn} onChange={(event) => onChange(event.currentTarget.checked)} /> {label}
    </label>
  );
}
