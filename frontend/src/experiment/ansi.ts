export interface SpanLook {
  class: string;
  /** Only for colours that are none of the sixteen. */
  colour: string;
  background: string;
}

const STYLES: Record<number, string> = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike" };
/** What each range of codes begins with, and the first of the sixteen colours that it means. */
const RANGES: [start: number, kind: string, first: number][] = [
  [30, "fg", 0],
  [40, "bg", 0],
  [90, "fg", 8],
  [100, "bg", 8],
];

/** How text looks that a terminal's codes ("1;31", "38;5;208") ask for; 16 colours follow the theme. */
export function lookOf(codesText: string): SpanLook {
  const classes: string[] = [];
  const look = { class: "", colour: "", background: "" };
  const codes = codesText.split(";").map(Number);
  while (codes.length) {
    const code = codes.shift()!;
    if (code === 38) look.colour = readable(extendedColour(codes));
    else if (code === 48) look.background = extendedColour(codes);
    else if (STYLES[code]) classes.push(`ansi-${STYLES[code]}`);
    for (const [start, kind, first] of RANGES) {
      if (code >= start && code < start + 8) classes.push(`ansi-${kind}-${first + code - start}`);
    }
  }
  look.class = classes.join(" ");
  return look;
}

/** A colour that was chosen for a black terminal, nearer to the colour of the page's text. */
function readable(colour: string): string {
  return colour && `color-mix(in oklab, ${colour} 55%, var(--text))`;
}

/** Takes the colour's own codes from the front of what is left. */
function extendedColour(codes: number[]): string {
  const kind = codes.shift();
  if (kind === 5) return paletteColour(codes.shift() ?? NaN);
  if (kind !== 2) return "";
  const parts = codes.splice(0, 3);
  return parts.length === 3 && parts.every(isByte) ? `rgb(${parts.join(" ")})` : "";
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255;
}

const SIXTEEN = "#000 #a00 #0a0 #a50 #00a #a0a #0aa #aaa #555 #f55 #5f5 #ff5 #55f #f5f #5ff #fff".split(" ");

function paletteColour(index: number): string {
  if (!isByte(index)) return "";
  if (index < 16) return SIXTEEN[index] ?? "";
  const grey = 8 + (index - 232) * 10;
  if (index >= 232) return `rgb(${grey} ${grey} ${grey})`;
  const level = (value: number): number => (value === 0 ? 0 : 55 + value * 40);
  const cube = index - 16;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}
