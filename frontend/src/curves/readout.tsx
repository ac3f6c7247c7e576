import type { JSX } from "preact";
import { formatNumber } from "../core/format";
import { fewerAt } from "./bands";
import { extentX, nearest, reaches, type Line } from "./model";
import { formatPlace, placeOf } from "./place";
import { pointer } from "./pointer";

interface Props {
  metric: string;
  lines: readonly Line[];
  x: string;
}

const SHOWN = 6;
const NEAR = 0.02;

/** The values where the pointer is, those nearest to it first; there is always room for them. */
export function Readout({ metric, lines, x }: Props): JSX.Element {
  const { place, value: height, metric: pointed } = pointer.value;
  // On other panels only the place counts: their values are of another kind.
  const value = pointed === metric ? height : null;
  if (place === null) return <div class="readout" />;
  const { low, high } = extentX(lines, false);
  // A run that ended before the place has no value there; near to its end one may still point at it.
  const room = NEAR * (high - low);
  const there = lines.filter((line) => reaches(line.x, place, room));
  const found = there.map((line) => {
    const index = nearest(line.x, place);
    return { line, index, mean: line.line[index] ?? NaN };
  });
  const distance = (mean: number): number => (Number.isFinite(mean) ? Math.abs(mean - (value ?? 0)) : Infinity);
  if (value !== null) found.sort((a, b) => distance(a.mean) - distance(b.mean));
  // The place of a point, where there is one: the values are those of points, too.
  const told = value !== null ? found[0] : nearestOf(found, place);
  return (
    <div class="readout">
      <span class="place">{formatPlace(told ? placeOf(told.line, told.index) : place, x)}</span>
      {found.slice(0, SHOWN).map(({ line, index, mean }) => (
        <span key={line.id} title={rangeText(line, index)}>
          <i style={{ background: line.colour }} />
          <span class="name">{line.label}</span> <b>{formatNumber(line.mean[index] ?? NaN)}</b>
          {line.isSmoothed && (
            <>
              {" smoothed "}
              <b>{formatNumber(mean)}</b>
            </>
          )}
          <small>{rangeText(line, index)}</small>
          {fewerAt(line, index) && <small> {fewerAt(line, index)}</small>}
        </span>
      ))}
      {found.length > SHOWN && <span>+{found.length - SHOWN}</span>}
    </div>
  );
}

interface Found {
  line: Line;
  index: number;
}

function nearestOf<T extends Found>(found: readonly T[], place: number): T | undefined {
  const distance = ({ line, index }: Found): number => Math.abs(line.x[index]! - place);
  return found.reduce<T | undefined>((best, one) => (best && distance(best) <= distance(one) ? best : one), undefined);
}

function rangeText({ low, high }: Line, index: number): string {
  const [bottom, top] = [low[index] ?? NaN, high[index] ?? NaN];
  return bottom < top ? ` ${formatNumber(bottom)}…${formatNumber(top)}` : "";
}
