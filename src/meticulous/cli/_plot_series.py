"""What ``meticulous plot`` draws: metrics of experiments as numbers, smoothed and grouped."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from .. import _folder, _query_names, _query_rows
from .._query_names import Field
from .._table import MISSING
from ..errors import SettingError
from ..experiments import ExperimentReader, Experiments
from . import _list_columns, _output, _store

__all__ = [
    "METRIC",
    "Line",
    "Panel",
    "hint",
    "known",
    "panels_of",
    "thinned",
    "wanted",
]

METRIC = "METRIC"
_ARGS_SHOWN = 4
_SHOWN = 10
_PATTERN = frozenset("*?[")
_ID = re.compile(r"[0-9][0-9,-]*|last(~[0-9]+)?|all|(best|min|max):.+")
_LONG_FLOAT = 10

Numbers = Sequence[float]


class Line(NamedTuple):
    """One curve: of an experiment, or the mean of a group of them.

    Args:
        key: what its curves in all panels have in common: the experiment, or the group.
        label: the key with the args that differ.
        metric: the metric's name.
        ids: the experiments.
        xs: places.
        ys: values, smoothed if that is asked for.
        raw: values before smoothing.
        low: of a group's band; None where there is none.
        high: the same.
        counts: how many experiments each mean is of.
    """

    key: str
    label: str
    metric: str
    ids: list[str]
    xs: Numbers
    ys: Numbers
    raw: Numbers | None = None
    low: Numbers | None = None
    high: Numbers | None = None
    counts: Sequence[int] | None = None


class Panel(NamedTuple):
    """Curves with axes of their own."""

    title: str
    lines: list[Line]


def known(readers: Sequence[ExperimentReader]) -> dict[str, bool]:
    """Give the names of all metrics, in the order in which they appear: whether any experiment has
    numbers of it.
    """
    found: dict[str, bool] = {}
    for reader in _output.progress(readers, "reading"):
        for name, facts in reader.metrics.items():
            numeric = facts["max"] is not None or "nonfinite" in facts
            found[name] = numeric or found.get(name, False)
    return found


def wanted(
    words: Sequence[str],
    known: dict[str, bool],
    readers: Sequence[ExperimentReader],
    *,
    regex: bool = False,
) -> list[str]:
    """Give the metrics that words mean: names, patterns, or regular expressions; of those that
    match a pattern the ones with numbers.

    Raises:
        SettingError: a word means none, then its name is METRIC; or one without numbers.
    """
    import fnmatch

    found: dict[str, None] = {}
    for word in words if regex else _store.parted(words, known):
        names: list[str] = [word] if word in known else []
        if names and not regex and not known[word]:
            raise SettingError(f"No number was logged as {word!r}.", value=word)
        if regex:
            names = list(filter(_expression(word).search, known))
        elif not names and _PATTERN & set(word):
            names = [name for name in known if fnmatch.fnmatchcase(name, word)]
        if not names:
            raise _unknown(word, list(known), readers)
        found.update(dict.fromkeys(name for name in names if known[name]))
    return list(found)


def _expression(word: str) -> re.Pattern[str]:
    try:
        return re.compile(word)
    except (re.error, RecursionError, OverflowError) as error:
        raise SettingError(f"{word!r} is no regular expression: {error}.", value=word) from None


def _unknown(word: str, known: Sequence[str], readers: Sequence[ExperimentReader]) -> SettingError:
    import difflib

    close = difflib.get_close_matches(word, known, 3)
    if close:
        said = f"Did you mean {' or '.join(map(repr, close))}?"
    else:
        said = f"Ids are written as: -i {word}" if _ID.fullmatch(word) else hint(known, readers)
    return SettingError(f"There is no metric {word!r}.", said, name=METRIC, value=word)


def hint(known: Iterable[str], readers: Sequence[ExperimentReader]) -> str:
    """Say in a sentence which metrics there are."""
    names = list(known)
    if not names:
        nothing = f"Nothing is logged in {_listed([reader.expid for reader in readers])}."
        return " ".join([nothing, *_unreadable(readers)[:1]])
    return f"There are: {_listed(names)}."


def _unreadable(readers: Iterable[ExperimentReader]) -> list[str]:
    found = ((reader.expid, reader._problems.get(_folder.METRICS)) for reader in readers)
    return [f"In {expid}: {problem}." for expid, problem in found if problem]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def panels_of(
    store: Experiments, ids: Sequence[str], metrics: Sequence[str], options: Any, notes: list[str]
) -> list[Panel]:
    """Read the metrics of experiments as panels of curves; adds to the notes what to know."""
    rows = store.only(ids).lazy_rows()
    names = _query_names.Names(rows)
    labels = _labels(rows, names)
    groups: dict[str, tuple[str, list[str]]] = {expid: (labels[expid], [expid]) for expid in ids}
    if options.groupby:
        groups = _groups(rows, names, options)
    panels: list[Panel] = []
    notes += _unreadable(store[expid] for expid in ids)
    for metric in metrics:
        curves = {
            expid: _points(store[expid], metric, options)
            for expid in _output.progress(ids, "reading")
            if metric in store[expid].metrics
        }
        lacking = [expid for expid in ids if expid not in curves]
        if lacking:
            notes.append(f"without {metric!r}: {_listed(lacking)}")
        empty = [expid for expid, (xs, _) in curves.items() if not len(xs)]
        if empty:
            notes.append(f"no number of {metric!r} with {options.x!r}: {_listed(empty)}")
        lines = [
            _line(
                key, label, metric, [expid for expid in members if expid in curves], curves, options
            )
            for key, (label, members) in groups.items()
        ]
        _say_left_out(lines, curves, metric, notes)
        panels.append(Panel(metric, [line for line in lines if len(line.xs)]))
    if options.together:
        together = [
            line._replace(key=f"{line.key} {line.metric}", label=f"{line.metric}  {line.label}")
            for panel in panels
            for line in panel.lines
        ]
        return [Panel(", ".join(metrics), together)]
    return panels


# ---------------------------------------------------------------------------- names of curves


def _labels(rows: Sequence[Any], names: _query_names.Names) -> dict[str, str]:
    """Each experiment's id with the args in which it differs from the others."""
    fields = _list_columns.args_of(list(rows), names, "truncated")[:_ARGS_SHOWN]
    return {row["expid"]: f"{row['expid']}  {_values(fields, row)}".rstrip() for row in rows}


def _values(fields: Sequence[Field], row: Any) -> str:
    return " ".join(f"{field.key}={_text(field.getter(row))}" for field in fields)


def _text(value: Any) -> str:
    if value is MISSING:
        return "-"
    try:
        text = value if isinstance(value, str) else repr(value)
        return f"{value:.6g}" if isinstance(value, float) and len(text) > _LONG_FLOAT else text
    except (RecursionError, ValueError):  # deeper, or with more digits, than Python writes
        return f"<{type(value).__name__}>"


def _groups(
    rows: Sequence[Any], names: _query_names.Names, options: Any
) -> dict[str, tuple[str, list[str]]]:
    fields = _query_rows.key_fields(options.groupby, names, "--groupby")
    groups: dict[str, tuple[str, list[str]]] = {}
    for row in rows:
        key = repr([_query_rows.identity(field.getter(row)) for field in fields])
        groups.setdefault(key, (_values(fields, row), []))[1].append(row["expid"])
    return groups


# ---------------------------------------------------------------------------- numbers


def _points(reader: ExperimentReader, metric: str, options: Any) -> tuple[Numbers, Numbers]:
    """The places and values of a metric, in the order of the record."""
    if options.x in ("time", "wall"):
        curve = reader._curve(metric, timed=True)  # `history` may import numpy, which takes long
        if curve is None:
            return [], []
        times = reader._times(curve, options.raw)
        start = _start(reader, times) if options.x == "time" else 0.0
        return [time - start for time in times], curve.column("values", options.raw)
    steps, values, _ = reader._points(metric, options.raw)
    if options.x == "step":
        return steps, values
    if options.x not in reader.metrics:
        return [], []
    others, places, _ = reader._points(options.x, options.raw)
    at = dict(zip(others, places, strict=True))
    both = [(at[step], value) for step, value in zip(steps, values, strict=True) if step in at]
    return [x for x, _ in both], [y for _, y in both]


def _start(reader: ExperimentReader, times: Sequence[float]) -> float:
    first = min(filter(math.isfinite, times), default=0.0)
    try:
        return min(first, datetime.fromisoformat(reader.start_time).timestamp())
    except (ValueError, OverflowError, OSError):
        return first


def _smoothed(values: Numbers, weight: float) -> list[float]:
    """An exponential moving average, without the pull of its start; NaN and infinite values stay
    and do not count.
    """
    mean, left, found = 0.0, 1.0, []
    for value in values:
        if math.isfinite(value):
            mean = weight * mean + (1 - weight) * value
            left *= weight
            value = mean / (1 - left)
        found.append(value)
    return found


def _line(
    key: str,
    label: str,
    metric: str,
    ids: list[str],
    curves: dict[str, tuple[Numbers, Numbers]],
    options: Any,
) -> Line:
    parts = [curves[expid] for expid in ids]
    smooth = [(xs, _smoothed(ys, options.smooth) if options.smooth else ys) for xs, ys in parts]
    if not options.groupby:
        xs, ys = smooth[0] if smooth else ([], [])
        return Line(
            key, label, metric, ids, xs, ys, parts[0][1] if options.smooth and parts else None
        )
    label = f"{label}, n={len(ids)}"
    if len(ids) < 2:
        xs, ys = smooth[0] if smooth else ([], [])
        return Line(key, label, metric, ids, xs, ys)
    together: dict[float, list[float]] = {}
    for xs, ys in smooth:
        for x, y in dict(zip(xs, ys, strict=True)).items():
            together.setdefault(x, []).append(y)
    shared = sorted(x for x, values in together.items() if len(values) > 1)
    spreads = [_spread(together[x], options.band) for x in shared]
    counts = [len(together[x]) for x in shared]
    if counts and min(counts) < len(ids):
        label = f"{label} (n={min(counts)} at some)"
    means, lows, highs = ([spread[n] for spread in spreads] for n in range(3))
    return Line(key, label, metric, ids, shared, means, None, lows, highs, counts)


def _spread(values: Sequence[float], band: str) -> tuple[float, float, float]:
    """The mean with the ends of its band; one NaN or infinite value makes them NaN."""
    if not all(map(math.isfinite, values)):
        return math.nan, math.nan, math.nan
    count = len(values)
    mean = sum(value / count for value in values)
    if band == "minmax":
        return mean, min(values), max(values)
    largest = max(abs(value - mean) for value in values)
    scaled = [(value - mean) / largest if largest else 0.0 for value in values]
    width = largest * math.sqrt(sum(value * value for value in scaled) / (count - 1))
    if band == "sem":
        width /= math.sqrt(count)
    return mean, mean - width, mean + width


def _say_left_out(
    lines: Sequence[Line], curves: dict[str, tuple[Numbers, Numbers]], metric: str, notes: list[str]
) -> None:
    """Count the places of groups that only one of the experiments has a value for."""
    for line in lines:
        if line.counts is not None:
            places: set[float] = set()
            for expid in line.ids:
                places.update(curves[expid][0])
            left_out = len(places) - len(line.xs)
            if left_out:
                notes.append(f"{metric!r}, {line.label}: {left_out} places of one alone left out")


def thinned(values: Numbers, most: int) -> list[int]:
    """Choose at most about `most` points that keep the shape: of each bucket the first, the
    smallest, the largest, the last, and one that is not finite.

    Returns:
        Their indices, in order; all if there are few.
    """
    count = len(values)
    if count <= most:
        return list(range(count))
    buckets = max(1, most // 4)
    edges = [count * n // buckets for n in range(buckets + 1)]
    found: set[int] = set()
    for start, end in itertools.pairwise(edges):
        fine = [n for n in range(start, end) if math.isfinite(values[n])]
        found.update((start, end - 1))
        if fine:
            found.update((min(fine, key=values.__getitem__), max(fine, key=values.__getitem__)))
        if len(fine) < end - start:
            found.add(next(n for n in range(start, end) if not math.isfinite(values[n])))
    return sorted(found)
