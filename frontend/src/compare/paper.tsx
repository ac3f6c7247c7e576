import type { JSX } from "preact";
import { listed, question, useAnswer, type Answer } from "../core/api";
import type { JsonObject } from "../core/json";
import { address, change, version } from "../core/state";
import type { ColumnFacts } from "../core/types";
import { CopyButton } from "../parts/copy";
import { Answered, Empty } from "../parts/states";
import { FilterBox } from "../table/filter_box";
import { captionOf, tableRows } from "./markdown_table";

/** The table of a paper: means over seeds with their spread, to be copied as LaTeX or Markdown. */
export function PaperPage(): JSX.Element {
  const { filter, rows, cols, cells } = address.value;
  const columns = useAnswer<ColumnFacts[]>(question("columns", { filter }), "columns", version.value);
  const isReady = rows.length > 0 && cells.length > 0;
  const parameters = { rows: listed(rows), cols: listed(cols), cell: listed(cells), filter };
  const answer = useAnswer<JsonObject>(isReady ? question("table", parameters) : null, "table", version.value);
  return (
    <section class="paper" aria-label="Paper table">
      <div class="tools">
        <FilterBox problem={filter !== "" ? columns.problem : null} />
      </div>
      <Answered answer={columns} what="Reading the names of columns">
        {(known) => <Choices columns={known} />}
      </Answered>
      {isReady ? <Result answer={answer} /> : <Empty>Choose what the rows are, and the result in the cells.</Empty>}
    </section>
  );
}

function Choices({ columns }: { columns: ColumnFacts[] }): JSX.Element {
  const { rows, cols, cells } = address.value;
  const args = columns.filter(({ group, differs }) => group === "args" && differs).map(({ name }) => name);
  const results = columns.filter(({ group, kind }) => group === "summary" && kind === "number").map(({ name }) => name);
  return (
    <div class="tools" role="group" aria-label="What the table shows">
      <Names title="rows" chosen={rows} names={args} onChange={(names) => change({ rows: names }, true)} />
      <Names title="columns" chosen={cols} names={args} onChange={(names) => change({ cols: names }, true)} />
      <Names title="cells" chosen={cells} names={results} onChange={(names) => change({ cells: names }, true)} />
    </div>
  );
}

interface NamesProps {
  title: string;
  chosen: string[];
  names: string[];
  onChange: (names: string[]) => void;
}

function Names({ title, chosen, names, onChange }: NamesProps): JSX.Element {
  return (
    <span class="group">
      {title}:
      {chosen.map((name) => (
        <button key={name} type="button" class="chip" onClick={() => onChange(chosen.filter((other) => other !== name))}>
          {name} ✕
        </button>
      ))}
      <select
        aria-label={`Add to ${title}`}
        value=""
        onChange={(event) => event.currentTarget.value && onChange([...chosen, event.currentTarget.value])}
      >
        <option value="">add…</option>
        {names
          .filter((name) => !chosen.includes(name))
          .map((name) => (
            <option key={name}>{name}</option>
          ))}
      </select>
    </span>
  );
}

function Result({ answer }: { answer: Answer<JsonObject> }): JSX.Element {
  return (
    <Answered answer={answer} what="Making the table">
      {({ latex, markdown, notes }) => (
        <>
          {markdown === "" && <Empty>No experiment that has ended well is matched.</Empty>}
          <div class="tools">
            {latex && <CopyButton text={String(latex)} what="LaTeX" />}
            {markdown && <CopyButton text={String(markdown)} what="Markdown" />}
          </div>
          {markdown && <MarkdownTable text={String(markdown)} />}
          {Array.isArray(notes) && notes.map((note, index) => <p key={index} class="hint">{`${String(note)}.`}</p>)}
          {latex && (
            <details>
              <summary>LaTeX</summary>
              <pre class="file-text" tabIndex={0}>{latex}</pre>
            </details>
          )}
        </>
      )}
    </Answered>
  );
}

/** The server rounds and marks; what it wrote as Markdown is shown, so that both say the same. */
function MarkdownTable({ text }: { text: string }): JSX.Element {
  const [head = [], ...body] = tableRows(text);
  return (
    <>
      <div class="wide" tabIndex={0} role="group" aria-label="Table">
        <table class="values">
          <thead>
            <tr>
              {head.map((cell, index) => (
                <th key={index} scope="col">
                  {cell.text}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {body.map((row, index) => (
              <tr key={index}>
                {row.map((cell, column) => (
                  <td key={column}>{cell.isBold ? <strong>{cell.text}</strong> : cell.text}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p>{captionOf(text)}.</p>
    </>
  );
}
