"""Plain text tables that fit a width, and the text of values in them.

What a record holds is untrusted: terminal escapes and control characters never get through.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

__all__ = ["MISSING", "Column", "Table", "clean", "cut", "duration_text", "render", "width_of"]

GAP = "  "
_HEADER_MINIMUM = 10
_GROUP_MINIMUM = 4
_LONG_NUMBER = 24
_SHORT_FLOAT = 10
_NOT_FINITE = frozenset(("NaN", "Infinity", "-Infinity"))
_ESCAPE = re.compile(
    # Control sequences such as colours; then strings such as titles and links; then the rest.
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)


class MISSING:
    """The value of a cell that has none; None is a value."""


class Column(NamedTuple):
    """One column, with its values from top to bottom.

    Args:
        name: the header.
        values: one JSON value a row, `MISSING` for an empty cell.
        group: a second header line shows it above the columns that share it.
        keep: which columns give way when the width is too small: higher ones first, from the
            right, unless one still fits where a wide one gave way; 0 never gives way and is never
            cut.
        limit: the widest a cell may be, in characters.
        least: how far text may be cut before the column gives way.
        style: gives the SGR code (such as ``"31"``) of a value, empty for none.
        mark: tells which values get a ``*``; the others get room for it.
    """

    name: str
    values: Sequence[Any]
    group: str = ""
    keep: int = 5
    limit: int = 40
    least: int = 10
    style: Callable[[Any], str] | None = None
    mark: Callable[[Any], bool] | None = None


class Table(NamedTuple):
    """A printed table: its lines, and the columns that there was no room for."""

    lines: list[str]
    hidden: list[Column]


class _Cells(NamedTuple):
    """A column as text: its width as it is, and the smallest that still tells something."""

    texts: list[str]
    ascii: bool
    right: bool
    natural: int
    minimum: int


def render(columns: Sequence[Column], width: int | None = None, *, colour: bool = False) -> Table:
    """Print columns side by side, numbers to the right, in at most `width` characters a line.

    Args:
        columns: in the order of the page; they have the same number of values.
        width: characters a line; None for as many as it takes.
        colour: use the columns' styles.

    Returns:
        The lines without newlines. Only columns that may neither give way nor be cut can make
        them longer than `width`.
    """
    cells = [_cells(column) for column in columns]
    widths = _fit(columns, cells, width)
    shown = [index for index, given in enumerate(widths) if given is not None]
    lines: list[str] = []
    padded: list[list[str]] = []
    for index in shown:
        column, given = columns[index], widths[index] or 0
        style = column.style if colour else None
        padded.append(_padded(cells[index], given, column.values, style))
    if any(columns[index].group for index in shown):
        groups = [columns[index].group for index in shown]
        lines.append(_group_line(groups, [widths[index] or 0 for index in shown], width))
    names = [_header(clean(columns[i].name), widths[i] or 0) for i in shown]
    headers = [_pad(n, widths[i] or 0, cells[i].right) for i, n in zip(shown, names, strict=True)]
    lines.append(GAP.join(headers).rstrip())
    lines += [GAP.join(row).rstrip() for row in zip(*padded, strict=True)]
    return Table(lines, [columns[i] for i, given in enumerate(widths) if given is None])


def _cells(column: Column) -> _Cells:
    values = column.values
    texts = [_FORMATS.get(type(value), _other)(value) for value in values]
    if len(set(map(type, values)) - {type}) > 1:
        others = {t for t, value in zip(texts, values, strict=True) if type(value) is not str}
        texts = [  # a text that another value looks like
            repr(text) if type(value) is str and text in others else text
            for text, value in zip(texts, values, strict=True)
        ]
    longest = max(map(len, texts), default=0)
    limit = column.limit if column.keep else longest
    if longest > 4 * limit:
        texts = [text[: 4 * limit] for text in texts]
    joined = "".join(texts)
    if not joined.isprintable():
        texts = [clean(text) for text in texts]
        joined = "".join(texts)
    if column.mark is not None:
        marks = map(column.mark, values)
        texts = [text + ("*" if mark else " ") for text, mark in zip(texts, marks, strict=True)]
    ascii_only = joined.isascii()
    measured = max(map(len if ascii_only else width_of, texts), default=0)
    right = _is_numeric(values)
    header = max(width_of(clean(column.name)), min(len(column.group), _GROUP_MINIMUM))
    natural = max(header, measured if right and measured <= _LONG_NUMBER else min(measured, limit))
    if not column.keep:
        natural = minimum = max(header, measured)
    elif right and measured <= _LONG_NUMBER:  # a number that is cut tells a lie
        minimum = max(measured, min(header, _HEADER_MINIMUM))
    else:
        minimum = min(natural, column.least)
    return _Cells(texts, ascii_only, right, natural, minimum)


def _is_numeric(values: Sequence[Any]) -> bool:
    kinds = set(map(type, values))
    numbers = kinds & {int, float}
    if not numbers or not kinds <= {int, float, str, type, type(None)}:
        return False
    return str not in kinds or all(value in _NOT_FINITE for value in values if type(value) is str)


def _fit(columns: Sequence[Column], cells: list[_Cells], width: int | None) -> list[int | None]:
    """Give every column its width, None to those that give way."""
    if width is None:
        return [cell.natural for cell in cells]
    widths: list[int | None] = [cell.minimum for cell in cells]
    left = width - sum(cell.minimum for cell in cells) - len(GAP) * (len(cells) - 1)
    ranked = sorted(range(len(columns)), key=lambda i: (-columns[i].keep, -i))
    for index in ranked:
        if left >= 0 or columns[index].keep == 0:
            break
        widths[index] = None
        left += cells[index].minimum + len(GAP)
    for index in reversed(ranked):
        needed = cells[index].minimum + len(GAP)
        if widths[index] is None and needed <= left:
            widths[index] = cells[index].minimum
            left -= needed
    growing = True
    while left > 0 and growing:  # the narrow ones reach what they want before the wide ones
        growing = False
        for index, cell in enumerate(cells):
            given = widths[index]
            if left > 0 and given is not None and given < cell.natural:
                widths[index] = given + 1
                left -= 1
                growing = True
    return widths


def _padded(
    cells: _Cells, width: int, values: Sequence[Any], style: Callable[[Any], str] | None
) -> list[str]:
    texts = cells.texts
    if cells.ascii:
        texts = [text if len(text) <= width else cut(text, width) for text in texts]
        padded = [text.rjust(width) if cells.right else text.ljust(width) for text in texts]
    else:
        padded = [_pad(text, width, cells.right) for text in texts]
    if style is None:
        return padded
    return [_styled(text, style(value)) for text, value in zip(padded, values, strict=True)]


def _styled(padded: str, code: str) -> str:
    text = padded.strip()
    return padded.replace(text, f"\x1b[{code}m{text}\x1b[0m", 1) if code and text else padded


def _pad(text: str, width: int, right: bool) -> str:
    text = cut(text, width)
    space = " " * (width - width_of(text))
    return space + text if right else text + space


def _header(name: str, width: int) -> str:
    """Shorten a dotted name from the left: what tells columns apart mostly stands at its end."""
    if width_of(name) <= width or "." not in name:
        return name
    last = name.rpartition(".")[2]
    return f"...{last}" if width_of(last) + 3 <= width else last


def _group_line(groups: list[str], widths: list[int], width: int | None) -> str:
    """Write each group's name over the first of its columns, up to where the next one begins."""
    starts: list[tuple[str, int]] = []
    place = 0
    for index, group in enumerate(groups):
        if group and (index == 0 or groups[index - 1] != group):
            starts.append((group, place))
        place += widths[index] + len(GAP)
    line = ""
    ends = [start - 1 for _, start in starts[1:]] + [width or sys.maxsize]
    for (group, start), end in zip(starts, ends, strict=True):
        line += " " * (start - width_of(line)) + cut(clean(group), max(0, end - start))
    return line.rstrip()


def clean(text: str) -> str:
    """Make text safe for a terminal, on one line.

    Terminal escapes, control and invisible characters (also those that turn the direction of
    writing) go; newlines, tabs and other spaces become a space.
    """
    if text.isprintable():
        return text
    text = _ESCAPE.sub("", text)
    return "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)


def width_of(text: str) -> int:
    """Count the columns of a terminal that clean text takes; wide characters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(c) in ("Mn", "Me") else 2 if east_asian_width(c) in "WF" else 1 for c in text
    )


def cut(text: str, width: int) -> str:
    """Shorten clean text to a width; what is missing is shown as ``...``."""
    if width_of(text) <= width:
        return text
    dots = "..."[:width]
    room = width - len(dots)
    if text.isascii():
        return text[:room] + dots
    kept = []
    for character in text:
        room -= width_of(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept) + dots


def _text(value: str) -> str:
    return value or "''"


def _float(value: float) -> str:
    """A float of more than ten characters is rounded to what fits, but never below six digits."""
    text = repr(value)
    if len(text) <= _SHORT_FLOAT:
        return text
    for digits in (9, 8, 7):
        text = f"{value:.{digits}g}"
        if len(text) <= _SHORT_FLOAT:
            return text
    return f"{value:.6g}"


def _other(value: Any) -> str:
    try:
        return repr(value)
    except (RecursionError, ValueError):  # deeper, or with more digits, than Python writes
        return f"<{type(value).__name__}>"


_FORMATS: dict[type, Callable[[Any], str]] = {
    str: _text,
    float: _float,
    int: _other,
    type: lambda value: "",
}


def duration_text(seconds: float) -> str:
    """Write a length of time: ``3ms``, ``4.2s``, ``5m12s``, ``3h04m``, ``2d03h``."""
    if not 0 <= seconds < float("inf"):
        return ""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 10:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d{hour:02d}h"
    if hours:
        return f"{hours}h{minute:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
