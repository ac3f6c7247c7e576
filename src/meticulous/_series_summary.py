"""What became of each metric of a file: last, smallest, largest, how many; in one pass."""

from __future__ import annotations

import json
import math
from itertools import compress
from typing import Any

from ._series import RESERVED
from ._series_cache import Source
from ._series_curve import Reading
from ._series_read import first_steps_of, limits, lines, number, rows, session_of, step_of, whole

__all__ = ["Count", "Metrics", "add", "summarize"]

_FACTS = ("last", "last_step", "min", "min_step", "max", "max_step", "count")

Metrics = dict[str, dict[str, Any]]


def summarize(source: Source, quick: bool = True) -> Metrics:
    """Give, for each metric, the facts that `ExperimentReader.metrics` describes.

    Memory is needed for some lines, not for the file. Of a file that is still the same, what was
    found is in the cache.

    Args:
        source: the file.
        quick: False to read every line as JSON, with the same result.

    Raises:
        OSError: the medium fails.
    """
    metrics, offset = _known(source)
    if offset < source.size:
        try:
            count = Count(metrics, None, quick)
            for after, data in lines(source.descriptor, offset, source.size):
                if b'session"' in data:
                    raise _NewSession
                count.take(data)
                offset = after
        except _NewSession:
            metrics, offset = {}, whole(source.descriptor, source.size)
            first_steps = first_steps_of(source.descriptor, offset)
            count = Count(metrics, limits(first_steps), quick)
            for _, data in lines(source.descriptor, 0, offset):
                if b'session"' in data:
                    count._slowly(data)
                else:
                    count.take(data)
            if math.isnan(first_steps[-1]):  # what comes next may supersede
                return metrics
        source.keep(("metrics",), {"metrics": metrics}, {}, offset)
    return metrics


def _known(source: Source) -> tuple[Metrics, int]:
    """What is kept of the file as it was, and how much it was."""
    found = source.cached("metrics")
    if found is None:
        return {}, 0
    found.close()
    metrics = found.facts.get("metrics")
    return (metrics, found.facts["offset"]) if isinstance(metrics, dict) else ({}, 0)


class _NewSession(Exception):
    """A later session may supersede what has been counted."""


class Count(Reading):
    """Counts lines.

    Args:
        metrics: what is known by now, and becomes more.
        ends: the `limits` of the sessions; None where no session begins.
        quick: see `summarize`.

    What a subclass adds goes into `_rows` and `_column`.
    """

    def __init__(self, metrics: Metrics, ends: list[float] | None, quick: bool = True) -> None:
        super().__init__(None, False, quick)
        self._metrics = metrics
        self._end, *self._later = ends or [math.nan]
        self._sessions = ends is not None

    def _rows(self, data: bytes) -> None:
        """Count lines one by one; see `_series_read.kept_rows`."""
        for row in rows(data):
            if self._sessions and session_of(row) is not None:
                self._end = self._later.pop(0) if self._later else math.nan
            if not step_of(row) >= self._end:
                add(self._metrics, row)

    def _slowly(self, data: bytes) -> None:
        self._rows(data)

    def _add(self, parts: list[Any], start: int, stop: int, width: int) -> None:
        steps, kept = parts[start + 1 : stop : width], None
        if not math.isnan(self._end):
            kept = [step < self._end for step in map(float, steps)]
            steps = list(compress(steps, kept))
        for name, groups in self._shapes.columns.items():
            # Others have been learned since these lines were split.
            columns = [parts[start + group : stop : width] for group in groups if group < width]
            if not columns:
                continue
            values = columns[0]
            for more in columns[1:]:
                values = [one or other for one, other in zip(values, more, strict=True)]
            values = values if kept is None else list(compress(values, kept))
            places = steps
            if not self._shapes.everywhere(name):
                places, values = list(compress(steps, values)), list(filter(None, values))
            if values:
                self._column(name, places, values, list(map(float, values)))

    def _column(
        self, name: str, steps: list[bytes], texts: list[bytes], values: list[float]
    ) -> None:
        """Count some values of one metric: numbers that floats are exact for."""
        facts = _facts_of(self._metrics, name)
        facts["count"] += len(texts)
        facts["last"], facts["last_step"] = json.loads(texts[-1]), json.loads(steps[-1])
        if not math.isfinite(sum(values)):
            finite = list(map(math.isfinite, values))
            odd = finite.count(False)
            if odd:
                facts["nonfinite"] = facts.get("nonfinite", 0) + odd
            steps, texts = list(compress(steps, finite)), list(compress(texts, finite))
            values = list(compress(values, finite))
        if values:
            lowest, highest = min(values), max(values)
            if facts["min"] is None or lowest < facts["min"]:
                place = values.index(lowest)
                facts["min"], facts["min_step"] = json.loads(texts[place]), json.loads(steps[place])
            if facts["max"] is None or highest > facts["max"]:
                place = values.index(highest)
                facts["max"], facts["max_step"] = json.loads(texts[place]), json.loads(steps[place])


def _facts_of(metrics: Metrics, name: str) -> dict[str, Any]:
    facts = metrics.get(name)
    if facts is None:
        facts = metrics[name] = dict.fromkeys(_FACTS)
        facts["count"] = 0
    return facts


def add(metrics: Metrics, row: dict[str, Any]) -> None:
    """Count one line."""
    step = row.get("step")
    for name, value in row.items():
        if name in RESERVED:
            continue
        facts = _facts_of(metrics, name)
        facts["count"] += 1
        facts["last"], facts["last_step"] = value, step
        kind = type(value)
        if kind is not float and kind is not int:
            value = number(value)  # NaN and so on are recorded as text
            if value is None:
                continue
            facts["last"] = value
        # Also of an integer that is no float.
        if not -math.inf < value < math.inf:
            facts["nonfinite"] = facts.get("nonfinite", 0) + 1
            continue
        lowest, highest = facts["min"], facts["max"]
        if lowest is None or value < lowest:
            facts["min"], facts["min_step"] = value, step
        if highest is None or value > highest:
            facts["max"], facts["max_step"] = value, step
