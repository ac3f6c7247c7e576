"""Results of experiments in groups, and each group against a baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from . import _query_documents, _query_rows
from ._compare_statistics import (
    CONFIDENCE,
    FEWEST,
    Description,
    TTest,
    describe,
    finite,
    holm,
    mean,
    paired,
    welch,
)
from ._query_names import Field
from ._query_values import order_key
from ._table import MISSING

__all__ = ["Comparison", "Group", "Run", "against", "collect", "ordered_key", "told_apart"]

MORE = "more than the seeds"
NOT_MORE = "not more than the seeds explain"
TOO_FEW = f"too few (n < {FEWEST}) to tell"
NO_SPREAD = "no spread to tell by"


class Run(NamedTuple):
    """The result of one experiment; `seed` is `MISSING` where it is not known."""

    expid: str
    sha: str | None
    seed: Any
    value: float


class Group:
    """Experiments that agree in some values.

    Args:
        key: these values, `MISSING` for one that is not there.

    Attributes:
        runs: those that have a result.
        without: ids of those that have none.
        not_finite: ids of those whose result is NaN, infinite or no number.
    """

    def __init__(self, key: tuple[Any, ...]) -> None:
        self.key = key
        self.runs: list[Run] = []
        self.without: list[str] = []
        self.not_finite: list[str] = []

    def by_seed(self) -> dict[str, list[Run]]:
        """The runs of each seed; one without a seed stands for itself."""
        found: dict[str, list[Run]] = {}
        for run in self.runs:
            unknown = run.seed is MISSING or run.seed is None
            name = f"of {run.expid}" if unknown else _query_rows.identity(run.seed)
            found.setdefault(name, []).append(run)
        return found

    @property
    def results(self) -> dict[str, float]:
        """What counts as one result each: a run, or the mean of all runs of one seed."""
        return {seed: mean([run.value for run in runs]) for seed, runs in self.by_seed().items()}

    @property
    def repeated(self) -> dict[str, list[str]]:
        """The ids of experiments that have one seed together, by the seed."""
        return {
            str(runs[0].seed): [run.expid for run in runs]
            for runs in self.by_seed().values()
            if len(runs) > 1
        }

    @property
    def description(self) -> Description:
        """Mean, spread and interval of the results."""
        return describe(list(self.results.values()))


def collect(
    rows: Iterable[dict[str, Any]],
    keys: Sequence[Field],
    value_of: Callable[[dict[str, Any]], Any],
    seed: Field | None = None,
) -> list[Group]:
    """Put rows that agree in some values together, in the order of these values.

    Args:
        rows: of experiments.
        keys: the values that they agree in.
        value_of: gives a row's result, `MISSING` when it has none.
        seed: what tells runs of one group apart.
    """
    getters = [key.getter for key in keys]
    groups: dict[tuple[str, ...], Group] = {}
    for row in rows:
        key = tuple(getter(row) for getter in getters)
        group = groups.setdefault(tuple(map(_query_rows.identity, key)), Group(key))
        value = value_of(row)
        found = finite(value)
        if value is MISSING or value is None:
            group.without.append(row["expid"])
        elif found is None:
            group.not_finite.append(row["expid"])
        else:
            its_seed = seed.getter(row) if seed else MISSING
            group.runs.append(Run(row["expid"], row["sha"], its_seed, found))
    return sorted(groups.values(), key=lambda group: ordered_key(group.key))


def ordered_key(key: Sequence[Any]) -> list[tuple[int, Any]]:
    """What to sort the values of groups by: numbers, then text, what is not there last."""
    return [order_key(value) or (9, "") for value in key]


def told_apart(values: Iterable[Any]) -> list[str]:
    """Give the text of each value; a text that another value looks like is in quotes."""
    listed = list(values)
    texts = [_query_documents.short(value) for value in listed]
    others = {text for text, value in zip(texts, listed, strict=True) if type(value) is not str}
    return [
        repr(text) if type(value) is str and text in others else text
        for text, value in zip(texts, listed, strict=True)
    ]


# ---------------------------------------------------------------------------- against a baseline


class Comparison(NamedTuple):
    """One group against the baseline.

    Args:
        group: the group.
        welch: the test of independent results; None when a group has none.
        paired: the test of pairs that have a seed in common; None when there are none.
        test: which one decides: ``paired`` from three pairs on, otherwise ``Welch``.
        p: of the deciding test, corrected for the number of comparisons; None without a test.
        verdict: in words.
    """

    group: Group
    welch: TTest | None
    paired: TTest | None
    test: str
    p: float | None
    verdict: str


def against(baseline: Group, groups: Sequence[Group]) -> list[Comparison]:
    """Compare groups with a baseline, each by the test that its pairs allow.

    The p-values of the deciding tests are corrected together (Holm).

    Args:
        baseline: one of the groups, which is not compared with itself.
        groups: all.
    """
    base = baseline.results
    compared: list[tuple[Group, TTest | None, TTest | None, bool]] = []
    for group in groups:
        if group is baseline:
            continue
        mine = group.results
        pairs = [(mine[seed], base[seed]) for seed in mine if seed in base]
        both = welch(list(mine.values()), list(base.values())) if mine and base else None
        compared.append((group, both, paired(pairs) if pairs else None, len(pairs) >= FEWEST))
    deciding = [pair if by_pairs else both for _, both, pair, by_pairs in compared]
    enough = [min(len(group.results), len(base)) >= FEWEST for group, *_ in compared]
    ps = [test.p if test and many else None for test, many in zip(deciding, enough, strict=True)]
    found = []
    for (group, both, pair, by_pairs), many, p in zip(compared, enough, holm(ps), strict=True):
        verdict = TOO_FEW if not many else NO_SPREAD if p is None else NOT_MORE
        if p is not None and p < 1 - CONFIDENCE:
            verdict = MORE
        found.append(Comparison(group, both, pair, "paired" if by_pairs else "Welch", p, verdict))
    return found
