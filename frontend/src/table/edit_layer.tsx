import type { JSX, RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Json } from "../core/json";
import { edit, edited, type Edit } from "./editing";
import { Editor } from "./editor";
import { annotationOf } from "./kinds";
import { ID_WIDTH, ROW_HEIGHT, type Layout, type Placed } from "./layout";
import type { Row } from "./rows_answer";
import type { Windows } from "./windows";

interface Props {
  grid: RefObject<HTMLElement>;
  layout: Layout;
  windows: Windows<Row>;
  /** Grows when rows come. */
  answers: number;
  /** How far down the grid is scrolled. */
  top: number;
  /** The row that is the current one now. */
  onEnd: (place: number) => void;
}

/**
 * What is edited in its cell: laid over the row, wherever that is now, and no part of it, since rows
 * come and go with scrolling, other orders and news, and the focus and the text would go with them.
 */
export function EditLayer(props: Props): JSX.Element | null {
  const open = edited.value;
  const { pinned, free } = props.layout;
  const cells = [...pinned, ...free].filter(({ name }) => annotationOf(name));
  const cell = cells.find(({ name }) => annotationOf(name) === open?.kind);
  return open && cell ? <Laid key={open.id} edit={open} cells={cells} cell={cell} {...props} /> : null;
}

type LaidProps = Props & { edit: Edit; cells: Placed[]; cell: Placed };

function Laid({ edit: open, cells, cell, grid, layout, windows, top, onEnd }: LaidProps): JSX.Element {
  const { id, kind, problem } = open;
  const last = useRef<{ place: number; now: Json }>({ place: 0, now: null });
  const found = [...windows.all()].find(([, row]) => row.id === id);
  // When its row is not here, it stays where it was.
  if (found) last.current = { place: found[0], now: found[1].at(cell.name) };
  const { place, now } = last.current;
  useHeld(grid, place, top);
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => box.current!.scrollIntoView({ block: "nearest", inline: "nearest" }), [kind, problem]);
  const end = (): void => {
    const focused = document.activeElement!;
    if (focused === document.body || focused.closest(".editor")) grid.current?.focus({ preventScroll: true });
    onEnd(place);
  };
  const tab = (step: number): void => {
    const next = cells[cells.indexOf(cell) + step];
    if (next && found) void edit([id], annotationOf(next.name)!);
    else end();
  };
  const beside = ID_WIDTH + layout.pinnedWidth;
  const left = cell.left + (cell.pinned ? ID_WIDTH : beside);
  return (
    <div class="edit-row" role="row" aria-rowindex={place + 2} style={{ top: `${place * ROW_HEIGHT}px` }}>
      <div class="cells-before" style={{ width: `${left}px` }} />
      <div class="edit-cell" role="gridcell" ref={box} style={{ left: `${cell.pinned ? left : beside}px`, width: `${cell.width}px` }}>
        <Editor edit={open} now={now} onEnd={end} onTab={tab}>
          {!found && <p>{`The row of ${id} is elsewhere by now, or filtered out.`}</p>}
        </Editor>
      </div>
    </div>
  );
}

/** Keep a row where it is on the screen when it gets another place among the others. */
function useHeld(grid: RefObject<HTMLElement>, place: number, top: number): void {
  const held = useRef({ place, top });
  useLayoutEffect(() => {
    const before = held.current;
    held.current = { place, top };
    const node = grid.current;
    if (!node || place === before.place) return;
    // After what keeps the row at the top where it is.
    queueMicrotask(() => {
      node.scrollTop = before.top + (place - before.place) * ROW_HEIGHT;
      held.current.top = node.scrollTop;
    });
  }, [place, top]);
}
