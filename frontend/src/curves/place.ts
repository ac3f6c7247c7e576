import { formatDuration } from "../core/format";
import type { Curve } from "./model";
import { zoneOffset } from "./ticks";

const MOST_DIGITS = 12;

/** The place of a point, in as many digits as tell it apart from the next one. */
export function placeOf({ x, points }: Pick<Curve, "x" | "points">, index: number): number {
  const place = x[index]!;
  const gap = Math.abs((x[index + 1] ?? x[index - 1] ?? NaN) - place) || Math.abs(place) / 100 || 1;
  const digits = -Math.floor(Math.log10(gap));
  // The middle of a group may lie between two whole steps: it is no place that was logged.
  const isGrouped = points > x.length;
  const needed = isGrouped ? (gap >= 1 ? 0 : digits + 1) : Math.max(2, digits + 2);
  return Number(place.toFixed(Math.min(MOST_DIGITS, needed)));
}

export function formatPlace(place: number, x: string): string {
  if (x === "wall") return new Date((place + zoneOffset(place)) * 1000).toISOString().slice(0, 19).replace("T", " ");
  if (x === "relative") return formatDuration(place);
  return `${x} ${place}`;
}
