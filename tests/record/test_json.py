"""Any Python value becomes strict JSON: nothing raises, nothing JSON has words for changes."""

from __future__ import annotations

import decimal
import fractions
import json
import pathlib

import numpy
import pytest
from hypothesis import given, settings

from meticulous import _json
from storage_tools import (
    ODD,
    Colour,
    Exhausted,
    Level,
    Mode,
    Pair,
    Point,
    Text,
    Unprintable,
    Unreadable,
    alike,
    cycle,
    deep,
    json_values,
    odd_values,
    strict,
    strict_lines,
)


@given(json_values)
@settings(deadline=None, max_examples=150)
def test_what_json_has_words_for_comes_back_equal(value):
    assert alike(strict(_json.encode(value)), value)
    assert alike(strict_lines(_json.encode_line(value)), [value])


@given(odd_values)
@settings(deadline=None, max_examples=300)
def test_anything_becomes_strict_json_and_nothing_raises(value):
    once = _json.plain(value)
    assert alike(strict(_json.encode(value)), once)
    assert alike(strict_lines(_json.encode_line(value)), [once])
    assert alike(_json.plain(once), once), "what is plain stays as it is"


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
def test_each_odd_value_is_strict_json_alone_in_a_list_and_as_a_key(value):
    strict(_json.encode(value))
    strict(_json.encode([value, {"in": value}]))
    if getattr(type(value), "__hash__", None):
        try:
            mapping = {value: 1, "other": 2}
        except TypeError:
            return
        assert len(strict(_json.encode(mapping))) == 2


def test_values_keep_their_meaning():
    assert _json.plain([float("nan"), float("inf"), -float("inf")]) == [
        "NaN",
        "Infinity",
        "-Infinity",
    ]
    assert _json.plain([Level.LOW, Colour.RED, Colour.BLUE]) == [3, "Colour.RED", "Colour.BLUE"]
    assert _json.plain(Mode.A) == "Mode.A"
    assert _json.plain(Point(1, Pair(2, 3))) == {"x": 1, "y": {"one": 2, "two": 3}}
    assert _json.plain({3, 1, 2}) == [1, 2, 3]
    assert _json.plain(pathlib.Path("a/b")) == "a/b"
    assert _json.plain(Text("text")) == "text"
    assert _json.plain(decimal.Decimal("0.5")) == 0.5
    assert _json.plain(decimal.Decimal("0.1000000000000000000001")) == "0.1000000000000000000001"
    assert _json.plain(decimal.Decimal("NaN")) == "NaN"
    assert _json.plain(fractions.Fraction(1, 4)) == 0.25
    assert _json.plain(print) == "print"
    assert _json.plain(json.dumps) == "json.dumps"
    assert _json.plain(1 + 2j) == "(1+2j)"


def test_numbers_of_numpy_are_numbers():
    values = [numpy.float32(0.5), numpy.int8(-1), numpy.bool_(False), numpy.uint64(2**64 - 1)]
    assert alike(_json.plain(values), [0.5, -1, False, 2**64 - 1])
    assert _json.plain(numpy.float32("nan")) == "NaN"
    assert alike(_json.plain(numpy.longdouble(0.5)), 0.5)
    assert _json.plain(numpy.complex64(1 + 2j)) == "(1+2j)"
    assert "1+2j" in _json.plain(numpy.clongdouble(1 + 2j))
    assert alike(_json.plain(numpy.eye(2)), [[1.0, 0.0], [0.0, 1.0]])
    assert _json.plain(numpy.array([numpy.inf, 1])) == ["Infinity", 1.0]
    assert _json.plain(numpy.ma.masked_array([1, 2], [True, False])) == [None, 2]


def test_keys_stay_apart_that_are_two_in_python_and_one_in_json():
    mapping = {1: "int", "1": "text", None: "none", "null": "text", (1, 2): "tuple"}
    plain = _json.plain(mapping)
    assert list(plain.values()) == list(mapping.values())
    assert plain["1"] == "int"
    assert plain["[1,2]"] == "tuple"
    plain = _json.plain(
        {2: "a", "2": "b", "2 (str)": "c", "2 (str) (str)": "d", False: 1, "false": 2}
    )
    assert list(plain.values()) == ["a", "b", "c", "d", 1, 2]
    assert list(plain)[:2] == ["2", "2 (str)"]


def test_text_without_an_address_tells_what_cannot_be_written():
    assert _json.plain(object()) == "<object object>"
    assert _json.plain(Unprintable()) == "<Unprintable: its repr raised RuntimeError>"
    assert "Unreadable object" in _json.plain(Unreadable())
    assert isinstance(_json.plain(Exhausted(a=1)), str)


def test_a_lone_surrogate_is_written_as_its_escape():
    assert _json.plain("a\ud800b") == "a\\ud800b"
    assert _json.plain({"\udc80": 1}) == {"\\udc80": 1}


def test_cycles_and_depth_end():
    assert _json.plain(cycle()) == [1, {"again": "<cycle>"}]
    strict(_json.encode(deep()))
    shared = [1]
    assert _json.plain([shared, shared]) == [[1], [1]], "twice is no cycle"


def test_a_value_that_leads_to_itself_by_many_ways_ends():
    """A graph has more paths than the universe has atoms; each is a tree when written."""
    nodes = [Point(number, []) for number in range(60)]
    for node in nodes:
        node.y = list(nodes)
    data = _json.encode_line({"graph": nodes})
    assert b"Point: met too often" in data
    assert len(data) < 1 << 30
    shared = [[0.5] * 1000] * 500
    assert _json.plain(shared) == shared, "a table whose rows are one object is no such graph"


def test_integers_of_any_size_are_written():
    assert _json.plain(10**3000) == 10**3000
    assert _json.plain(-(1 << 20000)) == hex(-(1 << 20000))
    assert strict(_json.encode(10**3000)) == 10**3000


def test_ten_megabytes_of_text_come_back_equal():
    text = "äx\n" * (10 << 20 // 4)
    assert strict(_json.encode_line({"text": text})) == {"text": text}


def test_readers_accept_the_bare_words_of_2020_and_say_what_is_no_json():
    assert _json.decode(b'{"a": Infinity}') == {"a": float("inf")}
    for broken in (b"", b"{", b"\xff", b"[" * 100_000, b'{"a": 1'):
        with pytest.raises(ValueError):
            _json.decode(broken)
