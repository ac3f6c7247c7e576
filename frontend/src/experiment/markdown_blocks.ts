/** The little of Markdown that reports need. It becomes text in plain elements, never HTML. */
export type Block =
  | { kind: "heading"; level: number; spans: Span[] }
  | { kind: "paragraph"; spans: Span[] }
  | { kind: "list"; isOrdered: boolean; items: Span[][] }
  | { kind: "code"; text: string }
  | { kind: "quote"; spans: Span[] }
  | { kind: "rule" };

export interface Span {
  kind: "text" | "strong" | "em" | "code";
  text: string;
}

const ITEM = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;
const FENCE = /^\s*(```|~~~)/;

export function parseMarkdown(text: string): Block[] {
  const lines = text.split(/\r?\n/);
  const blocks: Block[] = [];
  let place = 0;
  while (place < lines.length) {
    const [block, next] = blockAt(lines, place);
    if (block) blocks.push(block);
    place = next;
  }
  return blocks;
}

function blockAt(lines: readonly string[], place: number): [Block | null, number] {
  const line = lines[place]!;
  if (line.trim() === "") return [null, place + 1];
  if (FENCE.test(line)) return fenced(lines, place);
  const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
  if (heading) return [{ kind: "heading", level: heading[1]!.length, spans: spansOf(heading[2]!) }, place + 1];
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) return [{ kind: "rule" }, place + 1];
  const item = ITEM.exec(line);
  if (item) {
    const end = endOf(lines, place, (next) => ITEM.test(next));
    const items = lines.slice(place, end).map((next) => spansOf(ITEM.exec(next)![2]!));
    return [{ kind: "list", isOrdered: item[1] !== undefined, items }, end];
  }
  if (line.startsWith(">")) {
    const end = endOf(lines, place, (next) => next.startsWith(">"));
    const quoted = lines.slice(place, end).map((next) => next.replace(/^>\s?/, ""));
    return [{ kind: "quote", spans: spansOf(quoted.join("\n")) }, end];
  }
  const end = endOf(lines, place + 1, (next) => next.trim() !== "" && !FENCE.test(next) && !ITEM.test(next) && !/^(#{1,6}\s|>)/.test(next));
  return [{ kind: "paragraph", spans: spansOf(lines.slice(place, end).join("\n")) }, end];
}

function endOf(lines: readonly string[], start: number, belongs: (line: string) => boolean): number {
  let end = start;
  while (end < lines.length && belongs(lines[end]!)) end++;
  return end;
}

function fenced(lines: readonly string[], place: number): [Block, number] {
  const mark = FENCE.exec(lines[place]!)![1]!;
  const end = endOf(lines, place + 1, (line) => !line.trim().startsWith(mark));
  return [{ kind: "code", text: lines.slice(place + 1, end).join("\n") }, end + 1];
}

const SPAN = /`([^`]+)`|\*\*([^*]+)\*\*|__([^_]+)__|\*([^*\s][^*]*)\*|\[([^\]]*)\]\(([^)\s]*)[^)]*\)/g;

/** Emphasis and code. A link's address stands behind its text, to be read before it is followed. */
export function spansOf(text: string): Span[] {
  const spans: Span[] = [];
  let end = 0;
  for (const match of text.matchAll(SPAN)) {
    if (match.index > end) spans.push({ kind: "text", text: text.slice(end, match.index) });
    const [, code, strong, strongToo, em, label, link] = match;
    if (code !== undefined) spans.push({ kind: "code", text: code });
    else if (strong ?? strongToo) spans.push({ kind: "strong", text: (strong ?? strongToo)! });
    else if (em !== undefined) spans.push({ kind: "em", text: em });
    else spans.push({ kind: "text", text: label === link ? `${label}` : `${label} (${link})` });
    end = match.index + match[0].length;
  }
  if (end < text.length) spans.push({ kind: "text", text: text.slice(end) });
  return spans;
}
