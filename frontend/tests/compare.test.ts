import { describe, expect, test } from "vitest";
import { tableRows } from "../src/compare/markdown_table";
import { brushed, insideAll } from "../src/compare/points";
import { placeOf, scaleFor, shade, shareOf } from "../src/compare/scale";

describe("axes for many experiments", () => {
  test("numbers stand where they are, what is none nowhere", () => {
    const scale = scaleFor("lr", [1, 3, "NaN", null], String);
    expect([scale.low, scale.high, scale.words]).toEqual([1, 3, null]);
    expect(shareOf(scale, 2)).toBe(0.5);
    expect(shareOf(scale, "NaN")).toBeNaN();
    expect(shareOf(scale, null)).toBeNaN();
  });

  test("words stand in a row; true, 1 and '1' are three", () => {
    const scale = scaleFor("model", ["b", "a", "b", true], String);
    expect(scale.words).toEqual(["a", "b", "true"]);
    expect(placeOf(scale, "b")).toBe(1);
    expect(shareOf(scale, "b")).toBe(0.5);
  });

  test("one value alone is in the middle", () => {
    expect(shareOf(scaleFor("x", [7, 7], String), 7)).toBe(0.5);
    expect(scaleFor("x", [], String)).toMatchObject({ low: -0.5, high: 0.5, ticks: [] });
    expect(scaleFor("x", ["NaN"], String)).toMatchObject({ low: 0, high: 1 });
  });

  test("colours go from blue to yellow, grey without a value", () => {
    expect(shade(0)).toBe("rgb(80 100 225)");
    expect(shade(1)).toBe("rgb(240 190 20)");
    expect(shade(NaN)).toBe("rgb(140 140 140)");
  });
});

describe("limits on axes", () => {
  const scales = [scaleFor("lr", [1, 2, 3], String)];
  const points = [1, 2, 3, null].map((value, index) => ({ id: String(index), values: [value], share: 0 }));

  test("leave those within all of them", () => {
    expect(insideAll(points, scales, [{ name: "lr", low: 1.5, high: 3 }]).map(({ id }) => id)).toEqual(["1", "2"]);
    expect(insideAll(points, scales, [])).toHaveLength(4);
    expect(insideAll(points, scales, [{ name: "gone", low: 0, high: 0 }])).toHaveLength(4);
  });

  test("dragged either way; a click removes one", () => {
    expect(brushed([], "lr", 3, 1, false)).toEqual([{ name: "lr", low: 1, high: 3 }]);
    expect(brushed([{ name: "lr", low: 1, high: 3 }], "lr", 2, 2, true)).toEqual([]);
  });
});

describe("the paper's table", () => {
  test("is taken from Markdown, with bars that belong to a cell", () => {
    expect(tableRows("| model | acc |\n| --- | ---: |\n| a\\|b | **0.9 ± 0.1** |\n")).toEqual([
      ["model", "acc"],
      ["a|b", "**0.9 ± 0.1**"],
    ]);
  });
});
