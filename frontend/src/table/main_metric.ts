import { signal } from "@preact/signals";
import { ask, question } from "../core/api";
import { changes } from "../core/state";
import type { Main } from "../core/types";

type Spark = NonNullable<Main[string]>;

const KEPT = 5000;
const known = new Map<string, { spark: Spark | null; changed: number }>();
/** Grows when curves arrive. */
const arrived = signal(0);

/** The small curve of an experiment as far as it is known; drawn again when it arrives. */
export function mainOf(id: string): Spark | null {
  return arrived.value >= 0 ? (known.get(id)?.spark ?? null) : null;
}

/** Fetch the small curves of what is looked at, if they are not here or the experiment went on. */
export async function wantMain(ids: readonly string[]): Promise<void> {
  const now = changes.peek();
  const missing = ids.filter((id) => known.get(id)?.changed !== (now.get(id) ?? 0));
  if (missing.length === 0) return;
  for (const id of missing) known.set(id, { spark: known.get(id)?.spark ?? null, changed: now.get(id) ?? 0 });
  try {
    const main = await ask<Main>(question("main", { ids: missing.join(",") }), "main");
    for (const id of missing) known.set(id, { spark: main[id] ?? null, changed: now.get(id) ?? 0 });
    for (const id of known.keys()) {
      if (known.size <= KEPT) break;
      known.delete(id);
    }
    arrived.value++;
  } catch {
    // A small curve is an ornament: the row says everything without it.
  }
}
