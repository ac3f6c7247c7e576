"""Experiments as data frames of pandas, polars and pyarrow, and as Parquet. A store is an
`Experiments`, which this is a part of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import _json
from ._query_names import EXPID, Field, Names
from ._query_values import number
from ._table import MISSING
from .errors import MeticulousError

__all__ = ["arrow_table", "columns", "pandas_frame", "parquet", "polars_frame"]

_HEADER = ("sha", "start_time", "status", "status_message")
_GROUPS = ("header", "args", "default_args", "metadata", "summary")
_MEASURED = ("args", "default_args", "summary")
_FLAT_HEADER = ("sha", "start_time", "duration", "status", "status_message", "description")
_FLAT_GROUPS = ("args", "summary", "annotations")
_PLAIN = frozenset((str, int, float, bool, list, type(None)))
_INT64 = 1 << 63
_EXACT = 1 << 53

Columns = dict[str, tuple[str, list[Any]]]
"""Name to kind (``bool``, ``int``, ``float``, ``text``) and values, None for what is missing."""


def _absent(what: str, library: str, extra: str) -> MeticulousError:
    return MeticulousError(
        f"{what} needs {library}, which is not installed.",
        f"Install it with: pip install 'meticulous-ml[{extra}]'",
    )


# ---------------------------------------------------------------------------- pandas


def pandas_frame(store: Any, normalize_json_values: int) -> Any:
    """See `Experiments.as_dataframe`."""
    try:
        import pandas  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise _absent("A data frame", "pandas", "pandas") from None
    nan = float("nan")
    found: dict[tuple[str, ...], list[Any]] = {("header", name): [] for name in _HEADER}
    for count, reader in enumerate(store.each()):
        for path, value in _unrolled(reader.df_vars(), normalize_json_values).items():
            values = found.setdefault(path, [])
            values += [nan] * (count - len(values))
            values.append(value)
    found.pop(("header", "expid"), None)
    groups = dict.fromkeys([*_GROUPS, *(column[0] for column in found)])
    ordered = [column for group in groups for column in found if column[0] == group]
    levels = max(map(len, ordered))
    for values in found.values():
        values += [nan] * (len(store) - len(values))
    frame = pandas.DataFrame(
        {n: _for_pandas(found[column], column[0]) for n, column in enumerate(ordered)},
        index=pandas.Index(list(store), name=("header", "expid"), dtype=object),
    )
    frame.columns = pandas.MultiIndex.from_tuples(
        [tuple(map(_text, column)) + ("",) * (levels - len(column)) for column in ordered]
    )
    return frame


def _for_pandas(values: list[Any], group: str) -> list[Any]:
    """A column: numbers where all are, with what is not finite among them; text that is Unicode."""
    if str not in set(map(type, values)):
        return values
    if group in _MEASURED:
        kind, numbers = _of_one_kind(values, "text")
        if kind == "float":
            return numbers
    return [_text(value) if type(value) is str else value for value in values]


def _unrolled(groups: Mapping[str, Any], levels: int) -> dict[tuple[str, ...], Any]:
    """Give each value of a row the tuple of names that leads to it."""
    found: dict[tuple[str, ...], Any] = {}

    def visit(path: tuple[str, ...], value: Any) -> None:
        if (
            type(value) not in _PLAIN
            and isinstance(value, Mapping)
            and (len(path) < 2 or (value and len(path) < 2 + levels))
        ):
            for name, inner in value.items():
                visit((*path, str(name)), inner)
        else:
            found[path] = value

    visit((), groups)
    return found


# ---------------------------------------------------------------------------- flat columns


def polars_frame(store: Any) -> Any:
    """See `Experiments.to_polars`."""
    try:
        import polars
    except ImportError:
        raise _absent("A frame of polars", "polars", "polars") from None
    return _polars(polars, _of_store(store))


def arrow_table(store: Any) -> Any:
    """See `Experiments.to_arrow`."""
    try:
        import pyarrow  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise _absent("A table of Arrow", "pyarrow", "arrow") from None
    return _arrow(pyarrow, _of_store(store))


def _polars(polars: Any, flat: Columns) -> Any:
    kinds = {
        "bool": polars.Boolean,
        "int": polars.Int64,
        "float": polars.Float64,
        "text": polars.String,
    }
    return polars.DataFrame(
        [polars.Series(name, values, kinds[kind]) for name, (kind, values) in flat.items()]
    )


def _arrow(pyarrow: Any, flat: Columns) -> Any:
    kinds = {"bool": "bool", "int": "int64", "float": "float64", "text": "string"}
    return pyarrow.table(
        {
            name: pyarrow.array(values, pyarrow.type_for_alias(kinds[kind]))
            for name, (kind, values) in flat.items()
        }
    )


def parquet(flat: Columns) -> bytes:
    """Write columns as a Parquet file, with pyarrow or polars.

    Raises:
        MeticulousError: neither is installed.
    """
    import io

    buffer = io.BytesIO()
    try:
        import pyarrow.parquet  # type: ignore[import-not-found, import-untyped, unused-ignore]

        pyarrow.parquet.write_table(_arrow(pyarrow, flat), buffer)
    except ImportError:
        try:
            import polars
        except ImportError:
            raise _absent("A Parquet file", "pyarrow or polars", "arrow") from None
        _polars(polars, flat).write_parquet(buffer)
    return buffer.getvalue()


def _of_store(store: Any) -> Columns:
    rows = store.lazy_rows()
    names = Names(rows)
    header = [EXPID, *(Field("header", key) for key in _FLAT_HEADER)]
    found = columns(rows, [*header, *names.fields(*_FLAT_GROUPS)])
    store.remember()
    return found


def columns(rows: Iterable[Mapping[str, Any]], fields: Sequence[Field]) -> Columns:
    """Give fields of rows as columns of one kind each; names of the header have no group."""
    getters = [field.getter for field in fields]
    values: list[list[Any]] = [[] for _ in fields]
    for row in rows:
        for column, getter in zip(values, getters, strict=True):
            value = getter(row)  # type: ignore[arg-type]
            column.append(None if value is MISSING else value)
    return {
        _text(field.key if field.group == "header" else field.name): _of_one_kind(
            column, "float" if field == ("header", "duration") else "text"
        )
        for field, column in zip(fields, values, strict=True)
    }


def _of_one_kind(values: list[Any], empty: str) -> tuple[str, list[Any]]:
    present = [value for value in values if value is not None]
    kinds = set(map(type, present))
    if not kinds:
        return empty, values
    if kinds == {bool}:
        return "bool", values
    if kinds == {int} and all(-_INT64 <= value < _INT64 for value in present):
        return "int", values
    if kinds <= {int, float, str}:
        # The record has words for what is not finite.
        numbers = [None if value is None else number(value) for value in values]
        whole = [value for value in numbers if type(value) is int]
        known = sum(value is not None for value in numbers) == len(present)
        if known and all(-_EXACT <= value <= _EXACT for value in whole):
            return "float", [None if value is None else float(value) for value in numbers]
    return "text", [None if value is None else _text(value) for value in values]


def _text(value: Any) -> str:
    """Text as it is, anything else as JSON; what is no Unicode is escaped."""
    if not isinstance(value, str):
        value = _json.encode_line(_json.plain(value)).decode().rstrip("\n")
    return str(value) if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
