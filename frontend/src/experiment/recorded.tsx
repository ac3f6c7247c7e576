import type { JSX } from "preact";
import { formatSize } from "../core/format";
import { isNumeric, toNumber, type JsonObject } from "../core/json";

const LONG_HASH = 12;

/** The files that the experiment read and wrote, as far as it said so or its args named them. */
export function Recorded({ files }: { files: JsonObject[] }): JSX.Element {
  return (
    <table class="values">
      <thead>
        <tr>
          <th scope="col">role</th>
          <th scope="col">path</th>
          <th scope="col">size</th>
          <th scope="col">sha256</th>
        </tr>
      </thead>
      <tbody>
        {files.map((file, index) => (
          <tr key={index}>
            <td>{text(file.arg ? `arg ${text(file.arg)}` : file.role)}</td>
            <td>{text(file.path)}</td>
            <td class="number">{isNumeric(file.size) ? formatSize(toNumber(file.size)) : ""}</td>
            <td title={text(file.sha256)}>{text(file.sha256).slice(0, LONG_HASH) || text(file.problem)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
