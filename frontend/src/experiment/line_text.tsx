import type { JSX } from "preact";
import type { Line } from "../core/types";
import { lookOf } from "./ansi";

interface Props {
  line: Line;
  /** Text to mark. */
  found?: string;
}

export function LineText({ line, found = "" }: Props): JSX.Element {
  return (
    <div class="line">
      {line.map(([text, codes], index) => {
        const look = lookOf(codes);
        return (
          <span key={index} class={look.class} style={{ color: look.colour, backgroundColor: look.background }}>
            <Marked text={text} found={found} />
          </span>
        );
      })}
      {"\n"}
    </div>
  );
}

function Marked({ text, found }: { text: string; found: string }): JSX.Element {
  const place = found ? text.toLowerCase().indexOf(found.toLowerCase()) : -1;
  if (place < 0) return <>{text}</>;
  return (
    <>
      {text.slice(0, place)}
      <mark>{text.slice(place, place + found.length)}</mark>
      <Marked text={text.slice(place + found.length)} found={found} />
    </>
  );
}
