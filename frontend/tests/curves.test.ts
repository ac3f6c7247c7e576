import { describe, expect, test } from "vitest";
import { ticksX, ticksY } from "../src/curves/axes";
import { grouped } from "../src/curves/groups";
import { asCurve, extentY, nearest, reaches, refined } from "../src/curves/model";
import { formatPlace, placeOf } from "../src/curves/place";
import { lostText, seenOf } from "../src/curves/lost";
import { rounded, type PlotState } from "../src/curves/plot";
import { bandPath, pathOf, svgOf } from "../src/curves/svg";
import { csvOf } from "../src/curves/save";
import { formatTime, linearTicks, logTicks, padded, timeTicks } from "../src/curves/ticks";
import { axis } from "../src/curves/draw";
import { frameOf } from "../src/curves/frame";
import { curve } from "./curve";

describe("ticks", () => {
  test("are round and inside", () => {
    expect(linearTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(linearTicks(-0.05, 0.11, 4)).toEqual([-0.05, 0, 0.05, 0.1]);
    expect(linearTicks(1, 1, 5)).toEqual([]);
  });

  test("of a logarithmic axis are powers of ten, and more where there are few", () => {
    expect(logTicks(1e-6, 1, 4)).toEqual([1e-6, 1e-4, 1e-2, 1]);
    expect(logTicks(1, 10, 4)).toEqual([1, 2, 5, 10]);
    expect(logTicks(-1, 10, 4)).toEqual([]);
  });

  test("of times are at whole minutes, hours and days", () => {
    expect(timeTicks(30, 400, 4, 0)).toEqual([120, 240, 360]);
    for (const tick of timeTicks(0, 7200, 5, 0)) expect(tick % 1800).toBe(0);
    expect(timeTicks(0, 0.01, 5, 0).length).toBeGreaterThan(2);
    expect(formatTime(0, 60)).toMatch(/^\d\d:\d\d:\d\d$/);
  });

  test("an axis has extent also when all values are the same", () => {
    for (const value of [0, 1, -3]) {
      const [low, high] = padded(value, value, false);
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
    expect(padded(1, 1, true)).toEqual([0.5, 2]);
    expect(padded(Infinity, -Infinity, false)).toEqual([0, 1]);
  });
});

describe("labels", () => {
  const written = (marks: [number, string][]): string[] => marks.map(([, label]) => label);
  const linear = (low: number, high: number): string[] => written(ticksY([low, high], false, 5));

  test("have the digits of the step", () => {
    expect(linear(20000.2, 20001.05)).toEqual(["20000.2", "20000.4", "20000.6", "20000.8", "20001"]);
    expect(linear(2.302585 - 1e-7, 2.302585 + 1e-7)).toContain("2.30258505");
    expect(linear(0, 1)).toEqual(["0", "0.2", "0.4", "0.6", "0.8", "1"]);
    expect(linear(0, 5e-7)).toEqual(["0", "1e-7", "2e-7", "3e-7", "4e-7", "5e-7"]);
    expect(linear(0, 4e12)[1]).toBe("1e12");
  });

  test("of very large numbers are those of places that differ", () => {
    expect(linear(1e15, 1e15 + 4)).toEqual(["1e15", "1000000000000001", "1000000000000002", "1000000000000003", "1000000000000004"]);
    for (const low of [1e15, 1e16, 1e17]) {
      const ticks = linearTicks(low, low + 2 * low * Number.EPSILON, 5);
      expect(ticks.length).toBeLessThan(8);
      expect(new Set(ticks).size).toBe(ticks.length);
    }
  });

  test("are never the same twice", () => {
    const some: [number, number, string][] = [[5685, 5715, "relative"], [100, 102, "relative"], [10, 11, "wall"], [0, 4.9 * 86400, "wall"]];
    for (const [low, high, x] of some) {
      const labels = written(ticksX([low, high], x, false, 8));
      expect(labels.length).toBeGreaterThan(3);
      expect(new Set(labels).size).toBe(labels.length);
    }
    expect(written(ticksX([5685, 5715], "relative", false, 3))).toContain("1h34m50s");
    expect(written(ticksX([0, 7200], "relative", false, 3))).toContain("1h00m");
  });

  test("are there in a narrow part of a logarithmic axis", () => {
    expect(written(ticksY([1.1, 1.3], true, 4))).toEqual(["1.1", "1.15", "1.2", "1.25", "1.3"]);
  });

  test("stand apart in a drawing, and long ones are not cut off", () => {
    const state = { lines: [], focus: "", x: "step", logx: false, logy: false, zoom: null };
    const frame = { x: [1e15, 1e15 + 6] as [number, number], y: [2.3025849, 2.3025851] as [number, number] };
    const drawing = svgOf("loss", state, frame, { background: "", text: "", faint: "" });
    expect(drawing.match(/text-anchor="middle">1/g)!.length).toBeLessThan(6);
    expect(drawing).toMatch(/textLength="56" lengthAdjust="spacingAndGlyphs">2\.30258495</);
  });
});

describe("the place that is read out", () => {
  const at = (x: number[], index: number, points = x.length): string =>
    formatPlace(placeOf({ x: Float64Array.from(x), points }, index), "step");

  test("is that of the point, not rounded to a whole step", () => {
    expect([0, 1, 2].map((index) => at([0.5, 1.25, 2], index))).toEqual(["step 0.5", "step 1.25", "step 2"]);
    expect(at([20000.25, 20000.5], 0)).toBe("step 20000.25");
    expect(at([0.1 + 0.2, 0.4], 0)).toBe("step 0.3");
    expect(at([3e-5], 0)).toBe("step 0.00003");
    expect(at([1234567], 0)).toBe("step 1234567");
  });

  test("is a whole step where groups of them have their middle between two", () => {
    expect(at([14.5, 44.5, 74.5], 1, 90)).toMatch(/^step 4[45]$/);
    expect(at([0.125, 0.375, 0.625], 1, 90)).toMatch(/^step 0.3[78]$/);
  });
});

describe("curves", () => {
  test("are read with words for what is no number, in the order of x", () => {
    const read = asCurve({
      id: "7",
      x: [3, 1, 2],
      mean: [3, "NaN", null],
      low: [3, "NaN", null],
      high: ["Infinity", "NaN", null],
      odd: [[1, "NaN"]],
      sessions: [2],
      points: 3,
    });
    expect([...read.x]).toEqual([1, 2, 3]);
    expect(read.mean[2]).toBe(3);
    expect(read.high[2]).toBe(Infinity);
    expect(read.mean[0]).toBeNaN();
  });

  test("a spike counts for the axis though the mean hides it; on a log axis only what is above 0", () => {
    const spiky = curve("1", [0, 1, 2], [1, 1, 1]);
    spiky.high[1] = 100;
    spiky.low[2] = -5;
    expect(extentY([spiky], 0, 2, false)).toEqual({ low: -5, high: 100 });
    expect(extentY([spiky], 0, 2, true)).toEqual({ low: 1, high: 100 });
    expect(extentY([spiky], 2, 2, true)).toEqual({ low: 1, high: 1 });
  });

  test("the nearest point is found", () => {
    expect(nearest([0, 10, 20], 14)).toBe(1);
    expect(nearest([0, 10, 20], 99)).toBe(2);
    expect(nearest([], 1)).toBe(-1);
  });

  test("a drawn path has a gap where there is no value", () => {
    expect(pathOf([0, 1, 2, 3], [0, NaN, 2, 3], axis(0, 3, false, 0, 3), axis(0, 3, false, 0, 3))).toBe("M0 0h0.1M2 2L3 3");
  });

  test("a name that a spreadsheet would compute is text in the CSV", () => {
    const line = { ...curve("1", [1], [2]), label: "=1+1", colour: "", line: Float64Array.of(2), isSmoothed: false };
    expect(csvOf("loss", [line], "step", null)).toBe("id,step,loss,low,high\n'=1+1,1,2,2,2\n");
  });
});

describe("panels", () => {
  test("stand in groups by what is before the slash, pinned ones first", () => {
    expect(grouped(["val/loss", "lr", "train/loss"], "", ["train/loss"])).toEqual([
      { name: "pinned", metrics: ["train/loss"] },
      { name: "", metrics: ["lr"] },
      { name: "val", metrics: ["val/loss"] },
    ]);
  });

  test("are found by a regular expression", () => {
    expect(grouped(["val/loss", "lr"], "LOSS$", [])).toEqual([{ name: "val", metrics: ["val/loss"] }]);
    expect(() => grouped(["lr"], "(", [])).toThrow(SyntaxError);
  });
});

describe("what a part of the axis shows", () => {
  const line = { ...curve("1", [0, 10], [1, 3]), label: "", colour: "", isSmoothed: false, line: Float64Array.of(1, 3) };
  const state = { lines: [line], focus: "", x: "step", logx: false, logy: false, zoom: null };

  test("a line that crosses it without a point in it is seen", () => {
    const { low, high } = extentY([line], 4, 6, false);
    expect(low).toBeCloseTo(1.8);
    expect(high).toBeCloseTo(2.2);
  });

  test("what was fetched finer stands in its place, the rest goes on beside it", () => {
    const [found] = refined([curve("1", [0, 5, 10], [0, 9, 1])], [curve("1", [4, 5, 6], [7, 8, 7])]);
    expect([...found!.x]).toEqual([0, 4, 5, 6, 10]);
    expect([...found!.mean]).toEqual([0, 7, 8, 7, 1]);
    expect([...refined([curve("1", [0, 1], [0, 1])], [curve("1", [], [])])[0]!.x]).toEqual([0, 1]);
  });

  test("a zoom from zero shows all on a logarithmic axis, which has no zero", () => {
    const shown = frameOf({ ...state, lines: [{ ...line, x: Float64Array.of(1, 10) }], logx: true, zoom: [0, 5] });
    expect(shown.x).toEqual([1, 10]);
  });

  test("a date keeps the digits that differ, a step those that pixels tell apart", () => {
    const start = 1_767_225_600;
    expect(rounded(start + 1.23456, [start, start + 10], false)).toBe(start + 1.235);
    expect(rounded(123.456789, [0, 1000], false)).toBe(123.5);
  });

  test("a run that ended has no value behind its end", () => {
    expect(reaches(Float64Array.of(0, 4), 137, 2)).toBe(false);
    expect(reaches(Float64Array.of(0, 4), 5, 2)).toBe(true);
    expect(reaches(Float64Array.of(), 5, 2)).toBe(false);
  });
});

describe("what a logarithmic axis cannot show", () => {
  const line = { ...curve("1", [0, 1, 2, 3], [0, -1, 2, NaN]), label: "", colour: "", isSmoothed: false, line: Float64Array.of() };
  const state = { lines: [line], focus: "", x: "step", logx: false, logy: true, zoom: null };
  const said = (change: Partial<PlotState>): string => lostText(seenOf({ ...state, ...change }));

  test("is counted, in the part that is looked at", () => {
    expect(said({})).toBe("2 points at or below zero are not shown.");
    expect(said({ zoom: [1, 3] })).toBe("1 point at or below zero is not shown.");
    expect(said({ zoom: [2, 3] })).toBe("");
    expect(said({ logy: false })).toBe("");
    expect(said({ logy: false, logx: true })).toBe("1 point at or below zero is not shown.");
    expect(said({ lines: [] })).toBe("");
  });

  test("is said where it is all", () => {
    const nothing = "Nothing of it is above zero: a logarithmic axis cannot show it.";
    expect(said({ zoom: [0, 1] })).toBe(nothing);
    const before = { ...line, x: Float64Array.of(-3, -2, -1, 0) };
    const hidden = { ...state, lines: [before], logx: true, logy: false };
    expect(said(hidden)).toBe(nothing);
    const drawing = svgOf("loss", hidden, frameOf(hidden), { background: "", text: "", faint: "" });
    expect(drawing).toContain(nothing);
    expect(drawing).not.toContain(">0.1<");
  });
});

describe("what is saved is what is seen", () => {
  const same = (value: number): number => value;
  const log = axis(1, 100, true, 0, 10);

  test("a point alone is a dot", () => {
    expect(pathOf([7], [1], same, same)).toBe("M7 1h0.1");
  });

  test("a band has gaps, and goes down to the edge where a logarithmic axis has no place", () => {
    const { x, low, high } = curve("1", [0, 1, 2], [1, NaN, 1], 0.5);
    expect(bandPath({ x, low, high }, same, same)).toBe("M0 1.5L0 0.5ZM2 1.5L2 0.5Z");
    const spike = { x: Float64Array.of(0), low: Float64Array.of(-1), high: Float64Array.of(100) };
    expect(bandPath(spike, same, log)).toBe("M0 10L0 376Z");
  });

  test("the points of a CSV are those of the part that is looked at", () => {
    const line = { ...curve("1", [1, 2, 3], [1, 2, 3]), label: "1", colour: "", line: Float64Array.of(), isSmoothed: false };
    expect(csvOf("loss", [line], "step", [2, 2.5])).toBe("id,step,loss,low,high\n1,2,2,2,2\n");
  });
});
