"""Inputs and outputs by their hashes, and the annotations that people make."""

from __future__ import annotations

import itertools
import os
import queue
import stat
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from . import _annotations, _folder, _json, _series
from ._annotations import change
from ._experiment_noticed import FINISH_SECONDS, Noticing

__all__ = ["Hashing", "annotate", "change", "hash_file", "hash_folder", "plain_mapping"]

AT_ONCE_BYTES = 16 << 20
"""Files up to this size are hashed in the call, so that the hash is of what was there then."""
ANNOTATE_SECONDS = 0.5
"""How long other processes that annotate hold up the thread that also beats the heart."""

_TOO_LATE = "not hashed: the experiment ended first"


class Hashing:
    """Notes files with size, time and SHA-256; large ones are hashed by a thread of its own.

    Args:
        folder: of the experiment.
        project: the project directory; paths within either are noted relative to it.
        emit: called with each finished line.
    """

    def __init__(self, folder: str, project: str, emit: Callable[[dict[str, Any]], object]) -> None:
        self._folder = folder
        self.project = project
        self._emit = emit
        self._noticing: Noticing | None = None
        self._queue: queue.SimpleQueue[tuple[int, str] | None] = queue.SimpleQueue()
        self._waiting: dict[int, dict[str, Any]] = {}  # whoever takes a line out emits it
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._abandoned = False
        self._lock = threading.Lock()

    def record(self, role: str, path: str) -> None:
        """Note one file or folder; never raises."""
        line: dict[str, Any] = {"time": _series.utc(time.time()), "role": role}
        absolute = path
        try:
            absolute = os.path.abspath(path)
            status = os.stat(absolute)
        except (OSError, ValueError) as error:  # a name with a null is a ValueError
            reason = getattr(error, "strerror", None) or str(error)
            self._emit({**line, **self._place(absolute), "problem": reason})
            return
        line.update(self._place(absolute))
        line["size"] = status.st_size
        line["mtime"] = _series.utc(status.st_mtime)
        if stat.S_ISREG(status.st_mode) and status.st_size <= AT_ONCE_BYTES:
            self._emit({**line, **self._hash(absolute, lambda: self._abandoned)})
        elif stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
            self._start()
            number = next(self._numbers)
            self._waiting[number] = line
            self._queue.put((number, absolute))
        else:  # reading a pipe could take for ever
            self._emit({**line, "problem": "neither a file nor a folder"})

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                name = f"meticulous-{os.path.basename(self._folder)}-files"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()

    def _place(self, path: str) -> dict[str, str]:
        """No absolute path where a relative one will do, so that folders can move."""
        for base, top in (("experiment", self._folder), ("project", self.project)):
            inside = os.path.relpath(path, top) if _within(path, top) else None
            if inside is not None:
                return {"base": base, "path": str(_json.plain(inside.replace(os.sep, "/")))}
        return {"base": "machine", "path": str(_json.plain(path))}

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            number, path = item
            facts = self._hash(path, lambda: self._abandoned)
            line = self._waiting.pop(number, None)
            if line is not None:
                self._emit({**line, **facts})

    @staticmethod
    def _hash(path: str, abandoned: Callable[[], bool]) -> dict[str, Any]:
        try:
            if os.path.isdir(path):
                return hash_folder(path, abandoned)
            return {"sha256": hash_file(path, abandoned)}
        except OSError as error:
            return {"problem": error.strerror or type(error).__name__}
        except _AbandonedError:
            return {"problem": _TOO_LATE}

    def notice(self, args: Mapping[str, Any], limit: int) -> None:
        """Begin to note the files that args lead to; see `Noticing`.

        Args:
            args: as they are recorded.
            limit: bytes that are read to hash.
        """
        noticing = Noticing(
            self._place,
            lambda path: self._hash(path, lambda: noticing.ended),
            self._emit,
            limit,
        )
        self._noticing = noticing
        leave_out = (self.project, os.path.dirname(self._folder), self._folder)
        noticing.start(args, leave_out, f"meticulous-{os.path.basename(self._folder)}-args")

    def finish(self, deadline: float) -> None:
        """Wait for the threads; at the deadline what is left is noted without its hash."""
        if self._noticing is not None:
            self._noticing.finish(min(deadline, time.monotonic() + FINISH_SECONDS))
        if self._thread is None:
            return
        self._queue.put(None)
        self._thread.join(max(0.0, deadline - time.monotonic()))
        self._abandoned = True
        for number in list(self._waiting):
            line = self._waiting.pop(number, None)
            if line is not None:
                self._emit({**line, "problem": _TOO_LATE})


class _AbandonedError(Exception):
    """The experiment ended before a hash was complete."""


def _within(path: str, top: str) -> bool:
    try:
        return os.path.commonpath([path, top]) == top
    except ValueError:
        return False


def hash_file(path: str, abandoned: Callable[[], bool]) -> str:
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
            if abandoned():
                raise _AbandonedError
    return digest.hexdigest()


def hash_folder(path: str, abandoned: Callable[[], bool]) -> dict[str, Any]:
    """A folder's hash is that of the lines ``<sha256>  <path>`` of its files, sorted by path.

    It is what ``find . -type f | sort | xargs sha256sum | sha256sum`` prints in the C locale, but
    for the leading ``./``.
    """
    import hashlib

    lines, size = [], 0
    for folder, _, names in os.walk(path):
        for name in names:
            full = os.path.join(folder, name)
            if not os.path.isfile(full):
                continue
            relative = os.path.relpath(full, path).replace(os.sep, "/")
            size += os.stat(full).st_size
            lines.append((os.fsencode(relative), hash_file(full, abandoned)))
    digest = hashlib.sha256()
    for relative_bytes, file_digest in sorted(lines):
        digest.update(file_digest.encode() + b"  " + relative_bytes + b"\n")
    return {"files": len(lines), "size": size, "sha256": digest.hexdigest()}


def plain_mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping as JSON will have it; anything else under the key "value"."""
    plain = _json.plain(value)
    return plain if isinstance(plain, dict) else {"value": plain}


def annotate(folder: _folder.Folder, changes: list[dict[str, Any]]) -> None:
    """Make the changes of this process in annotations.json, for as long as others let it wait.

    Raises:
        OSError: it is not possible now; the next time all of them are given again.
    """
    _annotations.apply(folder, changes, ANNOTATE_SECONDS)
