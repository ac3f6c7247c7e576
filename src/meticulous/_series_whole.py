"""A long file of metrics read once, for what is asked about it later: its summary and its curves.

One pass over all metrics takes as long as two or three passes over one.
"""

from __future__ import annotations

from array import array

from ._series import RESERVED
from ._series_cache import Source
from ._series_envelope import prepare
from ._series_read import lines, number, rows, step_of
from ._series_summary import Count, Metrics, add

__all__ = ["MOST", "keep_whole"]

MOST = 32
"""So many metrics of a file have their curves kept ahead of being asked for."""

_LARGEST = 128 << 20
"""Of a larger file, in bytes, all curves at once would take too much memory."""


def keep_whole(source: Source) -> None:
    """Put the summary of a file and the curves over the steps in the cache.

    Nothing is done where something else is better: for what is there already, a file that still
    grows, has several sessions or is very large.

    Raises:
        OSError: the medium fails.
    """
    if not source.settled or source.size > _LARGEST or source.has("metrics"):
        return
    whole, offset = _Whole(), 0
    for after, data in lines(source.descriptor, 0, source.size):
        if b'session"' in data:
            return
        whole.take(data)
        offset = after
    for name, (steps, values) in whole.points.items():
        source.keep(("envelope", name, "step", "False"), {}, prepare(steps, values), offset)
    source.keep(("metrics",), {"metrics": whole.metrics}, {}, offset)


class _Whole(Count):
    """Counts lines, and keeps their points.

    Attributes:
        metrics: see `Count`.
        points: steps and values of each metric; NaN for a value that is no number.
    """

    def __init__(self) -> None:
        self.metrics: Metrics = {}
        super().__init__(self.metrics, None)
        self.points: dict[str, tuple[array[float], array[float]]] = {}
        self._steps: tuple[list[bytes], array[float]] = [], array("d")

    def _rows(self, data: bytes) -> None:
        for row in rows(data):
            add(self.metrics, row)
            step = step_of(row)
            for name, recorded in row.items():
                if name not in RESERVED and (points := self._points(name)):
                    value = number(recorded)
                    points[0].append(step)
                    points[1].append(float("nan") if value is None else value)

    def _column(
        self, name: str, steps: list[bytes], texts: list[bytes], values: list[float]
    ) -> None:
        super()._column(name, steps, texts, values)
        if points := self._points(name):
            if self._steps[0] is not steps:  # metrics that were logged together share them
                self._steps = steps, array("d", list(map(float, steps)))
            points[0].extend(self._steps[1])
            points[1].extend(array("d", values))

    def _points(self, name: str) -> tuple[array[float], array[float]] | None:
        points = self.points.get(name)
        if points is None and len(self.points) < MOST:
            points = self.points[name] = array("d"), array("d")
        return points
