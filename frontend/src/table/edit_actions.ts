import { tagsOf } from "./kinds";

export type Annotation = "tags" | "note" | "name";

/** What is asked of the server to come from the tags before to those in the text. */
export function actionsFor(kind: Annotation, text: string, before: readonly string[]): [string, string][] {
  if (kind !== "tags") return text.trim() ? [[kind, text.trim()]] : [];
  const now = new Set(tagsOf(text));
  const added = [...now].filter((tag) => !before.includes(tag));
  const removed = before.filter((tag) => !now.has(tag));
  return [...added.map((tag): [string, string] => ["tag", tag]), ...removed.map((tag): [string, string] => ["untag", tag])];
}
