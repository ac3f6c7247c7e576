import { describe, expect, test } from "vitest";
import { format, parse, type Address } from "../src/core/address";
import { joinIds, splitIds } from "../src/core/words";

const USUAL = parse("");

function roundTrip(address: Address): void {
  expect(parse(format(address))).toEqual(address);
}

describe("address", () => {
  test("nothing behind # is the table as it is at first, and writes nothing", () => {
    expect(USUAL.view).toBe("table");
    expect(format(USUAL)).toBe("#/table");
  });

  test("everything that the page shows comes back from a link", () => {
    roundTrip({
      view: "experiment",
      id: "run/ü?&#",
      tab: "console",
      filter: "lr > 0.01 and name == 'a+b %41' & `odd, name`",
      sort: ["-summary.acc", "args.a,b", "args.c;d\\"],
      columns: [
        { name: "status", width: 120, pinned: true },
        { name: "args.a,b;c\\d", width: 0, pinned: true },
        { name: "args.lr", width: 80, pinned: false },
        { name: "curve", width: 0, pinned: false },
      ],
      groupby: ["args.model", ""],
      selected: ["1", "2", "3", "9", "a,b", "3-7", "=x", "007"],
      metrics: "^val/(loss|acc)$",
      panels: ["val/loss", "a,b"],
      collapsed: ["", "train"],
      x: "val/loss",
      logx: true,
      logy: true,
      smooth: 0.95,
      band: "args.model",
      spread: "std",
      zoom: [-1.5, 2e9],
      part: "images/a b.png",
      against: "head",
      axes: ["args.lr", "summary.acc"],
      dots: ["summary.acc", "args.a,b"],
      colour: "summary.acc",
      brushes: [{ name: "args.l;r,", low: -1, high: 1e-7 }],
      rows: ["args.model"],
      cols: ["args.dataset"],
      cells: ["summary.acc"],
    });
  });

  test("no columns at all are something else than the usual ones", () => {
    roundTrip({ ...USUAL, columns: [] });
    roundTrip({ ...USUAL, columns: null });
  });

  test.each(["#/nowhere/x?zoom=b..a&smooth=7&brushes=a;2;1&selected=9-3", "#%%%", "#/table?columns=", "#/experiment/%E0%A4%A"])(
    "what cannot be understood is left out: %s",
    (hash) => {
      const address = parse(hash);
      expect(address.zoom).toBeNull();
      expect(address.smooth).toBeLessThan(1);
      expect(address.brushes).toEqual([]);
      roundTrip(address);
    },
  );

  test("a link can be read", () => {
    const hash = format({ ...USUAL, filter: "lr > 0.1", selected: ["3", "4", "5"], sort: ["-summary.acc"] });
    expect(hash).toBe("#/table?filter=lr+%3E+0.1&sort=-summary.acc&selected=3-5");
  });
});

describe("ids", () => {
  test("stand as ranges where three follow each other", () => {
    expect(joinIds(["1", "2", "4", "5", "6"])).toBe("1,2,4-6");
  });

  test("a range of billions is not made", () => {
    expect(splitIds("1-99999999999")).toEqual(["1-99999999999"]);
  });
});
