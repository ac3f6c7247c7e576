import { CURVE } from "./rows";
import type { Row } from "./rows_answer";
import { cellText, kindOf, tagsOf, titleOf } from "./kinds";
import { NARROWEST, WIDEST } from "./layout";
import type { Windows } from "./windows";

const PADDING = 18;
/** Room in a header for the sign of the order. */
const SIGN = 18;
/** Headers are written in bold letters, which are wider. */
const BOLD = 1.12;
const LOOKED_AT = 100;

let context: CanvasRenderingContext2D | null = null;

function textWidth(text: string): number {
  if (!context) {
    context = document.createElement("canvas").getContext("2d");
    if (!context) return text.length * 7;
    context.font = `13px ${getComputedStyle(document.body).fontFamily}`;
  }
  return context.measureText(text).width;
}

/** As wide as the header and the rows that are here need. */
export function fittingWidth(name: string, windows: Windows<Row>, widest = 600): number {
  let width = textWidth(titleOf(name).title) * BOLD + SIGN;
  let looked = 0;
  for (const [, row] of windows.all()) {
    if (looked++ > LOOKED_AT) break;
    width = Math.max(width, contentWidth(name, row));
  }
  return Math.ceil(Math.min(widest, Math.max(NARROWEST, width + PADDING)));
}

function contentWidth(name: string, row: Row): number {
  const kind = kindOf(name);
  if (kind === "status" && row.status) return textWidth(`${row.status.status} 10m00s ${row.status.message}`) + SIGN;
  if (kind === "tags") return tagsOf(row.at(name)).reduce((sum, tag) => sum + textWidth(tag) + SIGN, 0);
  return textWidth(cellText(name, row.at(name), row.ids.length));
}

export function automaticWidth(name: string, windows: Windows<Row>): number {
  if (name === CURVE) return 108;
  return Math.min(kindOf(name) === "status" ? 200 : WIDEST / 2, fittingWidth(name, windows));
}
