import { describe, expect, test } from "vitest";
import { goneText } from "../src/compare/gone";
import { captionOf, tableRows } from "../src/compare/markdown_table";
import { brushed, countText, insideAll } from "../src/compare/points";
import { placeOf, scaleFor, shade, shareOf } from "../src/compare/scale";
import { InlinedSource } from "../src/exported/source";

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

  test("are told with how many lack a value on some axis", () => {
    expect(countText(points, scales, null)).toBe("3 of 4 have a value on every axis.");
    expect(countText(points, scales, 2)).toBe("2 of 4 are inside. 3 of 4 have a value on every axis.");
    expect(countText(points.slice(0, 3), scales, null)).toBe("3 experiments.");
    expect(countText(points.slice(0, 3), scales, 0)).toBe("0 of 3 are inside.");
  });

  test("dragged either way; a click removes one", () => {
    expect(brushed([], "lr", 3, 1, false)).toEqual([{ name: "lr", low: 1, high: 3 }]);
    expect(brushed([{ name: "lr", low: 1, high: 3 }], "lr", 2, 2, true)).toEqual([]);
  });
});

test("experiments that a link names and that are gone are told", () => {
  expect(goneText([])).toBe("");
  expect(goneText(["99"])).toBe("99 is not here any more.");
  expect(goneText(["7", "8", "99"])).toBe("7, 8 and 99 are not here any more.");
});

describe("the paper's table", () => {
  const cells = (text: string) => tableRows(text).map((row) => row.map((cell) => (cell.isBold ? [cell.text] : cell.text)));

  test("is taken from Markdown, with signs that belong to a cell", () => {
    const text = "| model | acc |\n| --- | ---: |\n| a\\|b \\* &lt;c&gt; \\\\ | **0.9 ± 0.1** |\n|  | — |\n\nmean, n = 3\n\n<!-- -->\n";
    expect(cells(text)).toEqual([["model", "acc"], ["a|b * <c> \\", ["0.9 ± 0.1"]], ["", "—"]]);
    expect(captionOf(text)).toBe("mean, n = 3");
  });

  test("of an exported page lets no name or value become markup", async () => {
    const odd = "a|b*\\ `<!-- $x_1$ \u001b[31m\n# \\end{tabular}";
    const answers = {
      "/api/rows": { rows: { columns: ["args.m", "summary.acc"], ids: ["2", "1"], cells: [["1", 0.5], [odd, 0.25]], statuses: [] } },
      "/api/columns": { columns: [{ name: "summary.acc", lower: false }] },
    };
    const source = new InlinedSource(JSON.stringify({ responses: answers }));
    const { markdown, latex } = (await source.ask("/api/table?rows=args.m&cell=acc")).table as Record<string, string>;
    const shown = "a|b*\\ `<!-- $x_1$  [31m # \\end{tabular}";
    expect(cells(markdown!)).toEqual([["m", "acc"], ['"1"', ["0.5000"]], [shown, "0.2500"]]);
    expect(captionOf(markdown!)).toBe("mean ± standard deviation, n = 1; best per column in bold");
    expect(latex).toContain("\n\\char34{}1\\char34{} & \\textbf{0.5000} \\\\\n");
    expect(latex).toContain("a\\textbar{}b{*}\\textbackslash{} `\\textless{}!-- \\$x\\_1\\$  {[}31m \\# \\textbackslash{}end\\{tabular\\} & 0.2500");
    expect(latex!.split("\n").filter((line) => line.startsWith("\\end"))).toHaveLength(1);
    expect(latex).toContain("\n% \"1\" / acc: ids 2 commit unknown\n");
  });
});
