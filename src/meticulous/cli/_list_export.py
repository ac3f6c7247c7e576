"""Tables for other programs: CSV, TSV, JSON, Markdown, LaTeX, and frames of pandas.

What a record holds is untrusted: a text that a spreadsheet would take for a formula gets a ``'``
in front, Markdown and LaTeX get no markup, and none of them control characters.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from .. import _files, _json
from .._query_names import EXPID, Field
from .._table import MISSING, clean
from ..errors import MeticulousError, SettingError, StorageError
from ..experiments import Experiments

__all__ = [
    "LATEX",
    "MARKDOWN",
    "Selection",
    "as_written",
    "check",
    "escaped",
    "export",
    "harmless",
    "parquet",
    "short",
    "text_of",
]

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".md": "md",
    ".tex": "latex",
    ".pd": "pandas",
    ".pkl": "pandas",
    ".parquet": "parquet",
}
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
    '"': r"\textquotedbl{}",
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


def check(path: str | None) -> None:
    """See to it that a file's name says how it is to be written.

    Raises:
        SettingError: it does not.
    """
    if path is not None and _suffix(path) not in _SUFFIXES:
        raise SettingError(
            f"Argument --export: what to write into {path!r} is not known.",
            f"Its name has to end with {', '.join(_SUFFIXES)}.",
            name="--export",
            value=path,
        )


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def export(path: str, table: Selection, store: Experiments, depth: int, flat: bool) -> None:
    """Write a table to a file, which is replaced at once.

    Raises:
        StorageError: it cannot be written.
        MeticulousError: pandas or what it needs is not installed, or cannot hold the values.
    """
    form = _SUFFIXES[_suffix(path)]
    if form == "pandas":
        data = _frame(table, store, depth, flat)
    elif form == "parquet":
        data = parquet(table)
    elif form == "json":
        data = _json.encode(_by_column(table)) + b"\n"
    else:
        data = text_of(form, table).encode("utf-8", "backslashreplace")
    try:
        _files.replace(os.path.abspath(path), data)
    except OSError as error:
        raise StorageError.from_oserror("write", path, error) from error


def _by_column(table: Selection) -> dict[str, dict[str, Any]]:
    """Column to id to value, as pandas writes it; groups are numbered from 0."""
    ids = [str(row.get("expid", number)) for number, row in enumerate(table.rows)]
    return {
        name: {
            expid: value
            for expid, value in zip(ids, field.of(table.rows), strict=True)
            if value is not MISSING
        }
        for name, field in zip(table.header, table.fields, strict=True)
        if field != EXPID
    }


def text_of(form: str, table: Selection) -> str:
    """Write a table as ``csv``, ``tsv``, ``md`` or ``latex``."""
    if form in ("csv", "tsv"):
        return _separated(table, "," if form == "csv" else "\t")
    return _markdown(table) if form == "md" else _latex(table)


def parquet(table: Selection) -> bytes:
    """Write a table as Parquet; columns of values of different kinds are text.

    Raises:
        MeticulousError: what it needs is not installed.
    """
    from .. import _experiments_frames

    return _experiments_frames.parquet(_experiments_frames.columns(table.rows, table.fields))


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
    body = [[escaped(short(value), LATEX) for value in row] for row in table.cells()]
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


def _numeric(table: Selection) -> list[bool]:
    """Which columns hold numbers only."""
    columns = [field.of(table.rows) for field in table.fields]
    return [
        any(type(value) in (int, float) for value in values)
        and all(type(value) in (int, float, type) or value in _NOT_FINITE for value in values)
        for values in columns
    ]


# ---------------------------------------------------------------------------- pandas


def _frame(table: Selection, store: Experiments, depth: int, flat: bool) -> bytes:
    import io

    if table.rows and "expid" not in table.rows[0]:
        raise MeticulousError(
            "Groups cannot be written as a frame of pandas.", "Export them as .csv or .json."
        )
    frame = store.as_dataframe(depth).loc[[row["expid"] for row in table.rows]]
    columns = {".".join(filter(None, column)): column for column in frame.columns}
    wanted = [field.name for field in table.fields if field != EXPID]
    absent = [name for name in wanted if name not in columns]
    if absent:
        raise SettingError(
            f"Argument --export: {absent[0]!r} is no column of the data frame.",
            "Choose others with --columns, or export as .csv.",
        )
    frame = frame[[columns[name] for name in wanted]]
    if flat:
        frame.columns = wanted
        frame.index.name = "expid"
    buffer = io.BytesIO()
    frame.to_pickle(buffer)
    return buffer.getvalue()
