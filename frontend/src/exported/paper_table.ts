import { firstDigits, magnitude, rounded } from "./decimal";
import { deviationOf, meanOf } from "./statistics";
import { compareKeys, type Key } from "./values";

/** Experiments that agree in the values of the table's rows and columns, and have a result. */
export interface Group {
  /** What each value is told apart by, sorted by, and written as. */
  key: readonly Value[];
  rows: number[];
  ids: string[];
  shas: (string | null)[];
  numbers: number[];
  /** The ids of those that have no result, and of those whose result is no finite number. */
  without: string[];
  odd: string[];
}

export interface Value {
  identity: string;
  /** null for what is missing or not a number: it comes last. */
  order: Key | null;
  label: string;
}

export interface Result {
  name: string;
  groups: Group[];
  /** Whether small values are better; null when the name does not tell. */
  isLower: boolean | null;
}

export interface Cell {
  group: Group;
  mean: number;
  spread: number | null;
  meanText: string;
  spreadText: string;
  exponent: number;
  isBest: boolean;
}

/** The paper's table, see _compare_table.py: a cell for each row and column, null without experiments. */
export interface PaperTable {
  rows: (readonly Value[])[];
  columns: { key: readonly Value[]; name: string }[];
  cells: (Cell | null)[][];
  /** How many results most cells have. */
  usual: number;
}

/** Arrange groups; the first `count` values of a group make its row, the others its column. */
export function arranged(results: readonly Result[], count: number): PaperTable {
  const groups = results.flatMap((result) => result.groups).filter(({ ids }) => ids.length > 0);
  const rows = distinct(groups.map(({ key }) => key.slice(0, count)));
  const outer = distinct(groups.map(({ key }) => key.slice(count)));
  const columns = outer.flatMap((key) => results.map((result) => ({ key, name: result.name, result })));
  const byColumn = columns.map(({ key, result }) => {
    const placed = new Map(result.groups.filter(({ ids }) => ids.length > 0).map((group) => [identity(group.key), group]));
    return cellsOf(rows.map((row) => placed.get(identity([...row, ...key])) ?? null), result.isLower);
  });
  const cells = rows.map((_, row) => byColumn.map((column) => column[row] ?? null));
  return { rows, columns, cells, usual: usualCount(cells) };
}

function identity(key: readonly Value[]): string {
  return JSON.stringify(key.map((value) => value.identity));
}

const LAST: Key = [9, ""];

/** Each key once, sorted. */
function distinct(keys: (readonly Value[])[]): (readonly Value[])[] {
  const found = [...new Map(keys.reverse().map((key) => [identity(key), key])).values()];
  return found.sort((a, b) => compareLists(a, b));
}

export function compareLists(a: readonly Value[], b: readonly Value[]): number {
  for (const [place, { order }] of a.entries()) {
    const found = compareKeys(order ?? LAST, b[place]?.order ?? LAST);
    if (found !== 0) return found;
  }
  return 0;
}

function usualCount(cells: (Cell | null)[][]): number {
  const counts = new Map<number, number>();
  for (const cell of cells.flat()) {
    if (cell) counts.set(sizeOf(cell), (counts.get(sizeOf(cell)) ?? 0) + 1);
  }
  const [first = [0, 0], ...others] = counts;
  return others.reduce((most, entry) => (entry[1] > most[1] ? entry : most), first)[0];
}

export function sizeOf({ group }: Cell): number {
  return group.numbers.length;
}

/** How many powers of ten numbers that are rounded together may be apart. */
const WIDEST = 5;

/** The cells of one column: rounded to the same place unless they are far apart, the best ones marked. */
function cellsOf(column: (Group | null)[], isLower: boolean | null): (Cell | null)[] {
  const groups = column.filter((group) => group !== null);
  const means = groups.map(({ numbers }) => meanOf(numbers));
  const spreads = groups.map(({ numbers }, place) => deviationOf(numbers, means[place]!));
  const sizes = means.filter((mean) => mean !== 0 && Number.isFinite(mean)).map(magnitude);
  const isWide = Math.max(...sizes) - Math.min(...sizes) > WIDEST;
  const together = rounding(means, spreads);
  const roundings = means.map((mean, place) => (isWide ? rounding([mean], [spreads[place]!]) : together));
  const texts = means.map((mean, place) => rounded(mean, -roundings[place]![0], roundings[place]![1]));
  const extreme = means.reduce((a, b) => ((isLower ? b < a : b > a) ? b : a), means[0] ?? 0);
  const best = means.indexOf(extreme);
  const cells = groups.map((group, place): Cell => {
    const [mean, spread, meanText] = [means[place]!, spreads[place]!, texts[place]!];
    const [exponent, places] = roundings[place]!;
    const spreadText = spread === null ? "" : rounded(spread, -exponent, places);
    const isSame = meanText === texts[best] && exponent === roundings[best]![0] && /[1-9]/.test(meanText);
    const isBest = isLower !== null && means.length > 1 && (mean === extreme || isSame);
    return { group, mean, spread, meanText, spreadText, exponent, isBest };
  });
  return column.map((group) => (group === null ? null : cells[groups.indexOf(group)]!));
}

/**
 * The power of ten that the numbers of a column are written with, and the digits after the point:
 * as many as the spread in the middle deserves (Particle Data Group, Review of Particle Physics,
 * Introduction, 5.3).
 */
export function rounding(means: readonly number[], spreads: readonly (number | null)[]): [number, number] {
  const known = spreads.filter((spread) => spread !== null && spread > 0 && Number.isFinite(spread)) as number[];
  known.sort((a, b) => a - b);
  const sizes = [...means, ...known].filter((value) => value !== 0 && Number.isFinite(value)).map(magnitude);
  const largest = sizes.length ? Math.max(...sizes) : 0;
  const exponent = largest >= -3 && largest <= 5 ? 0 : largest;
  const middle = known[Math.floor((known.length - 1) / 2)];
  if (middle === undefined) return [exponent, Math.max(0, 3 - largest + exponent)];
  const first = firstDigits(middle);
  const digits = first > 354 && first <= 949 ? 1 : 2;
  const place = digits - 1 - magnitude(middle) - (first > 949 ? 1 : 0);
  return [exponent, Math.min(place + exponent, 15)];
}
