import type { JSX } from "preact";
import type { Column } from "../core/address";
import { address, change } from "../core/state";
import type { Choice } from "./choice";
import { titleOf } from "./kinds";
import { NARROWEST, sortedBy, type Layout, type Part, type Placed } from "./layout";
import { CURVE } from "./rows";
import type { Row } from "./rows_answer";
import { fittingWidth } from "./widths";
import type { Windows } from "./windows";

interface Props {
  columns: Column[];
  layout: Layout;
  part: Part;
  windows: Windows<Row>;
  choice: Choice;
  count: number;
}

export function GridHead({ columns, layout, part, windows, choice, count }: Props): JSX.Element {
  const resize = (name: string, width: number): void => {
    change({ columns: columns.map((column) => (column.name === name ? { ...column, width } : column)) });
  };
  const cell = (placed: Placed, place: number): JSX.Element => (
    <HeadCell key={placed.name} placed={placed} place={place} windows={windows} onResize={resize} />
  );
  return (
    <div class="row row-head" role="row" aria-rowindex={1}>
      <div class="cells-pinned">
        <div role="columnheader" aria-colindex={1} class="cell cell-id">
          <input
            type="checkbox"
            aria-label={choice.selected.size ? "Select nothing" : "Select the rows that are loaded"}
            checked={choice.selected.size > 0}
            disabled={count === 0}
            onClick={(event) => {
              event.preventDefault();
              if (choice.selected.size) choice.clear();
              else selectLoaded(windows);
            }}
          />
          id
        </div>
        {layout.pinned.map(cell)}
      </div>
      <div class="cells-before" style={{ width: `${part.before}px` }} />
      {part.columns.map((placed, place) => cell(placed, layout.pinned.length + place))}
    </div>
  );
}

function selectLoaded(windows: Windows<Row>): void {
  const rows = [...windows.all()].sort(([a], [b]) => a - b);
  change({ selected: rows.flatMap(([, row]) => row.ids) });
}

/** How much an arrow key makes a column wider. */
const STEP = 20;

interface CellProps {
  placed: Placed;
  place: number;
  windows: Windows<Row>;
  onResize: (name: string, width: number) => void;
}

function HeadCell({ placed, place, windows, onResize }: CellProps): JSX.Element {
  const { name, width } = placed;
  const { title, group } = titleOf(name);
  const { sort } = address.value;
  const rank = sort.findIndex((word) => word.replace(/^-/, "") === name);
  const isDown = sort[rank]?.startsWith("-");
  const order = rank < 0 ? "none" : isDown ? "descending" : "ascending";
  const click = (event: MouseEvent): void => {
    if (name !== CURVE) change({ sort: sortedBy(sort, name, event.shiftKey) }, true);
  };
  const press = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    onResize(name, Math.max(NARROWEST, width + step));
  };
  return (
    <div role="columnheader" aria-colindex={place + 2} aria-sort={order} class="cell" style={{ width: `${width}px` }}>
      <button
        type="button"
        class="head"
        onClick={click}
        onKeyDown={press}
        title={`${name}: sort (with shift: as a further key); ← and → make it narrower and wider`}
      >
        <small>{group}</small>
        <span class="title">
          <span>{title}</span>
          {rank >= 0 && <b aria-hidden="true">{`${isDown ? "↓" : "↑"}${sort.length > 1 ? rank + 1 : ""}`}</b>}
        </span>
      </button>
      <span
        class="resize"
        aria-hidden="true"
        onPointerDown={(event) => startResize(event, width, (wide) => onResize(name, wide))}
        onDblClick={() => onResize(name, fittingWidth(name, windows))}
      />
    </div>
  );
}

function startResize(event: PointerEvent, width: number, resize: (width: number) => void): void {
  const handle = event.currentTarget as HTMLElement;
  handle.setPointerCapture(event.pointerId);
  const move = (moved: PointerEvent): void => {
    const wide = width + moved.clientX - event.clientX;
    if (Math.abs(wide - width) > 2) resize(Math.max(NARROWEST, wide));
  };
  handle.addEventListener("pointermove", move);
  handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move), { once: true });
}
