import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { listed, question, useAnswer } from "../core/api";
import { formatNumber } from "../core/format";
import { address, change, select, show, version } from "../core/state";
import type { ColumnFacts, Rows } from "../core/types";
import { Answered, Empty } from "../parts/states";
import { FilterBox } from "../table/filter_box";
import { AxisPicker } from "./axis_picker";
import { Limits } from "./limits";
import { Parallel } from "./parallel";
import { Scatter } from "./scatter";
import { scaleFor, shareOf, type Scale } from "./scale";
import { countText, insideAll, type Point } from "./points";

const MOST = 2000;
const AXES = 7;

/** All experiments that match as lines over parallel axes, and as dots of two of them. */
export function ExplorePage(): JSX.Element {
  const { filter } = address.value;
  const columns = useAnswer<ColumnFacts[]>(question("columns", { filter }), "columns", version.value);
  const isFilterWrong = filter !== "" && columns.problem !== null;
  return (
    <section class="explore" aria-label="Explore">
      <div class="tools">
        <FilterBox problem={isFilterWrong ? columns.problem : null} />
      </div>
      <Answered answer={isFilterWrong ? { ...columns, problem: null } : columns} what="Reading the names of columns">
        {(known) => <Plots columns={known} />}
      </Answered>
    </section>
  );
}

/** Args that differ, and results: what one wants to see first. */
function usualAxes(columns: readonly ColumnFacts[]): string[] {
  const differing = columns.filter(({ differs, kind }) => differs && kind !== "object");
  const args = differing.filter(({ group }) => group === "args").slice(0, AXES - 2);
  const results = differing.filter(({ group, kind }) => group === "summary" && kind === "number").slice(0, 2);
  return [...args, ...results].map(({ name }) => name);
}

function Plots({ columns }: { columns: ColumnFacts[] }): JSX.Element {
  const { filter, axes, colour } = address.value;
  const names = useMemo(() => (axes.length ? axes : usualAxes(columns)), [axes, columns]);
  const shade = colour || names.at(-1) || "";
  const wanted = [...new Set([...names, shade])].filter(Boolean);
  const asked = wanted.length ? question("rows", { filter, columns: listed(wanted), limit: MOST }) : null;
  const answer = useAnswer<Rows>(asked, "rows", version.value);
  if (names.length === 0) return <Empty>Nothing differs between these experiments: there is nothing to plot.</Empty>;
  return (
    <>
      <AxisPicker columns={columns} names={names} colour={shade} />
      <Answered answer={answer} what="Reading the experiments">
        {(rows) => <Plotted rows={rows} names={names} colour={shade} />}
      </Answered>
    </>
  );
}

function Plotted({ rows, names, colour }: { rows: Rows; names: string[]; colour: string }): JSX.Element {
  const { brushes } = address.value;
  const { scales, colourScale, points } = useMemo(() => prepare(rows, names, colour), [rows, names, colour]);
  const inside = useMemo(() => new Set(insideAll(points, scales, brushes).map(({ id }) => id)), [points, scales, brushes]);
  const choose = (): void => {
    select([...inside]);
    show("table");
  };
  return (
    <>
      <p class="tools">
        <span role="status">
          {countText(points, scales, brushes.length ? inside.size : null)}
          {rows.matched > points.length && ` These are the first of ${rows.matched}: a filter makes them fewer.`}
        </span>
        {brushes.length > 0 && (
          <>
            <button type="button" onClick={choose}>
              Select the {inside.size} inside
            </button>
            <button type="button" onClick={() => change({ brushes: [] }, true)}>
              Remove the limits
            </button>
          </>
        )}
      </p>
      <Limits scales={scales} />
      <Parallel scales={scales} points={points} inside={inside} colourScale={colourScale} />
      {scales.length > 1 && <Scatter scales={scales} points={points} inside={inside} />}
    </>
  );
}

function prepare(rows: Rows, names: readonly string[], colour: string): { scales: Scale[]; colourScale: Scale; points: Point[] } {
  const column = (name: string) => rows.cells.map((cells) => cells[rows.columns.indexOf(name)] ?? null);
  const scales = names.map((name) => scaleFor(name, column(name), formatNumber));
  const colourScale = scaleFor(colour, column(colour), formatNumber);
  const values = names.map(column);
  const colours = column(colour);
  const points = rows.ids.map((id, index): Point => ({
    id: String(id),
    values: values.map((list) => list[index] ?? null),
    share: shareOf(colourScale, colours[index] ?? null),
  }));
  return { scales, colourScale, points };
}
