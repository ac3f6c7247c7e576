import { signal } from "@preact/signals";
import { format, parse, type Address, type View } from "./address";
import type { Store } from "./types";

/** What the page shows; the address bar follows it, and it follows back and forward. */
export const address = signal<Address>(parse(location.hash));
export const store = signal<Store | null>(null);
/** Counts the changes that this page heard of; whoever reads it asks anew. */
export const version = signal(0);
/** When each experiment changed last, so that a page of one does not ask for every change of others. */
export const changes = signal<ReadonlyMap<string, number>>(new Map());
export const running = signal<ReadonlySet<string>>(new Set());
/** What a screen reader should hear, and a sighted reader see for a moment. */
export const notice = signal("");

/** Why the page is not live, as long as it is not. */
export const stale = signal("");

/**
 * Change what the page shows.
 *
 * A step is something that "back" takes back: another view, filter or order. Typing, dragging and
 * selecting are none, or "back" would be useless.
 */
export function change(to: Partial<Address>, isStep = false): void {
  address.value = { ...address.value, ...to };
  const hash = format(address.value);
  if (hash === location.hash) return;
  try {
    if (isStep) history.pushState(null, "", hash);
    else history.replaceState(null, "", hash);
  } catch {
    // Within a notebook the page has no address bar of its own.
  }
}

export function show(view: View): void {
  change({ view, id: "", tab: "", part: "" }, true);
}

export function openExperiment(id: string, tab = "", part = ""): void {
  change({ view: "experiment", id, tab, part }, true);
}

/** The address of what a link leads to. */
export function linkTo(to: Partial<Address>): string {
  return format({ ...address.value, ...to });
}

export function followAddressBar(): void {
  const read = (): void => {
    const next = parse(location.hash);
    if (format(address.value) !== format(next)) address.value = next;
  };
  addEventListener("popstate", read);
  addEventListener("hashchange", read);
}

export function select(ids: readonly string[]): void {
  change({ selected: [...ids] });
}

export function toggleSelected(id: string): void {
  const { selected } = address.value;
  select(selected.includes(id) ? selected.filter((other) => other !== id) : [...selected, id]);
}

export function tell(text: string): void {
  notice.value = text;
}

/** Experiments changed: what shows them asks anew. */
export function refresh(...ids: string[]): void {
  const times = new Map(changes.value);
  for (const id of ids) times.set(id, version.value + 1);
  changes.value = times;
  version.value++;
}
