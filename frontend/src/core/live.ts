import { ask, source } from "./api";
import { refresh, running, store, tell } from "./state";
import type { Change, Store } from "./types";

/** Learn what the store is, and follow its changes over one stream for the whole page. */
export async function followStore(): Promise<void> {
  store.value = await ask<Store>("/api/store", "store");
  document.title = `${store.value.title} · meticulous`;
  if (!source.isLive) return;
  let stream = document.hidden ? null : follow();
  // Browsers allow six connections to a server: pages that nobody looks at must not hold them.
  document.addEventListener("visibilitychange", () => {
    stream?.close();
    stream = document.hidden ? null : follow();
    if (stream) refresh();
  });
}

function follow(): EventSource {
  const stream = new EventSource("/api/events");
  stream.addEventListener("change", (event: MessageEvent<string>) => take(JSON.parse(event.data) as Change));
  let isLost = false;
  stream.addEventListener("error", () => {
    if (!isLost) tell("The connection is lost: what you see is no longer live. Trying again…");
    isLost = true;
  });
  stream.addEventListener("open", () => {
    if (!isLost) return;
    isLost = false;
    tell("Live again.");
    // What changed meanwhile nobody told.
    refresh();
  });
  return stream;
}

function take(change: Change): void {
  running.value = new Set(change.running ?? []);
  if (store.value) store.value = { ...store.value, count: change.count };
  refresh(...(change.changed ?? []));
}
