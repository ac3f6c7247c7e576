"""The curves of one experiment: history and metrics of a reader."""

from __future__ import annotations

import contextlib
import math
import os
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from . import _folder
from ._index import cache_folder
from .errors import SettingError

if TYPE_CHECKING:
    from ._series_cache import Source
    from ._series_curve import Curve
    from ._series_envelope import Bucket, Groups

__all__ = ["History", "Series"]


class History(Mapping[str, Any]):
    """Columns by name, all of one length. Those that cost something are read when asked for."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self._columns = columns

    def __getitem__(self, name: str) -> Any:
        column = self._columns[name]
        if callable(column):
            column = self._columns[name] = column()
        return column

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return f"<History of {', '.join(self._columns)}: {len(self['step'])} rows>"


class Series:
    """The part of `ExperimentReader` that reads what was logged."""

    _folder: _folder.Folder
    _problems: dict[str, str]
    expid: str

    def history(self, metric: str | None = None, raw: bool = False) -> History:
        """Read the points of a metric, or every line that was logged.

        By the rewind rule, the steps that a continued experiment logged again are seen once, as
        its later session logged them. Torn lines are passed over; of a file that is being written,
        the last whole line is the last one. Long curves are kept in the user's cache folder.

        Args:
            metric: its name; None for all of them, a row for each line, None where a line lacks
                the metric.
            raw: with the points that later sessions superseded, and a column ``session``.

        Returns:
            Columns by name: ``step``, ``time`` (seconds since the epoch), and the metrics.
            Numbers are float64, with NaN for a step or time that is none: an array of numpy where
            that is installed, otherwise ``array.array``. A metric that was not always a number, or
            not on every line, is a list of what was recorded.

        Raises:
            SettingError: the experiment has no such metric, or the name is no text.
        """
        if metric is None:
            return self._every_metric(raw)
        _check_name(metric, "one name, or none for all")
        curve = self._curve(metric)
        if curve is None:
            raise self._no_metric(metric)
        columns: dict[str, Any] = {
            "step": lambda: _numbers(curve.column("steps", raw)),
            "time": lambda: _numbers(self._times(curve, raw)),
            metric: lambda: (
                _numbers(curve.column("values", raw))
                if curve.plain
                else self._recorded_values(curve, raw)
            ),
        }
        if raw:
            columns["session"] = lambda: _numbers(curve.column("sessions", raw))
        return History(columns)

    @cached_property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """What became of each metric, by name, without the points that were superseded.

        ``last`` and ``last_step``; ``min``, ``min_step``, ``max``, ``max_step`` of the finite
        numbers (None without any); ``best`` and ``best_step``, if the name tells what is better;
        ``count`` of all points and, if there are any, ``nonfinite`` of those that are NaN or
        infinite.
        """
        from ._better import lower_is_better
        from ._series_summary import summarize

        found: dict[str, dict[str, Any]] = self._look(summarize) or {}
        for name, facts in found.items():
            lower = lower_is_better(name)
            if lower is not None:
                side = "min" if lower else "max"
                facts |= {"best": facts[side], "best_step": facts[f"{side}_step"]}
        return found

    def envelope(
        self,
        metric: str,
        buckets: int,
        x: str = "step",
        low: float | None = None,
        high: float | None = None,
        raw: bool = False,
    ) -> list[Bucket]:
        """Give a curve as few groups of consecutive points, for drawing.

        A long curve's groups are kept in the user's cache folder, so that any part of it takes
        milliseconds.

        Args:
            metric: its name.
            buckets: about how many groups; of more points, from half of it to twice as many,
                and two, are given.
            x: what the places are: ``step``, or ``time`` in seconds since the epoch.
            low: the first place; None for the beginning.
            high: the last place; None for the end.
            raw: with the points that later sessions superseded.

        Returns:
            For each group ``first`` and ``last`` place, ``min``, ``max`` and ``mean`` of the
            finite values (None without any), ``count`` and ``nonfinite``. Points without a place
            are left out; what is no number counts as not finite.

        Raises:
            SettingError: the experiment has no such metric, or an argument cannot be used.
        """
        from ._series_envelope import buckets_of

        return buckets_of(self._groups(metric, buckets, x, low, high, raw))

    def _groups(
        self,
        metric: str,
        buckets: int,
        x: str,
        low: float | None,
        high: float | None,
        raw: bool,
        origin: float | None = None,
    ) -> Groups:
        """What `envelope` gives, by columns; with an origin, for a logarithmic axis from there."""
        from . import _series_cache, _series_envelope

        _check_name(metric, "one name")
        if x not in ("step", "time"):
            raise SettingError(f"x cannot be {x!r}.", "Use 'step' or 'time'.", name="x", value=x)
        if buckets < 1:
            raise SettingError(
                f"buckets cannot be {buckets}.", "Use 1 or more.", name="buckets", value=buckets
            )
        bounds = buckets, low, high

        def grouped(columns: Mapping[str, Sequence[float]]) -> Groups:
            if origin is None:
                return _series_envelope.envelope(columns, *bounds)
            return _series_envelope.log_envelope(columns, *bounds, origin)

        def draw(source: Source) -> Groups | None:
            name = "envelope", metric, x, str(raw)
            with source.same(*name) as kept:
                try:
                    if kept is not None:
                        return grouped(kept.columns)
                except (OSError, ValueError, LookupError):  # a damaged cache
                    pass
            curve = _series_cache.read_curve(source, metric, timed=x == "time")
            if not curve.steps:
                return None
            places = curve.column("steps" if x == "step" else "times", raw)
            columns = _series_envelope.prepare(places, curve.column("values", raw))
            source.keep(name, {}, columns, curve.offset)
            return grouped(columns)

        drawn: Groups | None = self._look(draw)
        if drawn is None:
            raise self._no_metric(metric)
        return drawn

    def _is_ready(self, metric: str = "", x: str = "step", raw: bool = False) -> bool:
        """Whether `metrics`, or with a metric `envelope`, needs to read little."""
        name = ("envelope", metric, x, str(raw)) if metric else ("metrics",)
        return self._look(lambda source: source.has(*name)) is not False

    def _sketch(self, metric: str, x: str, blocks: int) -> Groups | None:
        """`_groups` from some of the lines, at once; None where these have no such metric."""
        from . import _series_sketch

        drawn: Groups | None = self._look(
            lambda source: _series_sketch.sketch(source, metric, x, blocks)
        )
        return drawn

    def _sketched_names(self) -> list[str]:
        """The metrics of some of the lines, at once."""
        from . import _series_sketch

        return self._look(_series_sketch.names) or []

    def _prepare(self, metric: str = "", x: str = "step", raw: bool = False) -> None:
        """Have `_is_ready` be true: with a metric for it, otherwise for most of what is asked."""
        from ._series_whole import MOST, keep_whole

        if not metric:
            self._look(keep_whole)
        for name in [metric] if metric else list(self.metrics)[:MOST]:
            with contextlib.suppress(SettingError):  # it has no such metric
                self._groups(name, 1, x, None, None, raw)

    def _points(
        self, metric: str, raw: bool = False
    ) -> tuple[array[float], array[float], array[float]]:
        """Steps, values and sessions of a metric, NaN for what is no number, without numpy.

        Raises:
            SettingError: the experiment has no such metric.
        """
        curve = self._curve(metric)
        if curve is None:
            raise self._no_metric(metric)
        steps, values, sessions = (
            curve.column(name, raw) for name in ("steps", "values", "sessions")
        )
        return steps, values, sessions

    def _curve(self, metric: str, timed: bool = False) -> Curve | None:
        """All points of a metric; None if there are none."""
        from . import _series_cache

        curve = self._look(lambda source: _series_cache.read_curve(source, metric, timed))
        return curve if curve is not None and len(curve.steps) else None

    def _times(self, curve: Curve, raw: bool) -> array[float]:
        """The times of a curve's points, which are as many when more has come since."""
        count = len(curve.steps)
        if not curve.timed:
            timed = self._curve(curve.metric, timed=True)
            times = timed.times[:count] if timed else array("d")
            curve.times = times + array("d", [math.nan]) * (count - len(times))
            curve.timed = True
        return curve.column("times", raw)

    def _recorded_values(self, curve: Curve, raw: bool) -> list[Any]:
        """What was recorded of a metric that is not always a number, up to where its curve ends."""

        def read(source: Source) -> list[Any]:
            rows = _rows(source, raw, curve.offset)
            return [row[curve.metric] for _, row in rows if curve.metric in row]

        count = len(curve.column("values", raw))
        found = (self._look(read) or [])[:count]
        return [*found, *[None] * (count - len(found))]  # the file may be another one by now

    def _every_metric(self, raw: bool) -> History:
        from ._series import RESERVED
        from ._series_read import seconds, step_of

        columns: dict[str, list[Any]] = {}
        sessions, steps, times = array("d"), array("d"), array("d")

        def read(source: Source) -> None:
            for session, row in _rows(source, raw, source.size):
                for name, value in row.items():
                    if name not in RESERVED:
                        column = columns.setdefault(name, [])
                        column += [None] * (len(steps) - len(column))
                        column.append(value)
                sessions.append(session)
                steps.append(step_of(row))
                times.append(seconds(row.get("time")))

        self._look(read)
        found: dict[str, Any] = {"step": _numbers(steps), "time": _numbers(times)}
        for name, column in columns.items():
            column += [None] * (len(steps) - len(column))
            found[name] = _narrow(column)
        if raw:
            found["session"] = _numbers(sessions)
        return History(found)

    def _look(self, read: Callable[[Source], Any]) -> Any:
        """Read from the file of metrics; None, and a problem if it is there, when that fails."""
        from ._series_cache import Source

        path = self._folder.file(_folder.METRICS)
        root = os.path.realpath(os.path.dirname(self._folder.path))
        cache = cache_folder(root)
        self._problems.pop(_folder.METRICS, None)
        try:
            with Source(path, os.path.join(cache, "curves") if cache else None) as source:
                return read(source)
        except FileNotFoundError:
            pass
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self._problems[_folder.METRICS] = (
                f"{_folder.METRICS} cannot be read: {reason[:1].lower()}{reason[1:]}"
            )
        return None

    def _no_metric(self, metric: str) -> SettingError:
        from difflib import get_close_matches

        names = list(self.metrics)
        close = get_close_matches(metric, names, 3, 0.5)
        problem = self._problems.get(_folder.METRICS)
        hint = f"Did you mean {', '.join(map(repr, close))}?" if close else ""
        if not names:
            hint = f"The file {problem}." if problem else "It has logged none."
        elif not close:
            hint = f"It has {', '.join(map(repr, names[:10]))}{', ...' if names[10:] else ''}."
        message = f"There is no metric {metric!r} in experiment {self.expid}."
        return SettingError(message, hint, name="metric", value=metric)


def _check_name(metric: Any, what: str) -> None:
    if not isinstance(metric, str):
        kind = type(metric).__name__
        message = f"A metric's name is text, not {kind}."
        raise SettingError(message, f"Give {what}.", name="metric", value=metric)


def _rows(source: Source, raw: bool, until: int) -> Iterator[tuple[int, dict[str, Any]]]:
    from ._series_read import first_steps_of, kept_rows, limits

    file = source.descriptor
    return kept_rows(file, until, None if raw else limits(first_steps_of(file, until)))


def _numbers(column: array[float]) -> Sequence[float]:
    """As an array of numpy, without a copy, where that is installed."""
    try:
        import numpy
    except ImportError:
        return column
    return cast("Sequence[float]", numpy.asarray(column))


def _narrow(column: list[Any]) -> Sequence[Any]:
    """Make an array of a list that holds nothing but numbers."""
    from ._series_read import number

    numbers = [number(value) for value in column]
    if None not in numbers:
        return _numbers(array("d", numbers))  # type: ignore[arg-type]
    if all(value is None for value, read in zip(column, numbers, strict=True) if read is None):
        return numbers
    return column
