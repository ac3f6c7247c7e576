"""Experiments as rows whose values are read when they are asked for.

A listing of ten thousand experiments shows a few values of thirty of them. What it needs of all,
such as when they started, is a short *head*, which the index keeps apart.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any

from . import _folder, _status
from ._experiments_reader import FIELDS, ExperimentReader
from ._index import Index

__all__ = ["LazyRow", "lazy_rows"]

_HEAD = "head"
_IN_HEAD = ("status", "status_message", "sha", "start_time", "duration", "description")
_FIELDS = dict.fromkeys(FIELDS)


class LazyRow(dict[str, Any]):
    """A row as `ExperimentReader.row` gives it; what was not asked for yet is not in memory.

    For code that is written in Python: what looks into dictionaries from C sees only what was
    asked for, and is given ``dict(row)``.
    """

    __slots__ = ("_readers",)

    def __init__(self, readers: Mapping[str, ExperimentReader], known: dict[str, Any]) -> None:
        super().__init__(known)
        self._readers = readers

    def __missing__(self, name: str) -> Any:
        if name not in _FIELDS:
            raise KeyError(name)
        value = self[name] = self._readers[self["expid"]]._value(name)
        return value

    def __contains__(self, name: object) -> bool:
        return name in _FIELDS

    def __iter__(self) -> Iterator[str]:
        return iter(_FIELDS)

    def __len__(self) -> int:
        return len(_FIELDS)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in _FIELDS else default

    def keys(self) -> Any:
        return KeysView(self)

    def values(self) -> Any:
        return ValuesView(self)

    def items(self) -> Any:
        return ItemsView(self)

    def copy(self) -> dict[str, Any]:
        return dict(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None


def lazy_rows(
    root: str,
    readers: Mapping[str, ExperimentReader],
    index: Index,
    make: Callable[[str], ExperimentReader],
) -> list[dict[str, Any]]:
    """Give a row of every experiment whose folder is there.

    Args:
        root: the experiments folder, with a separator at its end.
        readers: gives the reader that is kept for an id.
        index: where heads are kept.
        make: makes a reader that nobody keeps.
    """
    find = index.find_all(_HEAD)
    meaning = _meaning()
    metadata, status = os.sep + _folder.METADATA, os.sep + _folder.STATUS
    rows: list[dict[str, Any]] = []
    for expid in readers:
        try:
            # Before anything is read, so that a change meanwhile is seen the next time.
            facts = [os.lstat(root + expid + metadata), os.lstat(root + expid + status)]
        except OSError:
            if not os.path.isdir(root + expid):
                continue
            facts = []
        known: dict[str, Any] = {"expid": expid}
        mine = readers
        if facts:
            head = find(expid, *facts)
            if head is None or head[0] != meaning:
                reader = make(expid)
                head = [meaning, *(reader._value(name) for name in _IN_HEAD)]
                if not (_stays(reader) and index.keep(expid, _HEAD, head, *facts)):
                    mine = {expid: reader}  # what it has read would be read from the files again
            known.update(zip(_IN_HEAD, head[1:], strict=True))
        rows.append(LazyRow(mine, known))
    return rows


def _stays(reader: ExperimentReader) -> bool:
    """Whether a reader's head stays true as long as the two files stay the same."""
    recorded = [reader.metadata.get(name) for name in ("start-time", "timestamp")]
    ended = not reader._text.startswith(_status.RUNNING)
    return ended and reader.start_time in recorded and not reader._problems


def _meaning() -> str:
    """What a head depends on besides the files: this code, and for old records the time zone."""
    facts = [time.timezone, time.altzone]
    for module in ("_experiments_reader", "_experiments_row", "_status", "_table"):
        try:
            facts.append(os.stat(os.path.join(os.path.dirname(__file__), f"{module}.py")).st_size)
        except OSError:  # a package in an archive
            facts.append(0)
    return " ".join(map(str, facts))
