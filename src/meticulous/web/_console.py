"""What an experiment printed, in pages of lines with colours; also of files of any size.

A file of a few megabytes is kept as the lines that a terminal would show, and read on as it grows.
Of a larger one only the page is read: its lines are counted as they were written, which differs
from what is shown where a program moved the cursor up.
"""

from __future__ import annotations

import os
import re
import threading
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from .._experiments_console import open_console
from .._screen import Screen

__all__ = ["Consoles", "spans"]

WHOLE = 1 << 21
"""Larger files are paged."""
_LARGEST_KEPT = 1 << 23
_KEPT = 4
_PORTION = 1 << 20
_MARGIN = 50
_SECONDS = 1.5
_MOST_ERRORS = 200
_LONGEST_LINE = 20_000
_PAGE_BYTES = 1 << 23
_TRACEBACK = "Traceback (most recent call last)"
_SGR = re.compile("\x1b\\[([0-9;]*)m")


def spans(line: str) -> list[tuple[str, str]]:
    """Split a line of `Screen` where its colours change: pieces of text, each with the parameters
    of the terminal's rendition, such as ``1;31``; empty for plain text.
    """
    if "\x1b" not in line:
        return [(line, "")] if line else []
    parts = ["", *_SGR.split(line)]
    pairs = zip(parts[1::2], parts[0::2], strict=True)
    return [(text, look.removeprefix("0").removeprefix(";")) for text, look in pairs if text]


class Consoles:
    """Pages of the streams of experiments; the last ones that were looked at are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Whole | _Paged] = OrderedDict()

    def page(self, path: str, start: int, count: int, search: str) -> dict[str, Any]:
        """Give some lines.

        Args:
            path: of the file.
            start: the first line, from 0; below 0 so many from the end.
            count: how many lines.
            search: only the lines that hold this text, in any case, from `start` on.

        Raises:
            OSError: it is absent, no regular file, or cannot be read.
        """
        with self._lock, open_console(path) as file:
            facts = os.fstat(file.fileno())
            kept = self._kept.pop(path, None)
            if kept is None or not kept.goes_on(facts):
                kept = _Whole(facts) if facts.st_size <= WHOLE else _Paged(facts)
            self._kept[path] = kept
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            deadline = time.monotonic() + _SECONDS
            if search:
                return kept.search(file, facts.st_size, search, max(0, start), count)
            return kept.page(file, facts.st_size, start, count, deadline)


class _Whole:
    """A stream whose lines are all known."""

    def __init__(self, facts: os.stat_result) -> None:
        self._inode = facts.st_ino
        self._offset = 0
        self._screen = Screen(colours=True)
        self._lines: list[str] = []

    def goes_on(self, facts: os.stat_result) -> bool:
        return facts.st_ino == self._inode and self._offset <= facts.st_size <= _LARGEST_KEPT

    def _all(self, file: BinaryIO, size: int) -> list[str]:
        file.seek(self._offset)
        while self._offset < size and (data := file.read(min(_PORTION, size - self._offset))):
            self._lines += self._screen.feed(data)
            self._offset += len(data)
        return [*self._lines, *self._screen.live()]

    def page(
        self, file: BinaryIO, size: int, start: int, count: int, deadline: float
    ) -> dict[str, Any]:
        lines = self._all(file, size)
        start = max(0, len(lines) + start) if start < 0 else start
        errors = [number for number, line in enumerate(lines) if _TRACEBACK in line]
        return {
            "lines": [spans(line[:_LONGEST_LINE]) for line in lines[start : start + count]],
            "start": start,
            "total": len(lines),
            "more": start + count < len(lines),
            "errors": errors[-_MOST_ERRORS:],
            "exact": True,
        }

    def search(
        self, file: BinaryIO, size: int, text: str, start: int, count: int
    ) -> dict[str, Any]:
        wanted = text.casefold()
        lines = self._all(file, size)
        numbers = [
            n for n in range(start, len(lines)) if wanted in _SGR.sub("", lines[n]).casefold()
        ]
        return {
            "lines": [spans(lines[number][:_LONGEST_LINE]) for number in numbers[:count]],
            "numbers": numbers[:count],
            "start": start,
            "total": len(numbers),
            "more": len(numbers) > count,
            "errors": [],
            "searched": 1.0,
        }


class _Paged:
    """A large stream: where its lines begin is known for each megabyte that was counted."""

    def __init__(self, facts: os.stat_result) -> None:
        self._inode = facts.st_ino
        self._places = [0]
        self._counts = [0]
        self._errors: list[int] = []

    def goes_on(self, facts: os.stat_result) -> bool:
        return facts.st_ino == self._inode and facts.st_size >= self._places[-1]

    def _count(self, file: BinaryIO, size: int, deadline: float) -> tuple[int, list[int]]:
        """Count lines until the end, or the deadline.

        Returns:
            About how many there are, and those where tracebacks begin.
        """
        file.seek(self._places[-1])
        while self._places[-1] + _PORTION <= size and time.monotonic() < deadline:
            data = file.read(_PORTION)
            if len(data) < _PORTION:
                break
            self._errors += _errors(data, self._counts[-1])
            del self._errors[:-_MOST_ERRORS]
            self._counts.append(self._counts[-1] + data.count(b"\n"))
            self._places.append(self._places[-1] + len(data))
        count, rest = self._counts[-1], size - self._places[-1]
        if rest >= _PORTION:
            return count + round(rest * count / max(1, self._places[-1])), list(self._errors)
        data = file.read(rest)
        errors = [*self._errors, *_errors(data, count)]
        return count + data.count(b"\n") + (not data.endswith(b"\n") and rest > 0), errors

    def page(
        self, file: BinaryIO, size: int, start: int, count: int, deadline: float
    ) -> dict[str, Any]:
        total, errors = self._count(file, size, deadline)
        exact = size - self._places[-1] < _PORTION
        if start < 0:
            lines = _end(file, size, min(-start, 10_000))
            start = max(0, total - len(lines))
            lines = lines[:count]
        else:
            start = min(start, total)
            lines = self._lines(file, start, count)
        return {
            "lines": [spans(line[:_LONGEST_LINE]) for line in lines],
            "start": start,
            "total": total,
            "more": start + len(lines) < total,
            "errors": errors,
            "exact": exact,
        }

    def _lines(self, file: BinaryIO, start: int, count: int) -> list[str]:
        begin = max(0, start - _MARGIN)
        index = bisect_right(self._counts, begin) - 1
        number, place = self._counts[index], self._places[index]
        file.seek(place)
        screen = Screen(colours=True)
        before, lines, read = begin - number, list[str](), 0
        while len(lines) < start - begin + count + _MARGIN and read < _PAGE_BYTES:
            data = file.read(_PORTION if before else _PORTION // 8)
            if not data:
                lines += screen.flush()
                break
            read += len(data) if not before else 0
            if before:
                skipped = min(before, data.count(b"\n"))
                before -= skipped
                data = _after(data, skipped) if not before else b""
            lines += screen.feed(data)
        return lines[start - begin : start - begin + count]

    def search(
        self, file: BinaryIO, size: int, text: str, start: int, count: int
    ) -> dict[str, Any]:
        """The lines with a text, as far as there is time; they are shown as they were written."""
        if start > self._counts[-1]:  # otherwise what was searched would be searched again
            self._count(file, size, time.monotonic() + _SECONDS)
        index = bisect_right(self._counts, start) - 1
        number, place = self._counts[index], self._places[index]
        deadline = time.monotonic() + _SECONDS
        wanted, rest, read = text.lower().encode(), b"", place
        numbers: list[int] = []
        lines: list[bytes] = []
        for data in _portions(file, place, lambda: time.monotonic() < deadline):
            read += len(data)
            block = rest + data
            end = len(block) if read >= size else block.rfind(b"\n") + 1
            block, rest = block[:end], block[end:][-_PORTION:]
            for found, line in _matching(block, wanted):
                if number + found >= start:
                    numbers.append(number + found)
                    lines.append(line)
            number += block.count(b"\n")
            if len(numbers) > count:
                break
        return {
            "lines": [spans(_shown(line)) for line in lines[:count]],
            "numbers": numbers[:count],
            "start": start,
            "total": len(numbers),
            "more": len(numbers) > count or read < size,
            "errors": [],
            "searched": min(1.0, read / size) if size else 1.0,
            "next": max(number, start) if read < size and len(numbers) <= count else None,
        }


def _errors(data: bytes, lines: int) -> Iterator[int]:
    """The numbers of the lines in a portion where tracebacks begin, after so many lines."""
    needle = _TRACEBACK.encode()
    at = data.find(needle)
    while at >= 0:
        yield lines + data.count(b"\n", 0, at)
        at = data.find(needle, at + 1)


def _matching(block: bytes, wanted: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines of a block that hold a text: how many newlines come before, and the line."""
    low, last, newlines = block.lower(), 0, 0
    at = low.find(wanted)
    while at >= 0:
        newlines += low.count(b"\n", last, at)
        last = at
        end = low.find(b"\n", at)
        end = len(block) if end < 0 else end
        yield newlines, block[max(block.rfind(b"\n", 0, at) + 1, at - _LONGEST_LINE) : end]
        at = low.find(wanted, end)


def _shown(line: bytes) -> str:
    """A line as a terminal would show it."""
    screen = Screen(colours=True)
    return (screen.feed(line[: 2 * _LONGEST_LINE] + b"\n") + screen.flush() or [""])[0]


def _portions(file: BinaryIO, place: int, has_time: Callable[[], bool]) -> Iterator[bytes]:
    file.seek(place)
    while data := file.read(_PORTION):
        yield data
        if not has_time():
            return


def _after(data: bytes, newlines: int) -> bytes:
    at = -1
    for _ in range(newlines):
        at = data.index(b"\n", at + 1)
    return data[at + 1 :]


def _end(file: BinaryIO, size: int, count: int) -> list[str]:
    """The last lines, from as little of the file as shows them."""
    look = min(size, 1 << 18)
    while True:
        file.seek(size - look)
        screen = Screen(colours=True)
        data = file.read(look)
        if look < size:
            data = data[data.find(b"\n") + 1 :]
        lines = [*screen.feed(data), *screen.flush()]
        if len(lines) >= count + _MARGIN or look >= min(size, WHOLE):
            return lines[-count:]
        look = min(size, look * 4, WHOLE)
