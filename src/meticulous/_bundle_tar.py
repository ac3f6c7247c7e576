"""Read a tar that nobody vouches for: regular files only, every header checked, all bounded.

The standard library's reader takes far more forms than a bundle needs, some of them only to be
misled by them: here a member is a file with a legal name, a size and its bytes, or an error.
"""

from __future__ import annotations

import os
import stat
from typing import IO, NamedTuple

from ._bundle import LONGEST_NAME, MANIFEST, Names
from .errors import StorageError

__all__ = ["Member", "members", "opened", "refused"]

MOST_MEMBERS = 500_000
_BLOCK = 512
_MOST_PAX = 1 << 16
_KINDS = {
    "1": "a hard link",
    "2": "a symbolic link",
    "3": "a device",
    "4": "a device",
    "5": "a folder of its own",
    "6": "a pipe",
    "S": "a sparse file",
}


class Member(NamedTuple):
    """One file in a bundle: its name, and where its bytes are."""

    name: str
    size: int
    mtime: int
    place: int


def refused(path: str, why: str, hint: str = "Nothing was imported.") -> StorageError:
    """The error that says why a bundle is not taken."""
    return StorageError(f"{path} is not a bundle that can be trusted: {why}.", hint, path=path)


def opened(path: str) -> IO[bytes]:
    """Open a regular file.

    Raises:
        StorageError: it is none, or cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise StorageError.from_oserror("read", path, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StorageError(f"{path} is not a regular file.", path=path)
    return os.fdopen(descriptor, "rb")


def members(file: IO[bytes], path: str, limit: int) -> dict[str, Member]:
    """List what is in a bundle, without reading any of it.

    Args:
        file: open at its beginning.
        path: its name, for errors.
        limit: the most bytes that all members together may have.

    Raises:
        StorageError: it is no tar, is cut, holds something else than files, or names that are
            equal, or differ only in a way that some file system does not see.
    """
    whole = os.fstat(file.fileno()).st_size
    found: dict[str, Member] = {}
    names = Names()
    total, place = 0, 0
    more: dict[str, str] = {}
    while True:
        header = _read(file, place, _BLOCK)
        place += _BLOCK
        if header[:2] == b"\x1f\x8b":
            raise refused(path, "it is compressed", "Unpack it first, with gunzip.")
        if len(header) < _BLOCK:
            raise refused(path, "it is cut" if found or more else "it is no tar")
        if header.count(0) == _BLOCK:
            break
        kind, name, size, mtime = _parsed(header, path)
        if kind == "x" and not more and size <= _MOST_PAX:
            more = _pax(_read(file, place, size), path)
        elif kind in ("0", "\0"):
            name, size = more.pop("path", name), int(more.pop("size", size))
            total += size
            if total > limit:
                raise refused(path, f"it holds more than {limit} bytes", "See --max-size.")
            if place + size > whole:
                raise refused(path, "it is cut")
            if not names.add(name) or len(name) > 2 * LONGEST_NAME:
                text = ascii(name[:200])
                raise refused(path, f"{text} is in it twice, in two forms, or is too long a name")
            if len(found) == MOST_MEMBERS:
                raise refused(path, f"it holds more than {MOST_MEMBERS} files")
            found[name] = Member(name, size, mtime, place)
            more = {}
        else:
            raise refused(path, f"it holds {_KINDS.get(kind, f'an entry of kind {kind!r}')}")
        place += (size + _BLOCK - 1) // _BLOCK * _BLOCK
    if MANIFEST not in found:
        raise refused(path, "its manifest is missing")
    return found


def _read(file: IO[bytes], place: int, size: int) -> bytes:
    file.seek(place)
    return file.read(size)


def _parsed(header: bytes, path: str) -> tuple[str, str, int, int]:
    """Kind, name, size and time."""
    try:
        told = _number(header[148:156])
        if header[257:262] != b"ustar" or told != sum(header) - sum(header[148:156]) + 8 * 32:
            raise ValueError
        name = header[:100].split(b"\0")[0].decode()
        prefix = header[345:500].split(b"\0")[0].decode()
        size, mtime = _number(header[124:136]), _number(header[136:148])
    except ValueError:
        raise refused(path, "a header in it is broken") from None
    return chr(header[156]), f"{prefix}/{name}" if prefix else name, size, mtime


def _number(field: bytes) -> int:
    """An octal number.

    Raises:
        ValueError: it is none.
    """
    text = field.split(b"\0")[0].strip(b" ")
    if text.strip(b"01234567"):
        raise ValueError
    return int(text or b"0", 8)


def _pax(data: bytes, path: str) -> dict[str, str]:
    """The records of an extended header; only a long name and a large size are understood."""
    found: dict[str, str] = {}
    while data:
        length, _, _ = data.partition(b" ")
        record = data[: int(length)] if length.isdigit() and len(length) < 8 else b""
        name, sign, value = record[len(length) + 1 : -1].partition(b"=")
        if not sign or record[-1:] != b"\n" or name not in (b"path", b"size") or len(record) > 9999:
            raise refused(path, "an extended header in it is broken")
        data = data[len(record) :]
        try:
            found[name.decode()] = value.decode()
        except UnicodeDecodeError:
            raise refused(path, "a name in it is no text") from None
    if not found.get("size", "0").isascii() or not found.get("size", "0").isdigit():
        raise refused(path, "an extended header in it is broken")
    if len(found.get("size", "")) > 18:
        raise refused(path, "an extended header in it is broken")
    return found
