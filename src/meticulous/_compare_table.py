"""The paper's table: results by rows and columns, rounded as their spread deserves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import _query_rows
from ._compare_groups import Group, ordered_key
from ._compare_statistics import Description, half_interval

__all__ = ["SPREADS", "Cell", "PaperTable", "rounding"]

SPREADS = ("std", "sem", "ci", "none")
_PLAIN = frozenset((-3, -2, -1, 0, 1, 2, 3, 4, 5))
_WITHOUT_SPREAD = 4
_WIDEST = 5
"""How many powers of ten numbers that are rounded together may be apart."""


class Cell(NamedTuple):
    """One result of the table.

    Args:
        group: the experiments behind it.
        description: their numbers.
        spread: what stands behind the ±, unrounded; None for nothing.
        mean_text: the mean, rounded; empty when there is none.
        spread_text: the spread, rounded to the same place.
        exponent: both texts are to be multiplied by this power of ten.
        best: whether it is the best of its column or row, or rounds to the same.
    """

    group: Group
    description: Description
    spread: float | None
    mean_text: str
    spread_text: str
    exponent: int
    best: bool


class PaperTable:
    """Arrange groups in rows and columns.

    Args:
        results: for each result's name the groups by the values of rows and columns together, and
            whether small values are better, None when nothing is.
        rows: how many of a group's values make its row; the others make its column.
        spread: one of `SPREADS`.
        decimals: digits after the point; None for as many as the spread deserves.
        in_rows: look for the best in each row, not in each column.

    Attributes:
        rows: the values of each row, in order.
        columns: the values of each column, and the name of the result.
        cells: by row, then by column; None where there is no experiment.
        usual_n: the number of results that most cells have.
    """

    def __init__(
        self,
        results: dict[str, tuple[list[Group], bool | None]],
        rows: int,
        spread: str,
        decimals: int | None = None,
        *,
        in_rows: bool = False,
    ) -> None:
        groups = [group for found, _ in results.values() for group in found if group.runs]
        self.rows = _distinct([group.key[:rows] for group in groups])
        outer = _distinct([group.key[rows:] for group in groups])
        self.columns = [(key, name) for key in outer for name in results]
        placed = {
            (_identity(group.key[:rows]), _identity(group.key[rows:]), name): group
            for name, (found, _) in results.items()
            for group in found
            if group.runs
        }
        grid = [
            [placed.get((_identity(row), _identity(key), name)) for key, name in self.columns]
            for row in self.rows
        ]
        self.cells: list[list[Cell | None]] = [[None] * len(self.columns) for _ in self.rows]
        lower = {name: direction for name, (_, direction) in results.items()}
        for line in self._lines(in_rows, list(results)):
            there = [(row, column) for row, column in line if grid[row][column]]
            found = [group for row, column in there if (group := grid[row][column])]
            name = self.columns[line[0][1]][1]
            cells = _line(found, spread, decimals, lower[name])
            for (row, column), cell in zip(there, cells, strict=True):
                self.cells[row][column] = cell
        counts = Counter(cell.description.n for line in self.cells for cell in line if cell)
        self.usual_n = counts.most_common(1)[0][0] if counts else 0

    def _lines(self, in_rows: bool, names: list[str]) -> list[list[tuple[int, int]]]:
        """The places that are compared and rounded together."""
        rows, columns = range(len(self.rows)), range(len(self.columns))
        if not in_rows:
            return [[(row, column) for row in rows] for column in columns]
        return [
            [(row, column) for column in columns if self.columns[column][1] == name]
            for row in rows
            for name in names
        ]


def _identity(key: Sequence[Any]) -> tuple[str, ...]:
    return tuple(map(_query_rows.identity, key))


def _distinct(keys: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Each key once, sorted."""
    return sorted({_identity(key): key for key in reversed(keys)}.values(), key=ordered_key)


def _line(groups: list[Group], spread: str, decimals: int | None, lower: bool | None) -> list[Cell]:
    """The cells of one column, or row: rounded to the same place unless they are far apart, and the
    best ones marked, with those that round to the same; 0.00 is the same for the best alone.
    """
    found = [group.description for group in groups]
    means = [each.mean or 0.0 for each in found]
    spreads = [_spread(each, spread) for each in found]
    sizes = [_magnitude(mean) for mean in means if mean and math.isfinite(mean)]
    if sizes and max(sizes) - min(sizes) > _WIDEST:  # as of a diverged run among others
        pairs = zip(means, spreads, strict=True)
        roundings = [rounding([mean], [width], decimals) for mean, width in pairs]
    else:
        roundings = [rounding(means, spreads, decimals)] * len(means)
    texts = [_text(mean, *each) for mean, each in zip(means, roundings, strict=True)]
    best = None
    if lower is not None and len(texts) > 1:
        best = means.index(min(means) if lower else max(means))

    def is_best(place: int) -> bool:
        if best is None or means[place] == means[best]:
            return best is not None
        same = (texts[place], roundings[place][0]) == (texts[best], roundings[best][0])
        return same and bool(texts[best].strip("-0."))

    return [
        Cell(
            group,
            found[place],
            width,
            texts[place],
            "" if width is None else _text(width, *roundings[place]),
            roundings[place][0],
            is_best(place),
        )
        for place, (group, width) in enumerate(zip(groups, spreads, strict=True))
    ]


def _spread(description: Description, which: str) -> float | None:
    if which == "ci":
        return half_interval(description)
    return None if which == "none" else {"std": description.std, "sem": description.sem}[which]


def rounding(
    means: Sequence[float], spreads: Sequence[float | None], decimals: int | None = None
) -> tuple[int, int]:
    """Choose how the numbers of a column are written.

    The spread in the middle of the column decides: if its first three digits are 100 to 354, two of
    its digits are kept, up to 949 one, above that it counts as 1000 and two are kept (Particle
    Data Group, Review of Particle Physics, Introduction, 5.3). Without any spread it is four
    digits of the largest number. Numbers that are 0.00... or in millions get a power of ten.

    Args:
        means: finite numbers.
        spreads: what stands behind the ±.
        decimals: digits after the point, if somebody chose them.

    Returns:
        The power of ten, and the digits after the point; below 0, zeros before it.
    """
    known = sorted(width for width in spreads if width and math.isfinite(width))
    sizes = [_magnitude(value) for value in [*means, *known] if value and math.isfinite(value)]
    largest = max(sizes, default=0)
    exponent = 0 if largest in _PLAIN else largest
    if decimals is not None:
        return exponent, decimals
    if not known:
        return exponent, max(0, _WITHOUT_SPREAD - 1 - largest + exponent)
    middle = known[(len(known) - 1) // 2]
    size, first = _magnitude(middle), int(f"{middle:.2e}".replace(".", "")[:3])
    digits = 2 if first <= 354 else 1 if first <= 949 else 2
    place = digits - 1 - size - (1 if first > 949 else 0)
    return exponent, min(place + exponent, 15)


def _magnitude(value: float) -> int:
    """The power of ten of the first digit, as it is after rounding to three."""
    return int(f"{value:.2e}".partition("e")[2])


def _text(value: float, exponent: int, places: int) -> str:
    if not math.isfinite(value):  # a deviation beyond every float
        return str(value)
    import decimal

    with decimal.localcontext(decimal.Context(prec=800)):
        scaled = round(decimal.Decimal(value).scaleb(-exponent), places)
        text = f"{scaled:.{max(places, 0)}f}"
    return text.lstrip("-") if not text.strip("-0.") else text
