import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { experimentPath, question, source, useAnswer } from "../core/api";
import { isObject, type Json, type JsonObject } from "../core/json";
import type { Preview } from "../core/types";
import { Answered } from "../parts/states";
import { JsonTree } from "./json_tree";
import { Markdown } from "./markdown";

/** A look into a file, which may be anything: nothing of it is ever run. */
export function PreviewOf({ id, path }: { id: string; path: string }): JSX.Element {
  const answer = useAnswer<Preview>(question(experimentPath(id, "preview"), { path }), "preview");
  const file = source.address(question(experimentPath(id, "file"), { path }));
  return (
    <section aria-label={path}>
      <h2 class="preview-head">
        <span class="name">{path}</span>
        {file && (
          <a href={file} download={path.slice(path.lastIndexOf("/") + 1)}>
            save
          </a>
        )}
      </h2>
      <Answered answer={answer} what="Reading the file">
        {(preview) => <Content preview={preview} file={file} path={path} />}
      </Answered>
    </section>
  );
}

interface ContentProps {
  preview: Preview;
  file: string | null;
  path: string;
}

function Content({ preview, file, path }: ContentProps): JSX.Element {
  const { kind, note } = preview;
  return (
    <>
      {note && <p class="hint">{note}</p>}
      {kind === "image" && file && <img src={file} alt={path} />}
      {kind === "audio" && file && <audio src={file} controls />}
      {kind === "video" && file && <video src={file} controls />}
      {kind === "text" && <pre class="file-text" tabIndex={0}>{textOf(preview)}</pre>}
      {kind === "markdown" && <Markdown text={textOf(preview)} />}
      {kind === "json" && <JsonOf preview={preview} />}
      {kind === "csv" && <Rows rows={csvRows(preview)} />}
      {kind === "array" && <Rows rows={arrayRows(preview.arrays)} />}
      {kind === "none" && !note && <p class="state">There is no preview for files of this kind.</p>}
      {preview.truncated === true && <p class="hint">This is only the beginning of the file.</p>}
    </>
  );
}

function textOf({ text }: JsonObject): string {
  return typeof text === "string" ? text : "";
}

function JsonOf({ preview }: { preview: Preview }): JSX.Element {
  const value = useMemo(() => {
    if (preview.value !== undefined) return preview.value;
    try {
      return JSON.parse(textOf(preview)) as Json;
    } catch {
      // A file that calls itself JSON may be cut, or say NaN: then its text is the best there is.
      return null;
    }
  }, [preview]);
  return value === null ? <pre class="file-text" tabIndex={0}>{textOf(preview)}</pre> : <JsonTree value={value} />;
}

/** A table whose first row is its head. */
function Rows({ rows: [head = [], ...body] }: { rows: string[][] }): JSX.Element {
  return (
    <div class="csv" tabIndex={0} role="group" aria-label="Table">
      <table class="values">
        <thead>
          <tr>
            {head.map((name, index) => (
              <th key={index} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {body.map((row, index) => (
            <tr key={index}>
              {row.map((field, column) => (
                <td key={column}>{field}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function csvRows({ columns, rows }: JsonObject): string[][] {
  const all = [columns ?? [], ...(Array.isArray(rows) ? rows : [])];
  return all.map((row) => (Array.isArray(row) ? row.map(String) : []));
}

function arrayRows(arrays: Json | undefined): string[][] {
  const rows = (Array.isArray(arrays) ? arrays : []).filter(isObject).map(({ name, shape, dtype, order, note }) => {
    const size = Array.isArray(shape) ? shape.join(" × ") || "one value" : "";
    return [name || "array", size, dtype, order, note].map((field) => String(field ?? ""));
  });
  return [["name", "shape", "type", "order", ""], ...rows];
}
