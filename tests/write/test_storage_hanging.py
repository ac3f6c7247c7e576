"""A storage that hangs for a minute: the program, its log and its end do not."""

from __future__ import annotations

import os
import statistics
import time

import pytest

from storage_tools import Driven, Trouble, read_all, strict, strict_lines

PATIENCE = 60


@pytest.fixture
def hanging(repository, tmp_path):
    """A program whose storage can be made to hang, and its folder."""
    trouble = Trouble(tmp_path, repository.root)
    (repository.path / "input").write_text("x")
    driven = Driven(repository, env=trouble.env, dirty="allow")
    folder = repository.root / "1"
    driven("log", 10, "before")
    driven("show", 10, "before")
    until(lambda: (folder / "metrics.jsonl").exists() and (folder / "environment.json").exists())
    yield trouble, driven, folder
    if driven.process.poll() is None:
        driven.kill()


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def everything(driven):
    """All that a training does; the seconds that the calls took."""
    times = driven("log", 1000, "hang", 0.001)
    slow = [seconds for seconds in times if seconds > 0.005]
    assert statistics.median(times) < 0.001
    assert len(slow) <= 30, f"{len(slow)} of 1000 calls of log took more than 5 ms: {slow}"
    assert max(times) < 1
    shown = driven("show", 1000, "hang")
    assert sum(seconds > 0.005 for seconds in shown) <= 50
    assert sum(shown) < 5, "printing goes on"
    first, *others = driven("summary", 50, acc=1)
    assert first < 4, "1 s, and a busy machine"
    assert sum(others) < 4, "it is not waited for again"
    assert sum(driven("annotate", 20)) < 4
    assert sum(driven("inputs", 20, "input")) < 4


@pytest.mark.parametrize("kind", ["hang", "dead"])
def test_a_storage_that_hangs_to_the_end_delays_nothing_and_changes_no_exit_code(hanging, kind):
    trouble, driven, folder = hanging
    trouble.begin(kind)
    everything(driven)
    code, seconds = driven.end(5)
    assert code == 5
    assert seconds < 6, "2 s, and a busy machine"
    assert driven.out.count(b"hang ") == 1000
    assert len(driven.warnings) == 1, "it is said that the end is not recorded"
    assert driven.warnings[0] == (
        f"meticulous: cannot write {folder}: how this ended is not recorded"
    )
    trouble.end()
    found = read_all(folder)
    assert [row["phase"] for row in found["metrics.jsonl"]][:10] == ["before"] * 10
    assert (folder / "STATUS").read_text() == "RUNNING"


def test_finish_takes_two_seconds_at_most_and_the_program_goes_on(hanging):
    trouble, driven, _ = hanging
    trouble.begin("hang")
    driven("log", 100, "hang")
    (seconds,) = driven("finish")
    assert seconds < 5, "2 s, and a busy machine"
    trouble.end()
    assert driven.end(0)[0] == 0


@pytest.mark.parametrize("kind", ["hang", "dead"])
def test_a_hang_that_ends_loses_nothing(hanging, kind):
    trouble, driven, folder = hanging
    trouble.begin(kind)
    everything(driven)
    trouble.end()
    driven("log", 10, "after")
    code, seconds = driven.end(0)
    assert code == 0 and seconds < 6
    found = read_all(folder)
    lines = strict_lines((folder / "metrics.jsonl").read_bytes())
    assert [line["phase"] for line in lines] == ["before"] * 10 + ["hang"] * 1000 + ["after"] * 10
    assert (folder / "stdout").read_bytes() == driven.out
    assert found["summary.json"] == {"acc": 1}
    assert found["annotations.json"]["tags"] == [f"t{number}" for number in range(20)]
    assert len(found["annotations.json"]["notes"]) == 20
    assert len(found["files.jsonl"]) == 20
    assert "problems" not in found["metadata.json"]
    assert (folder / "STATUS").read_text() == "SUCCESS"
    assert driven.warnings == []
    assert not [name for name in os.listdir(folder) if name.startswith(".")]


def test_a_hang_at_the_end_only_of_the_streams_still_leaves_a_right_status(repository, tmp_path):
    """One file that hangs, as of one bad server of several, holds up no other."""
    trouble = Trouble(tmp_path, repository.root / "1" / "metrics.jsonl")
    driven = Driven(repository, env=trouble.env)
    folder = repository.root / "1"
    driven("log", 1, "before")
    metrics = folder / "metrics.jsonl"
    until(lambda: metrics.exists() and metrics.stat().st_size)
    trouble.begin("hang")
    driven("log", 100, "hang")
    code, seconds = driven.end(3)
    assert code == 3 and seconds < 6
    assert (folder / "STATUS").read_text() == "ERROR\nsys.exit(3)"
    metadata = strict((folder / "metadata.json").read_bytes())
    assert metadata["problems"]["lost"]["metrics.jsonl"] == 100
    assert metadata["sessions"][0]["ending"]["exit-code"] == 3
