import { drawAxes } from "./axes";
import { axis, drawLines, type Projection } from "./draw";
import { frameOf, type Frame } from "./frame";
import { isNothing, seenOf } from "./lost";
import type { Line } from "./model";

export interface PlotState {
  lines: readonly Line[];
  focus: string;
  x: string;
  logx: boolean;
  logy: boolean;
  zoom: [number, number] | null;
}

export interface PlotEvents {
  /** Where the pointer is, in values; null when it left. */
  pointer(place: number | null, value: number | null): void;
  zoom(range: [number, number] | null): void;
}

const HEIGHT = 240;
const [LEFT, RIGHT, TOP, BOTTOM] = [58, 10, 8, 24];
/** A shorter way of the pointer is a click. */
const DRAG = 4;
/** How far an arrow key goes, as a share of the width. */
const STEP = 0.01;

/** One panel: a canvas with axes and curves, a line that follows the pointer, and what is dragged. */
export class Plot {
  private readonly canvas = document.createElement("canvas");
  private readonly line = element("plot-pointer");
  private readonly drag = element("plot-drag");
  private readonly size = new ResizeObserver(() => this.draw());
  private from: number | null = null;
  private pointed: number | null = null;
  frame: Frame = { x: [0, 1], y: [0, 1] };

  constructor(
    private readonly root: HTMLElement,
    private readonly state: () => PlotState,
    private readonly events: PlotEvents,
  ) {
    root.append(this.canvas, this.line, this.drag);
    root.addEventListener("pointerdown", this.down);
    root.addEventListener("pointermove", this.move);
    root.addEventListener("pointerup", this.up);
    root.addEventListener("pointerleave", this.leave);
    root.addEventListener("dblclick", this.reset);
    root.addEventListener("keydown", this.press);
    root.addEventListener("blur", this.leave);
    this.size.observe(root);
  }

  destroy(): void {
    this.size.disconnect();
    this.root.removeEventListener("pointerdown", this.down);
    this.root.removeEventListener("pointermove", this.move);
    this.root.removeEventListener("pointerup", this.up);
    this.root.removeEventListener("pointerleave", this.leave);
    this.root.removeEventListener("dblclick", this.reset);
    this.root.removeEventListener("keydown", this.press);
    this.root.removeEventListener("blur", this.leave);
    this.root.replaceChildren();
  }

  draw(): void {
    const state = this.state();
    const ratio = devicePixelRatio;
    const width = this.root.clientWidth;
    const context = this.canvas.getContext("2d");
    if (!context || width < LEFT + RIGHT + 10) return;
    // A canvas that gets a size is cleared by it.
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(HEIGHT * ratio);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${HEIGHT}px`;
    this.frame = frameOf(state);
    const to = this.projection(ratio);
    // An axis of nothing would be invented.
    if (!isNothing(seenOf(state))) drawAxes(context, this.frame, state, to);
    drawLines(context, state.lines, to, state.focus);
    this.point(this.pointed);
  }

  /** Show where the pointer is, on this panel or another. */
  point(place: number | null): void {
    this.pointed = place;
    const left = place === null ? NaN : this.projection(1).x(place);
    const isInside = left >= LEFT && left <= this.root.clientWidth - RIGHT;
    this.line.style.display = isInside ? "block" : "none";
    if (isInside) this.line.style.transform = `translateX(${left}px)`;
  }

  private projection(ratio: number): Projection {
    const { logx, logy } = this.state();
    const { x, y } = this.frame;
    const [left, top] = [LEFT * ratio, TOP * ratio];
    const width = this.root.clientWidth * ratio - left - RIGHT * ratio;
    const height = HEIGHT * ratio - top - BOTTOM * ratio;
    return {
      x: axis(x[0], x[1], logx, left, left + width),
      y: axis(y[0], y[1], logy, top + height, top),
      left,
      top,
      width,
      height,
      ratio,
    };
  }

  /** Without curves the axes mean nothing, and no place on them either. */
  private get isEmpty(): boolean {
    return this.state().lines.length === 0;
  }

  private placeAt(left: number): number {
    const share = (left - LEFT) / (this.root.clientWidth - LEFT - RIGHT);
    return rounded(between(this.frame.x, Math.min(1, Math.max(0, share)), this.state().logx), this.frame.x, this.state().logx);
  }

  private readonly down = (event: PointerEvent): void => {
    if (this.isEmpty || event.button !== 0) return;
    this.from = leftOf(event);
    this.root.setPointerCapture(event.pointerId);
  };

  private readonly move = (event: PointerEvent): void => {
    if (this.isEmpty) return;
    const left = leftOf(event);
    const top = event.clientY - this.root.getBoundingClientRect().top;
    const share = 1 - (top - TOP) / (HEIGHT - TOP - BOTTOM);
    this.events.pointer(this.placeAt(left), between(this.frame.y, share, this.state().logy));
    if (this.from === null) return;
    this.drag.style.display = Math.abs(left - this.from) < DRAG ? "none" : "block";
    this.drag.style.left = `${Math.min(left, this.from)}px`;
    this.drag.style.width = `${Math.abs(left - this.from)}px`;
  };

  private readonly up = (event: PointerEvent): void => {
    const [from, to] = [this.from, leftOf(event)];
    this.from = null;
    this.drag.style.display = "none";
    if (from === null || Math.abs(to - from) < DRAG) return;
    this.events.zoom([this.placeAt(Math.min(from, to)), this.placeAt(Math.max(from, to))]);
  };

  /** What the pointer does, by keys: the arrows walk, + and - zoom to where they are. */
  private readonly press = (event: KeyboardEvent): void => {
    if (this.isEmpty || event.ctrlKey || event.metaKey || event.altKey) return;
    const { logx } = this.state();
    const now = this.pointed === null ? 0.5 : shareAt(this.frame.x, this.pointed, logx);
    const at = (share: number): number => rounded(between(this.frame.x, share, logx), this.frame.x, logx);
    const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (step !== undefined) this.events.pointer(at(Math.min(1, Math.max(0, now + step))), null);
    else if (event.key === "+") this.events.zoom([at(now - 0.25), at(now + 0.25)]);
    else if (event.key === "-") this.events.zoom([at(now - 1), at(now + 1)]);
    else return;
    event.preventDefault();
  };

  private readonly leave = (): void => this.events.pointer(null, null);
  private readonly reset = (): void => this.events.zoom(null);
}

function element(name: string): HTMLElement {
  const made = document.createElement("div");
  made.className = name;
  return made;
}

function leftOf(event: PointerEvent): number {
  return event.clientX - (event.currentTarget as Element).getBoundingClientRect().left;
}

/** The value at a share of the way along an axis. */
function between([low, high]: [number, number], share: number, isLog: boolean): number {
  return isLog ? low * (high / low) ** share : low + share * (high - low);
}

function shareAt([low, high]: [number, number], place: number, isLog: boolean): number {
  return isLog ? Math.log(place / low) / Math.log(high / low) : (place - low) / (high - low);
}

/** Not more digits than pixels can tell apart: the place may become part of a link. */
export function rounded(place: number, [low, high]: [number, number], isLog: boolean): number {
  if (isLog) return Number(place.toPrecision(5));
  // Of a date most digits are the same all along the axis.
  const digits = Math.min(12, Math.max(0, 4 - Math.floor(Math.log10(high - low))));
  return Number(place.toFixed(digits));
}
