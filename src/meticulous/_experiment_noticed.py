"""Inputs that nobody named: files and folders that the args of a program lead to.

All of it happens in a thread of its own, which may hang with the storage that it looks at: the
program does not wait for it, neither at its start nor, for more than a moment, at its end.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import _series

__all__ = ["FINISH_SECONDS", "Noticing"]

FINISH_SECONDS = 0.3
"""How long the end of an experiment waits for what was noticed: short programs stay short."""
MAX_FILES = 50
MAX_VALUES = 1000
MAX_IN_FOLDER = 10_000
_LONGEST = 4096
_TOO_LARGE = "not hashed: larger than hash_limit"
_TOO_MANY = f"not hashed: more than {MAX_IN_FOLDER} entries"

Line = dict[str, Any]


class Noticing:
    """Looks for files that args lead to, and notes each with size, time and SHA-256.

    Args:
        place: what a path is noted as, see `Hashing`.
        digest: hashes a file or a folder, and says why not; ends early when it is told to.
        emit: called with each finished line.
        limit: bytes that are read to hash, of all that is noticed together.
    """

    def __init__(
        self,
        place: Callable[[str], dict[str, str]],
        digest: Callable[[str], dict[str, Any]],
        emit: Callable[[Line], object],
        limit: int,
    ) -> None:
        self._place = place
        self._digest = digest
        self._emit = emit
        self._left = limit
        self._waiting: dict[str, Line] = {}  # whoever takes a line out emits it
        self._thread: threading.Thread | None = None
        self.ended = False

    def start(self, args: Mapping[str, Any], leave_out: tuple[str, ...], name: str) -> None:
        """Begin to look, if any arg could be a path.

        Args:
            args: as they are recorded, secrets hidden.
            leave_out: folders that are no inputs, nor are those that they are in.
            name: of the thread.
        """
        paths = dict(_paths(args))
        if not paths:
            return
        try:
            here = os.getcwd()
        except OSError:
            return
        self._thread = threading.Thread(
            target=self._run, args=(paths, here, leave_out), name=name, daemon=True
        )
        self._thread.start()

    def _run(self, paths: Mapping[str, str], here: str, leave_out: tuple[str, ...]) -> None:
        found: list[tuple[str, os.stat_result]] = []
        for path, name in paths.items():
            absolute = os.path.normpath(os.path.join(here, path))
            if self.ended or len(found) == MAX_FILES:
                break
            if absolute in self._waiting or _holds(absolute, leave_out):
                continue
            try:
                status = os.stat(absolute)
            except (OSError, ValueError):
                continue
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                continue
            self._waiting[absolute] = {
                "time": _series.utc(time.time()),
                "role": "arg",
                "arg": name,
                **self._place(absolute),
                "size": status.st_size,
                "mtime": _series.utc(status.st_mtime),
            }
            found.append((absolute, status))
        for absolute, status in found:  # all of them are known before the first one is read
            facts = self._facts(absolute, status)
            line = self._waiting.pop(absolute, None)
            if line is not None:
                self._emit({**line, **facts})

    def _facts(self, path: str, status: os.stat_result) -> dict[str, Any]:
        size = status.st_size
        if stat.S_ISDIR(status.st_mode):
            count, size = _measure(path, self._left, lambda: self.ended)
            if count > MAX_IN_FOLDER:
                return {"problem": _TOO_MANY}
        if size > self._left:
            return {"problem": _TOO_LARGE}
        self._left -= size
        return self._digest(path)

    def finish(self, deadline: float) -> None:
        """Wait until `deadline`; what is left is noted by its size and time."""
        if self._thread is None:
            return
        self._thread.join(max(0.0, deadline - time.monotonic()))
        self.ended = True
        for path in list(self._waiting):
            line = self._waiting.pop(path, None)
            if line is not None:
                self._emit({**line, "problem": "not hashed: the experiment ended first"})


def _paths(args: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The texts among args that could be paths, each with the arg's name; nested ones, too."""
    waiting: list[tuple[str, Any]] = [("", args)]
    left = MAX_VALUES
    while waiting and left:
        name, value = waiting.pop()
        left -= 1
        if isinstance(value, Mapping):
            items = [(f"{name}.{key}" if name else str(key), item) for key, item in value.items()]
            waiting += reversed(items[:MAX_VALUES])
        elif isinstance(value, list):
            waiting += [(name, item) for item in reversed(value[:MAX_VALUES])]
        elif isinstance(value, str) and _could_be(value):
            yield value, name


def _could_be(text: str) -> bool:
    return 0 < len(text) <= _LONGEST and "://" not in text and not set("\n\0*") & set(text)


def _holds(path: str, folders: tuple[str, ...]) -> bool:
    """Whether a folder is one of some, or around one: the project itself is no input."""
    start = path if path.endswith(os.sep) else path + os.sep
    return any(folder == path or folder.startswith(start) for folder in folders)


def _measure(path: str, limit: int, ended: Callable[[], bool]) -> tuple[int, int]:
    """Count the entries of a folder and their bytes, up to the bounds."""
    count = size = 0
    waiting = [path]
    while waiting and count <= MAX_IN_FOLDER and size <= limit and not ended():
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    count += 1
                    if count > MAX_IN_FOLDER or size > limit:
                        break
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.is_file():
                        size += entry.stat().st_size
        except OSError:
            continue
    return count, size
