import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  title: string;
  onClose: () => void;
  /** Instead of that, for Escape. */
  onCancel?: () => void;
  children: ComponentChildren;
}

/** A dialog of the browser, which keeps the focus inside and gives it back. */
export function Dialog({ title, onClose, onCancel, children }: Props): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const isShown = useRef(true);
  useLayoutEffect(() => {
    const node = dialog.current;
    node?.showModal();
    return () => {
      // What the browser tells of this comes later, when another dialog may be open.
      isShown.current = false;
      node?.close();
    };
  }, []);
  const clicked = (event: MouseEvent): void => {
    if (event.target === dialog.current) onClose();
  };
  const press = (event: KeyboardEvent): void => {
    // Not the event "cancel", which browsers leave out at times.
    if (event.key !== "Escape" || !onCancel) return;
    event.preventDefault();
    onCancel();
  };
  return (
    <dialog ref={dialog} aria-label={title} onClose={() => isShown.current && onClose()} onClick={clicked} onKeyDown={press}>
      <div class="dialog">
        <div class="dialog-head">
          <h2>{title}</h2>
          <button type="button" class="quiet" onClick={onClose} aria-label="Close">
            ✕
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}
