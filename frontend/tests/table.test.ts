import { describe, expect, test } from "vitest";
import { complete, markedColumn, written } from "../src/table/completion";
import { actionsFor } from "../src/table/edit_actions";
import { groupFilter } from "../src/table/group_filter";
import { intervalText } from "../src/table/interval";
import { annotationOf, cellText, cellTitle, kindOf } from "../src/table/kinds";
import { layOut, moved, seen, sortedBy } from "../src/table/layout";
import { asRows } from "../src/table/rows_answer";
import { sparkPath } from "../src/parts/spark_path";

const NAMES = ["args.lr", "args.optim.lr", "summary.acc", "args.my key", "and"];

describe("completion", () => {
  test("offers names that contain what was begun, the likeliest first", () => {
    const found = complete("acc > 1 and lr", 14, NAMES);
    expect(found).toEqual({ names: ["args.lr", "args.optim.lr"], start: 12, end: 14 });
  });

  test("replaces the name under the cursor as a whole", () => {
    expect(complete("arg.lr > 1", 3, NAMES)).toMatchObject({ start: 0, end: 6 });
  });

  test("nothing within a text, and nothing where nothing was begun", () => {
    expect(complete("name == 'lr", 11, NAMES)).toBeNull();
    expect(complete("lr > ", 5, NAMES)).toBeNull();
  });

  test("a name with a blank stands in backticks", () => {
    expect(written("args.my key")).toBe("`args.my key`");
    expect(written("args.lr")).toBe("args.lr");
  });

  test("the place of an error is taken from the message", () => {
    expect(markedColumn("Filter, column 7, at '== 2': this is not an expression.")).toBe(6);
    expect(markedColumn("Something else.")).toBeNull();
  });
});

describe("layout", () => {
  const columns = ["a", "b", "c", "d"].map((name) => ({ name, width: name === "b" ? 50 : 0, pinned: name === "c" }));

  test("pinned columns stand apart, and widths that were dragged count", () => {
    const layout = layOut(columns, () => 100);
    expect(layout.pinned.map(({ name }) => name)).toEqual(["c"]);
    expect(layout.free.map(({ name, left }) => [name, left])).toEqual([["a", 0], ["b", 100], ["d", 150]]);
    expect(layout.width).toBe(350);
  });

  test("only columns that are seen are drawn", () => {
    const part = seen(layOut(columns, () => 100).free, 120, 140);
    expect(part.columns.map(({ name }) => name)).toEqual(["b"]);
    expect(part.before).toBe(100);
  });

  test("a column is moved", () => {
    expect(moved(["a", "b", "c"], 0, 2)).toEqual(["b", "c", "a"]);
    expect(moved(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
  });

  test("a click sorts down, then up, then not; with shift the other keys stay", () => {
    expect(sortedBy([], "a", false)).toEqual(["-a"]);
    expect(sortedBy(["-a"], "a", false)).toEqual(["a"]);
    expect(sortedBy(["a"], "a", false)).toEqual([]);
    expect(sortedBy(["-a"], "b", true)).toEqual(["-a", "-b"]);
    expect(sortedBy(["-a", "-b"], "a", true)).toEqual(["a", "-b"]);
    expect(sortedBy(["-a", "b"], "c", false)).toEqual(["-c"]);
  });
});

describe("cells", () => {
  test("an arg that is called status is a plain value", () => {
    expect(kindOf("args.status")).toBe("value");
    expect(kindOf("status")).toBe("status");
    expect(annotationOf("args.tags")).toBeNull();
    expect(annotationOf("annotations.tags")).toBe("tags");
  });

  test("are short, and honest about what is no number", () => {
    expect(cellText("args.lr", "NaN")).toBe("NaN");
    expect(cellText("args.lr", null)).toBe("–");
    expect(cellText("args.lr", 0.123456789)).toBe("0.12346");
    expect(cellText("duration", 5702.8)).toBe("1h35m");
    expect(cellText("args.duration", 5702.8)).toBe("5702.8");
    expect(cellText("args.layers", [1, 2])).toBe("[1,2]");
  });

  test("an interval has the digits that it deserves", () => {
    expect(intervalText({ mean: 0.91234, low: 0.9, high: 0.92468, std: 0.1, count: 3 })).toBe("0.912 ± 0.012");
    expect(intervalText({ mean: 0.5, low: null, high: null, count: 1 })).toBe("0.5");
    expect(intervalText({ mean: "NaN", low: 0, high: 1 })).toBe("NaN");
  });

  test("a very small or large interval shares its exponent with the mean", () => {
    expect(intervalText({ mean: 3e-13, low: -0.7e-13, high: 6.7e-13, count: 3 })).toBe("(3.0 ± 3.7)e-13");
    expect(intervalText({ mean: 3.001e15, low: 0.517e15, high: 5.485e15, count: 3 })).toBe("(3.0 ± 2.5)e15");
    expect(intervalText({ mean: -4e-320, low: -6e-320, high: -2e-320, count: 3 })).toBe("(-4.0 ± 2.0)e-320");
    expect(intervalText({ mean: 2e-4, low: 1e-4, high: 3e-4, count: 3 })).toBe("0.00020 ± 0.00010");
    expect(intervalText({ mean: 0.5, low: 0.5 - 2 ** -43, high: 0.5 + 2 ** -43, count: 3 })).toBe("0.5 ± 1.1e-13");
  });

  test("a mean of fewer than all members says so: others diverged, or have no value", () => {
    const cell = { mean: 0.15, low: null, high: null, std: 0.07, count: 2 };
    expect(cellText("summary.loss", cell, 3)).toBe("0.15 (2 of 3)");
    expect(cellText("summary.loss", cell, 2)).toBe("0.15");
    expect(cellText("duration", { ...cell, mean: 90 }, 3)).toBe("1m30s (2 of 3)");
  });

  test("rows give values by name, also those of groups", () => {
    const [row] = asRows({
      version: 1,
      total: 1,
      matched: 1,
      offset: 0,
      columns: ["a", "b"],
      ids: [["1", "2"]],
      cells: [[1, null]],
      statuses: [null],
    });
    expect(row).toMatchObject({ id: "1,2", ids: ["1", "2"], status: null });
    expect([row!.at("a"), row!.at("b"), row!.at("c")]).toEqual([1, null, null]);
  });

  test("a small curve has gaps, and is a dot for one value", () => {
    expect(sparkPath([1, NaN, 2, 3], 10, 10)).toMatch(/^M1\.0 8\.0h0M6\.3 [\d.]+h0L9\.0 2\.0$/);
    expect(sparkPath([NaN], 10, 10)).toBe("");
  });
});

describe("annotations", () => {
  const untouched = { text: null, removed: [] };

  test("edited tags become what was added and what was removed, whatever others did meanwhile", () => {
    const draft = { kind: "tags", text: "best, new new", removed: ["old", "gone"] } as const;
    expect(actionsFor(draft, ["best", "old", "theirs"])).toEqual([["tag", ["new"]], ["untag", ["old"]]]);
    expect(actionsFor({ ...draft, text: "old" }, ["old"])).toEqual([]);
    expect(actionsFor({ ...untouched, kind: "tags" }, ["two words"])).toEqual([]);
  });

  test("a name is changed or taken away, and left alone when nothing was typed", () => {
    expect(actionsFor({ ...untouched, kind: "name", text: " a " }, null)).toEqual([["name", "a"]]);
    expect(actionsFor({ ...untouched, kind: "name", text: " " }, "a")).toEqual([["name", ""]]);
    expect(actionsFor({ ...untouched, kind: "name", text: "a " }, "a")).toEqual([]);
    expect(actionsFor({ ...untouched, kind: "name" }, "theirs")).toEqual([]);
  });

  test("a note is added only when it says something", () => {
    expect(actionsFor({ ...untouched, kind: "note", text: " \n" }, [])).toEqual([]);
    expect(actionsFor({ ...untouched, kind: "note", text: "two\nlines " }, [])).toEqual([["note", "two\nlines"]]);
  });

  test("a cell shows the newest note, and all of them when it is pointed at", () => {
    const notes = [{ time: "2024", text: "first" }, { time: "2025", text: "newest" }];
    expect(cellText("annotations.notes", notes)).toBe("newest");
    expect(cellTitle("annotations.notes", notes)).toBe("newest\nfirst");
    expect(cellText("note", [])).toBe("–");
    expect(cellText("args.notes", notes)).toBe(JSON.stringify(notes));
  });
});

describe("groups", () => {
  test("are opened by a filter for their values", () => {
    expect(groupFilter("a or b", [["args.model", 'c"n'], ["args.my key", true], ["args.x", null]])).toBe(
      '(a or b) and args.model == "c\\"n" and `args.my key` == True and args.x.isnull()',
    );
  });
});
