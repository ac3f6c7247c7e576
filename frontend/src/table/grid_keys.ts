import type { Key } from "../core/keys";
import { address, change, select, show, tell } from "../core/state";
import type { Annotation } from "./edit_actions";
import type { RowActions } from "./grid_row";
import type { Row } from "./rows_answer";
import type { Windows } from "./windows";

interface Grid {
  current: number;
  page: number;
  count: number;
  focus(index: number): void;
  actions: RowActions;
  windows: Windows<Row>;
}

export function gridKeys({ current, page, count, focus, actions, windows }: Grid): Key[] {
  const go = (step: number) => () => focus(current + step);
  const row = windows.row(current);
  const extend = (step: number) => () => {
    if (row && !row.ids.every((id) => address.value.selected.includes(id))) actions.toggle(current, false);
    focus(current + step);
  };
  const edit = (kind: Annotation) => () => {
    if (row) actions.edit(current, kind);
    else tell("This row is still being read.");
  };
  return [
    { keys: "j", label: "next row", run: go(1) },
    { keys: "k", label: "row before", run: go(-1) },
    { keys: "ArrowDown", label: "next row", run: go(1) },
    { keys: "ArrowUp", label: "row before", run: go(-1) },
    { keys: "PageDown", label: "a page down", run: go(page) },
    { keys: "PageUp", label: "a page up", run: go(-page) },
    { keys: "Home", label: "first row", run: () => focus(0) },
    { keys: "End", label: "last row", run: () => focus(count - 1) },
    { keys: "Enter", label: "open the experiment", run: () => row && actions.open(row) },
    { keys: "x", label: "select, or not", run: () => actions.toggle(current, false) },
    { keys: " ", label: "select, or not", run: () => actions.toggle(current, false) },
    { keys: "X", label: "select all up to here", run: () => actions.toggle(current, true) },
    { keys: "J", label: "select and go on", run: extend(1) },
    { keys: "u", label: "select nothing", run: () => select([]) },
    { keys: "t", label: "edit the tags", run: edit("tags") },
    { keys: "n", label: "write a note", run: edit("note") },
    { keys: "e", label: "edit the name", run: edit("name") },
    { keys: "F2", label: "edit the name", run: edit("name") },
    { keys: "c", label: "curves of the selected", run: () => show("curves") },
    { keys: "d", label: "compare the selected", run: () => show("compare") },
    { keys: "r", label: "turn the order round", run: turnOrder },
  ];
}

function turnOrder(): void {
  const { sort } = address.value;
  const turned = sort.map((key) => (key.startsWith("-") ? key.slice(1) : `-${key}`));
  change({ sort: turned }, true);
}
