"""The names of an experiment's values: ``args.lr``, ``args_lr``, or ``lr`` where that is clear.

A row is what `ExperimentReader.row` gives, or a group of such rows that has the same shape. Facts
about the experiment itself are the group ``header``; nested values have dotted keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ._table import MISSING, cut

__all__ = ["EXPID", "GROUPS", "Field", "Id", "Names", "explain", "words"]

GROUPS = ("header", "args", "default_args", "metadata", "summary", "annotations")
DEPTH = 5
_HEADER = (
    "expid",
    "curexpdir",
    "sha",
    "start_time",
    "status",
    "status_message",
    "duration",
    "description",
    "problems",
    "count",
    "duration_mean",
    "duration_std",
)
_ANNOTATIONS = ("tags", "notes", "name", "locked")  # may be asked for before there are any
_ALIASES = {"id": "expid", "begin_time": "start_time", "message": "status_message"}
# Where a name without its group is looked for; the next ones only when it is in none of these.
_TIERS = (("header", "args", "summary", "annotations"), ("metadata",), ("default_args",))
_BY_LENGTH = ("default_args", "annotations", "metadata", "summary", "metrics", "header", "args")
_HOW = ("last", "min", "max", "best", "count")
_FEW = 20
_CONSTANTS = {"true": "True", "false": "False", "null": "None", "none": "None"}
# What a metric is asked for; its name alone means the last value.
_ENDS = (
    *(f".{name}{of}" for name in ("last", "min", "max", "best") for of in ("", "_step")),
    *(f"_{name}{of}" for name in ("last", "min", "max", "best") for of in ("", "_step")),
    ".count",
    ".nonfinite",
)
_ODD = re.compile(r"\W")
_WORD = re.compile(r"`([^`]+)`|([^\s,`]+)")


class Id(str):
    """An experiment's id: a text that compares with numbers too, where it is one."""

    __slots__ = ()

    @property
    def number(self) -> int | None:
        """The id as a number, None when it is a name."""
        return int(self) if self.isascii() and self.isdigit() else None


class Field(NamedTuple):
    """One named value of every row."""

    group: str
    key: str

    @property
    def name(self) -> str:
        """The name in full, such as ``args.model.width``."""
        return f"{self.group}.{self.key}"

    @property
    def getter(self) -> Callable[[dict[str, Any]], Any]:
        """A function that gives a row's value, `MISSING` where the row has none."""
        group, key = self
        if self == EXPID:
            return lambda row: Id(row["expid"])
        if group == "header":
            return lambda row: row.get(key, MISSING)
        if "." not in key:
            return lambda row: row.get(group, {}).get(key, MISSING)
        return _nested(group, key)

    def of(self, rows: Iterable[dict[str, Any]]) -> list[Any]:
        """Give the values of rows."""
        return list(map(self.getter, rows))


EXPID = Field("header", "expid")


def _nested(group: str, key: str) -> Callable[[dict[str, Any]], Any]:
    """The getter of a dotted key; quick where the key is of an object in the group."""
    first, _, rest = key.partition(".")
    deeper = "." in rest

    def get(row: dict[str, Any]) -> Any:
        values = row.get(group, {})
        if key in values:
            return values[key]
        inner = values.get(first)
        if isinstance(inner, dict) and rest in inner:
            return inner[rest]
        return _find(values, key) if deeper else MISSING

    return get


def _find(values: dict[str, Any], key: str) -> Any:
    """Follow a dotted key; keys of the record may hold dots themselves."""
    if key in values:
        return values[key]
    dot = key.find(".")
    while dot >= 0:
        inner = values.get(key[:dot])
        if isinstance(inner, dict):
            found = _find(inner, key[dot + 1 :])
            if found is not MISSING:
                return found
        dot = key.find(".", dot + 1)
    return MISSING


class Names:
    """Every name that some row has a value for.

    Args:
        rows: see above; the names of a group are collected when they are first asked for.
        depth: how many levels of nested objects have names of their own.
    """

    def __init__(self, rows: Sequence[dict[str, Any]], depth: int = DEPTH) -> None:
        self._rows = rows
        self._depth = depth
        self._keys: dict[str, dict[str, None]] = {}
        self._left: dict[str, Iterator[dict[str, Any]]] = {}
        self._plain: dict[str, dict[str, list[str]]] = {}

    def keys(self, group: str) -> dict[str, None]:
        """The keys of a group, in the order in which they appear."""
        self._has(group, None)
        return self._keys[group]

    def _has(self, group: str, key: str | None) -> bool:
        """Whether a group has a key; no more rows are looked at than that takes."""
        if group == "header" and group not in self._keys:
            known = set().union(*self._rows)
            self._keys[group] = dict.fromkeys(key for key in _HEADER if key in known)
            self._left[group] = iter(())
        found = self._keys.setdefault(group, {})
        if key not in found:
            for row in self._left.setdefault(group, iter(self._rows)):
                _collect(row.get(group, {}), "", self._depth, found)
                if key in found:
                    break
        return key in found

    def fields(self, *groups: str) -> list[Field]:
        """All fields of some groups."""
        return [Field(group, key) for group in groups for key in self.keys(group)]

    def exact(self, word: str) -> list[Field]:
        """The fields that a name can mean: one when it is clear, none when it is unknown.

        A name with its group in front means that group's value, if there is one.
        """
        for group in _BY_LENGTH:
            if word.startswith((f"{group}.", f"{group}_")):
                found = self._in(group, word[len(group) + 1 :])
                if found:
                    return found
        for tier in _TIERS:
            found = [field for group in tier for field in self._in(group, word)]
            if found:
                return found
        key = word.removeprefix("annotations.").removeprefix("annotations_")
        return [Field("annotations", key)] if self._rows and key in _ANNOTATIONS else []

    def _in(self, group: str, key: str) -> list[Field]:
        if group == "header":
            key = _ALIASES.get(key, key)
        if group == "metrics" and not key.endswith(_ENDS):
            key += ".last"
        if self._has(group, key):
            return [Field(group, key)]
        if group not in self._plain:
            plain: dict[str, list[str]] = {}
            for known in self.keys(group):
                plain.setdefault(_ODD.sub("_", known), []).append(known)
            self._plain[group] = plain
        return [Field(group, known) for known in self._plain[group].get(_ODD.sub("_", key), [])]

    def results(self, word: str) -> list[Field]:
        """The fields that a name can mean where a result is asked for: a summary value first."""
        if word.startswith(tuple(f"{group}{sign}" for group in _BY_LENGTH for sign in "._")):
            return self.exact(word) or self._in("summary", word)
        return self._in("summary", word) or self.exact(word)

    def logged(self, word: str) -> list[Field]:
        """The field of a logged value as ``--metrics`` and ``stats`` spell it: ``loss:min``."""
        metric, colon, how = word.rpartition(":")
        if not colon or how not in _HOW:
            return []
        return self.exact(f"metrics.{metric.removeprefix('metrics.')}.{how}")

    def is_logged(self, word: str) -> bool:
        """Whether a name is that of a metric of one of the last experiments."""
        return bool(Names(self._rows[-_FEW:])._in("metrics", word))

    def prefixed(self, word: str) -> list[Field]:
        """The fields whose name, with or without the group, begins with a word."""
        start = _ODD.sub("_", word)
        fields = self.fields(*GROUPS)
        whole = [field for field in fields if _ODD.sub("_", field.name).startswith(start)]
        return whole or [
            field for field in self.fields(*_TIERS[0]) if _ODD.sub("_", field.key).startswith(start)
        ]

    def close(self, word: str) -> list[str]:
        """Names that look like an unknown one, the closest first."""
        import difflib

        spelled: dict[str, str] = {alias: f"header.{key}" for alias, key in _ALIASES.items()}
        groups = [*GROUPS, "metrics"] if word.startswith("metrics") else [*GROUPS]
        for field in reversed(self.fields(*reversed(groups))):
            spelled[field.name] = spelled[field.name.replace(".", "_")] = field.name
            if field.group in _TIERS[0]:
                spelled[field.key] = field.name
            if field.group in (*_TIERS[0], *_TIERS[1]):
                spelled.setdefault(field.key.rpartition(".")[2], field.name)
        near = difflib.get_close_matches(word, spelled, 6, 0.7)
        return list(dict.fromkeys(spelled[name] for name in near))[:3]


def _collect(values: dict[str, Any], prefix: str, depth: int, found: dict[str, None]) -> None:
    for key, value in values.items():
        if type(value) is dict and value and depth:
            _collect(value, f"{prefix}{key}.", depth - 1, found)
        else:
            found[prefix + key] = None


def explain(word: str, found: list[Field], names: Names) -> tuple[str, str]:
    """Say why a name cannot be used, and what to write: a sentence each."""
    if found:
        return (
            f"{word!r} can mean {' or '.join(repr(field.name) for field in found)}.",
            "Write the one that you mean.",
        )
    if word in _CONSTANTS:
        return f"There is no {word!r}.", f"Write {_CONSTANTS[word]}."
    if names.is_logged(word):
        return f"There is no value {cut(word, 60)!r}, but a metric.", f"Write 'metrics.{word}'."
    close = names.close(word)
    word = cut(word, 60)
    if close:
        return f"There is no {word!r}.", f"Did you mean {' or '.join(map(repr, close))}?"
    return f"There is no {word!r}.", "'meticulous list --list_columns' shows the names."


def words(texts: Iterable[str]) -> list[str]:
    """Split lists of names at commas and spaces; a name in backticks may hold both."""
    found = [quoted or word for quoted, word in _WORD.findall(" ".join(texts))]
    return list(dict.fromkeys(found))
