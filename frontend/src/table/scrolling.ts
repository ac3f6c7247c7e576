import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { ROW_HEIGHT } from "./layout";
import type { Row } from "./rows_answer";
import type { Windows } from "./windows";

export interface Room {
  top: number;
  left: number;
  width: number;
  height: number;
}

/** Where a scrolled element stands and how large it is, at most once a frame. */
export function useRoom(element: RefObject<HTMLElement>): Room {
  const [room, setRoom] = useState<Room>({ top: 0, left: 0, width: 1200, height: 900 });
  useLayoutEffect(() => {
    const node = element.current;
    if (!node) return;
    let frame = 0;
    const read = (): void => {
      frame = 0;
      setRoom({ top: node.scrollTop, left: node.scrollLeft, width: node.clientWidth, height: node.clientHeight });
    };
    const later = (): void => {
      frame ||= requestAnimationFrame(read);
    };
    read();
    node.addEventListener("scroll", later, { passive: true });
    const size = new ResizeObserver(later);
    size.observe(node);
    return () => {
      node.removeEventListener("scroll", later);
      size.disconnect();
      cancelAnimationFrame(frame);
    };
  }, []);
  return room;
}

/** Keep the row at the top where it is when others appear before it; at the very top, show the new. */
export function useAnchor(
  element: RefObject<HTMLElement>,
  windows: Windows<Row>,
  top: number,
  answers: number,
  count: number,
): void {
  const anchor = useRef({ id: "", place: 0, count });
  useLayoutEffect(() => {
    const { id, place, count: before } = anchor.current;
    const node = element.current;
    if (node && id && place > 0 && before !== count) {
      for (const [index, row] of windows.all()) {
        if (row.id !== id) continue;
        node.scrollTop += (index - place) * ROW_HEIGHT;
        break;
      }
    }
    anchor.current.count = count;
  }, [answers, count]);
  useLayoutEffect(() => {
    anchor.current = { id: windows.row(top)?.id ?? "", place: top, count };
  }, [top, answers]);
}
