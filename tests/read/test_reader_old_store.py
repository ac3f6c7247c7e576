"""Folders of 2020-24 are read fully, with the names and values that the reader of then gave."""

import os
import shutil
import time
from pathlib import Path

import pytest

from meticulous.experiments import ExperimentReader, Experiments
from read.records import OLD_STORE, snapshot

STORES = ("documented", "newest")
FIRST = "ed8f367d7c4df9a64d97458bb4c5c68e9dd82077"
SECOND = "ff773e89dea49359d8a7a03d9a4f06593b0be66f"
DEFAULTS = {
    "lr": 0.1,
    "seed": 1,
    "optimizer": "sgd",
    "layers": [8, 4],
    "out": None,
    "crash": False,
    "stop_with": None,
    "hang": False,
}
ENDINGS = {
    "1": ("SUCCESS", ""),
    "2": ("SUCCESS", ""),
    "3": ("ERROR", "ValueError: loss is not finite"),
    "4": ("ERROR", "sys.exit(3)"),
    "5": ("SILENT", "no sign of life for 1h00m"),
    "6": ("UNKNOWN", ""),
    "7": ("SUCCESS", ""),
    "8": ("SUCCESS", ""),
    "baseline": ("SUCCESS", ""),
}
CHANGED = {
    "2": {"lr": 0.01},
    "3": {"lr": 5.0, "crash": True},
    "4": {"seed": 7, "stop_with": 3},
    "5": {"hang": True},
    "7": {"layers": [16, 16], "optimizer": "adam"},
    "baseline": {"lr": 0.2},
}


@pytest.fixture(params=STORES)
def store(request, tmp_path):
    root = tmp_path / request.param / "experiments"
    shutil.copytree(OLD_STORE / request.param / "experiments", root)
    hour_ago = time.time() - 3610  # the copy is newer than the experiment
    os.utime(root / "5" / "STATUS", (hour_ago, hour_ago))
    return Experiments(experiments_directory=root)


def test_every_experiment_is_there_in_order(store):
    assert list(store) == ["1", "2", "3", "4", "5", "6", "7", "8", "baseline"]
    assert list(store.experiments) == list(store)
    assert len(store) == 9
    assert "baseline" in store and "9" not in store
    with pytest.raises(KeyError):
        store["9"]


def test_all_facts_of_every_whole_experiment_are_read(store):
    for expid, reader in store.items():
        if expid == "6":
            continue
        assert reader.expid == expid
        assert reader.problems == []
        assert reader.args == {**DEFAULTS, **CHANGED.get(expid, {})}
        assert reader.default_args == DEFAULTS
        assert (reader.status, reader.status_message) == ENDINGS[expid]
        assert reader.sha == (SECOND if expid in ("8", "baseline") else FIRST)
        assert reader.start_time.startswith("2026-11-23T16:3")
        assert reader.begin_time == reader.start_time
        assert reader.summary["step"] == 19
        assert reader.sessions == [] and reader.annotations == {}
        assert reader.files == sorted(path.name for path in Path(reader.curexpdir).iterdir())
        with reader.open("stdout") as file:
            assert file.read().startswith("step 4 w ")
        assert list(reader.df_vars()) == ["header", "args", "default_args", "metadata", "summary"]


def test_the_command_is_one_text_as_then(store):
    expected = "train.py --layers 16 16 --optimizer adam --description wider net"
    assert store["7"].metadata["command"] == expected
    assert store["7"].metadata["description"] == "wider net"
    assert store["7"].metadata["githead-message"] == "first model\n"


def test_a_start_that_crashed_is_a_row_with_problems(store):
    reader = store["6"]
    assert (reader.args, reader.default_args, reader.metadata, reader.summary) == ({}, {}, {}, {})
    assert reader.sha is None
    assert reader.start_time  # the folder's, since none was recorded
    assert len(reader.problems) == 4
    assert any(problem.startswith("args.json is not JSON") for problem in reader.problems)
    assert "metadata.json is missing" in reader.problems
    assert len(store.rows()) == 9


def test_durations_are_known_where_the_end_was_recorded(store):
    ended = "newest" in store.experiments_directory
    assert (store["4"].duration is not None) is ended
    if ended:
        assert store["4"].duration == pytest.approx(0.052193, abs=1e-5)
    assert store["5"].duration is None  # killed: nothing tells when
    assert store["6"].duration is None


def test_reading_everything_writes_nothing(store):
    root = Path(store.experiments_directory)
    before = snapshot(root)
    assert store.rows()
    for reader in store.values():
        assert reader.df_vars() and reader.files and reader.row()
        reader.refresh_status()
        reader.refresh_summary()
    store.refresh_experiments()
    assert store.rows()
    assert snapshot(root) == before


def test_naive_times_are_local_times(tmp_path, monkeypatch):
    folder = tmp_path / "1"
    folder.mkdir()
    folder.joinpath("metadata.json").write_text(
        '{"start-time": "2026-03-29T00:30:00", "end-time": "2026-03-29T03:30:00"}'
    )
    monkeypatch.setenv("TZ", "Europe/Berlin")  # its clocks jumped forward in that night
    time.tzset()
    try:
        reader = ExperimentReader(folder)
        assert reader.duration == 2 * 3600
        assert reader.start_time == "2026-03-29T00:30:00"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("trailing", ["", "/"])
def test_a_path_is_accepted_in_every_form(trailing, monkeypatch):
    path = OLD_STORE / "newest" / "experiments" / "4"
    assert ExperimentReader(path).expid == ExperimentReader(os.fsencode(path)).expid == "4"
    reader = ExperimentReader(f"{path}{trailing}")
    assert (reader.expid, reader.curexpdir) == ("4", f"{path}{trailing}")
    monkeypatch.chdir(path.parent)
    relative = ExperimentReader(f"4{trailing}")
    monkeypatch.chdir("/")  # a relative path means what it meant when it was given
    assert (relative.status, relative.curexpdir) == ("ERROR", f"4{trailing}")
