"""Which experiments a statistic is about, and the result of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, NamedTuple

from . import _better, _compare_groups, _query_documents, _query_names, _query_rows, _status
from ._query_names import Field, Names
from ._table import MISSING, clean, cut
from .errors import SettingError

__all__ = [
    "Chosen",
    "Result",
    "brief",
    "cautions",
    "field_list",
    "label",
    "listed",
    "missing",
    "plural",
    "result_of",
]

_UNFINISHED = frozenset(
    (
        _status.ERROR,
        _status.INTERRUPTED,
        _status.TERMINATED,
        _status.RUNNING,
        _status.LOST,
        _status.SILENT,
        _status.UNKNOWN,
    )
)
_HOW = re.compile(r"(.+):(last|min|max|best)", re.DOTALL)
_MOST_LISTED = 8


class Chosen(NamedTuple):
    """The experiments that are asked about.

    Args:
        store: where they are.
        rows: one for each, see `Experiments.lazy_rows`.
        names: the names of all experiments' values.
        left_out: the ids of those that failed, run or got lost, by their status.
        reading: gives rows one by one, and may tell how far it is.
    """

    store: Any
    rows: list[dict[str, Any]]
    names: Names
    left_out: dict[str, list[str]]
    reading: Callable[[Any], Any] = iter

    @classmethod
    def of(
        cls,
        store: Any,
        everything: list[dict[str, Any]],
        wanted: Container[str],
        all_statuses: bool = False,
        reading: Callable[[Any], Any] = iter,
    ) -> Chosen:
        """Choose among rows: the wanted ones that have ended well, or all wanted ones."""
        rows: list[dict[str, Any]] = []
        left_out: dict[str, list[str]] = {}
        for row in everything:
            if row["expid"] not in wanted:
                continue
            if row["status"] in _UNFINISHED and not all_statuses:
                left_out.setdefault(row["status"], []).append(row["expid"])
            else:
                rows.append(row)
        return cls(store, rows, Names(everything), left_out, reading)

    @property
    def sentence(self) -> str:
        """What was left out; empty for nothing."""
        if not self.left_out:
            return ""
        parts = [f"{len(ids)} {clean(status)}" for status, ids in self.left_out.items()]
        ids = [expid for ids in self.left_out.values() for expid in ids]
        return f"left out: {', '.join(parts)} ({listed(ids)}); --all-statuses takes them in"


class Result(NamedTuple):
    """What experiments are compared by.

    Args:
        name: in full, such as ``summary.acc`` or ``val/acc:max``.
        of: gives a row's value, `MISSING` when it has none.
        lower: whether small values are better; None when the name does not tell.
    """

    name: str
    of: Callable[[dict[str, Any]], Any]
    lower: bool | None


def result_of(word: str, chosen: Chosen, option: str) -> Result:
    """Find out what a name means: a summary value first, then another value, then a metric.

    Raises:
        SettingError: it means nothing, or several things, or has no direction for ``:best``.
    """
    names = chosen.names
    found = names.results(word)
    if len(found) == 1:
        field = found[0]
        return Result(_name(field), field.getter, _better.lower_is_better(field.key))
    if found:
        problem, hint = _query_names.explain(word, found, names)
        raise SettingError(f"Argument {option}: {problem}", hint, name=option, value=word)
    return _metric(word, chosen, option)


def _name(field: Field) -> str:
    return field.key if field.group == "header" else field.name


def _metric(word: str, chosen: Chosen, option: str) -> Result:
    logged: dict[str, dict[str, Any]] = {}
    known: dict[str, None] = {}
    for row in chosen.reading(chosen.rows):
        metrics = chosen.store[row["expid"]].metrics
        logged[row["expid"]] = dict(metrics)
        known.update(dict.fromkeys(metrics))
    how = _HOW.fullmatch(word)
    name, wanted = (how[1], how[2]) if how and word not in known else (word, "last")
    if name not in known:
        _raise_unknown(name, known, chosen.names, option)
    lower = _better.lower_is_better(name)
    if wanted == "best":
        if lower is None:
            raise SettingError(
                f"Argument {option}: {clean(name)!r} does not tell whether small or large values "
                "are better.",
                f"Write {clean(name)}:min or {clean(name)}:max.",
                name=option,
                value=word,
            )
        wanted = "min" if lower else "max"
    return Result(
        f"{name}:{wanted}",
        lambda row: logged[row["expid"]].get(name, {}).get(wanted, MISSING),
        lower,
    )


def _raise_unknown(name: str, metrics: dict[str, None], names: Names, option: str) -> None:
    import difflib

    near = difflib.get_close_matches(name, metrics, 3, 0.6)
    close = list(dict.fromkeys([*names.close(name), *near]))[:3]
    if close:
        hint = f"Did you mean {' or '.join(map(repr, map(clean, close)))}?"
    else:
        summary = [field.name for field in names.fields("summary")]
        known = [clean(name) for name in [*summary, *metrics]]
        hint = f"There are: {listed(known)}." if known else "Nothing was logged."
    raise SettingError(
        f"Argument {option}: There is no value and no metric {clean(name)!r}.",
        hint,
        name=option,
        value=name,
    )


def listed(words: Sequence[str]) -> str:
    """Some words, and how many more there are."""
    shown = ", ".join(clean(word) for word in words[:_MOST_LISTED])
    more = len(words) - _MOST_LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def brief(text: str) -> str:
    """Text for a title, whose names may be of any length."""
    return cut(clean(text), 80)


def plural(number: int, noun: str = "experiment") -> str:
    """``1 experiment``, ``2 experiments``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def field_list(words: Sequence[str], chosen: Chosen, option: str) -> list[Field]:
    """The fields of names; of a plain name that is an arg and something else, the arg.

    Raises:
        SettingError: one is of none, or of several.
    """
    found = []
    for word in _query_names.words(words):
        arg = chosen.names.exact(f"args.{word}")
        found.append(arg[0] if len(arg) == 1 else _query_rows.field_of(word, chosen.names, option))
    if not found:
        raise SettingError(f"Argument {option}: names are missing.", name=option)
    return list(dict.fromkeys(found))


def missing(groups: Sequence[_compare_groups.Group], name: str) -> list[str]:
    """Sentences on the experiments that have no result, or none that is a finite number."""
    without = [expid for group in groups for expid in group.without]
    odd = [expid for group in groups for expid in group.not_finite]
    said = []
    if without:
        have = "has" if len(without) == 1 else "have"
        said.append(f"{plural(len(without))} {have} no {clean(name)}: {listed(without)}")
    if odd:
        said.append(
            f"{plural(len(odd))} left out, since {clean(name)} is no finite number: {listed(odd)}"
        )
    return said


def cautions(
    chosen: Chosen,
    groups: Sequence[_compare_groups.Group],
    keys: Sequence[Field],
    seed: Field | None,
) -> list[str]:
    """Sentences on what a reader of means would not expect: experiments that share a seed, and
    what else than the seed makes a group spread.
    """
    said = []
    repeated = [group for group in groups if group.repeated]
    if repeated:
        value, ids = next(iter(repeated[0].repeated.items()))
        said.append(
            f"several experiments share a seed within {listed(list(map(label, repeated)))}, such "
            f"as seed {value} of {listed(ids)}: their mean counts as one result"
        )
    rows = {row["expid"]: row for row in chosen.rows}
    members = ([rows[run.expid] for run in group.runs] for group in groups)
    asked = [
        field
        for field in [*chosen.names.fields("args"), Field("header", "sha")]
        if field not in keys
        and not (field == seed or (seed is None and "seed" in field.key.lower()))
    ]
    differing = [
        "the commit" if field.group == "header" else field.name
        for field in _differing(asked, members)
    ]
    if differing:
        said.append(
            f"not only the seed differs between the experiments of a group: {listed(differing)}"
        )
    return said


def _differing(fields: Sequence[Field], groups: Iterable[Sequence[dict[str, Any]]]) -> list[Field]:
    """The fields that are not the same in all rows of some group."""
    # Row by row, since a row may read its values anew when others were asked meanwhile.
    left = [(field, field.getter) for field in fields]
    for rows in groups:
        first: dict[Field, str] = {}
        for row in rows:
            known = {"args": row["args"], "sha": row["sha"]}
            odd = {
                field
                for field, getter in left
                if (same := _query_rows.identity(getter(known))) != first.setdefault(field, same)
            }
            left = [pair for pair in left if pair[0] not in odd] if odd else left
    kept = {field for field, _ in left}
    return [field for field in fields if field not in kept]


def label(group: _compare_groups.Group) -> str:
    """A group's name: its values, with commas between."""
    return ", ".join(_query_documents.as_written(value) for value in group.key)
