"""Draw the listing again and again in the same place.

No mode of the terminal is changed, so that there is nothing to restore, however this ends. What
was on the screen is scrolled away, not erased.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from .._table import cut
from . import _output

__all__ = ["is_possible", "watch"]

_LOOK = 0.2
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"

Lines = tuple[list[str], list[str], list[str]]


def is_possible() -> bool:
    """Whether the output is a terminal that can draw in place."""
    try:
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    except (ValueError, AttributeError):
        return False


def watch(draw: Callable[[], Lines], seconds: float, *, oldest_first: bool) -> None:
    """Draw until Ctrl-C; a terminal of another size is drawn anew at once.

    Args:
        draw: gives the lines above the rows, the rows, and what is below.
        seconds: from one drawing to the next.
        oldest_first: of more rows than fit, the last are the ones to show.

    Raises:
        KeyboardInterrupt: somebody had seen enough; the cursor is below the table.
    """
    size = _size()
    _output.write("\n" * size[1])
    used = 0
    try:
        while True:
            lines = _fitted(draw(), size, oldest_first)
            used = len(lines)
            # A line is cleared before it is written: after a full one the cursor is on its end.
            text = "\r\n".join(_CLEAR_LINE + line for line in lines)
            _output.write(f"{_HOME}{text}{_CLEAR_BELOW if used < size[1] else ''}")
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0 and size == _size():
                time.sleep(min(_LOOK, left))
            size = _size()
    finally:
        if used:
            _output.write(f"\x1b[{used};1H\r\n")


def _fitted(lines: Lines, size: tuple[int, int], oldest_first: bool) -> list[str]:
    head, body, foot = lines
    height = size[1] - 1
    room = height - len(head) - len(foot)
    if len(body) > room:
        shown = max(1, room - 1)
        where = "above" if oldest_first else "below"
        note = cut(f"... {len(body) - shown} more {where}: the terminal is too low", size[0])
        body = [note, *body[-shown:]] if oldest_first else [*body[:shown], note]
    return [*head, *body, *foot][: max(1, height)]


def _size() -> tuple[int, int]:
    try:
        found = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return 80, 24
    return found.columns or 80, found.lines or 24
