import { formatDuration, formatNumber } from "../core/format";

/** How ticks are written: with all the digits of their step, and none that is written as the one before. */
export function labelled(ticks: readonly number[], write: (tick: number) => string): [number, string][] {
  const marks = ticks.map((tick): [number, string] => [tick, write(tick)]);
  return marks.filter(([, label], index) => label !== marks[index - 1]?.[1]);
}

/** A number in few letters, but never another one. */
export function exactNumber(tick: number): string {
  const short = formatNumber(tick);
  if (Number(short) === tick || !Number.isFinite(tick)) return short;
  const [plain, exponential] = [String(tick), tick.toExponential().replace("e+", "e")];
  return plain.length <= exponential.length + 2 ? plain : exponential;
}

/** Durations with the seconds that the hours hide, where they would be the same without. */
export function durations(ticks: readonly number[]): [number, string][] {
  const short = ticks.map(formatDuration);
  if (new Set(short).size === short.length) return ticks.map((tick, index) => [tick, short[index]!]);
  return labelled(ticks, fullDuration);
}

function fullDuration(seconds: number): string {
  const [sign, whole] = [seconds < 0 ? "-" : "", Math.abs(seconds)];
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const rest = `${Number((whole % 60).toFixed(6))}s`;
  return `${sign}${hours ? `${hours}h` : ""}${hours || minutes ? `${minutes}m` : ""}${rest}`;
}
