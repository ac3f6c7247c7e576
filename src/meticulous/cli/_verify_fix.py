"""What ``verify --fix`` mends: pins that are missing, and what crashes left half-written."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .. import _commits, _folder, _status
from .._table import clean
from ..experiments import ExperimentReader, Experiments
from . import _output, _trash

__all__ = ["carry_out", "offer", "plan"]

_HALF_WRITTEN = re.compile(r"\.(.+)\.[0-9]+\.[0-9]+~")
_OLD = 3600.0  # an ended experiment may be annotated at this moment
_GOING_ON = (_status.RUNNING, _status.SILENT, _status.UNKNOWN)
_SHOWN = 5


class Fix(NamedTuple):
    """Commits to pin in the repository `root`, and files to remove, relative to the store."""

    root: str
    pin: list[str]
    remove: list[str]

    def plain(self) -> dict[str, Any]:
        """For programs."""
        return {"pin": self.pin, "remove": self.remove}


def plan(
    store: Experiments, ids: Sequence[str], unpinned: Sequence[str], directories: Sequence[str]
) -> Fix:
    """Find out what could be mended; nothing is changed."""
    remove = [path for expid in ids for path in _half_written(store.experiments_directory, expid)]
    return Fix(_commits.find(*directories) if unpinned else "", [*unpinned], remove)


def _half_written(store: str, expid: str) -> Iterator[str]:
    """Old temporary files of the record, where the file that they were to become is whole."""
    folder = os.path.join(store, expid)
    try:
        names = os.listdir(folder)
    except OSError:
        return
    found = []
    for name in names:
        match = _HALF_WRITTEN.fullmatch(name)
        if match and match[1] in _folder.NAMES and match[1] in names:
            found.append(name)
    if found and ExperimentReader(folder).status not in _GOING_ON:
        for name in found:
            if _is_old_file(os.path.join(folder, name)):
                yield f"{expid}/{name}"


def _is_old_file(path: str) -> bool:
    try:
        facts = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(facts.st_mode) and time.time() - facts.st_mtime > _OLD


def offer(store: Experiments, fix: Fix, *, yes: bool) -> None:
    """Say what would be done, and do it when that is wanted."""
    if not (fix.pin or fix.remove):
        _output.write("\nThere is nothing that --fix could mend.\n")
        return
    lines = [""]
    if fix.pin:
        what = _some([sha[:12] for sha in fix.pin])
        lines.append(f"--fix pins {_count(fix.pin, 'commit')} in {fix.root}: {what}")
    if fix.remove:
        what = _some(fix.remove)
        lines.append(f"--fix removes {_count(fix.remove, 'half-written file')}: {what}")
    _output.write("".join(f"{clean(line)}\n" for line in lines))
    wanted = yes or _trash.confirmed("Do it?")
    if wanted:
        pinned, removed = carry_out(store, fix)
        told = f"Pinned {pinned} and removed {removed}."
    else:
        told = "Nothing was changed." if wanted is False else "Nothing was changed; --yes does it."
    _output.write(f"{told}\n")


def carry_out(store: Experiments, fix: Fix) -> tuple[int, int]:
    """Pin and remove; gives how many commits and files.

    An experiment that was continued meanwhile is left alone.

    Raises:
        GitError: a commit cannot be pinned.
        StorageError, OSError: a file cannot be removed.
    """
    pinned = _commits.pin(fix.root, fix.pin) if fix.pin else 0
    removed = 0
    for path in fix.remove:
        expid = path.partition("/")[0]
        if path in _half_written(store.experiments_directory, expid):  # looked at again
            os.unlink(os.path.join(store.experiments_directory, path))
            removed += 1
    return pinned, removed


def _count(items: Sequence[str], name: str) -> str:
    return f"{len(items)} {name}{'' if len(items) == 1 else 's'}"


def _some(items: Sequence[str]) -> str:
    more = len(items) - _SHOWN
    return ", ".join(items[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
