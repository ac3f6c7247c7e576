"""Filter, sort and cut rows: the questions of the table, with what was found kept a while."""

from __future__ import annotations

import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

from .. import _folder, _query, _query_rows, _status
from .._query_names import Field, explain
from .._query_values import number
from .._table import MISSING
from ..errors import SettingError
from ._columns import EAGER, Bound, Column, Columns

__all__ = ["Rows", "differs", "listed"]

_KEPT = 24
_LOOKED_AT = 100
_NUMBERS = frozenset((bool, int, float))
_LISTED = re.compile(r"\s*(-?)(?:`([^`]*)`|([^,`]*))\s*(?:,|\Z)")
_SHORT = {
    "id": "expid",
    "started": "start_time",
    "begin_time": "start_time",
    "commit": "sha",
    "message": "status_message",
}
_ANNOTATIONS = ("name", "tags", "notes", "note")
_FIRST = ("status", "start_time", "duration", "sha", "annotations.name", "annotations.tags")
_MOST_ARGS = 40
_MOST_SUMMARY = 40
_GROUPS = ("header", "args", "summary", "annotations")
_AGED = (_status.RUNNING, _status.LOST, _status.SILENT)


def listed(text: str) -> list[tuple[str, bool]]:
    """Names with commas between, and whether a ``-`` stands in front; backticks keep commas."""
    found = [(quoted or plain.strip(), bool(minus)) for minus, quoted, plain in _parts(text)]
    return [item for item in found if item[0]]


def _parts(text: str) -> list[tuple[str, str, str]]:
    return _LISTED.findall(text)


class Rows:
    """Answers about the rows of some columns.

    Args:
        columns: the values.
        part: of a table of which the columns hold only a part: how many rows it has, and which of
            them is the first one here.
    """

    def __init__(self, columns: Columns, part: tuple[int, int] | None = None) -> None:
        self.columns = columns
        self._part = part
        self._kept: OrderedDict[Any, Any] = OrderedDict()

    def same(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """What was made for the same question, as long as nothing changed."""
        key = (self.columns.generation, *key)
        if key not in self._kept:
            made = make()
            key = (self.columns.generation, *key[1:])
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    # ------------------------------------------------------------------------ which rows

    def matching(self, expression: str) -> list[int]:
        """The rows for which an expression is true, in the order of the store.

        Raises:
            QueryError: the expression is wrong, or names what no experiment has.
        """
        columns = self.columns
        if not expression.strip():
            return columns.rows

        def find() -> list[int]:
            return _query.compile(expression).filter(columns.rows, columns.names)

        return self.same(("filter", expression), find)  # type: ignore[no-any-return]

    def sorted(self, expression: str, sort: str) -> list[int]:
        """The same, in the order that is asked for; otherwise the newest first.

        Raises:
            SettingError: a name is of no value, or could be of several.
        """
        return self.same(("sort", expression, sort), lambda: self._sorted(expression, sort))  # type: ignore[no-any-return]

    def _sorted(self, expression: str, sort: str) -> list[int]:
        rows = self.matching(expression)
        keys = [(self.field(name, "sort"), down) for name, down in listed(sort)]
        if not keys or not rows:
            return rows[::-1]
        for field, down in reversed(keys):
            rows = _query_rows.ordered(rows, [field], descending=down)  # type: ignore[arg-type,assignment]
        return rows

    def field(self, word: str, option: str) -> Bound:
        """The field that a name means: of short names the fact about the experiment first.

        Raises:
            SettingError: it is of none, or of several.
        """
        names, columns = self.columns.names, self.columns
        group, _, key = word.partition(".")
        if key and key in columns.keys(group):
            return columns.bound(Field(group, key))
        key = _SHORT.get(word, word)
        if key in columns.keys("header"):
            return columns.bound(Field("header", key))
        if word in _ANNOTATIONS:
            return self._annotation("notes" if word == "note" else word)
        if word.startswith("annotations."):
            return self._annotation(word.partition(".")[2])
        found = names.exact(word)
        if len(found) != 1:
            problem, hint = explain(word, found, names)
            raise SettingError(f"{option.capitalize()}: {problem}", hint, name=option, value=word)
        return found[0]  # type: ignore[return-value]

    def _annotation(self, key: str) -> Bound:
        """A field that exists even when no experiment has a value yet, since it can be given."""
        if key in self.columns.keys("annotations"):
            return self.columns.bound(Field("annotations", key))
        made = Bound("annotations", key)
        made.column = _Nothing()
        return made

    # ------------------------------------------------------------------------ which columns

    def default_columns(self, expression: str) -> list[str]:
        """What is shown when nothing is asked for: facts, the args that differ, the summary."""
        args = [field.name for field in self._varied(expression)]
        summary = [field.name for field in self.columns.names.fields("summary")]
        return [*_FIRST, *args[:_MOST_ARGS], *summary[:_MOST_SUMMARY]]

    def _varied(self, expression: str) -> list[Field]:
        """The args that differ among the rows that match; only those that differ among all can."""

        def find() -> list[Field]:
            rows = self.matching(expression)
            fields = self._varied("") if expression.strip() else self.columns.names.fields("args")
            return [field for field in fields if self._differs(field, rows)]

        return self.same(("varied", expression.strip()), find)  # type: ignore[no-any-return]

    def _differs(self, field: Field, rows: Sequence[int]) -> bool:
        column = self.columns.bound(field).column
        return any(differs(_values(column, some)) for some in (rows[:_LOOKED_AT], rows))

    def facts(self, expression: str) -> list[dict[str, Any]]:
        """What there is to say about each column, over the rows that match.

        Of very many it takes a second: the lock is held for a moment only, since who looks at
        rows should not wait for it.
        """
        with self.columns.lock:
            facts: _Facts = self.same(("facts", expression), lambda: _Facts(self, expression))
        return facts.found

    # ------------------------------------------------------------------------ answers

    def window(
        self,
        expression: str,
        sort: str,
        columns: str,
        offset: int,
        limit: int,
        ids: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """A part of the table.

        Args:
            expression: which rows.
            sort: in which order; otherwise that of `ids`, or the newest first.
            columns: which columns.
            offset: the first row.
            limit: how many.
            ids: only these experiments.

        Raises:
            SettingError: a name or the expression cannot be used.
        """
        order = self.sorted(expression, sort)
        if ids is not None:
            known = set(order)
            rows = [row for row in map(self.columns.row_of, ids) if row is not None]
            wanted = set(rows)
            order = [row for row in (order if sort else rows) if row in known and row in wanted]
        asked, fields = self._asked(columns, expression)
        start = offset - self._part[1] if self._part else offset
        some = order[start : start + limit]
        values = [self._shown(field, some) for field in fields]
        return {
            "version": 0,
            "total": self._count(),
            "matched": self._part[0] if self._part else len(order),
            "offset": offset,
            "columns": asked,
            "ids": [self.columns.expid(row) for row in some],
            "cells": [list(cells) for cells in zip(*values, strict=True)] or [[] for _ in some],
            "statuses": [self.status(row) for row in some],
        }

    def _shown(self, field: Bound, rows: Sequence[int]) -> list[Any]:
        if field == ("header", "duration"):
            return [self.columns.head(row, "duration") for row in rows]
        return [None if value is MISSING else value for value in map(field.getter, rows)]

    def _asked(self, columns: str, expression: str) -> tuple[list[str], list[Bound]]:
        """The columns that are asked for; a name of a group means all in it."""
        words = [name for name, _ in listed(columns)] or self.default_columns(expression)
        asked, fields = [], []
        for word in words:
            if word in EAGER and not self.columns.names.exact(word):
                group = [self.columns.bound(field) for field in self.columns.names.fields(word)]
                asked += [field.name for field in group]
                fields += group
            else:
                asked.append(word)
                fields.append(self.field(word, "columns"))
        return asked, fields

    def _count(self) -> int:
        return self._part[0] if self._part else len(self.columns.rows)

    def status(self, row: int) -> dict[str, Any]:
        """How an experiment does: the word, the reason, for how long, and what is broken."""
        columns = self.columns
        status = columns.head(row, "status")
        age = None
        if status == _status.RUNNING:
            age = columns.head(row, "duration")
        elif status in _AGED:
            folder = columns.bound(Field("header", "curexpdir")).getter(row)
            silent = _folder.Folder(folder).silent_for(time.time())
            age = silent if math.isfinite(silent) else None
        return {
            "status": status,
            "message": columns.head(row, "status_message"),
            "age": age,
            "problems": columns.problems(row),
        }


class _Facts:
    """What there is to say about columns, found when it is first asked for."""

    def __init__(self, rows: Rows, expression: str) -> None:
        columns, names = rows.columns, rows.columns.names
        self._rows = rows.matching(expression)
        self._fields = [
            (columns.bound(field), len(names.exact(field.key)) == 1)
            for field in names.fields(*_GROUPS)
            if field.name not in ("header.curexpdir", "header.problems")
        ]

    @cached_property
    def found(self) -> list[dict[str, Any]]:
        found = []
        for field, is_clear in self._fields:
            values = _values(field.column, self._rows)
            kinds = set(map(type, values))
            distinct = len(_distinct(values, kinds))
            found.append(
                {
                    "name": field.key if field.group == "header" and is_clear else field.name,
                    "group": field.group,
                    "key": field.key,
                    "kind": _kind(values, kinds),
                    "differs": distinct > 1,
                    "distinct": distinct,
                }
            )
        return found


class _Nothing:
    """A column without values."""

    def __getitem__(self, row: int) -> Any:
        return MISSING


def _values(column: Column, rows: Sequence[int]) -> Sequence[Any]:
    # The quickest way to look many up; of one, it gives no sequence.
    return itemgetter(*rows)(column) if len(rows) > 1 else [column[row] for row in rows]


def differs(values: Sequence[Any]) -> bool:
    """Whether values are not all the same: 1, 1.0, True and "1" are four."""
    return len(_distinct(values, set(map(type, values)))) > 1


def _distinct(values: Sequence[Any], kinds: set[type]) -> set[Any]:
    """Values once each, as far as they can be told apart by type and value; of one type of number
    the values themselves, otherwise with their types.
    """
    try:
        if len(_NUMBERS & kinds) < 2:
            return set(values)
        return set(zip(map(type, values), values, strict=True))
    except TypeError:  # lists and objects
        return set(map(_written, values))


def _written(value: Any) -> str:
    try:
        return repr(value)
    except (RecursionError, ValueError):  # deeper, or with more digits, than Python writes
        return ""


_WORDS = {bool: "bool", list: "object", dict: "object", int: "number", float: "number"}


def _kind(values: Sequence[Any], kinds: set[type]) -> str:
    """What the values of a column are."""
    kinds = kinds - {type(None), type}
    found = {_WORDS[kind] for kind in kinds if kind in _WORDS}
    others = kinds - _WORDS.keys()
    if others:
        texts = {value for value in values if type(value) in others}
        found.update("text" if number(value) is None else "number" for value in texts)
    return found.pop() if len(found) == 1 else "mixed" if found else "text"
