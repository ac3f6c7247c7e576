"""The numbers of experiments: how a folder is claimed, and that none is given twice."""

from __future__ import annotations

import contextlib
import errno
import os
import re

from .errors import StorageError

__all__ = ["TRASH", "cannot", "claim", "is_number", "remember", "trashed"]

TRASH = ".trash"
_TRASHED = re.compile(r"(?:\.purging-)?([0-9]{8}T[0-9]{6}\.[0-9]{6}Z)\.(.+)", re.DOTALL)
_HIGHEST = ".highest"
_DENSE_TRIES = 4
_MAX_STRIDE = 64
_HINTS = {
    errno.ENOSPC: "Free some space, or give another --experiments-directory.",
    errno.EACCES: "Make it writable, or give another --experiments-directory.",
    errno.EROFS: "Give an --experiments-directory that can be written.",
    errno.EEXIST: "Something else has that name: move it, or give another --experiments-directory.",
}


def cannot(doing: str, path: str, error: OSError) -> StorageError:
    hint = _HINTS.get(
        error.errno or 0, "Mend the storage, or give another --experiments-directory."
    )
    return StorageError.from_oserror(doing, path, error, hint)


def claim(root: str, experiment_id: str | None = None) -> str:
    """Make a folder that nobody else has, by one exclusive mkdir.

    Without an id the number is the highest known plus one; on a collision the next is tried
    without listing again. After a few collisions the steps get longer, at random, so that many
    starts at once on a slow file system do not queue up behind each other: gaps are harmless, a
    lost or shared number is not. Numbers in the trash, and the highest ever given, stay taken.

    Args:
        root: the experiments folder, which exists.
        experiment_id: a legal folder name; None for the next number.

    Returns:
        The path of the empty folder.

    Raises:
        FileExistsError: the id is taken.
        StorageError: the folder cannot be made.
    """
    if experiment_id is not None:
        _mkdir(os.path.join(root, experiment_id))
        if is_number(experiment_id):
            with contextlib.suppress(OSError):
                remember(root, int(experiment_id))
        return os.path.join(root, experiment_id)
    number = _highest(root) + 1
    tries = 0
    while True:
        path = os.path.join(root, str(number))
        try:
            _mkdir(path)
        except FileExistsError:
            tries += 1
            number += 1 if tries <= _DENSE_TRIES else _stride(tries - _DENSE_TRIES)
            continue
        with contextlib.suppress(OSError):  # a second line of defence: a failure costs nothing
            remember(root, number)
        return path


def _stride(collisions: int) -> int:
    # Not `random`: the state of the user's random numbers stays untouched.
    return 1 + int.from_bytes(os.urandom(2), "big") % min(_MAX_STRIDE, 1 << collisions)


def _mkdir(path: str) -> None:
    try:
        os.mkdir(path)
    except FileExistsError:
        raise
    except OSError as error:
        raise cannot("make the folder", path, error) from error


def _highest(root: str) -> int:
    """The highest number that is or was given: folders, stray files, trash, and the mark."""
    try:
        names = os.listdir(root)
    except OSError as error:
        raise cannot("list", root, error) from error
    for hidden in (TRASH, _HIGHEST):
        if hidden in names:
            try:
                names += [trashed(name)[1] for name in os.listdir(os.path.join(root, hidden))]
            except OSError:
                continue
    return max(map(int, filter(is_number, names)), default=0)


def remember(root: str, number: int) -> None:
    """Keep the highest number as an empty folder, so that it survives ``rm -r`` of the newest.

    An empty folder, since mkdir and rmdir need no lock and no file that two processes write.

    Raises:
        OSError: it cannot be kept.
    """
    marks = os.path.join(root, _HIGHEST)
    os.makedirs(marks, exist_ok=True)
    known = [int(name) for name in os.listdir(marks) if is_number(name)]
    if max(known, default=-1) >= number:
        return
    os.makedirs(os.path.join(marks, str(number)), exist_ok=True)
    for name in os.listdir(marks):
        if is_number(name) and int(name) < number:
            with contextlib.suppress(OSError):  # taken away by another process
                os.rmdir(os.path.join(marks, name))


def trashed(name: str) -> tuple[str, str]:
    """When a folder in the trash was thrown away, empty when its name does not tell, and its id."""
    match = _TRASHED.fullmatch(name)
    return (match[1], match[2]) if match else ("", name)


def is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()
