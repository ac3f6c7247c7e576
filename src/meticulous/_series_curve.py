"""The points of one metric, read fast.

What a line is worth is decided by `rows`, which reads JSON. Since most lines of an experiment look
alike but for their numbers, a `Reading` learns how they look and reads them several times as fast
by one regular expression, with the same result.
"""

from __future__ import annotations

import itertools
import math
import operator
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from ._series import RESERVED
from ._series_read import limits, lines, number, rows, seconds, session_of, step_of

__all__ = ["Curve", "Reading"]

_MAX_SHAPES = 8
_MAX_NAMES = 300
_MAX_ODD = 64
_SHORT = 1 << 18
"""So many bytes are read sooner than a regular expression is made."""

# JSON's numbers. With more digits than that Python's own reader of JSON decides.
_NUMBER = rb"-?(?:0|[1-9][0-9]{0,999}+)(?:\.[0-9]++)?+(?:[eE][-+]?[0-9]++)?+"
_EXACT = _NUMBER.replace(b"999", b"14")  # an integer of so few digits is the same as a float
_WORD = rb"NaN|-?Infinity"
_TEXT = rb"[ !#-\[\]-~]*+"
_MINUTE = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}"
_TIME = rb"(" + _MINUTE + rb"):([0-5][0-9]\.[0-9]{6})\+00:00"
_FIELD = rb',"([^"\\\x00-\x1f]*+)":(?:' + _NUMBER + rb'|("(?:' + _WORD + rb')"))'
_FIELDS = re.compile(_FIELD)
_LINE = re.compile(
    rb'\{"step":' + _NUMBER + rb',"time":"' + _TEXT + rb'"((?:' + _FIELD + rb")*+)\}"
)


class _Minutes(dict[bytes, float]):
    """Seconds since the epoch of the minutes that times begin with."""

    def __missing__(self, minute: bytes) -> float:
        if len(self) > 100_000:
            self.clear()
        found = self[minute] = seconds(minute.decode() + ":00+00:00")
        return found


class _Shapes:
    """How the lines of a file look, as far as known: one regular expression for all of them.

    Args:
        metric: whose values are wanted; None for all.
        timed: whether the times are wanted.

    Attributes:
        columns: of each metric that is wanted, which groups of the expression hold values.
    """

    def __init__(self, metric: str | None, timed: bool) -> None:
        self._metric = None if metric is None else metric.encode("utf-8", "surrogatepass")
        self._number = _EXACT if metric is None else _NUMBER
        self._time = _TIME if timed else _TEXT
        self._known: list[bytes] = []
        self._groups = 4 if timed else 2
        self.pattern: re.Pattern[bytes] | None = None
        self.columns: dict[str, list[int]] = {}

    @property
    def full(self) -> bool:
        return len(self._known) >= _MAX_SHAPES

    def everywhere(self, metric: str) -> bool:
        """Whether every line that fits has a value of the metric."""
        return len(self._known) == len(self.columns[metric]) == 1

    def learn(self, data: bytes) -> None:
        """Look at some lines that no shape fits."""
        before = len(self._known)
        for line in data.split(b"\n", _MAX_ODD)[:_MAX_ODD]:
            found = _LINE.fullmatch(line)
            if found and not self.full:
                self._add(_FIELDS.findall(found[1]))
        if len(self._known) > before:
            shapes = b"|".join(self._known)
            self.pattern = re.compile(
                rb'^\{"step":(%s),"time":"%s"(?:%s)\}\n' % (self._number, self._time, shapes),
                re.MULTILINE,
            )

    def _add(self, fields: list[tuple[bytes, bytes]]) -> None:
        names = [name for name, _ in fields]
        reserved = any(name.decode("utf-8", "replace") in RESERVED for name in names)
        if reserved or len(set(names)) < len(names) or len(names) > _MAX_NAMES:
            return
        shape, wanted = b"", []
        for name, word in fields:
            if self._metric in (None, name):
                wanted.append(name)
            value = b"(%s)" if self._metric in (None, name) else b"(?:%s)"
            value = b'"%s"' % (value % _WORD) if word else value % self._number
            shape += b',"%s":%s' % (re.escape(name), value)
        try:
            shape.decode()
        except UnicodeDecodeError:
            return
        if shape not in self._known:
            self._known.append(shape)
            for name in wanted:
                self.columns.setdefault(name.decode(), []).append(self._groups)
                self._groups += 1


class Reading:
    """Lines that are taken in one after the other, those that look alike many at once.

    Args:
        metric: whose values are wanted; None for all.
        timed: with the times.
        quick: False to read every line as JSON, with the same result.
    """

    def __init__(self, metric: str | None, timed: bool, quick: bool) -> None:
        self._shapes = _Shapes(metric, timed)
        self._patience = 8 if quick else 0

    def take(self, data: bytes) -> None:
        """Take in some lines."""
        if not self._quickly(data):
            self._learn(data)

    def _add(self, parts: list[Any], start: int, stop: int, width: int) -> None:
        """Take in lines of known shapes, as the expression has split them."""
        raise NotImplementedError

    def _slowly(self, data: bytes) -> None:
        """Take in lines as JSON."""
        raise NotImplementedError

    def _learn(self, data: bytes) -> None:
        if self._patience and not self._shapes.full:
            self._shapes.learn(data)
        self._slowly(data)

    def _quickly(self, data: bytes) -> bool:
        """Take in lines by their shapes; False if too few of them have any."""
        pattern = self._shapes.pattern
        if pattern is None or not self._patience:
            return False
        parts = pattern.split(data)  # what fits no shape, the groups of a line that does, …
        width = pattern.groups + 1
        odd = parts[::width]
        places = [place for place, part in enumerate(odd) if part] if any(odd) else []
        if len(places) > _MAX_ODD:
            self._shapes.learn(odd[places[0]])
            self._patience -= self._shapes.full
            return False
        first = 0
        for place in dict.fromkeys([*places, len(odd) - 1]):
            if first < place:
                self._add(parts, first * width, place * width, width)
            if odd[place]:
                self._learn(odd[place])
            first = place
        return True


class Curve(Reading):
    """All points of one metric, those of every session, in the order of the file.

    Args:
        metric: the name.
        timed: with the times; they take a quarter longer to read.
        quick: False to read every line as JSON, with the same result.

    Attributes:
        steps: NaN where there was none.
        values: NaN too for what is no number.
        times: seconds since the epoch; empty if not `timed`.
        plain: every value is a number.
        sessions: for each its number, how many points come before it, and its first step.
        offset: how much of the file has been read.
    """

    def __init__(self, metric: str, timed: bool = False, quick: bool = True) -> None:
        super().__init__(metric, timed, quick)
        self.metric, self.timed = metric, timed
        self.steps, self.values, self.times = array("d"), array("d"), array("d")
        self.plain = True
        self.sessions: list[tuple[int, int, float]] = [(1, 0, math.nan)]
        self.offset = 0
        self._minutes = _Minutes()

    def read(self, descriptor: int, until: int) -> None:
        """Go on reading where it stopped.

        Raises:
            OSError: the medium fails.
        """
        if until - self.offset < _SHORT and not self._shapes.pattern:
            self._patience = 0
        for offset, data in lines(descriptor, self.offset, until):
            self.take(data)
            self.offset = offset

    def _add(self, parts: list[Any], start: int, stop: int, width: int) -> None:
        self._see(float(parts[start + 1]))
        groups = [parts[start + place : stop : width] for place in range(1, width)]
        steps, clock = groups[0], groups[1:3] if self.timed else []
        columns = groups[1 + len(clock) :]
        if not columns:
            return
        values = columns[0]
        if not self._shapes.everywhere(self.metric):
            for more in columns[1:]:
                values = [one or other for one, other in zip(values, more, strict=True)]
            steps = list(itertools.compress(steps, values))
            clock = [list(itertools.compress(part, values)) for part in clock]
            values = [value for value in values if value]
        # An array of a list is made in one piece.
        self.steps.extend(array("d", list(map(float, steps))))
        self.values.extend(array("d", list(map(float, values))))
        if clock:
            minutes = map(self._minutes.__getitem__, clock[0])
            self.times.extend(array("d", list(map(operator.add, minutes, map(float, clock[1])))))

    def _slowly(self, data: bytes) -> None:
        for row in rows(data):
            session = session_of(row)
            if session is not None:
                self.sessions.append((session, len(self.steps), math.nan))
            step = step_of(row)
            self._see(step)
            if self.metric in row and self.metric not in RESERVED:
                value = number(row[self.metric])
                self.plain = self.plain and value is not None
                self.steps.append(step)
                self.values.append(math.nan if value is None else value)
                if self.timed:
                    self.times.append(seconds(row.get("time")))

    def _see(self, step: float) -> None:
        session, start, first = self.sessions[-1]
        if math.isnan(first):
            self.sessions[-1] = session, start, step

    def parts(self, raw: bool) -> list[tuple[int, slice]]:
        """Which points count: for each session its number and runs of its points.

        Args:
            raw: with those that the rewind rule leaves out.
        """
        starts = [start for _, start, _ in self.sessions] + [len(self.steps)]
        ends = limits([first for _, _, first in self.sessions])
        found = []
        for place, (session, start, _) in enumerate(self.sessions):
            end = math.nan if raw else ends[place]
            found += [(session, run) for run in self._runs(start, starts[place + 1], end)]
        return found

    def _runs(self, start: int, stop: int, end: float) -> Iterator[slice]:
        if start == stop:
            return
        if math.isnan(end):
            yield slice(start, stop)
            return
        steps = self.steps[start:stop]
        if all(map(operator.le, steps, itertools.islice(steps, 1, None))) and steps[0] <= end:
            yield slice(start, start + bisect_left(steps, end))
            return
        kept = [place for place, step in enumerate(steps, start) if not step >= end]
        for _, run in itertools.groupby(enumerate(kept), lambda pair: pair[1] - pair[0]):
            places = [place for _, place in run]
            yield slice(places[0], places[-1] + 1)

    def column(self, name: str, raw: bool) -> array[float]:
        """The steps, values, times or sessions of the points that count."""
        parts = self.parts(raw)
        if name == "sessions":
            column = array("d")
            for session, run in parts:
                column.extend(array("d", [float(session)]) * (run.stop - run.start))
            return column
        whole: array[float] = getattr(self, name)
        if len(parts) == 1 and parts[0][1] == slice(0, len(whole)):
            return whole
        return sum((whole[run] for _, run in parts), array("d"))
