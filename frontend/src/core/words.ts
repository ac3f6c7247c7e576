/** Lists in the address bar: parts that may hold the separators themselves, with backslashes. */
export function join(parts: readonly string[], separator: string): string {
  const escaped = parts.map((part) => part.replace(/[\\,;]/g, "\\$&"));
  // A list with one empty part is not an empty list.
  return parts.length === 1 && parts[0] === "" ? "\\" : escaped.join(separator);
}

export function split(text: string, separator: string): string[] {
  return splitEscaped(text, separator).map((part) => part.replace(/\\(.?)/g, "$1"));
}

/** The parts as they were written, for lists of lists. */
export function splitEscaped(text: string, separator: string): string[] {
  if (text === "") return [];
  const parts = [""];
  for (let place = 0; place < text.length; place++) {
    const letter = text[place]!;
    if (letter === separator) parts.push("");
    else parts[parts.length - 1] += letter === "\\" ? letter + (text[++place] ?? "") : letter;
  }
  return parts;
}

const RANGE = /^(\d+)-(\d+)$/;
const PLAIN = /^(0|[1-9]\d{0,14})$/;
const LONGEST = 100_000;

/** Ids as the command line writes them: 3-7,9. What is no number stands as it is. */
export function joinIds(ids: readonly string[]): string {
  const parts: string[] = [];
  for (let place = 0; place < ids.length; ) {
    let end = place;
    while (isNext(ids[end]!, ids[end + 1])) end++;
    const id = ids[place]!;
    if (end - place >= 2) parts.push(`${id}-${ids[end]!}`);
    else {
      // A folder whose name looks like a range is told from one by the sign before it.
      for (const single of ids.slice(place, end + 1)) {
        const plain = RANGE.test(single) || single.startsWith("=") ? `=${single}` : single;
        parts.push(join([plain], ","));
      }
    }
    place = end + 1;
  }
  return parts.join(",");
}

export function splitIds(text: string): string[] {
  return split(text, ",").flatMap((part) => {
    if (part.startsWith("=")) return [part.slice(1)];
    const range = RANGE.exec(part);
    const [low, high] = [Number(range?.[1]), Number(range?.[2])];
    if (!range || high < low || high - low > LONGEST) return [part];
    return Array.from({ length: high - low + 1 }, (_, step) => String(low + step));
  });
}

function isNext(id: string, next: string | undefined): boolean {
  return next !== undefined && PLAIN.test(id) && PLAIN.test(next) && Number(next) === Number(id) + 1;
}
