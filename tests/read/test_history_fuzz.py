"""The reader of metrics against any bytes: nothing raises, whole lines are all kept, and the fast
way gives what the plain one does.
"""

from __future__ import annotations

import ast
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meticulous import _series_read
from meticulous._series import Encoder, session_line
from meticulous._series_cache import Source
from meticulous._series_curve import Curve
from meticulous._series_summary import summarize
from meticulous._series_whole import _Whole
from meticulous.experiments import ExperimentReader

NAMES = st.sampled_from(["loss", "acc", "tr/ä", 'q"\\', "lo", "a.b(c", "x" * 50])
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), 10**40, -0.0, 1e-320]),
)
VALUES = st.one_of(NUMBERS, st.none(), st.booleans(), st.text(max_size=5), st.lists(NUMBERS))
STEPS = st.one_of(st.integers(-5, 50), NUMBERS, st.none(), st.text(max_size=3))
USUAL = st.fixed_dictionaries({"loss": NUMBERS}, optional={"acc": NUMBERS})
ROWS = st.one_of(USUAL, USUAL, st.dictionaries(NAMES, VALUES, max_size=4))
TIMES = st.one_of(st.floats(0, 4e9), st.sampled_from([0.0, 1.5, 1_790_000_059.999999]))
NUMBERLIKE = ["01", "1.", ".5", "+1", "1e5", "1E+5", "-", "--1", "1_0", "NaN", "-Infinity", "-0"]
NUMBERLIKE += ["1" * 4400, "1e999", "0x1", "1 ", '"1"', '"NaN"', '"NaN', "nan", "", "1.0e-400"]
HAND = st.builds(
    '{{"step":{},"time":"2026-11-24T06:{}","loss":{}}}'.format,
    st.one_of(st.sampled_from(NUMBERLIKE), st.integers().map(str)),
    st.sampled_from(["35:23.123456+00:00", "61:00.000000+00:00", "35:60.5", "35", "35:23+01:00"]),
    st.one_of(st.sampled_from(NUMBERLIKE), st.floats().map(repr)),
).map(lambda line: line.encode() + b"\n")
LINES = st.one_of(
    st.builds(lambda step, when, row: Encoder()([(step, when, row)]), STEPS, TIMES, ROWS),
    st.builds(lambda n, row: Encoder()([(n, n * 0.1, row)]), st.integers(0, 99), USUAL),
    st.builds(session_line, st.integers(2, 4), st.just(0.0)),
    HAND,
)
# What an experiment writes that was resumed: most lines alike, steps that others supersede.
USUAL_LINES = st.one_of(
    *[st.builds(lambda n, row: Encoder()([(n, 1.0, row)]), st.integers(0, 99), USUAL)] * 9,
    st.builds(session_line, st.integers(2, 4), st.just(0.0)),
)
GARBAGE = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [b"\n", b"\r\n", b'{"step":1,', b"}\n", b"[" * 100_000 + b"\n", b"[1]\n", b"\0"]
    ),
)
FILES = st.lists(st.one_of(LINES, LINES, LINES, GARBAGE), max_size=40).map(b"".join)
FEW = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    """Whole lines, some at once, as they come from a file."""
    while (end := data.find(b"\n", min(size, len(data))) + 1) or (end := data.rfind(b"\n") + 1):
        yield data[:end]
        data = data[end:]


def curve(data: bytes, metric: str, timed: bool, quick: bool, chunk: int = 200) -> Curve:
    """Read some bytes as if from a file; shapes are learned from one chunk to the next."""
    read = Curve(metric, timed, quick)
    for part in chunks(data, chunk):
        read.take(part)
    return read


def seen(read: Curve) -> tuple:
    """All that was read, comparable although NaN is not."""
    columns = [[repr(value + 0.0) for value in column] for column in (read.steps, read.values)]
    times = [repr(value) for value in read.times]
    return (
        *columns,
        times,
        read.plain,
        repr([(n, start, first + 0.0) for n, start, first in read.sessions]),
        read.parts(False),
        read.parts(True),
    )


@FEW
@given(FILES, st.booleans(), st.integers(1, 2000))
def test_the_fast_way_gives_what_reading_json_gives(data, timed, chunk):
    for metric in ("loss", "acc", "tr/ä", "step"):
        fast = curve(data, metric, timed, True, chunk)
        assert seen(fast) == seen(curve(data, metric, timed, False, chunk))


@FEW
@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 4e9), USUAL)), st.booleans())
def test_lines_of_one_loop_are_read_by_their_shapes(rows, timed):
    data = Encoder()(rows)
    fast = curve(data * 2, "loss", timed, True, max(1, len(data)))
    assert fast._shapes.pattern or not rows
    assert seen(fast) == seen(curve(data * 2, "loss", timed, False))
    assert all(shape.isascii() for shape in fast._shapes._known)


def summary(data: bytes, quick: bool, chunk: int) -> str:
    """What became of the metrics of a file of these bytes, comparable although NaN is not."""
    constants = _series_read._FIRST_CHUNK, _series_read._CHUNK
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            _series_read._FIRST_CHUNK = _series_read._CHUNK = chunk
            with Source(file.name, None) as source:
                return repr(sorted(summarize(source, quick).items()))
        finally:
            _series_read._FIRST_CHUNK, _series_read._CHUNK = constants


@settings(FEW, max_examples=400)
@given(st.one_of(FILES, st.lists(USUAL_LINES, max_size=60).map(b"".join)), st.integers(1, 2000))
def test_metrics_are_the_same_the_fast_way(data, chunk):
    assert summary(data, True, chunk) == summary(data, False, chunk)


@settings(FEW, max_examples=300)
@given(st.one_of(FILES, st.lists(USUAL_LINES, max_size=60).map(b"".join)), st.integers(1, 2000))
def test_one_pass_over_all_metrics_gives_what_reading_each_gives(data, chunk):
    data = data.replace(b'"session"', b'"other"')  # otherwise each is read by itself
    whole = _Whole()
    for part in chunks(data, chunk):
        whole.take(part)
    assert repr(sorted(whole.metrics.items())) == summary(data, False, chunk)
    assert set(whole.points) == set(whole.metrics)
    for name, (steps, values) in whole.points.items():
        one = curve(data, name, False, False)
        found = [[repr(value + 0.0) for value in column] for column in (steps, values)]
        assert found == list(seen(one)[:2])


def test_metrics_of_integers_that_no_float_is_exact_for_are_exact():
    row = b'{"step":%d,"time":"","n":%d}\n'
    steps = [2**53, 2**53 + 1, 2**63, 2**63 + 1]
    data = b"".join(row % (n, n) for n in [*range(100), *steps, *range(100)])
    found = ast.literal_eval(summary(data, True, 500))
    assert found == ast.literal_eval(summary(data, False, 500)) and found[0][1]["max"] == 2**63 + 1


def test_what_looks_like_a_known_line_and_is_none_is_read_as_json():
    usual = b'{"step":1,"time":"2026-11-24T06:35:23.123456+00:00","loss":0.5}\n'
    odd = [b'{"step":1,"time":"2026-11-24T06:35:23.123456+00:00","loss":1,"loss":2}\n']
    for text in NUMBERLIKE:
        odd += [usual.replace(b"0.5", text.encode()), usual.replace(b"1,", text.encode() + b",")]
        odd.append(usual.replace(b":23.", b":" + text.encode() + b"."))
    for line in odd:
        for data in (usual * 5 + line * 2 + usual, line * 9):
            for timed in (True, False):
                fast = curve(data, "loss", timed, True)
                assert seen(fast) == seen(curve(data, "loss", timed, False)), line


@settings(FEW, max_examples=60)
@given(FILES, st.lists(st.tuples(st.floats(0, 1), GARBAGE), max_size=3), st.floats(0, 1))
def test_nothing_raises_and_whole_lines_are_all_kept(data, inserted, cut):
    for place, garbage in inserted:
        place = int(place * len(data))
        data = data[:place] + garbage + data[place:]
    data = data[: int(cut * len(data))] if cut < 0.5 else data
    rows = []
    for line in data[: data.rfind(b"\n") + 1].split(b"\n"):
        try:
            row = json.loads(line.decode())
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            rows.append(row)
    assert repr(list(_series_read.rows(data[: data.rfind(b"\n") + 1]))) == repr(rows)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "metrics.jsonl").write_bytes(data)
        reader = ExperimentReader(folder)
        history = reader.history(raw=True)
        points = [row for row in rows if set(row) - {"step", "time", "session"}]
        assert len(history["step"]) >= len(points)
        assert len({len(column) for column in history.values()}) == 1
        assert set(history) == {"step", "time", "session"}.union(*points)
        kept = reader.history()
        for name, facts in reader.metrics.items():
            raw = [row[name] for row in points if name in row]
            one = reader.history(name, raw=True)
            assert len(one[name]) == len(raw) == len(one["time"]) == len(one["session"])
            assert facts["count"] == len(reader.history(name)[name]) <= len(kept["step"])
            assert sum(bucket.count for bucket in reader.envelope(name, 3)) <= len(raw)


@settings(FEW, max_examples=60)
@given(FILES, st.integers(1, 60), st.integers(1, 60), st.integers(30, 300))
def test_lines_come_whole_and_once_whatever_the_chunks(data, first, size, longest):
    constants = _series_read._FIRST_CHUNK, _series_read._CHUNK, _series_read.LONGEST
    _series_read._FIRST_CHUNK, _series_read._CHUNK, _series_read.LONGEST = first, size, longest
    descriptor, path = tempfile.mkstemp()
    try:
        os.write(descriptor, data)
        found = list(_series_read.lines(descriptor, 0, len(data)))
        whole = _series_read.whole(descriptor, len(data))
    finally:
        _series_read._FIRST_CHUNK, _series_read._CHUNK, _series_read.LONGEST = constants
        os.close(descriptor)
        os.unlink(path)
    pieces = [piece for _, part in found for piece in part.split(b"\n")[:-1]]
    lines = data.split(b"\n")[:-1]
    short = [line for line in lines if len(line) <= longest - size - first]
    assert [piece for piece in pieces if len(piece) <= longest - size - first] == short
    assert len(data.split(b"\n")[-1]) > longest or whole == data.rfind(b"\n") + 1
    assert all(data[:position].endswith(b"\n") for position, _ in found)
