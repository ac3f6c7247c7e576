import { diffWordsWithSpace, parsePatch } from "diff";

export type PatchLine = {
  kind: "same" | "added" | "removed" | "note";
  /** Numbers before and after; null where the line is not. */
  before: number | null;
  after: number | null;
  parts: { text: string; isChanged: boolean }[];
};

export interface PatchHunk {
  header: string;
  lines: PatchLine[];
}

export interface PatchFile {
  path: string;
  added: number;
  removed: number;
  hunks: PatchHunk[];
}

/** A longer line is shown without the words that changed: to find them would take seconds. */
const LONGEST = 500;

/** A patch as files, hunks and lines; null when it is none that can be understood. */
export function readPatch(patch: string): PatchFile[] | null {
  try {
    return parsePatch(patch).map((file) => {
      const hunks = file.hunks.map((hunk) => ({
        header: `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`,
        lines: withWords(numbered(hunk.lines, hunk.oldStart, hunk.newStart)),
      }));
      const count = (kind: string): number => hunks.reduce((sum, { lines }) => sum + lines.filter((line) => line.kind === kind).length, 0);
      return { path: pathOf(file.newFileName, file.oldFileName, file.index), added: count("added"), removed: count("removed"), hunks };
    });
  } catch {
    // Patches come from experiments: what is broken is shown as the text that it is.
    return null;
  }
}

function pathOf(...names: (string | undefined)[]): string {
  const name = names.find((word) => word && word !== "/dev/null") ?? "";
  return name.replace(/^[ab]\//, "");
}

const KINDS: Record<string, PatchLine["kind"]> = { "+": "added", "-": "removed", " ": "same", "\\": "note" };

function numbered(lines: readonly string[], before: number, after: number): PatchLine[] {
  return lines.map((line) => {
    const kind = KINDS[line[0] ?? " "] ?? "same";
    const isBefore = kind === "same" || kind === "removed";
    const isAfter = kind === "same" || kind === "added";
    return {
      kind,
      before: isBefore ? before++ : null,
      after: isAfter ? after++ : null,
      parts: [{ text: line.slice(1), isChanged: false }],
    };
  });
}

/** Where as many lines were removed as added, mark the words that changed. */
function withWords(lines: PatchLine[]): PatchLine[] {
  let start = 0;
  while (start < lines.length) {
    const removed = runOf(lines, start, "removed");
    const added = runOf(lines, start + removed, "added");
    if (removed > 0 && removed === added) {
      for (let step = 0; step < removed; step++) markWords(lines[start + step]!, lines[start + removed + step]!);
    }
    start += Math.max(1, removed + added);
  }
  return lines;
}

function runOf(lines: readonly PatchLine[], start: number, kind: string): number {
  let end = start;
  while (lines[end]?.kind === kind) end++;
  return end - start;
}

function markWords(before: PatchLine, after: PatchLine): void {
  const [old, now] = [before.parts[0]!.text, after.parts[0]!.text];
  if (old.length > LONGEST || now.length > LONGEST) return;
  const words = diffWordsWithSpace(old, now);
  const same = words.reduce((sum, { value, added, removed }) => sum + (added || removed ? 0 : value.length), 0);
  // Two lines that have little in common were not changed, but replaced.
  if (same < 0.3 * Math.max(old.length, now.length)) return;
  before.parts = words.filter(({ added }) => !added).map(({ value, removed }) => ({ text: value, isChanged: removed }));
  after.parts = words.filter(({ removed }) => !removed).map(({ value, added }) => ({ text: value, isChanged: added }));
}
