"""Write files so that a reader at any moment, and after any crash, finds them whole.

Three primitives, all safe on network file systems: an exclusive ``mkdir`` (in `_folder`), a
temporary file in the same folder that replaces the old one, and appending by one process.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat
from typing import Any

from . import _json

__all__ = ["Appender", "open_regular", "read_bytes", "read_json", "replace", "replace_json"]

_NOTHING_NEW = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM)
_counter = itertools.count()


def replace(path: str, data: bytes, *, sync: bool = True) -> None:
    """Put data in the place of a file, at once: readers see the old content or the new.

    On a full disk, or in a folder that takes no new file, data that fits into the blocks that the
    file already owns is written in place, since an experiment that cannot record its own end is
    worth less than atomicity.

    Args:
        path: the file; its folder must exist.
        data: the whole new content.
        sync: wait until the data is on the medium, so that a power loss keeps old or new.

    Raises:
        OSError: nothing was changed.
    """
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.{next(_counter)}~")
    try:
        _write_new(temporary, data, sync)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if error.errno not in _NOTHING_NEW or not _overwrite(path, data):
            raise


def _write_new(path: str, data: bytes, sync: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _CLOEXEC, 0o666)
    try:
        write_all(descriptor, data)
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


_CLOEXEC = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
# Of what others wrote: no link is followed, and a FIFO in the place of a file stops no reader.
_NOT_ELSEWHERE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def _overwrite(path: str, data: bytes) -> bool:
    """Write into the blocks that a file already owns; False when they are too few."""
    try:
        descriptor = os.open(path, os.O_WRONLY | _CLOEXEC)
    except OSError:
        return False
    try:
        if getattr(os.fstat(descriptor), "st_blocks", 0) * 512 < len(data):
            return False
        write_all(descriptor, data)
        os.ftruncate(descriptor, len(data))
        os.fsync(descriptor)
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)


def sync(path: str) -> None:
    """Wait until a file is on the medium.

    Raises:
        OSError: it is not there, or the medium fails.
    """
    descriptor = os.open(path, os.O_RDONLY | _CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte, going on after short writes.

    Raises:
        OSError: some of the data may have been written.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def replace_json(path: str, value: Any, *, sync: bool = True) -> None:
    """Put a value as indented JSON in the place of a file; see `replace`."""
    replace(path, _json.encode(value), sync=sync)


def read_bytes(path: str, limit: int = 1 << 28) -> bytes:
    """Read a regular file, at most `limit` bytes.

    Raises:
        OSError: it is absent, unreadable, no regular file, or larger than the limit.
    """
    # O_NONBLOCK: a FIFO in the place of a file must not stop a reader.
    descriptor = os.open(path, os.O_RDONLY | _CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        if status.st_size > limit:
            raise OSError(errno.EFBIG, f"larger than {limit} bytes", path)
        parts = []
        while part := os.read(descriptor, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def open_regular(path: str) -> tuple[int, os.stat_result]:
    """Open a file for reading, if it is one that ends.

    Returns:
        The descriptor, which the caller closes, and what fstat says.

    Raises:
        OSError: it is absent, unreadable, a link or no regular file.
    """
    if stat.S_ISLNK(os.lstat(path).st_mode):
        raise OSError(errno.ELOOP, "a link, which could lead out of the folder", path)
    descriptor = os.open(path, os.O_RDONLY | _CLOEXEC | _NOT_ELSEWHERE)
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor, facts


def read_json(path: str) -> Any:
    """Read a JSON file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not JSON.
    """
    return _json.decode(read_bytes(path))


class Appender:
    """Append to a file that only this process writes.

    A write that the storage takes only in part can be continued: the next `append` goes on where
    it stopped. A line that an earlier process left torn is closed with a newline first, so that
    records never glue. The file is opened when first needed and again after an error, so that a
    folder that comes back, or space that is freed, is used. Not thread-safe: one thread owns an
    Appender.

    Args:
        path: the file.
        lines: its records are lines.
    """

    def __init__(self, path: str, *, lines: bool = True) -> None:
        self.path = path
        self._lines = lines
        self._descriptor: int | None = None
        self._identity = (0, 0)
        self._seen = False

    def append(self, data: bytes) -> int:
        """Append data; returns how many of its bytes went in, fewer than all only after an error.

        Raises:
            OSError: nothing went in.
        """
        status = self._status()
        if status is None or status.st_nlink == 0:
            self.close()  # removed under our feet: what we write would go nowhere
            self._open()
        assert self._descriptor is not None
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            self.close()
            if len(view) == len(data):
                raise
        return len(data) - len(view)

    def size(self) -> int:
        """Bytes in the file, 0 while it is closed."""
        status = self._status()
        return 0 if status is None else status.st_size

    def _status(self) -> os.stat_result | None:
        """Look at the open file; None when it is not open, or no longer ours.

        Programs close descriptors that they do not know, and may then be given the same number
        for a file of their own.
        """
        if self._descriptor is None:
            return None
        try:
            status = os.fstat(self._descriptor)
        except OSError as error:
            if error.errno == errno.EBADF:
                self._descriptor = None
            return None
        if (status.st_dev, status.st_ino) != self._identity:
            self._descriptor = None
            return None
        return status

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | _CLOEXEC
        descriptor = os.open(self.path, flags, 0o666)
        try:
            if self._lines and not self._seen and os.lseek(descriptor, 0, os.SEEK_END):
                os.lseek(descriptor, -1, os.SEEK_END)
                if os.read(descriptor, 1) != b"\n":
                    os.write(descriptor, b"\n")
            self._seen = True
            status = os.fstat(descriptor)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        self._identity = (status.st_dev, status.st_ino)

    def close(self) -> None:
        """Close the file; the next append opens it again."""
        self._status()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)
