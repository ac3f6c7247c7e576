import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { notice } from "../core/state";

const SHOWN = 4000;

export function Notice(): JSX.Element {
  const text = notice.value;
  useEffect(() => {
    if (!text) return;
    const timer = setTimeout(() => (notice.value = ""), SHOWN);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div class="notice" role="status" aria-live="polite" data-empty={text === ""}>
      {text}
    </div>
  );
}
