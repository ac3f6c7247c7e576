import { effect } from "@preact/signals";
import type { JSX, RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { address, change } from "../core/state";
import { colours } from "../core/theme";
import { Failure } from "../parts/states";
import { linesOf, type Entry } from "./lines";
import { isNothing, lostText, seenOf } from "./lost";
import { Plot, type PlotState } from "./plot";
import { movePointer, pointer } from "./pointer";
import { Readout } from "./readout";
import { save, type Form } from "./save";
import { useCurves } from "./use_curves";
import type { Sketched } from "./use_sketched";

interface Props {
  metric: string;
  /** Those that have this metric. */
  ids: string[];
  entries: Entry[];
  hidden: ReadonlySet<string>;
  focus: string;
}

export function Panel({ metric, ids, entries, hidden, focus }: Props): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const isSeen = useSeen(place);
  const answer = useCurves(metric, ids, isSeen);
  const { x, logx, logy, zoom, smooth, band, spread } = address.value;
  const lines = useMemo(
    () => linesOf(answer.value ?? [], entries, hidden),
    [answer.value, entries, hidden, smooth, band, spread, band && logx],
  );
  const state = { lines, focus, x, logx, logy, zoom };
  const seen = useMemo(() => seenOf(state), [lines, logx, logy, zoom]);
  const plot = usePlot(place, metric, state);
  const isEmpty = answer.value !== null && lines.length === 0;
  const onSave = (form: Form): void => {
    if (plot.current) save(form, metric, state, plot.current.frame);
  };
  return (
    <figure class="panel" aria-label={`Curves of ${metric}`}>
      <PanelHead metric={metric} reading={readingOf(answer)} isSketch={answer.isSketch} onSave={onSave} />
      <div
        class={answer.isSketch ? "plot sketch" : "plot"}
        ref={place}
        tabIndex={0}
        role="group"
        aria-busy={answer.value === null && !answer.problem}
        aria-label={`${metric}: arrow keys walk along it, + and - zoom`}
      />
      {isEmpty && (
        <p class="state">
          {answer.value?.length ? "All of its curves are hidden." : `Nothing of it was logged together with ${x}.`}
        </p>
      )}
      {seen.lost > 0 && (
        <p class={isNothing(seen) ? "state nothing" : "hint lost"} role="status">
          {lostText(seen)}
        </p>
      )}
      {answer.problem && <Failure problem={answer.problem} what="These curves cannot be drawn" />}
      <Readout metric={metric} lines={lines} x={x} />
    </figure>
  );
}

interface HeadProps {
  metric: string;
  reading: string;
  isSketch: boolean;
  onSave: (form: Form) => void;
}

function readingOf({ isSlow, isSketch }: Sketched<unknown>): string {
  if (isSketch) return "a sketch; reading all points…";
  return isSlow ? "reading…" : "";
}

function PanelHead({ metric, reading, isSketch, onSave }: HeadProps): JSX.Element {
  const { panels } = address.value;
  const isPinned = panels.includes(metric);
  const pin = (): void => change({ panels: isPinned ? panels.filter((name) => name !== metric) : [...panels, metric] });
  return (
    <figcaption>
      <span class="name" title={metric}>
        {metric}
      </span>
      {reading && <small role="status">{reading}</small>}
      <button type="button" class="quiet" aria-pressed={isPinned} onClick={pin} title="Keep it at the top">
        {isPinned ? "pinned" : "pin"}
      </button>
      {(["svg", "png", "csv"] as const).map((form) => (
        <button key={form} type="button" class="quiet" disabled={isSketch} onClick={() => onSave(form)} aria-label={`Save ${metric} as ${form}`}>
          {form}
        </button>
      ))}
    </figcaption>
  );
}

/** Keep a plot in a place, and draw whenever something of it is another. */
function usePlot(place: RefObject<HTMLDivElement>, metric: string, state: PlotState): RefObject<Plot> {
  const plot = useRef<Plot | null>(null);
  const latest = useRef(state);
  latest.current = state;
  useEffect(() => {
    if (!place.current) return;
    const made = new Plot(place.current, () => latest.current, {
      pointer: (at, value) => movePointer({ place: at, value, metric }),
      zoom: (range) => change({ zoom: range }),
    });
    plot.current = made;
    const follow = effect(() => made.point(pointer.value.place));
    return () => {
      follow();
      made.destroy();
    };
  }, []);
  useEffect(() => plot.current?.draw(), [state.lines, state.zoom, state.focus, state.logx, state.logy, state.x, colours.value]);
  return plot;
}

/** True once the element has come near to what is seen of the page. */
function useSeen(element: RefObject<HTMLElement>): boolean {
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    const node = element.current;
    if (!node) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        setSeen(true);
        observer.disconnect();
      },
      { rootMargin: "300px" },
    );
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  return isSeen;
}
