"""Rows have the same bytes with msgspec and without, and they are those of json."""

from __future__ import annotations

import json
import math
import os
import pickle
import struct
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meticulous import _series
from storage_tools import finite, plain_texts, strict_lines, texts

WHEN = 1_790_000_000.25
STAMP = "2026-09-21T14:13:20.250000+00:00"

SERVER = """
import pickle, struct, sys
from meticulous import _series
encoder = _series.Encoder()
while head := sys.stdin.buffer.read(4):
    rows = pickle.loads(sys.stdin.buffer.read(struct.unpack("<I", head)[0]))
    data = encoder([(step, when, _series.freeze(row)) for step, when, row in rows])
    assert "msgspec" not in sys.modules
    sys.stdout.buffer.write(struct.pack("<I", len(data)) + data)
    sys.stdout.buffer.flush()
"""


class Without:
    """The encoder in a process where msgspec cannot be imported."""

    def __init__(self, folder):
        (folder / "msgspec.py").write_text("raise ImportError('blocked')\n")
        path = os.pathsep.join([str(folder), os.path.dirname(os.path.dirname(_series.__file__))])
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )

    def __call__(self, rows):
        data = pickle.dumps(rows)
        self.process.stdin.write(struct.pack("<I", len(data)) + data)
        self.process.stdin.flush()
        size = struct.unpack("<I", self.process.stdout.read(4))[0]
        return self.process.stdout.read(size)

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    server = Without(tmp_path_factory.mktemp("without"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def with_msgspec():
    import msgspec  # noqa: F401  (a missing one must fail here, not go unnoticed)

    encoder = _series.Encoder()
    return lambda rows: encoder([(step, when, _series.freeze(row)) for step, when, row in rows])


def expected(rows) -> bytes:
    lines = [
        json.dumps({"step": step, "time": STAMP, **row}, ensure_ascii=False, separators=(",", ":"))
        for step, _, row in rows
    ]
    return "".join(line + "\n" for line in lines).encode()


EDGES = [
    *(0.0, -0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e-5, 9.999e-5, 1e-4),
    *(0.1, 0.30000000000000004, 1e15, 9999999999999998.0, 1e16, 1e17, 1e21, 1e22, 1e23, -1e16),
    *(123456789012345680.0, 4.35, 2.5e-7, 100000.0, 0.00001234, 1 / 3, 2**53 + 0.0, 1e100),
    *(0, -1, 2**31, 2**53 + 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**30, True, False, None),
]
names = plain_texts.filter(lambda name: name not in _series.RESERVED) | st.sampled_from(
    ["100%", "%s", "%", '"', "\\", "\x00\x1f\x7f", "\u2028", "e5", "1e5", "null", "0.0000", "é", ""]
)
numbers = finite | st.integers() | st.sampled_from(EDGES)
rows = st.lists(
    st.tuples(
        st.integers() | st.sampled_from(EDGES),
        st.just(WHEN),
        st.dictionaries(names, numbers | plain_texts | st.booleans() | st.none(), max_size=6),
    ),
    min_size=1,
    max_size=4,
)


@given(rows)
@settings(deadline=None, max_examples=300)
def test_the_bytes_are_those_of_json_with_and_without_msgspec(with_msgspec, without, rows):
    assert with_msgspec(rows) == without(rows) == expected(rows)


@pytest.mark.parametrize("value", EDGES, ids=repr)
def test_each_number_at_the_edges_has_the_bytes_of_json(with_msgspec, without, value):
    rows = [(7, WHEN, {"loss": value}), (value, WHEN, {"a": 0.5})]
    assert with_msgspec(rows) == without(rows) == expected(rows)
    assert with_msgspec(rows[:1]) == without(rows[:1]) == expected(rows[:1])


@given(st.floats(1e-7, 1e-3) | st.floats(1e14, 1e25) | st.floats(-1e-3, -1e-9) | finite)
@settings(deadline=None, max_examples=500)
def test_floats_near_the_exponents_have_the_bytes_of_json(with_msgspec, without, value):
    rows = [(1, WHEN, {"a": value, "b": 1.5})]
    assert with_msgspec(rows) == without(rows) == expected(rows)


anything = st.floats() | texts | st.sampled_from([10**5000, [1, math.nan], {"x": {"y": 1}}, {1}])


@given(
    st.lists(
        st.tuples(
            st.integers() | anything,
            st.just(WHEN),
            st.dictionaries(
                texts | st.sampled_from([1, None, (1,), *_series.RESERVED]),
                numbers | anything,
                max_size=5,
            ),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(deadline=None, max_examples=300)
def test_odd_rows_have_the_same_bytes_and_are_strict_json(with_msgspec, without, rows):
    data = with_msgspec(rows)
    assert data == without(rows)
    assert len(strict_lines(data)) == len(rows)


def test_non_finite_numbers_keep_their_meaning(with_msgspec, without):
    rows = [(1, WHEN, {"a": math.nan, "b": math.inf, "c": -math.inf, "d": 1e308})]
    rows.append((2, WHEN, {"x": 1.7e308, "y": 1.7e308}))  # finite, but not their sum
    line = b'{"step":1,"time":"%b","a":"NaN","b":"Infinity","c":"-Infinity","d":1e+308}\n'
    assert with_msgspec(rows).startswith(line % STAMP.encode())
    assert with_msgspec(rows) == without(rows)
    assert strict_lines(without(rows))[1]["y"] == 1.7e308


def test_times_are_utc_with_offset_and_microseconds():
    assert _series.utc(WHEN) == STAMP
    assert _series.utc(0) == "1970-01-01T00:00:00.000000+00:00"
    encoder = _series.Encoder()
    whens = [WHEN, WHEN + 1 / 64, WHEN + 0.75 - 1 / 64, WHEN + 1, WHEN - 86400]
    lines = strict_lines(encoder([(0, when, {}) for when in whens]))
    assert [line["time"] for line in lines] == [
        "2026-09-21T14:13:20.250000+00:00",
        "2026-09-21T14:13:20.265625+00:00",
        "2026-09-21T14:13:20.984375+00:00",
        "2026-09-21T14:13:21.250000+00:00",
        "2026-09-20T14:13:20.250000+00:00",
    ]


def test_many_sets_of_names_do_not_fill_the_memory():
    encoder = _series.Encoder()
    for number in range(3000):
        encoder([(number, WHEN, {f"metric {number}": 0.5})])
    assert len(encoder._templates) <= 1001
