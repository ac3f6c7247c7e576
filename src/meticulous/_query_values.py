"""What the operators of filter expressions do with any two values of a record.

Nothing here raises: what has no result is `MISSING`. A comparison with a missing value is false,
except ``!=``; so is one of values of different types. Sizes are bounded, so that no expression
takes long.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from ._query_names import Id
from ._table import MISSING

__all__ = [
    "BINARY",
    "FUNCTIONS",
    "KINDS",
    "METHODS",
    "RELATIONS",
    "is_null",
    "negated",
    "number",
    "order_key",
    "truth",
]

_MOST_BITS = 4096
_LONGEST_TEXT = 1 << 16
_MOST_DIGITS = 400
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_NUMBERS = frozenset((int, float, bool))
_TEXTS = frozenset((str, Id))
_PLAIN = frozenset((int, float, bool, str))


def number(value: Any) -> Any:
    """A value as a number, with the three words that the record has for numbers; else None."""
    kind = type(value)
    if kind in _NUMBERS:
        return value
    if kind is str:
        return _NOT_FINITE.get(value)
    return value.number if kind is Id else None


def truth(value: Any) -> bool:
    """Whether a value counts as true; what is missing or not a number does not."""
    return value is True or (not is_null(value) and bool(value))


def is_null(value: Any) -> bool:
    """Whether a value is missing, None or not a number."""
    if value is None or value is MISSING:
        return True
    return value == "NaN" if type(value) is str else type(value) is float and value != value


# ---------------------------------------------------------------------------- comparisons


def _pair(a: Any, b: Any) -> tuple[Any, Any] | None:
    """Two values that Python can order; None when they are of different types."""
    kind, other = type(a), type(b)
    if kind in _NUMBERS and other in _NUMBERS:
        return a, b
    if kind in _TEXTS and other in _TEXTS:
        if kind is Id and other is Id and a.number is not None and b.number is not None:
            return a.number, b.number
        return str(a), str(b)
    if kind in _NUMBERS or other in _NUMBERS:
        left, right = number(a), number(b)
        return None if left is None or right is None else (left, right)
    return None


def equal(a: Any, b: Any) -> bool:
    if type(a) is type(b) and type(a) in _PLAIN:
        return bool(a == b)
    pair = _pair(a, b)
    if pair:
        return bool(pair[0] == pair[1])
    if a is None or b is None:
        return a is b
    if type(a) is type(b) and type(a) in (list, dict):
        try:
            return bool(a == b)
        except RecursionError:
            return False
    return False


def _differs(a: Any, b: Any) -> bool:
    return not equal(a, b)


def _less(a: Any, b: Any) -> Any:
    quick = type(a) in _NUMBERS and type(b) in _NUMBERS  # as most are
    return a < b if quick else _compared(operator.lt, a, b)


def _at_most(a: Any, b: Any) -> Any:
    quick = type(a) in _NUMBERS and type(b) in _NUMBERS
    return a <= b if quick else _compared(operator.le, a, b)


def _greater(a: Any, b: Any) -> Any:
    return _less(b, a)


def _at_least(a: Any, b: Any) -> Any:
    return _at_most(b, a)


def _compared(compare: Callable[[Any, Any], Any], a: Any, b: Any) -> bool:
    pair = _pair(a, b)
    return pair is not None and compare(*pair)


def _within(a: Any, b: Any) -> bool:
    """Whether a list holds a value, or a text another."""
    if type(b) in _TEXTS:
        return type(a) in _TEXTS and a in b
    if type(b) is list:
        return any(equal(a, item) for item in b)
    return type(b) is dict and type(a) in _TEXTS and a in b


def _not_within(a: Any, b: Any) -> bool:
    return not _within(a, b)


RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "Eq": equal,
    "NotEq": _differs,
    "Lt": _less,
    "LtE": _at_most,
    "Gt": _greater,
    "GtE": _at_least,
    "In": _within,
    "NotIn": _not_within,
    "Is": equal,
    "IsNot": _differs,
}

# ---------------------------------------------------------------------------- arithmetic


def _arithmetic(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(a: Any, b: Any) -> Any:
        left, right = number(a), number(b)
        if left is None or right is None:
            return MISSING
        try:
            return _bounded(operation(left, right))
        except ArithmeticError:
            return MISSING

    return apply


def _bounded(value: Any) -> Any:
    if type(value) is complex:
        return MISSING
    return MISSING if type(value) is int and value.bit_length() > _MOST_BITS else value


def _power(a: Any, b: Any) -> Any:
    whole = not (type(a) is float or type(b) is float)
    if whole and abs(a) > 1 and abs(b) * int(a).bit_length() > _MOST_BITS:
        return MISSING
    return a**b


def _add(a: Any, b: Any) -> Any:
    if type(a) in _TEXTS and type(b) in _TEXTS:
        return str(a) + str(b) if len(a) + len(b) <= _LONGEST_TEXT else MISSING
    return _arithmetic(operator.add)(a, b)


def negated(a: Any) -> Any:
    value = number(a)
    return MISSING if value is None else -value


BINARY: dict[str, Callable[[], Callable[[Any, Any], Any]]] = {
    "Add": lambda: _add,
    "Sub": lambda: _arithmetic(operator.sub),
    "Mult": lambda: _arithmetic(operator.mul),
    "Div": lambda: _arithmetic(operator.truediv),
    "FloorDiv": lambda: _arithmetic(operator.floordiv),
    "Mod": lambda: _arithmetic(operator.mod),
    "Pow": lambda: _arithmetic(_power),
}

# ---------------------------------------------------------------------------- functions


def _length(value: Any) -> Any:
    return len(value) if type(value) in (str, Id, list, dict) else MISSING


def _absolute(value: Any) -> Any:
    found = number(value)
    return MISSING if found is None else abs(found)


def _rounded(value: Any, digits: Any = 0) -> Any:
    found, places = number(value), number(digits)
    if found is None or type(places) is not int or abs(places) > _MOST_DIGITS:
        return MISSING
    try:
        return _bounded(round(found, places))
    except (ArithmeticError, ValueError):
        return MISSING


def _extreme(choose: Callable[[list[Any]], Any], values: Sequence[Any]) -> Any:
    if len(values) == 1 and type(values[0]) is list:
        values = values[0]
    numbers = [number(value) for value in values]
    if not numbers or None in numbers:
        return MISSING
    return math.nan if any(value != value for value in numbers) else choose(numbers)


def _largest(*values: Any) -> Any:
    return _extreme(max, values)


def _smallest(*values: Any) -> Any:
    return _extreme(min, values)


def _not_null(value: Any) -> bool:
    return not is_null(value)


FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "len": (_length, 1, 1),
    "abs": (_absolute, 1, 1),
    "round": (_rounded, 1, 2),
    "min": (_smallest, 1, 99),
    "max": (_largest, 1, 99),
    "isnull": (is_null, 1, 1),
    "isna": (is_null, 1, 1),
    "notnull": (_not_null, 1, 1),
    "notna": (_not_null, 1, 1),
}
"""Each function with the fewest and the most arguments that it takes."""


def _contains(value: Any, part: Any, *, case: bool = True) -> bool:
    if case or type(value) not in _TEXTS or type(part) not in _TEXTS:
        return _within(part, value)
    return part.casefold() in value.casefold()


def _starts(value: Any, part: Any) -> bool:
    return type(value) in _TEXTS and type(part) in _TEXTS and value.startswith(part)


def _ends(value: Any, part: Any) -> bool:
    return type(value) in _TEXTS and type(part) in _TEXTS and value.endswith(part)


def _lower(value: Any) -> Any:
    return value.lower() if type(value) in _TEXTS else MISSING


def _upper(value: Any) -> Any:
    return value.upper() if type(value) in _TEXTS else MISSING


def _stripped(value: Any) -> Any:
    return value.strip() if type(value) in _TEXTS else MISSING


METHODS: dict[str, tuple[Callable[..., Any], int, int]] = {
    **{name: FUNCTIONS[name] for name in ("isnull", "isna", "notnull", "notna", "len", "abs")},
    "round": FUNCTIONS["round"],
    "contains": (_contains, 2, 2),
    "startswith": (_starts, 2, 2),
    "endswith": (_ends, 2, 2),
    "isin": (_within, 2, 2),
    "lower": (_lower, 1, 1),
    "upper": (_upper, 1, 1),
    "strip": (_stripped, 1, 1),
}
"""Each method; the value that it is called on counts as an argument."""

# ---------------------------------------------------------------------------- order

KINDS = 4
"""How many kinds of values `order_key` tells apart."""


def order_key(value: Any) -> tuple[int, Any] | None:
    """What to sort a value by: numbers, then text, then the rest as it is written.

    Returns:
        A key that compares with every other; None for what is missing or not a number.
    """
    kind = type(value)
    if kind is str and value not in _NOT_FINITE:
        return 1, value
    if is_null(value):
        return None
    found = number(value)
    if found is not None:
        return 0, found
    if kind is Id:
        return 1, str(value)
    try:
        return 2, repr(value)
    except (RecursionError, ValueError):
        return 3, ""
