import type { Json } from "../core/json";
import { tagsOf } from "./kinds";

export type Annotation = "tags" | "note" | "name";

/** What somebody changed so far, kept apart from what stands there, which others may change meanwhile. */
export interface Draft {
  kind: Annotation;
  /** null: not touched. */
  text: string | null;
  /** Tags that are to go. */
  removed: readonly string[];
}

/** What is asked of the server to bring a draft about; nothing when it changes nothing. */
export function actionsFor({ kind, text, removed }: Draft, now: Json): [string, Json][] {
  if (kind === "tags") {
    const before = tagsOf(now);
    const written = [...new Set(tagsOf(text))];
    const added = written.filter((tag) => !before.includes(tag));
    const gone = removed.filter((tag) => before.includes(tag) && !written.includes(tag));
    return [["tag", added] as [string, Json], ["untag", gone] as [string, Json]].filter(([, tags]) => (tags as string[]).length);
  }
  const written = text?.trim() ?? null;
  // An empty name takes the name away; an empty note is none.
  const isChange = kind === "name" ? written !== null && written !== nameOf(now) : written;
  return isChange ? [[kind, written]] : [];
}

export function nameOf(now: Json): string {
  return now === null ? "" : String(now);
}
