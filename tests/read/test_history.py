"""What was logged is read back: columns, the rewind rule, what became of each metric, groups for
drawing; and whatever stands in the place of the file.
"""

from __future__ import annotations

import json
import math
import os
import time
from array import array

import numpy
import pytest
from records import snapshot, write_record

from meticulous import ExperimentReader
from meticulous._series import Encoder, session_line
from meticulous._series_envelope import buckets_of
from meticulous.errors import SettingError

START = 1_790_000_000.25


def lines_of(*rows: dict, first: int = 0, when: float = START) -> bytes:
    """What `log` would have written, a step a row."""
    return Encoder()([(first + n, when + n, row) for n, row in enumerate(rows)])


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A function that writes a record with the given metrics and gives its reader."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    counter = iter(range(1, 100))

    def write(data: bytes | None) -> ExperimentReader:
        folder = write_record(tmp_path / "experiments", str(next(counter)))
        if data is not None:
            (folder / "metrics.jsonl").write_bytes(data)
        return ExperimentReader(folder)

    return write


def test_one_metric_has_a_step_a_time_and_a_value_per_point(written):
    reader = written(lines_of({"loss": 0.5, "acc": 1}, {"acc": 2}, {"loss": 0.25}))
    history = reader.history("loss")
    assert list(history) == ["step", "time", "loss"]
    assert history["step"].tolist() == [0, 2]
    assert history["loss"].tolist() == [0.5, 0.25]
    assert history["time"].tolist() == [START, START + 2]
    assert all(isinstance(column, numpy.ndarray) for column in history.values())
    assert history["loss"].dtype == numpy.float64
    with pytest.raises(KeyError):
        history["acc"]
    with pytest.raises(SettingError, match=r"not list\. Give one name, or none for all\."):
        reader.history(["loss", "acc"])
    with pytest.raises(SettingError, match=r"not list\. Give one name\."):
        reader.envelope(["loss"], 10)


def test_every_metric_has_a_row_for_each_line_and_none_where_it_is_missing(written):
    reader = written(lines_of({"loss": 0.5, "acc": 1}, {"acc": math.nan}, {}, {"note": "x"}))
    history = reader.history()
    assert history["step"].tolist() == [0, 1, 2, 3]
    assert history["loss"] == [0.5, None, None, None]
    assert history["acc"][0] == 1.0 and math.isnan(history["acc"][1])
    assert history["acc"][2:] == [None, None]
    assert history["note"] == [None, None, None, "x"]
    assert isinstance(written(lines_of({"a": 1}, {"a": 2})).history()["a"], numpy.ndarray)


def test_what_is_no_number_is_given_as_it_was_recorded(written):
    values = [1, True, None, "text", [1, 2], "NaN"]
    reader = written(lines_of(*({"mixed": value} for value in values)))
    assert reader.history("mixed")["mixed"] == values
    assert [type(value) for value in reader.history("mixed")["mixed"][:2]] == [int, bool]
    assert reader.history()["mixed"] == values
    steps, numbers, sessions = reader._points("mixed")
    assert steps.tolist() == [0, 1, 2, 3, 4, 5] and sessions.tolist() == [1] * 6
    assert numbers[0] == 1 and all(math.isnan(number) for number in numbers[1:])


def test_words_for_numbers_and_numbers_without_end_are_floats(written):
    big = b'{"step":9,"time":"x","loss":1' + b"0" * 400 + b"}\n"
    data = lines_of({"loss": math.nan}, {"loss": math.inf}, {"loss": -math.inf}) + big
    reader = written(data + lines_of({"loss": 4}, first=math.inf))
    loss = reader.history("loss")["loss"]
    assert math.isnan(loss[0]) and loss[1:].tolist() == [math.inf, -math.inf, math.inf, 4]
    assert reader.history()["step"].tolist() == [0, 1, 2, 9, math.inf]


REWOUND = (
    lines_of(*({"loss": n} for n in range(10)))
    + session_line(2, START)
    + lines_of(*({"loss": 100 + n} for n in range(4)), first=6)
    + session_line(3, START)
    + lines_of({"acc": 1}, {"loss": 200}, {"loss": 201}, first=4)
)


def test_a_later_session_supersedes_from_its_first_step_on(written):
    reader = written(REWOUND)
    history = reader.history("loss")
    assert history["step"].tolist() == [0, 1, 2, 3, 5, 6]
    assert history["loss"].tolist() == [0, 1, 2, 3, 200, 201]
    assert len(history["time"]) == 6
    everything = reader.history()
    assert everything["step"].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert everything["loss"] == [0, 1, 2, 3, None, 200, 201]
    assert reader.metrics["loss"]["count"] == 6
    assert reader.metrics["loss"]["max"] == 201
    assert sum(group.count for group in reader.envelope("loss", 2)) == 6


def test_raw_drops_nothing_and_tells_the_session(written):
    history = written(REWOUND).history("loss", raw=True)
    assert history["session"].tolist() == [1] * 10 + [2] * 4 + [3] * 2
    assert history["loss"].tolist() == [*range(10), 100, 101, 102, 103, 200, 201]
    everything = written(REWOUND).history(raw=True)
    assert everything["session"].tolist() == [1] * 10 + [2] * 4 + [3] * 3


def test_steps_in_any_order_are_rewound_by_their_value(written):
    first = b"".join(lines_of({"loss": step}, first=step) for step in (5, 1, 7, 2, 9, 3))
    data = first + session_line(2, START) + lines_of({"loss": 0}, first=4)
    reader = written(data)
    assert reader.history("loss")["step"].tolist() == [1, 2, 3, 4]
    assert reader.history()["step"].tolist() == [1, 2, 3, 4]


def test_steps_and_times_that_are_none_are_nan_and_local_times_are_read(written):
    local = "2021-11-23T16:31:56.5"
    rows = [
        {"step": "three", "time": 5, "a": 1},
        {"step": 1.5, "time": None, "a": 2},
        {"time": local, "a": 3},
        {"step": True, "time": "9999-99-99T00:00:00.000000+00:00", "a": 4},
    ]
    reader = written(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    history = reader.history("a")
    moment = time.mktime(time.strptime(local[:-2], "%Y-%m-%dT%H:%M:%S")) + 0.5
    assert numpy.array_equal(history["step"], [math.nan, 1.5, math.nan, math.nan], equal_nan=True)
    times = [5, math.nan, moment, math.nan]
    assert numpy.array_equal(history["time"], times, equal_nan=True)
    assert history["a"].tolist() == [1, 2, 3, 4]


def test_metrics_tell_what_became_of_each(written):
    reader = written(
        lines_of(
            {"val/loss": 3, "acc": 0.5, "note": "a"},
            {"val/loss": 1, "acc": math.inf},
            {"val/loss": 2, "acc": 0.25, "note": [1]},
            {"acc": math.nan},
        )
    )
    metrics = reader.metrics
    facts = metrics["val/loss"]
    assert (facts["last"], facts["last_step"], facts["count"]) == (2, 2, 3)
    assert (facts["min"], facts["min_step"], facts["max"], facts["max_step"]) == (1, 1, 3, 0)
    assert (facts["best"], facts["best_step"]) == (1, 1)
    acc = metrics["acc"]
    assert math.isnan(acc["last"]) and acc["last_step"] == 3 and acc["nonfinite"] == 2
    assert (acc["min"], acc["max"], acc["best"], acc["count"]) == (0.25, 0.5, 0.5, 4)
    note = metrics["note"]
    assert note["last"] == [1] and note["count"] == 2 and note["min"] is None
    assert "best" not in note and "nonfinite" not in note


def test_an_unknown_metric_gets_close_matches(written):
    reader = written(lines_of({"accuracy": 1, "loss": 2}))
    for ask in (reader.history, reader._points, lambda name: reader.envelope(name, 5)):
        with pytest.raises(SettingError, match=r"no metric 'acuracy'.*mean 'accuracy'"):
            ask("acuracy")
    with pytest.raises(SettingError, match="It has 'accuracy', 'loss'"):
        reader.history("zzz")
    with pytest.raises(SettingError, match="no metric 'step'"):
        reader.history("step")
    with pytest.raises(SettingError, match="logged none"):
        written(None).history("loss")
    for wrong in ({"buckets": 0}, {"buckets": 5, "x": "epoch"}):
        with pytest.raises(SettingError, match="cannot be"):
            reader.envelope("loss", **wrong)


@pytest.mark.parametrize("count", [1, 7, 1000, 70_000])
def test_groups_hold_every_point_between_two_places_once(written, count):
    values = [
        math.sin(n / 50) * n if n % 997 else (math.nan, math.inf)[n % 2] for n in range(count)
    ]
    values[20_000:30_000] = [math.nan] * len(values[20_000:30_000])
    reader = written(lines_of(*({"loss": value} for value in values)))
    for low, high in ((None, None), (count // 3, None), (10.5, count - 100.5), (-5, 3), (5, 4)):
        for buckets in (1, 10, 300):
            groups = reader.envelope("loss", buckets, low=low, high=high)
            inside = [
                (n, value)
                for n, value in enumerate(values)
                if (low is None or n >= low) and (high is None or n <= high)
            ]
            assert min(buckets, len(inside)) / 2 <= len(groups) <= 2 * buckets + 2
            assert sum(group.count for group in groups) == len(inside)
            place = 0
            for group in groups:
                part = inside[place : place + group.count]
                place += group.count
                finite = [value for _, value in part if math.isfinite(value)]
                assert (group.first, group.last) == (part[0][0], part[-1][0])
                assert group.nonfinite == len(part) - len(finite)
                assert group.min == min(finite, default=None)
                assert group.max == max(finite, default=None)
                if finite:
                    assert group.mean == pytest.approx(math.fsum(finite) / len(finite))
                else:
                    assert group.mean is None


@pytest.mark.parametrize("count", [1, 2, 50, 1000, 70_000])
def test_a_logarithmic_axis_has_every_point_once_and_the_first_ones_by_themselves(written, count):
    reader = written(lines_of(*({"loss": float(n)} for n in range(count))))
    for low, high in ((None, None), (3, None), (1.5, count / 2), (0, 0.5), (-5, -1), (count, None)):
        groups = buckets_of(reader._groups("loss", 300, "step", low, high, False, 0.0))
        inside = [
            n for n in range(count) if (low is None or n >= low) and (high is None or n <= high)
        ]
        assert sum(group.count for group in groups) == len(inside)
        assert [group.first for group in groups] == sorted(group.first for group in groups)
        assert all(group.min == group.first and group.max == group.last for group in groups)
        assert len(groups) <= 2 * 300 + 20
        if low is None:
            assert [group.first for group in groups[:15]] == inside[:15]


def test_the_ends_are_found_where_many_points_are_at_one_place(written):
    steps = [step // 300 for step in range(9000)]
    reader = written(b"".join(lines_of({"loss": step}, first=step) for step in steps))
    for low, high in ((3, 3), (2.5, 3), (0, 0), (29, 40), (-1, 7.5), (12, 11)):
        groups = reader.envelope("loss", 8, low=low, high=high)
        assert sum(group.count for group in groups) == sum(low <= step <= high for step in steps)
        if groups:
            assert low <= groups[0].first and groups[-1].last <= high


def test_groups_by_time_and_of_points_in_any_order(written):
    reader = written(lines_of({"loss": 1}, {"loss": 2}, {"loss": 3}))
    first, second = reader.envelope("loss", 5, x="time", low=START + 1)
    assert (first.first, first.mean, second.last) == (START + 1, 2, START + 2)
    back = b"".join(lines_of({"loss": step}, first=step) for step in range(3000, 0, -1))
    groups = written(back).envelope("loss", 10, low=100, high=199)
    assert sum(group.count for group in groups) == 100
    assert (groups[0].first, groups[-1].last) == (199, 100)


def test_without_numpy_columns_are_arrays_of_the_standard_library(written, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "numpy", None)
    reader = written(lines_of({"loss": 0.5}, {"loss": 0.25}))
    for history in (reader.history("loss"), reader.history()):
        assert all(type(column) is array for column in history.values())
        assert history["loss"].tolist() == [0.5, 0.25]


def test_a_data_frame_is_made_of_a_history(written):
    import pandas

    frame = pandas.DataFrame(dict(written(REWOUND).history("loss")))
    assert frame.loss.sum() == 407 and list(frame.columns) == ["step", "time", "loss"]


@pytest.mark.parametrize("kind", ["absent", "fifo", "folder", "zero", "link", "sparse", "closed"])
def test_whatever_is_in_the_place_of_the_file_neither_hangs_nor_raises(written, tmp_path, kind):
    reader = written(None)
    path = os.path.join(reader.curexpdir, "metrics.jsonl")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
    elif kind == "zero":
        os.symlink("/dev/zero", path)
    elif kind == "link":
        (tmp_path / "elsewhere").write_bytes(lines_of({"loss": 1}))
        os.symlink(tmp_path / "elsewhere", path)
    elif kind == "sparse":
        with open(path, "wb") as file:
            file.write(lines_of({"loss": 1}))
            file.seek(1 << 40)
            file.write(b"\n" + lines_of({"loss": 2}, first=1))
    elif kind == "closed":
        with open(path, "wb") as file:
            file.write(lines_of({"loss": 1}))
        os.chmod(path, 0)
        if os.access(path, os.R_OK):
            pytest.skip("root reads everything")
    known = {"loss": 2} if kind == "sparse" else {}
    assert {name: facts["count"] for name, facts in reader.metrics.items()} == known
    assert len(reader.history()["step"]) == known.get("loss", 0)
    if known:
        assert reader.history("loss")["loss"].tolist() == [1, 2]
    else:
        with pytest.raises(SettingError, match="no metric 'loss'"):
            reader.history("loss")
    told = [problem for problem in reader.problems if "metrics.jsonl cannot be read" in problem]
    assert len(told) == (kind not in ("absent", "sparse"))


def test_problems_open_no_metrics(written):
    reader = written(None)
    os.mkdir(os.path.join(reader.curexpdir, "metrics.jsonl"))
    assert reader.problems == []


def test_a_line_without_end_takes_bounded_memory_and_hides_no_other(written):
    reader = written(None)
    with open(os.path.join(reader.curexpdir, "metrics.jsonl"), "wb") as file:
        file.write(lines_of({"loss": 1}))
        file.write(b'{"step":1,"loss":"')
        for _ in range(100):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n' + lines_of({"loss": 3}, first=2))
    import tracemalloc

    tracemalloc.start()
    try:
        assert reader.history("loss")["loss"].tolist() == [1, 3]
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()
    assert reader.metrics["loss"]["count"] == 2


def test_many_metrics_are_summed_up_in_the_memory_of_a_few_lines(written):
    import tracemalloc

    row = {f"layer/{n}": n / 7 for n in range(200)}
    reader = written(lines_of(*[row] * 3000))
    tracemalloc.start()
    try:
        assert len(reader.metrics) == 200 and reader.metrics["layer/7"]["count"] == 3000
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_reading_writes_nothing_into_the_store(written, tmp_path):
    reader = written(lines_of(*[{"loss": 0.5}] * 30_000))
    before = snapshot(tmp_path / "experiments")
    reader.history("loss")["time"]
    reader.envelope("loss", 10)
    assert reader.metrics
    assert snapshot(tmp_path / "experiments") == before
    assert os.listdir(tmp_path / "cache" / "meticulous" / "curves")
