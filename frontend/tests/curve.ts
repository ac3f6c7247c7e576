import type { Curve } from "../src/curves/model";

/** A curve of single points, each with as much around its mean. */
export function curve(id: string, x: number[], mean: number[], spread = 0): Curve {
  return {
    id,
    x: Float64Array.from(x),
    mean: Float64Array.from(mean),
    low: Float64Array.from(mean, (value) => value - spread),
    high: Float64Array.from(mean, (value) => value + spread),
    odd: [],
    sessions: [],
    points: x.length,
  };
}
