"""The page that ``show`` writes: titles, named facts and tables that fit the terminal.

Everything that is written comes from a record, so every text is cleaned here.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from .. import _table
from .._experiments_whole import listed, named, text
from .._table import Column, clean, cut

__all__ = ["Page", "listed", "moment", "named", "seconds_of", "size_text", "text"]

_INDENT = "  "
_LABEL = 13
_LONGEST = 600
_CELL = 60


class Page:
    """Collects lines that are no wider than the terminal.

    Args:
        width: characters a line; None for no limit.
        colour: whether to use colours.
        everything: cut nothing.
        expid: of the experiment, for the word how to see what is cut.
    """

    def __init__(self, width: int | None, colour: bool, everything: bool, expid: str) -> None:
        self.lines: list[str] = []
        self.room = None if width is None else max(20, width - len(_INDENT))
        self.everything = everything
        self._colour = colour
        self._expid = expid
        self._title = ""
        self._cut = False

    def title(self, words: str) -> None:
        """Begin a section; its title is written when it turns out to have anything in it."""
        self._title = words

    def _begin(self) -> None:
        words, self._title = self._title, ""
        if words:
            line = cut(clean(words), self.room) if self.room else clean(words)
            self.lines += ["", self.styled(line, "1")]

    def styled(self, line: str, code: str) -> str:
        return f"\x1b[{code}m{line}\x1b[0m" if self._colour and line and code else line

    def line(self, line: str, code: str = "", *, fold: bool = False) -> None:
        """Write one line, shortened to the terminal; or folded, so that nothing is left out."""
        self._begin()
        line = clean(line)
        while fold and self.room and len(line) > self.room and line.isascii():
            self.lines.append(_INDENT + self.styled(line[: self.room], code))
            line = line[self.room :]
        shown = cut(line, self.room) if self.room else line
        self.lines.append(_INDENT + self.styled(shown, code))

    def whole(self, line: str) -> None:
        """Write one line that is there to be copied, so it is never cut."""
        self._begin()
        self.lines.append(_INDENT + clean(line))

    def fact(self, label: str, value: Any, code: str = "") -> None:
        """Write a named fact, on as many lines as it takes; nothing for none."""
        words = clean(text(value)).strip()
        if not words:
            return
        if len(words) > _LONGEST and not self.everything:
            words = words[:_LONGEST] + "..."
            self._cut = True
        lines = [words]
        if self.room:
            wide = max(10, self.room - _LABEL)
            lines = [cut(part, wide) for part in textwrap.wrap(words, wide)]
        self._begin()
        for number, part in enumerate(lines):
            head = "" if number else clean(label)
            self.lines.append(f"{_INDENT}{head:<{_LABEL}}{self.styled(part, code)}")

    def table(self, columns: Sequence[Column], rows: int = 0) -> None:
        """Write a table; columns that there is no room for, or that are empty, are left out.

        Args:
            columns: as for `_table.render`.
            rows: so many rows at most, unless everything is wanted; 0 for all.
        """
        count = len(columns[0].values)
        if not count:
            return
        kept = count if self.everything or not rows else min(count, rows)
        shown = []
        for column in columns:
            values = column.values[:kept]
            if all(value is _table.MISSING for value in values):
                continue
            limit = column.limit if column.limit > _CELL or not self.everything else 1 << 20
            shown.append(column._replace(values=values, limit=limit))
            self._cut |= any(isinstance(v, str | list | dict) and _is_long(v) for v in values)
        self._begin()
        table = _table.render(shown, self.room, colour=self._colour)
        self.lines += [_INDENT + line for line in table.lines]
        if kept < count:
            self.more(count - kept)

    def more(self, count: int) -> None:
        """Say how many are left out, and how to see them."""
        self.line(f"... {count} more: meticulous show {self._expid} --all", "2")

    def end(self) -> str:
        """Give the whole page."""
        if self._cut and not self.everything:
            self.lines.append("")
            self.line(f"Long values are cut; in full: meticulous show {self._expid} --all", "2")
        return "\n".join(self.lines).lstrip("\n") + "\n"


def _is_long(value: Any) -> bool:
    return len(text(value)) > _CELL


def seconds_of(value: Any) -> float | None:
    """Seconds since the epoch of a time of a record; None when it is none."""
    try:
        return datetime.fromisoformat(value).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def moment(value: Any) -> str:
    """A time of a record as the local time; as it stands there when it is none."""
    seconds = seconds_of(value)
    try:
        if seconds is not None:
            return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        pass
    return text(value)


def size_text(size: Any) -> str:
    """A number of bytes: ``17 B``, ``4.2 kB``, ``1.5 GB``."""
    if isinstance(size, bool) or not isinstance(size, (int, float)) or not 0 <= size < 1e24:
        return text(size)
    units: Iterable[str] = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB")
    for unit in units:
        if size < 999.5 or unit == "ZB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.1f} {unit}"
