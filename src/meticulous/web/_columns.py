"""The values of all experiments in memory, a column for each field, so that questions are quick.

Whoever asks holds the lock of `Columns`; a row is a number, and what is true of names and filter
expressions for rows of `Experiments` is true for these.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from sys import intern
from typing import Any

from .. import _folder, _status
from .._experiments_row import lazy_rows
from .._query_names import DEPTH, Field, Id, Names
from .._table import MISSING
from ..experiments import Experiments

__all__ = ["EAGER", "Bound", "Column", "ColumnNames", "Columns"]

EAGER = ("args", "summary", "annotations")
"""The groups that are read at once; the others when somebody asks for them."""

_HEAD = ("status", "status_message", "sha", "start_time", "duration", "description")
_HEADER = ("expid", "curexpdir", *_HEAD, "problems")
_FILES = {
    "args": _folder.ARGS,
    "default_args": _folder.DEFAULT_ARGS,
    "metadata": _folder.METADATA,
    "summary": _folder.SUMMARY,
    "annotations": _folder.ANNOTATIONS,
}
_DENSE = 8
_FEW = 8
_GONE = 4

Column = Any  # a list, or a `_Sparse` where few rows have a value


class _Sparse(dict[int, Any]):
    """A column that few rows have a value in."""

    def __missing__(self, row: int) -> Any:
        return MISSING


class Bound(Field):
    """A field whose rows are numbers."""

    column: Column

    @property
    def getter(self) -> Callable[[Any], Any]:
        """A function that gives a row's value, `MISSING` where the row has none."""
        get: Callable[[Any], Any] = self.column.__getitem__
        return get


class Columns:
    """The values of experiments of a store.

    Args:
        store: where they are read.
        ids: the experiments.
        go_on: called now and then while very many are read; what it raises ends that.
    """

    def __init__(
        self, store: Experiments, ids: Iterable[str], go_on: Callable[[], None] = lambda: None
    ) -> None:
        self.lock = threading.RLock()
        self.generation = 0
        self._store = store
        self._go_on = go_on
        self._start(list(ids))

    def _start(self, ids: list[str]) -> None:
        self._ids = ids
        # What is kept of the whole store is more than what is read of a few experiments.
        self._is_few = len(ids) * _FEW < len(self._store)
        self._place: dict[str, int] = {}
        self._read_at: dict[int, float] = {}
        self._header: dict[str, list[Any]] = {name: [] for name in ("expid", *_HEAD)}
        self._groups: dict[str, dict[str, Column]] = {}
        self._nested: dict[str, set[str]] = {}
        self._problems: dict[int, list[str]] = {}
        now = time.monotonic()
        for row in self._rows(ids):
            self._add_head(row["expid"], row, now)
        for group in EAGER:
            self._load(group)
        if not self._is_few:
            gc.collect()  # otherwise the first question waits until it is through all this
        self._settle()

    def _settle(self) -> None:
        """Have what was asked before asked anew."""
        self.generation += 1
        self.names = ColumnNames(self)
        self.rows = [self._place[expid] for expid in self._ids if expid in self._place]

    def _rows(self, ids: list[str]) -> list[dict[str, Any]]:
        store = self._store
        if self._is_few:
            readers = map(store._made, ids)
            return [{"expid": r.expid} | {name: r._value(name) for name in _HEAD} for r in readers]
        return lazy_rows(store._inside, self._calmly(ids), store._index, store._made)

    def _calmly(self, ids: Iterable[str]) -> Iterator[str]:
        for number, expid in enumerate(ids):
            if number % 256 == 0:
                self._go_on()
            yield expid

    def _add_head(self, expid: str, row: Any, now: float) -> None:
        place = self._place[expid] = len(self._header["expid"])
        self._header["expid"].append(Id(expid))
        for name in _HEAD:
            self._header[name].append(row[name])
        self._note(place, now)

    def _note(self, place: int, now: float) -> None:
        self._header["status"][place] = intern(str(self._header["status"][place]))
        self._read_at.pop(place, None)
        if self._header["status"][place] == _status.RUNNING:
            self._read_at[place] = now

    # ------------------------------------------------------------------------ reading

    def _load(self, group: str) -> None:
        """Read a group of all rows."""
        columns: dict[str, Column] = {}
        self._groups[group] = columns
        total = len(self._header["expid"])
        documents = self._documents(group)
        for place, document in documents:
            for key, value in _flat(document):
                column = columns.get(key)
                if column is None:
                    column = columns[key] = _Sparse()
                column[place] = value
        for key, column in columns.items():
            if len(column) * _DENSE > total:
                columns[key] = [column.get(row, MISSING) for row in range(total)]
        self._nested[group] = _prefixes(columns)
        if self._nested[group]:
            for place, document in self._documents(group):
                self._fill_nested(group, place, document)

    def _documents(self, group: str) -> Iterator[tuple[int, dict[str, Any]]]:
        name = _FILES.get(group)
        ids = list(self._place)
        find = self._store._index.finder(name, ids) if name and not self._is_few else None
        inside = self._store._inside
        for place, expid in enumerate(self._calmly(ids)):
            value = None
            if find:
                try:
                    facts = os.lstat(f"{inside}{expid}{os.sep}{name}")
                except OSError:
                    if group in ("summary", "annotations"):
                        continue
                else:
                    value = find(place, facts)
            if not isinstance(value, dict):
                value = self._document(expid, group)
            if value:
                yield place, value

    def _document(self, expid: str, group: str) -> dict[str, Any]:
        value = self._store._made(expid)._value(group)
        return value if isinstance(value, dict) else {}

    def _fill_nested(self, group: str, place: int, document: dict[str, Any]) -> None:
        """A name that is a value here and an object there has the object as its value there."""
        for key in self._nested[group]:
            value = Field(group, key).getter({group: document})
            if value is not MISSING:
                self._groups[group][key][place] = value

    # ------------------------------------------------------------------------ changes

    def update(self, changed: Iterable[str], present: Iterable[str]) -> None:
        """Read some experiments again, and take in those that are new.

        Args:
            changed: those whose files changed, new ones and vanished ones.
            present: all that there are now, in the order of the store.
        """
        with self.lock:
            self._ids = list(present)
            there = set(self._ids)
            for expid in changed:
                if expid in there:
                    self._again(expid)
            self._ids = [expid for expid in self._ids if expid in self._place]
            if len(self._place) > _GONE + 2 * len(self._ids) or any(
                _prefixes(self._groups[group]) - self._nested[group] for group in self._groups
            ):
                self._start(self._ids)
                return
            self._settle()

    def _again(self, expid: str) -> None:
        reader = self._store._made(expid)
        head = {name: reader._value(name) for name in _HEAD}
        place = self._place.get(expid)
        now = time.monotonic()
        if place is None:
            self._add_head(expid, head, now)
            place = self._place[expid]
            for columns in self._groups.values():
                for column in columns.values():
                    if isinstance(column, list):
                        column.append(MISSING)
        else:
            for name in _HEAD:
                self._header[name][place] = head[name]
            self._note(place, now)
        self._problems.pop(place, None)
        for group, columns in self._groups.items():
            value = reader._value(group)
            flat = dict(_flat(value)) if isinstance(value, dict) else {}
            for key, column in columns.items():
                if key in flat:
                    column[place] = flat.pop(key)
                elif isinstance(column, list):
                    column[place] = MISSING
                else:
                    column.pop(place, None)
            for key, left in flat.items():
                columns[key] = _Sparse({place: left})
            if isinstance(value, dict):
                self._fill_nested(group, place, value)

    # ------------------------------------------------------------------------ questions

    def of_status(self, *words: str) -> list[str]:
        """The experiments of which a status was read."""
        status, place = self._header["status"], self._place
        return [expid for expid in self._ids if status[place[expid]] in words]

    def state(self, expid: str) -> Any:
        """How an experiment did when it was read, without what changes by itself."""
        row = self._place[expid]
        status = self._header["status"][row]
        return status, status == _status.SILENT or self._header["status_message"][row]

    def row_of(self, expid: str) -> int | None:
        """The row of an experiment."""
        return self._place.get(expid)

    def keys(self, group: str) -> dict[str, None]:
        """The names of a group's values."""
        if group == "header":
            return dict.fromkeys(_HEADER)
        if group not in self._groups:
            if group not in (*_FILES, "metrics"):
                return {}
            self._load(group)
        return self._groups[group]

    def bound(self, field: Field) -> Bound:
        """A field with its values."""
        made = Bound(*field)
        group, key = field
        if group != "header":
            self.keys(group)
            made.column = self._groups[group][key]
        elif key == "curexpdir":
            made.column = _Computed(lambda row: self._store._inside + self.expid(row))
        elif key == "problems":
            made.column = _Computed(self.problems)
        else:
            made.column = self._header[key]
        return made

    def expid(self, row: int) -> str:
        """The id of a row, as plain text."""
        return str.__str__(self._header["expid"][row])

    def head(self, row: int, name: str) -> Any:
        """A fact of a row; of one that runs, the duration until now."""
        value = self._header[name][row]
        if name == "duration" and value is not None and row in self._read_at:
            value += time.monotonic() - self._read_at[row]
        return value

    def problems(self, row: int) -> list[str]:
        """What is wrong with a record, read when it is first asked for."""
        found = self._problems.get(row)
        if found is None:
            found = self._problems[row] = self._store._made(self.expid(row)).problems
        return found


class _Computed:
    """A column whose values are made when they are asked for."""

    def __init__(self, value: Callable[[int], Any]) -> None:
        self._value = value

    def __getitem__(self, row: int) -> Any:
        return self._value(row)


class ColumnNames(Names):
    """The names of `Columns`; the fields that it finds are `Bound`."""

    def __init__(self, columns: Columns) -> None:
        super().__init__([])
        self._columns = columns

    def keys(self, group: str) -> dict[str, None]:
        return self._columns.keys(group)

    def _has(self, group: str, key: str | None) -> bool:
        return key in self._columns.keys(group)

    def exact(self, word: str) -> list[Field]:
        return [self._columns.bound(field) for field in super().exact(word)]

    def prefixed(self, word: str) -> list[Field]:
        return [self._columns.bound(field) for field in super().prefixed(word)]

    def bound(self, field: Field) -> Bound:
        """A field with its values."""
        return self._columns.bound(field)


def _flat(
    values: dict[str, Any], prefix: str = "", depth: int = DEPTH
) -> Iterator[tuple[str, Any]]:
    """Each value by its dotted key; where two have one key, the key as it stands comes last."""
    plain = []
    for key, value in values.items():
        if type(value) is dict and value and depth:
            yield from _flat(value, f"{prefix}{key}.", depth - 1)
        else:
            # The same texts again and again are most of what args take in memory.
            plain.append((intern(prefix + key), intern(value) if type(value) is str else value))
    yield from plain


def _prefixes(keys: Iterable[str]) -> set[str]:
    """The keys that others go on from: values of some experiments, and objects of others."""
    known = keys if isinstance(keys, dict) else dict.fromkeys(keys)
    found = set()
    for key in known:
        dot = key.find(".")
        while dot >= 0:
            if key[:dot] in known:
                found.add(key[:dot])
            dot = key.find(".", dot + 1)
    return found
