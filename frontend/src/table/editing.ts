import { signal } from "@preact/signals";
import { annotate, asProblem, source } from "../core/api";
import type { Json } from "../core/json";
import type { Problem } from "../core/source";
import { refresh, store, tell } from "../core/state";
import { actionsFor, type Annotation, type Draft } from "./edit_actions";

export interface Edit extends Draft {
  id: string;
  /** What stood there when the first change was made. */
  before: Json | undefined;
  problem: Problem | null;
  isSaving: boolean;
}

/**
 * The annotation that is being edited: one at a time.
 *
 * It is kept here and not in what shows it, so that no other order, filter or view, and no refusal
 * of the server, loses what was written.
 */
export const edited = signal<Edit | null>(null);

let saving: Promise<boolean> | null = null;

/** Edit an annotation of the only experiment of a row; says why when that cannot be. */
export async function edit(ids: readonly string[], kind: Annotation): Promise<void> {
  const [id = ""] = ids;
  if (!source.isLive || store.value?.read_only) return tell("This page is read only: nothing can be changed in it.");
  if (ids.length !== 1) return tell("This row is several experiments: open it to edit one of them.");
  // What was edited before may just be on its way.
  await saving;
  const open = edited.value;
  if (open) {
    tell(`Not saved yet: ${open.kind} of ${open.id}.`);
    return document.getElementById("editor")?.focus();
  }
  edited.value = { id, kind, text: null, removed: [], before: undefined, problem: null, isSaving: false };
}

/** Take in what was typed or removed, while `now` stands there. */
export function draft(to: Partial<Draft>, now: Json): void {
  const open = edited.value;
  if (open) edited.value = { ...open, before: open.before === undefined ? now : open.before, problem: null, ...to };
}

/** Save the draft and end; without success it stays, with the reason. */
export function save(now: Json): Promise<boolean> {
  return (saving ??= send(now).finally(() => (saving = null)));
}

async function send(now: Json): Promise<boolean> {
  const open = edited.value;
  const actions = open ? actionsFor(open, now) : [];
  if (open && actions.length) {
    edited.value = { ...open, problem: null, isSaving: true };
    try {
      for (const [action, value] of actions) await annotate(open.id, action, value);
    } catch (error) {
      edited.value = { ...open, problem: asProblem(error) };
      return false;
    }
    tell(`Saved the ${open.kind} of ${open.id}.`);
    refresh(open.id);
  }
  edited.value = null;
  return true;
}

/** Forget the draft. */
export function cancel(): void {
  if (!edited.value?.isSaving) edited.value = null;
}

addEventListener("beforeunload", (event) => {
  const open = edited.value;
  if (open?.before !== undefined && actionsFor(open, open.before).length) event.preventDefault();
});
