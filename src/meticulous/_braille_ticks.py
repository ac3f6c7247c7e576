"""Where an axis has ticks and what is written at them: 1, 2 or 5 times a power of ten."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil, floor, inf, isfinite, log10
from typing import NamedTuple

__all__ = ["Tick", "Ticks", "fitted", "linear", "logarithmic"]

_ROUNDING = 1e-9
_FIXED = (1e-4, 1e6)
"""Numbers of which the largest is between these are written without an exponent."""


class Tick(NamedTuple):
    """A place on an axis, and its label."""

    value: float
    label: str


Ticks = Callable[[float, float, int], list[Tick]]
"""Gives the ticks between two values, about as many as the number, at least one."""


def linear(low: float, high: float, most: int) -> list[Tick]:
    """Give about `most` ticks at equal distances, between two values of which one is larger."""
    most = max(most, 2)
    wanted = high / most - low / most  # their distance may be no float
    base = 10.0 ** floor(log10(wanted)) if wanted > 0 else 0.0
    step = next((base * times for times in (1, 2, 5, 10) if base * times >= wanted * 0.999), 0.0)
    if not 0 < step < inf:
        return [Tick(value, f"{value:.3g}") for value in (low, high)]
    first, last = ceil(low / step - _ROUNDING), floor(high / step + _ROUNDING)
    values = [number * step for number in range(first, last + 1)]
    return _unlike(_labelled(list(filter(isfinite, values)) or [low], step))


def _labelled(values: list[float], step: float) -> list[Tick]:
    """Label values with the digits that tell a step from the next."""
    place = floor(log10(step) + _ROUNDING)
    largest = max(map(abs, values))
    if _FIXED[0] <= largest < _FIXED[1]:
        return [Tick(value, f"{value:.{min(16, max(0, -place))}f}") for value in values]
    ticks = []
    for value in values:
        digits = min(16, max(0, floor(log10(abs(value))) - place)) if value else 0
        ticks.append(Tick(value, _short(f"{value:.{digits}e}") if value else "0"))
    return ticks


def logarithmic(low: float, high: float, most: int) -> list[Tick]:
    """Give at most about `most` ticks at powers of ten, between two positive values."""
    first, last = floor(log10(low)), ceil(log10(high))
    powers = [power for power in range(first, last + 1) if low <= _power(power) <= high]
    finer = [
        times * _power(power)
        for power in range(first, last + 1)
        for times in (1, 2, 5)
        if low <= times * _power(power) <= high
    ]
    if 2 <= len(finer) <= most:
        values = finer
    elif len(powers) >= 2:
        stride = ceil(len(powers) / most)
        values = [_power(power) for power in powers if power % stride == 0]
    else:
        return linear(low, high, most)
    return [Tick(value, _short(f"{value:g}")) for value in values]


def _power(power: int) -> float:
    return 10.0**power if power < 309 else inf


def fitted(ticks: Sequence[Tick], room: int) -> list[Tick]:
    """Shorten labels to a width, and leave out those that are then the same as the one before."""
    for digits in range(6, -1, -1):
        if all(len(tick.label) <= room for tick in ticks):
            return _unlike(ticks)
        ticks = [Tick(tick.value, _short(f"{tick.value:.{digits}g}")) for tick in ticks]
    return [tick for tick in ticks if len(tick.label) <= room]


def _unlike(ticks: Iterable[Tick]) -> list[Tick]:
    return list({tick.label: tick for tick in ticks}.values())


def _short(text: str) -> str:
    """Write an exponent without a plus and leading zeros."""
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else text
