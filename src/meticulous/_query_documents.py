"""Tables for other programs as text: CSV, TSV, Markdown, LaTeX.

What a record holds is untrusted: a text that a spreadsheet would take for a formula gets a ``'``
in front, Markdown and LaTeX get no markup, and none of them control characters.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import _json
from ._query_names import Field
from ._table import MISSING, clean

__all__ = [
    "LATEX",
    "MARKDOWN",
    "Selection",
    "as_written",
    "escaped",
    "harmless",
    "short",
    "text_of",
]

_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\char34{}",  # \textquotedbl is not in every font encoding
    "[": "{[}",  # after a line's end it would begin an argument, and * change its meaning
    "*": "{*}",
}
MARKDOWN = {**{c: f"\\{c}" for c in "\\|`*[]~$"}, "<": "&lt;", ">": "&gt;", "&": "&amp;"}


class Selection(NamedTuple):
    """A table: its columns, and the rows in their order."""

    fields: list[Field]
    rows: list[dict[str, Any]]

    @property
    def header(self) -> list[str]:
        """Names of the columns; those of the header have no group in front."""
        return [field.key if field.group == "header" else field.name for field in self.fields]

    def cells(self) -> list[list[Any]]:
        """The values, row by row."""
        getters = [field.getter for field in self.fields]
        return [[getter(row) for getter in getters] for row in self.rows]

    def objects(self) -> list[dict[str, Any]]:
        """Each row as an object, without what it lacks."""
        return [
            {
                name: value
                for name, value in zip(self.header, row, strict=True)
                if value is not MISSING
            }
            for row in self.cells()
        ]


def text_of(form: str, table: Selection) -> str:
    """Write a table as ``csv``, ``tsv``, ``md`` or ``latex``."""
    if form in ("csv", "tsv"):
        return _separated(table, "," if form == "csv" else "\t")
    return _markdown(table) if form == "md" else _latex(table)


# ---------------------------------------------------------------------------- spreadsheets


def _separated(table: Selection, delimiter: str) -> str:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    lines = delimiter == ","
    writer.writerow([harmless(name, lines) for name in table.header])
    for row in table.cells():
        writer.writerow([harmless(value, lines) for value in row])
    return out.getvalue()


def harmless(value: Any, lines: bool = False) -> str:
    """Give a cell that no spreadsheet takes for a formula; numbers stay numbers.

    Args:
        value: of a record.
        lines: whether it may be of several lines.
    """
    text = as_written(value)
    text = "\n".join(map(clean, text.split("\n"))) if lines else clean(text)
    is_number = not isinstance(value, str) or value in _NOT_FINITE
    return text if is_number or not text.lstrip().startswith(_FORMULA) else f"'{text}"


def as_written(value: Any) -> str:
    """A value as it is written: numbers in full, nested ones as JSON."""
    if value is MISSING:
        return ""
    if isinstance(value, str):
        return value
    plain = _json.plain(value)
    if isinstance(plain, (list, dict)):
        return _json.encode_line(plain).decode().rstrip("\n")
    return str(plain)


# ---------------------------------------------------------------------------- documents


def short(value: Any) -> str:
    """Text for a document: floats to ten digits, on one line."""
    text = as_written(value)
    if type(value) is float and len(text) > 12 and text not in _NOT_FINITE:
        text = f"{value:.10g}"
    return clean(text)


def escaped(text: str, escapes: dict[str, str]) -> str:
    return "".join([escapes.get(character, character) for character in text])


def _markdown(table: Selection) -> str:
    header = [escaped(clean(name), MARKDOWN) for name in table.header]
    rules = ["---:" if right else "---" for right in _numeric(table)]
    body = [[escaped(short(value), MARKDOWN) for value in row] for row in table.cells()]
    return "".join(f"| {' | '.join(line)} |\n" for line in [header, rules, *body])


def _latex(table: Selection) -> str:
    header = [escaped(clean(name), LATEX) for name in table.header]
    body = [[_latex_cell(value) for value in row] for row in table.cells()]
    lines = [
        f"\\begin{{tabular}}{{{''.join('r' if right else 'l' for right in _numeric(table))}}}",
        "\\toprule",
        f"{' & '.join(header)} \\\\",
        "\\midrule",
        *(f"{' & '.join(row)} \\\\" for row in body),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _latex_cell(value: Any) -> str:
    text = escaped(short(value), LATEX)
    return text.replace("-", "$-$", 1) if type(value) in (int, float) and value < 0 else text


def _numeric(table: Selection) -> list[bool]:
    """Which columns hold numbers only."""
    columns = [field.of(table.rows) for field in table.fields]
    return [
        any(type(value) in (int, float) for value in values)
        and all(type(value) in (int, float, type) or value in _NOT_FINITE for value in values)
        for values in columns
    ]
