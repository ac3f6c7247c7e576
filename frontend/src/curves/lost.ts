import { plural } from "../core/format";
import { frameOf } from "./frame";
import type { PlotState } from "./plot";

interface Seen {
  shown: number;
  /** At or below zero, where a logarithmic axis has no place. */
  lost: number;
}

/** How many points of the part that is looked at have a place on the axes. */
export function seenOf(state: PlotState): Seen {
  const { lines, logx, logy, zoom } = state;
  const seen = { shown: 0, lost: 0 };
  if (!logx && !logy) return seen;
  const [low, high] = frameOf(state).x;
  for (const { x, mean } of lines) {
    for (let index = 0; index < x.length; index++) {
      const [place, value] = [x[index]!, mean[index]!];
      if (!Number.isFinite(value)) continue;
      const isOff = logx && place <= 0;
      if (isOff ? zoom : place < low || place > high) continue;
      if (isOff || (logy && value <= 0)) seen.lost++;
      else seen.shown++;
    }
  }
  return seen;
}

export function isNothing({ shown, lost }: Seen): boolean {
  return shown === 0 && lost > 0;
}

/** What a logarithmic axis hides is said: otherwise it looks as if it had not been logged. */
export function lostText(seen: Seen): string {
  if (isNothing(seen)) return "Nothing of it is above zero: a logarithmic axis cannot show it.";
  return seen.lost ? `${plural(seen.lost, "point")} at or below zero ${seen.lost === 1 ? "is" : "are"} not shown.` : "";
}
