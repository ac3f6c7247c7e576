"""Metrics as lines: what `log` was given, one JSON object a line, in the order of the calls.

A line is ``{"step":…,"time":…,"loss":…}``; each later session of an experiment begins with a line
``{"session":2,"step":null,"time":…}``. Nothing is dropped or rewritten when written.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from . import _json

__all__ = ["METRICS", "Encoder", "Heavy", "freeze", "next_step", "session_line", "utc"]

METRICS = "metrics.jsonl"
RESERVED = ("step", "time", "session")

_PYTHONS = frozenset((float, int, str, bool, type(None)))
_SHORT = frozenset((float, int, bool, type(None)))
_SCALARS_OF_NUMPY: set[type] = set()
_HEAVY_TEXT = 1 << 14
_HEAVY_NUMBERS = 1 << 10
_MAX_NESTING = 40
_NUMBERS = frozenset((float, int))
_NOT_SO_FAST = (TypeError, ValueError, OverflowError, RecursionError)
_MAYBE_EXPONENT = re.compile(rb"e-?[0-9]")
_EXPONENT = re.compile(rb"[0-9]e-?[0-9]")
_TAIL = 1 << 16
_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def utc(seconds: float) -> str:
    """Write seconds since the epoch as UTC ISO 8601 with offset and microseconds."""
    whole = math.floor(seconds)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
    return f"{text}.{int((seconds - whole) * 1e6):06d}+00:00"


def freeze(metrics: Mapping[Any, Any]) -> dict[Any, Any]:
    """Copy what `log` was given so that a later change of it does not alter what was logged.

    Python numbers and text are immutable and are not touched. Scalars of numpy become Python's;
    CPU arrays and tensors are read now. A small tensor on a device is cloned there and read in the
    writer's thread, so that logging never waits for a device.

    Args:
        metrics: name to value; nested mappings are allowed.

    Returns:
        A copy with the same names: a plain dict when all values are Python's own numbers, text and
        so on, a `Heavy` one when it takes much memory or time. What is no mapping gets the name
        "value".
    """
    try:
        row = dict(metrics)
    except Exception:  # a value of the program's that is no mapping, or cannot be read
        plain = _json.plain(metrics)
        row = plain if isinstance(plain, dict) else {"value": plain}
    if _SHORT.issuperset(map(type, row.values())):
        return row
    return _copied(row, ())


class _Mixed(dict[Any, Any]):
    """A row that holds more than Python's own scalars."""


class Heavy(_Mixed):
    """A row of which only few fit into the memory."""


def _copied(metrics: Mapping[Any, Any], above: tuple[int, ...]) -> dict[Any, Any]:
    row = dict(metrics)
    mixed = heavy = False
    for name, value in row.items():
        kind = type(value)
        if kind in _SHORT:
            continue
        if kind in _SCALARS_OF_NUMPY:
            row[name] = value.item()
            continue
        try:
            value = row[name] = _frozen(value, above)
        except Exception:  # of the program's value, or of the device that it is on
            value = row[name] = _json.plain(value)
        mixed = mixed or type(value) not in _PYTHONS
        heavy = heavy or _is_heavy(value)
    if heavy:
        return Heavy(row)
    return _Mixed(row) if mixed else row


def _frozen(value: Any, above: tuple[int, ...]) -> Any:
    if type(value) is str:
        return value
    if isinstance(value, Mapping):
        if id(value) in above:
            return "<cycle>"
        if len(above) < _MAX_NESTING:
            return _copied(value, (*above, id(value)))
    kind = type(value)
    if kind.__module__ == "numpy" and any(base.__name__ == "generic" for base in kind.__mro__):
        item = value.item()
        if type(item) in _SHORT:  # of others, such as longdouble and void, it is something else
            _SCALARS_OF_NUMPY.add(kind)
            return item
    if kind.__module__ in ("decimal", "fractions"):
        return _as_number(value)
    if _on_device(value) and value.numel() <= _HEAVY_NUMBERS:
        return _Deferred(value.detach().clone())
    return _json.plain(value)


def _is_heavy(value: Any) -> bool:
    """Judged by the first items, as arrays have rows of one length."""
    numbers = 1
    while isinstance(value, list) and value:
        numbers *= len(value)
        value = value[0]
    if isinstance(value, str):
        return numbers * len(value) > _HEAVY_TEXT
    if isinstance(value, dict):
        numbers *= len(value)
        if type(value) is Heavy or any(map(_is_heavy, value.values())):
            return True
    return numbers > _HEAVY_NUMBERS


def _as_number(value: Any) -> Any:
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return _json.plain(value)
    return number if math.isfinite(number) else _json.plain(value)


def _on_device(value: Any) -> bool:
    """A torch tensor that lives on an accelerator; other libraries' arrays are read at once."""
    device = getattr(getattr(value, "device", None), "type", "cpu")
    return device not in ("cpu", "meta") and hasattr(value, "detach") and hasattr(value, "clone")


class _Deferred:
    __slots__ = ("tensor",)

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor


class Encoder:
    """Turn rows into lines, the same bytes with and without msgspec.

    msgspec writes floats several times as fast as ``repr``, and the same text but for very large,
    very small and non-finite ones, which are looked for in what it has written.

    Args:
        first: what the first call puts before its lines, see `session_line`.
    """

    def __init__(self, first: bytes = b"") -> None:
        self._first = first
        self._second = -1
        self._prefix = ""
        self._templates: dict[tuple[Any, ...], str] = {}
        self._fast: Callable[[Any], bytes] | None = None
        self._prepared = False

    def __call__(self, rows: list[tuple[Any, float, dict[Any, Any]]]) -> bytes:
        """Encode rows of (step, seconds since the epoch, what `freeze` gave); never raises."""
        if not self._prepared:
            self._prepare()
        lines = b""
        if self._fast is not None:
            with contextlib.suppress(*_NOT_SO_FAST):
                lines = self._together(rows, self._fast)
        if not lines:
            lines = b"".join([self._one(step, self._stamp(when), row) for step, when, row in rows])
        first, self._first = self._first, b""
        return first + lines

    def _prepare(self) -> None:
        # In the writer's thread: importing takes 20 ms that the program need not wait for.
        self._prepared = True
        try:
            import msgspec
        except ImportError:
            return
        self._fast = msgspec.json.Encoder().encode_lines

    def _stamp(self, when: float) -> str:
        second = int(when)
        if second != self._second:
            self._second = second
            self._prefix = utc(second)[:20]
        return "%s%06d+00:00" % (self._prefix, (when - second) * 1e6)  # noqa: UP031  (faster)

    def _together(
        self, rows: list[tuple[Any, float, dict[Any, Any]]], fast: Callable[[Any], bytes]
    ) -> bytes:
        """Encode all rows by one call of msgspec; raises one of _NOT_SO_FAST if it cannot."""
        known, stamp = self._templates, self._stamp
        objects = []
        for step, when, row in rows:
            if type(row) is not dict or not (known.get(tuple(row)) or self._template(row)):
                raise ValueError
            objects.append({"step": step, "time": stamp(when), **row})
        lines = fast(objects)
        if b"0.0000" in lines or b"null" in lines:
            raise ValueError
        # The second expression is exact, the first ten times as fast.
        if _MAYBE_EXPONENT.search(lines) and _EXPONENT.search(lines):
            raise ValueError
        return lines

    def _one(self, step: Any, stamp: str, row: dict[Any, Any]) -> bytes:
        """Encode one row; of finite numbers, the usual case, by a template."""
        if type(row) is dict and _NUMBERS.issuperset(map(type, row.values())):
            try:
                template = self._templates.get(tuple(row)) or self._template(row)
                if template and type(step) is int and math.isfinite(sum(row.values())):
                    return (template % (step, stamp, *row.values())).encode()
            except _NOT_SO_FAST:
                pass
        return _slow_line(step, stamp, row)

    def _template(self, row: dict[Any, Any]) -> str:
        """A row's line but for the values; empty when its names need care."""
        names = tuple(row)
        if len(self._templates) > 1000:
            self._templates.clear()
        template = ""
        if all(type(name) is str and name not in RESERVED for name in names):
            fields = "".join("," + _compact(name).replace("%", "%%") + ":%r" for name in names)
            template = '{"step":%r,"time":"%s"' + fields + "}\n"
        self._templates[names] = template
        return template


def _slow_line(step: Any, stamp: str, row: dict[Any, Any]) -> bytes:
    flat: dict[str, Any] = {"step": _json.plain(step), "time": stamp}
    _flatten(row, "", flat)
    return _json.encode_line(flat)


def _flatten(row: Mapping[Any, Any], prefix: str, out: dict[str, Any]) -> None:
    """Join the names of nested mappings with a slash; names that are taken get an underscore."""
    for key, value in row.items():
        name = prefix + (key if type(key) is str else str(_json.plain(key)))
        if isinstance(value, _Deferred):
            value = _json.plain(value.tensor)
        if isinstance(value, Mapping) and value:
            _flatten(value, name + "/", out)
            continue
        while name in out or name in RESERVED:
            name += "_"
        out[name] = value


def session_line(number: int, when: float) -> bytes:
    """The line that a later session of an experiment begins with."""
    return _json.encode_line({"session": number, "step": None, "time": utc(when)})


def next_step(path: str) -> int:
    """The step after the last that a file of metrics holds; 0 when it holds none.

    Reads only the end of the file, and passes over torn lines.
    """
    tail = _TAIL
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            while True:
                file.seek(max(0, size - tail))
                step = _last_step(file.read(tail).split(b"\n"))
                if step is not None:
                    return int(step) + 1
                if tail >= size:
                    return 0
                tail *= 8  # the last line is longer
    except OSError:
        return 0


def _last_step(lines: list[bytes]) -> float | None:
    for line in reversed(lines):
        try:
            step = _json.decode(line).get("step")
        except (ValueError, AttributeError):
            continue
        if isinstance(step, (int, float)) and not isinstance(step, bool) and math.isfinite(step):
            return step
    return None
