import { extentX, extentY } from "./model";
import type { PlotState } from "./plot";
import { padded } from "./ticks";

export interface Frame {
  x: [number, number];
  y: [number, number];
}

/** What the axes reach: all of x, or the part that was zoomed to; of y what the curves reach there. */
export function frameOf({ lines, zoom, x, logx, logy }: PlotState): Frame {
  const all = extentX(lines, logx);
  const isOneStep = x === "step" && all.low >= 0;
  const wide: [number, number] = all.low < all.high ? [all.low, all.high] : padded(all.low, all.high, logx);
  // A logarithmic axis has no zero: a link may hold one.
  const part = zoom && logx && zoom[0] <= 0 ? null : zoom;
  const shown = part ?? (isOneStep && wide[0] < 0 ? [0, wide[1]] : wide);
  const { low, high } = extentY(lines, shown[0], shown[1], logy);
  return { x: shown, y: padded(low, high, logy) };
}
