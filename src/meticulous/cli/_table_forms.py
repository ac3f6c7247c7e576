"""The paper's table on the terminal."""

from __future__ import annotations

from typing import Any

from .._compare_forms import NOTHING, Page, plain
from .._table import Column

__all__ = ["terminal"]


def terminal(page: Page, sign: str) -> list[Column]:
    """Columns to print, with a sign for plus or minus; the best have a ``*`` and are bold."""
    columns = [
        Column(name, [labels[place] for labels, _ in page.lines()], keep=1, least=12)
        for place, name in enumerate(page.corner)
    ]
    for place in range(len(page.table.columns)):
        cells = [line[place] for line in page.table.cells]
        width = max((len(cell.mean_text) for cell in cells if cell), default=0)
        texts = [
            plain(cell, page.other_n(cell), width).replace("±", sign) + (" *" if cell.best else "")
            if cell
            else NOTHING
            for cell in cells
        ]
        group, name = page.above(place)
        group, name = (group, name) if name else ("", group)
        least = max(map(len, texts), default=0)
        columns.append(Column(name, texts, group, 2, 60, least, style=_bold))
    return columns


def _bold(text: Any) -> str:
    return "1" if text.endswith(" *") else ""
