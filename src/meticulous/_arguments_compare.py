"""What differs between the args of two experiments, as facts and as text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from . import _json
from .errors import MISSING

__all__ = ["describe_differences", "differences"]

_WIDTH = 60
_BEFORE = 10


def differences(
    recorded: Mapping[str, Any], current: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """Tell which args differ.

    Both sides are compared as JSON would hold them: a tuple equals the list that it was recorded
    as, the key 1 equals ``"1"``, NaN equals NaN, 1 equals 1.0; True and 1 differ.

    Args:
        recorded: the args of the record.
        current: the args of now.

    Returns:
        For each dotted name whose values differ the recorded and the current one, in the order of
        the record and then of now; ``errors.MISSING`` on the side that lacks the name.
    """
    return dict(_differing("", _json.plain(recorded), _json.plain(current)))


def _differing(name: str, old: Any, new: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    olds, news = _names(old, new), _names(new, old)
    if olds is None or news is None:
        if not _same(old, new):
            yield name, (_outward(old), _outward(new))
        return
    for key in [*olds, *(key for key in news if key not in olds)]:
        below = f"{name}.{key}" if name else key
        yield from _differing(below, olds.get(key, _ABSENT), news.get(key, _ABSENT))


_ABSENT = object()


def _names(value: Any, other: Any) -> dict[str, Any] | None:
    """A value as names to go into; None where it is to be compared as a whole."""
    if isinstance(value, dict):
        return value if value or isinstance(other, dict) else None
    return {} if value is _ABSENT and isinstance(other, dict) and other else None


def _outward(value: Any) -> Any:
    return MISSING if value is _ABSENT else value


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)


def describe_differences(differences: Mapping[str, tuple[Any, Any]], limit: int = 20) -> str:
    """Write differences for people: one line a name, the values one below the other.

    Args:
        differences: what `differences` returned.
        limit: how many names are shown; a last line counts the rest.

    Returns:
        Lines such as ``lr: 0.1 -> 0.2``, in ASCII; long values are cut to where they differ.
    """
    shown = [(_ascii(name), pair) for name, pair in list(differences.items())[:limit]]
    width = min(max((len(name) for name, _ in shown), default=0), 40)
    lines = []
    for name, (old, new) in shown:
        before, after = _cut(_text(old), _text(new))
        lines.append(f"{name + ':':<{width + 1}} {before} -> {after}")
    if len(differences) > len(shown):
        lines.append(f"and {len(differences) - len(shown)} more")
    return "\n".join(lines)


def _ascii(text: str) -> str:
    return json.dumps(text)[1:-1].replace('\\"', '"')


def _text(value: Any) -> str:
    return (
        MISSING if isinstance(value, str) and value == MISSING else json.dumps(_json.plain(value))
    )


def _cut(old: str, new: str) -> tuple[str, str]:
    """Shorten two texts so that what differs can still be seen."""
    start = 0
    if max(len(old), len(new)) > _WIDTH:
        while start < min(len(old), len(new)) and old[start] == new[start]:
            start += 1
        start = max(start - _BEFORE, 0)
    return _window(old, start), _window(new, start)


def _window(text: str, start: int) -> str:
    head = "..." if start else ""
    part = text[start : start + _WIDTH]
    return head + part + ("..." if start + _WIDTH < len(text) else "")
