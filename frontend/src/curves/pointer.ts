import { signal } from "@preact/signals";

/** Where the pointer is among the curves; all panels follow it. */
export interface Pointer {
  place: number | null;
  value: number | null;
  /** The panel that it is on. */
  metric: string;
}

export const pointer = signal<Pointer>({ place: null, value: null, metric: "" });

/** Over another x the place means something else. */
export function forgetPointer(): void {
  next = null;
  pointer.value = { place: null, value: null, metric: "" };
}

let next: Pointer | null = null;

/** Follow the pointer once a frame: it moves more often than anything can be drawn. */
export function movePointer(to: Pointer): void {
  if (!next) {
    requestAnimationFrame(() => {
      if (next) pointer.value = next;
      next = null;
    });
  }
  next = to;
}
