import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { formatValue } from "../core/format";
import { address, change, openExperiment } from "../core/state";
import { colours, css } from "../core/theme";
import { placeOn, shortened, startDrawing, useWidth } from "./canvas";
import type { Point } from "./points";
import { shade, shareOf, type Scale } from "./scale";

interface Props {
  scales: Scale[];
  points: Point[];
  inside: ReadonlySet<string>;
}

const HEIGHT = 340;
const [LEFT, RIGHT, TOP, BOTTOM] = [74, 16, 12, 40];
const REACH = 12;

/** Two of the axes against each other; a click on a dot opens the experiment. */
export function Scatter({ scales, points, inside }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const [hovered, setHovered] = useState<Point | null>(null);
  const { dots } = address.value;
  const indexOf = (name: string | undefined, usual: number): number => {
    const index = scales.findIndex((scale) => scale.name === name);
    return index < 0 ? usual : index;
  };
  // Numbers make the better plot; where there are none but the last, words do.
  const usualX = Math.max(0, scales.slice(0, -1).findIndex(({ words }) => words === null));
  const [x, y] = [indexOf(dots[0], usualX), indexOf(dots[1], scales.length - 1)];
  const placed = (point: Point): [number, number] => [
    LEFT + shareOf(scales[x]!, point.values[x] ?? null) * (width - LEFT - RIGHT),
    HEIGHT - BOTTOM - shareOf(scales[y]!, point.values[y] ?? null) * (HEIGHT - TOP - BOTTOM),
  ];
  useEffect(() => {
    const context = startDrawing(canvas.current, width, HEIGHT);
    if (!context) return;
    drawAxes(context, scales[x]!, scales[y]!, width);
    for (const point of points) drawDot(context, placed(point), shade(point.share), inside.has(point.id), point === hovered);
  }, [scales, points, inside, width, x, y, hovered, colours.value]);
  const find = (event: MouseEvent): Point | null => {
    const [left, top] = placeOn(event);
    let [best, distance]: [Point | null, number] = [null, REACH];
    for (const point of points) {
      const [pointLeft, pointTop] = placed(point);
      const away = Math.hypot(pointLeft - left, pointTop - top);
      if (away < distance) [best, distance] = [point, away];
    }
    return best;
  };
  /** The dots from left to right, one after the other. */
  const walk = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    const step = event.ctrlKey || event.metaKey || event.altKey ? undefined : steps[event.key];
    if (event.key === "Enter" && hovered) openExperiment(hovered.id);
    else if (step === undefined) return;
    else {
      const seen = points.filter((point) => placed(point).every(Number.isFinite));
      seen.sort((a, b) => placed(a)[0] - placed(b)[0] || placed(b)[1] - placed(a)[1]);
      const now = hovered ? seen.findIndex(({ id }) => id === hovered.id) : step > 0 ? -1 : seen.length;
      setHovered(seen[Math.min(seen.length - 1, Math.max(0, now + step))] ?? null);
    }
    event.preventDefault();
  };
  const picker = (label: string, chosen: number, set: (name: string) => void): JSX.Element => (
    <label>
      {label}{" "}
      <select value={scales[chosen]!.name} onChange={(event) => set(event.currentTarget.value)}>
        {scales.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
  return (
    <div ref={box} class="canvas-box">
      <div class="tools">
        {picker("x", x, (name) => change({ dots: [name, scales[y]!.name] }, true))}
        {picker("y", y, (name) => change({ dots: [scales[x]!.name, name] }, true))}
        <span class="hint" role="status">
          {hovered && `${hovered.id}: ${formatValue(hovered.values[x])}, ${formatValue(hovered.values[y])}`}
        </span>
      </div>
      <canvas
        ref={canvas}
        role="group"
        tabIndex={0}
        aria-label={`${scales[y]!.name} over ${scales[x]!.name}: arrow keys walk along the dots, Enter opens one; the table holds the same values`}
        onKeyDown={walk}
        onBlur={() => setHovered(null)}
        onMouseMove={(event) => setHovered(find(event))}
        onMouseLeave={() => setHovered(null)}
        onClick={(event) => {
          const point = find(event);
          if (point) openExperiment(point.id);
        }}
      />
    </div>
  );
}

function drawAxes(context: CanvasRenderingContext2D, x: Scale, y: Scale, width: number): void {
  context.fillStyle = css("--faint");
  context.strokeStyle = css("--line-faint");
  context.beginPath();
  context.textAlign = "right";
  for (const { at, label } of y.ticks) {
    const top = HEIGHT - BOTTOM - ((at - y.low) / (y.high - y.low)) * (HEIGHT - TOP - BOTTOM);
    context.moveTo(LEFT, top);
    context.lineTo(width - RIGHT, top);
    context.fillText(shortened(context, label, LEFT - 10), LEFT - 6, top + 4);
  }
  context.textAlign = "center";
  const room = (width - LEFT - RIGHT) / Math.max(1, x.ticks.length);
  for (const { at, label } of x.ticks) {
    const left = LEFT + ((at - x.low) / (x.high - x.low)) * (width - LEFT - RIGHT);
    context.moveTo(left, TOP);
    context.lineTo(left, HEIGHT - BOTTOM);
    context.fillText(shortened(context, label, room), left, HEIGHT - BOTTOM + 14);
  }
  context.stroke();
  context.fillStyle = css("--text");
  context.fillText(x.name, (LEFT + width - RIGHT) / 2, HEIGHT - 6);
}

function drawDot(context: CanvasRenderingContext2D, [x, y]: [number, number], colour: string, isInside: boolean, isHovered: boolean): void {
  if (Number.isNaN(x) || Number.isNaN(y)) return;
  context.globalAlpha = isInside ? 0.85 : 0.15;
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, isHovered ? 6 : 3.5, 0, 2 * Math.PI);
  context.fill();
  context.globalAlpha = 1;
}
