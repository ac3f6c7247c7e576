import type { JSX } from "preact";
import { experimentPath, question, useAnswer } from "../core/api";
import { changes } from "../core/state";
import type { ExperimentFacts } from "../core/types";
import { Dialog } from "../parts/dialog";
import { Answered } from "../parts/states";
import type { Annotation } from "./edit_actions";
import { cancel, edited, save, type Edit } from "./editing";
import { Editor, TITLES } from "./editor";

/** Edits what has no cell on the page; what it is now is asked for. */
export function EditDialog({ inCells = [] }: { inCells?: readonly Annotation[] }): JSX.Element | null {
  const open = edited.value;
  return open && !open.isSaving && !inCells.includes(open.kind) ? <Opened key={open.id} edit={open} /> : null;
}

function Opened({ edit }: { edit: Edit }): JSX.Element {
  const { id, kind, before } = edit;
  const answer = useAnswer<ExperimentFacts>(question(experimentPath(id)), "experiment", changes.value.get(id) ?? 0);
  const annotations = answer.value?.annotations;
  const now = annotations ? (annotations[kind === "note" ? "notes" : kind] ?? null) : before;
  return (
    <Dialog title={`${TITLES[kind]} of ${id}`} onClose={() => void save(now ?? null)} onCancel={cancel}>
      {now === undefined ? (
        <Answered answer={answer} what="Reading the experiment">
          {() => null}
        </Answered>
      ) : (
        <Editor edit={edit} now={now}>
          <button type="button" onClick={() => void save(now)}>
            Save
          </button>
        </Editor>
      )}
    </Dialog>
  );
}
