"""Sort, group and choose columns of rows, without a data frame.

Groups of rows are rows again, in the same shape: what is true of `_query_names.Names` and of a
filter expression for one experiment is true for a group.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any

from ._query_names import Field, Names, explain, words
from ._query_values import KINDS, number, order_key
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
        fields = names.exact(word) or _statistics(names, word)
        fields = fields or names.logged(word) or names.prefixed(word)
        if not fields:
            raise _unknown(option, word, [], names)
        found.update(dict.fromkeys(fields))
    return list(found)


def field_of(word: str, names: Names, option: str) -> Field:
    """The one field that a name means; of a group's statistics it is the mean.

    Raises:
        SettingError: it is of none, or of several.
    """
    found = names.exact(word) or names.exact(f"{word}_mean")
    found = found or names.logged(word) or names.prefixed(word)
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
        keys: list[Any] = []  # not in pairs with rows: new objects set the garbage collector off
        kinds: list[list[int]] = [[] for _ in range(KINDS + 1)]
        for place, value in enumerate(map(field.getter, found)):
            plain = type(value) is float and value == value  # most are: spare them the call
            kind, key = (0, value) if plain else order_key(value) or (KINDS, None)
            keys.append(key)
            kinds[kind].append(place)
        absent = kinds.pop()
        for places in kinds:
            places.sort(key=keys.__getitem__, reverse=descending)
        in_order = reversed(kinds) if descending else kinds
        found = [found[place] for places in (*in_order, absent) for place in places]
    return found


def grouped(
    rows: Sequence[Row],
    keys: Sequence[Field],
    names: Names,
    odd: dict[Field, tuple[int, list[str]]] | None = None,
) -> list[Row]:
    """Make one row of the rows that agree in some values, in the order of these values.

    Each has the values, ``count``, and for every arg, summary value and duration that is a number
    somewhere and a truth value nowhere, the mean of the numbers as ``NAME_mean`` and their standard
    deviation as ``NAME_std`` (of a sample; none for one value). A recorded NaN makes the mean NaN.

    Args:
        rows: of experiments.
        keys: what they have to agree in.
        names: of the rows.
        odd: gets how many values each such field has, and the ids with one that is no number.
    """
    # Row by row, since a row may read its values anew when others were asked meanwhile.
    getters = [key.getter for key in keys]
    measured = dict.fromkeys([Field("header", "duration"), *names.fields(*_MEASURED)])
    left = [(field, field.getter) for field in measured if field not in keys]
    parts = {key if group == "header" else group for group, key in [*measured, *keys]}
    groups: dict[tuple[str, ...], _Group] = {}
    others: dict[Field, list[Row]] = {}
    for row in rows:
        known = {part: value for part in parts if (value := row.get(part, MISSING)) is not MISSING}
        same = tuple(identity(getter(known)) for getter in getters)
        group = groups.get(same)
        if group is None:
            group = groups[same] = _Group([(key, key.getter(known)) for key in keys])
        group.count += 1
        truths = set()
        for field, getter in left:
            value = getter(known)
            if type(value) is bool:
                truths.add(field)
            elif not group.add(field, value):
                others.setdefault(field, []).append(row)
        if truths:
            left = [pair for pair in left if pair[0] not in truths]
    numeric = [field for field, _ in left if any(field in one.numbers for one in groups.values())]
    if odd is not None:
        for field in [field for field, _ in left if field in others]:
            ids = [row["expid"] for row in others[field]]
            count = sum(len(one.numbers.get(field, ())) for one in groups.values())
            odd[field] = count + len(ids), ids
    made = [group.row(numeric) for group in groups.values()]
    return ordered(made, keys, descending=False)


def identity(value: Any) -> str:
    """What makes two values the same group: 1 and 1.0 are one, "1" and True are others."""
    found = number(value)
    if type(value) is not bool and found is not None:
        return repr(float(found)) if type(found) is float or abs(found) < 1 << 53 else repr(found)
    return "" if value is MISSING else repr(value)


class _Group:
    """Rows that agree in some values."""

    def __init__(self, keys: list[tuple[Field, Any]]) -> None:
        self.count = 0
        self.numbers: dict[Field, Any] = {}
        self._keys = keys

    def add(self, field: Field, value: Any) -> bool:
        """Add a value; False if it is no number."""
        if value is None or value is MISSING:
            return True
        found = number(value)
        if found is None:
            return False
        numbers = self.numbers.get(field)
        if numbers is None:
            numbers = self.numbers[field] = array("d")
        try:
            numbers.append(found)
        except OverflowError:  # an integer beyond every float
            self.numbers[field] = [*numbers, found]
        return True

    def row(self, measured: list[Field]) -> Row:
        made: Row = {"count": self.count, "args": {}, "summary": {}}
        for field, value in self._keys:
            if value is not MISSING:
                _place(made, field)[field.key] = value
        for field in measured:
            mean, deviation = _mean_and_deviation(self.numbers.get(field, ()))
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
