import { describe, expect, test } from "vitest";
import { fewerAt, joined, partsOf } from "../src/curves/bands";
import { asLine, valueAt } from "../src/curves/model";
import { csvOf } from "../src/curves/save";
import { curve } from "./curve";

describe("bands", () => {
  test("hold the mean and how far the runs reach, spikes included", () => {
    const band = joined("cnn", [curve("1", [0, 1], [1, 1], 0.5), curve("2", [0, 1], [3, 3])], "range");
    expect([...band.x]).toEqual([0, 1]);
    expect([...band.mean]).toEqual([2, 2]);
    expect([...band.low]).toEqual([0.5, 0.5]);
    expect([...band.high]).toEqual([3, 3]);
  });

  test("with deviations are those of a sample", () => {
    const band = joined("cnn", [curve("1", [0], [1]), curve("2", [0], [3])], "std");
    expect(band.high[0]).toBeCloseTo(2 + Math.SQRT2);
  });

  test("a run that ended early counts only where it has values", () => {
    const band = joined("cnn", [curve("1", [0, 1, 2], [1, 1, 1]), curve("2", [0, 1], [3, 3])], "range");
    expect([...band.mean]).toEqual([2, 2, 1]);
    expect(valueAt(Float64Array.of(0, 10), Float64Array.of(0, 1), 5)).toBeCloseTo(0.5);
  });
});

describe("where a member has no value", () => {
  const ended = curve("2", [0, 1, 2], [3, 3, 3]);
  const broken = curve("3", [0, 1, 2, 3, 4], [5, NaN, 5, 5, 5]);
  const band = joined("cnn", [curve("1", [0, 1, 2, 3, 4], [1, 1, 1, 1, 1]), ended, broken], "range");
  const line = asLine(band, "cnn", "", 0, 1);

  test("the band tells how many there are", () => {
    expect([...band.counts]).toEqual([3, 2, 3, 2, 2]);
    expect([0, 1, 2, 3].map((index) => fewerAt(band, index))).toEqual(["", "2 of 3", "", "2 of 3"]);
    expect(fewerAt(ended, 0)).toBe("");
  });

  test("the line is drawn apart, up to where all are there again", () => {
    const [whole, fewer] = partsOf(line);
    expect([whole!.isWhole, fewer!.isWhole]).toEqual([true, false]);
    expect([...whole!.values]).toEqual([3, NaN, 3, NaN, NaN]);
    expect([...fewer!.values]).toEqual([3, 2, 3, 3, 3]);
    expect(partsOf(asLine(ended, "", "", 0, 1))).toHaveLength(1);
  });

  test("the CSV of a band says of how many", () => {
    const rows = csvOf("loss", [line], "step", null).split("\n");
    expect(rows.slice(0, 3)).toEqual(["id,step,loss,low,high,n", "cnn,0,3,1,5,3", "cnn,1,2,1,3,2"]);
  });
});

test("places of a band over a logarithmic x are even in its logarithm", () => {
  const many = Array.from({ length: 10_000 }, (_, index) => index);
  const other = curve("2", many.map((place) => place + 0.5), many);
  const { x, counts } = joined("cnn", [curve("1", many, many), other], "range", true);
  expect(x.length).toBe(300);
  expect(x.filter((place) => place < 10).length).toBeGreaterThan(60);
  expect(x[1]! / x[0]!).toBeCloseTo(x[299]! / x[298]!);
  expect([x[0], x[299], counts[299]]).toEqual([0.5, 9999.5, 1]);
});

test("a spike of one run is in the band although the runs share no places", () => {
  const many = Array.from({ length: 700 }, (_, index) => index);
  const other = curve("2", many.map((place) => place + 0.5), many.map(() => 0));
  const spiky = curve("1", many, many.map((place) => (place === 351 ? 30 : 0)));
  const band = joined("cnn", [spiky, other], "range");
  expect(band.x.length).toBe(300);
  expect(Math.max(...band.high)).toBe(30);
});
