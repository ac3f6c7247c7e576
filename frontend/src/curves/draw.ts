import { partsOf } from "./bands";
import type { Line } from "./model";

/** How values become places on the canvas. */
export interface Projection {
  x(value: number): number;
  y(value: number): number;
  left: number;
  top: number;
  width: number;
  height: number;
  ratio: number;
}

/** The formula of an axis, made once for the 200,000 points of many curves. */
export function axis(low: number, high: number, isLog: boolean, from: number, to: number): (value: number) => number {
  const [a, b] = isLog ? [Math.log10(low), Math.log10(high)] : [low, high];
  const scale = (to - from) / (b - a || 1);
  if (!isLog) return (value) => from + (value - a) * scale;
  return (value) => (value > 0 ? from + (Math.log10(value) - a) * scale : NaN);
}

export function drawLines(context: CanvasRenderingContext2D, lines: readonly Line[], to: Projection, focus: string): void {
  context.save();
  context.beginPath();
  context.rect(to.left, to.top, to.width, to.height);
  context.clip();
  context.lineJoin = "round";
  const isCrowded = lines.length > 12;
  for (const line of lines) drawSessions(context, line, to);
  for (const line of lines) drawBand(context, line, to, alphaOf(line, focus, isCrowded ? 0.1 : 0.18));
  for (const line of lines) {
    if (line.isSmoothed) stroke(context, line, line.mean, to, alphaOf(line, focus, isCrowded ? 0.15 : 0.28), 1);
  }
  for (const line of lines) {
    const width = focus === line.id ? 2.5 : isCrowded ? 1 : 1.6;
    for (const { values, isWhole } of partsOf(line)) {
      context.setLineDash(isWhole ? [] : [4 * to.ratio, 3 * to.ratio]);
      stroke(context, line, values, to, alphaOf(line, focus, 1), width);
    }
  }
  context.setLineDash([]);
  for (const line of lines) drawOdd(context, line, to);
  context.restore();
}

function alphaOf(line: Line, focus: string, alpha: number): number {
  return focus === "" || focus === line.id ? alpha : alpha * 0.25;
}

function stroke(
  context: CanvasRenderingContext2D,
  { x, colour }: Line,
  values: Float64Array,
  to: Projection,
  alpha: number,
  width: number,
): void {
  context.globalAlpha = alpha;
  context.strokeStyle = colour;
  context.lineWidth = width * to.ratio;
  context.beginPath();
  let isDown = false;
  for (let index = 0; index < x.length; index++) {
    const y = to.y(values[index]!);
    if (!Number.isFinite(y)) {
      isDown = false;
      continue;
    }
    const place = to.x(x[index]!);
    if (isDown) context.lineTo(place, y);
    else {
      context.moveTo(place, y);
      // A point alone between gaps is a dot, not nothing.
      if (!Number.isFinite(to.y(values[index + 1] ?? NaN))) context.rect(place - 1, y - 1, 2, 2);
    }
    isDown = true;
  }
  context.stroke();
}

function drawBand(context: CanvasRenderingContext2D, { x, low, high, colour }: Line, to: Projection, alpha: number): void {
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.lineWidth = to.ratio;
  let start = 0;
  const isGap = (index: number): boolean => !Number.isFinite(low[index]!) || !Number.isFinite(to.y(high[index]!));
  while (start < x.length) {
    while (start < x.length && isGap(start)) start++;
    let end = start;
    while (end < x.length && !isGap(end)) end++;
    if (end === start) break;
    traceBetween(context, x, low, high, start, end, to);
    // A spike is narrower than a pixel: its outline makes it seen.
    context.globalAlpha = alpha;
    context.fill();
    context.globalAlpha = Math.min(1, 1.6 * alpha);
    context.stroke();
    start = end;
  }
}

function traceBetween(
  context: CanvasRenderingContext2D,
  x: Float64Array,
  low: Float64Array,
  high: Float64Array,
  start: number,
  end: number,
  to: Projection,
): void {
  const bottom = to.top + to.height;
  context.beginPath();
  for (let index = start; index < end; index++) context.lineTo(to.x(x[index]!), to.y(high[index]!));
  for (let index = end - 1; index >= start; index--) {
    const y = to.y(low[index]!);
    // On a logarithmic axis what is not above zero is below all that is seen.
    context.lineTo(to.x(x[index]!), Number.isFinite(y) ? y : bottom);
  }
}

function drawSessions(context: CanvasRenderingContext2D, { sessions, colour }: Line, to: Projection): void {
  context.globalAlpha = 0.5;
  context.strokeStyle = colour;
  context.lineWidth = to.ratio;
  context.setLineDash([3 * to.ratio, 3 * to.ratio]);
  context.beginPath();
  for (const place of sessions) {
    context.moveTo(to.x(place), to.top);
    context.lineTo(to.x(place), to.top + to.height);
  }
  context.stroke();
  context.setLineDash([]);
}

/** Marks on the axis where something was not a number: a cross, or an arrow towards infinity. */
function drawOdd(context: CanvasRenderingContext2D, { odd, colour }: Line, to: Projection): void {
  const size = 4 * to.ratio;
  context.globalAlpha = 1;
  context.strokeStyle = colour;
  context.lineWidth = 1.5 * to.ratio;
  context.beginPath();
  for (const [place, word] of odd) {
    const x = to.x(place);
    const y = word === "Infinity" ? to.top + 2 * size : to.top + to.height - 1.5 * size;
    for (const [fromX, fromY, toX, toY] of markOf(word)) {
      context.moveTo(x + fromX * size, y + fromY * size);
      context.lineTo(x + toX * size, y + toY * size);
    }
  }
  context.stroke();
}

type Segment = [number, number, number, number];

export function markOf(word: string): Segment[] {
  if (word === "Infinity") return [[0, 1, 0, -1], [-0.7, -0.2, 0, -1], [0.7, -0.2, 0, -1]];
  if (word === "-Infinity") return [[0, -1, 0, 1], [-0.7, 0.2, 0, 1], [0.7, 0.2, 0, 1]];
  return [[-1, -1, 1, 1], [-1, 1, 1, -1]];
}
