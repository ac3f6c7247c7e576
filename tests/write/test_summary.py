"""What an experiment is judged by: merged by key, whole for every reader, on disk at once."""

from __future__ import annotations

import json
import os
import pathlib
import threading
import warnings

import pytest

from storage_tools import OBEY_MODES, Quick, folder_of, strict


@pytest.fixture
def start(tmp_path):
    with Quick(tmp_path / "project") as quick:
        yield quick


def summary(experiment):
    return strict((folder_of(experiment) / "summary.json").read_bytes())


def test_keys_are_merged_in_the_order_of_the_program_and_on_disk_when_the_call_returns(start):
    with start() as experiment:
        assert not (folder_of(experiment) / "summary.json").exists()
        experiment.summary({"loss": 0.5, "acc": 0.9})
        assert list(summary(experiment).items()) == [("loss", 0.5), ("acc", 0.9)]
        experiment.summary({"best": {"step": 3}})
        experiment.summary({"loss": 0.25, "best": {"acc": 1}})
        assert list(summary(experiment).items()) == (
            [("loss", 0.25), ("acc", 0.9), ("best", {"acc": 1})]
        )
        experiment.summary({})
    assert (folder_of(experiment) / "summary.json").read_text() == json.dumps(
        {"loss": 0.25, "acc": 0.9, "best": {"acc": 1}}, indent=4
    )


def test_the_mapping_is_read_at_the_call(start):
    values = {"loss": 1, "list": [1]}
    with start() as experiment:
        experiment.summary(values)
        values["loss"] = 2
        values["list"].append(2)
        experiment.summary({"other": 1})
        assert summary(experiment) == {"loss": 1, "list": [1], "other": 1}


def test_what_is_no_mapping_has_the_name_value(start):
    with start() as experiment:
        experiment.summary(0.5)
        assert summary(experiment) == {"value": 0.5}


def test_it_works_after_the_end_and_says_when_it_cannot(start):
    experiment = start()
    experiment.summary({"a": 1})
    experiment.finish()
    experiment.summary({"b": 2})
    experiment.tag("late")
    assert summary(experiment) == {"a": 1, "b": 2}
    folder = folder_of(experiment)
    assert strict((folder / "annotations.json").read_bytes())["tags"] == ["late"]
    folder.rename(folder.with_name("away"))
    with pytest.warns(RuntimeWarning, match=r"cannot write .*summary.json: No such file") as seen:
        experiment.summary({"c": 3})
    assert seen[0].filename == __file__
    folder.with_name("away").rename(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        experiment.summary({"d": 4})
    assert summary(experiment) == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_many_threads_lose_no_key(start):
    with start() as experiment:

        def work(thread):
            for number in range(20):
                experiment.summary({f"{thread}/{number}": number})

        threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert summary(experiment) == {f"{t}/{n}": n for t in range(5) for n in range(20)}


def test_a_reader_at_any_moment_finds_the_old_or_the_new(start):
    seen = []
    stop = threading.Event()

    def poll(path):
        while not stop.is_set():
            if path.exists():
                seen.append(strict(path.read_bytes())["number"])

    with start() as experiment:
        folder = folder_of(experiment)
        reader = threading.Thread(target=poll, args=(folder / "summary.json",))
        reader.start()
        for number in range(150):
            experiment.summary({"number": number, "text": "x" * 20_000})
        stop.set()
        reader.join()
    assert seen == sorted(seen)
    assert not [name for name in os.listdir(folder) if name.startswith(".")]


def test_an_existing_experiment_keeps_its_summary_also_a_broken_one_costs_nothing_else(start):
    start(experiment_id="run").summary({"a": 1})
    path = start.repository.root / "run" / "summary.json"
    quick = start(experiment_id="other")
    quick.finish()
    for broken in (b"", b"{", b"[1]", b"\xff"):
        (start.repository.root / "other" / "summary.json").write_bytes(broken)
        with start(experiment_id="other") as experiment:
            experiment.summary({"b": 2})
        assert summary(experiment) == {"b": 2}
    assert strict(path.read_bytes()) == {"a": 1}


def test_strict_raises_when_the_summary_cannot_be_written(repository):
    repository.program(
        OBEY_MODES
        + """
import os, sys
from meticulous import Experiment, StorageError
experiment = Experiment(strict=True, sample_seconds=0)
experiment.summary({"a": 1})
os.chmod(experiment.curexpdir, 0o555)
try:
    experiment.summary({"a": "x" * 100_000})
except StorageError as error:
    print(error)
os.chmod(experiment.curexpdir, 0o755)
"""
    )
    done = repository.run("train.py")
    assert done.returncode == 0, done.stderr
    assert b".json: Permission denied" in done.stdout
    folder = pathlib.Path(repository.root, "1")
    assert len(strict((folder / "summary.json").read_bytes())["a"]) == 100_000, "tried again"
