/** A name that could stand where the cursor is. */
export interface Completion {
  names: string[];
  /** The part of the text that a name would replace. */
  start: number;
  end: number;
}

const NAME = /[A-Za-z_][\w.]*$/;
const PLAIN = /^[A-Za-z_][\w.]*$/;
const SHOWN = 12;

/** Names that contain what was begun, those that begin with it first; none within quotes. */
export function complete(text: string, cursor: number, names: readonly string[]): Completion | null {
  const before = text.slice(0, cursor);
  if (isQuoted(before)) return null;
  const begun = NAME.exec(before)?.[0] ?? "";
  if (begun === "") return null;
  const word = begun.toLowerCase();
  const found = names.filter((name) => name.toLowerCase().includes(word) && name !== begun);
  const rank = (name: string): number => {
    const low = name.toLowerCase();
    if (low.startsWith(word) || low.slice(low.indexOf(".") + 1).startsWith(word)) return 0;
    return low.includes(`.${word}`) || low.includes(`_${word}`) ? 1 : 2;
  };
  found.sort((a, b) => rank(a) - rank(b));
  if (found.length === 0) return null;
  const rest = /^[\w.]*/.exec(text.slice(cursor))?.[0].length ?? 0;
  return { names: found.slice(0, SHOWN), start: cursor - begun.length, end: cursor + rest };
}

export function written(name: string): string {
  return PLAIN.test(name) ? name : `\`${name}\``;
}

function isQuoted(text: string): boolean {
  let quote = "";
  for (const letter of text) {
    if (quote === "" && (letter === '"' || letter === "'" || letter === "`")) quote = letter;
    else if (letter === quote) quote = "";
  }
  return quote !== "";
}

/** The place that the server's message names: "Filter, column 7, at '== 2': ..." */
export function markedColumn(message: string): number | null {
  const column = /column (\d+)/.exec(message)?.[1];
  return column === undefined ? null : Number(column) - 1;
}
