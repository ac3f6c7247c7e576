"""``meticulous stats``: results over seeds, and whether a difference is more than the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _compare_groups, _compare_statistics
from .._compare_groups import Comparison, Group
from .._compare_statistics import TTest
from .._query_names import Field
from .._table import MISSING, Column
from . import _output, _stats_values, _store
from ._stats_baseline import group_called

__all__ = ["run"]

_EXAMPLES = (
    _stats_values.RESULTS
    + """
The interval of a mean is a bootstrap's, that of a difference Student's. With --seed, all runs of
one seed in a group count as one result, their mean, and groups are compared seed by seed where at
least 3 seeds are in both (a paired t-test), otherwise as a whole (Welch's t-test). The p-value of
the test that was used is corrected for the number of groups (Holm); below 0.05 the difference is
called more than the seeds. Effect: d_z of a paired test, Hedges' g* of Welch's. With 3 to 5 seeds
the intervals are rough.

examples:
  meticulous stats summary.accuracy --groupby args.model
  meticulous stats accuracy --groupby model --seed seed --baseline linear
  meticulous stats val/loss:min --groupby model lr --baseline mlp,0.1 --filter 'epochs == 10'
  meticulous stats accuracy --groupby model -i 3-17 --json | jq '.stats.comparisons'
"""
)


def run(argv: Sequence[str]) -> int:
    """Compare groups of experiments; see ``meticulous stats --help``."""
    options = _parser().parse_args(argv)
    chosen = _stats_values.choose(options)
    if not chosen.rows:
        if options.form == "json":
            empty = _answer(chosen, [], [], options.metric, None, [], [])
            _output.print_json("stats", {**empty, "baseline": None})
        else:
            _output.write(_stats_values.nothing(chosen) + "\n")
        return _store.NOTHING_MATCHED if options.fail_empty else 0
    keys = _stats_values.field_list(options.groupby, chosen, "--groupby")
    seed = _stats_values.field_list([options.seed], chosen, "--seed")[0] if options.seed else None
    result = _stats_values.result_of(options.metric, chosen, "METRIC")
    groups = _compare_groups.collect(chosen.rows, keys, result.of, seed)
    baseline = None if options.baseline is None else group_called(options.baseline, groups)
    compared = _compare_groups.against(baseline, groups) if baseline else []
    notes = _notes(chosen, groups, keys, result.name, seed, baseline)
    if options.form == "json":
        answer = _answer(chosen, groups, keys, result.name, seed, compared, notes)
        answer["baseline"] = _named(baseline, keys) if baseline else None
        _output.print_json("stats", answer)
    else:
        count = _stats_values.plural(len(chosen.rows))
        by = ", ".join(key.name for key in keys)
        place = _stats_values.place(chosen.store)
        title = (
            f"{_stats_values.brief(result.name)} by {_stats_values.brief(by)}: {count} in {place}"
        )
        _output.print_table(title, _descriptions(groups, keys))
        if baseline:
            _output.write("\n")
            name = _stats_values.brief(_stats_values.label(baseline))
            title = f"difference to {name}{_pairing(seed, compared)}"
            _output.print_table(title, _comparisons(compared, keys))
        if notes:
            _output.write("\n")
            _stats_values.write_notes(notes)
    chosen.store.remember()
    return 0


def _parser() -> _output.Parser:
    parser = _output.Parser(
        "stats",
        "Tell how a result spreads within groups of experiments that differ in their seeds, and "
        "whether the groups differ by more than that.",
        _EXAMPLES,
        "meticulous stats METRIC --groupby NAME [NAME ...] [--seed NAME] [--baseline VALUE] "
        "[options]",
    )
    parser.add_argument("metric", metavar="METRIC", help="the result, such as summary.accuracy")
    parser.add_argument(
        "--groupby",
        nargs="+",
        action="extend",
        required=True,
        metavar="NAME",
        help="experiments that agree in these are one group, such as args.model",
    )
    parser.add_argument(
        "--seed", metavar="NAME", help="the arg that is the seed, such as args.seed"
    )
    parser.add_argument(
        "--baseline",
        metavar="VALUE",
        help="compare every group with this one; of several names their values with commas",
    )
    _stats_values.add_options(parser)
    parser.add_argument(
        "--json", dest="form", action="store_const", const="json", help="everything, in full"
    )
    return parser


def _pairing(seed: Field | None, compared: Sequence[Comparison]) -> str:
    if not seed:
        return ""
    unless = " where 3 seeds are common, otherwise Welch"
    return f", paired by {seed.name}{'' if set(_tests(compared)) <= {'paired', ''} else unless}"


def _tests(compared: Sequence[Comparison]) -> list[str]:
    """The test that counts for each comparison; empty where it gives no p-value."""
    return [each.test if _p(_deciding(each)) is not None else "" for each in compared]


def _deciding(compared: Comparison) -> TTest | None:
    return compared.paired if compared.test == "paired" else compared.welch


def _p(test: TTest | None) -> float | None:
    return test.p if test else None


# ---------------------------------------------------------------------------- the tables


def _descriptions(groups: Sequence[Group], keys: Sequence[Field]) -> list[Column]:
    found = [group.description for group in groups]
    columns = _key_columns(groups, keys)
    columns.append(Column("n", [each.n for each in found], keep=0))
    for name, keep in (("mean", 0), ("std", 2), ("sem", 4)):
        columns.append(Column(name, [_short(getattr(each, name)) for each in found], keep=keep))
    columns.append(_intervals(found, "", 3))
    return columns


def _intervals(found: Sequence[Any], group: str, keep: int) -> Column:
    texts = [
        MISSING if getattr(each, "low", None) is None else f"{each.low:.4g} to {each.high:.4g}"
        for each in found
    ]
    return Column("95 % interval", texts, group, keep, least=40)


def _key_columns(groups: Sequence[Group], keys: Sequence[Field]) -> list[Column]:
    return [
        Column(key.key, [group.key[place] for group in groups], keep=1, least=12)
        for place, key in enumerate(keys)
    ]


def _comparisons(compared: Sequence[Comparison], keys: Sequence[Field]) -> list[Column]:
    deciding = list(map(_deciding, compared))
    columns = _key_columns([each.group for each in compared], keys)
    values = [_short(getattr(test, "difference", None)) for test in deciding]
    columns.append(Column("mean", values, "difference", keep=2))
    columns.append(_intervals(deciding, "difference", 3))
    values = [_short(getattr(test, "effect", None)) for test in deciding]
    columns.append(Column("effect", values, keep=5))
    counting = _tests(compared)
    deciders = {*counting} - {""}
    if len(deciders) > 1:  # the p-value that counts stands beside its correction at every width
        columns.append(Column("test", [name or MISSING for name in counting], "p", 2))
        values = [_short(_p(test), 2) for test in deciding]
        columns.append(Column("alone", values, "p", 2))
    for name in ("Welch", "paired"):
        tests = [getattr(each, name.lower()) for each in compared]
        if any(tests):
            values = [_short(_p(test), 2) for test in tests]
            columns.append(Column(name, values, "p", keep=2 if deciders == {name} else 7))
    columns.append(Column("Holm", [_short(each.p, 2) for each in compared], "p", 2))
    if any(each.paired for each in compared):
        pairs = [each.paired.n if each.paired else 0 for each in compared]
        columns.append(Column("pairs", pairs, keep=6))
    verdicts = [each.verdict for each in compared]
    return [*columns, Column("the difference is", verdicts, keep=1, least=31)]


def _short(value: float | None, digits: int = 4) -> Any:
    return MISSING if value is None else float(f"{value:.{digits}g}")


# ---------------------------------------------------------------------------- what else to say


def _notes(
    chosen: _stats_values.Chosen,
    groups: Sequence[Group],
    keys: Sequence[Field],
    name: str,
    seed: Field | None,
    baseline: Group | None,
) -> list[str]:
    notes = [chosen.sentence] if chosen.sentence else []
    notes += _stats_values.missing(groups, name)
    notes += _stats_values.cautions(chosen, groups, keys, seed)
    if any(group.runs and len(group.results) < _compare_statistics.FEWEST for group in groups):
        notes.append("fewer than 3 results have no interval, and no difference is judged by them")
    if baseline is None and len(groups) > 1:
        notes.append("--baseline VALUE compares every group with one")
    if seed is None and baseline is not None and chosen.names.exact("args.seed"):
        notes.append("--seed args.seed also compares seed by seed, which tells more")
    return notes


# ---------------------------------------------------------------------------- for programs


def _named(group: Group, keys: Sequence[Field]) -> dict[str, Any]:
    pairs = zip(keys, group.key, strict=True)
    return {key.name: value for key, value in pairs if value is not MISSING}


def _answer(
    chosen: _stats_values.Chosen,
    groups: Sequence[Group],
    keys: Sequence[Field],
    name: str,
    seed: Field | None,
    compared: Sequence[Comparison],
    notes: Sequence[str],
) -> dict[str, Any]:
    return {
        "metric": name,
        "groupby": [key.name for key in keys],
        "seed": seed.name if seed else None,
        "confidence": _compare_statistics.CONFIDENCE,
        "groups": [
            {
                "group": _named(group, keys),
                **group.description._asdict(),
                "results": list(group.results.values()),
                "ids": [run.expid for run in group.runs],
                "without": group.without,
                "not_finite": group.not_finite,
                "same_seed": group.repeated,
            }
            for group in groups
        ],
        "comparisons": [
            {
                "group": _named(each.group, keys),
                "welch": each.welch._asdict() if each.welch else None,
                "paired": each.paired._asdict() if each.paired else None,
                "test": each.test,
                "p_holm": each.p,
                "verdict": each.verdict,
            }
            for each in compared
        ],
        "left_out": chosen.left_out,
        "notes": list(notes),
    }
