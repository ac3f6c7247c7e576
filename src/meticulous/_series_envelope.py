"""Curves for drawing: consecutive points as one group each, however many points there are.

Groups of 64, 512 and 4,096 points are prepared once, so that any part of a long curve is drawn
from few numbers.
"""

from __future__ import annotations

import itertools
import math
import operator
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Bucket", "Groups", "buckets_of", "envelope", "log_envelope", "prepare"]

_LOG_PARTS = 8
STEPS = (64, 512, 4096)
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


Groups = list[list[Any]]
"""Many buckets: for each field of `Bucket` the values of all of them."""


def buckets_of(groups: Groups) -> list[Bucket]:
    """The same, one by one."""
    return list(map(Bucket._make, zip(*groups, strict=True)))


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
    groups = _direct(x, values, STEPS[0])
    columns |= _columns(STEPS[0], groups)
    for step, larger in itertools.pairwise(STEPS):
        groups = _merged(columns, step, 0, len(groups[0]), larger // step)
        columns |= _columns(larger, groups)
    return columns


def envelope(
    columns: Mapping[str, Sequence[float]],
    buckets: int,
    low: float | None = None,
    high: float | None = None,
) -> Groups:
    """Give groups of the points between two places.

    Args:
        columns: what `prepare` gave.
        buckets: about how many; from half of it to twice as many, and two, are given.
        low: the first place, None for all.
        high: the last place.
    """
    x, values = columns["x"], columns["values"]
    start, stop = 0, len(x)
    if low is not None or high is not None:
        low, high = -math.inf if low is None else low, math.inf if high is None else high
        if columns["ordered"][0]:
            start, stop = _place(columns, low, bisect_left), _place(columns, high, bisect_right)
        else:
            inside = [low <= place <= high for place in x]
            x = array("d", itertools.compress(x, inside))
            values = array("d", itertools.compress(values, inside))
            columns, stop = {}, len(x)
    size = max(1, -(-(stop - start) // buckets))
    # Prepared groups that are somewhat larger than was wanted are as good, and nothing is joined.
    step = max(
        (step for step in STEPS if 2 * step <= 3 * size and f"{step}/count" in columns), default=0
    )
    begin, end = (-(-start // step), stop // step) if step else (0, 0)
    if begin >= end:
        return _direct(x[start:stop], values[start:stop], size)
    parts = (
        _direct(x[start : begin * step], values[start : begin * step], step),
        _merged(columns, step, begin, end, max(1, size // step)),
        _direct(x[end * step : stop], values[end * step : stop], step),
    )
    return [list(itertools.chain(*field)) for field in zip(*parts, strict=True)]


def log_envelope(
    columns: Mapping[str, Sequence[float]],
    buckets: int,
    low: float | None = None,
    high: float | None = None,
    origin: float = 0.0,
) -> Groups:
    """Give groups that are small at the beginning, as a logarithmic axis shows them.

    The axis is cut into parts of equal length, with `envelope` for each. What is not above the
    origin is one group.

    Args:
        columns: what `prepare` gave.
        buckets: about how many.
        low: the first place, None for all.
        high: the last place.
        origin: what the logarithm is taken from.
    """
    x = columns["x"]
    begin = bisect_right(x, origin) if columns["ordered"][0] else len(x)
    if begin == len(x):
        return envelope(columns, buckets, low, high)
    start, stop = max(x[begin], low or -math.inf), min(x[-1], math.inf if high is None else high)
    if stop <= start:
        return envelope(columns, buckets, low, high)
    ratio = ((stop - origin) / (start - origin)) ** (1 / _LOG_PARTS)
    ends = [origin + (start - origin) * ratio**part for part in range(1, _LOG_PARTS)]
    parts = [envelope(columns, 1, None, origin)] if begin and low is None else []
    for end in (*ends, stop):
        parts.append(envelope(columns, max(1, buckets // _LOG_PARTS), start, end))
        start = math.nextafter(end, math.inf)
    return [list(itertools.chain(*field)) for field in zip(*parts, strict=True)]


def _place(columns: Mapping[str, Sequence[float]], place: float, bisect: Callable[..., int]) -> int:
    """Bisect the places; first the far fewer of prepared groups, since others have to be read."""
    step, x = STEPS[0], columns["x"]
    if f"{step}/first" not in columns:
        return bisect(x, place)
    group = bisect(columns[f"{step}/first"], place)
    return bisect(x, place, max(0, group - 1) * step, min(group * step, len(x)))


def _direct(x: Sequence[float], values: Sequence[float], size: int) -> Groups:
    parts = [values[start : start + size] for start in range(0, len(x), size)]
    counts = list(map(len, parts))
    first = list(x[::size])
    last = list(x[size - 1 :: size])
    if len(last) < len(first):
        last.append(x[-1])
    totals = list(map(sum, parts))
    if all(map(math.isfinite, totals)):  # then every value is
        low, high = list(map(min, parts)), list(map(max, parts))
        means = list(map(operator.truediv, totals, counts))
        return [first, last, low, high, means, counts, [0] * len(counts)]
    return [first, last, *map(list, zip(*map(_finite, parts), strict=True))]


def _finite(part: Sequence[float]) -> tuple[float | None, float | None, float | None, int, int]:
    """From `min` to `nonfinite` of a `Bucket`."""
    finite = [value for value in part if math.isfinite(value)]
    if not finite:
        return None, None, None, len(part), len(part)
    mean = sum(value / len(finite) for value in finite)  # whose total may be infinite
    return min(finite), max(finite), mean, len(part), len(part) - len(finite)


def _merged(
    columns: Mapping[str, Sequence[float]], step: int, begin: int, end: int, size: int
) -> Groups:
    """Join prepared groups, `size` of them to one."""
    fields = [columns[f"{step}/{name}"][begin:end] for name in Bucket._fields]
    if size == 1:
        return _as_prepared(fields)
    cuts = [slice(start, start + size) for start in range(0, end - begin, size)]
    first, last, low, high, mean, count, nonfinite = (
        [field[cut] for cut in cuts] for field in fields
    )
    joined = (
        map(_joined, low, high, mean, count, nonfinite)
        if any(fields[-1])
        else zip(
            map(min, low),
            map(max, high),
            map(_weighted, mean, count, map(sum, count)),
            map(int, map(sum, count)),
            itertools.repeat(0),
            strict=False,
        )
    )
    return [
        [part[0] for part in first],
        [part[-1] for part in last],
        *map(list, zip(*joined, strict=True)),
    ]


def _as_prepared(fields: Sequence[Sequence[float]]) -> Groups:
    first, last, *values, count, nonfinite = fields
    if any(nonfinite):
        values = [[None if item != item else item for item in column] for column in values]  # type: ignore[misc]
    return [*map(list, (first, last, *values)), list(map(int, count)), list(map(int, nonfinite))]


def _weighted(means: Sequence[float], weights: Sequence[float], total: float) -> float:
    # Each share by itself, since the total of huge values may be infinite.
    return sum(mean * (weight / total) for mean, weight in zip(means, weights, strict=True))


def _joined(
    low: Sequence[float],
    high: Sequence[float],
    mean: Sequence[float],
    count: Sequence[float],
    nonfinite: Sequence[float],
) -> tuple[float | None, float | None, float | None, int, int]:
    """From `min` to `nonfinite` of a `Bucket`, of some of which nothing is finite."""
    total, bad = int(sum(count)), int(sum(nonfinite))
    if total == bad:
        return None, None, None, total, bad
    weights = list(map(operator.sub, count, nonfinite))
    low, high, mean = (list(itertools.compress(part, weights)) for part in (low, high, mean))
    weights = [weight for weight in weights if weight]
    return min(low), max(high), _weighted(mean, weights, total - bad), total, bad


def _columns(step: int, groups: Groups) -> dict[str, array[float]]:
    return {
        f"{step}/{name}": array("d", [math.nan if item is None else item for item in column])
        for name, column in zip(Bucket._fields, groups, strict=True)
    }
