import { describe, expect, test } from "vitest";
import { lookOf } from "../src/experiment/ansi";
import { readPatch } from "../src/experiment/diff";
import { imageSeries } from "../src/experiment/image_series";
import { LINE_HEIGHT, TALLEST, heightOf, lineAt, topOf } from "../src/experiment/long_list";
import { parseMarkdown, spansOf } from "../src/experiment/markdown_blocks";

describe("colours of the console", () => {
  test("the sixteen colours are classes that follow the theme", () => {
    expect(lookOf("1;31")).toEqual({ class: "ansi-bold ansi-fg-1", colour: "", background: "" });
    expect(lookOf("97;104").class).toBe("ansi-fg-15 ansi-bg-12");
  });

  test("others are colours of their own", () => {
    expect(lookOf("38;5;208").colour).toContain("rgb(255 135 0)");
    expect(lookOf("48;2;1;2;3").background).toBe("rgb(1 2 3)");
    expect(lookOf("48;5;255").background).toBe("rgb(238 238 238)");
  });

  test.each(["", "38", "38;5", "38;5;999", "38;2;1;2", "48;2;1;2;x", "red;--", "58;5;1"])("nothing comes of %j", (codes) => {
    const { colour, background } = lookOf(codes);
    expect(colour + background).toBe("");
  });
});

describe("patches", () => {
  const PATCH = [
    "diff --git a/train.py b/train.py",
    "--- a/train.py",
    "+++ b/train.py",
    "@@ -1,3 +1,3 @@",
    " import x",
    "-learning_rate = 0.1",
    "+learning_rate = 0.2",
    " end",
    "\\ No newline at end of file",
    "",
  ].join("\n");

  test("are files with counted lines, numbered on both sides", () => {
    const [file] = readPatch(PATCH)!;
    expect(file).toMatchObject({ path: "train.py", added: 1, removed: 1 });
    expect(file!.hunks[0]!.lines.map(({ kind, before, after }) => [kind, before, after])).toEqual([
      ["same", 1, 1],
      ["removed", 2, null],
      ["added", null, 2],
      ["same", 3, 3],
      ["note", null, null],
    ]);
  });

  test("mark the words that changed, and no line that was replaced as a whole", () => {
    const [, removed, added] = readPatch(PATCH)![0]!.hunks[0]!.lines;
    expect(removed!.parts.filter(({ isChanged }) => isChanged).map(({ text }) => text)).toEqual(["1"]);
    expect(added!.parts.map(({ text }) => text).join("")).toBe("learning_rate = 0.2");
    const other = readPatch("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-one thing\n+quite something else\n")!;
    expect(other[0]!.hunks[0]!.lines.every(({ parts }) => parts.length === 1)).toBe(true);
  });

  test("what is no patch is left as the text that it is", () => {
    expect(readPatch("--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\nbroken")).toBeNull();
  });
});

describe("images over steps", () => {
  test("are those whose paths differ in the last number", () => {
    expect(imageSeries(["i/sample_10.png", "i/sample_9.png", "a.txt", "plot.svg"])).toEqual([
      {
        name: "i/sample_#.png",
        images: [
          { step: 9, path: "i/sample_9.png" },
          { step: 10, path: "i/sample_10.png" },
        ],
      },
      { name: "plot.svg", images: [{ step: 0, path: "plot.svg" }] },
    ]);
  });
});

describe("long lists", () => {
  test("scroll by lines", () => {
    expect(lineAt(10 * LINE_HEIGHT, 1000, 180)).toBe(10);
    expect(topOf(10, 1000, 180)).toBe(10 * LINE_HEIGHT);
    expect(lineAt(heightOf(1000), 1000, 180)).toBe(990);
  });

  test("of twenty million lines reach both ends, in a height that browsers can draw", () => {
    const total = 20_000_000;
    expect(heightOf(total)).toBe(TALLEST);
    expect(lineAt(0, total, 180)).toBe(0);
    expect(lineAt(TALLEST - 180, total, 180)).toBe(total - 10);
    expect(Math.abs(lineAt(topOf(123_456, total, 180), total, 180) - 123_456)).toBeLessThan(2);
  });
});

describe("markdown", () => {
  test("knows headings, lists, code and quotes", () => {
    const blocks = parseMarkdown("# Title #\n\ntext\nmore\n\n- a\n- b\n\n1. c\n\n> q\n\n---\n```py\n# no heading\n```\n");
    expect(blocks.map(({ kind }) => kind)).toEqual(["heading", "paragraph", "list", "list", "quote", "rule", "code"]);
    expect(blocks.at(-1)).toEqual({ kind: "code", text: "# no heading" });
  });

  test("markup stays text, and a link shows where it leads", () => {
    expect(spansOf('<img src=x onerror="1"> [here](javascript:alert(1)) **b** `c*d*`')).toEqual([
      { kind: "text", text: '<img src=x onerror="1"> ' },
      { kind: "text", text: "here (javascript:alert(1)" },
      { kind: "text", text: ") " },
      { kind: "strong", text: "b" },
      { kind: "text", text: " " },
      { kind: "code", text: "c*d*" },
    ]);
  });

  test("an end that is missing ends with the file", () => {
    expect(parseMarkdown("```\ncode")).toEqual([{ kind: "code", text: "code" }]);
    expect(parseMarkdown("")).toEqual([]);
  });
});
