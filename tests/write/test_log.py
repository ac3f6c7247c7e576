"""What `log` was given is in metrics.jsonl, as it was at the call, whatever it was."""

from __future__ import annotations

import collections
import decimal
import fractions
import importlib.util
import json
import math
import threading
import types
import warnings

import numpy
import pytest

from storage_tools import Quick, Unreadable, cycle, cyclic_mapping, folder_of, rows, strict_lines


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    with Quick(tmp_path_factory.mktemp("log") / "project") as quick:
        yield quick


def logged(start, *calls, **options):
    """The rows that calls of log leave; each is metrics, or metrics and a step."""
    with start(**options) as experiment:
        for call in calls:
            experiment.log(*call) if isinstance(call, tuple) else experiment.log(call)
    return rows(experiment)


def one(start, metrics):
    (row,) = logged(start, metrics)
    assert row.pop("step") == 0
    return row


def test_any_order_of_steps_is_kept_and_the_automatic_one_follows_the_last(start):
    found = logged(
        start,
        {"a": 0},
        {"a": 1},
        ({"a": 2}, 100),
        {"a": 3},
        ({"a": 4}, 5),
        ({"a": 5}, 5),
        {"a": 6},
        ({"a": 7}, -3),
        ({"a": 8}, 0.5),
        {"a": 9},
        ({"a": 10}, numpy.int64(40)),
        {"a": 11},
        ({"a": 12}, numpy.array(50)),
        {"a": 13},
        ({"a": 14}, math.nan),
        ({"a": 15}, 2**80),
    )
    steps = [0, 1, 100, 101, 5, 5, 6, -3, 0.5, 1, 40, 41, 50, 51, "NaN", 2**80]
    assert [row["step"] for row in found] == steps
    assert [row["a"] for row in found] == list(range(16))


def test_scalars_of_every_library_become_numbers(start):
    assert one(
        start,
        {
            "float64": numpy.float64(0.1),
            "float32": numpy.float32(0.5),
            "float16": numpy.float16(2),
            "longdouble": numpy.longdouble(0.5),
            "int8": numpy.int8(-1),
            "bool": numpy.bool_(True),
            "array": numpy.array(7.0),
            "decimal": decimal.Decimal("0.1"),
            "fraction": fractions.Fraction(1, 4),
            "tensor": Tensor(0.25),
            "jax": Jax(3.5),
            "none": None,
            "text": "text",
            "true": True,
        },
    ) == {
        "float64": 0.1,
        "float32": 0.5,
        "float16": 2.0,
        "longdouble": 0.5,
        "int8": -1,
        "bool": True,
        "array": 7.0,
        "decimal": 0.1,
        "fraction": 0.25,
        "tensor": 0.25,
        "jax": 3.5,
        "none": None,
        "text": "text",
        "true": True,
    }


def test_non_finite_numbers_of_every_library_keep_their_meaning(start):
    for nan, infinity in (
        (math.nan, math.inf),
        (numpy.float64("nan"), numpy.float32("inf")),
        (decimal.Decimal("NaN"), decimal.Decimal("Infinity")),
    ):
        assert one(start, {"a": nan, "b": infinity, "c": -infinity}) == {
            "a": "NaN",
            "b": "Infinity",
            "c": "-Infinity",
        }
    assert one(start, {"a": Tensor(math.nan), "b": Tensor(-math.inf)}) == {
        "a": "NaN",
        "b": "-Infinity",
    }
    assert one(start, {"a": decimal.Decimal("1e400"), "b": fractions.Fraction(10**400)}) == {
        "a": "1E+400",
        "b": str(10**400),
    }


def test_nested_mappings_are_joined_with_a_slash(start):
    nested = {"loss": {"train": 1, "test": {"a": 2.5, 3: numpy.float32(4)}}, "empty": {}, "x": 5}
    assert one(start, nested) == {
        "loss/train": 1,
        "loss/test/a": 2.5,
        "loss/test/3": 4.0,
        "empty": {},
        "x": 5,
    }
    ordered = collections.OrderedDict(a=types.MappingProxyType({"b": 1}))
    assert one(start, ordered) == {"a/b": 1}


def test_the_records_own_names_get_an_underscore_and_nothing_is_lost(start):
    assert one(start, {"step": 1, "time": 2, "session": 3, "step_": 4}) == {
        "step_": 1,
        "time_": 2,
        "session_": 3,
        "step__": 4,
    }
    assert one(start, {"a": {"b": 1}, "a/b": 2}) == {"a/b": 1, "a/b_": 2}
    assert one(start, {1: "int", "1": "text"}) == {"1": "int", "1_": "text"}


def test_what_is_changed_after_the_call_was_logged_as_it_was(start):
    array, values, mapping = numpy.zeros(3), [1, [2]], {"in": {"x": 1}}
    tensor, device = Tensor([1.0, 2.0]), Tensor(5.0, "cuda")
    record = numpy.zeros(1, dtype=[("a", int)])
    metrics = {
        "array": array,
        "values": values,
        "mapping": mapping,
        "tensor": tensor,
        "device": device,
        "record": record[0],
        "view": array[0:1],
    }
    with start() as experiment:
        for _ in range(2):
            experiment.log(metrics)
            array += 1
            values[1].append(3)
            mapping["in"]["x"] += 1
            tensor.data.append(3.0)
            device.data = 6.0
            record["a"] += 1
            metrics["new"] = 1
    assert rows(experiment) == [
        {
            "step": 0,
            "array": [0.0, 0.0, 0.0],
            "values": [1, [2]],
            "mapping/in/x": 1,
            "tensor": [1.0, 2.0],
            "device": 5.0,
            "record": [0],
            "view": [0.0],
        },
        {
            "step": 1,
            "array": [1.0, 1.0, 1.0],
            "values": [1, [2, 3]],
            "mapping/in/x": 2,
            "tensor": [1.0, 2.0, 3.0],
            "device": 6.0,
            "record": [1],
            "view": [1.0],
            "new": 1,
        },
    ]


class Tensor:
    """The manners of a torch tensor, on a device that can be asked who waited for it."""

    def __init__(self, data, device="cpu", size=1, broken=False):
        self.data = list(data) if isinstance(data, list) else data
        self.device = types.SimpleNamespace(type=device)
        self.size = size
        self.broken = broken
        self.waited: list[str] = []

    def numel(self):
        return self.size

    def detach(self):
        return self

    def clone(self):
        if self.broken:
            raise RuntimeError("CUDA out of memory")
        copy = Tensor(self.data, self.device.type, self.size)
        copy.waited = self.waited
        return copy

    def tolist(self):
        self.waited.append(threading.current_thread().name)
        return self.data


class Jax:
    def __init__(self, value):
        self.value = value
        self.device = "TFRT_CPU_0"

    def tolist(self):
        return self.value


def test_a_tensor_on_a_device_is_read_in_the_writers_thread_so_that_no_device_is_waited_for(start):
    scalar = Tensor(1.5, "cuda")
    large = Tensor([0.5] * 2000, "cuda", size=2000)
    with start() as experiment:
        experiment.log({"loss": scalar, "nested": {"loss": scalar}})
        assert threading.current_thread().name not in scalar.waited
        experiment.log({"histogram": large})
    assert len(scalar.waited) == 2
    assert large.waited == [threading.current_thread().name], "clones of it would fill the device"
    first, second = rows(experiment)
    assert first == {"step": 0, "loss": 1.5, "nested/loss": 1.5}
    assert second == {"step": 1, "histogram": [0.5] * 2000}


def test_a_device_without_memory_does_not_stop_the_program(start):
    assert one(start, {"loss": Tensor(2.5, "cuda", broken=True), "x": 1}) == {"loss": 2.5, "x": 1}


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_tensors_of_torch(start):
    import torch

    loss = torch.tensor(0.5, requires_grad=True)
    values = torch.tensor([1.0, math.nan])
    with start() as experiment:
        experiment.log({"loss": loss, "values": values, "int": torch.tensor(3)}, torch.tensor(7))
        with torch.no_grad():
            values += 1
            loss += 1
        experiment.log({"loss": loss.mean(), "half": torch.tensor(0.25, dtype=torch.bfloat16)})
    assert rows(experiment) == [
        {"step": 7, "loss": 0.5, "values": [1.0, "NaN"], "int": 3},
        {"step": 8, "loss": 1.5, "half": 0.25},
    ]


def test_what_is_no_mapping_or_cannot_be_read_is_logged_somehow_and_raises_nothing(start):
    found = logged(start, 0.5, None, [("a", 1)], "text", types.SimpleNamespace(a=2), Unreadable())
    assert [list(row)[1] for row in found] == ["value", "value", "a", "value", "a", "value"]
    assert found[0]["value"] == 0.5 and found[4]["a"] == 2
    found = logged(start, {"a": Unreadable(), "b": 1}, {"a": cycle()}, cyclic_mapping())
    assert found[0]["b"] == 1
    assert found[1]["a"] == [1, {"again": "<cycle>"}]
    assert found[2]["loss"] == 1


def test_log_after_the_end_warns_once_and_says_where(start):
    experiment = start()
    experiment.log({"a": 1})
    experiment.finish()
    with pytest.warns(
        RuntimeWarning, match=r"log\(\) after the end of experiment .*records nothing"
    ) as seen:
        experiment.log({"a": 2})
    assert seen[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            experiment.log({"a": 3})
    assert rows(experiment) == [{"step": 0, "a": 1}]


def test_rows_of_threads_are_all_there_each_threads_in_its_order(start):
    count, threads = 5000, 6
    with start() as experiment:

        def work(thread):
            for number in range(count):
                experiment.log({"thread": thread, "number": number}, number)

        running = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    found = rows(experiment)
    assert len(found) == count * threads
    for thread in range(threads):
        mine = [row["number"] for row in found if row["thread"] == thread]
        assert mine == list(range(count))
    assert "problems" not in experiment.metadata


def test_a_hundred_thousand_rows_are_all_there_at_the_end(start):
    with start() as experiment:
        for number in range(100_000):
            experiment.log({"loss": number * 0.1, "acc": 0.5})
    lines = folder_of(experiment).joinpath("metrics.jsonl").read_bytes().splitlines()
    assert len(lines) == 100_000
    assert [json.loads(lines[at])["step"] for at in (0, 50_000, 99_999)] == [0, 50_000, 99_999]
    assert all(b'"step":%d,' % number in line for number, line in enumerate(lines))


FLOOD = """
import resource, sys
from meticulous import Experiment
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with Experiment(sample_seconds=0) as experiment:
    for number in range(100, 160):
        experiment.log({"text": str(number) * (2 << 20), "list": [number] * 10_000})
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


def test_large_values_do_not_fill_the_memory_and_none_is_given_up(repository):
    repository.program(FLOOD)
    done = repository.run("train.py")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 200, "MB, where all rows take 360"
    data = (repository.root / "1" / "metrics.jsonl").read_bytes()
    assert [json.loads(line)["list"] for line in data.splitlines()] == [
        [number] * 10_000 for number in range(100, 160)
    ]
    assert (repository.root / "1" / "STATUS").read_text() == "SUCCESS"


STEADY = """
import os, sys, time
from meticulous import Experiment
experiment = Experiment(sample_seconds=0)
for number in range(50):
    experiment.log({"number": number})
if sys.argv[1] == "wait":
    time.sleep(1)
os.kill(os.getpid(), 9)
"""


def test_rows_that_were_logged_a_second_before_a_kill_are_in_the_file(repository):
    repository.program(STEADY)
    assert repository.run("train.py", "wait").returncode == -9
    assert [row["number"] for row in rows(str(repository.root / "1"))] == list(range(50))
    repository.run("train.py", "at once")
    path = repository.root / "2" / "metrics.jsonl"
    assert not path.exists() or strict_lines(path.read_bytes()) is not None
