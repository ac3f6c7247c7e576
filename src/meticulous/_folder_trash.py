"""The trash: experiments that were thrown away, beside the others, until they are purged.

Throwing away and taking back are one rename each, so nothing is ever half moved. A folder in the
trash is named by when it came there and by its id: ``20261124T094521.123456Z.17``. One that
somebody moved there by hand has only its id.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from . import _folder, _folder_numbers
from ._folder_numbers import TRASH, is_number
from .errors import SettingError, StorageError

__all__ = ["Trashed", "delete", "entries", "is_starting", "put_back", "size", "throw_away"]

JUST_NOW_SECONDS = 60.0
_PURGING = ".purging-"
_CLAIMS = ".session-"


class Trashed(NamedTuple):
    """One folder in the trash.

    Args:
        expid: the id that it had.
        time: when it was thrown away, seconds since the epoch.
        path: of the folder.
        unfinished: a purge began to delete it and was killed.
    """

    expid: str
    time: float
    path: str
    unfinished: bool


def throw_away(root: str, expid: str) -> Trashed:
    """Move an experiment into the trash, by one rename; its number stays taken.

    Raises:
        StorageError: it cannot be moved; it is where it was.
    """
    trash, path = os.path.join(root, TRASH), os.path.join(root, expid)
    now = time.time()
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    target = os.path.join(trash, f"{stamp}.{expid}")
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(trash)
        _check_trash(trash)
        os.rename(path, target)
    except OSError as error:
        raise StorageError.from_oserror(
            f"move {path} to", target, error, "It is where it was."
        ) from error
    return Trashed(expid, now, target, False)


def _check_trash(trash: str) -> None:
    if not stat.S_ISDIR(os.lstat(trash).st_mode):
        hint = "Move it away; the trash has to be a folder beside the experiments."
        raise StorageError(f"{trash} is a link or a file.", hint, path=trash)


def entries(root: str) -> list[Trashed]:
    """What is in the trash, the oldest first; links and files in it are passed over.

    Raises:
        StorageError: it cannot be listed.
    """
    trash = os.path.join(root, TRASH)
    try:
        _check_trash(trash)
        return sorted(_entries(trash), key=lambda entry: entry.time)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError.from_oserror("list", trash, error) from error


def _entries(trash: str) -> Iterator[Trashed]:
    with os.scandir(trash) as found:
        for entry in found:
            unfinished = entry.name.startswith(_PURGING)
            if not entry.is_dir(follow_symlinks=False):
                continue
            if entry.name.startswith(".") and not unfinished:
                continue
            stamp, expid = _folder_numbers.trashed(entry.name)
            when = _seconds(stamp)
            if when is None:  # moved there by hand
                try:
                    facts = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                when = max(facts.st_mtime, facts.st_ctime)
            yield Trashed(expid, when, entry.path, unfinished)


def _seconds(stamp: str) -> float | None:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return None


def put_back(root: str, entry: Trashed, expid: str) -> str:
    """Move a folder out of the trash; its id is claimed first, so that nobody else takes it.

    Args:
        root: the experiments folder.
        entry: what to move.
        expid: the id that it gets, a legal folder name.

    Returns:
        Where it is now.

    Raises:
        SettingError: the id is taken.
        StorageError: it cannot be moved; it is where it was.
    """
    try:
        path = _folder_numbers.claim(root, expid)
    except FileExistsError:
        raise SettingError(
            f"There is an experiment {expid!r} already.",
            "Give what is in the trash another id: --as NEWID.",
            value=expid,
        ) from None
    try:
        if os.name == "nt":  # elsewhere a folder may take the place of an empty one
            os.rmdir(path)
        os.rename(entry.path, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.rmdir(path)
        raise StorageError.from_oserror(
            f"move {entry.path} to", path, error, "It is still in the trash."
        ) from error
    return path


def delete(root: str, entry: Trashed) -> bool:
    """Delete a folder in the trash for ever; links in it are deleted, never followed.

    It gets another name first, so that what a killed process left half deleted is never taken for
    an experiment; deleting it again goes on.

    Returns:
        False when it is no longer there, or another process is deleting it.

    Raises:
        StorageError: it, or a part of it, cannot be deleted.
    """
    trash, name = os.path.split(entry.path)
    path = entry.path if entry.unfinished else os.path.join(trash, f"{_PURGING}{name}")
    try:
        if is_number(entry.expid):
            _folder_numbers.remember(root, int(entry.expid))
        os.rename(entry.path, path)
        try:
            shutil.rmtree(path)
        except PermissionError:  # a folder that is write-protected, such as a copied data set
            _open_up(path)
            shutil.rmtree(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        where = os.fsdecode(error.filename or path)
        raise StorageError.from_oserror("delete", where, error) from error
    return True


def _open_up(path: str) -> None:
    os.chmod(path, 0o700)
    for folder, names, _ in os.walk(path):
        for inside in (os.path.join(folder, name) for name in names):
            if not os.path.islink(inside):
                os.chmod(inside, 0o700)


def is_starting(path: str, now: float) -> bool:
    """Whether an experiment's folder says that a process is about to start in it: by a claim to
    continue it, or because it is new and has no status yet.
    """
    try:
        names = os.listdir(path)
        signs = [name for name in names if name.startswith(_CLAIMS)]
        signs += [""] * (_folder.STATUS not in names)
        times = [os.stat(os.path.join(path, sign)).st_mtime for sign in signs]
    except OSError:
        return False
    return any(abs(now - moment) < JUST_NOW_SECONDS for moment in times)


def size(path: str) -> int:
    """Bytes in the files of a folder; links are not followed."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total
