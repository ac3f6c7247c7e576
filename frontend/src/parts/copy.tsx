import type { JSX } from "preact";
import { tell } from "../core/state";

export function CopyButton({ text, what }: { text: string; what: string }): JSX.Element {
  const copy = (): void => {
    writeClipboard(text)
      .then(() => tell(`Copied ${what}.`))
      .catch(() => tell("The browser does not allow copying here: select the text instead."));
  };
  return (
    <button type="button" onClick={copy}>
      Copy {what}
    </button>
  );
}

async function writeClipboard(text: string): Promise<void> {
  if (!("clipboard" in navigator)) throw new Error("no clipboard without https or localhost");
  await navigator.clipboard.writeText(text);
}
