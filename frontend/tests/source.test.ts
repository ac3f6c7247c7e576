import { describe, expect, test } from "vitest";
import { formatDuration, formatMoment, formatNumber, formatSize } from "../src/core/format";
import { flatten, sameJson } from "../src/core/json";
import { InlinedSource, keyOf } from "../src/core/source_inlined";

const ROWS = {
  version: 1,
  total: 3,
  matched: 3,
  offset: 0,
  columns: ["args.lr", "args.name"],
  shown: ["args.name"],
  ids: ["1", "2", "3"],
  cells: [[0.1, "b"], [0.3, "a"], ["NaN", "c"]],
  statuses: [{ status: "SUCCESS" }, { status: "ERROR" }, { status: "SUCCESS" }],
};
const COMPARE = {
  verdict: "all",
  experiments: [{ expid: "3" }, { expid: "2" }, { expid: "1" }],
  sections: {
    code: { differs: 0, notes: [], values: [], pairs: [{ from: "3", to: "1", files: [{ path: "a.py" }] }] },
    args: {
      differs: 2,
      notes: [],
      values: [
        { name: "lr", differs: true, values: { 1: 0.1, 2: 0.1, 3: 0.2 } },
        { name: "own", differs: true, values: { 3: 1 } },
      ],
    },
  },
};
const source = new InlinedSource(
  JSON.stringify({
    responses: {
      "/api/rows": { schema: 1, rows: ROWS },
      "/api/curves?metric=val%2Floss&x=step": { schema: 1, curves: [{ id: "1" }, { id: "2" }] },
      "/api/experiments/1/console?stream=stdout": {
        console: { lines: [[["a", ""]], [["B", "31"]], [["c", ""]]], start: 2, total: 5 },
      },
      "/api/metrics": { metrics: { "val/loss": ["1", "2"], acc: ["3"] } },
      "/api/compare": { compare: COMPARE },
      "/api/experiments/1/file?path=a.png": "data:image/png;base64,AA==",
    },
  }),
);

async function rows(query: string): Promise<unknown> {
  return (await source.ask(`/api/rows?${query}`)).rows;
}

describe("an exported page", () => {
  test("sorts, searches and cuts its rows by itself", async () => {
    expect(await rows("sort=-args.lr&limit=2")).toMatchObject({ ids: ["2", "1"], matched: 3 });
    expect(await rows("sort=args.name")).toMatchObject({ ids: ["2", "1", "3"] });
    expect(await rows("filter=error")).toMatchObject({ ids: ["2"], matched: 1 });
    expect(await rows("ids=3,1&columns=args")).toMatchObject({ ids: ["1", "3"], columns: ROWS.columns });
    expect(await rows("ids=1")).toMatchObject({ columns: ["args.name"] });
    expect(await rows("columns=args.name&offset=1&limit=1")).toMatchObject({ cells: [["a"]], columns: ["args.name"] });
  });

  test("finds answers by what chooses between them only", async () => {
    expect(keyOf(new URL("http://p/api/curves?x=step&ids=1&metric=val/loss&points=600"))).toBe(
      "/api/curves?metric=val%2Floss&x=step",
    );
    expect((await source.ask("/api/curves?ids=2&metric=val/loss&x=step&points=600")).curves).toEqual([{ id: "2" }]);
  });

  test("pages the console that it holds", async () => {
    const { console } = await source.ask("/api/experiments/1/console?stream=stdout&start=-2&count=1");
    expect(console).toMatchObject({ start: 3, lines: [[["B", "31"]]], total: 5 });
    const before = await source.ask("/api/experiments/1/console?stream=stdout&start=0&count=3");
    expect(before.console).toMatchObject({ start: 0, lines: [[], [], [["a", ""]]] });
    const search = await source.ask("/api/experiments/1/console?stream=stdout&search=b&start=0");
    expect(search.console).toMatchObject({ numbers: [3], more: false });
  });

  test("narrows what it holds to the experiments that are looked at", async () => {
    expect((await source.ask("/api/metrics?ids=1")).metrics).toEqual({ "val/loss": ["1"] });
    const { compare } = await source.ask("/api/compare?ids=1,2");
    expect(compare).toMatchObject({ verdict: "1 and 2 do not differ" });
    expect(compare).toMatchObject({ sections: { args: { differs: 0, values: [{ name: "lr", differs: false }] } } });
    expect(JSON.stringify(compare)).toContain("does not hold how the code differs");
    const pair = (await source.ask("/api/compare?ids=1,3")).compare;
    expect(pair).toMatchObject({ verdict: "1 and 3 differ in: code (1), args (2)" });
    expect((await source.ask("/api/compare?ids=3,2,1")).compare).toMatchObject({ verdict: "all" });
  });

  test("filters by simple comparisons, otherwise by text, and says that it does not group", async () => {
    expect(await rows("filter=lr+%3E+0.05+and+name+!%3D+%22a%22")).toMatchObject({ ids: ["1"] });
    expect(await rows("filter=name+%3D%3D+%27a%27+or+args.name+%3D%3D+c")).toMatchObject({ ids: ["2", "3"] });
    expect(await rows("filter=args.name.isnull()")).toMatchObject({ ids: [] });
    expect(await rows("filter=nobody")).toMatchObject({ ids: [] });
    await expect(rows("groupby=args.lr")).rejects.toThrow("does not group");
  });

  test("shows files that it holds, and says what it lacks", async () => {
    expect(source.address("/api/experiments/1/file?path=a.png")).toBe("data:image/png;base64,AA==");
    expect(source.address("/api/experiments/1/file?path=b.png")).toBeNull();
    await expect(source.ask("/api/experiments/9")).rejects.toThrow("does not have that");
    await expect(source.tell()).rejects.toThrow("cannot be changed");
  });
});

describe("values", () => {
  test("are flat, and the same only when they were written the same", () => {
    expect(flatten({ a: { b: 1, c: {} }, d: [1] })).toEqual([["a.b", 1], ["a.c", {}], ["d", [1]]]);
    expect(sameJson([1, { a: 1 }], [1, { a: 1 }])).toBe(true);
    expect(sameJson(1, "1")).toBe(false);
  });

  test("are written short", () => {
    expect([0, 1e9, 123456789, 0.00001234, -0.5, 1e-300].map(formatNumber)).toEqual(["0", "1e9", "123456789", "1.234e-5", "-0.5", "1e-300"]);
    expect([Infinity, -Infinity, NaN].map(formatNumber)).toEqual(["∞", "-∞", "NaN"]);
    expect([0.5, 59, 61, 5702.784, 200000].map(formatDuration)).toEqual(["0.5s", "59s", "1m01s", "1h35m", "2d07h"]);
    expect([999, 1000, 1.5e9].map(formatSize)).toEqual(["999 B", "1.0 kB", "1.5 GB"]);
    expect(formatMoment("2026-01-01T00:00:00Z", Date.parse("2026-01-01T02:00:00Z"))).toBe("2h00m ago");
    expect(formatMoment("no date", 0)).toBe("no date");
  });
});
