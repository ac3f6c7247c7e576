"""The paper's table as text: Markdown, LaTeX, HTML, CSV, JSON.

What a record holds is untrusted: no value or name becomes markup, or ends a comment.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import _compare_statistics, _compare_table, _query_documents
from ._compare_groups import told_apart
from ._compare_table import Cell
from ._query_documents import Selection
from ._query_names import Field
from ._table import MISSING, clean

__all__ = ["FORMS", "NOTHING", "Page", "objects", "plain"]

NOTHING = "-"


class Page:
    """A table with the names that belong to it.

    Args:
        table: the cells.
        rows: what the values of a row are.
        columns: what the values of a column are.
        note: what the numbers are, in one sentence.
        best: what the mark means, such as ``best per column``; empty when nothing is marked.
    """

    def __init__(
        self,
        table: _compare_table.PaperTable,
        rows: list[Field],
        columns: list[Field],
        note: str,
        best: str,
    ) -> None:
        self.table = table
        self.fields = rows
        self.column_fields = columns
        self.note = note
        self.best = best
        self.several = len({name for _, name in table.columns}) > 1
        self._rows = _labels(table.rows)
        self._columns = _labels([key for key, _ in table.columns])

    @property
    def corner(self) -> list[str]:
        """The headers of the columns that name the rows."""
        return [clean(field.key) for field in self.fields]

    def above(self, place: int) -> tuple[str, str]:
        """A column's header: its values, and the result where that is not clear; as clean text."""
        key, name = self.table.columns[place]
        short = clean(name.removeprefix("summary."))
        values = ", ".join(self._columns[place])
        return values, short if self.several or not key else ""

    def header(self, place: int) -> str:
        """The same in one line."""
        return " ".join(filter(None, self.above(place)))

    def lines(self) -> Iterator[tuple[list[str], list[Cell | None]]]:
        """Each row's names, as clean text, and its cells."""
        yield from zip(self._rows, self.table.cells, strict=True)

    def other_n(self, cell: Cell) -> int | None:
        """The cell's number of results, if it is not what most have."""
        n = cell.description.n
        return None if n == self.table.usual_n else n

    def comments(self) -> Iterator[str]:
        """For each cell which experiments and commits it is made of, in a line of clean text."""
        for labels, cells in self.lines():
            for place, cell in enumerate(cells):
                if cell:
                    where = f"{', '.join(labels)} / {self.header(place)}"
                    ids = ",".join(clean(run.expid) for run in cell.group.runs)
                    yield f"{where}: ids {ids} commit {', '.join(_commits(cell))}"


def _labels(keys: Sequence[Sequence[Any]]) -> list[list[str]]:
    """The values of rows, or columns, as clean text by which they can be told apart."""
    parts = [told_apart(values) for values in zip(*keys, strict=True)]
    return [[part[place] or NOTHING for part in parts] for place in range(len(keys))]


def _commits(cell: Cell) -> list[str]:
    shas = dict.fromkeys(run.sha for run in cell.group.runs)
    return [clean(sha)[:7] if sha else "unknown" for sha in shas]


def plain(cell: Cell, n: int | None, width: int = 0) -> str:
    text = cell.mean_text.rjust(width)
    if cell.spread_text:
        text += f" ± {cell.spread_text}"
    if cell.exponent:
        text = f"({text})" if cell.spread_text else text
        text += f"e{cell.exponent:+03d}"
    return text if n is None else f"{text} (n = {n})"


# ---------------------------------------------------------------------------- forms


def markdown(page: Page) -> str:
    """A Markdown table; the best are bold, comments and the note stand below."""

    def escaped(text: str) -> str:
        return _query_documents.escaped(text, _query_documents.MARKDOWN)

    def shown(cell: Cell | None) -> str:
        if cell is None:
            return "—"
        text = escaped(plain(cell, page.other_n(cell)))
        return f"**{text}**" if cell.best else text

    columns = range(len(page.table.columns))
    header = [escaped(text) for text in [*page.corner, *map(page.header, columns)]]
    rules = ["---"] * len(page.corner) + ["---:"] * len(columns)
    lines = [header, rules]
    for labels, cells in page.lines():
        lines.append([*map(escaped, labels), *map(shown, cells)])
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    comments = "".join(f"<!-- {_commented(comment)} -->\n" for comment in page.comments())
    return f"{text}\n{escaped(_caption(page))}\n\n{comments}"


def _caption(page: Page) -> str:
    return f"{page.note}; {page.best} in bold" if page.best else page.note


def _commented(text: str) -> str:
    """Text that cannot end a comment of HTML: no ``>``, no two hyphens together."""
    return re.sub("-(?=-)", "- ", html.escape(text)).strip("-")


def latex(page: Page) -> str:
    """A ``tabular`` for the package booktabs; comments say what each cell is made of."""

    def escaped(text: str) -> str:
        return _query_documents.escaped(text, _query_documents.LATEX)

    def shown(cell: Cell | None) -> str:
        return "---" if cell is None else _latex_cell(cell, page.other_n(cell))

    columns = range(len(page.table.columns))
    form = "l" * len(page.corner) + "r" * len(columns)
    lines = [
        f"% {_caption(page)}; \\usepackage{{booktabs}}",
        f"\\begin{{tabular}}{{{form}}}",
        "\\toprule",
    ]
    if page.several and page.column_fields:
        lines += _latex_groups(page, escaped)
        names = [page.above(place)[1] for place in columns]
    else:
        names = [page.header(place) for place in columns]
    lines += [" & ".join(map(escaped, [*page.corner, *names])) + " \\\\", "\\midrule"]
    for labels, cells in page.lines():
        lines.append(" & ".join([*map(escaped, labels), *map(shown, cells)]) + " \\\\")
    lines += ["\\bottomrule", "\\end{tabular}", *(f"% {text}" for text in page.comments())]
    return "\n".join(lines) + "\n"


def _latex_groups(page: Page, escaped: Callable[[str], str]) -> list[str]:
    """The line of headers that each stand above the results of one column's values."""
    first = len(page.corner)
    each = len({name for _, name in page.table.columns})
    places = range(0, len(page.table.columns), each)
    heads = [f"\\multicolumn{{{each}}}{{c}}{{{escaped(page.above(p)[0])}}}" for p in places]
    rules = [f"\\cmidrule(lr){{{first + p + 1}-{first + p + each}}}" for p in places]
    return [" & ".join([*[""] * first, *heads]).lstrip() + " \\\\", " ".join(rules)]


def _latex_cell(cell: Cell, n: int | None) -> str:
    text = re.sub("^-", "$-$", cell.mean_text)
    if cell.spread_text:
        text += f" $\\pm$ {cell.spread_text}"
    if cell.exponent:
        text = f"({text})" if cell.spread_text else text
        text += f" $\\times 10^{{{cell.exponent}}}$"
    text = f"\\textbf{{{text}}}" if cell.best else text
    return text if n is None else f"{text} ($n = {n}$)"


def hypertext(page: Page) -> str:
    """A ``table`` of HTML; a comment in each cell says what it is made of."""
    comments = page.comments()

    def shown(cell: Cell | None) -> str:
        if cell is None:
            return "<td>—</td>"
        text = html.escape(plain(cell, page.other_n(cell)))
        text = f"<strong>{text}</strong>" if cell.best else text
        return f"<td>{text}<!-- {_commented(next(comments))} --></td>"

    names = [*page.corner, *map(page.header, range(len(page.table.columns)))]
    header = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    lines = ["<table>", f"<caption>{html.escape(_caption(page))}</caption>"]
    lines += [f"<thead><tr>{header}</tr></thead>", "<tbody>"]
    for labels, cells in page.lines():
        heads = "".join(f'<th scope="row">{html.escape(label)}</th>' for label in labels)
        lines.append(f"<tr>{heads}{''.join(map(shown, cells))}</tr>")
    return "\n".join([*lines, "</tbody>", "</table>"]) + "\n"


def objects(page: Page) -> list[dict[str, Any]]:
    """Each cell as an object, with its numbers in full."""
    found = []
    for key, cells in zip(page.table.rows, page.table.cells, strict=True):
        for (column, name), cell in zip(page.table.columns, cells, strict=True):
            if cell is None:
                continue
            fields = [*page.fields, *page.column_fields]
            values = zip(fields, [*key, *column], strict=True)
            found.append(
                {
                    **{field.name: value for field, value in values if value is not MISSING},
                    "cell": name,
                    **cell.description._asdict(),
                    "spread": cell.spread,
                    "text": plain(cell, None),
                    "best": cell.best,
                    "ids": [run.expid for run in cell.group.runs],
                    "shas": list(dict.fromkeys(run.sha for run in cell.group.runs)),
                }
            )
    return found


def separated(page: Page) -> str:
    """A line of CSV for each cell, with its numbers in full."""
    cells = [
        {**cell, "ids": " ".join(cell["ids"]), "shas": " ".join(map(str, cell["shas"]))}
        for cell in objects(page)
    ]
    names = [field.name for field in [*page.fields, *page.column_fields]]
    names += ["cell", *_compare_statistics.Description._fields, "spread", "text", "best"]
    fields = [Field("header", name) for name in [*names, "ids", "shas"]]
    rows = [
        {name: MISSING if value is None else value for name, value in cell.items()}
        for cell in cells
    ]
    return _query_documents.text_of("csv", Selection(fields, rows))


FORMS: dict[str, Callable[[Page], str]] = {
    "md": markdown,
    "latex": latex,
    "html": hypertext,
    "csv": separated,
}
