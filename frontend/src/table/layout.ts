import type { Column } from "../core/address";

/** A column at its place: `left` among those that are not pinned, or among those that are. */
export interface Placed {
  name: string;
  width: number;
  pinned: boolean;
  left: number;
}

export interface Layout {
  pinned: Placed[];
  free: Placed[];
  pinnedWidth: number;
  width: number;
}

export const ROW_HEIGHT = 30;
export const ID_WIDTH = 96;
export const NARROWEST = 40;
export const WIDEST = 420;

export function layOut(columns: readonly Column[], automatic: (name: string) => number): Layout {
  const place = (chosen: readonly Column[]): [Placed[], number] => {
    let left = 0;
    const placed = chosen.map(({ name, width, pinned }): Placed => {
      const column = { name, width: width || automatic(name), pinned, left };
      left += column.width;
      return column;
    });
    return [placed, left];
  };
  const [pinned, pinnedWidth] = place(columns.filter((column) => column.pinned));
  const [free, freeWidth] = place(columns.filter((column) => !column.pinned));
  return { pinned, free, pinnedWidth, width: pinnedWidth + freeWidth };
}

export interface Part {
  columns: Placed[];
  /** How much room those have that are left out before. */
  before: number;
}

/** The free columns that are seen between two places; all others need not be drawn. */
export function seen(free: readonly Placed[], from: number, to: number): Part {
  const columns = free.filter(({ left, width }) => left + width > from && left < to);
  return { columns, before: columns[0]?.left ?? 0 };
}

/** Move the column at `from` to `to`; pinned ones stay before the others only on the screen. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const result = [...list];
  const [taken] = result.splice(from, 1);
  if (taken !== undefined) result.splice(to, 0, taken);
  return result;
}

/** What a click on a header makes of the order: down, up, as it was. Shift keeps the other keys. */
export function sortedBy(sort: readonly string[], name: string, isFurther: boolean): string[] {
  const now = sort.find((key) => key.replace(/^-/, "") === name);
  const next = now === undefined ? [`-${name}`] : now.startsWith("-") ? [name] : [];
  if (!isFurther) return next;
  if (now === undefined) return [...sort, ...next];
  return sort.flatMap((key) => (key === now ? next : [key]));
}
