"""What was read from the files of a store, kept so that it need not be read again.

A cache, in the reader's own cache folder, never in or beside the experiments. It may be deleted at
any moment, and whatever is wrong with it only costs time: every value carries a seal of the file
that it was read from (size and times) and of its own text, and one whose seal does not fit is as
good as absent. The values are JSON.

The container is SQLite, but its files are never changed: a new one takes the place of the old. So
no lock is ever taken or waited for, a reader never meets half a change, and a home on a network
file system is as good as any. There is a large file and a small one with what came later, so that
one new experiment among many does not write them all again.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
import zlib
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any

from ._index_folder import cache_folder, forget_old_files, make_folder, paths

__all__ = ["Index", "cache_folder"]

SCHEMA = 1
"""Version of what the files hold; another one is as good as absent."""

SETTLED = 2.0
"""A file that changed less than so many seconds ago may change again without a new time, since
some file systems count in whole or in two seconds."""

_LARGEST = 1 << 20
_SMALL = 4 << 20
_PENDING = 32 << 20
_BESIDE = 512
"""What a value takes in memory besides its text, in bytes."""

_TABLE = """
    PRAGMA page_size = 16384; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    PRAGMA user_version = {schema};
    CREATE TABLE store (path BLOB);
    CREATE TABLE files (
        name BLOB, id BLOB, seal TEXT, value BLOB, PRIMARY KEY (name, id)
    ) WITHOUT ROWID;
"""
_QUERY = "SELECT seal, value FROM files WHERE name = ? AND id = ?"
_SHORTEST_ROW = 32
_AHEAD = 64
_QUERY_SOME = "SELECT id, seal, value FROM files WHERE name = ? AND id IN ({})"
_QUERY_ALL = "SELECT id, seal, value FROM files WHERE name = ?"

_decode = json.JSONDecoder().raw_decode
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Index:
    """The kept values of one store. No method raises, whatever the cache folder is like.

    Threads may share it. Several processes may use the same cache at once: the last one to save
    wins, and what the others have read is read again.

    Args:
        root: the experiments folder; links to it lead to the same cache.
    """

    def __init__(self, root: str) -> None:
        import threading

        self._root = os.fsencode(os.path.realpath(root))
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._opened: list[Any] | None = None
        self._new: dict[tuple[bytes, bytes], tuple[str, bytes]] = {}
        self._waiting = 0
        self._patience = _SMALL
        # The large file, then what is newer.
        self._paths: tuple[str, ...] = paths(self._root)

    def __del__(self) -> None:
        if getattr(self, "_opened", None):
            self._close()

    def find(self, expid: str, name: str, *facts: os.stat_result) -> Any:
        """The value that was read, if the files that it was read from are still the same.

        Args:
            expid: the experiment.
            name: of the value; that of the file where it is all of one file.
            *facts: what lstat says about the files now.

        Returns:
            The value; None when it is not known.
        """
        if not self._paths:
            return None
        key = os.fsencode(name), os.fsencode(expid)
        with self._owned():
            for seal, text in self._candidates(key):
                value = _opened(key, facts, seal, text)
                if value is not None:
                    return value
        return None

    def find_all(self, name: str) -> Callable[..., Any]:
        """Prepare to find the value of one name for very many experiments.

        Returns:
            A function like `find`, without the name. It gives each value once.
        """
        first, stored = os.fsencode(name), {}
        if self._paths:
            with self._owned():
                for part in reversed(self._parts()):
                    with contextlib.suppress(*_errors()):
                        for expid, *found in _bounded(part, _QUERY_ALL, (first,)):
                            stored[expid] = found

        def find(expid: str, *facts: os.stat_result) -> Any:
            key = first, os.fsencode(expid)
            found = stored.pop(key[1], None)
            return _opened(key, facts, *found) if found else None

        return find

    def finder(self, name: str, ids: Sequence[str]) -> Callable[..., Any]:
        """Prepare to find the value of one name for many of some experiments; those that are
        asked for in their order are read ahead.

        Returns:
            A function like `find`, of the experiment's place in `ids` and of the facts.
        """
        first = os.fsencode(name)
        span, stored = range(0), dict[bytes, list[Any]]()

        def find(place: int, *facts: os.stat_result) -> Any:
            nonlocal span, stored
            if place not in span:
                in_order = 0 <= place - span.stop <= len(span)
                count = min(2 * len(span), _AHEAD) if in_order else 0
                span = range(place, min(place + max(count, 1), len(ids)))
                stored = self._stored(first, [os.fsencode(ids[place]) for place in span])
            key = first, os.fsencode(ids[place])
            fresh = self._new.get(key)
            for found in [fresh] if fresh else stored.get(key[1], ()):
                value = _opened(key, facts, *found)
                if value is not None:
                    return value
            return None

        return find

    def _stored(self, name: bytes, ids: list[bytes]) -> dict[bytes, list[Any]]:
        """What the medium holds of a few experiments: seals and texts, the newer ones first."""
        stored: dict[bytes, list[Any]] = {}
        if self._paths:
            query = _QUERY_SOME.format(",".join("?" * len(ids)))
            with self._owned():
                for part in self._parts():
                    with contextlib.suppress(*_errors()):
                        for expid, *found in part.execute(query, (name, *ids)).fetchmany(len(ids)):
                            stored.setdefault(expid, []).append(found)
        return stored

    def keep(self, expid: str, name: str, value: Any, *facts: os.stat_result) -> bool:
        """Remember a value; it is on the medium after `save`.

        Args:
            expid: the experiment.
            name: of the value.
            value: JSON, not None.
            *facts: what lstat said about the files before they were read.

        Returns:
            Whether it is remembered; not, if it is large, or a file so young that it might change
            without a new time.
        """
        now = time.time()
        for file in facts:
            age = now - max(file.st_mtime, file.st_ctime)
            if age < SETTLED or not stat.S_ISREG(file.st_mode):
                return False
        try:
            text = _encode(value).encode()
        except (ValueError, TypeError, RecursionError):
            return False
        if len(text) > _LARGEST or not self._paths:
            return False
        key = os.fsencode(name), os.fsencode(expid)
        with self._owned():
            self._new[key] = _seal(key, facts, text), text
            self._waiting += len(text) + _BESIDE
            full = self._waiting >= self._patience
        if full:
            self.save(None)
        return True

    def save(self, present: Container[str] | None) -> None:
        """Write what is new; a kill at any moment leaves the old state or the new.

        Args:
            present: the experiments that there are, others are forgotten; None for not known.
        """
        with self._owned():
            if not self._new:
                return
            try:
                self._save(present)
            except _errors():
                self._paths = ()  # no further attempts: a full disk stays full
            self._new.clear()
            self._waiting = 0
            self._close()

    def _owned(self) -> Any:
        """The lock; after a fork a new one, since another thread may have held the old one."""
        if self._process != os.getpid():
            import threading

            self._lock, self._process = threading.RLock(), os.getpid()
            self._close()
        return self._lock

    def _candidates(self, key: tuple[bytes, bytes]) -> Iterator[tuple[Any, Any]]:
        """What is stored under a key: of this process, then newer and older ones on the medium."""
        fresh = self._new.get(key)
        if fresh:
            yield fresh
        for part in self._parts():
            found = None
            try:
                found = part.execute(_QUERY, key).fetchone()
            except _errors():  # a damaged part may have good pages
                continue
            if found:
                yield found

    def _parts(self) -> list[Any]:
        if self._opened is None:
            opened = [_open(path, self._root) for path in reversed(self._paths)]
            self._opened = [part for part in opened if part is not None]
        return self._opened

    def _close(self) -> None:
        for part in self._opened or ():
            part.close()
        self._opened = None

    def _save(self, present: Container[str] | None) -> None:
        self._close()
        large, small = self._paths
        first = not os.path.exists(large)
        if first:
            make_folder(os.path.dirname(large))
        older = [_open(path, self._root) for path in (small, large)]
        try:
            sizes = [
                _size(path) if part else 0 for path, part in zip((small, large), older, strict=True)
            ]
            few = self._waiting + sizes[0] <= max(_SMALL, sizes[1] // 16)
            target, sources = (small, older[:1]) if few and sizes[1] else (large, older)
            # Every save of a long first reading is larger than the one before, up to what the
            # memory of a login node has room for.
            self._patience = max(_SMALL, min(sum(sizes) // 2, _PENDING))
            _write(target, self._root, self._rows(sources, None if target is small else present))
        finally:
            for part in older:
                if part is not None:
                    part.close()
        if target is large:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(small)
        if first:
            forget_old_files(os.path.dirname(large))

    def _rows(self, sources: list[Any], present: Container[str] | None) -> Iterator[Any]:
        for (name, expid), (seal, text) in sorted(self._new.items()):
            yield name, expid, seal, text
        for source in sources:
            if source is None:
                continue
            with contextlib.suppress(*_errors()):  # a part that is damaged is left behind
                for row in _bounded(source, "SELECT name, id, seal, value FROM files"):
                    if present is None or os.fsdecode(row[1]) in present:
                        yield row


def _seal(key: tuple[bytes, bytes], facts: Iterable[os.stat_result], text: bytes) -> str:
    """What a value is worth: the files as they were, and that neither key nor text is damaged."""
    check = zlib.crc32(text, zlib.crc32(b"/".join(key)))
    seal = ""
    for file in facts:
        seal += f"{file.st_size} {file.st_mtime_ns} {file.st_ctime_ns} "
    return f"{seal}{check}"


def _opened(key: tuple[bytes, bytes], facts: Iterable[os.stat_result], seal: Any, text: Any) -> Any:
    """The value of a text whose seal fits, otherwise None."""
    try:
        if type(text) is bytes and seal == _seal(key, facts, text):
            return _decode(text.decode())[0]
    except (ValueError, RecursionError):
        pass
    return None


def _errors() -> tuple[type[Exception], ...]:
    import sqlite3

    # ValueError: a path or a value that is no legal text.
    return (sqlite3.Error, sqlite3.Warning, OSError, ValueError, OverflowError)


def _uri(path: str, options: str) -> str:
    for character in "%?#":
        path = path.replace(character, f"%{ord(character):02x}")
    path = path.replace(os.sep, "/")
    return f"file:{'' if path.startswith('/') else '/'}{path}?{options}"


def _open(path: str, root: bytes) -> Any:
    """Open one of the files for reading; None when there is none of this version and store."""
    if not os.path.isfile(path):
        return None
    import sqlite3

    part = None
    try:
        # immutable: nobody changes it, so SQLite looks for no lock and no journal.
        uri = _uri(path, "mode=ro&immutable=1")
        part = sqlite3.connect(uri, uri=True, check_same_thread=False)
        part.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * _LARGEST)
        version = part.execute("PRAGMA user_version").fetchone()[0]
        if version == SCHEMA and part.execute("SELECT path FROM store").fetchone() == (root,):
            return part
    except _errors():
        pass
    if part is not None:
        part.close()
    return None


def _bounded(part: Any, query: str, values: tuple[bytes, ...] = ()) -> Iterator[Any]:
    """The rows of a query, no more than fit into the file: a damaged one may go in circles."""
    path = part.execute("PRAGMA database_list").fetchone()[2]
    cursor = part.execute(query, values)
    with contextlib.closing(cursor):
        for _ in range(_size(path) // _SHORTEST_ROW):
            row = cursor.fetchone()
            if row is None:
                return
            yield row


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _write(path: str, root: bytes, rows: Iterator[Any]) -> None:
    """Put a new file in the place of the old one; of rows with one key the first counts."""
    import sqlite3

    temporary = f"{path}.{os.urandom(8).hex()}~"
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        # Nobody else knows the file, and locks may hang on network file systems.
        uri = _uri(temporary, "vfs=unix-none" if os.name == "posix" else "mode=rw")
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as part:
            part.executescript(_TABLE.format(schema=SCHEMA))
            part.execute("BEGIN")
            part.execute("INSERT INTO store VALUES (?)", (root,))
            part.executemany("INSERT OR IGNORE INTO files VALUES (?, ?, ?, ?)", rows)
            part.execute("COMMIT")
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
