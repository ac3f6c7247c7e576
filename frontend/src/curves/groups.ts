export interface PanelGroup {
  name: string;
  metrics: string[];
}

export const PINNED = "pinned";

/**
 * Panels in groups by what stands before the first '/', pinned ones on top.
 *
 * @throws SyntaxError when the search is no regular expression.
 */
export function grouped(metrics: readonly string[], search: string, pinned: readonly string[]): PanelGroup[] {
  const pattern = new RegExp(search, "i");
  const found = metrics.filter((name) => pattern.test(name));
  const groups = new Map<string, string[]>();
  const top = pinned.filter((name) => found.includes(name));
  if (top.length) groups.set(PINNED, top);
  for (const name of [...found].sort(byName)) {
    if (top.includes(name)) continue;
    const slash = name.indexOf("/");
    const group = slash > 0 ? name.slice(0, slash) : "";
    groups.set(group, [...(groups.get(group) ?? []), name]);
  }
  return [...groups].map(([name, members]) => ({ name, metrics: members }));
}

function byName(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
