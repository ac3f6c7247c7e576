"""Curves of experiments for drawing: few numbers, whatever was logged, and no spike lost."""

from __future__ import annotations

import math
import os
from array import array
from bisect import bisect_left
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import compress, pairwise
from typing import Any, NamedTuple

from .. import _better, _folder, _series_envelope
from .._series_envelope import Groups
from ..errors import SettingError
from ..experiments import ExperimentReader
from ._preparing import Task

__all__ = ["MOST_AHEAD", "Mains", "Question", "ahead", "curves", "lacking", "metrics", "sketches"]

_MOST_ODD = 200
_SPARK = 40
_KEPT = 20_000
_FEWEST_BLOCKS = 64
_MOST_BLOCKS = 6400
"""So many of all curves that are sketched take about a fifth of a second."""
_MOST_BYTES_AHEAD = 1 << 30
MOST_AHEAD = 200
"""So many of the newest experiments have their curves read before somebody asks for them."""


class Question(NamedTuple):
    """Which part of a curve is wanted, over what, in how many groups of points."""

    metric: str
    x: str
    low: float | None
    high: float | None
    points: int
    raw: bool
    log: bool = False


def lacking(readers: Iterable[ExperimentReader], question: Question | None = None) -> list[Task]:
    """What has to be read at length before a question is answered, or `metrics`; if it is much."""
    found = _unready(readers, question)
    # One is read sooner than a process has started.
    return found if len(found) > 1 else []


def _unready(readers: Iterable[ExperimentReader], question: Question | None) -> list[Task]:
    metric, x, raw = "", "step", False
    if question:
        metric, raw = question.metric, question.raw
        x = {"step": "step", "relative": "time", "wall": "time"}.get(question.x, "")
        if not x:  # over another metric it is not prepared
            return []
    return [
        (reader.curexpdir, metric, x, raw)
        for reader in readers
        if not reader._is_ready(metric, x, raw)
    ]


def ahead(newest: Iterable[ExperimentReader]) -> Iterator[Task]:
    """What to read of the newest experiments before it is asked for."""
    size = 0
    for reader in newest:
        mark = _mark(reader)
        size += mark[1] if mark else 0
        if size > _MOST_BYTES_AHEAD:
            return
        if not reader._is_ready():
            yield reader.curexpdir, "", "step", False


def metrics(
    readers: Iterable[ExperimentReader], only_sketched: bool = False
) -> dict[str, list[str]]:
    """The names of all metrics, each with the ids of those that logged it.

    Args:
        readers: the experiments.
        only_sketched: of those that take long to read, the names that some lines have.
    """
    found: dict[str, list[str]] = {}
    for reader in readers:
        is_sketched = only_sketched and not reader._is_ready()
        for name in reader._sketched_names() if is_sketched else reader.metrics:
            found.setdefault(name, []).append(reader.expid)
    return found


def curves(readers: Iterable[ExperimentReader], question: Question) -> list[dict[str, Any]]:
    """The curve of every experiment that has the metric."""
    found = []
    for reader in readers:
        with suppress(SettingError):  # it has no such metric
            groups, start = _groups(reader, question)
            curve = _drawn(reader, groups, start)
            strange = list(compress(zip(*groups[:2], strict=True), groups[-1]))
            if strange:
                curve["odd"] = _odd(reader, question, strange, start)
            curve["sessions"] = _sessions(reader, question, start)
            found.append(curve)
    return found


def sketches(readers: Sequence[ExperimentReader], question: Question) -> list[dict[str, Any]]:
    """The same, at once: of those that take long to read, what some of their lines say."""
    metric, x, *_ = question
    waiting = {task[0] for task in _unready(readers, question)}
    blocks = min(question.points, max(_FEWEST_BLOCKS, _MOST_BLOCKS // max(1, len(waiting))))
    found = []
    for reader in readers:
        if reader.curexpdir not in waiting:
            found += curves([reader], question)
        elif groups := reader._sketch(metric, "step" if x == "step" else "time", blocks):
            start = _start(reader) if x == "relative" else 0.0
            found.append(_drawn(reader, groups, start) | {"sketch": True})
    return found


def _drawn(reader: ExperimentReader, groups: Groups, start: float) -> dict[str, Any]:
    first, last, low, high, mean, count, _ = groups
    return {
        "id": reader.expid,
        "x": [one - start + (other - one) / 2 for one, other in zip(first, last, strict=True)],
        "mean": mean,
        "low": low,
        "high": high,
        "odd": [],
        "sessions": [],
        "points": sum(count),
    }


def _groups(reader: ExperimentReader, question: Question) -> tuple[Groups, float]:
    """Groups of points, and what to take off their places.

    Raises:
        SettingError: there is no such metric.
    """
    metric, x, low, high, points, raw, log = question
    if x == "step":
        origin = 0.0 if log else None
        return reader._groups(metric, points, "step", low, high, raw, origin), 0.0
    if x in ("relative", "wall"):
        start = _start(reader) if x == "relative" else 0.0
        low, high = (None if end is None else end + start for end in (low, high))
        origin = start if log and x == "relative" else None
        return reader._groups(metric, points, "time", low, high, raw, origin), start
    columns = _series_envelope.prepare(*_joined(reader, metric, x, raw))
    return _series_envelope.envelope(columns, points, low, high), 0.0


def _start(reader: ExperimentReader) -> float:
    try:
        return datetime.fromisoformat(reader.start_time).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _joined(
    reader: ExperimentReader, metric: str, other: str, raw: bool
) -> tuple[array[float], array[float]]:
    """The points of a metric where another one was logged at the same step: values of both.

    Raises:
        SettingError: there is no such metric.
    """
    steps, values, _ = reader._points(metric, raw)
    others, places, _ = reader._points(other, raw)
    at = dict(zip(others, places, strict=True))
    both = [(at[step], value) for step, value in zip(steps, values, strict=True) if step in at]
    return array("d", [place for place, _ in both]), array("d", [value for _, value in both])


def _odd(
    reader: ExperimentReader,
    question: Question,
    strange: Sequence[tuple[float, float]],
    start: float,
) -> list[tuple[float, str]]:
    """Where something that is not finite was logged, and what: of each group the first one."""
    if question.x not in ("step", "relative", "wall"):
        xs, values = _joined(reader, question.metric, question.x, question.raw)
    else:
        curve = reader._curve(question.metric, timed=question.x != "step")
        if curve is None:
            return []
        values = curve.column("values", question.raw)
        in_steps = question.x == "step"
        xs = curve.column("steps", question.raw) if in_steps else reader._times(curve, question.raw)
    ordered = all(one <= other for one, other in pairwise(xs))
    found = []
    for first, last in strange[:_MOST_ODD]:
        at = bisect_left(xs, first) if ordered else 0
        for place, value in zip(xs[at:], values[at:], strict=False):
            if first <= place <= last and not math.isfinite(value):
                found.append((place - start, _word(value)))
                break
    return found


def _word(value: float) -> str:
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def _sessions(reader: ExperimentReader, question: Question, start: float) -> list[float]:
    """Where each session after the first one begins to log the metric."""
    if len(reader.sessions) < 2 or question.x not in ("step", "relative", "wall"):
        return []
    timed = question.x != "step"
    curve = reader._curve(question.metric, timed=timed)
    if curve is None:
        return []
    sessions = curve.column("sessions", question.raw)
    xs = reader._times(curve, question.raw) if timed else curve.column("steps", question.raw)
    if not len(sessions):
        return []
    found = []
    for number in range(int(sessions[0]) + 1, int(sessions[-1]) + 1):
        at = bisect_left(sessions, number)
        if at < len(xs) and math.isfinite(xs[at]):
            found.append(xs[at] - start)
    return sorted(set(found))


class Mains:
    """The small curve of each experiment: of the metric by which most are judged."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._kept: OrderedDict[str, tuple[Any, Any]] = OrderedDict()

    def of(self, readers: Sequence[ExperimentReader]) -> dict[str, Any]:
        """Give the metric's name and at most 40 values of it, or None, for every experiment.

        The metric is the one that most of those that were looked at have logged, among those
        whose name says whether small or large is better; losses of validation come before others.
        """
        marks = {reader.expid: _mark(reader) for reader in readers}
        fresh = [
            reader
            for reader in readers
            if self._kept.get(reader.expid, (0, None))[0] != marks[reader.expid]
        ]
        for reader in fresh:
            if marks[reader.expid]:
                names = (name for name in reader.metrics if _is_judged(name))
                self._counts.update(dict.fromkeys(names, 1))
        ranked = sorted(self._counts, key=self._rank)
        for reader in fresh:
            mark = marks[reader.expid]
            self._kept[reader.expid] = mark, _spark(reader, ranked) if mark else None
            self._kept.move_to_end(reader.expid)
        found = {reader.expid: self._kept[reader.expid][1] for reader in readers}
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found

    def _rank(self, name: str) -> tuple[int, bool, bool, str]:
        lowered = name.lower()
        is_held_out = "val" in lowered or "test" in lowered or "eval" in lowered
        return -self._counts[name], not is_held_out, "loss" not in lowered, name


def _is_judged(name: str) -> bool:
    return _better.lower_is_better(name) is not None


def _mark(reader: ExperimentReader) -> Any:
    try:
        facts = os.lstat(os.path.join(reader.curexpdir, _folder.METRICS))
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def _spark(reader: ExperimentReader, ranked: Sequence[str]) -> dict[str, Any] | None:
    logged = reader.metrics
    name = next((name for name in ranked if name in logged), None) or next(iter(logged), None)
    if name is None:
        return None
    try:
        means = [bucket.mean for bucket in reader.envelope(name, _SPARK)]
    except SettingError:
        return None
    if len(means) > _SPARK:
        means = [means[round(n * (len(means) - 1) / (_SPARK - 1))] for n in range(_SPARK)]
    return {"metric": name, "values": [math.nan if mean is None else mean for mean in means]}
