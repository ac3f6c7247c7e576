"""Tables for other programs in files: as text, as JSON, as frames of pandas, as Parquet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from .. import _files, _json
from .._query_documents import Selection, harmless, text_of
from .._query_names import EXPID
from .._table import MISSING
from ..errors import MeticulousError, SettingError, StorageError
from ..experiments import Experiments

__all__ = ["Selection", "check", "export", "harmless", "parquet", "text_of"]

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


def parquet(table: Selection) -> bytes:
    """Write a table as Parquet; columns of values of different kinds are text.

    Raises:
        MeticulousError: what it needs is not installed.
    """
    from .. import _experiments_frames

    return _experiments_frames.parquet(_experiments_frames.columns(table.rows, table.fields))


# ---------------------------------------------------------------------------- pandas


def _frame(table: Selection, store: Experiments, depth: int, flat: bool) -> bytes:
    import io

    if table.rows and "expid" not in table.rows[0]:
        raise MeticulousError(
            "Groups cannot be written as a frame of pandas.", "Export them as .csv or .json."
        )
    frame = store.as_dataframe(depth).loc[[row["expid"] for row in table.rows]]
    names = [field.name for field in table.fields if field != EXPID]
    wanted = [name.encode("utf-8", "backslashreplace").decode() for name in names]
    columns = {_name(column, wanted): column for column in frame.columns}
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


def _name(column: tuple[str, ...], wanted: Sequence[str]) -> str:
    """The name of a column without what only fills it up; a key may be empty itself."""
    while len(column) > 2 and not column[-1]:
        column = column[:-1]
    name = ".".join(column)
    return f"{name}." if name not in wanted and f"{name}." in wanted else name
