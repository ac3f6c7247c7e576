"""What differs between two experiments is told exactly, and so that it can be read."""

from __future__ import annotations

import math
import pathlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meticulous import _json
from meticulous._arguments import describe_differences, differences
from meticulous.errors import MISSING


@pytest.mark.parametrize(
    ("recorded", "current"),
    [
        ({}, {}),
        ({"a": [1, 2]}, {"a": (1, 2)}),
        ({"a": {"1": "x"}}, {"a": {1: "x"}}),
        ({"a": "NaN", "b": [math.inf]}, {"a": math.nan, "b": ("Infinity",)}),
        ({"a": math.nan}, {"a": math.nan}),
        ({"a": 1, "b": [1.0]}, {"a": 1.0, "b": [1]}),
        (
            {"a": "x/y", "b": "builtins.len"},
            {"a": pathlib.PurePosixPath("x/y"), "b": "builtins.len"},
        ),
        ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}),
    ],
)
def test_what_json_holds_the_same_way_does_not_differ(recorded, current):
    assert differences(recorded, current) == {}
    assert differences(current, recorded) == {}
    assert describe_differences({}) == ""


def test_only_what_differs_is_named_by_dotted_names_in_order():
    recorded = {
        "lr": 0.1,
        "same": 1,
        "model": {"width": 3, "same": [1], "gone": {"deep": 1}},
        "flag": True,
        "kind": {"a": 1},
        "empty": {},
    }
    current = {
        "new": {"x": 1, "y": {}},
        "lr": 0.2,
        "same": 1,
        "model": {"width": 4, "same": (1,)},
        "flag": 1,
        "kind": "a",
        "empty": {"b": None},
    }
    found = differences(recorded, current)
    assert list(found.items()) == [
        ("lr", (0.1, 0.2)),
        ("model.width", (3, 4)),
        ("model.gone.deep", (1, MISSING)),
        ("flag", (True, 1)),
        ("kind", ({"a": 1}, "a")),
        ("empty.b", (MISSING, None)),
        ("new.x", (MISSING, 1)),
        ("new.y", (MISSING, {})),
    ]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)
_ARGS = st.dictionaries(st.text(max_size=3), _VALUES, max_size=4)


@settings(deadline=None, max_examples=60)
@given(_ARGS, _ARGS)
def test_args_differ_from_their_own_record_in_nothing_and_from_others_in_something(args, other):
    written = _json.decode(_json.encode(args))
    assert differences(written, args) == {}
    found = differences(written, other)
    assert list(found) == list(dict.fromkeys(found))
    assert (found == {}) == (differences(other, args) == {})
    text = describe_differences(found, limit=1000)
    assert text.isascii()
    assert len(text.splitlines()) == len(found)


def test_differences_are_written_one_line_a_name_with_the_values_in_one_column():
    found = differences(
        {"lr": 0.1, "model": {"width": 3}, "name": "a\n\u00e9"},
        {"lr": 0.2, "name": "\x1b[31m", "x": None},
    )
    assert describe_differences(found).splitlines() == [
        "lr:          0.1 -> 0.2",
        "model.width: 3 -> (not given)",
        'name:        "a\\n\\u00e9" -> "\\u001b[31m"',
        "x:           (not given) -> null",
    ]


def test_long_values_are_cut_to_where_they_differ_and_long_lists_to_a_number():
    old, new = list(range(300)), [*range(250), -1, *range(251, 300)]
    (line,) = describe_differences(differences({"a": old}, {"a": new})).splitlines()
    assert len(line) < 160
    before, after = line.split(" -> ")
    assert "249, 250, 251" in before
    assert "249, -1, 251" in after
    assert before.endswith("...")
    many = {f"name{number}": (1, 2) for number in range(50)}
    lines = describe_differences(many).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "and 30 more"
    assert describe_differences(many, limit=50).count("\n") == 49
    long = describe_differences({"n" * 100: (1, 2), "b": (3, 4)}).splitlines()
    assert long[1].startswith("b:")
    assert len(long[1]) < 60
