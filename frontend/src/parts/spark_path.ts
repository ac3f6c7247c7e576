/** The path of a small curve; where a value is not finite, it has a gap. */
export function sparkPath(values: readonly number[], width: number, height: number): string {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return "";
  const low = Math.min(...finite);
  const span = Math.max(...finite) - low || 1;
  const step = (width - 2) / Math.max(1, values.length - 1);
  let path = "";
  let isDown = false;
  values.forEach((value, index) => {
    if (!Number.isFinite(value)) return void (isDown = false);
    const x = (1 + index * step).toFixed(1);
    const y = (height - 2 - ((value - low) / span) * (height - 4)).toFixed(1);
    // A point alone is a dot: a line of no length with round ends.
    path += isDown ? `L${x} ${y}` : `M${x} ${y}h0`;
    isDown = true;
  });
  return path;
}
