/** Round places on a linear axis, about `count` of them. */
export function linearTicks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const digits = Math.min(100, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  const ticks: number[] = [];
  // Counted from the first: of very large numbers the next one may be the same.
  for (let index = 0; index <= span / step + 1; index++) {
    const exact = (first + index) * step;
    const tick = digits < 100 ? Number(exact.toFixed(digits)) : exact;
    const isInside = tick >= low - step * 1e-9 && tick <= high + step * 1e-9;
    if (isInside && !(tick <= ticks[ticks.length - 1]!)) ticks.push(tick + 0);
  }
  return ticks;
}

/** Powers of ten on a logarithmic axis; where there are too few, round places between them too. */
export function logTicks(low: number, high: number, count: number): number[] {
  if (!(low > 0) || !(high > low)) return [];
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const factors = last - first <= 2 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil((last - first) / Math.max(1, count)));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += every) {
    for (const factor of factors) {
      const tick = Number((factor * 10 ** power).toPrecision(12));
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  // A part of an axis that is narrower than that is as good as linear.
  return ticks.length < 2 ? linearTicks(low, high, count) : ticks;
}

/** The range of an axis: a little more than the data, and never without extent. */
export function padded(low: number, high: number, isLog: boolean): [number, number] {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return isLog ? [0.1, 1] : [0, 1];
  if (isLog) {
    const room = low === high ? 2 : (high / low) ** 0.04;
    return [low / room, high * room];
  }
  const room = low === high ? Math.abs(low) * 0.1 || 0.5 : (high - low) * 0.04;
  return [low - room, high + room];
}

const [MINUTE, HOUR, DAY] = [60, 3600, 86400];
const TIMES = [1, 2, 5, 10, 15, 30, ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE), ...[1, 2, 3, 6, 12].map((n) => n * HOUR), ...[1, 2, 7, 14, 28].map((n) => n * DAY)];

/**
 * Round times, in seconds.
 *
 * @param offset seconds that the clock is ahead of UTC: midnight is where people are.
 */
export function timeTicks(low: number, high: number, count: number, offset = zoneOffset(low)): number[] {
  const span = high - low;
  if (!(span > 0)) return [];
  const rough = span / Math.max(1, count);
  if (rough < 1 || rough > 28 * DAY) return linearTicks(low, high, count);
  const step = TIMES.find((time) => time >= rough) ?? 28 * DAY;
  const ticks: number[] = [];
  for (let place = Math.ceil((low + offset) / step); place * step - offset <= high; place++) ticks.push(place * step - offset);
  return ticks;
}

/** Seconds that the clock of who looks is ahead of UTC. */
export function zoneOffset(seconds: number): number {
  return -60 * new Date(seconds * 1000).getTimezoneOffset();
}

/** A time on an axis that is `span` seconds long. */
export function formatTime(seconds: number, span: number): string {
  const time = new Date(Math.round((seconds + zoneOffset(seconds)) * 1000)).toISOString();
  if (span < 5) return time.slice(11, 23).replace(/\.?0*$/, "");
  if (span < 5 * MINUTE) return time.slice(11, 19);
  return span < 2 * DAY ? time.slice(11, 16) : span < 5 * DAY ? time.slice(5, 16).replace("T", " ") : time.slice(5, 10);
}
