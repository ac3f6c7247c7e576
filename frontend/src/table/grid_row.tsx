import { Component, type JSX } from "preact";
import { Cell } from "./cell";
import { annotationOf } from "./kinds";
import { ROW_HEIGHT, type Layout, type Part } from "./layout";
import type { Row } from "./rows_answer";

export interface RowActions {
  open(row: Row): void;
  toggle(index: number, isRange: boolean): void;
  focus(index: number): void;
  edit(index: number, name: string): void;
}

interface Props {
  index: number;
  row: Row | undefined;
  layout: Layout;
  part: Part;
  isSelected: boolean;
  isCurrent: boolean;
  actions: RowActions;
}

/** A row; drawn again only when something of it is another, since scrolling asks for that all the time. */
export class GridRow extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    return (Object.keys(next) as (keyof Props)[]).some((name) => next[name] !== this.props[name]);
  }

  override render(): JSX.Element {
    return drawRow(this.props);
  }
}

function drawRow({ index, row, layout, part, isSelected, isCurrent, actions }: Props): JSX.Element {
  const style = { top: `${index * ROW_HEIGHT}px` };
  const classes = `row${isSelected ? " selected" : ""}${isCurrent ? " current" : ""}${index % 2 ? " odd-row" : ""}`;
  if (!row) return <div class={classes} style={style} role="row" aria-rowindex={index + 2} aria-busy="true" />;
  const cell = (name: string, width: number, column: number): JSX.Element => {
    const isEditable = annotationOf(name) !== null;
    return (
      <div
        key={name}
        role="gridcell"
        aria-colindex={column + 2}
        class={isEditable ? "cell editable" : "cell"}
        style={{ width: `${width}px` }}
        onDblClick={isEditable ? () => actions.edit(index, name) : undefined}
      >
        <Cell name={name} row={row} />
      </div>
    );
  };
  return (
    <div
      id={`row-${index}`}
      class={classes}
      style={style}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      onMouseDown={() => actions.focus(index)}
    >
      <div class="cells-pinned">
        <IdCell index={index} row={row} isSelected={isSelected} actions={actions} />
        {layout.pinned.map(({ name, width }, column) => cell(name, width, column))}
      </div>
      <div class="cells-before" style={{ width: `${part.before}px` }} />
      {part.columns.map(({ name, width }, column) => cell(name, width, layout.pinned.length + column))}
    </div>
  );
}

type IdProps = Pick<Props, "index" | "isSelected" | "actions"> & { row: Row };

function IdCell({ index, row, isSelected, actions }: IdProps): JSX.Element {
  const isGroup = row.ids.length > 1;
  const choose = (event: MouseEvent): void => {
    // The box shows what is selected, which the address says, not what was clicked.
    event.preventDefault();
    actions.toggle(index, event.shiftKey);
  };
  return (
    <div role="gridcell" aria-colindex={1} class="cell cell-id">
      <input type="checkbox" tabIndex={-1} checked={isSelected} onClick={choose} aria-label={isGroup ? `Select ${row.ids.length} experiments` : `Select ${row.id}`} />
      <button type="button" class="link" tabIndex={-1} onClick={() => actions.open(row)} title={isGroup ? `Show these ${row.ids.length}` : row.id}>
        {isGroup ? `× ${row.ids.length}` : row.id}
      </button>
    </div>
  );
}
