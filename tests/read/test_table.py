"""Tables fit, tell no lies about numbers, and let nothing through to the terminal."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from meticulous._table import MISSING, Column, clean, cut, duration_text, render, width_of

ANYTHING = st.text() | st.text(alphabet="\x1b[]0;mHaé世\x07\x9b\x9d\\\u202e😀\u0301 \n\r\t")


def lines(columns, width=None, **options):
    return render(columns, width, **options).lines


def test_numbers_stand_to_the_right_text_to_the_left():
    columns = [
        Column("id", ["1", "10"]),
        Column("lr", [0.1, 10], "args"),
        Column("name", ["a", "bc"], "args"),
        Column("loss", [float("nan"), "NaN"], "summary"),
        Column("flag", [True, None]),
    ]
    assert lines(columns) == [
        "    args        summary",
        "id    lr  name  loss  flag",
        "1    0.1  a      nan  True",
        "10    10  bc     NaN  None",
    ]


def test_a_group_is_named_over_its_first_column_as_far_as_there_is_room():
    columns = [Column("a", [1], "args"), Column("b", [1], "summary"), Column("c", [1])]
    assert lines(columns)[0] == "args  summary"
    columns.append(Column("d", [1], "another"))
    assert lines(columns)[0] == "args  summary  another"
    assert lines(columns[:2], 10)[0] == "args  s..."


def test_values_are_shown_as_written():
    values = [0.1, 1e-300, "2.50.0", True, None, [8, 4], {"a": [None]}, "", 10**18, 1.0, MISSING]
    shown = [line.strip() for line in lines([Column("x", values)])[1:]]
    assert shown == [
        "0.1",
        "1e-300",
        "2.50.0",
        "True",
        "None",
        "[8, 4]",
        "{'a': [None]}",
        "''",
        "1000000000000000000",
        "1.0",
        "",
    ]


def test_long_floats_are_rounded_to_ten_characters_never_cut():
    values = [0.30000000000000004, 2.05785174910403e39, 1234567.891, -0.00012345678, 0.123456789012]
    table = lines([Column("x", values, keep=5), Column("y", ["text" * 20] * 5)], 30)
    shown = [line.split()[0] for line in table[1:]]
    assert shown == ["0.3", "2.05785e+39", "1234567.89", "-0.000123457", "0.12345679"]


def test_a_number_is_never_cut_but_gives_way():
    columns = [Column("id", ["1"], keep=0), Column("seed", [123456789012345]), Column("b", ["x"])]
    for width in range(1, 40):
        text = "\n".join(lines(columns, width))
        assert "123456789012345" in text or "1234" not in text


def test_a_dotted_name_that_is_too_long_keeps_its_end():
    columns = [
        Column("optim.schedule.clip", ["text" * 9], least=7),
        Column("optim.schedule.rate", ["text" * 9], least=4),
        Column("optim.schedule.momentum", ["text" * 9], least=10),
        Column("no_dots_in_this_one", ["text" * 9], least=10),
    ]
    assert lines(columns, 7 + 4 + 10 + 10 + 6)[0] == "...clip  rate  momentum    no_dots..."


def test_what_may_give_way_does_so_by_its_rank_from_the_right():
    columns = [
        Column("id", ["1"], keep=0),
        Column("aaaaaaaa", ["x"], keep=5),
        Column("bbbbbbbb", ["x"], keep=5),
        Column("cccccccc", ["x"], keep=9),
        Column("dddddddd", ["x"], keep=1),
    ]
    hidden = [[column.name[0] for column in render(columns, w).hidden] for w in (42, 41, 31, 21, 5)]
    assert hidden == [[], ["c"], ["b", "c"], ["a", "b", "c"], ["a", "b", "c", "d"]]


def test_a_narrow_column_stands_where_a_wide_one_had_no_room():
    columns = [
        Column("id", ["1"], keep=0),
        Column("age", ["3h"], keep=3),
        Column("loss", [0.5], keep=5),
        Column("message", ["word " * 30], keep=2, least=20),
    ]
    assert lines(columns, 20)[0].split() == ["id", "age", "loss"]
    assert lines(columns, 30)[0].split() == ["id", "age", "message"]


def test_a_text_that_another_value_looks_like_is_quoted():
    values = ["True", True, "None", None, "0.1", 0.1, "2.50.0", "text"]
    shown = [line.split()[0] for line in lines([Column("x", values)])[1:]]
    assert shown == ["'True'", "True", "'None'", "None", "'0.1'", "0.1", "2.50.0", "text"]
    assert lines([Column("x", ["True", "0.1", MISSING])])[1:] == ["True", "0.1", ""]


def test_text_shares_what_is_left_and_is_cut_with_dots():
    columns = [Column("id", ["1"], keep=0), Column("m", ["word " * 30], limit=200)]
    assert lines(columns, 24) == ["id  m", "1   word word word wo..."]
    assert len(lines(columns)[1]) == 4 + len("word " * 30) - 1
    assert lines([Column("m", ["word " * 30])])[1] == ("word " * 30)[:37] + "..."


def test_ids_are_never_cut_or_hidden():
    long = "an-id-" * 20
    for width in (1, 40, 80):
        assert lines([Column("id", [long], keep=0), Column("x", ["y"])], width)[1].startswith(long)


def test_wide_characters_keep_the_columns_straight():
    table = lines([Column("a", ["世界", "xy", "é", "e\u0301"]), Column("b", ["|"] * 4)])
    assert [width_of(line.split("|")[0]) for line in table[1:]] == [6, 6, 6, 6]
    assert cut("世界世界", 6) == "世..."


def test_styles_colour_the_text_and_not_the_space():
    columns = [Column("s", ["ok", "failed"], style=lambda value: "31" if value == "failed" else "")]
    assert lines(columns, colour=True) == ["s", "ok", "\x1b[31mfailed\x1b[0m"]
    assert lines(columns) == ["s", "ok", "failed"]


def test_escapes_leave_nothing_behind():
    assert clean("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x1b\\link\x1b]8;;\x07") == "red link"
    assert clean("\x1b]0;title\x07a\nb\tc\x00d\x7f\x9b31m\u202e\u200b\ue000") == "a b cd"
    assert clean("\x1b(Bx\x1b\x1b[2J[2J") == "x[2J"


@settings(deadline=None)
@given(ANYTHING)
def test_cleaned_text_is_one_printable_line(text):
    cleaned = clean(text)
    assert cleaned.isprintable()
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", cleaned)
    assert clean(cleaned) == cleaned


VALUES = st.one_of(
    ANYTHING,
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.just(MISSING),
    st.lists(ANYTHING),
)


@settings(deadline=None)
@given(st.lists(st.tuples(ANYTHING, VALUES, VALUES), min_size=1, max_size=5), st.integers(1, 120))
def test_every_table_fits_or_hides(columns, width):
    given_columns = [Column(name, [a, b], keep=5) for name, a, b in columns]
    table = render(given_columns, width)
    assert all(width_of(line) <= width and line.isprintable() for line in table.lines)
    assert len(render(given_columns).hidden) == 0


@settings(deadline=None)
@given(ANYTHING, st.integers(0, 30))
def test_cut_text_is_as_short_as_asked(text, width):
    cleaned = clean(text)
    short = cut(cleaned, width)
    assert width_of(short) <= width
    assert short == cleaned or short.endswith("..."[:width])


def test_durations_are_short():
    seconds = (
        0,
        0.0034,
        4.23,
        59.9,
        312,
        3600,
        11_040,
        183_600,
        1e9,
        -1,
        float("nan"),
        float("inf"),
    )
    assert [duration_text(value) for value in seconds] == [
        "0ms",
        "3ms",
        "4.2s",
        "59s",
        "5m12s",
        "1h00m",
        "3h04m",
        "2d03h",
        "11574d01h",
        "",
        "",
        "",
    ]
