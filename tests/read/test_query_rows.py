"""Names of columns, and sorting and grouping by them."""

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meticulous import SettingError
from meticulous._query_names import Field, Names, words
from meticulous._query_rows import columns_of, field_of, grouped, key_fields, ordered
from meticulous._table import MISSING

LR = Field("args", "lr")


def row(expid="1", args=None, summary=None, **more):
    return {
        "expid": expid,
        "status": "SUCCESS",
        "args": args or {},
        "summary": summary or {},
        **more,
    }


ROWS = [
    row("1", {"lr": 1, "lr_decay": 2, "model": {"width": 3}}, {"lr": 5, "loss": 0.5}),
    row("2", {"my-key": 1, "odd, name": 2}, {"lr_2": 1}, metadata={"githead-sha": "x"}),
]
NAMES = Names(ROWS)


def chosen(*texts):
    return [field.name for field in columns_of(texts, NAMES, "--columns")]


def test_names_are_separated_by_commas_and_spaces():
    assert words(["a,b", " c  d,", ",", "`e, f`,g"]) == ["a", "b", "c", "d", "e, f", "g"]


def test_a_column_is_the_one_of_that_name_otherwise_all_that_begin_so():
    assert chosen("args.lr") == chosen("args_lr") == ["args.lr"]
    assert chosen("args.l") == ["args.lr", "args.lr_decay"]
    assert chosen("args_model", "id") == ["args.model.width", "header.expid"]
    assert chosen("status,lo") == ["header.status", "summary.loss"]
    assert chosen("lr") == ["args.lr", "summary.lr"]
    assert chosen("`odd, name`,my_key") == ["args.odd, name", "args.my-key"]
    assert chosen("summary") == ["summary.lr", "summary.loss", "summary.lr_2"]
    assert chosen("githead_sha") == ["metadata.githead-sha"]
    with pytest.raises(
        SettingError, match=r"There is no 'sumary.los'. Did you mean 'summary.loss'"
    ):
        chosen("sumary.los")


def test_a_key_is_one_column_or_refused():
    assert field_of("decay", Names([row("1", {"decay": 1})]), "--sort") == ("args", "decay")
    assert field_of("los", NAMES, "--sort").name == "summary.loss"
    for word, said in (
        ("lr", "can mean 'args.lr' or 'summary.lr'"),
        ("args.l", "can mean"),
        ("z", "no"),
    ):
        with pytest.raises(SettingError, match=said):
            field_of(word, NAMES, "--sort")
    with pytest.raises(SettingError, match="names are missing"):
        key_fields([","], NAMES, "--sort")


def test_levels_of_nesting_are_as_many_as_asked():
    rows = [row("1", {"a": {"b": {"c": 1}}, "e": {}, "a.b": 2})]
    for depth, keys in ((0, ["a", "e", "a.b"]), (1, ["a.b", "e"]), (9, ["a.b.c", "e", "a.b"])):
        assert list(Names(rows, depth).keys("args")) == keys
    assert Field("args", "a.b.c").of(rows) == [1] and Field("args", "a.b").of(rows) == [2]


def test_numbers_come_before_text_and_nothing_comes_last_either_way():
    values = [2, "b", MISSING, True, None, "NaN", 1.5, "a", math.nan, [1], "-Infinity", 2.0]
    rows = [
        row(str(n), {} if value is MISSING else {"lr": value}) for n, value in enumerate(values)
    ]
    up = [int(found["expid"]) for found in ordered(rows, [LR], descending=False)]
    down = [int(found["expid"]) for found in ordered(rows, [LR])]
    assert up == [10, 3, 6, 0, 11, 7, 1, 9, 2, 4, 5, 8]
    assert down == [9, 1, 7, 0, 11, 6, 3, 10, 2, 4, 5, 8]


def test_ids_are_sorted_as_numbers_and_by_several_keys_in_turn():
    rows = [row(expid, {"lr": lr}) for expid, lr in (("10", 1), ("9", 2), ("named", 1), ("2", 1))]
    expid = Field("header", "expid")
    assert [r["expid"] for r in ordered(rows, [expid], descending=False)] == [
        "2",
        "9",
        "10",
        "named",
    ]
    assert [r["expid"] for r in ordered(rows, [LR, expid])] == ["9", "named", "10", "2"]


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
VALUES |= st.sampled_from(["NaN", "Infinity"]) | st.lists(st.integers(), max_size=2)


@settings(deadline=None)
@given(st.lists(VALUES), st.booleans())
def test_whatever_the_values_sorting_keeps_all_and_is_stable(values, descending):
    rows = [row(str(n), {"lr": value}) for n, value in enumerate(values)]
    once = ordered(rows, [LR], descending=descending)
    assert sorted(int(found["expid"]) for found in once) == list(range(len(values)))
    assert ordered(once, [LR], descending=descending) == once


def test_groups_have_the_mean_and_the_deviation_of_the_numbers():
    rows = [
        row("1", {"model": "b", "seed": 0, "flag": True}, {"acc": 1, "note": "x", "some": 4}),
        row("2", {"model": "b", "seed": 1, "flag": True}, {"acc": 2.0, "note": 3}),
        row("3", {"model": "a", "seed": 0}, {"acc": "NaN"}, duration=2.0),
        row("4", {"seed": 0}, {"acc": "Infinity"}),
    ]
    key = Field("args", "model")
    odd = {}
    groups = grouped(rows, [key], Names(rows), odd)
    assert odd == {Field("summary", "note"): (2, ["1"])}
    names = Names(groups)
    assert [field.name for field in names.fields("header", "args", "summary")] == [
        "header.count",
        "header.duration_mean",
        "header.duration_std",
        "args.model",
        "args.seed_mean",
        "args.seed_std",
        "summary.acc_mean",
        "summary.acc_std",
        "summary.note_mean",
        "summary.note_std",
        "summary.some_mean",
        "summary.some_std",
    ]
    assert key.of(groups) == ["a", "b", MISSING]
    assert Field("header", "count").of(groups) == [1, 2, 1]
    nan, b, inf = Field("summary", "acc_mean").of(groups)
    assert math.isnan(nan) and b == 1.5 and inf == math.inf
    assert Field("summary", "acc_std").of(groups)[1] == statistics.stdev([1, 2])
    assert Field("summary", "some_std").of(groups) == [MISSING] * 3
    assert field_of("acc", names, "--sort").name == "summary.acc_mean"
    assert [f.key for f in columns_of(["acc"], names, "--columns")] == ["acc_mean", "acc_std"]


@settings(deadline=None)
@given(st.lists(st.tuples(VALUES, st.integers() | st.floats(allow_nan=False)), min_size=1))
def test_every_row_is_in_one_group_and_no_number_is_too_large(pairs):
    rows = [row(str(n), {"lr": lr}, {"x": x}) for n, (lr, x) in enumerate(pairs)]
    groups = grouped(rows, [LR], Names(rows))
    assert sum(Field("header", "count").of(groups)) == len(rows)


def test_numbers_beyond_a_float_have_no_mean():
    rows = [row("1", {}, {"x": 10**400}), row("2", {}, {"x": 1e308}), row("3", {}, {"x": 1e308})]
    status = Field("header", "status")
    assert Field("summary", "x_mean").of(grouped(rows, [status], Names(rows))) == [MISSING]


def test_equal_numbers_are_one_group_and_other_types_are_others():
    rows = [row(str(n), {"lr": lr}) for n, lr in enumerate([1, 1.0, True, "1", None, [1], "NaN"])]
    rows += [row("8"), row("9", {"lr": math.nan})]
    groups = grouped(rows, [LR], Names(rows))
    assert sorted(Field("header", "count").of(groups)) == [1, 1, 1, 1, 1, 2, 2]
