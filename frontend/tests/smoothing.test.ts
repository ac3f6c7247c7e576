import { describe, expect, test } from "vitest";
import { asLine, extentY, refined, type Curve } from "../src/curves/model";
import { smooth, unitOf } from "../src/curves/smoothing";
import { curve } from "./curve";

const indices = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("smoothing", () => {
  test("is not drawn towards its start", () => {
    expect([...smooth([0, 1, 2], [5, 5, 5], 0.99, 1)].map((value) => value.toFixed(6))).toEqual(["5.000000", "5.000000", "5.000000"]);
  });

  test("weight 0 changes nothing", () => {
    expect([...smooth([0, 1, 2], [1, 4, 2], 0, 1)]).toEqual([1, 4, 2]);
  });

  test("a NaN stays one and spoils nothing after it", () => {
    const smoothed = smooth([0, 1, 2, 3, 4], [1, NaN, 1, Infinity, 1], 0.5, 1);
    expect(smoothed[1]).toBeNaN();
    expect(smoothed[3]).toBe(Infinity);
    expect(smoothed[4]).toBeCloseTo(1);
  });

  test("of evenly spaced points is the moving average that the slider is known for", () => {
    const values = [3, 1, 4, 1, 5];
    const weights = [0.9 ** 4, 0.9 ** 3, 0.9 ** 2, 0.9, 1];
    const sum = (of: number[]): number => of.reduce((total, value) => total + value, 0);
    const expected = sum(values.map((value, index) => value * weights[index]!)) / sum(weights);
    const line = asLine(curve("1", [0, 10, 20, 30, 40], values), "", "", 0.9, unitOf([curve("1", [0, 10, 20, 30, 40], values)]));
    expect(line.line[4]).toBeCloseTo(expected);
  });

  test("several points at one place are smoothed to one value", () => {
    const smoothed = smooth([0, 1, 1, 2], [4, 1, 3, 2], 0, 1);
    expect([...smoothed]).toEqual([4, 2, 2, 2]);
  });

  test("runs that log at other intervals are smoothed alike", () => {
    const often = curve("1", indices(601), indices(601).map((step) => Math.sin(step / 60)));
    const rarely = curve("2", indices(121).map((index) => 5 * index), indices(121).map((index) => Math.sin(index / 12)));
    const unit = unitOf([often, rarely]);
    const [a, b] = [asLine(often, "", "", 0.95, unit), asLine(rarely, "", "", 0.95, unit)];
    expect(Math.abs(a.line[400]! - b.line[80]!)).toBeLessThan(0.05);
  });
});

/** As the server groups points: each group at its middle. */
function groupsOf(fine: Curve, size: number): Curve {
  const groups = indices(Math.floor(fine.x.length / size));
  const take = (values: Float64Array, group: number): number[] => [...values.subarray(group * size, (group + 1) * size)];
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    ...fine,
    x: Float64Array.from(groups, (group) => mean(take(fine.x, group))),
    mean: Float64Array.from(groups, (group) => mean(take(fine.mean, group))),
    low: Float64Array.from(groups, (group) => Math.min(...take(fine.low, group))),
    high: Float64Array.from(groups, (group) => Math.max(...take(fine.high, group))),
  };
}

function part(of: Curve, from: number, to: number): Curve {
  const [x, mean, low, high] = [of.x, of.mean, of.low, of.high].map((values) => values.subarray(from, to));
  return { ...of, x: x!, mean: mean!, low: low!, high: high!, points: to - from };
}

test("what is smoothed is the same in the whole view and zoomed to a part", () => {
  const noise = (step: number): number => Math.sin(step * 12.9898) * 0.3;
  const fine = curve("1", indices(18_000), indices(18_000).map((step) => 1 + Math.exp(-step / 3000) + noise(step)));
  const whole = groupsOf(fine, 30);
  const unit = unitOf([whole]);
  for (const weight of [0.5, 0.9, 0.99]) {
    const coarse = asLine(whole, "", "", weight, unit);
    const [zoomed] = refined([whole], [part(fine, 9000, 9600)]);
    expect(unitOf([zoomed!])).toBe(unit);
    const exact = asLine(zoomed!, "", "", weight, unit);
    for (const group of [305, 310, 319]) {
      const index = exact.x.indexOf(Math.ceil(coarse.x[group]!));
      expect(Math.abs(exact.line[index]! / coarse.line[group]! - 1)).toBeLessThan(0.02);
    }
  }
});

test("the first of many close points counts for no more than each of the others", () => {
  const line = asLine(curve("1", indices(6001), indices(6001).map((step) => (step ? 0 : 100))), "", "", 0.9, 10);
  expect(line.line[10]).toBeLessThan(11);
});

test("a spike is smoothed alike in a group and alone", () => {
  const fine = curve("1", indices(18_000), indices(18_000).map((step) => (step === 9010 ? 1e4 : 0.05)));
  const whole = groupsOf(fine, 30);
  const unit = unitOf([whole]);
  const [zoomed] = refined([whole], [part(fine, 9000, 9600)]);
  const [coarse, exact] = [whole, zoomed!].map((of) => asLine(of, "", "", 0.9, unit));
  const [a, b] = [coarse!.line[310]!, exact!.line[exact!.x.indexOf(9315)]!];
  expect(a).toBeGreaterThan(5);
  expect(Math.abs(b / a - 1)).toBeLessThan(0.1);
});

test("the smoothed line behind a spike, which no point reaches, is inside of the panel", () => {
  const steps = indices(200);
  const spiky = curve("1", steps, steps.map((step) => (step === 137 ? 1e4 : 0.05)));
  const line = asLine(spiky, "", "", 0.9, unitOf([spiky]));
  expect(extentY([line], 142, 197, false).high).toBeGreaterThan(500);
  expect(extentY([asLine(spiky, "", "", 0, 1)], 142, 197, false).high).toBe(0.05);
});
