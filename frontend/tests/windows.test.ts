import { describe, expect, test } from "vitest";
import { Windows } from "../src/table/windows";

function filled(windows: Windows<string>, place: number, mark: string): boolean {
  const turn = windows.ask(place);
  return windows.put(place, turn, Array.from({ length: windows.size }, (_, index) => `${mark}${index}`));
}

describe("windows", () => {
  test("each is asked for once, until it is here", () => {
    const windows = new Windows<string>(10, 60);
    windows.begin("a", 1);
    expect(windows.missing(5, 25)).toEqual([0, 1, 2]);
    windows.ask(1);
    expect(windows.missing(5, 25)).toEqual([0, 2]);
    filled(windows, 0, "x");
    expect(windows.row(5)).toBe("x5");
    expect(windows.missing(5, 15)).toEqual([]);
    expect(windows.has(0, 9)).toBe(true);
    expect(windows.has(5, 15)).toBe(false);
    windows.begin("a", 2);
    expect(windows.has(0, 9)).toBe(false);
  });

  test("a new version shows the old rows until the new ones are here", () => {
    const windows = new Windows<string>(10, 60);
    windows.begin("a", 1);
    filled(windows, 0, "old");
    windows.begin("a", 2);
    expect(windows.row(3)).toBe("old3");
    expect(windows.missing(0, 9)).toEqual([0]);
    filled(windows, 0, "new");
    expect(windows.row(3)).toBe("new3");
  });

  test("another query drops all rows with its first answer, and never mixes two", () => {
    const windows = new Windows<string>(10, 60);
    windows.begin("a", 1);
    filled(windows, 0, "a");
    filled(windows, 1, "a");
    windows.begin("b", 1);
    expect(windows.missing(0, 19)).toEqual([0, 1]);
    filled(windows, 0, "b");
    expect(windows.row(2)).toBe("b2");
    expect(windows.row(12)).toBeUndefined();
  });

  test("an answer to an earlier query comes too late", () => {
    const windows = new Windows<string>(10, 60);
    windows.begin("a", 1);
    const turn = windows.ask(0);
    windows.begin("b", 1);
    expect(windows.put(0, turn, ["late"])).toBe(false);
    expect(windows.row(0)).toBeUndefined();
  });

  test("what was refused is asked for again only when something is another", () => {
    const windows = new Windows<string>(10, 60);
    windows.begin("a", 1);
    windows.ask(0);
    expect(windows.missing(0, 0)).toEqual([]);
    windows.begin("a", 2);
    expect(windows.missing(0, 0)).toEqual([0]);
  });

  test("keeps no more than it may, and those nearest to the last one", () => {
    const windows = new Windows<string>(10, 3);
    windows.begin("a", 1);
    for (const place of [0, 1, 2, 50]) filled(windows, place, "x");
    expect(windows.row(0)).toBeUndefined();
    expect(windows.row(500)).toBe("x0");
    expect([...windows.all()]).toHaveLength(30);
  });
});
