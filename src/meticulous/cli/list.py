"""``meticulous list``: one line for every experiment of a folder."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .. import _status
from .._table import MISSING, Column, clean, duration_text
from ..errors import SettingError
from ..experiments import ExperimentReader, Experiments
from . import _output

__all__ = ["run"]

_DEPTH = 5
_DAY = 86400.0
_GREEN, _RED, _YELLOW, _CYAN = "32", "31", "33", "36"
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

_EXAMPLES = """\
A mark '!' after the status: part of the record is broken or was lost; the message says what.

examples:
  meticulous                        experiments of the project around the working directory
  meticulous experiments/           experiments of this folder
  meticulous list --args all        every arg, also those that are the same everywhere
  meticulous list --args non-default --no_summary
  meticulous list --json            everything, for programs
"""


def run(argv: Sequence[str]) -> int:
    """List experiments; see ``meticulous list --help``."""
    options = _parser().parse_args(argv)
    store = _store(options.directory, options.project_directory)
    rows = store.rows()
    if options.json:
        _output.print_json("experiments", rows)
        return 0
    place = _shown(store.experiments_directory)
    if not rows:
        _output.write(f"No experiments in {clean(place)}.\n")
        return 0
    title = f"{len(rows)} experiment{'' if len(rows) == 1 else 's'} in {place}"
    _output.print_table(title, _columns(rows, options.args, options.summary))
    return 0


def _store(directory: str | None, project: str) -> Experiments:
    """Open the folder: as the shell sees it, otherwise within the project that was named."""
    if directory and (os.path.isdir(directory) or not project):
        directory = os.path.abspath(directory)
    store = Experiments(project, directory)
    if not store and ExperimentReader(store.experiments_directory).metadata:
        path = store.experiments_directory
        raise SettingError(
            f"{path} is one experiment.", f"Name the folder of all: {os.path.dirname(path)}"
        )
    return store


def _shown(path: str) -> str:
    inside = os.path.relpath(path)
    return os.path.join(path if inside.startswith(os.pardir) else inside, "")


def _parser() -> _output.Parser:
    parser = _output.Parser(
        "list",
        "List the experiments of a folder: how each is doing, when it started, how long it ran, "
        "its args and its summary.",
        _EXAMPLES,
        "meticulous [list] [DIRECTORY] [options]",
    )
    parser.add_argument(
        "directory",
        nargs="?",
        metavar="DIRECTORY",
        help="the experiments folder; otherwise that of the project around the working directory",
    )
    parser.add_argument(
        "--args",
        choices=("none", "truncated", "non-default", "all"),
        default="truncated",
        help="which args to show: none; those that are not the same everywhere (truncated, unless "
        "you say otherwise); those that somewhere are not the default; all",
    )
    parser.add_argument(
        "--summary", action="store_true", default=True, help="show summaries, as it does anyway"
    )
    parser.add_argument(
        "--no_summary", "--no-summary", dest="summary", action="store_false", help="hide summaries"
    )
    parser.add_argument("--json", action="store_true", help="print everything, as JSON")
    parser.add_argument(
        "--project-directory",
        default="",
        metavar="PROJECT",
        help="the project whose experiments are meant",
    )
    return parser


def _columns(rows: list[dict[str, Any]], which_args: str, summary: bool) -> list[Column]:
    """The columns of the listing; the first two never give way to a narrow terminal."""
    columns = [
        Column("id", [row["expid"] for row in rows], keep=0),
        Column("status", [_status_of(row) for row in rows], keep=0, style=_colour),
        Column("started", [_started(row["start_time"]) for row in rows], keep=3),
        Column("time", [_took(row["duration"]) for row in rows], keep=4),
        Column("commit", [row["sha"][:7] if row["sha"] else MISSING for row in rows], keep=7),
    ]
    args = [_flat(row["args"]) for row in rows]
    columns += _group("args", args, _chosen(rows, args, which_args))
    if summary:
        summaries = [_flat(row["summary"]) for row in rows]
        columns += _group("summary", summaries, _names(summaries))
    for title, texts, keep, limit, least in (
        ("description", [row["description"] for row in rows], 6, 40, 10),
        ("message", [_message(row) for row in rows], 2, 200, 20),
    ):
        if any(texts):
            values = [text or MISSING for text in texts]
            columns.append(Column(title, values, "", keep, limit, least))
    return columns


def _group(group: str, found: list[dict[str, Any]], names: list[str]) -> list[Column]:
    """Columns of args or of the summary; the first names of either are the last to give way."""
    return [
        Column(name, [values.get(name, MISSING) for values in found], group, keep=5 + rank)
        for rank, name in enumerate(names)
    ]


def _status_of(row: dict[str, Any]) -> str:
    lost = row["status"] == _status.SUCCESS and row["status_message"]
    return f"{row['status']} !" if lost or row["problems"] else str(row["status"])


def _colour(status: str) -> str:
    return _COLOURS.get(status.removesuffix(" !"), "")


def _message(row: dict[str, Any]) -> str:
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
    if minutes >= 60:
        return f"{minutes // 60}h"
    return f"{minutes}m" if minutes else f"{int(seconds)}s"


def _took(duration: float | None) -> Any:
    return MISSING if duration is None else duration_text(duration) or MISSING


def _chosen(rows: list[dict[str, Any]], args: list[dict[str, Any]], which: str) -> list[str]:
    """The names of the args to show, in the order in which they appear."""
    names = [] if which == "none" else _names(args)
    if which == "truncated":
        # A record whose args cannot be read must not make every arg differ.
        known = [
            found for found, row in zip(args, rows, strict=True) if found or not row["problems"]
        ]
        return [name for name in names if len({_key(found, name) for found in known}) > 1]
    if which == "non-default":
        defaults = [_flat(row["default_args"]) for row in rows]
        return [
            name
            for name in names
            if any(
                name in found and _key(found, name) != _key(default, name)
                for found, default in zip(args, defaults, strict=True)
            )
        ]
    return names


def _key(values: dict[str, Any], name: str) -> str:
    """A value as text by which it is compared: 1, 1.0, True and "1" are four, NaN is one."""
    return repr(values[name]) if name in values else ""


def _names(found: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for values in found for name in values))


def _flat(values: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Give nested objects dotted names: ``{"model": {"width": 3}}`` has ``model.width``."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict) and value and depth < _DEPTH:
            found.update(_flat(value, f"{prefix}{name}.", depth + 1))
        else:
            found[f"{prefix}{name}"] = value
    return found
