import type { Json, JsonObject } from "../core/json";
import { Problem } from "../core/source";
import { arranged, compareLists, sizeOf, type Group, type PaperTable, type Result, type Value } from "./paper_table";
import { cellText, latex, markdown } from "./paper_text";
import { matching } from "./rows";
import type { InlinedTable } from "./table";

const UNFINISHED = new Set(["ERROR", "INTERRUPTED", "TERMINATED", "RUNNING", "LOST", "SILENT", "UNKNOWN"]);
const MOST_LISTED = 8;

/** What the table is about: its rows, and what keys and results are. */
interface Asked {
  table: InlinedTable;
  chosen: readonly number[];
  keys: readonly number[];
}

/**
 * The paper's table of the rows that match: the cells of the server's _compare_page.py, means with
 * deviations, written as LaTeX and as Markdown.
 */
export function paperOf(table: InlinedTable, facts: readonly JsonObject[], query: URLSearchParams): JsonObject {
  if (query.get("seed") || (query.get("spread") ?? "std") !== "std") {
    throw new Problem("An exported page's table is one of means and deviations only.", "'meticulous table' makes others.");
  }
  const wanted = matching(table, query.get("filter") ?? "");
  const isUnfinished = (row: number): boolean => UNFINISHED.has(table.status(row));
  const chosen = wanted.filter((row) => !isUnfinished(row));
  const notes = sentence("Left out, since they did not end well", idsOf(table, wanted.filter(isUnfinished)));
  if (chosen.length === 0) return { cells: [], notes, latex: "", markdown: "" };
  const rows = placesOf(table, query.get("rows"), "Rows");
  const columns = placesOf(table, query.get("cols"), "Columns").filter((place) => !rows.includes(place));
  const asked: Asked = { table, chosen, keys: [...rows, ...columns] };
  table.mustBeExact(asked.keys);
  const results = words(query.get("cell")).map((word) => resultOf(asked, facts, word));
  const paper = arranged(results, rows.length);
  const corner = rows.map((place) => keyOf(table.columns[place]!));
  const page = { table: paper, corner, caption: captionOf(paper) };
  return {
    cells: cellsOf(asked, paper),
    notes: [...notes, ...results.flatMap(notesOn), ...mixed(asked, results)],
    latex: latex(page),
    markdown: markdown(page),
  };
}

/** Names with commas or spaces between; backticks keep both. */
function words(list: string | null): string[] {
  return [...new Set([...(list ?? "").matchAll(/`([^`]+)`|([^\s,`]+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ""))];
}

/** Of a plain name that is an arg and something else, the arg. */
function placesOf(table: InlinedTable, list: string | null, option: string): number[] {
  const found = words(list).map((word) => {
    const arg = table.columns.indexOf(`args.${word}`);
    return arg >= 0 ? arg : table.placeOf(word, option);
  });
  return [...new Set(found)];
}

function keyOf(column: string): string {
  return column.slice(column.indexOf(".") + 1);
}

function idsOf(table: InlinedTable, rows: readonly number[]): string[] {
  return rows.map((row) => table.ids[row]!);
}

/** A result, in groups that agree in the keys. */
function resultOf({ table, chosen, keys }: Asked, facts: readonly JsonObject[], word: string): Result {
  const summary = table.columns.indexOf(`summary.${word}`);
  const place = summary >= 0 ? summary : table.placeOf(word, "Cells");
  const groups = new Map<string, Group>();
  for (const row of chosen) {
    const key = keys.map((of) => valueOf(table, row, of));
    const identity = JSON.stringify(key.map((value) => value.identity));
    const group = groups.get(identity) ?? { key, rows: [], ids: [], shas: [], numbers: [], without: [], odd: [] };
    groups.set(identity, group);
    const number = table.number(row, place);
    if (number === null) (table.value(row, place) === null ? group.without : group.odd).push(table.ids[row]!);
    else {
      group.rows.push(row);
      group.numbers.push(number);
      group.ids.push(table.ids[row]!);
      group.shas.push(commitOf(table, row));
    }
  }
  const { lower } = facts.find((fact) => fact.name === table.columns[place]) ?? {};
  return {
    name: table.columns[place]!.replace(/^header\./, ""),
    groups: [...groups.values()].sort((a, b) => compareLists(a.key, b.key)),
    isLower: typeof lower === "boolean" ? lower : null,
  };
}

function valueOf(table: InlinedTable, row: number, place: number): Value {
  const identity = table.identity(row, place);
  const label = identity === "" ? "-" : textOf(table.value(row, place));
  return { identity, order: table.key(row, place), label };
}

function textOf(value: Json): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(Number(value.toPrecision(10)));
  // A text that looks like something else is told from it.
  const looksOther = typeof value !== "string" || /^(|-|None|True|False|[\d.+-].*)$/.test(value);
  return looksOther ? JSON.stringify(value) : value;
}

function commitOf(table: InlinedTable, row: number): string | null {
  const sha = table.value(row, table.columns.findIndex((name) => name === "sha" || name === "header.sha"));
  return sha === null ? null : String(sha);
}

function cellsOf({ table, keys }: Asked, paper: PaperTable): JsonObject[] {
  return paper.cells.flat().flatMap((cell, index): JsonObject[] => {
    if (!cell) return [];
    const first = cell.group.rows[0]!;
    const there = keys.filter((place) => table.identity(first, place) !== "");
    return [
      {
        ...Object.fromEntries(there.map((place) => [table.columns[place]!, table.value(first, place)])),
        cell: paper.columns[index % paper.columns.length]!.name,
        n: sizeOf(cell),
        mean: cell.mean,
        spread: cell.spread,
        text: cellText(cell, sizeOf(cell)),
        best: cell.isBest,
        ids: cell.group.ids,
      },
    ];
  });
}

// What a reader of means would not expect.

function notesOn({ name, groups, isLower }: Result): string[] {
  return [
    ...sentence(`Without ${name}`, groups.flatMap(({ without }) => without)),
    ...sentence(`Left out, since ${name} is no finite number`, groups.flatMap(({ odd }) => odd)),
    ...(isLower === null ? [`No best of ${name}: its name does not tell whether small or large is better`] : []),
  ];
}

/** What else than the seed makes a group spread. */
function mixed({ table, keys }: Asked, results: readonly Result[]): string[] {
  const members = results.flatMap(({ groups }) => groups.map(({ rows }) => rows));
  const isMixed = (place: number): boolean =>
    members.some((rows) => rows.some((row) => table.identity(row, place) !== table.identity(rows[0]!, place)));
  const found = table.columns.filter((name, place) => {
    const isArg = name.startsWith("args.") && !name.toLowerCase().includes("seed", 5);
    return (isArg || name === "sha") && !keys.includes(place) && isMixed(place);
  });
  const told = found.map((name) => (name === "sha" ? "the commit" : name));
  return sentence("Not only the seed differs between the experiments of a group", told);
}

function sentence(what: string, list: readonly string[]): string[] {
  if (list.length === 0) return [];
  const more = list.length > MOST_LISTED ? ` and ${list.length - MOST_LISTED} more` : "";
  return [`${what}: ${list.slice(0, MOST_LISTED).join(", ")}${more}`];
}

function captionOf({ cells, usual }: PaperTable): string {
  const there = cells.flat().filter((cell) => cell !== null);
  const unless = there.some((cell) => sizeOf(cell) !== usual) ? " unless a cell says otherwise" : "";
  const best = there.some(({ isBest }) => isBest) ? "; best per column in bold" : "";
  return `mean ± standard deviation, n = ${usual}${unless}${best}`;
}
