"""Filter, sort and cut rows: the questions of the table, with what was found kept a while."""

from __future__ import annotations

import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from .. import _folder, _query, _query_rows, _status
from .._query_names import Field, explain
from .._query_values import number, truth
from .._table import MISSING
from ..errors import SettingError
from ._columns import EAGER, Bound, Columns

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
        if not expression.strip():
            return self.same(("all",), lambda: self.columns.rows)  # type: ignore[no-any-return]

        def find() -> list[int]:
            query = _query.compile(expression)
            rows = self.matching("")
            if not rows:
                return []
            evaluate = query.bind(self.columns.names)
            return [row for row in rows if truth(evaluate(row))]  # type: ignore[arg-type]

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

        def find() -> list[str]:
            rows = self.matching(expression)
            args = [
                field.name
                for field in self.columns.names.fields("args")
                if differs(self._values(field, rows))
            ]
            summary = [field.name for field in self.columns.names.fields("summary")]
            return [*_FIRST, *args[:_MOST_ARGS], *summary[:_MOST_SUMMARY]]

        return self.same(("columns", expression), find)  # type: ignore[no-any-return]

    def facts(self, expression: str) -> list[dict[str, Any]]:
        """What there is to say about each column, over the rows that match."""
        return self.same(("facts", expression), lambda: self._facts(expression))  # type: ignore[no-any-return]

    def _facts(self, expression: str) -> list[dict[str, Any]]:
        rows = self.matching(expression)
        found = []
        for field in self.columns.names.fields(*_GROUPS):
            if field.name in ("header.curexpdir", "header.problems"):
                continue
            values = self._values(field, rows)
            distinct = len(_distinct(values))
            clear = len(self.columns.names.exact(field.key)) == 1
            plain = field.group == "header" and clear
            found.append(
                {
                    "name": field.key if plain else field.name,
                    "group": field.group,
                    "key": field.key,
                    "kind": _kind(values),
                    "differs": distinct > 1,
                    "distinct": distinct,
                }
            )
        return found

    def _values(self, field: Field, rows: Sequence[int]) -> list[Any]:
        return list(map(self.columns.bound(field).getter, rows))

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
        head = self.columns.head
        cells = []
        for row in some:
            cells.append(
                [
                    None if value is MISSING else value
                    for value in (
                        head(row, field.key)
                        if field == ("header", "duration")
                        else field.getter(row)
                        for field in fields
                    )
                ]
            )
        return {
            "version": 0,
            "total": self._count(),
            "matched": self._part[0] if self._part else len(order),
            "offset": offset,
            "columns": asked,
            "ids": [self.columns.expid(row) for row in some],
            "cells": cells,
            "statuses": [self.status(row) for row in some],
        }

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


class _Nothing:
    """A column without values."""

    def __getitem__(self, row: int) -> Any:
        return MISSING


def differs(values: Sequence[Any]) -> bool:
    """Whether values are not all the same: 1, 1.0, True and "1" are four."""
    if len(_distinct(values[:_LOOKED_AT])) > 1:
        return True
    return len(values) > _LOOKED_AT and len(_distinct(values)) > 1


def _distinct(values: Sequence[Any]) -> set[Any]:
    """Values once each, as far as they can be told apart by type and value; of one type of number
    the values themselves, otherwise with their types.
    """
    try:
        if len(_NUMBERS & set(map(type, values))) < 2:
            return set(values)
        return set(zip(map(type, values), values, strict=True))
    except TypeError:  # lists and objects
        return {(type(value), _written(value)) for value in values}


def _written(value: Any) -> str:
    try:
        return repr(value)
    except (RecursionError, ValueError):  # deeper, or with more digits, than Python writes
        return ""


_WORDS = {bool: "bool", list: "object", dict: "object", int: "number", float: "number"}


def _kind(values: Sequence[Any]) -> str:
    """What the values of a column are."""
    kinds = set(map(type, values)) - {type(None), type}
    found = {_WORDS[kind] for kind in kinds if kind in _WORDS}
    others = kinds - _WORDS.keys()
    if others:
        texts = {value for value in values if type(value) in others}
        found.update("text" if number(value) is None else "number" for value in texts)
    return found.pop() if len(found) == 1 else "mixed" if found else "text"
