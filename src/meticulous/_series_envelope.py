"""Curves for drawing: consecutive points as one group each, however many points there are.

Groups of 64 and of 4,096 points are prepared once, so that any part of a long curve is drawn from
few numbers.
"""

from __future__ import annotations

import itertools
import math
import operator
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

__all__ = ["Bucket", "envelope", "prepare"]

STEPS = (64, 4096)
"""How many points the prepared groups hold."""


class Bucket(NamedTuple):
    """Some consecutive points of a curve.

    Attributes:
        first: where the first one is, in steps or seconds since the epoch.
        last: where the last one is.
        min: the smallest finite value; None when no value is finite.
        max: the largest.
        mean: of the finite values.
        count: how many points, with those that are not finite.
        nonfinite: how many values are NaN or infinite.
    """

    first: float
    last: float
    min: float | None
    max: float | None
    mean: float | None
    count: int  # type: ignore[assignment]  # instead of what tuples have
    nonfinite: int


def prepare(x: array[float], values: array[float]) -> dict[str, array[float]]:
    """Put points in the form that `envelope` wants.

    Returns:
        Columns by name. Points whose place is NaN, which cannot be drawn, are left out.
    """
    if any(map(operator.ne, x, x)):
        values = array(
            "d", [value for place, value in zip(x, values, strict=True) if place == place]
        )
        x = array("d", [place for place in x if place == place])
    ordered = all(map(operator.le, x, itertools.islice(x, 1, None)))
    columns = {"x": x, "values": values, "ordered": array("d", [ordered])}
    if len(x) < 16 * STEPS[0]:
        return columns
    groups = list(_direct(x, values, STEPS[0]))
    columns |= _columns(STEPS[0], groups)
    ratio = STEPS[1] // STEPS[0]
    columns |= _columns(STEPS[1], list(_merged(columns, STEPS[0], 0, len(groups), ratio)))
    return columns


def envelope(
    columns: Mapping[str, Sequence[float]],
    buckets: int,
    low: float | None = None,
    high: float | None = None,
) -> list[Bucket]:
    """Give at most two times `buckets`, and two more, groups of the points between two places.

    Args:
        columns: what `prepare` gave.
        buckets: about how many groups.
        low: the first place, None for all.
        high: the last place.
    """
    x, values = columns["x"], columns["values"]
    start, stop = 0, len(x)
    if low is not None or high is not None:
        low, high = -math.inf if low is None else low, math.inf if high is None else high
        if columns["ordered"][0]:
            start, stop = bisect_left(x, low), bisect_right(x, high)
        else:
            inside = [low <= place <= high for place in x]
            x = array("d", itertools.compress(x, inside))
            values = array("d", itertools.compress(values, inside))
            columns, stop = {}, len(x)
    if start >= stop:
        return []
    size = -(-(stop - start) // buckets)
    step = max(
        (step for step in STEPS if 2 * step <= size and f"{step}/count" in columns), default=0
    )
    begin, end = (-(-start // step), stop // step) if step else (0, 0)
    if begin >= end:
        return list(_direct(x[start:stop], values[start:stop], size))
    return [
        *_direct(x[start : begin * step], values[start : begin * step], step),
        *_merged(columns, step, begin, end, size // step),
        *_direct(x[end * step : stop], values[end * step : stop], step),
    ]


def _direct(x: Sequence[float], values: Sequence[float], size: int) -> Iterator[Bucket]:
    for start in range(0, len(x), size):
        part = values[start : start + size]
        count, total = len(part), sum(part)
        first, last = x[start], x[start + count - 1]
        if math.isfinite(total):  # then every value is
            yield Bucket(first, last, min(part), max(part), total / count, count, 0)
            continue
        finite = [value for value in part if math.isfinite(value)]
        mean = sum(value / len(finite) for value in finite)  # whose total may be infinite
        lowest, highest = min(finite, default=None), max(finite, default=None)
        nonfinite = count - len(finite)
        yield Bucket(first, last, lowest, highest, mean if finite else None, count, nonfinite)


def _merged(
    columns: Mapping[str, Sequence[float]], step: int, begin: int, end: int, size: int
) -> Iterator[Bucket]:
    """Join prepared groups, `size` of them to one."""
    fields = [columns[f"{step}/{name}"][begin:end] for name in Bucket._fields]
    for start in range(0, end - begin, size):
        first, last, low, high, mean, count, nonfinite = (
            field[start : start + size] for field in fields
        )
        total, bad = int(sum(count)), int(sum(nonfinite))
        if total == bad:
            yield Bucket(first[0], last[-1], None, None, None, total, bad)
            continue
        if bad:
            low, high = [[value for value in part if value == value] for part in (low, high)]
        weights = map(operator.sub, count, nonfinite)
        shares = (
            value * (weight / (total - bad))
            for value, weight in zip(mean, weights, strict=True)
            if weight
        )
        yield Bucket(first[0], last[-1], min(low), max(high), sum(shares), total, bad)


def _columns(step: int, groups: list[Bucket]) -> dict[str, array[float]]:
    return {
        f"{step}/{name}": array("d", [math.nan if item is None else item for item in column])
        for name, column in zip(Bucket._fields, zip(*groups, strict=True), strict=True)
    }
