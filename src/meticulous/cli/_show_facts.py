"""What ``show`` tells first: facts, args, summary, metrics, notes."""

from __future__ import annotations

import time
from typing import Any

from .. import _status
from .._query_names import Field, Names
from .._table import MISSING, Column, duration_text
from ..experiments import ExperimentReader
from . import _output
from ._show_end import quoted
from ._show_page import Page, listed, moment, named, seconds_of, text

__all__ = ["args", "facts", "metrics", "notes", "summary"]

_COLOURS = {_status.SUCCESS: "32", _status.RUNNING: "36", _status.INTERRUPTED: "33"}
_FEW = 20
_WIDEST_CURVE = 40


def facts(reader: ExperimentReader, page: Page) -> None:
    """The experiment in a few lines."""
    metadata, annotations = reader._recorded, reader.annotations
    name = text(annotations.get("name"))
    page.title(f"experiment {reader.expid}" + (f"  {name}" if name else ""))
    page.fact("status", _status_text(reader), _COLOURS.get(reader.status, "31"))
    page.fact("started", _started(reader))
    page.fact("description", reader._value("description"))
    page.fact("tags", ", ".join(map(text, listed(annotations.get("tags")))))
    command = metadata.get("command")
    page.fact("command", " ".join(map(quoted, command)) if isinstance(command, list) else command)
    last = reader.sessions[-1] if reader.sessions else {}
    page.fact("host", last.get("host"))
    page.fact("user", reader.environment.get("user"))
    parent = named(metadata.get("parent"))
    if parent:
        page.fact("started by", f"experiment {text(parent.get('id'))}")
    page.fact("folder", reader.curexpdir)
    problems = reader.problems
    for number, problem in enumerate(problems):
        page.fact("" if number else "problems", problem, "33")


def _status_text(reader: ExperimentReader) -> str:
    words = reader.status
    last = reader.sessions[-1] if reader.sessions else {}
    ended = seconds_of(last.get("end") or reader._recorded.get("end-time"))
    if ended is not None and reader.status not in (_status.RUNNING, _status.SILENT):
        words += f" {_ago(ended)}"
    return f"{words}: {reader.status_message}" if reader.status_message else words


def _started(reader: ExperimentReader) -> str:
    words = moment(reader.start_time)
    seconds = seconds_of(reader.start_time)
    if seconds is not None:
        words += f", {_ago(seconds)}"
    if reader.duration is not None:
        running = reader.status == _status.RUNNING
        words += f", {'for' if running else 'took'} {duration_text(reader.duration)}"
    return words


def _ago(seconds: float) -> str:
    age = duration_text(time.time() - seconds)
    return f"{age} ago" if age else "in the future"


def args(reader: ExperimentReader, page: Page) -> None:
    """The args that differ from the defaults; all when there are none, or all are wanted."""
    row = {"args": reader.args, "default_args": reader.default_args}
    fields = Names([row]).fields("args")
    values = [field.getter(row) for field in fields]
    defaults = [Field("default_args", field.key).getter(row) for field in fields]
    which = range(len(fields))
    title = f"args ({len(fields)})"
    if reader.default_args and not page.everything:
        which_differ = [n for n in which if _same(values[n]) != _same(defaults[n])]
        title = f"args that differ from the defaults ({len(which_differ)} of {len(fields)})"
        if fields and not which_differ:
            page.title("args")
            page.line(f"all {len(fields)} are the defaults: meticulous show {reader.expid} --all")
            return
        fields = [fields[n] for n in which_differ]
        values = [values[n] for n in which_differ]
        defaults = [defaults[n] for n in which_differ]
    page.title(title)
    page.table(
        [
            _names([field.key for field in fields]),
            _values("value", values, 2),
            _values("default", defaults, 3),
        ],
        5 * _FEW,
    )


def _names(names: list[str]) -> Column:
    return Column("name", names, keep=1, limit=60, least=16)


def _values(title: str, values: list[Any], keep: int) -> Column:
    """Values in full: a table would round long numbers."""
    shown = [repr(value) if isinstance(value, float) else value for value in values]
    return Column(title, shown, keep=keep, limit=60)


def _same(value: Any) -> tuple[str, str]:
    """What makes two values the same: 1, 1.0, True and "1" are four, NaN is one."""
    return type(value).__name__, text(value)


def summary(reader: ExperimentReader, page: Page) -> None:
    """The values that the experiment is judged by."""
    row = {"summary": reader.summary}
    fields = Names([row]).fields("summary")
    page.title("summary")
    values = _values("value", [field.getter(row) for field in fields], 2)
    page.table([_names([field.key for field in fields]), values], 5 * _FEW)


def metrics(reader: ExperimentReader, page: Page) -> None:
    """Each metric's last, smallest, largest and best value, and its curve in one line."""
    found = reader.metrics
    page.title("metrics")
    if not found:
        return
    wanted = list(found) if page.everything else list(found)[:_FEW]
    facts = [found[name] for name in wanted]

    def column(key: str, title: str, keep: int) -> Column:
        return Column(title, [fact.get(key, MISSING) for fact in facts], keep=keep)

    columns = [
        _names(wanted),
        column("last", "last", 2),
        column("best", "best", 3),
        column("best_step", "at step", 6),
        column("min", "min", 4),
        column("max", "max", 5),
        column("count", "count", 7),
    ]
    room = page.room or 120
    curve = max(8, min(_WIDEST_CURVE, room // 3))
    curves = [_curve(reader, name, curve) or MISSING for name in wanted]
    columns.insert(2, Column("curve", curves, keep=4, limit=curve, least=min(curve, 16)))
    page.table(columns)
    if len(wanted) < len(found):
        page.more(len(found) - len(wanted))


def _curve(reader: ExperimentReader, name: str, width: int) -> str:
    from .._braille import sparkline

    means = (bucket.mean for bucket in reader.envelope(name, width))
    values = [float("nan") if mean is None else mean for mean in means]
    return sparkline(values, width, ascii=_output.is_ascii_only())


def notes(reader: ExperimentReader, page: Page) -> None:
    """What people noted."""
    page.title("notes")
    for note in listed(reader.annotations.get("notes")):
        facts = named(note)
        when = moment(facts.get("time"))[:10]
        page.fact(when, facts.get("text") if facts else note)
