"""A storage that fails after the start never stops the program, and what is lost is counted."""

from __future__ import annotations

import os
import shutil
import statistics
import time

import pytest

from storage_tools import OBEY_MODES, Disk, Driven, Trouble, read_all, strict, strict_lines

PATIENCE = 60


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path)
    yield disk
    disk.close()


@pytest.fixture
def drive(repository):
    started = []

    def start(**options):
        started.append(Driven(repository, **options))
        return started[-1]

    yield start
    for driven in started:
        if driven.process.poll() is None:
            driven.kill()


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def numbers(folder, phase):
    if not (folder / "metrics.jsonl").exists():  # made by the first row that is written
        return []
    whole, newline, _ = (folder / "metrics.jsonl").read_bytes().rpartition(b"\n")
    lines = strict_lines(whole + newline)  # a full disk may hold a part of one more
    return [line["n"] for line in lines if line["phase"] == phase]


def is_quick(times):
    """A call of log: its own cost, and now and then that of a busy machine."""
    slow = [seconds for seconds in times if seconds > 0.005]
    return statistics.median(times) < 0.001 and len(slow) <= len(times) * 0.03


def shown(driven, phase, count):
    return driven.out.count(f"{phase} ".encode()) == count


def test_freed_space_lets_later_rows_arrive_and_nothing_is_lost(disk, drive):
    root = disk.path / "experiments"
    driven = drive(experiments_directory=str(root), env=disk.env)
    folder = root / "1"
    driven("log", 10, "before")
    driven("show", 5, "before")
    driven("summary", 1, acc=1)
    until(lambda: len(numbers(folder, "before")) == 10)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    disk.fill()
    assert is_quick(driven("log", 2000, "full", 0.0005))
    driven("show", 500, "full")
    driven("summary", 3, acc=2)
    driven("annotate", 1)
    until(lambda: (folder / "metrics.jsonl").stat().st_size > len(before["metrics.jsonl"]))
    for name, data in before.items():  # what was there before stays valid
        now = (folder / name).read_bytes()
        assert now.startswith(data) or strict(now) is not None
    disk.free()
    driven("log", 10, "later")
    until(lambda: len(numbers(folder, "later")) == 10)
    code, _ = driven.end(0)
    assert code == 0 and shown(driven, "full", 500)
    found = read_all(folder)
    for phase, count in (("before", 10), ("full", 2000), ("later", 10)):
        assert numbers(folder, phase) == list(range(count))
    assert (folder / "stdout").read_bytes() == driven.out
    assert found["summary.json"] == {"acc": 2}
    assert found["annotations.json"]["tags"] == ["t0"]
    assert (folder / "STATUS").read_text() == "SUCCESS"
    assert "lost" not in found["metadata.json"]["problems"]
    assert (
        "No space left on device" in found["metadata.json"]["problems"]["errors"]["metrics.jsonl"]
    )
    assert len(driven.warnings) == 1, driven.err
    path = folder / "metrics.jsonl"
    beginning = f"meticulous: cannot write {path}: No space left on device; the program goes on"
    assert driven.warnings[0].startswith(beginning) or "stdout" in driven.warnings[0]


@pytest.mark.parametrize("code", [0, 3])
def test_a_disk_that_is_full_at_the_very_end_leaves_a_right_status_and_counts(disk, drive, code):
    root = disk.path / "experiments"
    driven = drive(experiments_directory=str(root), env=disk.env)
    folder = root / "1"
    driven("log", 10, "before")
    until(lambda: (folder / "metrics.jsonl").exists() and numbers(folder, "before"))
    # The training itself fills the disk; the buffer then takes as much again, and overflows.
    assert len(driven("log", 75, "much", text="x" * (1 << 20))) == 75
    disk.fill()
    driven("log", 1000, "after")
    driven("show", 1000, "after")
    returncode, seconds = driven.end(code)
    assert returncode == code and seconds < 10
    assert shown(driven, "after", 1000)
    whole = (folder / "metrics.jsonl").read_bytes().rpartition(b"\n")[0]
    written = len(strict_lines(whole + b"\n"))
    metadata = strict((folder / "metadata.json").read_bytes())
    lost = metadata["problems"]["lost"]
    assert written + lost["metrics.jsonl"] == 10 + 75 + 1000
    assert lost["stdout"] + (folder / "stdout").stat().st_size == len(driven.out)
    assert "No space left on device" in metadata["problems"]["errors"]["metrics.jsonl"]
    status = (folder / "STATUS").read_text()
    if code:
        assert status == "ERROR\nsys.exit(3)"
    else:
        assert status.startswith("SUCCESS\nnot recorded: ")
        assert f"{lost['metrics.jsonl']} of metrics.jsonl" in status
    assert metadata["sessions"][0]["ending"]["exit-code"] == code
    assert len(driven.warnings) == 1
    assert not [name for name in os.listdir(folder) if name.startswith(".")]


def test_a_folder_that_is_removed_does_not_stop_the_program_and_is_not_made_again(
    repository, drive
):
    driven = drive()
    driven("log", 10, "before")
    until((repository.root / "1" / "metrics.jsonl").exists)
    shutil.rmtree(repository.root / "1")
    assert is_quick(driven("log", 500, "gone", 0.001))
    driven("show", 100, "gone")
    assert max(driven("summary", 3, acc=1)) < 3
    driven("annotate", 2)
    driven("inputs", 2, "README")
    code, seconds = driven.end(4)
    assert code == 4 and seconds < 8
    assert shown(driven, "gone", 100)
    assert os.listdir(repository.root) != [] and not (repository.root / "1").exists()
    assert len(driven.warnings) == 1 and "No such file" in driven.warnings[0]


def test_a_folder_that_is_moved_away_and_back_is_complete(repository, drive):
    driven = drive()
    folder, away = repository.root / "1", repository.path / "away"
    driven("log", 10, "before")
    until((folder / "metrics.jsonl").exists)
    folder.rename(away)
    driven("log", 10, "away")
    driven("show", 10, "away")
    driven("summary", 1, acc=1)
    away.rename(folder)
    driven("log", 10, "back")
    assert driven.end(0)[0] == 0
    assert [len(numbers(folder, phase)) for phase in ("before", "away", "back")] == [10, 10, 10]
    assert strict((folder / "summary.json").read_bytes()) == {"acc": 1}
    assert (folder / "STATUS").read_text() == "SUCCESS"
    assert (folder / "stdout").read_bytes() == driven.out


@pytest.mark.parametrize("code", [0, 5])
def test_a_folder_without_write_permission_still_gets_the_right_status(repository, drive, code):
    driven = drive(prefix=OBEY_MODES)
    folder = repository.root / "1"
    driven("log", 10, "before")
    driven("show", 10, "before")
    until((folder / "metrics.jsonl").exists)
    until((folder / "environment.json").exists)
    folder.chmod(0o555)
    assert is_quick(driven("log", 500, "closed", 0.001))
    driven("show", 100, "closed")
    driven("summary", 2, acc=1)
    returncode, seconds = driven.end(code)
    folder.chmod(0o755)
    assert returncode == code and seconds < 8
    assert numbers(folder, "closed") == list(range(500)), "its files are open"
    assert (folder / "stdout").read_bytes() == driven.out
    assert not (folder / "summary.json").exists()
    metadata = strict((folder / "metadata.json").read_bytes())
    assert metadata["sessions"][0]["ending"]["exit-code"] == code
    assert "Permission denied" in metadata["problems"]["errors"]["summary.json"]
    assert (folder / "STATUS").read_text() == ("ERROR\nsys.exit(5)" if code else "SUCCESS")
    assert len(driven.warnings) == 1


def test_a_program_without_descriptors_left_is_recorded_to_its_end(repository, drive):
    driven = drive()
    folder = repository.root / "1"
    driven("log", 10, "before")
    driven("show", 10, "before")
    until((folder / "metrics.jsonl").exists)
    until((folder / "environment.json").exists)
    driven("no_more_files")
    assert is_quick(driven("log", 500, "none", 0.001))
    driven("show", 100, "none")
    driven("summary", 2, acc=1)
    driven("inputs", 2, "README")
    assert driven.end(6)[0] == 6
    assert numbers(folder, "none") == list(range(500))
    assert (folder / "stdout").read_bytes() == driven.out
    assert (folder / "STATUS").read_text() == "ERROR\nsys.exit(6)"
    found = read_all(folder)
    assert found["metadata.json"]["sessions"][0]["ending"]["exit-code"] == 6
    assert found["summary.json"] == {"acc": 1}
    assert "Too many open files" in found["metadata.json"]["problems"]["errors"]["summary.json"]
    assert len(driven.warnings) == 1


def test_input_output_errors_for_a_while_lose_nothing(repository, drive, tmp_path):
    trouble = Trouble(tmp_path, repository.root)
    driven = drive(env=trouble.env)
    folder = repository.root / "1"
    driven("log", 10, "before")
    until((folder / "metrics.jsonl").exists)
    trouble.begin("EIO")
    assert is_quick(driven("log", 500, "failing", 0.001))
    driven("show", 100, "failing")
    assert max(driven("summary", 2, acc=1)) < 3
    trouble.end()
    driven("log", 10, "after")
    assert driven.end(0)[0] == 0
    for phase, count in (("before", 10), ("failing", 500), ("after", 10)):
        assert numbers(folder, phase) == list(range(count))
    assert (folder / "stdout").read_bytes() == driven.out
    found = read_all(folder)
    assert found["summary.json"] == {"acc": 1}
    assert "Input/output error" in found["metadata.json"]["problems"]["errors"]["metrics.jsonl"]
    assert (folder / "STATUS").read_text() == "SUCCESS"
    assert len(driven.warnings) == 1 and "Input/output error" in driven.warnings[0]


def test_input_output_errors_to_the_end_change_no_exit_code(repository, drive, tmp_path):
    trouble = Trouble(tmp_path, repository.root)
    driven = drive(env=trouble.env)
    driven("log", 10, "before")
    until((repository.root / "1" / "metrics.jsonl").exists)
    trouble.begin("EIO")
    driven("log", 100, "failing")
    code, seconds = driven.end(7)
    assert code == 7 and seconds < 8
    folder = repository.root / "1"
    read_all(folder)
    assert (folder / "STATUS").read_text() == "RUNNING"
    assert not [name for name in os.listdir(folder) if name.startswith(".")]
    assert len(driven.warnings) == 1


def test_short_writes_are_continued(repository, drive, tmp_path):
    trouble = Trouble(tmp_path, repository.root)
    driven = drive(env=trouble.env)
    folder = repository.root / "1"
    trouble.begin("short")
    driven("log", 300, "short")
    driven("show", 30, "short")
    driven("summary", 1, text="x" * 500)
    assert driven.end(0)[0] == 0
    assert numbers(folder, "short") == list(range(300))
    assert (folder / "stdout").read_bytes() == driven.out
    found = read_all(folder)
    assert found["summary.json"] == {"text": "x" * 500}
    assert "problems" not in found["metadata.json"]
    assert driven.warnings == []


def test_strict_raises_where_the_program_can_see_it(disk, drive):
    root = disk.path / "experiments"
    driven = drive(experiments_directory=str(root), env=disk.env, strict=True)
    driven("log", 10, "before")
    disk.fill()
    driven.tell("log", 1000, "full", 0.01)
    driven.process.wait(PATIENCE)
    driven.out, err = driven.process.communicate()
    driven.err = err.decode()
    driven.replies.close()
    assert driven.process.returncode == 1
    last = driven.err.splitlines()[-1]
    assert last.startswith(f"meticulous.errors.StorageError: Cannot write {root / '1'}")
    assert "No space left on device" in last and "strict=False" in last
    assert (root / "1" / "STATUS").read_text().startswith("ERROR\nTraceback")
