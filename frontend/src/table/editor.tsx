import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Json } from "../core/json";
import { nameOf } from "./edit_actions";
import { cancel, draft, save, type Edit } from "./editing";
import { tagsOf } from "./kinds";

interface Props {
  edit: Edit;
  /** What stands there, also when somebody else changes it. */
  now: Json;
  /** After Enter and Escape. */
  onEnd?: () => void;
  /** In a cell: Tab saves and goes on from there, and so does whoever clicks elsewhere. */
  onTab?: (step: number) => void;
  children?: ComponentChildren;
}

export const TITLES = { tags: "Tags", note: "Note", name: "Name" };
const HINTS = {
  tags: "Words with spaces between; Backspace takes the last tag away.",
  note: "Added to the notes before, which stay; Shift+Enter begins a line.",
  name: "Without any text the name is taken away.",
};

/** The one editor of tags, note and name, in a cell as in a dialog. */
export function Editor({ edit, now, onEnd, onTab, children }: Props): JSX.Element {
  const { id, kind, text, removed, before, problem, isSaving } = edit;
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const tags = kind === "tags" ? tagsOf(now).filter((tag) => !removed.includes(tag)) : [];
  const shown = text ?? (kind === "name" ? nameOf(now) : "");
  const isOther = kind === "name" && before !== undefined && nameOf(before) !== nameOf(now);
  const told = problem
    ? `It was not saved: ${problem.message} ${problem.hint}`
    : isOther && `Meanwhile it was named '${nameOf(now)}'. Enter replaces that.`;
  // Before the next letter is typed, which would be a key of the page.
  useLayoutEffect(() => {
    field.current!.focus({ preventScroll: true });
    field.current!.setSelectionRange(shown.length, shown.length);
  }, [id, kind]);
  const remove = (tag: string): void => {
    field.current!.focus();
    draft({ removed: [...removed, tag] }, now);
  };
  const press = (event: KeyboardEvent): void => {
    const { key, target, shiftKey, repeat, isComposing } = event;
    const node = field.current!;
    const isIn = target === node;
    const isAtEdge = shiftKey ? target === node.parentElement!.firstElementChild : isIn;
    const then = (next?: () => void): void => {
      event.preventDefault();
      void save(now).then((isSaved) => isSaved && next?.());
    };
    // The keys of the page are letters here.
    event.stopPropagation();
    if (isComposing) return;
    if (key === "Escape") {
      event.preventDefault();
      cancel();
      onEnd?.();
    } else if (key === "Enter" && isIn && !shiftKey) then(onEnd);
    else if (key === "Tab" && onTab && isAtEdge) then(() => onTab(shiftKey ? -1 : 1));
    else if (key === "Backspace" && isIn && !node.value && !repeat && tags.length) remove(tags.at(-1)!);
  };
  const leave = (event: FocusEvent): void => {
    const isInside = (event.currentTarget as HTMLElement).contains(event.relatedTarget as Node | null);
    // Another window, or a reason why not that has not been answered: the text just stays.
    if (onTab && !isInside && !told && document.hasFocus()) void save(now);
  };
  const Field = kind === "note" ? "textarea" : "input";
  return (
    <div class="editor" tabIndex={-1} onKeyDown={press} onFocusOut={leave}>
      {tags.map((tag) => (
        // The field keeps the focus.
        <button key={tag} type="button" class="tag" aria-label={`Remove ${tag}`} onMouseDown={(event) => event.preventDefault()} onClick={() => remove(tag)}>
          {tag} ✕
        </button>
      ))}
      <Field
        ref={field}
        id="editor"
        rows={3}
        aria-label={`${TITLES[kind]} of ${id}`}
        aria-describedby="editor-words"
        aria-invalid={!!problem}
        autocomplete="off"
        autofocus={!onTab}
        placeholder={kind === "name" ? "no name" : kind === "tags" ? "more tags" : "a further note"}
        readOnly={isSaving}
        value={shown}
        onInput={(event: JSX.TargetedEvent<HTMLInputElement | HTMLTextAreaElement>) => draft({ text: event.currentTarget.value }, now)}
      />
      {children}
      <div id="editor-words">
        {told ? <p class="failure" role="alert">{told}</p> : isSaving ? "Saving…" : `${HINTS[kind]} Enter saves, Escape cancels.`}
      </div>
    </div>
  );
}
