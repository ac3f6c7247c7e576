import { sizeOf, type Cell, type PaperTable, type Value } from "./paper_table";

/** What a table shows besides its cells; all of it is text as it came. */
export interface Page {
  table: PaperTable;
  /** What the rows are told apart by. */
  corner: string[];
  caption: string;
}

const LATEX = new Map([
  ["\\", "\\textbackslash{}"],
  ...["{", "}", "$", "&", "#", "%", "_"].map((sign): [string, string] => [sign, `\\${sign}`]),
  ["~", "\\textasciitilde{}"],
  ["^", "\\textasciicircum{}"],
  ["|", "\\textbar{}"],
  ["<", "\\textless{}"],
  [">", "\\textgreater{}"],
  ['"', "\\char34{}"],
  ["[", "{[}"],
  ["*", "{*}"],
]);
const MARKDOWN = new Map([
  ...["\\", "|", "`", "*", "[", "]", "~", "$"].map((sign): [string, string] => [sign, `\\${sign}`]),
  ["<", "&lt;"],
  [">", "&gt;"],
  ["&", "&amp;"],
]);

/** Text on one line, that is no markup. */
function escaped(text: string, escapes: ReadonlyMap<string, string>): string {
  return [...plain(text)].map((sign) => escapes.get(sign) ?? sign).join("");
}

function plain(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ");
}

/** A cell as text: the number of results only where it is not what most cells have. */
export function cellText(cell: Cell, usual: number, sign = "±"): string {
  const pair = cell.spreadText ? `${cell.meanText} ${sign} ${cell.spreadText}` : cell.meanText;
  const power = `e${cell.exponent < 0 ? "-" : "+"}${String(Math.abs(cell.exponent)).padStart(2, "0")}`;
  const text = cell.exponent ? `${cell.spreadText ? `(${pair})` : pair}${power}` : pair;
  return sizeOf(cell) === usual ? text : `${text} (n = ${sizeOf(cell)})`;
}

/** A Markdown table with the best in bold, and what it is below. */
export function markdown(page: Page): string {
  const { usual } = page.table;
  const safe = (text: string): string => escaped(text, MARKDOWN);
  const [head, ...body] = linesOf(page, safe, (cell) => {
    if (!cell) return "—";
    return cell.isBest ? `**${cellText(cell, usual)}**` : cellText(cell, usual);
  });
  const rules = [...page.corner.map(() => "---"), ...page.table.columns.map(() => "---:")];
  const lines = [head!, rules, ...body].map((line) => `| ${line.join(" | ")} |\n`);
  return `${lines.join("")}\n${safe(page.caption)}\n`;
}

/** A `tabular` for the package booktabs; comments say what each cell is made of. */
export function latex(page: Page): string {
  const { columns, usual } = page.table;
  const safe = (text: string): string => escaped(text, LATEX);
  const [head, ...body] = linesOf(page, safe, (cell) => {
    if (!cell) return "---";
    const text = cellText(cell, usual, "$\\pm$").replace(/^(\(?)-/, "$1$$-$$");
    return cell.isBest ? `\\textbf{${text}}` : text;
  });
  return [
    `% ${plain(page.caption)}; \\usepackage{booktabs}`,
    `\\begin{tabular}{${"l".repeat(page.corner.length)}${"r".repeat(columns.length)}}`,
    "\\toprule",
    `${head!.join(" & ")} \\\\`,
    "\\midrule",
    ...body.map((line) => `${line.join(" & ")} \\\\`),
    "\\bottomrule",
    "\\end{tabular}",
    ...comments(page),
    "",
  ].join("\n");
}

function linesOf(page: Page, safe: (text: string) => string, shown: (cell: Cell | null) => string): string[][] {
  const { table, corner } = page;
  const head = [...corner, ...headers(table)].map(safe);
  return [head, ...table.rows.map((row, place) => [...labels(row).map(safe), ...table.cells[place]!.map(shown)])];
}

function labels(values: readonly Value[]): string[] {
  return values.map(({ label }) => label);
}

/** The values above each column, and the result where that is not clear. */
function headers({ columns }: PaperTable): string[] {
  const isNamed = new Set(columns.map(({ name }) => name)).size > 1;
  return columns.map(({ key, name }) => {
    const result = isNamed || key.length === 0 ? [name.replace(/^summary\./, "")] : [];
    return [...labels(key), ...result].join(", ");
  });
}

function comments({ table }: Page): string[] {
  const above = headers(table);
  return table.rows.flatMap((row, place) =>
    table.cells[place]!.flatMap((cell, column) => {
      if (!cell) return [];
      const commits = [...new Set(cell.group.shas)].map((sha) => sha?.slice(0, 7) ?? "unknown");
      const made = `ids ${cell.group.ids.join(",")} commit ${commits.join(", ")}`;
      return [`% ${plain(`${labels(row).join(", ")} / ${above[column]}: ${made}`)}`];
    }),
  );
}
