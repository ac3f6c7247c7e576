/** Which experiments a link or a selection names that are not in the store; empty for none. */
export function goneText(ids: readonly string[]): string {
  if (ids.length === 0) return "";
  const listed = ids.length === 1 ? ids[0] : `${ids.slice(0, -1).join(", ")} and ${ids.at(-1)}`;
  return `${listed} ${ids.length === 1 ? "is" : "are"} not here any more.`;
}
