"""What became of each metric of a file: last, smallest, largest, how many; in one pass."""

from __future__ import annotations

import math
from typing import Any

from ._series import RESERVED
from ._series_cache import Source
from ._series_read import first_steps_of, kept_rows, limits, lines, number, rows, whole

__all__ = ["summarize"]

_FACTS = ("last", "last_step", "min", "min_step", "max", "max_step", "count")


def summarize(source: Source) -> dict[str, dict[str, Any]]:
    """Give, for each metric, the facts that `ExperimentReader.metrics` describes.

    Memory is needed for one line, not for the file. Of a file that is still the same, what was
    found is in the cache.

    Raises:
        OSError: the medium fails.
    """
    metrics, offset = _known(source)
    if offset < source.size:
        try:
            offset = _go_on(source, metrics, offset)
        except _NewSession:
            metrics, offset = {}, whole(source.descriptor, source.size)
            first_steps = first_steps_of(source.descriptor, offset)
            for _, row in kept_rows(source.descriptor, offset, limits(first_steps)):
                _add(metrics, row)
            if math.isnan(first_steps[-1]):  # what comes next may supersede
                return metrics
        source.keep(("metrics",), {"metrics": metrics}, {}, offset)
    return metrics


def _known(source: Source) -> tuple[dict[str, dict[str, Any]], int]:
    """What is kept of the file as it was, and how much it was."""
    found = source.cached("metrics")
    if found is None:
        return {}, 0
    found.close()
    metrics = found.facts.get("metrics")
    return (metrics, found.facts["offset"]) if isinstance(metrics, dict) else ({}, 0)


class _NewSession(Exception):
    """A later session may supersede what has been counted."""


def _go_on(source: Source, metrics: dict[str, dict[str, Any]], offset: int) -> int:
    """Count what comes after a position; gives the position where the next line begins."""
    for after, data in lines(source.descriptor, offset, source.size):
        if b'session"' in data:
            raise _NewSession
        for row in rows(data):
            _add(metrics, row)
        offset = after
    return offset


def _add(metrics: dict[str, dict[str, Any]], row: dict[str, Any]) -> None:
    step = row.get("step")
    for name, value in row.items():
        if name in RESERVED:
            continue
        facts = metrics.get(name)
        if facts is None:
            facts = metrics[name] = dict.fromkeys(_FACTS)
            facts["count"] = 0
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
