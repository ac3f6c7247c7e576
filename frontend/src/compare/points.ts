import type { Brush } from "../core/address";
import type { Json } from "../core/json";
import { placeOf, type Scale } from "./scale";

export interface Point {
  id: string;
  values: Json[];
  /** Where its colour lies between the ends, NaN for none. */
  share: number;
}

/** Those within every limit; who has no value on a limited axis is not. */
export function insideAll(points: readonly Point[], scales: readonly Scale[], brushes: readonly Brush[]): Point[] {
  const limits = brushes.flatMap((brush) => {
    const index = scales.findIndex(({ name }) => name === brush.name);
    return index < 0 ? [] : [{ ...brush, index, scale: scales[index]! }];
  });
  return points.filter(({ values }) =>
    limits.every(({ index, scale, low, high }) => {
      const place = placeOf(scale, values[index] ?? null);
      return place >= low && place <= high;
    }),
  );
}

/** What there is to say of how many: also of those that lack a value, whose line or dot is not there. */
export function countText(points: readonly Point[], scales: readonly Scale[], inside: number | null): string {
  const isWhole = ({ values }: Point): boolean =>
    scales.every((scale, index) => Number.isFinite(placeOf(scale, values[index] ?? null)));
  const whole = points.filter(isWhole).length;
  const lacking = whole < points.length ? `${whole} of ${points.length} have a value on every axis.` : "";
  if (inside === null) return lacking || `${points.length} experiments.`;
  return [`${inside} of ${points.length} are inside.`, lacking].filter(Boolean).join(" ");
}

/** The limits with one more, or changed, or, when it is a mere click, without it. */
export function brushed(brushes: readonly Brush[], name: string, from: number, to: number, isClick: boolean): Brush[] {
  const others = brushes.filter((brush) => brush.name !== name);
  return isClick ? others : [...others, { name, low: Math.min(from, to), high: Math.max(from, to) }];
}
