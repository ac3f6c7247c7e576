"""A canvas of dots that becomes lines of characters, of 2 x 4 dots in braille or one in ASCII."""

from __future__ import annotations

__all__ = ["Canvas"]

_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""The bits of a braille character: its two columns, from the bottom to the top."""
_BRAILLE = 0x2800


class Canvas:
    """Dots from the bottom left, in two layers: where there is a curve, nothing faint shows.

    Args:
        width: in characters.
        height: in characters.
        ascii: one dot a character.
    """

    def __init__(self, width: int, height: int, *, ascii: bool) -> None:
        self._ascii = ascii
        self._across, self._up = (1, 1) if ascii else (2, 4)
        self.width, self.height = width, height
        self.columns, self.rows = width * self._across, height * self._up
        self._strong: dict[tuple[int, int], int] = {}
        self._faint: dict[tuple[int, int], int] = {}
        self._styles: dict[tuple[int, int], tuple[str, str]] = {}
        self._marks: dict[tuple[int, int], tuple[str, str]] = {}

    def bar(self, column: int, one: float, other: float, character: str, style: str) -> None:
        """Draw from one height to another; what is outside is left out."""
        low, high = self._clipped(one, other)
        across, place = divmod(column, self._across)
        for row in range(low // self._up, high // self._up + 1):
            first, last = max(low - row * self._up, 0), min(high - row * self._up, self._up - 1)
            bits = sum(_DOTS[place][first : last + 1]) if self._up > 1 else 1
            cell = (across, row)
            self._strong[cell] = self._strong.get(cell, 0) | bits
            self._styles[cell] = (character, style)

    def faint(self, column: int, one: float, other: float, style: str, *, ends: bool) -> None:
        """Draw the same with gaps: every fourth dot, or every second one and both ends."""
        low, high = self._clipped(one, other)
        across, place = divmod(column, self._across)
        for row in range(low, high + 1):
            if ends:
                is_drawn = row in (low, high) or (row + column) % 2 == 0
            else:
                is_drawn = row % 2 == 0 and column % 2 == 0
            if is_drawn:
                cell = (across, row // self._up)
                bit = _DOTS[place][row % self._up]
                self._faint[cell] = self._faint.get(cell, 0) | bit
                if cell not in self._strong:
                    self._styles[cell] = (".", style)

    def _clipped(self, one: float, other: float) -> tuple[int, int]:
        low, high = sorted((round(one), round(other)))
        return max(low, 0), min(high, self.rows - 1)

    def mark(self, column: int, height: float, character: str, style: str) -> bool:
        """Put a character in place of the dots; False if another is there, or it is outside."""
        cell = (column // self._across, round(height) // self._up)
        if cell in self._marks or not 0 <= round(height) < self.rows:
            return False
        self._marks[cell] = (character, style)
        return True

    def lines(self, *, colour: bool) -> list[str]:
        """Give the lines from the top to the bottom, all equally wide, with SGR codes if asked."""
        found = []
        for row in range(self.height - 1, -1, -1):
            line, last = [], ""
            for column in range(self.width):
                character, style = self._cell((column, row))
                if colour and style != last:
                    line.append(f"\x1b[0;{style}m" if style else "\x1b[0m")
                    last = style
                line.append(character)
            found.append("".join(line) + ("\x1b[0m" if last else ""))
        return found

    def _cell(self, cell: tuple[int, int]) -> tuple[str, str]:
        if cell in self._marks:
            return self._marks[cell]
        bits = self._strong.get(cell) or self._faint.get(cell)
        if not bits:
            return " ", ""
        character, style = self._styles[cell]
        return character if self._ascii else chr(_BRAILLE + bits), style
