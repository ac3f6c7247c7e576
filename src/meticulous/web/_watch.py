"""What changed in a store since the last look: one look costs a system call for each folder.

Files of a record are replaced, which changes the time of their folder; what grows in place, or was
edited in place, is found by looking at the files of those that run, and at those of some others in
turn.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable

from .. import _folder
from ..experiments import Experiments

__all__ = ["Seen", "Watch"]

_FACTS = (_folder.STATUS, _folder.METADATA, _folder.ANNOTATIONS, _folder.SUMMARY, _folder.ARGS)
_GROWING = (_folder.METRICS, _folder.STDOUT, _folder.STDERR)
_IN_TURN = 500
"""So many experiments have their files looked at besides, each time."""

_Mark = tuple[int, ...]


class Seen:
    """What a look found.

    Attributes:
        changed: ids whose facts may have changed, with new and vanished ones.
        grown: ids whose metrics or output grew.
        ids: all that there are.
    """

    def __init__(self, changed: dict[str, None], grown: dict[str, None], ids: list[str]) -> None:
        self.changed = changed
        self.grown = grown
        self.ids = ids


class Watch:
    """Looks at a store again and again. The first look takes everything for known.

    Args:
        store: the experiments; listed anew by each look.
    """

    def __init__(self, store: Experiments) -> None:
        self._store = store
        self._folders: dict[str, _Mark] = {}
        self._files: dict[str, _Mark] = {}
        self._sizes: dict[str, _Mark] = {}
        self._turn = 0
        self._recent: list[str] = []
        self._first = True

    def look(self, unended: Iterable[str]) -> Seen:
        """Look once.

        Args:
            unended: experiments that may still be running.

        Raises:
            StorageError: the store cannot be listed.
        """
        self._store.refresh_experiments()
        ids = list(self._store)
        inside = self._store._inside
        changed: dict[str, None] = {}
        grown: dict[str, None] = {}
        folders = {expid: _mark(f"{inside}{expid}") for expid in ids}
        for expid, mark in folders.items():
            if self._folders.get(expid) != mark:
                changed[expid] = None
        changed.update(dict.fromkeys(expid for expid in self._folders if expid not in folders))
        self._folders = folders
        turn = list(itertools.islice(ids, self._turn, self._turn + _IN_TURN))
        self._turn = self._turn + _IN_TURN if self._turn + _IN_TURN < len(ids) else 0
        running = [expid for expid in unended if expid in folders]
        recent, self._recent = self._recent, [expid for expid in changed if expid in folders]
        # Times are coarse: what changed a moment ago may have changed again in the same tick.
        for expid in {*turn, *running, *self._recent, *(e for e in recent if e in folders)}:
            files = _marks(f"{inside}{expid}{os.sep}", _FACTS)
            if self._files.get(expid, files) != files:
                changed[expid] = None
            self._files[expid] = files
        for expid in running:
            sizes = _marks(f"{inside}{expid}{os.sep}", _GROWING)
            if self._sizes.get(expid, sizes) != sizes:
                grown[expid] = None
            self._sizes[expid] = sizes
        for known in (self._files, self._sizes):
            for expid in [expid for expid in known if expid not in folders]:
                del known[expid]
        if self._first:
            self._first, changed = False, {}
        return Seen(changed, grown, ids)


def _mark(path: str) -> _Mark:
    try:
        facts = os.lstat(path)
    except OSError:
        return ()
    return facts.st_ino, facts.st_mtime_ns


def _marks(folder: str, names: Iterable[str]) -> _Mark:
    found: _Mark = ()
    for name in names:
        try:
            facts = os.lstat(folder + name)
        except OSError:
            found += (0, 0)
        else:
            # Not the time of STATUS, which is touched every few seconds: its content is replaced.
            found += (facts.st_ino, facts.st_size if name == _folder.STATUS else facts.st_mtime_ns)
    return found
