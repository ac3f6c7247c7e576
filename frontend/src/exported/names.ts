const MOST = 3;
const LIKE = 0.7;
const CONSTANTS = new Map([
  ["true", "True"],
  ["false", "False"],
  ["null", "None"],
  ["none", "None"],
]);

/** What to write instead of a name that no column has. */
export function hintFor(word: string, columns: readonly string[]): string {
  const constant = CONSTANTS.get(word);
  if (constant === "None") return "Write .isnull() behind a name for what has no value.";
  if (constant) return `Write ${constant}.`;
  const close = closeTo(word, columns);
  if (close.length > 0) return `Did you mean ${close.map((name) => `'${name}'`).join(" or ")}?`;
  return "Columns (C) of the table shows the names; 'meticulous ui' knows all that is recorded.";
}

/** The columns whose names, in full or without what stands before a dot, look like a word. */
function closeTo(word: string, columns: readonly string[]): string[] {
  const liked = columns.map((name): [string, number] => {
    const spelled = [name, name.slice(name.indexOf(".") + 1), name.slice(name.lastIndexOf(".") + 1)];
    return [name, Math.max(...spelled.map((one) => likeness(word, one)))];
  });
  const close = liked.filter(([, like]) => like >= LIKE).sort(([, a], [, b]) => b - a);
  return close.slice(0, MOST).map(([name]) => name);
}

/** The share of letters that two words have in common in the same order. */
function likeness(a: string, b: string): number {
  const both = a.length + b.length;
  // Words of very different lengths are not alike, and a text that was pasted is long.
  if (2 * Math.min(a.length, b.length) < LIKE * both) return 0;
  let before = new Array<number>(b.length + 1).fill(0);
  for (const letter of a) {
    const now = [0];
    for (let place = 0; place < b.length; place++) {
      now.push(letter === b[place] ? before[place]! + 1 : Math.max(before[place + 1]!, now[place]!));
    }
    before = now;
  }
  return (2 * before[b.length]!) / both;
}
