import { css } from "../core/theme";
import type { Projection } from "./draw";
import type { Frame } from "./frame";
import { durations, exactNumber, labelled } from "./labels";
import type { PlotState } from "./plot";
import { formatTime, linearTicks, logTicks, timeTicks } from "./ticks";

const WIDTH_OF_X = 80;
const HEIGHT_OF_Y = 44;

/** The places on x that have a mark, and how they are written. */
export function ticksX(range: [number, number], x: string, isLog: boolean, count: number): [number, string][] {
  const [low, high] = range;
  if (x === "relative") return durations(isLog ? logTicks(low, high, count) : timeTicks(low, high, count, 0));
  if (isLog) return labelled(logTicks(low, high, count), exactNumber);
  if (x === "wall") return labelled(timeTicks(low, high, count), (at) => formatTime(at, high - low));
  return labelled(linearTicks(low, high, count), exactNumber);
}

export function ticksY(range: [number, number], isLog: boolean, count: number): [number, string][] {
  return labelled((isLog ? logTicks : linearTicks)(range[0], range[1], count), exactNumber);
}

export function drawAxes(context: CanvasRenderingContext2D, frame: Frame, { x, logx, logy }: PlotState, to: Projection): void {
  const { left, top, width, height, ratio } = to;
  const bottom = top + height;
  context.font = `${11 * ratio}px system-ui, sans-serif`;
  context.fillStyle = css("--faint");
  context.strokeStyle = css("--line-faint");
  context.lineWidth = ratio;
  context.beginPath();
  context.textAlign = "center";
  let end = -Infinity;
  for (const [at, label] of ticksX(frame.x, x, logx, width / ratio / WIDTH_OF_X)) {
    context.moveTo(crisp(to.x(at)), top);
    context.lineTo(crisp(to.x(at)), bottom);
    // Not cut off at the edge, 10 pixels behind the end of the axis.
    const half = context.measureText(label).width / 2;
    const middle = Math.min(to.x(at), left + width + 10 * ratio - half);
    // Long ones have no room side by side.
    if (middle - half < end) continue;
    context.fillText(label, middle, bottom + 16 * ratio);
    end = middle + half + 6 * ratio;
  }
  context.textAlign = "right";
  for (const [at, label] of ticksY(frame.y, logy, height / ratio / HEIGHT_OF_Y)) {
    context.moveTo(left, crisp(to.y(at)));
    context.lineTo(left + width, crisp(to.y(at)));
    // A long one is made narrower: cut off it would be another number.
    context.fillText(label, left - 6 * ratio, to.y(at) + 4 * ratio, left - 8 * ratio);
  }
  context.stroke();
}

/** Lines between pixels are blurred. */
function crisp(place: number): number {
  return Math.round(place) + 0.5;
}
