import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { readPatch, type PatchFile, type PatchHunk, type PatchLine } from "./diff";

/** Files with more lines are folded at first, so that the page appears at once. */
const OPEN = 400;
const SIGNS = { added: "+", removed: "-", same: " ", note: "\\" };

export function Patch({ patch }: { patch: string }): JSX.Element {
  const files = useMemo(() => readPatch(patch), [patch]);
  if (!files) return <pre class="patch-text">{patch}</pre>;
  return (
    <div class="patch">
      {files.map((file, index) => (
        <File key={index} file={file} />
      ))}
    </div>
  );
}

function File({ file }: { file: PatchFile }): JSX.Element {
  return (
    <details open={file.added + file.removed < OPEN}>
      <summary>
        <span class="name">{file.path}</span> <ins>+{file.added}</ins> <del>-{file.removed}</del>
      </summary>
      {file.hunks.length === 0 && <p class="faint">No text that could be compared: binary, renamed, or only its mode changed.</p>}
      {file.hunks.map((hunk, index) => (
        <Hunk key={index} hunk={hunk} />
      ))}
    </details>
  );
}

function Hunk({ hunk }: { hunk: PatchHunk }): JSX.Element {
  return (
    <div class="hunk" tabIndex={0} role="group" aria-label={`Lines ${hunk.header}`}>
      <div class="hunk-head">{hunk.header}</div>
      {hunk.lines.map((line, index) => (
        <Line key={index} line={line} />
      ))}
    </div>
  );
}

function Line({ line }: { line: PatchLine }): JSX.Element {
  return (
    <div class={`patch-line ${line.kind}`}>
      <span class="line-number" aria-hidden="true">
        {line.before ?? ""}
      </span>
      <span class="line-number" aria-hidden="true">
        {line.after ?? ""}
      </span>
      <span class="sign">{SIGNS[line.kind]}</span>
      <code>{line.parts.map(({ text, isChanged }, index) => (isChanged ? <mark key={index}>{text}</mark> : text))}</code>
    </div>
  );
}
