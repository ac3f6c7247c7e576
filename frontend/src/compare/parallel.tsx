import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { address, change } from "../core/state";
import { colours, css } from "../core/theme";
import { placeOn, shortened, startDrawing, useWidth } from "./canvas";
import { brushed, type Point } from "./points";
import { shade, shareOf, type Scale } from "./scale";

interface Props {
  scales: Scale[];
  points: Point[];
  inside: ReadonlySet<string>;
  colourScale: Scale;
}

const HEIGHT = 320;
const [TOP, BOTTOM, SIDE] = [34, 14, 70];
const REACH = 30;

export function Parallel({ scales, points, inside, colourScale }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const [dragged, setDragged] = useState<{ axis: number; from: number; to: number } | null>(null);
  const { brushes } = address.value;
  const xOf = (axis: number): number => SIDE + ((width - 2 * SIDE) * axis) / Math.max(1, scales.length - 1);

  useEffect(() => {
    const context = startDrawing(canvas.current, width, HEIGHT);
    if (!context) return;
    drawPoints(context, scales, points, inside, xOf);
    scales.forEach((scale, axis) => drawAxis(context, scale, xOf(axis), (width - 2 * SIDE) / Math.max(1, scales.length - 1)));
    for (const { name, low, high } of brushes) {
      const axis = scales.findIndex((scale) => scale.name === name);
      if (axis >= 0) drawLimit(context, xOf(axis), yOf(scales[axis]!, low), yOf(scales[axis]!, high));
    }
    if (dragged) drawLimit(context, xOf(dragged.axis), dragged.from, dragged.to);
  }, [scales, points, inside, width, brushes, dragged, colours.value]);

  const down = (event: PointerEvent): void => {
    const [x, y] = placeOn(event);
    const axis = scales.findIndex((_, index) => Math.abs(xOf(index) - x) < REACH);
    if (axis < 0) return;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    setDragged({ axis, from: y, to: y });
  };
  const move = (event: PointerEvent): void => {
    if (dragged) setDragged({ ...dragged, to: placeOn(event)[1] });
  };
  const up = (): void => {
    if (!dragged) return;
    const { axis, from, to } = dragged;
    const scale = scales[axis]!;
    change({ brushes: brushed(brushes, scale.name, valueAt(scale, from), valueAt(scale, to), Math.abs(from - to) < 4) }, true);
    setDragged(null);
  };
  return (
    <div ref={box} class="canvas-box">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`Parallel axes of ${scales.map(({ name }) => name).join(", ")}, coloured by ${colourScale.name}; the table holds the same values`}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
      />
    </div>
  );
}

function yOf(scale: Scale, place: number): number {
  return HEIGHT - BOTTOM - ((place - scale.low) / (scale.high - scale.low)) * (HEIGHT - TOP - BOTTOM);
}

function valueAt(scale: Scale, y: number): number {
  const share = (HEIGHT - BOTTOM - y) / (HEIGHT - TOP - BOTTOM);
  return Number((scale.low + Math.min(1, Math.max(0, share)) * (scale.high - scale.low)).toPrecision(4));
}

function drawPoints(
  context: CanvasRenderingContext2D,
  scales: readonly Scale[],
  points: readonly Point[],
  inside: ReadonlySet<string>,
  xOf: (axis: number) => number,
): void {
  const isCrowded = points.length > 300;
  const draw = ({ values }: Point): void => {
    context.beginPath();
    let isDown = false;
    scales.forEach((scale, axis) => {
      const y = HEIGHT - BOTTOM - shareOf(scale, values[axis] ?? null) * (HEIGHT - TOP - BOTTOM);
      if (Number.isNaN(y)) return void (isDown = false);
      if (isDown) context.lineTo(xOf(axis), y);
      else context.moveTo(xOf(axis), y);
      isDown = true;
    });
    context.stroke();
  };
  context.strokeStyle = css("--line");
  context.globalAlpha = 0.35;
  for (const point of points) if (!inside.has(point.id)) draw(point);
  context.globalAlpha = isCrowded ? 0.35 : 0.75;
  context.lineWidth = 1.2;
  for (const point of points) {
    if (!inside.has(point.id)) continue;
    context.strokeStyle = shade(point.share);
    draw(point);
  }
  context.globalAlpha = 1;
}

function drawAxis(context: CanvasRenderingContext2D, scale: Scale, x: number, room: number): void {
  context.strokeStyle = css("--faint");
  context.fillStyle = css("--text");
  context.beginPath();
  context.moveTo(x, TOP);
  context.lineTo(x, HEIGHT - BOTTOM);
  context.stroke();
  context.textAlign = "center";
  context.fillText(titleWithin(context, scale.name, Math.min(room, 2 * SIDE) - 8), x, 14);
  context.textAlign = "left";
  context.fillStyle = css("--faint");
  // Lines run below the words: an edge of the background keeps them readable.
  context.strokeStyle = css("--back");
  context.lineWidth = 3;
  for (const { at, label } of scale.ticks) {
    const text = shortened(context, label, Math.min(62, room - 8));
    context.strokeText(text, x + 5, yOf(scale, at) + 4);
    context.fillText(text, x + 5, yOf(scale, at) + 4);
  }
  context.lineWidth = 1.2;
}

/** Without its group, and where that is still too wide its last part: names begin alike. */
function titleWithin(context: CanvasRenderingContext2D, name: string, room: number): string {
  const title = name.slice(name.indexOf(".") + 1);
  const isTooWide = context.measureText(title).width > room;
  return shortened(context, isTooWide ? title.slice(title.lastIndexOf(".") + 1) : title, room);
}

function drawLimit(context: CanvasRenderingContext2D, x: number, from: number, to: number): void {
  context.fillStyle = css("--accent");
  context.globalAlpha = 0.35;
  context.fillRect(x - 6, Math.min(from, to), 12, Math.max(2, Math.abs(to - from)));
  context.globalAlpha = 1;
}
