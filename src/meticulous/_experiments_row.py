"""Experiments as rows whose values are read when they are asked for.

A listing of ten thousand experiments shows a few values of thirty of them. What it needs of all,
such as when they started, is a short *head*, which the index keeps apart.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from sys import intern
from typing import Any

from . import _folder, _status
from ._experiments_reader import FIELDS, ExperimentReader
from ._index import Index

__all__ = ["LazyRow", "lazy_rows"]

_HEAD = "head"
_IN_HEAD = ("status", "status_message", "sha", "start_time", "duration", "description")
_FIELDS = dict.fromkeys(FIELDS)
_LATER = {*FIELDS, "metrics"}
_FILES = {
    "args": _folder.ARGS,
    "default_args": _folder.DEFAULT_ARGS,
    "metadata": _folder.METADATA,
    "summary": _folder.SUMMARY,
    "annotations": _folder.ANNOTATIONS,
}
_REMEMBERED = 1 << 23


class LazyRow(dict[str, Any]):
    """A row as `ExperimentReader.row` gives it; what was not asked for yet is not in memory.

    What is asked for is kept for a while, so that a look at a value of 100,000 experiments needs
    little memory; `keep` keeps it. Asked for ``metrics``, a row has them too.

    For code that is written in Python: what looks into dictionaries from C sees only what is
    kept, and is given ``dict(row)``.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Callable[[str, str], Any], known: dict[str, Any]) -> None:
        super().__init__(known)
        self._value = value

    def __missing__(self, name: str) -> Any:
        if name not in _LATER:
            raise KeyError(name)
        return self._value(self["expid"], name)

    def keep(self, *names: str) -> None:
        """Read some values now, and keep them as long as the row."""
        for name in names:
            self[name] = self[name]

    def __contains__(self, name: object) -> bool:
        return name in _FIELDS

    def __iter__(self) -> Iterator[str]:
        return iter(_FIELDS)

    def __len__(self) -> int:
        return len(_FIELDS)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in _LATER else default

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


class _Values:
    """Where rows get their values from. The last ones are kept, up to the size of their files."""

    def __init__(self, root: str, index: Index, make: Callable[[str], ExperimentReader]) -> None:
        self.ids: list[str] = []
        self._root, self._index, self._make = root, index, make
        self._places: dict[str, int] = {}
        self._finders: dict[str, Callable[..., Any]] = {}
        self._kept: OrderedDict[tuple[str, str], tuple[Any, int]] = OrderedDict()
        self._size = 0

    def __call__(self, expid: str, name: str) -> Any:
        key = expid, name
        found = self._kept.get(key)
        if found:
            return found[0]
        value, size = self._read(expid, name)
        self._kept[key] = value, size
        self._size += size
        while self._size > _REMEMBERED and len(self._kept) > 1:
            self._size -= self._kept.popitem(last=False)[1][1]
        return value

    def _read(self, expid: str, name: str) -> tuple[Any, int]:
        size = 1 << 10
        if name in _FILES:
            try:
                facts = os.lstat(f"{self._root}{expid}{os.sep}{_FILES[name]}")
            except FileNotFoundError:
                return {}, size
            except OSError:
                pass
            else:
                size += facts.st_size
                value = self._find(expid, _FILES[name], facts)
                if isinstance(value, dict):
                    return value, size
        return self._make(expid)._value(name), size

    def _find(self, expid: str, name: str, facts: os.stat_result) -> Any:
        find = self._finders.get(name)
        if find is None:
            self._places = self._places or {expid: place for place, expid in enumerate(self.ids)}
            find = self._finders[name] = self._index.finder(name, self.ids)
        return find(self._places[expid], facts)


def lazy_rows(
    root: str,
    ids: Iterable[str],
    index: Index,
    make: Callable[[str], ExperimentReader],
) -> list[dict[str, Any]]:
    """Give a row of every experiment whose folder is there.

    Args:
        root: the experiments folder, with a separator at its end.
        ids: the experiments.
        index: where heads are kept.
        make: makes a reader that nobody keeps.
    """
    find = index.find_all(_HEAD)
    meaning = _meaning()
    values = _Values(root, index, make)
    metadata, status = os.sep + _folder.METADATA, os.sep + _folder.STATUS
    rows: list[dict[str, Any]] = []
    for expid in ids:
        try:
            # Before anything is read, so that a change meanwhile is seen the next time.
            facts = [os.lstat(root + expid + metadata), os.lstat(root + expid + status)]
        except OSError:
            if not os.path.isdir(root + expid):
                continue
            facts = []
        known: dict[str, Any] = {"expid": expid}
        mine: Callable[[str, str], Any] = values
        head = find(expid, *facts) if facts else None
        if head is None or head[0] != meaning:
            reader = make(expid)
            head = [meaning, *(reader._value(name) for name in _IN_HEAD)]
            if not (facts and _stays(reader) and index.keep(expid, _HEAD, head, *facts)):
                mine = _of(reader)  # what it has read would be read from the files again
        head[1] = intern(head[1])
        known.update(zip(_IN_HEAD, head[1:], strict=True))
        rows.append(LazyRow(mine, known))
        values.ids.append(expid)
    return rows


def _of(reader: ExperimentReader) -> Callable[[str, str], Any]:
    return lambda expid, name: reader._value(name)


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
