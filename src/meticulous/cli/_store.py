"""What commands ask for in the same way: the experiments folder, and which of its experiments.

Ids are ``17``, ``3-7``, ``3-7,9``, ``last``, ``last~2``, ``all``, ``best:summary.acc``,
``min:NAME``, ``max:NAME``, a name that an experiment was given, or the path of its folder.
"""

from __future__ import annotations

import argparse
import heapq
import os
import re
from collections.abc import Callable, Container, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any

from .. import _better, _query_names, _query_rows
from .._table import MISSING
from ..errors import SettingError
from ..experiments import ExperimentReader, Experiments

__all__ = [
    "NOTHING_MATCHED",
    "add_ids",
    "add_questions",
    "add_store",
    "chosen",
    "has_start",
    "newest",
    "one",
    "open_store",
    "parted",
    "period",
    "start_of",
]

NOTHING_MATCHED = 3
"""The exit code when nothing matched and ``--fail-empty`` was given."""

IDS = "17, 3-7, 3-7,9, last, last~2, best:summary.acc, all, a name, or the path of a folder"
ONE = "17, last, last~2, best:summary.acc, a name, or the path of a folder"
_PERIOD = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_RANGE = re.compile(r"([0-9]+)-([0-9]+)")
_LAST = re.compile(r"last(?:~([0-9]{1,9}))?")
_BEST = re.compile(r"(best|min|max):(.+)")


def add_store(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the experiments are; `open_store` reads them."""
    group = parser.add_argument_group("where the experiments are")
    group.add_argument(
        "--project-directory",
        default="",
        metavar="PROJECT",
        help="the project whose experiments are meant; otherwise the one around the working "
        "directory",
    )
    group.add_argument(
        "--experiments-directory", default=None, metavar="DIRECTORY", help="the experiments folder"
    )


def add_ids(parser: argparse.ArgumentParser, nargs: str = "*", *, questions: bool = True) -> None:
    """Add the positional ``ids``, and with `questions` ``--filter`` and ``--fail-empty``."""
    parser.add_argument("ids", nargs=nargs, metavar="ID", help=ONE if nargs == "?" else IDS)
    if questions:
        add_questions(parser)


def add_questions(parser: Any) -> None:
    """Add ``--filter`` and ``--fail-empty`` to a parser or a group of its options."""
    parser.add_argument(
        "--filter",
        action=_Both,
        metavar="EXPR",
        help="only those for which the expression is true; of several all have to be",
    )
    parser.add_argument("--fail-empty", action="store_true", help="exit with 3 if there are none")


class _Both(argparse.Action):
    """Ask for what is true of this expression and of those that were given before it."""

    def __call__(
        self, parser: Any, namespace: argparse.Namespace, values: Any, option: Any = None
    ) -> None:
        before = getattr(namespace, self.dest)
        both = values if before is None else f"({before}) and ({values})"
        setattr(namespace, self.dest, both)


def parted(words: Sequence[str], known: Container[str]) -> list[str]:
    """Split lists of names at their commas; a name that is known may hold some itself."""
    return [
        part.strip()
        for word in words
        for part in ([word] if word in known else word.split(","))
        if part.strip()
    ]


def period(text: str) -> float | None:
    """Seconds of a length of time such as ``90m`` or ``7d``; None when it is none."""
    match = _PERIOD.fullmatch(text.strip())
    return float(match[1]) * _SECONDS[match[2]] if match else None


def open_store(options: argparse.Namespace) -> Experiments:
    """Open the experiments folder that is meant: that of ids that are paths, that of the options,
    otherwise that of the project around the working directory.

    Raises:
        SettingError: the ids are paths into several experiments folders.
        StorageError: there is no such folder.
    """
    directory = options.experiments_directory
    ids = getattr(options, "ids", None) or []
    words = [ids] if isinstance(ids, str) else list(ids)
    paths = {os.path.dirname(os.path.abspath(word)) for word in words if _is_path(word)}
    if len(paths) > 1:
        raise SettingError(
            f"The paths lead into {len(paths)} experiments folders.", "Name those of one folder."
        )
    if paths:
        return Experiments("", paths.pop())
    if directory and (os.path.isdir(directory) or not options.project_directory):
        directory = os.path.abspath(directory)
    return Experiments(options.project_directory, directory)


def _is_path(word: str) -> bool:
    looks_so = os.sep in word or (os.altsep or os.sep) in word or word in (os.curdir, os.pardir)
    return looks_so and os.path.isdir(word)


def chosen(store: Experiments, words: Sequence[str], expression: str | None = None) -> list[str]:
    """Give the ids that words mean, in their order and each once.

    Args:
        store: the experiments.
        words: see this module; none for all experiments.
        expression: only those for which it is true.

    Raises:
        SettingError: a word means nothing.
        QueryError: the expression is wrong.
    """
    found: dict[str, None] = {} if words else dict.fromkeys(store)  # one may be called "all"
    for word in words:
        found.update(dict.fromkeys(_meant(store, word)))
    if expression is None:
        return list(found)
    matching = store.only(found).filter(expression)
    return list(matching)


def one(store: Experiments, word: str) -> ExperimentReader:
    """Give the one experiment that a word means.

    Raises:
        SettingError: it means none, or several.
    """
    found = chosen(store, [word])
    if len(found) != 1:
        raise SettingError(f"{word!r} means {len(found)} experiments.", "Name one.", value=word)
    return store[found[0]]


def newest(
    ids: Sequence[str], starts: Sequence[float], count: int, is_recorded: Callable[[int], bool]
) -> list[int]:
    """Give the places of the newest experiments by their start, in order.

    The start of a broken record is the time of its folder, which a copy makes anew: it is taken
    to be as old as the next number at least.

    Args:
        ids: in the order of the store, numbers first.
        starts: of each one, in seconds since the epoch.
        count: how many.
        is_recorded: whether the start at a place is that of the record.
    """
    left = sorted(range(len(ids)), key=starts.__getitem__)
    doubted: list[tuple[float, int]] = []
    kept: list[int] = []
    while (left or doubted) and len(kept) < count:
        if doubted and not (left and (-starts[left[-1]], -left[-1]) < doubted[0]):
            kept.append(-heapq.heappop(doubted)[1])
            continue
        place = left.pop()
        if _is_number(ids[place]) and not is_recorded(place):
            numbers = takewhile(lambda other: _is_number(ids[other]), range(place + 1, len(ids)))
            later = next((starts[other] for other in numbers if is_recorded(other)), None)
            if later is not None:
                heapq.heappush(doubted, (-min(starts[place], later), -place))
                continue
        kept.append(place)
    return sorted(kept)


def has_start(metadata: dict[str, Any]) -> bool:
    """Whether a record tells when it started."""
    return any(isinstance(metadata.get(key), str) for key in ("start-time", "timestamp"))


def start_of(moment: str) -> float | None:
    """Seconds since the epoch of a recorded start; None when it is no time."""
    try:
        return datetime.fromisoformat(moment).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _meant(store: Experiments, word: str) -> list[str]:
    if word in store:
        return [word]
    if _is_path(word):
        word = os.path.basename(os.path.abspath(word))
        return [word] if word in store else _unknown(store, word)
    if _BEST.fullmatch(word):  # the name may hold a comma
        return [_best(store, word)]
    found: list[str] = []
    for part in word.split(","):
        found += _part(store, part.strip()) if part.strip() else []
    return found


def _part(store: Experiments, part: str) -> list[str]:
    if part in store:
        return [part]
    if part == "all":
        return list(store)
    between, last = _RANGE.fullmatch(part), _LAST.fullmatch(part)
    if between:
        first, final = int(between[1]), int(between[2])
        found = [id for id in store if _is_number(id) and first <= int(id) <= final]
        return found or _unknown(store, part)
    if last:
        numbers = [expid for expid in store if _is_number(expid)] or list(store)
        back = int(last[1] or 0)
        return [numbers[-1 - back]] if back < len(numbers) else _unknown(store, part)
    if _BEST.fullmatch(part):
        return [_best(store, part)]
    named = [row["expid"] for row in store.lazy_rows() if row["annotations"].get("name") == part]
    return named or _unknown(store, part)


def _is_number(expid: str) -> bool:
    """Whether it is a number as experiments get them: 007 is a name, and no part of 5-7."""
    return expid.isascii() and expid.isdigit() and (expid[0] != "0" or expid == "0")


def _unknown(store: Experiments, word: str) -> Any:
    import difflib

    numbers = [expid for expid in store if _is_number(expid)]
    close = difflib.get_close_matches(word, [*store, "last", "all"], 1)
    hint = f"Did you mean {close[0]!r}?" if close and not word.isdigit() else ""
    if not store:
        hint = "Nothing is recorded there yet."
    elif not hint and numbers:
        hint = f"There are {len(store)}: numbers from {numbers[0]} to {numbers[-1]}."
        hint = hint if len(store) > 1 else f"The only one is {numbers[0]}."
    place = store.experiments_directory
    raise SettingError(f"There is no experiment {word!r} in {place}.", hint, value=word)


def _best(store: Experiments, word: str) -> str:
    """The experiment with the best finite value.

    Raises:
        SettingError: no experiment has such a number, or the name does not tell what is best.
    """
    if not store:
        _unknown(store, word)
    match = _BEST.fullmatch(word)
    assert match is not None
    which, name = match[1], match[2]
    rows = store.lazy_rows()
    field = _result(name, _query_names.Names(rows), word)
    lower = which == "min" if which != "best" else _better.lower_is_better(field.key)
    if lower is None:
        raise SettingError(
            f"{field.key!r} does not tell whether small or large values are better.",
            f"Write min:{name} or max:{name}.",
            value=word,
        )
    value_of = field.getter  # each row is asked once: it may read its value anew
    found: list[tuple[Any, str]] = [
        (value, row["expid"]) for row in rows if _is_finite(value := value_of(row))
    ]
    if not found:
        raise SettingError(f"No experiment has a number as {field.name!r}.", value=word)
    best = (min if lower else max)(value for value, _ in found)
    return next(expid for value, expid in found if value == best)


def _result(name: str, names: _query_names.Names, word: str) -> _query_names.Field:
    """The summary value of that name before an arg, as for ``stats``; else a value, else a metric.

    Raises:
        SettingError: there is none, or it could be several.
    """
    found = names.results(name) or names.logged(name) or names.exact(f"metrics.{name}")
    return found[0] if len(found) == 1 else _query_rows.field_of(name, names, word)


def _is_finite(value: Any) -> bool:
    if value is MISSING or isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) != float("inf") and value == value
