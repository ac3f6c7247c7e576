import type { JSX, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { useRoom } from "../table/scrolling";
import { LineText } from "./line_text";
import { LINE_HEIGHT, heightOf, lineAt, topOf } from "./long_list";
import type { ConsoleState } from "./use_console";

export interface ConsoleHandle {
  jump(line: number): void;
}

interface Props {
  lines: ConsoleState;
  handle: RefObject<ConsoleHandle>;
  isFollowing: boolean;
  found: string;
  onScroll: () => void;
}

const SETTLED = 60;

/** The lines that are seen, of however many there are. */
export function ConsoleLines({ lines, handle, isFollowing, found, onScroll }: Props): JSX.Element {
  const { windows, total, errors, answers, want } = lines;
  const list = useRef<HTMLDivElement>(null);
  const room = useRoom(list);
  const first = lineAt(room.top, total, room.height);
  const last = Math.min(total - 1, first + Math.ceil(room.height / LINE_HEIGHT));
  useEffect(() => {
    const timer = setTimeout(() => want(first, last), SETTLED);
    return () => clearTimeout(timer);
  }, [first, last, answers]);
  handle.current = {
    jump: (line) => {
      const place = Math.max(0, Math.min(total, line) - 3);
      list.current?.scrollTo({ top: topOf(place, total, room.height) });
    },
  };
  useLayoutEffect(() => {
    if (isFollowing && list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [isFollowing, total, answers]);
  const wheel = (event: WheelEvent): void => {
    if (event.deltaY < 0) onScroll();
  };
  const marked = new Set(errors);
  const shown = Array.from({ length: Math.max(0, last - first + 1) }, (_, step) => first + step);
  return (
    <div ref={list} class="console-list" tabIndex={0} role="log" aria-live="off" aria-label="Console" onWheel={wheel}>
      <div class="console-inner" style={{ height: `${heightOf(total)}px` }}>
        <pre class="console-text" style={{ top: `${Math.min(room.top, heightOf(total) - shown.length * LINE_HEIGHT)}px` }}>
          {shown.map((index) => {
            const line = windows.row(index);
            return (
              <div key={index} class={marked.has(index) ? "numbered error" : "numbered"}>
                <span class="line-number" aria-hidden="true">
                  {index + 1}
                </span>
                {line ? <LineText line={line} found={found} /> : <div class="line faint">…</div>}
              </div>
            );
          })}
        </pre>
      </div>
    </div>
  );
}
