"""What people say about an experiment, kept with its history, however many say something at once.

annotations.json is the one file that several processes may change: the running experiment and any
number of commands. Each reads it, changes it and puts it back while it holds a folder that only
one of them can make. No lock of the operating system is needed, which network file systems may
not have.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import threading
import time
from collections.abc import Container
from typing import Any, NamedTuple

from . import _files, _folder, _json, _series
from .errors import SettingError

__all__ = ["Annotated", "apply", "change", "check_name"]

STALE_SECONDS = 5.0
"""A holder that takes longer was killed; one that was only slow notices before it writes."""

_MARK = ".annotating"
_LIKE_IDS = re.compile(r"[0-9]+(-[0-9]+)?|last(~[0-9]+)?|all|(best|min|max):.*|.*,.*")
_LISTS = ("tags", "notes", "history")
_LOOK_SECONDS = 0.2
_Mark = tuple[str, tuple[int, int] | None]


class Annotated(NamedTuple):
    """What annotations.json holds now; and where what was broken is kept, empty otherwise."""

    annotations: dict[str, Any]
    kept: str


def change(action: str, value: Any = None) -> dict[str, Any]:
    """Make a line of the history.

    Args:
        action: ``tag`` or ``untag`` (a list of words), ``note`` (a text), ``name`` (a text, empty
            for none), ``lock`` or ``unlock``.
        value: what the action is about.
    """
    line: dict[str, Any] = {"time": _series.utc(time.time()), "action": action}
    plain: dict[str, Any] = _json.plain(line if value is None else {**line, "value": value})
    return plain


def check_name(name: str, ids: Container[str]) -> None:
    """See that a name can be told from ids, wherever an experiment is asked for.

    Raises:
        SettingError: it cannot.
    """
    if name in ids or _LIKE_IDS.fullmatch(name):
        message = f"The name {name[:200]!r} would be taken for ids."
        raise SettingError(message, "Give another one.", name="name", value=name)


def apply(folder: _folder.Folder, changes: list[dict[str, Any]], seconds: float) -> Annotated:
    """Make changes in annotations.json, together with those of any other processes.

    The file is read again each time, and what the history has is in it already, so that all the
    changes of a process can be given again and again. What stands in the file and cannot be
    understood is kept beside it as ``annotations.json.broken-1``. A crash at any moment leaves the
    old file or the new.

    Args:
        folder: of the experiment.
        changes: as `change` makes them.
        seconds: how long to wait for others.

    Raises:
        TimeoutError: others were at it all the time; nothing was changed.
        OSError: it cannot be read or written; nothing was changed.
    """
    deadline = time.monotonic() + seconds
    while True:
        marks = _take(folder.file(_MARK), deadline)
        try:
            done = _write(folder, changes, marks)
        finally:
            for mark, _ in marks:  # the oldest first, see `_take`
                _remove(mark)
        if done is not None:
            return done


def _take(path: str, deadline: float) -> list[_Mark]:
    """Make the folder that says who changes the file; wait while another process has it.

    One that a killed process left behind is not taken away, since two could do that at once and
    both think that they have it now: a further one is made beside it, and counts as long as those
    before it are still the same. They are taken away together, the oldest first: so whoever then
    makes a further one sees that those before it are gone.

    Returns:
        What to take away afterwards, the own one last; nothing where no folder can be made, on a
        full disk for example: then nobody else can make one either.

    Raises:
        TimeoutError: it could not be had before the deadline.
    """
    began = time.monotonic()
    while True:
        old: list[_Mark] = []
        for generation in itertools.count():
            mark = f"{path}.{generation}" if generation else path
            try:
                os.mkdir(mark)
            except FileExistsError:
                identity = _identity(mark)
                if time.monotonic() - began < _LOOK_SECONDS or not _is_stale(path, identity):
                    break
                old.append((mark, identity))
            except OSError:
                return []
            else:
                if all(_identity(other) == identity for other, identity in old):
                    return [*old, (mark, _identity(mark))]
                _remove(mark)
                break
        if time.monotonic() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, "other processes are changing it", path)
        time.sleep(0.001 + os.urandom(1)[0] / 20_000)  # not `random`, which is the program's


def _identity(mark: str) -> tuple[int, int] | None:
    try:
        facts = os.lstat(mark)
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns


def _is_stale(path: str, identity: tuple[int, int] | None) -> bool:
    """Whether a holder was killed, by the clock of the storage, which made both times."""
    if identity is None:
        return False
    probe = f"{path}.{os.getpid()}.{threading.get_ident()}~"
    try:
        os.mkdir(probe)
        now = os.lstat(probe).st_mtime_ns
    except OSError:
        return False
    finally:
        _remove(probe)
    return now - identity[1] > STALE_SECONDS * 1e9


def _is_held(marks: list[_Mark]) -> bool:
    """Whether nobody took us for dead."""
    if not marks:
        return True
    mark, identity = marks[-1]
    first = marks[0][0]
    return _identity(mark) == identity and not os.path.lexists(f"{first}.{len(marks)}")


def _remove(mark: str) -> None:
    with contextlib.suppress(OSError):
        os.rmdir(mark)


def _write(
    folder: _folder.Folder, changes: list[dict[str, Any]], marks: list[_Mark]
) -> Annotated | None:
    """Read, change and replace; None when another process took over meanwhile."""
    path = folder.file(_folder.ANNOTATIONS)
    found, broken = _read(path)
    annotations = _changed(found, changes)
    if annotations is found:
        return Annotated(found, "")
    data = _json.encode(annotations)
    new = folder.file(f".{_folder.ANNOTATIONS}.{os.getpid()}.{threading.get_ident()}~")
    try:
        _files.replace(new, data)
    except OSError:
        if broken:
            raise
        _files.replace(path, data)  # may fit where the old one is
        return Annotated(annotations, "")
    try:
        if not _is_held(marks):
            return None
        kept = _keep(path) if broken else ""
        os.replace(new, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new)
    return Annotated(annotations, kept)


def _read(path: str) -> tuple[dict[str, Any], bool]:
    """What the file holds, and whether it holds something else that would get lost.

    Raises:
        OSError: it is there and cannot be read.
    """
    if os.path.islink(path):  # it may lead out of the folder
        return {}, True
    try:
        found = _files.read_json(path)
    except FileNotFoundError:
        return {}, False
    except ValueError:
        return {}, os.path.getsize(path) > 0
    if not isinstance(found, dict):
        return {}, True
    return found, any(not isinstance(found.get(key, []), list) for key in _LISTS)


def _keep(path: str) -> str:
    for number in itertools.count(1):
        beside = f"{path}.broken-{number}"
        if not os.path.lexists(beside):
            os.rename(path, beside)
            return os.path.basename(beside)
    raise AssertionError


def _changed(found: dict[str, Any], changes: list[dict[str, Any]]) -> dict[str, Any]:
    """Apply what the history does not have yet; the very same object when it has all."""
    history = _list(found, "history")
    times = {str(line["time"]) for line in history if isinstance(line, dict) and "time" in line}
    new = [line for line in changes if line["time"] not in times or line not in history]
    if not new:
        return found
    annotations = dict(found)
    for line in new:
        action, value = line["action"], line.get("value", "")
        tags = _list(annotations, "tags")
        if action == "tag":
            annotations["tags"] = [*tags, *dict.fromkeys(tag for tag in value if tag not in tags)]
        elif action == "untag":
            annotations["tags"] = [tag for tag in tags if tag not in value]
        elif action == "note":
            note = {"time": line["time"], "text": value}
            annotations["notes"] = [*_list(annotations, "notes"), note]
        elif action in ("name", "lock", "unlock"):  # others are only for the history
            key = "name" if action == "name" else "locked"
            annotations.pop(key, None)
            if value or action == "lock":
                annotations[key] = value or True
    annotations["history"] = [*history, *new]
    return annotations


def _list(annotations: dict[str, Any], key: str) -> list[Any]:
    value = annotations.get(key)
    return value if isinstance(value, list) else []
