import { join, joinIds, split, splitEscaped, splitIds } from "./words";

export const VIEWS = ["table", "curves", "experiment", "compare", "explore", "paper"] as const;
export type View = (typeof VIEWS)[number];

export interface Column {
  name: string;
  /** Pixels; 0 is as wide as the content. */
  width: number;
  pinned: boolean;
}

export interface Brush {
  name: string;
  low: number;
  high: number;
}

/** All that says what the page shows. A link holds all of it. */
export interface Address {
  view: View;
  /** The experiment that is looked at, and the tab of its page. */
  id: string;
  tab: string;
  filter: string;
  /** Names, with - before those that begin with the largest. */
  sort: string[];
  /** null: the columns that the server chooses. */
  columns: Column[] | null;
  groupby: string[];
  selected: string[];
  /** A regular expression for the names of metrics. */
  metrics: string;
  panels: string[];
  collapsed: string[];
  x: string;
  logx: boolean;
  logy: boolean;
  smooth: number;
  /** The arg by which curves are joined to bands, and what the bands show. */
  band: string;
  spread: "range" | "std";
  zoom: [number, number] | null;
  /** The file, stream, or name of images that a tab shows. */
  part: string;
  against: "base" | "head";
  axes: string[];
  /** The two of the axes that dots are drawn over: x, and y. */
  dots: string[];
  colour: string;
  brushes: Brush[];
  rows: string[];
  cols: string[];
  cells: string[];
}

interface Field<T> {
  none: T;
  parse(text: string): T;
  format(value: T): string;
}

type Query = Omit<Address, "view" | "id" | "tab">;

const text = (none = ""): Field<string> => ({ none, parse: (given) => given, format: (value) => value });
const list: Field<string[]> = { none: [], parse: (given) => split(given, ","), format: (value) => join(value, ",") };
const flag: Field<boolean> = { none: false, parse: (given) => given === "1", format: (value) => (value ? "1" : "0") };

function choice<T extends string>(none: T, other: T): Field<T> {
  return { none, parse: (given) => (given === other ? other : none), format: (value) => value };
}

function numberBetween(low: number, high: number, none: number): Field<number> {
  const parse = (given: string): number => {
    const value = given === "" ? NaN : Number(given);
    return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : none;
  };
  return { none, parse, format: String };
}

const columns: Field<Column[] | null> = {
  none: null,
  parse: (given) =>
    splitEscaped(given, ",").map((part) => {
      const [name = "", width = "", pin = ""] = split(part, ";");
      return { name, width: Math.max(0, Number(width) || 0), pinned: pin === "pin" };
    }),
  format: (value) => (value ?? []).map(formatColumn).join(","),
};

function formatColumn({ name, width, pinned }: Column): string {
  const parts = [name, width ? String(Math.round(width)) : "", pinned ? "pin" : ""];
  while (parts.length > 1 && parts.at(-1) === "") parts.pop();
  return join(parts, ";");
}

const zoom: Field<[number, number] | null> = {
  none: null,
  parse: (given) => {
    const [low, high] = given.split("..").map(Number);
    return low !== undefined && high !== undefined && low < high ? [low, high] : null;
  },
  format: (value) => value?.join("..") ?? "",
};

const brushes: Field<Brush[]> = {
  none: [],
  parse: (given) =>
    splitEscaped(given, ",").flatMap((part) => {
      const [name = "", low, high] = split(part, ";");
      const brush = { name, low: Number(low), high: Number(high) };
      return brush.low <= brush.high ? [brush] : [];
    }),
  format: (value) => value.map(({ name, low, high }) => join([name, String(low), String(high)], ";")).join(","),
};

const FIELDS: { [Name in keyof Query]: Field<Query[Name]> } = {
  filter: text(),
  sort: list,
  columns,
  groupby: list,
  selected: { none: [], parse: splitIds, format: joinIds },
  metrics: text(),
  panels: list,
  collapsed: list,
  x: text("step"),
  logx: flag,
  logy: flag,
  smooth: numberBetween(0, 0.999, 0),
  band: text(),
  spread: choice<"range" | "std">("range", "std"),
  zoom,
  part: text(),
  against: choice<"base" | "head">("base", "head"),
  axes: list,
  dots: list,
  colour: text(),
  brushes,
  rows: list,
  cols: list,
  cells: list,
};
const NAMES = Object.keys(FIELDS) as (keyof Query)[];

/** Read what stands behind # in the address bar; what cannot be understood is as if left out. */
export function parse(hash: string): Address {
  const [path = "", query = ""] = splitOnce(hash.replace(/^#?\/?/, ""), "?");
  const [view = "", id = "", tab = ""] = path.split("/").map(decoded);
  const given = new URLSearchParams(query);
  const address = { view: asView(view), id, tab } as Address;
  for (const name of NAMES) take(address, name, given.get(name));
  return address;
}

function take<Name extends keyof Query>(address: Address, name: Name, given: string | null): void {
  const field: Field<Query[Name]> = FIELDS[name];
  const into: Query = address;
  into[name] = given === null ? field.none : field.parse(given);
}

/** Write an address; only what is not as usual stands in it. */
export function format(address: Address): string {
  const path = [address.view, address.id, address.tab].map(encodeURIComponent);
  while (path.at(-1) === "") path.pop();
  const query = NAMES.flatMap((name) => given(address, name));
  return `#/${path.join("/")}${query.length ? `?${query.join("&")}` : ""}`;
}

function given<Name extends keyof Query>(address: Address, name: Name): string[] {
  const field: Field<Query[Name]> = FIELDS[name];
  const written = field.format(address[name]);
  const isUsual = address[name] === null || (field.none !== null && written === field.format(field.none));
  return isUsual ? [] : [`${name}=${readable(written)}`];
}

/** Percent signs only where an address needs them, since people read and edit these. */
function readable(value: string): string {
  return encodeURIComponent(value)
    .replaceAll("%20", "+")
    .replace(/%(2C|3B|2F|3A|3D|3C|3E|5B|5D)/g, (code) => (/%3[CE]/.test(code) ? code : decodeURIComponent(code)));
}

function asView(word: string): View {
  return VIEWS.find((view) => view === word) ?? "table";
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function splitOnce(value: string, separator: string): [string, string] {
  const place = value.indexOf(separator);
  return place < 0 ? [value, ""] : [value.slice(0, place), value.slice(place + 1)];
}
