import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { experimentPath, question, useAnswer } from "../core/api";
import { formatSize } from "../core/format";
import { address, change, changes } from "../core/state";
import type { FileFacts } from "../core/types";
import { Answered, Empty } from "../parts/states";
import { PreviewOf } from "./preview";

const SHOWN = 1000;
/** The server gives no more of them. */
const MOST = 10_000;

export function FilesTab({ id }: { id: string }): JSX.Element {
  const answer = useAnswer<FileFacts[]>(question(experimentPath(id, "files")), "files", changes.value.get(id) ?? 0);
  const { part } = address.value;
  return (
    <Answered answer={answer} what="Listing the files">
      {(files) => (
        <div class="files">
          <FileList files={files} />
          <div class="preview" aria-live="polite">
            {part ? <PreviewOf key={part} id={id} path={part} /> : <Empty>Choose a file to look into it.</Empty>}
          </div>
        </div>
      )}
    </Answered>
  );
}

function FileList({ files }: { files: FileFacts[] }): JSX.Element {
  const [search, setSearch] = useState("");
  const found = files.filter(({ path }) => path.toLowerCase().includes(search.toLowerCase()));
  return (
    <nav aria-label="Files" class="file-list">
      {files.length > 20 && (
        <input
          type="search"
          placeholder="Search names"
          aria-label="Search names of files"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      )}
      <ul>
        {found.slice(0, SHOWN).map(({ path, size }) => (
          <li key={path}>
            <button
              type="button"
              class="quiet"
              aria-current={path === address.value.part ? "true" : undefined}
              title={path}
              onClick={() => change({ part: path }, true)}
            >
              <span>{path}</span> <small>{formatSize(size)}</small>
            </button>
          </li>
        ))}
      </ul>
      {files.length === MOST && <p>These are the first {MOST} files that were found: there may be more.</p>}
      {found.length > SHOWN && <p>and {found.length - SHOWN} more: search for them</p>}
      {files.length === 0 && <p>There is no file.</p>}
    </nav>
  );
}
