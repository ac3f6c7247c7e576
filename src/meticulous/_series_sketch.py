"""A first look at a long file of metrics: what some of its lines say, while all of it is read."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

from ._series import RESERVED
from ._series_cache import Source
from ._series_curve import Curve
from ._series_envelope import Groups, envelope, prepare
from ._series_read import LONGEST, rows

__all__ = ["names", "sketch"]

_BLOCK = 2048
_FIRST_BLOCK = 1 << 16
_FOR_NAMES = 8
_LINES = 4
"""A block has room for so many lines as long as those that the file begins with."""


def sketch(source: Source, metric: str, x: str, blocks: int) -> Groups | None:
    """Give a metric as groups of points from evenly spaced parts of the file.

    What is between the parts is not seen: a spike there is in no group. The first and the last
    line are in it. Points that a later session superseded are not left out.

    Args:
        source: the file.
        metric: its name.
        x: what the places are: ``step`` or ``time``.
        blocks: how many parts at most, each of which is a group.

    Returns:
        None where the parts have no point of the metric.

    Raises:
        OSError: the medium fails.
    """
    curve = Curve(metric, timed=x == "time")
    groups: list[Groups] = []
    for lines in _samples(source, blocks):
        start = len(curve.steps)
        curve.take(lines)
        places = curve.times if x == "time" else curve.steps
        columns = prepare(places[start:], curve.values[start:])
        groups.append(envelope(columns, 1))
    joined = [list(itertools.chain(*field)) for field in zip(*groups, strict=True)]
    return joined if joined[0] else None


def names(source: Source) -> list[str]:
    """Give the metrics that some lines have: those that are logged all along, and not rarely.

    Raises:
        OSError: the medium fails.
    """
    found: dict[str, None] = {}
    for row in rows(b"".join(_samples(source, _FOR_NAMES))):
        found.update(dict.fromkeys(row))
    return [name for name in found if name not in RESERVED]


def _samples(source: Source, count: int) -> Iterator[bytes]:
    """Whole lines from as many places of a file, the first and the last one among them."""
    length = max(_BLOCK, _LINES * _longest_line(source))
    count = max(2, min(count, source.size // length))
    end = max(0, source.size - length)
    for number in range(count):
        start = number * end // (count - 1)
        data = _read(source, start, min(length, source.size - start))
        begin = data.find(b"\n") + 1 if start else 0
        yield data[begin : data.rfind(b"\n") + 1]


def _longest_line(source: Source) -> int:
    """How long the longest of the first lines is, in bytes."""
    size = _FIRST_BLOCK
    head = _read(source, 0, size)
    while b"\n" not in head and len(head) == size < LONGEST:
        size *= 4
        head = _read(source, 0, size)
    return max(map(len, head.splitlines(True)), default=0)


def _read(source: Source, start: int, length: int) -> bytes:
    os.lseek(source.descriptor, start, os.SEEK_SET)
    return os.read(source.descriptor, length)
