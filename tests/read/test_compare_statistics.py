"""Means, intervals and tests: what scipy gives, where scipy gives something."""

import math
import random
import statistics

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from meticulous import _compare_statistics
from meticulous._compare_groups import MORE, NO_SPREAD, NOT_MORE, TOO_FEW, against, collect
from meticulous._compare_statistics import (
    describe,
    finite,
    half_interval,
    holm,
    mean,
    paired,
    student_p,
    student_quantile,
    welch,
)
from meticulous._compare_table import PaperTable, rounding
from meticulous._query_names import Field

scipy_stats = pytest.importorskip("scipy.stats")

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 6))
SAMPLES = st.lists(NUMBERS, min_size=2, max_size=12)
ANY_SIZE = st.floats(allow_nan=False, allow_infinity=False)


def spreads(*samples):
    """Whether each sample spreads by more than rounding, so that there is something to test by."""
    largest = max(abs(value) for sample in samples for value in sample)
    return all(statistics.stdev(sample) > 1e-9 * largest for sample in samples)


@pytest.mark.parametrize("df", [1, 1.5, 2, 3, 4.7, 10, 99, 199, 201, 1e3, 1e4, 1e6, 1e8, 1e12])
def test_students_distribution_is_scipys_out_to_the_far_tails(df):
    for t in (0, 1e-200, 1e-9, 1e-3, 0.1, 0.7, 1, 2, 2.776, 5, 12, 37, 1e3, 1e9, 1e160, 1e300):
        wanted = 2 * scipy_stats.t.sf(t, df)
        if wanted > 1e-280:
            assert student_p(t, df) == pytest.approx(wanted, rel=1e-6 if df > 9e6 else 1e-9)
            assert student_p(-t, df) == student_p(t, df)
        elif df > 1:
            assert student_p(t, df) <= 1e-200
        else:
            assert student_p(t, 1) == pytest.approx(2 / (math.pi * t))  # scipy gives 0
    assert student_quantile(df) == pytest.approx(scipy_stats.t.ppf(0.975, df), rel=1e-6)
    assert student_p(math.inf, df) == 0


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1e4), st.floats(1, 9e6))
@example(1.9599639845400545, 8999999.0)
def test_any_t_and_any_degrees_of_freedom_are_scipys(t, df):
    wanted = 2 * scipy_stats.t.sf(t, df)
    assume(wanted > 1e-280)
    assert student_p(t, df) == pytest.approx(wanted, rel=1e-8)


@settings(max_examples=150, deadline=None)
@given(SAMPLES, SAMPLES)
def test_welch_is_scipys(first, second):
    assume(spreads(first, second))
    found = welch(first, second)
    wanted = scipy_stats.ttest_ind(first, second, equal_var=False)
    interval = wanted.confidence_interval()
    assert found.t == pytest.approx(wanted.statistic, rel=1e-7, abs=1e-9)
    assert found.df == pytest.approx(wanted.df, rel=1e-7)
    assert found.p == pytest.approx(wanted.pvalue, rel=1e-6, abs=1e-12)
    width = interval.high - interval.low
    assert found.low == pytest.approx(interval.low, rel=1e-7, abs=1e-7 * width)
    assert found.high == pytest.approx(interval.high, rel=1e-7, abs=1e-7 * width)
    assert found.difference == pytest.approx(mean(first) - mean(second), rel=1e-7, abs=1e-7 * width)
    root = math.sqrt((statistics.variance(first) + statistics.variance(second)) / 2)
    if found.effect is not None:
        assert abs(found.effect) <= abs(found.difference) / root * (1 + 1e-7)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=12))
def test_paired_is_scipys(pairs):
    first, second = zip(*pairs, strict=True)
    differences = [a - b for a, b in pairs]
    largest = max(map(abs, [*first, *second]))
    assume(statistics.stdev(differences) > 1e-9 * largest)
    found = paired(pairs)
    wanted = scipy_stats.ttest_rel(first, second)
    assert found.t == pytest.approx(wanted.statistic, rel=1e-5, abs=1e-9)
    assert found.p == pytest.approx(wanted.pvalue, rel=1e-4, abs=1e-12)
    assert (found.df, found.n) == (len(pairs) - 1, len(pairs))
    spread = statistics.stdev(differences)
    assert found.effect == pytest.approx(statistics.fmean(differences) / spread, rel=1e-5, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=12))
def test_a_description_is_that_of_the_standard_library(values):
    found = describe(values)
    assert found.n == len(values)
    assert found.mean == pytest.approx(statistics.fmean(values), rel=1e-9, abs=1e-9)
    assert found.median == pytest.approx(statistics.median(values), rel=1e-12)
    if len(values) == 1:
        assert (found.std, found.sem, found.low, found.high) == (None,) * 4
        return
    assert found.std == pytest.approx(statistics.stdev(values), rel=1e-7, abs=1e-9)
    assert found.sem == pytest.approx(found.std / math.sqrt(len(values)))
    if len(values) == 2:
        assert (found.low, found.high, half_interval(found)) == (None, None, None)
    else:
        assert min(values) <= found.low <= found.mean <= found.high <= max(values)


@settings(max_examples=200, deadline=None)
@given(st.lists(ANY_SIZE, min_size=1, max_size=6), st.lists(ANY_SIZE, min_size=1, max_size=6))
@example([1.7e308, -1.7e308, 1.7e308], [1e308, 1.1e308, 1.2e308])
@example([5e-324, 1e-323, 1.5e-323], [0.0, 0.0, 0.0])
@example([0.1 + 0.2, 0.3, 0.3], [0.3, 0.3, 0.3])
def test_no_size_of_number_overflows_or_raises(first, second):
    found = describe(first)
    slack = 1e-9 * max(map(abs, first)) / 2 + 5e-324
    assert min(first) - slack <= found.mean <= max(first) + slack
    pairs = list(zip(first, second, strict=False))
    for test in (welch(first, second), paired(pairs)):
        assert not math.isnan(test.difference)
        assert test.p is None or 0 <= test.p <= 1


def test_large_and_small_numbers_give_the_same_test():
    first, second = [1.0, 1.25, 1.5, 1.125], [1.5, 1.75, 1.625, 2.0]
    plain = welch(first, second)
    for scale in (2.0**1000, 2.0**-1000):
        scaled = welch([v * scale for v in first], [v * scale for v in second])
        assert (scaled.t, scaled.df, scaled.p) == (plain.t, plain.df, plain.p)
        assert scaled.difference == plain.difference * scale


def test_where_nothing_spreads_there_is_no_test():
    tenths = [0.1] * 5
    assert describe(tenths)[:4] == (5, 0.1, 0.0, 0.0)
    assert describe(tenths)[5:] == (0.1, 0.1)
    for found in (welch(tenths, [0.2] * 5), paired([(0.1, 0.2)] * 5), welch([1.0], [2.0, 3.0])):
        assert found.difference < 0 and found.t is None and found.p is None
    # Differences that are all 0.1 but for rounding.
    rounded = paired([(0.4, 0.3), (0.3, 0.2), (0.8, 0.7), (1.1, 1.0)])
    assert rounded.difference == pytest.approx(0.1) and rounded.p is None
    one_sided = welch(tenths, [0.2, 0.21, 0.22])
    assert one_sided.df == 2 and one_sided.p < 0.01


def test_there_is_no_effect_where_its_correction_would_make_it_nothing():
    assert welch([0.8, 0.9], [0.6, 0.601]).effect is None
    assert welch([0.8, 0.9, 0.7], [0.6, 0.600001, 0.6]).effect > 1


def test_hedges_g_is_corrected_for_small_groups():
    """Five against five with equal variances: 8 degrees of freedom, for which the factor is known
    (Hedges 1981, table 1: 0.9027 for 8)."""
    first, second = [1, 2, 3, 4, 5], [3, 4, 5, 6, 7]
    assert welch(first, second).effect == pytest.approx(-2 / math.sqrt(2.5) * 0.9027, rel=1e-4)


def test_the_interval_is_the_same_always_and_leaves_the_programs_random_numbers_alone():
    values = [0.91, 0.93, 0.92, 0.95, 0.9]
    random.seed(3)
    state = random.getstate()
    assert describe(values) == describe(values)
    assert random.getstate() == state
    found = describe(values)
    assert (round(found.low, 3), round(found.high, 3)) == (0.902, 0.946)


def test_the_interval_agrees_with_theory_for_many_values():
    values = [random.Random(5).gauss(10, 2) for _ in range(1)] + [
        scipy_stats.norm.ppf((n + 0.5) / 200, 10, 2) for n in range(200)
    ]
    found = describe(values)
    assert found.low == pytest.approx(found.mean - half_interval(found), abs=0.03)
    assert found.high == pytest.approx(found.mean + half_interval(found), abs=0.03)
    assert describe([float(n) for n in range(3000)]).n == 3000


def test_holm_is_that_of_the_paper():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, None, 0.6]) == [1.0, None, 1.0]
    assert holm([]) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_keeps_the_order_and_never_helps(ps):
    found = holm(ps)
    assert all(p <= corrected <= 1 for p, corrected in zip(ps, found, strict=True))
    ordered = [corrected for _, corrected in sorted(zip(ps, found, strict=True))]
    assert ordered == sorted(ordered)


def test_only_finite_numbers_count():
    assert [finite(value) for value in (1, 2.5, True, -0.0)] == [1.0, 2.5, 1.0, 0.0]
    odd = (math.nan, math.inf, "NaN", "-Infinity", "0.5", None, [1], {}, 10**400, -(10**400))
    assert [finite(value) for value in odd] == [None] * len(odd)


# ---------------------------------------------------------------------------- groups


def groups_of(results, seeds=True):
    rows = [
        {"expid": str(n), "sha": "s", "args": {"model": model, "seed": seed}, "value": value}
        for n, (model, seed, value) in enumerate(results)
    ]
    seed = Field("args", "seed") if seeds else None
    found = collect(rows, [Field("args", "model")], lambda row: row["value"], seed)
    return {group.key[0]: group for group in found}


def test_groups_are_compared_by_the_pairs_they_have():
    noise = [0.0, 0.3, -0.2, 0.1, 0.5]
    results = [("a", seed, 1 + n) for seed, n in enumerate(noise)]
    results += [("b", seed, 1.01 + n + seed * 1e-3) for seed, n in enumerate(noise)]
    results += [("few", seed, 2.0 + n) for seed, n in enumerate(noise[:2])]
    results += [("other", 10 + seed, 1.2 + n) for seed, n in enumerate(noise)]
    results += [("exact", seed, 1 + n + 0.25) for seed, n in enumerate(noise)]
    groups = groups_of(results)
    found = {c.group.key[0]: c for c in against(groups["a"], list(groups.values()))}
    assert list(found) == ["b", "exact", "few", "other"]
    b = found["b"]
    assert (b.test, b.paired.n, b.verdict) == ("paired", 5, MORE)
    assert b.welch.p > 0.9 and b.paired.p < 0.001
    assert b.p == pytest.approx(2 * b.paired.p)  # of two that are tested and judged
    assert (found["few"].verdict, found["few"].p, found["few"].paired.n) == (TOO_FEW, None, 2)
    other = found["other"]
    assert (other.test, other.paired, other.verdict) == ("Welch", None, NOT_MORE)
    assert (found["exact"].verdict, found["exact"].p) == (NO_SPREAD, None)


def test_runs_of_one_seed_count_as_one_result():
    groups = groups_of([("a", 1, 1.0), ("a", 1.0, 3.0), ("a", "1", 7.0), ("a", None, 5.0)])
    assert list(groups["a"].results.values()) == [2.0, 7.0, 5.0]
    assert groups["a"].repeated == {"1": ["0", "1"]}
    assert groups["a"].description.n == 3
    without = groups_of([("a", 1, 1.0), ("a", 1, 3.0), ("a", 2, math.nan)], seeds=False)
    assert (without["a"].description.n, without["a"].not_finite) == (2, ["2"])


# ---------------------------------------------------------------------------- rounding


@pytest.mark.parametrize(
    ("mean", "spread", "text"),
    [
        (0.827, 0.119, "0.83 ± 0.12"),  # the examples of the Particle Data Group
        (0.827, 0.367, "0.8 ± 0.4"),
        (0.827, 0.354, "0.83 ± 0.35"),
        (0.827, 0.0961, "0.83 ± 0.10"),
        (12345.0, 1234.0, "12300 ± 1200"),
        (12345.0, 6.0, "12345 ± 6"),
        (99.96, 0.3, "99.96 ± 0.30"),
        (-0.001, 0.3, "0.00 ± 0.30"),
        (1.5e-7, 2.2e-8, "(1.50 ± 0.22)e-07"),
        (-2.5e9, 1.1e8, "(-2.50 ± 0.11)e+09"),
        (1.7e308, 1e307, "(1.70 ± 0.10)e+308"),
        (5e-324, 5e-324, "(5 ± 5)e-324"),
        (0.5, 0.0, "0.5000 ± 0.0000"),
        (0.0, 0.0, "0.000 ± 0.000"),
    ],
)
def test_numbers_are_rounded_as_their_spread_deserves(mean, spread, text):
    exponent, places = rounding([mean], [spread])
    from meticulous._compare_table import _text

    found = f"{_text(mean, exponent, places)} ± {_text(spread, exponent, places)}"
    assert (f"({found})e{exponent:+03d}" if exponent else found) == text


def table_of(values, lower, **options):
    rows = [
        {"expid": f"{row}{column}{n}", "sha": None, "args": {"r": row, "c": column}, "value": value}
        for (row, column), numbers in values.items()
        for n, value in enumerate(numbers)
    ]
    keys = [Field("args", "r"), Field("args", "c")]
    groups = collect(rows, keys, lambda row: row["value"])
    return PaperTable({"v": (groups, lower)}, 1, "std", **options)


def test_what_rounds_to_the_best_is_best_too_in_columns_or_rows():
    values = {
        ("a", "x"): [0.910, 0.914, 0.912],
        ("b", "x"): [0.911, 0.914, 0.9111],
        ("c", "x"): [0.700, 0.704, 0.702],
        ("a", "y"): [0.5, 0.6, 0.7],
        ("b", "y"): [0.92],
    }
    best = [
        [bool(cell and cell.best) for cell in line] for line in table_of(values, lower=False).cells
    ]
    assert best == [[True, False], [True, True], [False, False]]
    lower = table_of(values, lower=True, in_rows=True)
    assert [[bool(c and c.best) for c in line] for line in lower.cells] == [
        [False, True],
        [True, False],
        [False, False],
    ]
    assert not any(c and c.best for line in table_of(values, lower=None).cells for c in line)
    table = table_of(values, lower=False, decimals=1)
    assert (table.cells[0][0].mean_text, table.cells[0][0].spread_text) == ("0.9", "0.0")
    assert table.usual_n == 3 and table.cells[2][1] is None
    assert table.cells[1][1].spread_text == ""


def test_a_diverged_row_leaves_the_others_readable_and_zeros_are_the_best_by_chance_no_more():
    def shown(**options):
        losses = {"a": [0.30, 0.32, 0.29], "b": [0.35, 0.37, 0.36], "c": [2e8, 9e8, 5e8]}
        table = table_of({(row, "x"): each for row, each in losses.items()}, True, **options)
        return [(c.mean_text, c.spread_text, c.exponent, c.best) for (c,) in table.cells]

    assert shown() == [
        ("0.303", "0.015", 0, True),
        ("0.360", "0.010", 0, False),
        ("5.3", "3.5", 8, False),
    ]
    assert [each[0] for each in shown(decimals=2)] == ["0.30", "0.36", "5.33"]
    assert [each[3] for each in shown(decimals=2)] == [True, False, False]
    near = {("a", "x"): [0.001, 0.002], ("b", "x"): [0.003, 0.004], ("c", "x"): [5.0, 6.0]}
    (a,), (b,), _ = table_of(near, True, decimals=1).cells
    assert (a.mean_text, b.mean_text, a.best, b.best) == ("0.0", "0.0", True, False)


def test_ten_thousand_resamples_are_what_the_interval_is_made_of():
    assert _compare_statistics._RESAMPLES == 10_000
