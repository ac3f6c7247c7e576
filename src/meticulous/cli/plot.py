"""``meticulous plot``: curves of metrics, in the terminal."""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from .. import _status
from .._table import clean, cut
from ..errors import SettingError
from ..experiments import Experiments
from . import _output, _plot_draw, _plot_series, _store

__all__ = ["run"]

_NEWEST = 10
_WIDTH, _NARROWEST = 80, 20
_HEIGHT, _LOWEST = 15, 4
_AROUND_CANVAS = 3
_JSON_POINTS = 1000
_PAUSE = 1.0
_X = ("step", "time", "wall")

_EXAMPLES = """\
Every column of dots reaches from its smallest to its largest value, so that no spike is lost; an x
on the border marks values that are NaN or infinite. Several curves have a letter each.

examples:
  meticulous plot loss                        of the newest experiment
  meticulous plot loss val/acc -i 3-7,9       two panels, one curve for each experiment
  meticulous plot 'val/*' --together -i last  all that match, in one panel
  meticulous plot loss --smooth 0.9 --log y   smoothed, with what was logged behind it
  meticulous plot loss --filter 'args.lr > 0.01' --x time
  meticulous plot acc --filter "'seeds' in tags" --groupby args.model --band sem
  meticulous plot loss --watch                until nothing runs any more
  meticulous plot loss -i 3 --json --full     all points, for programs
"""


def run(argv: Sequence[str]) -> int:
    """Draw metrics; see ``meticulous plot --help``."""
    options = _parser().parse_intermixed_args(argv)
    _check(options)
    store = _store.open_store(options)
    if options.watch and not options.json and _is_terminal():
        return _watched(store, options)
    found = _found(store, options)
    if options.json:
        _output.print_json("plot", _numbers(found, options))
    else:
        _output.write(_text(found, store, options))
    return _store.NOTHING_MATCHED if options.fail_empty and not found.ids else 0


def _watched(store: Experiments, options: argparse.Namespace) -> int:
    """Draw in place every second until none of the experiments is running."""
    above = 0
    while True:
        try:
            found = _found(store, options)
            text, running = _text(found, store, options), found.running
        except SettingError as error:
            running = error.name == _plot_series.METRIC and _is_any_running(store, options)
            if not running:
                raise
            text = f"{cut(clean(str(error)), _width(options))}\n"  # perhaps only not yet
        up = f"\x1b[{above}A" if above else ""
        _output.write(f"{up}\r\x1b[J{text}")
        if not running:
            return 0
        above = text.count("\n")
        time.sleep(_PAUSE)
        store.refresh_experiments()


def _parser() -> _output.Parser:
    made = _output.Parser(
        "plot",
        "Draw curves of metrics in the terminal, of one experiment or of several.",
        _EXAMPLES,
        "meticulous plot METRIC... [-i IDS] [options]",
    )
    add = made.add_argument
    add("metrics", nargs="*", metavar="METRIC", help="names, or patterns such as 'val/*'")
    add("--regex", action="store_true", help="METRICs are regular expressions")
    ids = f"{_store.IDS}; otherwise last, with --filter, --all or --groupby all"
    add("-i", "--ids", action="append", metavar="IDS", help=ids)
    _store.add_questions(made)
    add("--all", action="store_true", help=f"all experiments, not only the newest {_NEWEST}")
    add(
        "--groupby",
        action="append",
        metavar="NAMES",
        help="the mean of all that agree in these, with a band; several with commas",
    )
    add(
        "--band", choices=("std", "minmax", "sem"), default="std", help="the band: std if not given"
    )
    add("--raw", action="store_true", help="also steps that a resumed session repeated")
    how = made.add_argument_group("how it is drawn")
    add = how.add_argument
    add("--together", action="store_true", help="all metrics in one panel")
    add("--x", default="step", metavar="X", help="step, time (since the start), wall, or a metric")
    add("--log", choices=("x", "y", "xy"), default="", help="logarithmic axes")
    add("--smooth", type=float, default=0.0, metavar="W", help="moving average; 0 to below 1")
    add("--xlim", default=",", metavar="A,B", help="ends of the x axis; either may be empty")
    add("--ylim", default=",", metavar="A,B", help="ends of the y axis")
    add("--width", type=int, metavar="N", help="characters a line")
    add("--height", type=int, metavar="N", help="lines of each panel")
    add("--ascii", action="store_true", help="ASCII characters only")
    add("--watch", action="store_true", help="draw again every second while any is running")
    add("--json", action="store_true", help="the curves as numbers, thinned out")
    add("--full", action="store_true", help="with --json: all points")
    _store.add_store(made)
    return made


def _check(options: argparse.Namespace) -> None:
    """Refuse what cannot be drawn before anything is read.

    Raises:
        SettingError: an option's value cannot be used.
    """
    if not 0 <= options.smooth < 1:
        raise SettingError("Argument --smooth: it has to be 0 or more, and less than 1.")
    for name, least in (("width", _NARROWEST), ("height", 1)):
        if (value := getattr(options, name)) is not None and not least <= value <= 10_000:
            raise SettingError(f"Argument --{name}: it has to be {least} or more, up to 10000.")
    if options.groupby and options.x in ("time", "wall"):
        raise SettingError(
            f"Argument --groupby: experiments have no {options.x} in common.",
            "Use --x step, or a metric.",
        )
    options.xlim = _limits(options.xlim, "--xlim", moments=options.x == "wall")
    options.ylim = _limits(options.ylim, "--ylim")


def _limits(text: str, option: str, *, moments: bool = False) -> tuple[float | None, float | None]:
    """The ends that ``A,B`` means, None for an open one.

    Raises:
        SettingError: it is not two numbers of which the second is larger.
    """
    low, comma, high = text.partition(",")
    try:
        ends = [_end(part.strip(), moments) if part.strip() else None for part in (low, high)]
        one, other = ends
        if not comma:
            raise ValueError
    except (ValueError, OverflowError, OSError):
        raise SettingError(
            f"Argument {option}: {text!r} is not two ends of an axis.",
            f"Write {option}=0,1 or {option}=0, or {option}=,1",
            name=option,
            value=text,
        ) from None
    if one is not None and other is not None and not one < other:
        raise SettingError(
            f"Argument {option}: {text!r} ends before it begins.", name=option, value=text
        )
    return one, other


def _end(text: str, moments: bool) -> float:
    try:
        value = float(text)
    except ValueError:
        if not moments:
            raise
        value = datetime.fromisoformat(text).timestamp()
    if not math.isfinite(value):
        raise ValueError
    return value


# ---------------------------------------------------------------------------- the answer


class _Found(NamedTuple):
    """What is drawn, and what is said below it."""

    ids: list[str]
    panels: list[_plot_series.Panel]
    notes: list[str]
    running: bool


def _found(store: Experiments, options: argparse.Namespace) -> _Found:
    ids = _chosen(store, options)
    notes: list[str] = []
    if not ids:
        return _Found([], [], [], False)
    if len(ids) > _NEWEST and not options.all and not options.groupby:
        notes.append(f"the newest {_NEWEST} of {len(ids)} experiments; --all draws all")
        ids = _newest(store, ids)
    readers = [store[expid] for expid in ids]
    known = _plot_series.known(readers)
    metrics = _plot_series.wanted(options.metrics, known, readers, regex=options.regex)
    if not metrics:
        raise SettingError("Which metric?", _plot_series.hint(known, readers))
    if options.x not in _X:
        _plot_series.wanted([options.x], known, readers)
    panels = _plot_series.panels_of(store, ids, metrics, options, notes)
    store.remember()
    return _Found(ids, panels, notes, _is_any_running(store, options))


def _chosen(store: Experiments, options: argparse.Namespace) -> list[str]:
    several = options.filter or options.all or options.groupby
    words = options.ids or ([] if several else ["last"])
    return _store.chosen(store, words, options.filter)


def _is_any_running(store: Experiments, options: argparse.Namespace) -> bool:
    return any(store[expid].status == _status.RUNNING for expid in _chosen(store, options))


def _newest(store: Experiments, ids: list[str]) -> list[str]:
    """The newest, in the order they were in."""
    wanted = set(ids)
    ordered = [expid for expid in store if expid in wanted]
    starts = [_store.start_of(store[expid].start_time) or 0.0 for expid in ordered]
    places = _store.newest(
        ordered, starts, _NEWEST, lambda place: _store.has_start(store[ordered[place]].metadata)
    )
    kept = {ordered[place] for place in places}
    return [expid for expid in ids if expid in kept]


def _text(found: _Found, store: Experiments, options: argparse.Namespace) -> str:
    width = _width(options)
    if not found.ids:
        return cut(f"No experiments match in {clean(store.experiments_directory)}.", width) + "\n"
    height = options.height or _default_height(found)
    ascii = options.ascii or _output.is_ascii_only()
    drawn = _plot_draw.picture(found.panels, options, width, height, ascii)
    return "\n".join([drawn, *(cut(clean(note), width) for note in found.notes)]) + "\n"


def _numbers(found: _Found, options: argparse.Namespace) -> dict[str, Any]:
    panels = []
    for panel in found.panels:
        curves = []
        for line in panel.lines:
            shape = line.ys if line.raw is None else line.raw
            most = len(shape) if options.full else _JSON_POINTS
            kept = _plot_series.thinned(shape, most)
            curve: dict[str, Any] = {
                "metric": line.metric,
                "label": line.label,
                "ids": line.ids,
                "points": len(shape),
            }
            for name, values in (
                ("x", line.xs),
                ("y", line.ys),
                ("unsmoothed", line.raw),
                ("low", line.low),
                ("high", line.high),
                ("n", line.counts),
            ):
                if values is not None:
                    plain = _whole if name in ("x", "n") else float
                    curve[name] = [plain(values[n]) for n in kept]
            curves.append(curve)
        panels.append({"title": panel.title, "curves": curves})
    return {"x": options.x, "panels": panels, "notes": found.notes}


def _whole(value: float) -> float:
    return int(value) if abs(value) < 1 << 53 and value == int(value) else value


# ---------------------------------------------------------------------------- the terminal


def _width(options: argparse.Namespace) -> int:
    return options.width or max(_NARROWEST, _output.width() or _WIDTH)


def _default_height(found: _Found) -> int:
    """As high as usual, less if the terminal would not show everything at once."""
    try:
        lines = os.get_terminal_size(sys.stdout.fileno()).lines
    except (OSError, ValueError, AttributeError):
        return _HEIGHT
    legend = len({line.key for panel in found.panels for line in panel.lines})
    room = lines - 2 - len(found.notes) - (legend if legend > 1 else 0)
    return max(_LOWEST, min(_HEIGHT, room // max(1, len(found.panels)) - _AROUND_CANVAS))


def _is_terminal() -> bool:
    try:
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    except (ValueError, AttributeError):
        return False
