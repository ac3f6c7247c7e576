"""Panels of curves as text: which mark and colour each curve has, and axes of time."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from .._braille_curves import Axis, Curve, draw
from .._braille_ticks import Tick, linear
from .._table import clean, cut
from . import _output
from ._plot_series import Line, Panel

__all__ = ["picture"]

_LETTERS = "abcdefghijklmnopqrstuvwyzABCDEFGHIJKLMNOPQRSTUVWYZ"  # x marks what is not finite
_STYLES = ("36", "33", "35", "32", "31", "34", "96", "93", "95", "92", "91", "94")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_LENGTHS = (
    *(1, 2, 5, 10, 15, 30),
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)
_NAME = 24


def picture(panels: Sequence[Panel], options: Any, width: int, height: int, ascii: bool) -> str:
    """Draw panels one below another, with one legend for all.

    Args:
        panels: the curves.
        options: of the command.
        width: characters a line.
        height: lines of each canvas.
        ascii: use ASCII characters only.
    """
    labels = {line.key: line.label for panel in panels for line in panel.lines}
    alone = len(labels) < 2
    looks = {
        key: ("" if alone else _LETTERS[n % len(_LETTERS)], _STYLES[n % len(_STYLES)])
        for n, key in enumerate(labels)
    }
    colour = _output.colours()
    lines: list[str] = []
    for panel in panels:
        title = clean(panel.title)
        if alone and panel.lines:
            title += f"  {clean(panel.lines[0].label)}"
        lines.append(cut(title, width))
        lines += _panel(panel, looks, options, (width, height), ascii=ascii, colour=colour)
    if not alone:
        for key, (letter, style) in looks.items():
            text = cut(f"{letter} {clean(labels[key])}", width)
            lines.append(f"\x1b[{style}m{text[:1]}\x1b[0m{text[1:]}" if colour else text)
    return "\n".join(lines)


def _panel(
    panel: Panel,
    looks: dict[str, tuple[str, str]],
    options: Any,
    size: tuple[int, int],
    *,
    ascii: bool,
    colour: bool,
) -> list[str]:
    curves = []
    for line in panel.lines:
        mark, style = looks[line.key]
        if line.raw is not None:
            curves.append(Curve(line.xs, line.raw, "", f"2;{style}", faint=True))
        curves.append(Curve(line.xs, line.ys, mark, style, False, line.low, line.high))
    x = _x_axis(options, panel.lines)
    y = Axis("", "y" in options.log, *options.ylim)
    found = draw(curves, *size, x, y, ascii=ascii, colour=colour)
    for text in _not_drawn(panel.lines, options):
        found.append(cut(text, size[0]))
    return found


def _x_axis(options: Any, lines: Sequence[Line]) -> Axis:
    log = "x" in options.log
    name, ticks = clean(options.x), None
    if options.x == "time" and not log:
        ticks = _lengths
    elif options.x == "wall" and not log:
        first = min((x for line in lines for x in line.xs[:1] if math.isfinite(x)), default=0.0)
        name, ticks = _clock(first, "%Y-%m-%d") or name, _clocks
    low, high = options.xlim
    return Axis(cut(name, _NAME), log, low, high, ticks)


def _not_drawn(lines: Sequence[Line], options: Any) -> list[str]:
    """Say which values have no place on the axes."""
    values = [value for line in lines for value in line.ys]
    odd = sum(not math.isfinite(value) for value in values)
    found = [f"x: {odd} of {len(values)} values are no finite numbers"] if odd else []
    if "y" in options.log:
        low = sum(-math.inf < value <= 0 for value in values)
        found += (
            [f"x: {low} of {len(values)} values are 0 or less: not on a log axis"] if low else []
        )
    if "x" in options.log:
        low = sum(x <= 0 for line in lines for x in line.xs)
        found += [f"left out: {low} points at {clean(options.x)} of 0 or less"] if low else []
    return found


# ---------------------------------------------------------------------------- axes of time


def _step(low: float, high: float, most: int) -> int:
    wanted = (high - low) / most
    return next((length for length in _LENGTHS if length >= wanted), 0)


def _lengths(low: float, high: float, most: int) -> list[Tick]:
    """Ticks at round lengths of time, such as ``1h30m``."""
    step = _step(low, high, most)
    if not step or high - low < 2:
        return [Tick(value, f"{label}s") for value, label in linear(low, high, most)]
    numbers = range(math.ceil(low / step), math.floor(high / step) + 1)
    return [Tick(float(number * step), _length(number * step)) for number in numbers]


def _length(seconds: int) -> str:
    sign, rest = ("-", -seconds) if seconds < 0 else ("", seconds)
    text = ""
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m"), (1, "s")):
        count, rest = divmod(rest, unit)
        text += f"{count}{name}" if count else ""
    return sign + (text or "0s")


def _clocks(low: float, high: float, most: int) -> list[Tick]:
    """Ticks at round local times."""
    step = _step(low, high, most)
    form = "%Y-%m-%d" if step >= _DAY else "%H:%M" if step >= _MINUTE else "%H:%M:%S"
    if not step or not _clock(low, form) or not _clock(high, form):
        return linear(low, high, most)
    offset = time.localtime(low).tm_gmtoff
    numbers = range(math.ceil((low + offset) / step), math.floor((high + offset) / step) + 1)
    values = [float(number * step - offset) for number in numbers]
    return [Tick(value, _clock(value, form)) for value in values]


def _clock(moment: float, form: str) -> str:
    """Write seconds since the epoch as local time; empty when there is no such time."""
    try:
        return time.strftime(form, time.localtime(moment))
    except (ValueError, OverflowError, OSError):
        return ""
