"""Curves with axes, as lines of text.

Each column of dots shows its values from the smallest to the largest, so that however many there
are no spike is lost; columns are joined by lines.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from math import inf, isfinite, log10
from operator import le
from typing import NamedTuple

from ._braille_canvas import Canvas
from ._braille_ticks import Tick, Ticks, fitted, linear, logarithmic

__all__ = ["Axis", "Curve", "draw"]

_NOT_FINITE = "x"
_LONE = "*"
_LEAST_PLOT = 8
_LARGEST = 1.7976931348623157e308


class Curve(NamedTuple):
    """One curve.

    Args:
        xs: where its values are; those that are not finite are left out.
        ys: its values; one that is NaN or infinite is an ``x`` at the lower or upper border.
        mark: a letter that tells it from others, put on it here and there.
        style: an SGR code.
        faint: draw it behind the others, with gaps.
        low: the lower border of a band around it, as long as `ys`; None for no band.
        high: the upper border.
    """

    xs: Sequence[float]
    ys: Sequence[float]
    mark: str = ""
    style: str = ""
    faint: bool = False
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


class Axis(NamedTuple):
    """One axis.

    Args:
        name: written at its end, for x.
        log: whether equal distances are equal ratios; values of 0 or less then are not finite.
        low: where it begins; None for the smallest value.
        high: where it ends; None for the largest value.
        ticks: None for round numbers.
    """

    name: str = ""
    log: bool = False
    low: float | None = None
    high: float | None = None
    ticks: Ticks | None = None


class _Scale:
    """An axis with its ends: gives values their place, 0 to 1 between the ends."""

    def __init__(self, axis: Axis, smallest: float, largest: float) -> None:
        self.log = axis.log
        low, high = _ends(axis)
        if low is None or high is None or not low < high:
            first = smallest if low is None else low
            last = largest if high is None else high
            low, high = (
                (first, last)
                if first < last
                else _around(first if high is None else last, axis.log)
            )
        self.low, self.high = low, high
        self._ticks = axis.ticks or (logarithmic if axis.log else linear)
        # Halves: the distance of two floats may be none.
        self._from, to = (log10(low), log10(high)) if axis.log else (low / 2, high / 2)
        if not self._from < to:
            self._from, to = self._from - 1, to + 1
        self._length = to - self._from

    def share(self, value: float) -> float:
        """The place of a usable value, never far outside."""
        place = log10(value) if self.log else value / 2
        return max(-9.0, min(9.0, (place - self._from) / self._length))

    def is_usable(self, value: float) -> bool:
        """Whether a value has a place."""
        return isfinite(value) and (value > 0 or not self.log)

    def ticks(self, most: int) -> list[Tick]:
        return self._ticks(self.low, self.high, max(1, most))

    def edges(self, count: int) -> list[float]:
        """The borders between `count` columns, of which the first and last are centred on the
        ends: one less than columns.
        """
        shares = [(n + 0.5) / max(1, count - 1) for n in range(count - 1)]
        places = [self._from + share * self._length for share in shares]
        return [10.0**place if self.log else place * 2 for place in places]


def _ends(axis: Axis) -> tuple[float | None, float | None]:
    """The ends that an axis is given; on a logarithmic one those of 0 or less are open."""
    low, high = axis.low, axis.high
    if axis.log:
        low = None if low is None or low <= 0 else low
        high = None if high is None or high <= 0 else high
    return low, high


def _around(value: float, log: bool) -> tuple[float, float]:
    """Ends for an axis on which there is but one value."""
    if log:
        return max(value / 10, 5e-324), min(value * 10, _LARGEST)
    distance = abs(value) / 10
    low, high = max(value - distance, -_LARGEST), min(value + distance, _LARGEST)
    return (low, high) if low < high else (value - 1, value + 1)


def draw(
    curves: Sequence[Curve],
    width: int,
    height: int,
    x: Axis = Axis(),  # noqa: B008  (immutable)
    y: Axis = Axis(),  # noqa: B008
    *,
    ascii: bool = False,
    colour: bool = False,
) -> list[str]:
    """Draw curves with their axes.

    Args:
        curves: later ones are drawn over earlier ones, faint ones and bands behind all.
        width: characters a line.
        height: lines of the canvas; the x axis takes two more.
        x: the axis to the right.
        y: the axis upward.
        ascii: use ASCII characters only.
        colour: use the styles of the curves.

    Returns:
        Lines of at most `width` characters; one that says so when there is nothing to draw.
    """
    kept = [_within(curve, x) for curve in curves]
    shown = [(curve, joined) for curve, joined in kept if len(curve.xs)]
    xs = [end for curve, _ in shown for end in (min(curve.xs), max(curve.xs))]
    if not xs:
        return ["(no values to draw)"[: max(0, width)]]
    x_scale = _Scale(x, min(xs), max(xs))
    y_scale = _Scale(y, *_extent([curve for curve, _ in shown], y))
    ticks = fitted(y_scale.ticks(max(3, height // 3)), max(1, width // 3))
    gutter = max((len(tick.label) for tick in ticks), default=0)
    if width - gutter - 1 < _LEAST_PLOT:
        ticks, gutter = [], 0
    canvas = Canvas(max(1, width - gutter - 1), max(1, height), ascii=ascii)
    bottom: set[int] = set()
    painter = _Painter(canvas, x_scale, y_scale, bottom)
    for curve, joined in sorted(shown, key=lambda pair: not pair[0].faint):
        painter.draw(curve, joined)
    painter.put_letters()
    lines = _beside(canvas.lines(colour=colour), ticks, y_scale, gutter, ascii)
    lines += _below(x_scale, x.name, canvas.width, gutter, bottom, ascii)
    return [line.rstrip() if colour else line.rstrip()[:width] for line in lines]


def _within(curve: Curve, axis: Axis) -> tuple[Curve, bool]:
    """The part of a curve that is between the ends of an axis, and whether it goes to the right
    only, so that lines can join its points.
    """
    xs: Sequence[float] = curve.xs
    low, high = _ends(axis)
    low = (5e-324 if axis.log else -_LARGEST) if low is None else low
    high = _LARGEST if high is None else high
    sequences = [xs, curve.ys, curve.low, curve.high]
    joined = all(map(le, xs, islice(xs, 1, None))) and all(map(isfinite, xs))
    if joined:
        start, end = bisect_left(xs, low), bisect_right(xs, high)
        parts = [part if part is None else part[start:end] for part in sequences]
    else:
        good = [n for n, value in enumerate(xs) if low <= value <= high]
        good.sort(key=xs.__getitem__)
        parts = [part if part is None else [part[n] for n in good] for part in sequences]
    return curve._replace(xs=parts[0] or [], ys=parts[1] or [], low=parts[2], high=parts[3]), joined


def _extent(curves: Sequence[Curve], axis: Axis) -> tuple[float, float]:
    """The smallest and the largest value that has a place on the axis."""
    usable = (lambda value: 0 < value < inf) if axis.log else isfinite
    ends = []
    for curve in curves:
        for values in (curve.ys, curve.low, curve.high):
            found = values if values is None or all(map(usable, values)) else filter(usable, values)
            fine = list(found) if found is not None else []
            ends += [min(fine), max(fine)] if fine else []
    return min(ends, default=1.0), max(ends, default=1.0)


class _Painter:
    """Draws curves on a canvas."""

    def __init__(self, canvas: Canvas, x: _Scale, y: _Scale, bottom: set[int]) -> None:
        self._canvas, self._x, self._y = canvas, x, y
        self._bottom = bottom
        self._edges = x.edges(canvas.columns)
        self._paths: list[tuple[Curve, dict[int, float]]] = []

    def draw(self, curve: Curve, joined: bool) -> None:
        if curve.low is not None and curve.high is not None:
            self._band(curve)
        path: dict[int, float] = {}
        last: tuple[int, float] | None = None
        for column, group in self._columns(curve.xs, curve.ys):
            fine = group if all(map(self._y.is_usable, group)) else []
            if not fine:
                fine = [value for value in group if self._y.is_usable(value)]
                self._not_finite(column, group)
            if not fine:
                last = None
                continue
            heights = [self._height(value) for value in (fine[0], min(fine), max(fine), fine[-1])]
            if joined:
                if last and self._y.is_usable(group[0]):
                    self._line(curve, last, (column, heights[0]))
                self._bar(curve, column, heights[1], heights[2])
            else:
                for height in {round(self._height(value)) for value in fine}:
                    self._bar(curve, column, height, height)
            last = (column, heights[3]) if self._y.is_usable(group[-1]) else None
            path[column] = heights[3]
        if not curve.faint:
            self._paths.append((curve, path))

    def _columns(
        self, xs: Sequence[float], values: Sequence[float]
    ) -> Iterator[tuple[int, Sequence[float]]]:
        """The values of each column that has any."""
        start = 0
        for column, edge in enumerate([*self._edges, inf]):
            end = bisect_left(xs, edge, start)
            if end > start:
                yield column, values[start:end]
            start = end

    def _height(self, value: float) -> float:
        return self._y.share(value) * (self._canvas.rows - 1)

    def _bar(self, curve: Curve, column: int, one: float, other: float) -> None:
        if curve.faint:
            self._canvas.faint(column, one, other, curve.style, ends=True)
        else:
            self._canvas.bar(column, one, other, curve.mark or _LONE, curve.style)

    def _line(self, curve: Curve, start: tuple[int, float], end: tuple[int, float]) -> None:
        (first, one), (last, other) = start, end
        slope = (other - one) / (last - first)
        for column in range(first, last + 1):
            left, right = max(first, column - 0.5), min(last, column + 0.5)
            self._bar(curve, column, one + slope * (left - first), one + slope * (right - first))

    def _band(self, curve: Curve) -> None:
        lows = dict(self._columns(curve.xs, curve.low or ()))
        last: tuple[int, float, float] | None = None
        for column, highs in self._columns(curve.xs, curve.high or ()):
            upper = [value for value in highs if self._y.is_usable(value)]
            lower = [value for value in lows[column] if self._y.is_usable(value)]
            if not upper:
                last = None
                continue
            bottom = self._height(min(lower)) if lower else 0.0
            end = (column, bottom, self._height(max(upper)))
            first, *start = last or end
            for between in range(first + (first < column), column + 1):
                share = (between - first) / max(1, column - first)
                one, other = (a + (b - a) * share for a, b in zip(start, end[1:], strict=True))
                self._canvas.faint(between, one, other, curve.style, ends=False)
            last = end

    def _not_finite(self, column: int, group: Sequence[float]) -> None:
        if any(value == inf for value in group):
            self._canvas.mark(column, self._canvas.rows - 1, _NOT_FINITE, "")
        if any(not self._y.is_usable(value) and value != inf for value in group):
            self._bottom.add(column * self._canvas.width // self._canvas.columns)

    def put_letters(self) -> None:
        """Put each curve's letter on it, at columns of its own, a few times."""
        several = len(self._paths)
        for number, (curve, path) in enumerate(self._paths):
            columns = sorted(path)
            if len(columns) == 1:  # a dot alone is hard to see
                column = columns[0]
                self._canvas.mark(column, path[column], curve.mark or _LONE, curve.style)
            elif curve.mark and columns:
                for part in (0, 1, 2):
                    place = (part + (number + 0.5) / several) / 3
                    self._letter(curve, path, columns, int(place * len(columns)))

    def _letter(self, curve: Curve, path: dict[int, float], columns: list[int], place: int) -> None:
        for column in [*columns[place:], *columns[:place]][:8]:
            if self._canvas.mark(column, path[column], curve.mark, curve.style):
                return


def _beside(
    lines: list[str], ticks: Sequence[Tick], scale: _Scale, gutter: int, ascii: bool
) -> list[str]:
    """Put the y axis to the left of lines."""
    plain, ticked = "||" if ascii else "│┤"
    ticked = "+" if ascii else ticked
    rows = len(lines)
    labels: dict[int, str] = {}
    for tick in ticks:
        place = scale.share(tick.value) if scale.is_usable(tick.value) else -1.0
        labels.setdefault(_row_from_top(place, rows, ascii), tick.label)
    return [
        f"{labels[row]:>{gutter}}{ticked}{line}"
        if row in labels
        else f"{'':>{gutter}}{plain}{line}"
        for row, line in enumerate(lines)
    ]


def _row_from_top(share: float, rows: int, ascii: bool) -> int:
    dots = rows if ascii else 4 * rows
    height = max(0, min(dots - 1, round(share * (dots - 1))))
    return rows - 1 - height * rows // dots


def _below(
    scale: _Scale, name: str, width: int, gutter: int, bottom: set[int], ascii: bool
) -> list[str]:
    """The x axis with its ticks, labels and name."""
    corner, plain, ticked = "+-+" if ascii else "└─┬"
    axis, labels = [plain] * width, ""
    room = width - len(name) - 2 if name and len(name) < width // 2 else width
    for tick in fitted(scale.ticks(width // 10), max(1, width // 2)):
        share = scale.share(tick.value) if scale.is_usable(tick.value) else 0.0
        place = max(0, min(width - 1, round(share * (width - 1))))
        axis[place] = ticked
        start = max(0, min(place - len(tick.label) // 2, room - len(tick.label)))
        end = start + len(tick.label)
        if (not labels or start > len(labels)) and place <= end <= room:
            labels = labels.ljust(start) + tick.label
    for place in bottom:
        axis[place] = _NOT_FINITE
    if room < width:
        labels = labels.ljust(width - len(name)) + name
    return [f"{'':>{gutter}}{corner}{''.join(axis)}", f"{'':>{gutter + 1}}{labels}"]
