import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Column } from "../core/address";
import { useKeys } from "../core/keys";
import type { Json } from "../core/json";
import { address, change, openExperiment } from "../core/state";
import { EditLayer } from "./edit_layer";
import { edit } from "./editing";
import { groupFilter } from "./group_filter";
import { gridKeys } from "./grid_keys";
import { GridHead } from "./grid_head";
import { annotationOf } from "./kinds";
import { GridRow, type RowActions } from "./grid_row";
import { ID_WIDTH, ROW_HEIGHT, layOut, seen } from "./layout";
import { wantMain } from "./main_metric";
import { CURVE, type RowsState } from "./rows";
import type { Row } from "./rows_answer";
import { useChoice } from "./choice";
import { useAnchor, useRoom } from "./scrolling";
import { automaticWidth } from "./widths";

interface Props {
  rows: RowsState;
  columns: Column[];
  onScrolled: (isScrolled: boolean) => void;
}

const MORE = 8;
/** Scrolling fast, windows that flew by are not asked for. */
const SETTLED = 60;

export function Grid({ rows, columns, onScrolled }: Props): JSX.Element {
  const { windows, facts } = rows;
  const count = facts?.matched ?? 0;
  const grid = useRef<HTMLDivElement>(null);
  const room = useRoom(grid);
  const [current, setCurrent] = useState(0);

  const first = Math.max(0, Math.floor(room.top / ROW_HEIGHT) - MORE);
  const end = Math.ceil((room.top + room.height) / ROW_HEIGHT) + MORE;
  const last = Math.min(count - 1, end);
  // Not for each answer: thousands of texts are measured, and columns that jump are hard to read.
  const shape = facts && [facts.groupby, ...facts.columns].join("\n");
  const layout = useMemo(() => layOut(columns, (name) => automaticWidth(name, windows)), [columns, shape]);
  const [from, to] = [room.left, room.left + room.width - ID_WIDTH - layout.pinnedWidth];
  const part = useSteady(seen(layout.free, from - 200, to + 200));

  useLayoutEffect(() => rows.look(first, end), [first, end]);
  useEffect(() => {
    if (!facts) return;
    const timer = setTimeout(() => {
      const isHere = rows.fetch();
      if (isHere && columns.some(({ name }) => name === CURVE)) void wantMain(idsBetween(rows, first, last));
    }, SETTLED);
    return () => clearTimeout(timer);
  }, [first, last, rows.answers, columns]);
  useEffect(() => onScrolled(room.top > ROW_HEIGHT), [room.top > ROW_HEIGHT]);
  useAnchor(grid, windows, Math.floor(room.top / ROW_HEIGHT), rows.answers, count);

  const choice = useChoice(windows);
  const focus = (index: number): void => {
    const place = Math.max(0, Math.min(count - 1, index));
    setCurrent(place);
    scrollTo(grid.current, place, room.height);
  };
  const latest = useRef({ focus, choice });
  latest.current = { focus, choice };
  const actions = useMemo(
    (): RowActions => ({
      open: openRow,
      toggle: (index, isRange) => latest.current.choice.toggle(index, isRange),
      focus: setCurrent,
      edit: (index, name) => {
        const row = windows.row(index);
        const kind = annotationOf(name);
        if (row && kind) void edit(row.ids, kind);
      },
    }),
    [],
  );
  useKeys("Table", gridKeys({ current, page: Math.floor(room.height / ROW_HEIGHT) - 2, count, focus, actions, windows }));
  useLayoutEffect(() => setCurrent((before) => Math.min(before, Math.max(0, count - 1))), [count]);

  const shown = Array.from({ length: Math.max(0, last - first + 1) }, (_, step) => first + step);
  return (
    <div
      ref={grid}
      class="grid"
      role="grid"
      tabIndex={0}
      aria-label="Experiments"
      aria-rowcount={count + 1}
      aria-colcount={columns.length + 1}
      aria-multiselectable="true"
      aria-busy={rows.isSlow}
      aria-activedescendant={windows.row(current) && `row-${current}`}
    >
      <div class="grid-inner" style={{ width: `${layout.width + ID_WIDTH}px`, height: `${(count + 1.2) * ROW_HEIGHT}px` }}>
        <GridHead columns={columns} layout={layout} part={part} windows={windows} choice={choice} count={count} />
        <div class="grid-body" role="rowgroup">
          {shown.map((index) => {
            const row = windows.row(index);
            const isSelected = row !== undefined && row.ids.every((id) => choice.selected.has(id));
            return (
              <GridRow
                key={index}
                index={index}
                row={row}
                layout={layout}
                part={part}
                isSelected={isSelected}
                isCurrent={index === current}
                actions={actions}
              />
            );
          })}
          <EditLayer grid={grid} layout={layout} windows={windows} answers={rows.answers} top={room.top} onEnd={setCurrent} />
        </div>
      </div>
    </div>
  );
}

/** Open an experiment, or all of a group as rows of their own. */
function openRow(row: Row): void {
  const { groupby, filter } = address.value;
  if (groupby.length === 0) return openExperiment(row.id);
  const values = groupby.map((name): [string, Json] => [name, row.at(name)]);
  change({ groupby: [], columns: null, sort: [], filter: groupFilter(filter, values) }, true);
}

function idsBetween({ windows }: RowsState, first: number, last: number): string[] {
  const ids: string[] = [];
  for (let index = first; index <= last; index++) {
    const row = windows.row(index);
    if (row?.ids.length === 1) ids.push(row.id);
  }
  return ids;
}

function scrollTo(grid: HTMLDivElement | null, index: number, height: number): void {
  if (!grid) return;
  const top = index * ROW_HEIGHT;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (top + 2 * ROW_HEIGHT > grid.scrollTop + height) grid.scrollTop = top + 2.2 * ROW_HEIGHT - height;
}

/** The same object as before as long as it says the same, so that rows can tell that nothing changed. */
function useSteady<T extends { columns: readonly unknown[]; before: number }>(value: T): T {
  const kept = useRef(value);
  const before = kept.current;
  const isSame =
    before.before === value.before &&
    before.columns.length === value.columns.length &&
    before.columns.every((column, place) => column === value.columns[place]);
  if (!isSame) kept.current = value;
  return kept.current;
}
