"""What one experiment printed: the console of a reader."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from . import _files, _folder

__all__ = ["LARGEST", "Console", "open_console", "start_of_last"]

LARGEST = 1 << 26
"""The most that is taken into memory, in bytes: of a longer stream the end."""
_PORTION = 1 << 18
_FIRST_LOOK = 1 << 16
_MARGIN = 50
"""Lines before those that are asked for, since later ones may move back to them."""


class Console:
    """The part of `ExperimentReader` that reads what was printed."""

    _folder: _folder.Folder
    _problems: dict[str, str]

    def stdout(self, rendered: bool = True) -> str:
        """Give what the program printed, of a very long output the last 64 MiB.

        Args:
            rendered: as a terminal would show it: carriage returns and cursor movements carried
                out, without colours and other escapes. Otherwise the text as it was written,
                bytes that are not UTF-8 replaced: print it only where escapes do no harm.

        Returns:
            The text; empty where there is none, or it cannot be read, which is then among the
            `problems`.
        """
        return self._printed(_folder.STDOUT, rendered)

    def stderr(self, rendered: bool = True) -> str:
        """Give what the program printed to its standard error.

        Args:
            rendered: see `stdout`.

        Returns:
            The text, see `stdout`.
        """
        return self._printed(_folder.STDERR, rendered)

    def _printed(self, name: str, rendered: bool) -> str:
        try:
            if rendered:
                return "".join(f"{line}\n" for line in self.console(name, largest=LARGEST))
            with self._opened(name) as file:
                _skip(file, LARGEST)
                return file.read(LARGEST).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self._problems[name] = f"{name} cannot be read: {reason[:1].lower()}{reason[1:]}"
            return ""

    def console(
        self,
        stream: str = "stdout",
        *,
        last: int | None = None,
        colours: bool = False,
        largest: int | None = None,
    ) -> Iterator[str]:
        """Give the lines of a stream as a terminal would show them, in little memory.

        Args:
            stream: ``stdout`` or ``stderr``.
            last: only so many lines; only the end of the file is read then.
            colours: keep colours, as SGR sequences; nothing else gets through.
            largest: read only so many bytes at the end.

        Raises:
            OSError: the file is absent, no regular file, or cannot be read.
        """
        from ._screen import Screen

        with self._opened(stream) as file:
            if last is not None:
                yield from _last(file, last, colours)
                return
            if largest is not None:
                _skip(file, largest)
            screen = Screen(colours=colours)
            while data := file.read(_PORTION):
                yield from screen.feed(data)
            yield from screen.flush()

    def _opened(self, stream: str) -> BinaryIO:
        return open_console(self._folder.file(stream))


def open_console(path: str) -> BinaryIO:
    """Open a file that a program printed to; never waits, never follows a link.

    Raises:
        OSError: it is absent, no regular file, or cannot be read.
    """
    return open(_files.open_regular(path)[0], "rb", buffering=0)


def _skip(file: BinaryIO, largest: int) -> None:
    """Leave out what is before the last bytes of a file, and then the rest of that line."""
    size = file.seek(0, os.SEEK_END)
    place = max(0, size - largest)
    if place:
        file.seek(place - 1)
        end = file.read(_PORTION).find(b"\n")
        place += max(0, end)
    file.seek(place)


def _last(file: BinaryIO, count: int, colours: bool) -> list[str]:
    """The last lines, from as little of the file as shows them."""
    from ._screen import Screen

    if count < 1:
        return []
    size = file.seek(0, os.SEEK_END)
    look = _FIRST_LOOK
    while True:
        _skip(file, look)
        screen = Screen(colours=colours)
        lines: list[str] = []
        while data := file.read(_PORTION):
            lines += screen.feed(data)
            del lines[: -count - _MARGIN]
        lines += screen.flush()
        if look >= size or look >= LARGEST or len(lines) >= count + _MARGIN:
            return lines[-count:]
        look *= 8


def start_of_last(file: BinaryIO, count: int) -> int:
    """The place in a file where its last lines begin, as they are written: a carriage return ends
    none. Reads backward, and no more than it needs.
    """
    size = place = file.seek(0, os.SEEK_END)
    if count < 1:
        return size
    missing = count
    while place:
        begin = max(0, place - _PORTION)
        file.seek(begin)
        data = file.read(place - begin)
        if place == size:
            missing += data.endswith(b"\n")
        found = data.count(b"\n")
        if found >= missing:
            at = len(data)
            for _ in range(missing):
                at = data.rindex(b"\n", 0, at)
            return begin + at + 1
        missing -= found
        place = begin
    return 0
