"""Sort, group and choose columns of rows, without a data frame.

Groups of rows are rows again, in the same shape: what is true of `_query_names.Names` and of a
filter expression for one experiment is true for a group.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ._query_names import Field, Names, explain, words
from ._query_values import number, order_key
from ._table import MISSING
from .errors import SettingError

__all__ = ["columns_of", "field_of", "grouped", "identity", "key_fields", "ordered"]

Row = dict[str, Any]

_MEASURED = ("args", "summary")


def columns_of(texts: Sequence[str], names: Names, option: str) -> list[Field]:
    """The fields that names mean: those that are called so, otherwise those that begin so.

    Raises:
        SettingError: the list is empty, or a name is of none.
    """
    found: dict[Field, None] = {}
    for word in _listed(texts, option):
        fields = names.exact(word) or _statistics(names, word) or names.prefixed(word)
        if not fields:
            raise _unknown(option, word, [], names)
        found.update(dict.fromkeys(fields))
    return list(found)


def field_of(word: str, names: Names, option: str) -> Field:
    """The one field that a name means; of a group's statistics it is the mean.

    Raises:
        SettingError: it is of none, or of several.
    """
    found = names.exact(word) or names.exact(f"{word}_mean") or names.prefixed(word)
    if len(found) != 1:
        raise _unknown(option, word, found, names)
    return found[0]


def key_fields(texts: Sequence[str], names: Names, option: str) -> list[Field]:
    """The field of each name in a list, see `field_of`.

    Raises:
        SettingError: the list is empty, or a name is of none or of several.
    """
    listed = _listed(texts, option)
    return list(dict.fromkeys(field_of(word, names, option) for word in listed))


def _listed(texts: Sequence[str], option: str) -> list[str]:
    listed = words(texts)
    if not listed:
        raise SettingError(f"Argument {option}: names are missing.", name=option)
    return listed


def _statistics(names: Names, word: str) -> list[Field]:
    return [field for end in ("_mean", "_std") for field in names.exact(word + end)]


def _unknown(option: str, word: str, found: list[Field], names: Names) -> SettingError:
    problem, hint = explain(word, found, names)
    return SettingError(f"Argument {option}: {problem}", hint, name=option, value=word)


def ordered(rows: Sequence[Row], fields: Sequence[Field], *, descending: bool = True) -> list[Row]:
    """Sort rows by one value after the other; equal ones keep their order.

    Numbers come before text, ids of digits count as numbers. What has no value, or one that is
    not a number, is last in either direction.
    """
    found = list(rows)
    for field in reversed(fields):
        value_of = field.getter
        keyed = [(order_key(value_of(row)), row) for row in found]
        present = [(key, row) for key, row in keyed if key is not None]
        present.sort(key=lambda pair: pair[0], reverse=descending)
        found = [row for _, row in present] + [row for key, row in keyed if key is None]
    return found


def grouped(rows: Sequence[Row], keys: Sequence[Field], names: Names) -> list[Row]:
    """Make one row of the rows that agree in some values, in the order of these values.

    Each has the values, ``count``, and for every arg, summary value and duration that is a number
    wherever it is recorded, its mean as ``NAME_mean`` and its standard deviation as ``NAME_std``
    (of a sample; none for one value). A recorded NaN makes the mean NaN.
    """
    getters = [key.getter for key in keys]
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(identity(getter(row)) for getter in getters), []).append(row)
    measured = _numbers(rows, keys, names)
    made = [_group(members, keys, measured) for members in groups.values()]
    return ordered(made, keys, descending=False)


def identity(value: Any) -> str:
    """What makes two values the same group: 1 and 1.0 are one, "1" and True are others."""
    found = number(value)
    if type(value) is not bool and found is not None:
        return repr(float(found)) if type(found) is float or abs(found) < 1 << 53 else repr(found)
    return "" if value is MISSING else repr(value)


def _numbers(rows: Sequence[Row], keys: Sequence[Field], names: Names) -> list[Field]:
    """The fields whose values are numbers, wherever there are any."""
    duration = Field("header", "duration")
    found = []
    for field in [duration, *names.fields(*_MEASURED)]:
        known = [value for value in field.of(rows) if value is not None and value is not MISSING]
        numeric = all(type(value) is not bool and number(value) is not None for value in known)
        if known and numeric and field not in keys:
            found.append(field)
    return found


def _group(members: list[Row], keys: Sequence[Field], measured: list[Field]) -> Row:
    made: Row = {"count": len(members), "args": {}, "summary": {}}
    for field in keys:
        value = field.getter(members[0])
        if value is not MISSING:
            _place(made, field)[field.key] = value
    for field in measured:
        numbers = [number(value) for value in field.of(members)]
        mean, deviation = _mean_and_deviation([value for value in numbers if value is not None])
        place = _place(made, field)
        place[f"{field.key}_mean"], place[f"{field.key}_std"] = mean, deviation
    return made


def _place(row: Row, field: Field) -> dict[str, Any]:
    if field.group == "header":
        return row
    inner: dict[str, Any] = row.setdefault(field.group, {})
    return inner


def _mean_and_deviation(numbers: Sequence[float]) -> tuple[Any, Any]:
    if not numbers:
        return MISSING, MISSING
    try:
        mean = math.fsum(numbers) / len(numbers)
        squares = math.fsum((value - mean) ** 2 for value in numbers)
        return mean, math.sqrt(squares / (len(numbers) - 1)) if len(numbers) > 1 else MISSING
    except (OverflowError, ValueError):  # numbers too large, or infinite ones of either sign
        finite = all(map(_is_finite, numbers))
        return (MISSING, MISSING) if finite else (math.nan, math.nan)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return True
