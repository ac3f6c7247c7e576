import { ticksX, ticksY } from "./axes";
import { partsOf } from "./bands";
import { axis, markOf } from "./draw";
import type { Frame } from "./frame";
import { isNothing, lostText, seenOf } from "./lost";
import type { Line } from "./model";
import type { PlotState } from "./plot";

interface Look {
  background: string;
  text: string;
  faint: string;
}

const [WIDTH, HEIGHT] = [800, 420];
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 230, 32, 44];
const LEGEND = 18;
/** About as wide as a digit. */
const LETTER = 6.5;

/** A panel as a drawing of its own, with axes and a legend. */
export function svgOf(title: string, state: PlotState, frame: Frame, look: Look): string {
  const { lines, logx, logy } = state;
  const toX = axis(frame.x[0], frame.x[1], logx, LEFT, WIDTH - RIGHT);
  const toY = axis(frame.y[0], frame.y[1], logy, HEIGHT - BOTTOM, TOP);
  const seen = seenOf(state);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="11" fill="${look.text}">`,
    `<rect width="100%" height="100%" fill="${look.background}"/>`,
    `<clipPath id="plot"><rect x="${LEFT}" y="${TOP}" width="${WIDTH - LEFT - RIGHT}" height="${HEIGHT - TOP - BOTTOM}"/></clipPath>`,
    `<text x="${LEFT}" y="20" font-size="14">${escaped(title)}</text>`,
    ...(isNothing(seen) ? [] : axesOf(state, frame, look.faint, toX, toY)),
    `<text x="${WIDTH - 8}" y="${HEIGHT - 8}" text-anchor="end">${lostText(seen)}</text>`,
    `<g clip-path="url(#plot)" stroke-linejoin="round">`,
    ...lines.flatMap((line) => lineOf(line, toX, toY)),
    "</g>",
    ...lines.slice(0, LEGEND).map(legendOf),
    lines.length > LEGEND ? `<text x="${WIDTH - RIGHT + 30}" y="${TOP + 14 + LEGEND * 18}">and ${lines.length - LEGEND} more</text>` : "",
    "</svg>",
  ].join("\n");
}

type Axis = (value: number) => number;

function axesOf({ x, logx, logy }: PlotState, frame: Frame, faint: string, toX: Axis, toY: Axis): string[] {
  const bottom = HEIGHT - BOTTOM;
  let end = -Infinity;
  return [
    ...ticksX(frame.x, x, logx, 6).map(([at, label]) => {
      const place = round(toX(at));
      const half = (label.length * LETTER) / 2;
      const isFree = place - half >= end;
      if (isFree) end = place + half + LETTER;
      const text = isFree ? `<text x="${place}" y="${bottom + 16}" text-anchor="middle">${escaped(label)}</text>` : "";
      return `<path d="M${place} ${TOP}V${bottom}" stroke="${faint}"/>${text}`;
    }),
    ...ticksY(frame.y, logy, 5).map(([at, label]) => {
      const place = round(toY(at));
      const narrow = label.length * LETTER > LEFT - 8 ? ` textLength="${LEFT - 8}" lengthAdjust="spacingAndGlyphs"` : "";
      const text = `<text x="${LEFT - 6}" y="${place + 4}" text-anchor="end"${narrow}>${escaped(label)}</text>`;
      return `<path d="M${LEFT} ${place}H${WIDTH - RIGHT}" stroke="${faint}"/>${text}`;
    }),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escaped(x)}</text>`,
  ];
}

function lineOf(line: Line, toX: Axis, toY: Axis): string[] {
  const parts = [`<path d="${bandPath(line, toX, toY)}" fill="${line.colour}" fill-opacity="0.18" stroke="${line.colour}" stroke-opacity="0.28"/>`];
  if (line.isSmoothed) {
    parts.push(`<path d="${pathOf(line.x, line.mean, toX, toY)}" fill="none" stroke="${line.colour}" stroke-opacity="0.3"/>`);
  }
  for (const { values, isWhole } of partsOf(line)) {
    const dashes = isWhole ? "" : ' stroke-dasharray="4 3"';
    parts.push(`<path d="${pathOf(line.x, values, toX, toY)}" fill="none" stroke="${line.colour}" stroke-width="1.6"${dashes}/>`);
  }
  for (const place of line.sessions) {
    parts.push(`<path d="M${round(toX(place))} ${TOP}V${HEIGHT - BOTTOM}" stroke="${line.colour}" stroke-dasharray="3 3" stroke-opacity="0.5"/>`);
  }
  for (const [place, word] of line.odd) {
    const y = word === "Infinity" ? TOP + 8 : HEIGHT - BOTTOM - 6;
    const path = markOf(word).map(([a, b, c, d]) => `M${round(toX(place) + 4 * a)} ${y + 4 * b}L${round(toX(place) + 4 * c)} ${y + 4 * d}`);
    parts.push(`<path d="${path.join("")}" stroke="${line.colour}" stroke-width="1.5"><title>${escaped(word)}</title></path>`);
  }
  return parts;
}

export function pathOf(x: ArrayLike<number>, values: ArrayLike<number>, toX: Axis, toY: Axis): string {
  let path = "";
  let isDown = false;
  for (let index = 0; index < x.length; index++) {
    const y = toY(values[index]!);
    const isThere = Number.isFinite(y);
    if (isThere) path += `${isDown ? "L" : "M"}${round(toX(x[index]!))} ${round(y)}`;
    // A point alone between gaps is a dot, not nothing.
    if (isThere && !isDown && !Number.isFinite(toY(values[index + 1] ?? NaN))) path += "h0.1";
    isDown = isThere;
  }
  return path;
}

/** A part for each stretch between gaps. */
export function bandPath({ x, low, high }: Pick<Line, "x" | "low" | "high">, toX: Axis, toY: Axis): string {
  let path = "";
  let points: string[] = [];
  let back: string[] = [];
  for (let index = 0; index <= x.length; index++) {
    const [bottom, top] = [toY(low[index] ?? NaN), toY(high[index] ?? NaN)];
    if (Number.isFinite(top) && Number.isFinite(low[index]!)) {
      points.push(`${round(toX(x[index]!))} ${round(top)}`);
      // On a logarithmic axis what is not above zero is below all that is seen.
      back.push(`${round(toX(x[index]!))} ${Number.isFinite(bottom) ? round(bottom) : HEIGHT - BOTTOM}`);
    } else if (points.length) {
      path += `M${[...points, ...back.reverse()].join("L")}Z`;
      [points, back] = [[], []];
    }
  }
  return path;
}

function legendOf(line: Line, index: number): string {
  const y = TOP + 10 + index * 18;
  const label = line.label.length > 30 ? `${line.label.slice(0, 29)}…` : line.label;
  return `<path d="M${WIDTH - RIGHT + 10} ${y}h14" stroke="${line.colour}" stroke-width="2"/><text x="${WIDTH - RIGHT + 30}" y="${y + 4}">${escaped(label)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  // What XML does not allow at all would make the whole drawing unreadable.
  const allowed = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "�");
  return allowed.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
