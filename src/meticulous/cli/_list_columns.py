"""The columns of the listing, as they are shown on a terminal."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from .. import _better, _folder, _status
from .._query_names import EXPID, Field, Names, words
from .._table import MISSING, Column, clean, cut, duration_text
from ..errors import SettingError
from . import _output

__all__ = ["args_of", "chosen_columns", "differing", "listing", "logged", "metric"]

_DAY = 86400.0
_LONGEST = 36500 * _DAY
_WIDEST_STATUS = 30
_AGE = re.compile(r" [0-9]+[smhd]\Z")
_GREEN, _RED, _YELLOW, _CYAN = "32", "31", "33", "36"
_BOLD = "1"
_NO_MEASURE = (".count", ".nonfinite", "_step", "_std")
_COLOURS = {
    _status.SUCCESS: _GREEN,
    _status.ERROR: _RED,
    _status.TERMINATED: _RED,
    _status.LOST: _RED,
    _status.INTERRUPTED: _YELLOW,
    _status.SILENT: _YELLOW,
    _status.UNKNOWN: _YELLOW,
    _status.RUNNING: _CYAN,
}

Row = dict[str, Any]


def listing(
    rows: list[Row], args: list[Field], measured: list[Field], flat: bool = False
) -> list[Column]:
    """The columns unless others are asked for; the first two never give way for want of width."""
    columns = [
        Column("id", [row["expid"] for row in rows], keep=0),
        *_written(rows, "name", 3, 24),
        Column("status", [_status_of(row) for row in rows], keep=0, style=_colour),
        Column("started", [_started(row["start_time"]) for row in rows], keep=3),
        Column("time", [_took(row["duration"]) for row in rows], keep=4),
        Column("commit", [row["sha"][:7] if row["sha"] else MISSING for row in rows], keep=7),
    ]
    columns += _ranked(rows, args, flat) + _ranked(rows, measured, flat)
    columns += _written(rows, "tags", 6, 30)
    for title, texts, keep, limit, least in (
        ("description", [row["description"] for row in rows], 6, 40, 10),
        ("message", [_message(row) for row in rows], 2, 200, 20),
    ):
        if any(texts):
            values = [text or MISSING for text in texts]
            columns.append(Column(title, values, "", keep, limit, least))
    return columns


def _written(rows: list[Row], key: str, keep: int, limit: int) -> list[Column]:
    """A column of what people wrote, where they did."""
    values = [_as_said(key, row["annotations"].get(key, MISSING)) for row in rows]
    some = any(value is not MISSING and value for value in values)
    return [Column(key, values, "", keep, limit, least=8)] if some else []


def _as_said(key: str, value: Any) -> Any:
    """Tags with commas between, and of notes their texts; anything else as it is."""
    if key == "tags" and isinstance(value, list):
        return ", ".join(map(str, value)) or MISSING
    if key == "notes" and isinstance(value, list):
        texts = [note.get("text") for note in value if isinstance(note, dict)]
        return "; ".join(text for text in texts if isinstance(text, str)) or MISSING
    return value


def chosen_columns(rows: list[Row], fields: list[Field], flat: bool = False) -> list[Column]:
    """Columns of fields; the ids never give way."""
    columns = []
    for rank, column in enumerate(_ranked(rows, fields, flat)):
        if fields[rank] == EXPID:
            column = column._replace(name="id", values=[row["expid"] for row in rows], keep=0)
        elif fields[rank] == ("header", "status"):
            column = column._replace(style=_colour)
        columns.append(column)
    return columns


def _ranked(rows: list[Row], fields: list[Field], flat: bool) -> list[Column]:
    """Columns of which the first are the last to give way."""
    columns = []
    for rank, field in enumerate(fields):
        group = "" if field.group == "header" else field.group
        name = field.name if flat and group else field.key
        if group == "metrics":
            name = name.removesuffix(".last")
        values = field.of(rows)
        if group == "annotations":
            values = [_as_said(field.key, value) for value in values]
        column = Column(name, values, "" if flat else group, keep=5 + rank)
        columns.append(_marked(column, field))
    return columns


def _marked(column: Column, field: Field) -> Column:
    """Mark the best value for people; the lines of a pipe hold nothing but values."""
    lower = _better.lower_is_better(field.key) if field.group in ("summary", "metrics") else None
    if lower is None or field.key.endswith(_NO_MEASURE) or _output.width() is None:
        return column
    numbers = [value for value in column.values if _is_finite(value)]
    if len(numbers) < 2 or min(numbers) == max(numbers):
        return column
    best = min(numbers) if lower else max(numbers)

    def is_best(value: Any) -> bool:
        return _is_finite(value) and bool(value == best)

    return column._replace(mark=is_best, style=lambda value: _BOLD if is_best(value) else "")


def _is_finite(value: Any) -> bool:
    return type(value) is int or (type(value) is float and abs(value) < float("inf"))


def _status_of(row: Row) -> str:
    """The status, with how long it has been running, or how long there was no sign of life."""
    status, seconds = str(row["status"]), None
    if status == _status.RUNNING:
        seconds = row["duration"]
    elif status in (_status.LOST, _status.SILENT):
        seconds = _folder.Folder(row["curexpdir"]).silent_for(time.time())
    age = f" {_age(seconds)}" if seconds is not None and 0 <= seconds < _LONGEST else ""
    lost = status == _status.SUCCESS and row["status_message"]
    status = cut(clean(status), _WIDEST_STATUS)  # the column never gives way
    return f"{status}{age} !" if lost or row["problems"] else f"{status}{age}"


def _colour(status: Any) -> str:
    return _COLOURS.get(_AGE.sub("", str(status).removesuffix(" !")), "")


def _message(row: Row) -> str:
    return "; ".join(dict.fromkeys(filter(None, [row["status_message"], *row["problems"]])))


def _started(moment: str) -> Any:
    """A start time as its age, after a day as the local date; as recorded when it is no time."""
    try:
        started = datetime.fromisoformat(moment).timestamp()
        age = time.time() - started
        if 0 <= age < _DAY:
            return f"{_age(age)} ago"
        return time.strftime("%Y-%m-%d", time.localtime(started))
    except (ValueError, OverflowError, OSError):
        return moment or MISSING


def _age(seconds: float) -> str:
    minutes = int(seconds) // 60
    if seconds >= 2 * _DAY:
        return f"{int(seconds / _DAY)}d"
    if minutes >= 60:
        return f"{minutes // 60}h"
    return f"{minutes}m" if minutes else f"{int(seconds)}s"


def _took(duration: float | None) -> Any:
    return MISSING if duration is None else duration_text(duration) or MISSING


def logged(word: str, names: Names) -> list[Field]:
    """The field of a logged value that is called so in full, if there is one."""
    return names.exact(f"metrics.{word.replace(':', '.')}")


def metric(word: str, names: Names) -> Field:
    """The field of a logged value, such as ``loss`` (the last) or ``loss:min``.

    Raises:
        SettingError: no experiment has logged such a metric, or it has no such value.
    """
    if found := logged(word, names):
        return found[0]
    import difflib

    name, _, how = word.partition(":")
    known = [key.removesuffix(".count") for key in names.keys("metrics") if key.endswith(".count")]
    problem, hint = f"There is no metric {cut(clean(name), 60)!r}.", "Nothing was logged."
    if name in known:
        problem, hint = (
            f"A metric has no {cut(clean(how), 60)!r}.",
            f"Write {_listable(f'{name}:min')} or :max.",
        )
    elif close := difflib.get_close_matches(name, known, 3):
        hint = f"Did you mean {' or '.join(repr(_listable(name)) for name in close)}?"
    elif known:
        hint = f"There are: {', '.join(map(_listable, known[:8]))}."
    raise SettingError(f"Argument --metrics: {problem}", hint, name="--metrics", value=word)


def _listable(name: str) -> str:
    """A name as it is written in a list of names."""
    return clean(name if words([name]) == [name] else f"`{name}`")


def args_of(rows: list[Row], names: Names, which: str) -> list[Field]:
    """The args to show, in the order in which they appear."""
    if which == "none":
        return []
    fields = names.fields("args")
    if which == "truncated":
        # A record whose args cannot be read must not make every arg differ.
        return differing([row for row in rows if row["args"] or not row["problems"]], fields)
    if which == "non-default":
        return [field for field in fields if _is_somewhere_not_default(rows, field)]
    return fields


def differing(rows: Sequence[Row], fields: Iterable[Field]) -> list[Field]:
    """The fields that are not the same in all rows: 1, 1.0, True and "1" are four, NaN is one."""
    return [field for field in fields if len(set(map(repr, field.of(rows)))) > 1]


def _is_somewhere_not_default(rows: list[Row], field: Field) -> bool:
    values = field.of(rows)
    defaults = Field("default_args", field.key).of(rows)
    return any(
        value is not MISSING and repr(value) != repr(default)
        for value, default in zip(values, defaults, strict=True)
    )
