import type { JSX } from "preact";
import { question, useAnswer } from "../core/api";
import { address, change } from "../core/state";
import type { ColumnFacts } from "../core/types";

/**
 * Experiments that agree in these are one row: means with intervals, say over seeds.
 *
 * The names are those that differ among the rows that are here, which are asked for first: `filter`
 * is theirs, null when there are none yet.
 */
export function GroupBox({ filter }: { filter: string | null }): JSX.Element {
  const { groupby } = address.value;
  const { value } = useAnswer<ColumnFacts[]>(filter === null ? null : question("columns", { filter }), "columns");
  const names = (value ?? []).filter(({ group, differs }) => group === "args" && differs).map(({ name }) => name);
  const set = (names: string[]): void => change({ groupby: names, columns: null, sort: [] }, true);
  return (
    <span class="group">
      {groupby.map((name) => (
        <button
          key={name}
          type="button"
          class="chip"
          title={`No longer group by ${name}`}
          onClick={() => set(groupby.filter((other) => other !== name))}
        >
          {name} ✕
        </button>
      ))}
      <select
        aria-label="Group by"
        value=""
        onChange={(event) => event.currentTarget.value && set([...groupby, event.currentTarget.value])}
      >
        <option value="">{groupby.length ? "and by…" : "Group by…"}</option>
        {names
          .filter((name) => !groupby.includes(name))
          .map((name) => (
            <option key={name}>{name}</option>
          ))}
      </select>
    </span>
  );
}
