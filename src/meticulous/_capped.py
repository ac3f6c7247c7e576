"""Append without growing beyond a limit: keep the head and the tail, say what is left out."""

from __future__ import annotations

import contextlib
import os
from typing import BinaryIO

from . import _files

__all__ = ["CappedAppender", "compact"]

HEAD = 4
"""The head is a quarter of the limit, the tail half; the last quarter is room to grow."""
_PORTION = 1 << 20


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
        self._left_out = 0

    def append(self, data: bytes) -> int:
        written = super().append(data)
        if self._limit and self.size() > self._limit:
            self.close()
            with contextlib.suppress(OSError):  # too large is better than lost
                self._left_out = compact(self.path, self._limit, self._left_out)
        return written


def compact(path: str, limit: int, left_out: int = 0) -> int:
    """Replace a file by its head and its tail, with a line between them.

    Args:
        path: the file.
        limit: in bytes; a file within it is left alone.
        left_out: what an earlier call has left out already; its line is replaced.

    Returns:
        Bytes left out altogether.

    Raises:
        OSError: the file is as it was.
    """
    size = os.stat(path).st_size
    head, tail = limit // HEAD, limit // 2
    old_line = len(_line(left_out)) if left_out else 0
    if size <= limit or size <= head + old_line + tail:
        return left_out
    left_out += size - head - old_line - tail
    temporary = f"{path}.{os.getpid()}~"
    try:
        with open(path, "rb") as source, open(temporary, "wb") as target:
            _copy(source, target, head)
            target.write(_line(left_out))
            source.seek(size - tail)
            _copy(source, target, tail)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    return left_out


def _line(left_out: int) -> bytes:
    return b"\n[meticulous: %d bytes are left out here; see the setting capture_limit]\n" % left_out


def _copy(source: BinaryIO, target: BinaryIO, count: int) -> None:
    while count > 0:
        part = source.read(min(count, _PORTION))
        if not part:
            return
        target.write(part)
        count -= len(part)
