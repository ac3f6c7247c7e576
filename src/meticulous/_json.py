"""Any Python value as strict JSON that never raises and loses no meaning."""

from __future__ import annotations

import enum
import json
import math
import os
import re
import types
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import decimal
    import fractions

__all__ = ["decode", "encode", "encode_line", "plain", "text_of"]

MAX_DEPTH = 100
MAX_REPEATED = 1 << 19
"""How many values may come from containers that were met before: a graph has more paths than
anybody can write down."""
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_JSON_SCALARS = (type(None), bool, int, float, str)

_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_indented = json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=4).encode


def encode(value: Any) -> bytes:
    """Write any value as indented UTF-8 JSON, keys in the order of the program.

    Args:
        value: anything; see `plain` for what becomes of things that JSON has no word for.

    Returns:
        The document, without a final newline.
    """
    return _indented(plain(value)).encode()


def encode_line(value: Any) -> bytes:
    """Write any value as one line of compact UTF-8 JSON, newline included."""
    return _compact(plain(value)).encode() + b"\n"


def decode(data: bytes | str) -> Any:
    """Read JSON, also the bare NaN and Infinity of 2020.

    Raises:
        ValueError: the text is not JSON, is not UTF-8 or is nested too deeply.
    """
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def plain(value: Any) -> Any:
    """Turn any value into what JSON has words for; never raises.

    None, booleans, integers, finite floats, text, lists and mappings with text keys come back
    equal. Non-finite floats become ``"NaN"``, ``"Infinity"``, ``"-Infinity"``. Numbers of other
    libraries become numbers; arrays and tensors nested lists; tuples and sets lists; dataclasses,
    namespaces, attrs and pydantic objects mappings; paths, dates, enums, functions and the rest
    readable text without memory addresses. A lone surrogate, which UTF-8 cannot hold, is written
    as its escape. A value that contains itself ends in ``"<cycle>"``.
    """
    try:
        return _plain(value, _Walk())
    except RecursionError:
        return "<nested too deeply>"


class _Walk:
    """The containers that a conversion is in, all that it has met, and what it may still repeat."""

    __slots__ = ("inside", "left", "met")

    def __init__(self) -> None:
        self.inside: set[int] = set()
        self.met: set[int] = set()
        self.left = MAX_REPEATED

    def refusal(self, value: Any) -> str:
        """Why not to go into a container; empty when there is no reason."""
        if id(value) in self.inside:
            return "<cycle>"
        if len(self.inside) > MAX_DEPTH:
            return f"<{type(value).__qualname__}: nested too deeply>"
        if id(value) in self.met:
            self.left -= 1 + (len(value) if isinstance(value, (list, tuple, dict)) else 1)
            if self.left < 0:
                return f"<{type(value).__qualname__}: met too often>"
        self.met.add(id(value))
        return ""


def text_of(value: Any) -> str:
    """Describe any value in readable, legal text, also one whose ``repr`` fails; never raises."""
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__qualname__}: its repr raised {type(error).__name__}>"
    return _clean(_ADDRESS.sub("", text))


def _clean(text: str) -> str:
    """Write lone surrogates as their escapes; also turns subclasses of str into str."""
    if text.isascii() or not _SURROGATE.search(text):
        return str.__str__(text)
    return text.encode("utf-8", "backslashreplace").decode()


def _float(value: float) -> float | str:
    if math.isfinite(value):
        return float(value)
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _integer(value: int) -> int | str:
    """Python refuses to write integers of more than 4,300 digits in decimal."""
    value = int(value)
    return value if -(1 << 10000) < value < (1 << 10000) else hex(value)


def _decimal(value: decimal.Decimal) -> Any:
    import decimal

    if not value.is_finite():
        return _float(float(str(value).replace("s", "")))
    number = float(value)
    return number if decimal.Decimal(repr(number)) == value else str(value)


def _fraction(value: fractions.Fraction) -> Any:
    try:
        return _float(float(value))
    except OverflowError:
        return str(value)


def _callable_name(value: Any) -> str:
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if not isinstance(name, str):
        return text_of(value)
    return _clean(f"{module}.{name}" if module not in (None, "builtins") else name)


def _enum(value: enum.Enum) -> Any:
    if isinstance(value.value, _JSON_SCALARS) and isinstance(value, (int, str)):
        return _plain(value.value, _Walk())
    return _clean(f"{type(value).__qualname__}.{value.name}")


# Exact order matters: bool before int, Enum before int and str.
_SCALARS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (type(None), lambda value: None),
    (bool, bool),
    (enum.Enum, _enum),
    (int, _integer),
    (float, _float),
    (str, _clean),
    ((bytes, bytearray), lambda value: repr(bytes(value))),
    ((range, complex), str),
    (os.PathLike, lambda value: _clean(os.fsdecode(value))),
    (types.ModuleType, lambda value: _clean(value.__name__)),
    ((type, types.FunctionType, types.BuiltinFunctionType, types.MethodType), _callable_name),
)


# By name, since importing these modules takes longer than all that recording does at import.
_BY_NAME: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("datetime", "datetime"): lambda value: value.isoformat(),
    ("datetime", "date"): lambda value: value.isoformat(),
    ("datetime", "time"): lambda value: value.isoformat(),
    ("datetime", "timedelta"): str,
    ("decimal", "Decimal"): _decimal,
    ("fractions", "Fraction"): _fraction,
}


def _named(kind: type) -> Callable[[Any], Any] | None:
    for base in kind.__mro__:
        convert = _BY_NAME.get((base.__module__, base.__qualname__))
        if convert is not None:
            return convert
    return None


def _plain(value: Any, walk: _Walk) -> Any:
    kind = type(value)
    if kind is str:
        return _clean(value)
    if kind is float:
        return _float(value)
    if kind is int:
        return _integer(value)
    try:
        for types_, convert in _SCALARS:
            if isinstance(value, types_):
                return convert(value)
        named = _named(kind)
        if named is not None:
            return named(value)
        refusal = walk.refusal(value)
        if refusal:
            return refusal
        walk.inside.add(id(value))
        try:
            return _container(value, walk)
        finally:
            walk.inside.discard(id(value))
    except RecursionError:
        raise
    except Exception:
        return text_of(value)


def _container(value: Any, walk: _Walk) -> Any:
    if isinstance(value, Mapping):
        return _mapping(value.items(), walk)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return _mapping(zip(value._fields, value, strict=True), walk)
    if isinstance(value, (list, tuple)):
        return [_plain(item, walk) for item in value]
    if isinstance(value, (set, frozenset)):
        return _sorted([_plain(item, walk) for item in value])
    fields = fields_of(value)
    if fields is not None:
        return _mapping(fields.items(), walk)
    number = _foreign(value)
    if number is not value:
        return _plain(number, walk)
    return text_of(value)


def _sorted(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: (type(item).__name__, _compact(item)))


def _mapping(items: Iterable[tuple[Any, Any]], walk: _Walk) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, item in items:
        name = _key(key)
        if name in out:  # 1 and "1" are two keys in Python and one in JSON
            name = f"{name} ({type(key).__name__})"
        while name in out:
            name += "'"
        out[name] = _plain(item, walk)
    return out


def _key(key: Any) -> str:
    value = plain(key)
    return value if isinstance(value, str) else _compact(value)


def fields_of(value: Any) -> dict[str, Any] | None:
    """Give the fields of a namespace, dataclass, attrs or pydantic object as a mapping.

    Returns:
        The fields in their order, not copied; None when the value has none of these shapes.
    """
    kind = type(value)
    if isinstance(value, type):
        return None
    dataclass_fields = getattr(kind, "__dataclass_fields__", None)
    if dataclass_fields is not None:
        return {name: getattr(value, name) for name in dataclass_fields if hasattr(value, name)}
    attrs_fields = getattr(kind, "__attrs_attrs__", None)
    if attrs_fields is not None:
        return {field.name: getattr(value, field.name) for field in attrs_fields}
    pydantic_fields = getattr(kind, "model_fields", None) or getattr(kind, "__fields__", None)
    if isinstance(pydantic_fields, Mapping):
        return {name: getattr(value, name) for name in pydantic_fields}
    if isinstance(value, types.SimpleNamespace) or _is_namespace(kind):
        return dict(vars(value))
    return None


def _is_namespace(kind: type) -> bool:
    """argparse.Namespace and what derives from it, without importing argparse."""
    return any(
        base.__module__ == "argparse" and base.__name__ == "Namespace" for base in kind.__mro__
    )


def _foreign(value: Any) -> Any:
    """Read a number, array or tensor of numpy, torch, jax, tensorflow … by its manners."""
    if hasattr(value, "detach") and hasattr(value, "tolist"):  # files have a detach, too
        value = value.detach()
    if hasattr(value, "tolist"):
        read = value.tolist()
    elif hasattr(value, "numpy"):
        read = value.numpy().tolist()
    elif hasattr(value, "item"):
        read = value.item()
    else:
        read = value
    if type(read) is type(value) and hasattr(value, "__float__"):  # numpy.longdouble
        return float(value)
    if read is value and hasattr(value, "keys") and hasattr(value, "__getitem__"):
        return {key: value[key] for key in value.keys()}  # noqa: SIM118  (not every one iterates)
    return read
