"""Rows by groups: what several seeds of one setting have in common, and how far they spread."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from typing import Any

from .. import _compare_statistics, _query_rows
from .._query_values import number, order_key
from .._table import MISSING
from ._columns import Bound
from ._rows import Rows, differs, listed

__all__ = ["groups"]

_MOST_SUMMARY = 40


def groups(
    rows: Rows, expression: str, sort: str, columns: str, groupby: str, offset: int, limit: int
) -> dict[str, Any]:
    """A part of the table of groups: a row for all that agree in some values.

    Raises:
        SettingError: a name or the expression cannot be used.
    """
    keys = [rows.field(name, "groupby") for name, _ in listed(groupby)]
    found = rows.same(
        ("groups", expression, sort, groupby), lambda: _grouped(rows, expression, sort, keys)
    )
    asked = [name for name, _ in listed(columns)]
    if not asked:
        bound = map(rows.columns.bound, rows.columns.names.fields("summary"))
        measured = [field for field in bound if _is_measured(rows, field)]
        names = (field.name for field in measured[:_MOST_SUMMARY])
        asked = [*(name for name, _ in listed(groupby)), "count", "duration", *names]
    fields = [None if name == "count" else rows.field(name, "columns") for name in asked]
    some = found[offset : offset + limit]
    return {
        "version": 0,
        "total": len(rows.columns.rows),
        "matched": len(found),
        "offset": offset,
        "columns": asked,
        "ids": [[rows.columns.expid(row) for row in members] for members in some],
        "cells": [[_cell(members, field, keys) for field in fields] for members in some],
        "statuses": [None] * len(some),
    }


def _grouped(rows: Rows, expression: str, sort: str, keys: Sequence[Bound]) -> list[list[int]]:
    found: dict[tuple[str, ...], list[int]] = {}
    getters = [key.getter for key in keys]
    for row in rows.matching(expression):
        identity = tuple(_query_rows.identity(getter(row)) for getter in getters)
        found.setdefault(identity, []).append(row)
    members = list(found.values())
    order: list[tuple[Bound | None, bool]] = [(key, False) for key in keys]
    if listed(sort):
        order = [
            (None if name == "count" else rows.field(name, "sort"), down)
            for name, down in listed(sort)
        ]
    for field, down in reversed(order):
        keyed = [(_key(some, field, keys), some) for some in members]
        present = [(key, some) for key, some in keyed if key is not None]
        present.sort(key=lambda pair: pair[0], reverse=down)
        members = [some for _, some in present] + [some for key, some in keyed if key is None]
    return members


def _is_measured(rows: Rows, field: Bound) -> bool:
    values = (value for value in map(field.getter, rows.matching("")) if value is not MISSING)
    return any(type(value) is not bool and number(value) is not None for value in values)


def _numbers(members: Iterable[int], field: Bound) -> list[float]:
    get = field.getter
    found = (_compare_statistics.finite(v) for v in map(get, members) if type(v) is not bool)
    return [value for value in found if value is not None]


def _cell(members: list[int], field: Bound | None, keys: Sequence[Bound]) -> Any:
    """A cell of a group: what all agree in, or what their numbers say."""
    if field is None:
        return len(members)
    values = list(map(field.getter, members))
    first = values[0]
    if field in keys:
        return None if first is MISSING else first
    numbers = _numbers(members, field)
    if not numbers:
        return None if first is MISSING or differs(values) else first
    mean, std = _mean_and_deviation(numbers)
    half = None
    if std is not None and len(numbers) >= _compare_statistics.FEWEST:
        half = _quantile(len(numbers) - 1) * std / math.sqrt(len(numbers))
    low, high = (None, None) if half is None else (mean - half, mean + half)
    return {"count": len(numbers), "mean": mean, "std": std, "low": low, "high": high}


def _mean_and_deviation(numbers: list[float]) -> tuple[float, float | None]:
    mean = _compare_statistics.mean(numbers)
    if len(numbers) < 2:
        return mean, None
    largest = max(abs(value - mean) for value in numbers)
    scaled = math.fsum(((value - mean) / largest) ** 2 for value in numbers) if largest else 0.0
    return mean, largest * math.sqrt(scaled / (len(numbers) - 1))


@functools.cache
def _quantile(freedom: int) -> float:
    """How many standard errors the 95 % interval of Student's t goes to either side."""
    return _compare_statistics.student_quantile(freedom)


def _key(members: list[int], field: Bound | None, keys: Sequence[Bound]) -> Any:
    if field is None:
        return 0, len(members)
    if field in keys:
        return order_key(field.getter(members[0]))
    numbers = _numbers(members, field)
    return (0, _compare_statistics.mean(numbers)) if numbers else None
