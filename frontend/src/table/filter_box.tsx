import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { question, useAnswer } from "../core/api";
import { useKeys } from "../core/keys";
import type { Problem } from "../core/source";
import { address, change } from "../core/state";
import type { ColumnFacts } from "../core/types";
import { complete, markedColumn, written } from "./completion";

const ALWAYS = ["id", "status", "status_message", "start_time", "duration", "description", "sha", "tags"];
const WORDS = ["and", "or", "not", "in"];

/** The filter that the table, the curves and the plots share. */
export function FilterBox({ problem }: { problem: Problem | null }): JSX.Element {
  const { filter } = address.value;
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(filter);
  /** Where the cursor is while names are offered; null when none are. */
  const [cursor, setCursor] = useState<number | null>(null);
  const [chosen, setChosen] = useState(-1);
  const [isUsed, setUsed] = useState(false);
  const { value: columns } = useAnswer<ColumnFacts[]>(isUsed ? question("columns") : null, "columns");
  const names = columns ? [...new Set([...ALWAYS, ...columns.map(({ name }) => name), ...WORDS])] : ALWAYS;
  const completion = cursor === null ? null : complete(text, cursor, names);
  useEffect(() => setText(filter), [filter]);
  useKeys("Filter", [{ keys: "/", label: "write a filter", run: () => input.current?.focus() }]);

  const offer = (): void => {
    const node = input.current;
    if (!node) return;
    setText(node.value);
    setCursor(node.selectionStart ?? node.value.length);
    setChosen(-1);
  };
  const take = (name: string): void => {
    if (!completion) return;
    const [before, after] = [text.slice(0, completion.start) + written(name), text.slice(completion.end)];
    setText(before + after);
    setCursor(null);
    // At once, since the next letter may come before the next frame.
    if (!input.current) return;
    input.current.value = before + after;
    input.current.setSelectionRange(before.length, before.length);
  };
  const submit = (): void => {
    setCursor(null);
    // Not the state: Enter may come before the last letter was drawn.
    const now = (input.current?.value ?? text).trim();
    if (now !== filter) change({ filter: now }, true);
  };
  const press = (event: KeyboardEvent): void => {
    const offered = completion?.names ?? [];
    if (event.key === "Escape") {
      event.preventDefault();
      if (completion) setCursor(null);
      else input.current?.blur();
    } else if (event.key === "Enter") {
      event.preventDefault();
      const name = offered[chosen];
      if (name === undefined) submit();
      else take(name);
    } else if (event.key === "Tab" && offered.length > 0) {
      event.preventDefault();
      take(offered[Math.max(0, chosen)]!);
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && offered.length > 0) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      setChosen((chosen + step + offered.length) % offered.length);
    }
  };
  const isOpen = completion !== null;
  return (
    <div class="filter">
      <input
        ref={input}
        type="search"
        role="combobox"
        aria-label="Filter"
        aria-expanded={isOpen}
        aria-controls="filter-names"
        aria-activedescendant={chosen >= 0 ? `filter-name-${chosen}` : undefined}
        aria-invalid={problem !== null}
        aria-describedby={problem ? "filter-problem" : undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder="Filter: lr > 0.01 and summary.acc > 0.9   ( / )"
        value={text}
        onInput={offer}
        onKeyDown={press}
        onFocus={() => setUsed(true)}
        onSearch={(event) => event.currentTarget.value === "" && change({ filter: "" }, true)}
        onBlur={submit}
      />
      {isOpen && (
        <ul id="filter-names" role="listbox" aria-label="Names" class="completions">
          {completion.names.map((name, place) => (
            <li
              key={name}
              id={`filter-name-${place}`}
              role="option"
              aria-selected={place === chosen}
              onMouseDown={(event) => {
                event.preventDefault();
                take(name);
              }}
            >
              {name}
            </li>
          ))}
        </ul>
      )}
      {problem && <FilterProblem filter={filter} problem={problem} />}
    </div>
  );
}

function FilterProblem({ filter, problem }: { filter: string; problem: Problem }): JSX.Element {
  const column = markedColumn(problem.message);
  return (
    <div id="filter-problem" class="failure filter-problem" role="alert">
      {column !== null && (
        <code>
          {filter.slice(0, column)}
          <mark>{filter.slice(column, column + 1) || " "}</mark>
          {filter.slice(column + 1)}
        </code>
      )}
      <span>
        {problem.message} {problem.hint}
      </span>
    </div>
  );
}
