"""What was read of long curves, kept in the reader's own cache folder.

A cache: it may be deleted at any moment, and whatever is wrong with a file of it only costs time.
A file holds facts as JSON and columns of little-endian float64, all under checksums. It is never
changed: a new one takes its place, so any number of processes may use it at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import sys
import time
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import _files
from ._series_curve import Curve

__all__ = ["SMALL", "Cached", "Source", "read_curve"]

VERSION = 1
"""Of the files; another one is as good as absent."""

SMALL = 1 << 20
"""A file of metrics that is not larger, in bytes, is read as fast as a cache."""

LARGEST = 2 << 30
"""How many bytes the cache may take; beyond it the oldest files go."""

_SETTLED = 60.0
_MAGIC = b"meticulous curve"
_HEAD = struct.Struct("<16sIII")
_MAX_FACTS = 1 << 26
_BLOCK = 8192
_PROOF = 1 << 16


class Damaged(ValueError):
    """A file of the cache does not hold what was written."""


class Source:
    """An open file of metrics, and where its cache is.

    Args:
        path: the file of metrics.
        folder: for the cache; None to do without.

    Raises:
        OSError: it is absent, unreadable, a link or no regular file.
    """

    def __init__(self, path: str, folder: str | None) -> None:
        self.descriptor, facts = _files.open_regular(path)
        self.size = facts.st_size
        self.settled = time.time() - facts.st_mtime > _SETTLED
        self.seal = [facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns]
        self._path = os.path.realpath(path)
        self._folder = folder if self.size > SMALL else None

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def cached(self, *name: str) -> Cached | None:
        """What is kept of this file, or of one that it has grown from; None without it."""
        if self._folder is None:
            return None
        try:
            found = Cached(self._file(name))
        except (OSError, ValueError, RecursionError, struct.error):
            return None
        with contextlib.suppress(OSError, ValueError, TypeError, LookupError, OverflowError):
            if found.facts["of"] == [self._path, *name] and self._fits(found.facts):
                return found
        found.close()
        return None

    def has(self, *name: str) -> bool:
        """Whether an answer is fast: from what is kept, or since the file is small."""
        if self._folder is None:
            return True
        found = self.cached(*name)
        if found:
            found.close()
        return found is not None

    @contextlib.contextmanager
    def same(self, *name: str) -> Iterator[Cached | None]:
        """What is kept of this very file, until the block ends; None without it."""
        found = self.cached(*name)
        try:
            yield found if found and found.facts.get("seal") == self.seal else None
        finally:
            if found:
                found.close()

    def _fits(self, facts: dict[str, Any]) -> bool:
        if facts["seal"] == self.seal:
            return True
        inode, size, *_ = facts["seal"]
        grown = inode == self.seal[0] and self.size > size >= facts["offset"] >= 0
        return bool(grown and facts["proof"] == self.proof(facts["offset"]))

    def proof(self, offset: int) -> int:
        """A checksum of some of what is before a position."""
        check = 0
        for start in (0, max(0, offset - _PROOF)):
            os.lseek(self.descriptor, start, os.SEEK_SET)
            check = zlib.crc32(os.read(self.descriptor, min(_PROOF, offset)), check)
        return check

    def keep(
        self,
        name: tuple[str, ...],
        facts: dict[str, Any],
        columns: Mapping[str, array[float]],
        offset: int,
    ) -> None:
        """Write a file of the cache; whatever hinders that, such as a full disk, is no matter.

        While a file grows, this is done for each sixteenth more.
        """
        if self._folder is None or (not self.settled and self._nearly(name, offset)):
            return
        facts |= {"of": [self._path, *name], "seal": self.seal, "offset": offset}
        with contextlib.suppress(OSError, ValueError, TypeError, RecursionError):
            facts["proof"] = self.proof(offset)
            os.makedirs(self._folder, 0o700, exist_ok=True)
            _write(self._file(name), facts, columns)
            _drop_oldest(self._folder)

    def _nearly(self, name: tuple[str, ...], offset: int) -> bool:
        """Little has come since a file of the cache was written."""
        found = self.cached(*name)
        if found is None:
            return False
        known: int = found.facts["offset"]
        found.close()
        return offset - known <= max(SMALL, known // 16)

    def _file(self, name: tuple[str, ...]) -> str:
        stem = ""
        for part in (self._path, "\0".join(name)):
            data = part.encode("utf-8", "surrogatepass")
            stem += f"{zlib.crc32(data):08x}{zlib.adler32(data):08x}"
        return os.path.join(str(self._folder), f"{stem}.curve")


class Cached:
    """An open file of the cache.

    Args:
        path: the file.

    Raises:
        OSError: it is not there.
        ValueError: it is of another version, or damaged.
    """

    def __init__(self, path: str) -> None:
        self._descriptor, status = _files.open_regular(path)
        try:
            head = self._read(0, _HEAD.size)
            magic, version, length, check = _HEAD.unpack(head)
            if magic != _MAGIC or version != VERSION or length > _MAX_FACTS:
                raise Damaged(path)
            text = self._read(_HEAD.size, length)
            if zlib.crc32(text) != check:
                raise Damaged(path)
            self.facts, described = json.loads(text)
            self.columns: dict[str, _Column] = {}
            position = _HEAD.size + length
            for name, count, checks in described:
                self.columns[name] = _Column(self, position, count, checks)
                position += 8 * count
            if position != status.st_size:
                raise Damaged(path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        os.close(self._descriptor)

    def _read(self, position: int, length: int) -> bytes:
        os.lseek(self._descriptor, position, os.SEEK_SET)
        data = os.read(self._descriptor, length)
        if len(data) != length:
            raise Damaged
        return data


class _Column(Sequence[float]):
    """A sequence of floats that are read when they are asked for."""

    def __init__(self, file: Cached, position: int, count: int, checks: list[int]) -> None:
        self._file, self._position, self._count, self._checks = file, position, count, checks
        self._blocks: dict[int, array[float]] = {}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: Any) -> Any:
        if not isinstance(place, slice):
            return self._block(place // _BLOCK)[place % _BLOCK]
        start, stop, _ = place.indices(self._count)
        found = array("d")
        first = start // _BLOCK
        for number in range(first, -(-stop // _BLOCK)):
            found.extend(self._block(number, keep=False))
        return found[start - first * _BLOCK : stop - first * _BLOCK] if start else found[:stop]

    def _block(self, number: int, keep: bool = True) -> array[float]:
        block = self._blocks.get(number)
        if block is None:
            start = number * _BLOCK
            length = 8 * min(_BLOCK, self._count - start)
            data = self._file._read(self._position + 8 * start, length)
            if zlib.crc32(data) != self._checks[number]:
                raise Damaged
            block = array("d", data)
            if sys.byteorder == "big":
                block.byteswap()
            if keep:
                self._blocks[number] = block
        return block


def _write(path: str, facts: dict[str, Any], columns: Mapping[str, array[float]]) -> None:
    described, bodies = [], []
    for name, column in columns.items():
        if sys.byteorder == "big":
            column = array("d", column)
            column.byteswap()
        body = memoryview(column).cast("B")
        checks = [zlib.crc32(body[at : at + 8 * _BLOCK]) for at in range(0, len(body), 8 * _BLOCK)]
        described.append((name, len(column), checks))
        bodies.append(body)
    text = json.dumps([facts, described], separators=(",", ":")).encode()
    if len(text) > _MAX_FACTS:
        return
    temporary = f"{path}.{os.urandom(8).hex()}~"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_HEAD.pack(_MAGIC, VERSION, len(text), zlib.crc32(text)) + text)
            for body in bodies:
                file.write(body)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _drop_oldest(folder: str) -> None:
    """Remove the oldest files beyond the limit, and what killed processes left."""
    found, now = [], time.time()
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if entry.name.endswith("~") and now - status.st_mtime > 86400:
                    os.unlink(entry.path)
                found.append((status.st_mtime, status.st_size, entry.path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= LARGEST:
            return
        with contextlib.suppress(OSError):
            os.unlink(path)
        total -= size


def read_curve(source: Source, metric: str, timed: bool = False) -> Curve:
    """Read a metric: from the cache, and what has come since then from the file.

    Raises:
        OSError: the medium fails.
    """
    curve = _from_cache(source, metric, timed) or Curve(metric, timed)
    known = curve.offset
    curve.read(source.descriptor, source.size)
    if curve.offset > known:
        columns = {"steps": curve.steps, "values": curve.values}
        if timed:
            columns["times"] = curve.times
        facts = {"plain": curve.plain, "sessions": curve.sessions}
        source.keep((_kind(timed), metric), facts, columns, curve.offset)
    return curve


def _kind(timed: bool) -> str:
    return "timed" if timed else "curve"


def _from_cache(source: Source, metric: str, timed: bool) -> Curve | None:
    found = source.cached(_kind(timed), metric)
    if found is None:
        return None
    try:
        curve = Curve(metric, timed)
        curve.steps, curve.values = found.columns["steps"][:], found.columns["values"][:]
        if timed:
            curve.times = found.columns["times"][:]
        curve.plain, curve.offset = found.facts["plain"], found.facts["offset"]
        curve.sessions = [
            (number, start, first) for number, start, first in found.facts["sessions"]
        ]
        return curve
    except (OSError, ValueError, KeyError, TypeError):
        return None
    finally:
        found.close()
