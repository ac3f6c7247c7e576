import { css } from "../core/theme";
import { download } from "../parts/download";
import type { Frame } from "./frame";
import type { Line } from "./model";
import type { PlotState } from "./plot";
import { svgOf } from "./svg";

export type Form = "svg" | "png" | "csv";

/** Save a panel as it is seen: as a drawing, an image, or the points themselves. */
export function save(form: Form, metric: string, state: PlotState, frame: Frame): void {
  if (form === "csv") return download(`${metric}.csv`, csvOf(metric, state.lines, state.x, state.zoom), "text/csv");
  const svg = svgOf(metric, state, frame, { background: css("--back"), text: css("--text"), faint: css("--line") });
  if (form === "svg") download(`${metric}.svg`, svg, "image/svg+xml");
  else savePng(`${metric}.png`, svg);
}

/** The drawing at twice its size, so that it is sharp in a talk. */
function savePng(name: string, svg: string): void {
  const image = new Image();
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  image.addEventListener("load", () => {
    const canvas = document.createElement("canvas");
    canvas.width = image.width * 2;
    canvas.height = image.height * 2;
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => blob && download(name, blob), "image/png");
    URL.revokeObjectURL(url);
  });
  image.src = url;
}

/** The points that are seen; of bands also how many runs each of them is the mean of. */
export function csvOf(metric: string, lines: readonly Line[], x: string, zoom: [number, number] | null): string {
  const isBand = lines.some(({ counts }) => counts);
  const rows = [["id", x, metric, "low", "high", ...(isBand ? ["n"] : [])].map(csvField).join(",")];
  for (const line of lines) {
    line.x.forEach((place, index) => {
      if (zoom && (place < zoom[0] || place > zoom[1])) return;
      const count = isBand ? [line.counts?.[index] ?? 1] : [];
      rows.push([csvField(line.label), place, line.mean[index], line.low[index], line.high[index], ...count].join(","));
    });
  }
  return `${rows.join("\n")}\n`;
}

/** Names come from experiments: a spreadsheet must not take one for a formula. */
function csvField(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
