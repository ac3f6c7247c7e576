"""Go on showing what an experiment prints while it runs."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import BinaryIO

from .. import _status
from .._experiments_console import open_console, start_of_last
from .._screen import ROWS, Screen
from .._table import clean, duration_text, width_of
from ..errors import MeticulousError
from ..experiments import ExperimentReader
from . import _logs_raw, _output

__all__ = ["follow"]

_POLL_SECONDS = 0.1
_STATUS_SECONDS = 0.5
_PORTION = 1 << 18
_KNOWN = 256
_TELLING = 64
_NEAR = 1 << 20


def follow(reader: ExperimentReader, stream: str, tail: int | None, *, raw: bool) -> int:
    """Print a stream as it grows until the experiment does not run any more; then say how it
    ended.

    On a terminal the lines that still move are drawn again in place; in a pipe each line comes
    when it ends.

    Args:
        reader: the experiment.
        stream: ``stdout`` or ``stderr``.
        tail: begin with so many lines; None for all.
        raw: the bytes as they are.

    Returns:
        The exit code.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    source = _Source(os.path.join(reader.curexpdir, stream), tail)
    show = _Raw() if raw else _Drawn() if _is_terminal() else _Lines()
    looked = float("-inf")
    running = True
    try:
        while running:
            if time.monotonic() - looked >= _STATUS_SECONDS:
                reader.refresh_status()
                looked = time.monotonic()
                running = reader.status == _status.RUNNING  # before the last look at the file
            some = False
            while data := source.read():
                show.take(data)
                some = True
            if some:
                show.draw()
            elif running:
                time.sleep(_POLL_SECONDS)
    finally:
        show.end()
        source.close()
    took = f" after {duration_text(reader.duration)}" if reader.duration is not None else ""
    reason = f": {reader.status_message}" if reader.status_message else ""
    ending = f"{reader.expid} is {reader.status}{took}{reason}"
    _output.print_error(MeticulousError(ending))
    return 0


def _is_terminal() -> bool:
    try:
        return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    except (ValueError, AttributeError):
        return False


class _Source:
    """A file that grows; when it is replaced or made shorter, reading goes on after what was read
    last, as far as that can be found.
    """

    def __init__(self, path: str, tail: int | None) -> None:
        self._path = path
        self._tail = tail
        self._file: BinaryIO | None = None
        self._identity = (0, 0)
        self._place = 0
        self._last = b""

    def read(self) -> bytes:
        """Give what is new, empty for nothing now.

        Raises:
            MeticulousError: it cannot be read.
        """
        try:
            if self._file is None:
                self._open()
            assert self._file is not None
            data = self._file.read(_PORTION)
            if not data and self._has_changed():
                self.close()
                self._open()
                data = self._file.read(_PORTION)
        except FileNotFoundError:  # it is being replaced, or not there yet
            return b""
        except OSError as error:
            raise _logs_raw.cannot_read(self._path, error) from None
        self._place += len(data)
        self._last = (self._last + data)[-_KNOWN:]
        return data

    def _has_changed(self) -> bool:
        facts = os.lstat(self._path)
        return (facts.st_dev, facts.st_ino) != self._identity or facts.st_size < self._place

    def _open(self) -> None:
        file = self._file = open_console(self._path)
        facts = os.fstat(file.fileno())
        self._identity = (facts.st_dev, facts.st_ino)
        if self._last:
            self._place = self._after_what_is_known(file)
        elif self._tail is not None:
            self._place = start_of_last(file, self._tail)
        self._tail = None
        file.seek(self._place)

    def _after_what_is_known(self, file: BinaryIO) -> int:
        size = file.seek(0, os.SEEK_END)
        begin = max(0, size - _NEAR)
        file.seek(begin)
        known, self._last = self._last, b""
        found = file.read(_NEAR).rfind(known) if len(known) >= _TELLING else -1
        if found >= 0:
            return begin + found + len(known)
        return 0 if size <= _NEAR else start_of_last(file, ROWS)

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


class _Raw:
    """The bytes as they are."""

    def take(self, data: bytes) -> None:
        _logs_raw.write(data)

    def draw(self) -> None:
        """Nothing is left to draw."""

    def end(self) -> None:
        """Nothing is left to end."""


class _Lines:
    """Each line when it ends."""

    def __init__(self) -> None:
        self._screen = Screen(1)

    def take(self, data: bytes) -> None:
        self._write(self._screen.feed(data))

    def draw(self) -> None:
        """What has not ended is not drawn."""

    def end(self) -> None:
        self._write(self._screen.flush())

    def _write(self, lines: list[str]) -> None:
        if lines:
            _output.write("\n".join(lines) + "\n")


class _Drawn:
    """On a terminal: lines that may still change are drawn again where they stand."""

    def __init__(self) -> None:
        self._width, height = shutil.get_terminal_size()
        # What has left the terminal at the top cannot be drawn again.
        self._screen = Screen(max(1, min(ROWS, height - 2)), colours=_output.colours())
        self._ended: list[str] = []
        self._shown: list[str] = []

    def take(self, data: bytes) -> None:
        self._ended += self._screen.feed(data)
        if len(self._ended) > 5000:
            self.draw()

    def draw(self) -> None:
        live = self._screen.live()
        lines = self._ended + live
        same = 0
        for old, new in zip(self._shown, lines, strict=False):
            if old != new:
                break
            same += 1
        up = sum(map(self._height, self._shown[same:]))
        back = f"\x1b[{up}A\r\x1b[J" if up else ""
        _output.write(back + "".join(f"{line}\n" for line in lines[same:]))
        self._ended, self._shown = [], live

    def _height(self, line: str) -> int:
        return max(1, -(-width_of(clean(line)) // self._width))

    def end(self) -> None:
        self.draw()
