export const LINE_HEIGHT = 18;
/** Browsers draw nothing beyond some 16 million pixels: longer lists scroll by more than a line. */
export const TALLEST = 8_000_000;

/** How tall the list is to scroll. */
export function heightOf(total: number): number {
  return Math.min(TALLEST, total * LINE_HEIGHT);
}

/** The first line that is seen when the list is scrolled to `top`. */
export function lineAt(top: number, total: number, seen: number): number {
  const height = heightOf(total);
  const most = Math.max(0, total - Math.floor(seen / LINE_HEIGHT));
  if (height === total * LINE_HEIGHT) return Math.min(most, Math.max(0, Math.floor(top / LINE_HEIGHT)));
  return Math.min(most, Math.max(0, Math.round((top / Math.max(1, height - seen)) * most)));
}

/** Where to scroll to see a line. */
export function topOf(line: number, total: number, seen: number): number {
  const height = heightOf(total);
  if (height === total * LINE_HEIGHT) return line * LINE_HEIGHT;
  const most = Math.max(1, total - Math.floor(seen / LINE_HEIGHT));
  return Math.min(1, line / most) * (height - seen);
}
