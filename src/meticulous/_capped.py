"""Append without growing beyond a limit: keep the head and the tail, say what is left out."""

from __future__ import annotations

import contextlib
import os
import re
from typing import BinaryIO

from . import _files

__all__ = ["CappedAppender", "compact"]

HEAD = 4
"""The head is a quarter of the limit, the tail half; the last quarter is room to grow."""
_PORTION = 1 << 20
_LINE = b"\n[meticulous: %d bytes are left out here; see the setting capture_limit]\n"
_MARKER = re.compile(re.escape(_LINE).replace(b"%d", b"([0-9]{1,20})"))


class CappedAppender(_files.Appender):
    """An `Appender` whose file stays within a limit.

    When the file reaches the limit it is replaced by its head, one line that counts the bytes left
    out, and its tail. A reader sees the old file or the new; a crash meanwhile leaves the old.

    Args:
        path: the file.
        limit: in bytes; 0 for none.
    """

    def __init__(self, path: str, limit: int) -> None:
        super().__init__(path, lines=False)
        self._limit = limit
        self._next = limit

    def append(self, data: bytes) -> int:
        written = super().append(data)
        if self._limit and self.size() > self._next:
            self._next = self.size() + self._limit // HEAD
            self.close()
            with contextlib.suppress(OSError):  # too large, for now, is better than lost
                compact(self.path, self._limit)
                self._next = self._limit
        return written


def compact(path: str, limit: int) -> None:
    """Replace a file by its head and its tail, with a line between them.

    A file that has been compacted before has one such line still, which counts all.

    Args:
        path: the file.
        limit: in bytes; a file within it is left alone.

    Raises:
        OSError: the file is as it was.
    """
    size = os.stat(path).st_size
    head, tail = limit // HEAD, limit // 2
    if size <= limit:
        return
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}~")
    try:
        with open(path, "rb") as source:
            source.seek(head)
            marker = _MARKER.match(source.read(len(_LINE) + 20))
            known, skip = (int(marker[1]), len(marker[0])) if marker else (0, 0)
            left_out = known + size - head - skip - tail
            if left_out <= known:  # a limit that is hardly longer than the line
                return
            with open(temporary, "wb") as target:
                source.seek(0)
                _copy(source, target, head)
                target.write(_LINE % left_out)
                source.seek(size - tail)
                _copy(source, target, tail)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _copy(source: BinaryIO, target: BinaryIO, count: int) -> None:
    while count > 0:
        part = source.read(min(count, _PORTION))
        if not part:
            return
        target.write(part)
        count -= len(part)
