"""What a terminal would show of the bytes that a program printed.

There is no screen of a certain size: a line is as wide as what is written in it, and the cursor
can go back to the lines that a usual screen would still show.
"""

from __future__ import annotations

import codecs
import re
from typing import Any

from . import _screen_colours
from ._table import width_of

__all__ = ["ROWS", "Screen"]

ROWS = 200
"""How many lines back the cursor may go."""

LONGEST = 1 << 20
"""A longer line goes on in the next one."""
_LONG = 1 << 16
"""Beyond a line of this length the cursor does not go back, so that little has to be kept."""
_PORTION = 1 << 18
_JUMP = 1000
_MARKS = 6
_TAB = 8

_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x08\x0b-\x1f\x7f-\x9f]+)"  # with newlines and tabs
    r"|(?P<sequence>(?:\x1b\[|\x9b)([0-?]{0,64})([ -/]{0,8})([@-~])?)"
    r"|(?P<string>\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])"
    r"|(?P<escape>\x1b[ -/]{0,8}([0-~])?)"
    r"|(?P<nothing>[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x8f\x91-\x97\x99\x9a]+)"
    r"|(?P<control>.)",
    re.DOTALL,
)
# A title or a picture that was torn by a crash must not swallow all lines after it.
_STRING_END = re.compile("[\x07\x9c\x18\x1a\x1b\n]")
_Row = str | list[str]
"""Cells from left to right. A list where a cell is more than a character: with its marks, or with
its colour and a null before it; the right half of a wide character is empty."""


class Screen:
    """Turn raw bytes into the lines that a terminal would show.

    Carriage returns, backspaces, tabs, cursor movements and erasures are carried out. Nothing else
    gets through: the lines hold printable characters only, without spaces at the end. However the
    bytes are cut into portions, the lines are the same. Nothing raises, and what is kept is
    bounded.

    Args:
        rows: how many lines back the cursor may go; 1 gives each line as soon as it ends.
        colours: keep colours and other renditions, as SGR sequences that end within their line.
    """

    def __init__(self, rows: int = ROWS, *, colours: bool = False) -> None:
        self._reach = rows
        self._colours = colours
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""  # the beginning of an escape sequence
        self._in_string = False
        self._rows: list[_Row] = [""]
        self._row = self._column = 0
        self._floor = 0  # the cursor does not go above this row
        self._home = 0  # where the screen begins that was last cleared
        self._saved = (0, 0)
        self._attributes: dict[str, str] = {}
        self._style = ""
        self._widths: dict[str, int] = {}

    def feed(self, data: bytes) -> list[str]:
        """Take more bytes.

        Returns:
            The lines that nothing can change any more.
        """
        lines: list[str] = []
        for start in range(0, len(data), _PORTION):
            self._take(self._decoder.decode(data[start : start + _PORTION]))
            lines += self._finished(self._floor)
        return lines

    def flush(self) -> list[str]:
        """Give the lines that are left; the screen is as new then, but for the colour."""
        self._take(self._decoder.decode(b"", final=True))
        self._decoder.reset()
        self._pending, self._in_string = "", False
        lines = self._finished(self._end())
        self._rows, self._row, self._column = [""], 0, 0
        self._floor = self._home = 0
        return lines

    def live(self) -> list[str]:
        """Give the lines that may still change: those that `flush` would give."""
        return [self._text_of(row) for row in self._rows[: self._end()]]

    def _end(self) -> int:
        """The number of rows without the blank ones at and below the cursor."""
        end = len(self._rows)
        while end > self._row and not self._rows[end - 1]:
            end -= 1
        return end

    def _finished(self, count: int) -> list[str]:
        lines = [self._text_of(row) for row in self._rows[:count]]
        del self._rows[:count]
        self._row -= count
        self._floor = max(0, self._floor - count)
        self._home = max(0, self._home - count)
        self._saved = (max(0, self._saved[0] - count), self._saved[1])
        return lines

    def _text_of(self, row: _Row) -> str:
        if isinstance(row, str):
            return row.rstrip()
        if not self._colours:
            return "".join(row).rstrip()
        end = len(row)
        while end and row[end - 1].rpartition("\0")[2] == " ":
            end -= 1
        parts, current = [], ""
        for cell in row[:end]:
            style, _, character = cell.rpartition("\0")
            if cell and style != current:
                parts.append(f"\x1b[0;{style}m" if style else "\x1b[0m")
                current = style
            parts.append(character)
        return "".join(parts) + ("\x1b[0m" if current else "")

    # ------------------------------------------------------------------------ from text to tokens

    def _take(self, text: str) -> None:
        text = self._pending + text
        self._pending = ""
        if "\r" in text:
            text = text.replace("\r\n", "\n")  # a newline goes to the first column anyway
        place = 0
        while place < len(text):
            if self._in_string:
                end = _STRING_END.search(text, place)
                if end is None:
                    return
                self._in_string = False
                place = end.start() if end[0] in "\x1b\n" else end.end()
                continue
            match = _TOKEN.match(text, place)
            assert match is not None
            place = match.end()
            kind = match.lastgroup
            if kind == "text":
                self._print(match[0])
            elif kind == "nothing":  # such as the nulls of a hole in the file
                continue
            elif kind == "control":
                self._control(match[0])
            elif kind == "string":
                self._in_string = True
            elif place == len(text) and not (match[5] or match[8]):
                self._pending = match[0]
            elif kind == "sequence":
                if match[5] and not match[4]:
                    self._sequence(match[3], match[5])
            elif match[8]:
                self._escape(match[0][1:])

    def _control(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\b":
            self._column = max(0, self._column - 1)
        elif character in "\x0b\x0c\x85":
            self._newline()

    def _escape(self, rest: str) -> None:
        if rest in ("D", "E"):
            self._newline()
        elif rest == "M":
            self._move(-1)
        elif rest == "7":
            self._saved = (self._row, self._column)
        elif rest == "8":
            self._restore()
        elif rest == "c":
            self._clear()
            self._attributes, self._style = {}, ""

    def _sequence(self, parameters: str, final: str) -> None:
        if final == "m":
            if self._colours:
                self._style = _screen_colours.follow(self._attributes, parameters)
            return
        numbers = [int(n) if n.isdigit() and n.isascii() else 0 for n in parameters.split(";")]
        first = numbers[0]
        count = min(first or 1, LONGEST)
        if final in "AF":
            self._move(-count)
        elif final in "BE":
            self._move(count)
        elif final == "C":
            self._column = self._jump(self._column + count)
        elif final == "D":
            self._column = max(0, self._column - count)
        elif final in "G`":
            self._column = self._jump(count - 1)
        elif final in "Hf":
            self._row = self._home
            self._move(count - 1)
            self._column = self._jump((numbers[1] if len(numbers) > 1 else 1) - 1)
        elif final == "J":
            self._erase_display(first)
        elif final in "KPX@":
            self._erase(final, first, count)
        elif final == "s":
            self._saved = (self._row, self._column)
        elif final == "u":
            self._restore()
        if final in "EF":
            self._column = 0

    # ------------------------------------------------------------------------ the cursor

    def _newline(self) -> None:
        self._row += 1
        self._column = 0
        if self._row == len(self._rows):
            self._rows.append("")
            self._settle()

    def _settle(self) -> None:
        """What is out of the cursor's reach stays so, also when rows are erased later."""
        self._floor = max(self._floor, len(self._rows) - self._reach)
        self._home = max(self._home, self._floor)

    def _move(self, count: int) -> None:
        # At the bottom of a screen it does not scroll, and most programs are at the bottom.
        self._row = max(self._floor, min(len(self._rows) - 1, self._row + count))

    def _jump(self, column: int) -> int:
        """A column that is asked for; programs ask for the 9999th to find the right border."""
        return max(0, min(column, max(_JUMP, self._column, len(self._rows[self._row]))))

    def _restore(self) -> None:
        self._row, self._column = self._saved[0], self._saved[1]
        self._move(0)

    # ------------------------------------------------------------------------ writing

    def _print(self, text: str) -> None:
        """Write text that has newlines and tabs, but no other control characters."""
        first, *others = text.split("\n")
        self._put(first)
        if not others:
            return
        last = others.pop()
        while others and self._row + 1 < len(self._rows):
            self._newline()
            self._put(others.pop(0))
        simple = "\t" not in text and not self._style and self._is_simple(text)
        if simple and max(map(len, others), default=0) <= _LONG:
            self._rows += others  # most of what programs print comes along here
            self._row += len(others)
            self._settle()
        else:
            for line in others:
                self._newline()
                self._put(line)
        self._newline()
        self._put(last)

    def _put(self, text: str) -> None:
        """Write text of one line, which may have tabs, over what is at the cursor."""
        for number, part in enumerate(text.split("\t")):
            if number:
                self._tab()
            if not part:
                continue
            cells = part if not self._style and self._is_simple(part) else self._cells(part)
            while cells:
                if self._column >= LONGEST:
                    self._newline()
                room = LONGEST - self._column
                self._overwrite(cells[:room])
                cells = cells[room:]

    def _tab(self) -> None:
        self._column = min(LONGEST, (self._column // _TAB + 1) * _TAB)
        row: Any = self._rows[self._row]
        if len(row) < self._column:
            self._rows[self._row] = row + _blank(row, self._column - len(row))

    def _overwrite(self, cells: _Row) -> None:
        row, column = self._rows[self._row], self._column
        end = column + len(cells)
        if isinstance(row, str) and isinstance(cells, str):
            self._rows[self._row] = row[:column].ljust(column) + cells + row[end:]
        else:
            row = self._listed()
            row += [" "] * (column - len(row))
            if column < len(row) and row[column] == "" and column:
                row[column - 1] = " "  # half of a wide character is no character
            if end < len(row) and row[end] == "":
                row[end] = " "
            row[column:end] = cells
        self._column = end
        if end > _LONG:
            self._floor = max(self._floor, self._row)

    def _listed(self) -> list[str]:
        row = self._rows[self._row]
        if isinstance(row, str):
            row = self._rows[self._row] = list(row)
        return row

    def _is_simple(self, text: str) -> bool:
        """Whether each character is printable and takes one column."""
        return text.isascii() or all(self._width(c) == 1 for c in set(text) if c != "\n")

    def _width(self, character: str) -> int:
        """Columns of a character, -1 for none that can be shown."""
        width = self._widths.get(character)
        if width is None:
            shown = character.isprintable()
            width = self._widths[character] = (
                width_of(character) if shown else 3 if character.isspace() else -1
            )
        return width

    def _cells(self, text: str) -> list[str]:
        prefix = f"{self._style}\0" if self._style else ""
        cells: list[str] = []
        for character in text:
            width = self._width(character)
            if width == 0:
                self._mark(cells, character)
            elif width > 0:
                cells.append(prefix + (" " if width == 3 else character))
                if width == 2:
                    cells.append("")
        return cells

    def _mark(self, cells: list[str], mark: str) -> None:
        """Put an accent or the like onto the character before it."""
        if not cells:
            if not 0 < self._column <= len(self._rows[self._row]):
                return
            cells = self._listed()
            at = self._column - 1
        else:
            at = len(cells) - 1
        if at and not cells[at]:
            at -= 1
        if cells[at] and len(cells[at].rpartition("\0")[2]) < _MARKS:
            cells[at] += mark

    # ------------------------------------------------------------------------ erasing

    def _erase_display(self, what: int) -> None:
        if what == 0:
            self._erase("K", 0, 1)
            del self._rows[self._row + 1 :]
        elif what == 1:
            self._rows[self._floor : self._row] = [""] * (self._row - self._floor)
            self._erase("K", 1, 1)
        else:
            self._clear()

    def _clear(self) -> None:
        """Go on below: what was shown before the screen was cleared is worth reading, too."""
        if self._rows[-1]:
            self._rows.append("")
        self._row = self._floor = self._home = len(self._rows) - 1

    def _erase(self, final: str, what: int, count: int) -> None:
        """Carry out K (erase in line), P (delete), X (erase) or @ (insert characters)."""
        row: Any = self._rows[self._row]
        column, end = self._column, self._column + count
        if final == "K":
            if what == 0:
                row = row[:column]
            elif what == 1:
                row = _blank(row, min(column + 1, len(row))) + row[column + 1 :]
            else:
                row = ""
        elif column < len(row):
            if final == "P":
                row = row[:column] + row[end:]
            elif final == "X":
                row = row[:column] + _blank(row, min(count, len(row) - column)) + row[end:]
            else:
                row = (row[:column] + _blank(row, min(count, _JUMP)) + row[column:])[:LONGEST]
        self._rows[self._row] = row


def _blank(row: _Row, count: int) -> Any:
    """Spaces, in the form that a row has."""
    return " " * count if isinstance(row, str) else [" "] * count
