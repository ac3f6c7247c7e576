import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Column } from "../core/address";
import { question, useAnswer } from "../core/api";
import { address, change } from "../core/state";
import type { ColumnFacts } from "../core/types";
import { Dialog } from "../parts/dialog";
import { Answered } from "../parts/states";
import { moved } from "./layout";
import { CURVE } from "./rows";

interface Props {
  columns: Column[];
  onClose: () => void;
}

const SHOWN = 300;

/** Which columns are shown, in which order, and which stay when the others are scrolled. */
export function ColumnPicker({ columns, onClose }: Props): JSX.Element {
  const [search, setSearch] = useState("");
  const answer = useAnswer<ColumnFacts[]>(question("columns", { filter: address.value.filter }), "columns");
  const set = (chosen: Column[] | null): void => change({ columns: chosen }, true);
  return (
    <Dialog title="Columns" onClose={onClose}>
      <div class="picker">
        <section aria-label="Shown columns">
          <h3>Shown</h3>
          <ChosenColumns columns={columns} onChange={set} />
          <button type="button" onClick={() => set(null)}>
            As at first: those that differ
          </button>
        </section>
        <section aria-label="All columns">
          <h3>All</h3>
          <input
            type="search"
            placeholder="Search names"
            aria-label="Search names of columns"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
          <Answered answer={answer} what="Reading the names of columns">
            {(known) => <KnownColumns known={known} search={search} columns={columns} onChange={set} />}
          </Answered>
        </section>
      </div>
    </Dialog>
  );
}

type Change = (chosen: Column[]) => void;

function ChosenColumns({ columns, onChange }: { columns: Column[]; onChange: Change }): JSX.Element {
  const [dragged, setDragged] = useState<number | null>(null);
  const move = (from: number, to: number): void => {
    if (to >= 0 && to < columns.length) onChange(moved(columns, from, to));
  };
  const drop = (event: DragEvent, place: number): void => {
    event.preventDefault();
    if (dragged !== null) move(dragged, place);
    setDragged(null);
  };
  return (
    <ol class="chosen">
      {columns.map((column, place) => (
        <li
          key={column.name}
          draggable
          onDragStart={() => setDragged(place)}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => drop(event, place)}
        >
          <span class="grip" aria-hidden="true">
            ⠿
          </span>
          <span class="name">{column.name}</span>
          <button type="button" class="quiet" aria-label={`${column.name} further up`} onClick={() => move(place, place - 1)}>
            ↑
          </button>
          <button type="button" class="quiet" aria-label={`${column.name} further down`} onClick={() => move(place, place + 1)}>
            ↓
          </button>
          <button
            type="button"
            class="quiet"
            aria-pressed={column.pinned}
            aria-label={`Pin ${column.name}`}
            onClick={() => onChange(columns.map((other) => (other === column ? { ...column, pinned: !column.pinned } : other)))}
          >
            {column.pinned ? "pinned" : "pin"}
          </button>
          <button
            type="button"
            class="quiet"
            aria-label={`Hide ${column.name}`}
            onClick={() => onChange(columns.filter((other) => other !== column))}
          >
            ✕
          </button>
        </li>
      ))}
    </ol>
  );
}

interface KnownProps {
  known: ColumnFacts[];
  search: string;
  columns: Column[];
  onChange: Change;
}

function KnownColumns({ known, search, columns, onChange }: KnownProps): JSX.Element {
  const shown = new Set(columns.map(({ name }) => name));
  const words = search.toLowerCase().split(/\s+/);
  const names = new Map(known.map((column) => [column.name, column]));
  const all = [CURVE, ...names.keys()].filter((name) => words.every((word) => name.toLowerCase().includes(word)));
  const toggle = (name: string): void => {
    if (shown.has(name)) onChange(columns.filter((column) => column.name !== name));
    else onChange([...columns, { name, width: 0, pinned: false }]);
  };
  return (
    <ul class="known">
      {all.length === 0 && <li>No name contains that.</li>}
      {all.slice(0, SHOWN).map((name) => (
        <li key={name}>
          <label>
            <input type="checkbox" checked={shown.has(name)} onChange={() => toggle(name)} />
            <span>{name === CURVE ? "curve of the main metric" : name}</span>
            <small>{describe(names.get(name))}</small>
          </label>
        </li>
      ))}
      {all.length > SHOWN && <li>and {all.length - SHOWN} more: search for them</li>}
    </ul>
  );
}

function describe(column: ColumnFacts | undefined): string {
  if (!column) return "";
  return column.differs ? `${column.distinct} values` : "the same everywhere";
}
