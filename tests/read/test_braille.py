"""Curves as text: small drawings in full, and what holds for all numbers."""

import math
import re
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meticulous._braille import sparkline
from meticulous._braille_curves import Axis, Curve, draw
from meticulous._braille_ticks import fitted, linear, logarithmic

NAN, INF = math.nan, math.inf
NUMBERS = st.lists(st.floats() | st.integers(-3, 3).map(float), max_size=40)
ENDS = st.none() | st.floats(allow_nan=False, allow_infinity=False)


def picture(*curves, width=24, height=4, **options):
    return draw(curves, width, height, ascii=options.pop("ascii", True), **options)


# ------------------------------------------------------------------------------ one line


def test_a_sparkline_goes_from_the_smallest_to_the_largest():
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 80, ascii=True) == ".:-=+*#@"
    assert sparkline([], 8) == sparkline([1.0], 0) == ""
    assert sparkline([7.0] * 100, 4) == "▄▄▄▄"
    assert sparkline([0.0, sys.float_info.max, -sys.float_info.max], 3) == "▅█▁"


@pytest.mark.parametrize("place", [0, 499, 500, 777, 999])
@pytest.mark.parametrize("spike", [5.0, -5.0])
def test_one_value_of_a_thousand_shows_in_a_sparkline(place, spike):
    values = [math.sin(n) for n in range(1000)]
    values[place] = spike
    assert sparkline(values, 20)[place // 50] == ("█" if spike > 0 else "▁")


def test_what_is_no_finite_number_is_an_x_in_a_sparkline():
    assert sparkline([1, NAN, 3, INF, -INF, 10**400, None, "text"], 8) == "▁x█xxxxx"
    assert sparkline([1, 1, NAN, 1, 2, 2], 3) == "▁x█"


# ------------------------------------------------------------------------------ drawings


def test_a_curve_in_braille():
    values = [n * n for n in range(11)]
    assert picture(Curve(range(11), values), height=5, ascii=False, x=Axis("step")) == [
        "100┤                 ⢀⡴⠋",
        "   │               ⣠⠴⠋",
        " 50┤            ⣀⡴⠚⠁",
        "   │        ⢀⣠⠴⠚⠁",
        "  0┤⣀⣀⣀⡤⠤⠴⠒⠋⠉",
        "   └┬─────────┬────────┬",
        "    0         5     step",
    ]


def test_curves_are_told_apart_without_braille_and_colours():
    up, down = Curve([0, 3], [0, 3], "a"), Curve([0, 3], [3, 0], "b")
    assert picture(up, down, height=5) == [
        "3+bbbb              aaaa",
        "2+   bbbbbb    aaaaaa",
        " |        bbbbbb",
        "1+   aaaaaa    bbbbbb",
        "0+aaaa              bbbb",
        " ++-------------+-------",
        "  0             2",
    ]


def test_curves_have_their_letters_in_braille_and_styles_only_with_colours():
    xs = range(100)
    curves = [Curve(xs, [n * k for n in xs], "abc"[k], str(31 + k)) for k in range(3)]
    plain = draw(curves, 60, 8)
    assert all("\n".join(plain).count(letter) >= 2 for letter in "abc")
    coloured = draw(curves, 60, 8, colour=True)
    assert [re.sub("\x1b\\[[0-9;]*m", "", line).rstrip() for line in coloured] == plain
    assert {"\x1b[0;31m", "\x1b[0;32m", "\x1b[0;33m"} <= set(
        re.findall("\x1b\\[[0-9;]+m", "".join(coloured))
    )
    assert all(line.count("\x1b") == 0 or line.endswith("\x1b[0m") for line in coloured)


def test_what_is_not_finite_is_an_x_at_the_border_and_no_line_crosses_it():
    ys = [1, 2, NAN, 4, 5, INF, 7, -INF, 9, 10]
    assert picture(Curve(range(10), ys), height=5) == [
        "10+           x      ***",
        "  |             *",
        " 5+        **",
        "  |       **",
        "  |***",
        "  ++---x------+----x----",
        "   0          5",
    ]


def test_values_of_0_or_less_have_no_place_on_a_logarithmic_axis():
    ys = [0, 1, 10, 100, -5, 1000, 10000, 1, 1, 1]
    assert picture(Curve(range(10), ys), height=5, y=Axis(log=True)) == [
        "10000+          **",
        "     |         ****",
        "  100+     **     *",
        "     |   ***      **",
        "    1+  **         *****",
        "     +x-------x+--------",
        "      0        5",
    ]


def test_a_single_point_and_a_constant_are_seen():
    assert picture(Curve([4], [2]), height=3, ascii=False)[1] == "2.0┤          *"
    assert "⠤" * 20 in picture(Curve(range(5), [1] * 5), height=5, ascii=False)[2]


def test_a_band_and_what_is_faint_are_behind_a_curve():
    xs = range(9)
    curve = Curve(xs, [0] * 9, low=[-1] * 9, high=[1] * 9)
    assert picture(curve, height=5) == [
        " 1+. . . . . . . . . . .",
        "  |",
        " 0+*********************",
        "  |",
        "-1+. . . . . . . . . . .",
        "  ++-----------+--------",
        "   0           5",
    ]
    faint = Curve(xs, [1, -1] * 4 + [0], faint=True)
    assert "*" * 21 in picture(faint, Curve(xs, [0] * 9), height=5)[2]


@pytest.mark.parametrize("x", [Axis("step"), Axis("step", log=True)])
def test_no_spike_is_lost_among_a_hundred_thousand_points(x):
    ys = [math.sin(n) for n in range(100_000)]
    ys[61_803] = 9.0
    top = draw([Curve(range(1, 100_001), ys)], 80, 15, x)[0]
    assert re.fullmatch(r"[ 0-9]*[┤│] +[⢸⡇⢀⡀⢠⡄⢰⡆]", top)


def test_points_that_go_back_and_forth_are_not_joined():
    back = picture(Curve([0, 5, 1, 3], [0, 5, 1, 4]), height=4, ascii=False)
    assert sum(character not in " │┤0123456789" for character in "".join(back[:4])) == 4


def test_the_ends_of_the_axes_cut_curves_off():
    curve = Curve(range(100), range(100))
    lines = picture(curve, x=Axis("step", low=20, high=60), y=Axis(low=0, high=30), height=5)
    assert lines[0] == "30+   *****"
    assert lines[-1].split() == ["20", "40", "step"]
    assert picture(curve, x=Axis(low=200)) == ["(no values to draw)"]


# ------------------------------------------------------------------------------ axes


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-3, 12, ["0", "5", "10"]),
        (0, 123456, ["0", "50000", "100000"]),
        (0, 3e7, ["0", "1e7", "2e7", "3e7"]),
        (1e-300, 1e300, ["0", "2e299", "4e299", "6e299", "8e299", "1.0e300"]),
        (1, 1 + 4e-9, ["1.000000000", "1.000000001", "1.000000002", "1.000000003", "1.000000004"]),
    ],
)
def test_ticks_are_at_round_numbers(low, high, labels):
    assert [tick.label for tick in linear(low, high, 5)] == labels


def test_logarithmic_ticks_are_at_powers_of_ten():
    def labels(*arguments):
        return [tick.label for tick in logarithmic(*arguments)]

    assert labels(1e-4, 100, 9) == ["0.0001", "0.001", "0.01", "0.1", "1", "10", "100"]
    assert labels(1e-12, 1, 5) == ["1e-12", "1e-9", "1e-6", "0.001", "1"]
    assert labels(1, 30, 5) == ["1", "2", "5", "10", "20"]
    assert labels(3.1, 3.4, 5) == ["3.1", "3.2", "3.3", "3.4"]
    assert labels(1e-300, 1e300, 4)[0].startswith("1e-")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, st.booleans()), max_size=3),
    st.integers(20, 300),
    st.integers(1, 20),
    st.tuples(ENDS, ENDS, ENDS, ENDS),
    st.tuples(*[st.booleans()] * 4),
)
@example(
    [([0, 1], [-sys.float_info.max, sys.float_info.max], False)], 40, 5, (None,) * 4, (False,) * 4
)
@example([([5e-324, 1e-323], [5e-324, 1e-323], False)], 40, 5, (None,) * 4, (True,) * 4)
def test_any_numbers_are_drawn_within_the_width(data, width, height, ends, flags):
    log_x, log_y, ascii, band = flags
    curves = []
    for xs, ys, faint in data:
        length = min(len(xs), len(ys))
        xs, ys = xs[:length], ys[:length]
        curves.append(Curve(xs, ys, "a", "", faint, ys if band else None, ys if band else None))
    x, y = Axis("step", log_x, *ends[:2]), Axis("", log_y, *ends[2:])
    lines = draw(curves, width, height, x, y, ascii=ascii)
    assert max(map(len, lines)) <= width
    assert len(lines) in (1, height + 2)
    assert "".join(lines).isascii() or not ascii
    for _, ys, _ in data:
        line = sparkline(ys, width, ascii=ascii)
        assert len(line) == min(len(ys), width)


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(min_value=0, max_value=1e308))
def test_labels_never_repeat_and_fit(low, distance):
    high = low + distance
    if low < high < INF:
        ticks = fitted(linear(low, high, 5), 12)
        labels = [tick.label for tick in ticks]
        assert len(set(labels)) == len(labels) <= 12
        assert all(len(label) <= 12 for label in labels)
