"""The paper's table of chosen experiments, with what there is to say about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from . import _compare_groups
from ._compare_forms import FORMS, Page, objects
from ._compare_results import Chosen, cautions, field_list, listed, missing, result_of
from ._compare_table import PaperTable
from ._query_names import Field, words

__all__ = ["Layout", "answer", "page_of", "plain"]


class Layout(NamedTuple):
    """What a table shows where.

    Args:
        rows: names; a row for each of their values.
        cols: names; a column for each of their values.
        cells: results.
        seed: the name of what tells runs of one cell apart; empty for nothing.
        spread: what stands behind the mean, see `PaperTable`.
        digits: after the point; None for as many as the spread deserves.
        lower: whether small values are better; None for what the result's name tells.
        in_rows: look for the best in each row, not in each column.
    """

    rows: Sequence[str]
    cols: Sequence[str]
    cells: Sequence[str]
    seed: str = ""
    spread: str = "std"
    digits: int | None = None
    lower: bool | None = None
    in_rows: bool = False


def answer(store: Any, layout: Layout, expression: str | None) -> dict[str, Any]:
    """The table of a store's experiments as plain data, as LaTeX and as Markdown.

    Raises:
        SettingError: a name is of no value, or of several.
        QueryError: the expression is wrong.
    """
    everything = store.lazy_rows()
    wanted = set(store if expression is None else store.filter(expression)) if everything else set()
    chosen = Chosen.of(store, everything, wanted)
    if not chosen.rows:
        return plain(chosen, None, [], layout.spread) | {"latex": "", "markdown": ""}
    page, notes = page_of(chosen, layout, has_options=False)
    texts = {"latex": FORMS["latex"](page), "markdown": FORMS["md"](page)}
    return plain(chosen, page, notes, layout.spread) | texts


def plain(chosen: Chosen, page: Page | None, notes: list[str], spread: str) -> dict[str, Any]:
    """A table as plain data: what ``meticulous table --json`` prints."""
    return {
        "rows": [field.name for field in page.fields] if page else [],
        "cols": [field.name for field in page.column_fields] if page else [],
        "spread": spread,
        "n": page.table.usual_n if page else 0,
        "cells": objects(page) if page else [],
        "left_out": chosen.left_out,
        "notes": notes,
    }


def page_of(chosen: Chosen, layout: Layout, *, has_options: bool = True) -> tuple[Page, list[str]]:
    """The table, and what else there is to say.

    Args:
        chosen: the experiments.
        layout: what the table shows where.
        has_options: whether who reads this can give the command's options, which would help.

    Raises:
        SettingError: a name is of no value, or of several.
    """
    rows = field_list(layout.rows, chosen, "--rows")
    columns = field_list(layout.cols, chosen, "--cols") if layout.cols else []
    columns = [field for field in columns if field not in rows]
    seed: Field | None = None
    if layout.seed:
        seed = field_list([layout.seed], chosen, "--seed")[0]
    results: dict[str, tuple[list[_compare_groups.Group], bool | None]] = {}
    left_out = chosen.sentence if has_options else _left_out(chosen)
    notes = [left_out] if left_out else []
    for word in words(layout.cells):
        result = result_of(word, chosen, "--cell")
        groups = _compare_groups.collect(chosen.rows, [*rows, *columns], result.of, seed)
        lower = result.lower if layout.lower is None else layout.lower
        results[result.name] = groups, lower
        notes += missing(groups, result.name)
        said = cautions(chosen, groups, [*rows, *columns], seed)
        notes += [caution for caution in said if caution not in notes]
    table = PaperTable(results, len(rows), layout.spread, layout.digits, in_rows=layout.in_rows)
    marked = any(cell and cell.best for line in table.cells for cell in line)
    best = f"best per {'row' if layout.in_rows else 'column'}" if marked else ""
    unknown = [name for name, (_, lower) in results.items() if lower is None]
    if unknown:
        names = listed(unknown)
        told = (
            "the name does not tell; say --lower or --higher"
            if has_options
            else "the name does not tell whether small or large is better"
        )
        notes.append(f"no best of {names}: {told}")
    return Page(table, rows, columns, _note(table, layout.spread), best), notes


def _left_out(chosen: Chosen) -> str:
    ids = [expid for some in chosen.left_out.values() for expid in some]
    return f"left out, since they did not end well: {listed(ids)}" if ids else ""


def _note(table: PaperTable, spread: str) -> str:
    shown = {
        "std": "mean ± standard deviation",
        "sem": "mean ± standard error",
        "ci": "mean ± half of the 95 % interval",
        "none": "mean",
    }[spread]
    cells = [cell for line in table.cells for cell in line if cell]
    if not any(cell.spread_text for cell in cells):
        shown = "mean"
    counts = {cell.description.n for cell in cells}
    unless = " unless a cell says otherwise" if len(counts) > 1 else ""
    return f"{shown}, n = {table.usual_n}{unless}"
