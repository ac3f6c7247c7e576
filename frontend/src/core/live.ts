import { ask, asProblem, source } from "./api";
import { refresh, running, stale, store, tell } from "./state";
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
  stream.addEventListener("trouble", (event: MessageEvent<string>) => (stale.value = JSON.parse(event.data) as string));
  stream.addEventListener("error", () => {
    if (!stale.value) tell("The connection is lost: what you see is no longer live. Trying again…");
    stale.value ||= "the connection is lost";
    // Browsers try again by themselves, unless the server answered and refused.
    if (stream.readyState === EventSource.CLOSED) void refused();
  });
  stream.addEventListener("open", () => {
    if (!stale.value) return;
    stale.value = "";
    tell("Live again.");
    // What changed meanwhile nobody told.
    refresh();
  });
  return stream;
}

/** Say why the server refused to tell of changes: it may be another one, with another token. */
async function refused(): Promise<void> {
  try {
    await ask("/api/store", "store");
    stale.value = "the server does not tell what changes; load the page anew";
  } catch (error) {
    const { message, hint } = asProblem(error);
    stale.value = [message, hint].filter(Boolean).join(" ");
  }
}

function take(change: Change): void {
  running.value = new Set(change.running ?? []);
  if (store.value) store.value = { ...store.value, count: change.count };
  refresh(...(change.changed ?? []));
}
