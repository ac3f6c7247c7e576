"""Curves as text: numbers in, lines of characters out; nothing is read and nothing printed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, isfinite, isinf, nan
from typing import Any

__all__ = ["floats", "sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII_BLOCKS = ".:-=+*#@"
_NOT_FINITE = "x"


def floats(values: Sequence[Any]) -> list[float]:
    """Give values as floats: whole numbers beyond them are infinite, what is no number is NaN."""
    try:
        return list(map(float, values))
    except (TypeError, ValueError, OverflowError):
        return [_float(value) for value in values]


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf
    except (TypeError, ValueError):
        return nan


def sparkline(values: Sequence[Any], width: int, *, ascii: bool = False) -> str:
    """Draw values as one line of blocks of eight heights, from the smallest to the largest.

    Where several values share a character, the one farthest from their middle is shown, and the
    smallest and the largest of all always, so that no spike is lost.

    Args:
        values: in their order.
        width: characters at most; fewer values take one each.
        ascii: use ``.:-=+*#@`` instead of blocks.

    Returns:
        The line; ``x`` where a value is NaN or infinite, empty when there is no value.
    """
    numbers = floats(values)
    count = min(len(numbers), width)
    if count <= 0:
        return ""
    finite = list(filter(isfinite, numbers))
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    levels = _ASCII_BLOCKS if ascii else _BLOCKS
    if low == high:
        levels = levels[3]
    edges = [len(numbers) * n // count for n in range(count + 1)]
    line = ""
    for start, end in pairwise(edges):
        group = numbers[start:end]
        if all(map(isfinite, group)):
            share = _share(_telling(group, low, high), low, high)
            line += levels[min(int(share * len(levels)), len(levels) - 1)]
        else:
            line += _NOT_FINITE
    return line


def _telling(group: list[float], low: float, high: float) -> float:
    """The value that stands for a group."""
    group = sorted(group)
    if group[-1] == high:
        return high
    middle = group[len(group) // 2]
    return group[0] if group[0] == low or middle - group[0] > group[-1] - middle else group[-1]


def _share(value: float, low: float, high: float) -> float:
    """Where a value lies between two others: 0 to 1; also when their distance is no float."""
    if isinf(high - low):
        value, low, high = value / 2, low / 2, high / 2
    return (value - low) / (high - low) if high > low else 0.5
