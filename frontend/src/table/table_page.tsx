import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Column } from "../core/address";
import { source } from "../core/api";
import { plural } from "../core/format";
import { useKeys } from "../core/keys";
import { address, change, show, store } from "../core/state";
import { Empty, Failure, Waiting } from "../parts/states";
import { EditDialog } from "./edit";
import { edited } from "./editing";
import { FilterBox } from "./filter_box";
import { Grid } from "./grid";
import { GroupBox } from "./group_box";
import { annotationOf } from "./kinds";
import { ColumnPicker } from "./picker";
import { CURVE, useRows, type RowsState } from "./rows";

export function TablePage(): JSX.Element {
  const rows = useRows();
  const [isPicking, setPicking] = useState(false);
  const [isScrolled, setScrolled] = useState(false);
  const columns = useColumns(rows);
  useKeys("Columns", [{ keys: "C", label: "choose the columns", run: () => setPicking(true) }]);
  const isEmpty = rows.facts?.matched === 0;
  const isFilterWrong = rows.problem !== null && /^Filter/.test(rows.problem.message);
  return (
    <section class="table-page" aria-label="Experiments">
      <div class="tools">
        <FilterBox problem={isFilterWrong ? rows.problem : null} />
        <GroupBox filter={rows.facts?.filter ?? null} />
        <button type="button" onClick={() => setPicking(true)}>
          Columns
        </button>
        <Chosen />
        <Counts rows={rows} isScrolled={isScrolled} />
      </div>
      {rows.problem && !isFilterWrong && <Failure problem={rows.problem} what="The experiments cannot be listed" />}
      {isEmpty && !edited.value ? (
        <Nothing />
      ) : rows.facts || !rows.problem ? (
        <Grid rows={rows} columns={columns} onScrolled={setScrolled} />
      ) : null}
      {!rows.facts && !rows.problem && <Waiting isSlow={rows.isSlow} what="Reading the experiments" />}
      <EditDialog inCells={columns.flatMap(({ name }) => annotationOf(name) ?? [])} />
      {isPicking && <ColumnPicker columns={columns} onClose={() => setPicking(false)} />}
    </section>
  );
}

function useColumns({ facts }: RowsState): Column[] {
  const chosen = address.value.columns;
  const usual = facts?.columns;
  const isGrouped = address.value.groupby.length > 0;
  return useMemo(() => {
    if (chosen) return chosen;
    const names = (usual ?? []).filter((name) => name !== "id" && name !== "expid" && name !== "header.expid");
    const place = names.findIndex((name) => name === "duration" || name === "header.duration") + 1;
    // Groups have means instead of one curve.
    const all = isGrouped ? names : [...names.slice(0, place), CURVE, ...names.slice(place)];
    return all.map((name) => ({ name, width: 0, pinned: false }));
  }, [chosen, usual?.join("\n"), isGrouped]);
}

function Chosen(): JSX.Element | null {
  const count = address.value.selected.length;
  if (count === 0) return null;
  return (
    <span class="chosen-tools">
      <span>{count} selected</span>
      <button type="button" onClick={() => show("curves")} title="c">
        Curves
      </button>
      <button type="button" onClick={() => show("compare")} disabled={count < 2} title="d">
        Compare
      </button>
      <button type="button" class="quiet" onClick={() => change({ selected: [] })} title="u">
        none
      </button>
    </span>
  );
}

function Counts({ rows, isScrolled }: { rows: RowsState; isScrolled: boolean }): JSX.Element {
  const facts = rows.facts;
  const seen = useRef(facts?.total ?? 0);
  useEffect(() => {
    if (!isScrolled && facts) seen.current = facts.total;
  }, [isScrolled, facts?.total]);
  const fresh = isScrolled && facts && seen.current ? facts.total - seen.current : 0;
  const isAll = facts?.matched === facts?.total;
  const isGrouped = address.value.groupby.length > 0;
  return (
    <span class="counts" role="status">
      {fresh > 0 && (
        <button type="button" class="fresh" onClick={() => document.querySelector(".grid")?.scrollTo({ top: 0 })}>
          {fresh} new
        </button>
      )}
      {rows.isSlow ? "reading… " : ""}
      {facts && isGrouped && plural(facts.matched, "group")}
      {facts && !isGrouped && (isAll ? plural(facts.total, "row") : `${facts.matched.toLocaleString("en")} of ${plural(facts.total, "row")}`)}
    </span>
  );
}

function Nothing(): JSX.Element {
  if (address.value.filter) {
    return (
      <Empty>
        <p>No experiment is matched by this filter.</p>
        <button type="button" onClick={() => change({ filter: "" }, true)}>
          Show all
        </button>
      </Empty>
    );
  }
  return (
    <Empty>
      <p>There is no experiment in {store.value?.root ?? "this folder"} yet.</p>
      {source.isLive && <p>Start a program that records one: its row appears here by itself.</p>}
    </Empty>
  );
}
