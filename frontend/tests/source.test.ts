import { describe, expect, test } from "vitest";
import { formatDuration, formatMoment, formatNumber, formatSize } from "../src/core/format";
import { firstDigits, rounded } from "../src/exported/decimal";
import { exactSum, studentQuantile } from "../src/exported/statistics";
import { flatten, isNumeric, sameJson, toNumber } from "../src/core/json";
import { InlinedSource, keyOf } from "../src/exported/source";

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
        console: { lines: [[["a", ""]], [["B", "31"]], [["c", ""]]], start: 2, total: 5, errors: [0, 4] },
      },
      "/api/experiments/1/code?against=base": { code: { commit: "c1", branch: "main", files: [{ path: "a" }], note: "now" } },
      "/api/experiments/2/code?against=base": { code: { commit: null, files: [], note: "No commit is recorded." } },
      "since/c1": { code: { files: [{ path: "b" }], note: "then" } },
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
    expect(await rows("filter=name+==+'a'")).toMatchObject({ ids: ["2"], total: 3 });
    expect(await rows("ids=3,1&columns=args")).toMatchObject({ ids: ["3", "1"], columns: ROWS.columns });
    expect(await rows("ids=1")).toMatchObject({ columns: ["args.name"] });
    expect(await rows("columns=args.name&offset=1&limit=1")).toMatchObject({ cells: [["a"]], columns: ["args.name"] });
  });

  test("finds answers by what chooses between them only", async () => {
    expect(keyOf(new URL("http://p/api/curves?x=step&ids=1&metric=val/loss&points=600"))).toBe(
      "/api/curves?metric=val%2Floss&x=step",
    );
    expect((await source.ask("/api/curves?ids=2&metric=val/loss&x=step&points=600")).curves).toEqual([{ id: "2" }]);
  });

  test("pages and searches the lines that it holds, and says which those are", async () => {
    const { console } = await source.ask("/api/experiments/1/console?stream=stdout&start=-2&count=1");
    expect(console).toMatchObject({ start: 3, lines: [[["B", "31"]]], total: 5, errors: [4] });
    const before = await source.ask("/api/experiments/1/console?stream=stdout&start=0&count=3");
    const absent = [["(not in this file)", "2"]];
    expect(before.console).toMatchObject({ start: 0, lines: [absent, absent, [["a", ""]]] });
    const search = await source.ask("/api/experiments/1/console?stream=stdout&search=b&start=0&count=9");
    expect(search.console).toMatchObject({ numbers: [3], total: 1, more: false, held: 3 });
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

  test("says of how many experiments a file can compare some", async () => {
    const ids = Array.from({ length: 30 }, (_, place) => String(place));
    const other = new InlinedSource(JSON.stringify({ responses: { "/api/rows": { rows: { ...ROWS, ids } } } }));
    const told = "Only a file of at most 20 experiments can compare them; this one has 30.";
    await expect(other.ask("/api/compare?ids=1,2")).rejects.toThrow(told);
  });

  test("refuses a filter that it does not understand", async () => {
    expect(await rows("filter=lr+%3E+0.05+and+name+!%3D+%22a%22")).toMatchObject({ ids: ["1"] });
    await expect(rows("filter=lr+**+2+%3E+1")).rejects.toThrow("Filter, column 4, at '*'");
    await expect(rows("filter=lrr+%3E+1")).rejects.toThrow("Filter, column 1, at 'lrr': There is no 'lrr' in this file");
    await expect(rows("filter=(lr+%3E+1")).rejects.toThrow("Filter, column 8");
  });

  test("refuses a name that nothing has, with those that look like it", async () => {
    const refused = (filter: string): Promise<unknown> => rows(`filter=${filter}`).catch((problem: unknown) => problem);
    expect(await refused("lrr")).toMatchObject({
      message: "Filter, column 1, at 'lrr': There is no 'lrr' in this file.",
      hint: "Did you mean 'args.lr'?",
    });
    expect(await refused("args.nam")).toMatchObject({ hint: "Did you mean 'args.name'?" });
    expect(await refused("cnn")).toMatchObject({ hint: expect.stringMatching(/^Columns \(C\) of the table shows the names/) });
    expect(await refused("lr == true")).toMatchObject({ hint: "Write True." });
    await expect(source.ask("/api/columns?filter=cnn")).rejects.toThrow("There is no 'cnn'");
    const two = { ...ROWS, columns: ["args.lr", "summary.lr"] };
    const other = new InlinedSource(JSON.stringify({ responses: { "/api/rows": { rows: two } } }));
    await expect(other.ask("/api/rows?filter=lr")).rejects.toThrow("'lr' can mean 'args.lr' or 'summary.lr'.");
  });

  test("refuses to group by numbers that it cannot tell apart", async () => {
    const large = { ...ROWS, cells: [[2 ** 60, "b"], [2 ** 60 + 256, "a"], [1, "c"]] };
    const other = new InlinedSource(JSON.stringify({ responses: { "/api/rows": { rows: large } } }));
    await expect(other.ask("/api/rows?groupby=args.lr")).rejects.toThrow("numbers as large as those of args.lr");
  });

  test("tells how code differs from HEAD once for all that ran the same commit", async () => {
    const { code } = await source.ask("/api/experiments/1/code?against=head");
    expect(code).toEqual({ commit: "c1", branch: "main", against: "head", files: [{ path: "b" }], commits: [], note: "then" });
    const none = await source.ask("/api/experiments/2/code?against=head");
    expect(none.code).toMatchObject({ files: [], note: "No commit is recorded." });
  });

  test("shows files that it holds, and says what it lacks", async () => {
    expect(source.address("/api/experiments/1/file?path=a.png")).toBe("data:image/png;base64,AA==");
    expect(source.address("/api/experiments/1/file?path=b.png")).toBeNull();
    await expect(source.ask("/api/experiments/9")).rejects.toThrow("does not have that");
    await expect(source.tell()).rejects.toThrow("cannot be changed");
  });
});

describe("statistics of an exported page", () => {
  test("sum without losing digits", () => {
    expect(exactSum([1e100, 1, -1e100, 1e-30])).toBe(1);
    expect(exactSum(Array(10).fill(0.1))).toBe(1);
    expect(exactSum([1, 2 ** -53, 2 ** -106])).toBe(1 + 2 ** -52);
    expect(exactSum([])).toBe(0);
  });

  test("know Student's t as tables have it", () => {
    const known = { 1: 12.7062, 2: 4.30265, 3: 3.18245, 4: 2.77645, 9: 2.26216, 10: 2.22814, 30: 2.04227, 120: 1.97993 };
    for (const [freedom, t] of Object.entries(known)) expect(studentQuantile(Number(freedom))).toBeCloseTo(t, 4);
  });

  test("round as decimals do, halves to even", () => {
    expect([0.125, 0.375, -0.004, 2.5, 1e22].map((value) => rounded(value, 0, 2))).toEqual([
      "0.12", "0.38", "0.00", "2.50", "10000000000000000000000.00",
    ]);
    expect([rounded(1250, 0, -2), rounded(0.00012345, 4, 3), rounded(5e-324, 0, 1)]).toEqual(["1200", "1.234", "0.0"]);
    expect([firstDigits(354.5), firstDigits(0.009996), firstDigits(1)]).toEqual([354, 100, 100]);
  });
});

describe("values", () => {
  test("are flat, and the same only when they were written the same", () => {
    expect(flatten({ a: { b: 1, c: {} }, d: [1] })).toEqual([["a.b", 1], ["a.c", {}], ["d", [1]]]);
    expect(sameJson([1, { a: 1 }], [1, { a: 1 }])).toBe(true);
    expect(sameJson(1, "1")).toBe(false);
    expect(["constructor", "NaN", "1"].map(isNumeric)).toEqual([false, true, false]);
    expect(toNumber("toString")).toBeNaN();
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
