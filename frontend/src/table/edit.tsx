import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { annotate, asProblem, experimentPath, question, source, useAnswer } from "../core/api";
import type { JsonObject } from "../core/json";
import type { Problem } from "../core/source";
import { refresh, store, tell } from "../core/state";
import type { ExperimentFacts } from "../core/types";
import { Dialog } from "../parts/dialog";
import { Answered, Failure } from "../parts/states";
import { actionsFor, type Annotation } from "./edit_actions";
import { tagsOf } from "./kinds";

interface Props {
  id: string;
  kind: Annotation;
  onClose: () => void;
}

const HINTS = { tags: "Words with spaces between", note: "A further note; those before stay", name: "A name" };

/** Edit tags, note or name; what stands there now is asked for, since a column for it may be hidden. */
export function EditDialog({ id, kind, onClose }: Props): JSX.Element {
  const answer = useAnswer<ExperimentFacts>(question(experimentPath(id)), "experiment");
  return (
    <Dialog title={`${kind === "tags" ? "Tags" : kind === "note" ? "Note" : "Name"} of ${id}`} onClose={onClose}>
      <Answered answer={answer} what="Reading the experiment">
        {({ annotations }) => <EditForm id={id} kind={kind} now={annotations} onClose={onClose} />}
      </Answered>
    </Dialog>
  );
}

function EditForm({ id, kind, now, onClose }: Props & { now: JsonObject }): JSX.Element {
  const tags = tagsOf(now.tags ?? null);
  const [text, setText] = useState(startOf(kind, now));
  const [problem, setProblem] = useState<Problem | null>(null);
  const input = useRef<HTMLInputElement>(null);
  // The form comes after the dialog has opened, and with it the browser's own choice of focus.
  useEffect(() => input.current?.focus(), []);
  const cannot = !source.isLive || store.value?.read_only;
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      for (const [action, value] of actionsFor(kind, text, tags)) await annotate(id, action, value);
      tell(`Saved the ${kind} of ${id}.`);
      refresh(id);
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <form onSubmit={(event) => void save(event)}>
      {cannot && <p>This page was opened to be read only: nothing can be changed here.</p>}
      <label>
        {HINTS[kind]}
        <input
          ref={input}
          value={text}
          disabled={cannot ?? false}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={cannot ?? false}>
        Save
      </button>
      {problem && <Failure problem={problem} what="It was not saved" />}
    </form>
  );
}

/** What stands in the form at first; behind the tags there is room for one more. */
function startOf(kind: Annotation, now: JsonObject): string {
  if (kind === "name") return String(now.name ?? "");
  return kind === "tags" ? tagsOf(now.tags ?? null).map((tag) => `${tag} `).join("") : "";
}
