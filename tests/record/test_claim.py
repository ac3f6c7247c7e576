"""A number is given once, to one process, whatever the file system does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from meticulous import Experiment, Experiments, SettingError, StorageError, _folder

PROGRAMS = Path(__file__).parent.parent / "programs"
SHIM = Path(__file__).parent.parent / "shims" / "slow_storage.c"


@pytest.fixture(scope="session")
def slow_storage(tmp_path_factory) -> dict[str, str]:
    """What makes mkdir take half a second, and listings five seconds old, below SLOW_ROOT."""
    assert shutil.which("gcc"), "gcc is needed to imitate a slow file system: install gcc"
    library = tmp_path_factory.mktemp("shim") / "slow_storage.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, SHIM, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "SLOW_MKDIR": "0.5", "SLOW_LISTING": "5"}


def race(root: Path, count: int, env: dict[str, str] | None = None) -> dict:
    done = subprocess.run(
        [sys.executable, PROGRAMS / "racers.py", root, str(count)],
        env={**os.environ, **(env or {})},
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return json.loads(done.stdout)


def check_race(outcome: dict, root: Path, count: int, before: set[str]) -> None:
    assert outcome["codes"] == [0] * count
    ids = {told["id"] for told in outcome["told"]}
    assert len(ids) == count
    assert not ids & before
    now = {name for name in os.listdir(root) if name.isdigit()}
    assert now == before | ids
    check_writers([told["writes"] for told in outcome["told"]])
    assert (root / ".gitignore").read_bytes() == b"*\n"


def check_writers(writes: list[list[tuple[str, bool]]]) -> None:
    """No file has two writers; only the .gitignore is tried by several, who lose to one."""
    seen: set[str] = set()
    for paths in writes:
        for path, exclusive in paths:
            if path.endswith("/.gitignore"):
                assert exclusive
            else:
                assert path not in seen
        seen.update(path for path, _ in paths)
    assert seen


@pytest.mark.parametrize("exists", [False, True], ids=["no root", "with a root"])
def test_200_processes_at_once_get_200_numbers(tmp_path, exists):
    root = tmp_path / "experiments"
    if exists:
        root.mkdir()
    check_race(race(root, 200), root, 200, set())


@pytest.mark.parametrize("exists", [False, True], ids=["no root", "with a root"])
def test_200_processes_at_once_on_a_slow_file_system_with_old_listings(
    tmp_path, slow_storage, exists
):
    root = tmp_path / "deep" / "experiments"
    before: set[str] = set()
    if exists:
        before = {str(number) for number in (1, 2, 3, 5, 8, 13)}
        for name in before:
            (root / name).mkdir(parents=True)
    outcome = race(root, 200, {**slow_storage, "SLOW_ROOT": str(root)})
    check_race(outcome, root, 200, before)
    # Gaps are harmless, but numbers stay of the size of what there is.
    assert max(int(told["id"]) for told in outcome["told"]) < 10_000


def test_40_programs_at_once_on_a_slow_file_system_are_all_recorded(
    repository, tmp_path, slow_storage
):
    shutil.copy(PROGRAMS / "starter.py", repository.path / "starter.py")
    repository.commit("program")
    env = {**slow_storage, "SLOW_ROOT": str(repository.root), "METICULOUS_SAMPLE_SECONDS": "0"}
    reports = [tmp_path / f"report-{number}" for number in range(40)]
    started = [
        repository.start("starter.py", repository.root, report, env=env) for report in reports
    ]
    for process in started:
        out, err = process.communicate(timeout=240)
        assert (process.returncode, out, err) == (0, b"hello\n", b"")
    told = [json.loads(report.read_text()) for report in reports]
    assert len({one["folder"] for one in told}) == 40
    check_writers([one["writes"] for one in told])
    for one in told:
        folder = Path(one["folder"])
        assert folder.parent == repository.root
        assert (folder / "STATUS").read_text() == "SUCCESS"
        assert (folder / "stdout").read_text() == "hello\n"
        metadata = json.loads((folder / "metadata.json").read_text())
        assert metadata["sessions"][0]["pid"] == one["pid"]
        assert len((folder / "metrics.jsonl").read_text().splitlines()) == 1
    assert repository.git("status", "--porcelain") == ""


def test_what_lies_among_the_numbers_is_left_alone(tmp_path, slow_storage):
    root = tmp_path / "experiments"
    root.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (root / "4").write_text("a file\n")
    (root / "5").symlink_to("nowhere")
    (root / "6").symlink_to(tmp_path / "elsewhere")
    (root / "7").symlink_to(root / "4")
    for name in ("007", "1_0", "-5", "+9", " 8", "8.0", "1e3", "٣", "best", "2"):
        (root / name).mkdir()
    os.mkfifo(root / "9")

    def look():
        found = {}
        for path in sorted(root.iterdir()):
            status = path.lstat()
            found[path.name] = (status.st_ino, status.st_mode, status.st_mtime_ns)
        return found

    before = look()
    assert [_folder.claim(str(root)).id for _ in range(3)] == ["10", "11", "12"]
    # Nor are they when an old listing does not show them: then the first numbers are tried.
    outcome = race(root, 1, {**slow_storage, "SLOW_MKDIR": "0", "SLOW_ROOT": str(root)})
    [told] = outcome["told"]
    assert int(told["id"]) not in (2, 4, 5, 6, 7, 9, 10, 11, 12)
    after = look()
    assert {name: after[name] for name in before} == before
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_unreadable_or_unwritable_root_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "experiments"):
        with pytest.raises(StorageError, match="file"):
            _folder.prepare_root(str(root))
    with pytest.raises(StorageError, match="absent"):
        _folder.claim(str(tmp_path / "absent"))


def remove(root: Path, number: str) -> None:
    shutil.rmtree(root / number)


def trash(root: Path, number: str) -> None:
    (root / ".trash").mkdir(exist_ok=True)
    (root / number).rename(root / ".trash" / number)


def trash_without_the_mark(root: Path, number: str) -> None:
    trash(root, number)
    shutil.rmtree(root / ".highest")


def trash_and_purge(root: Path, number: str) -> None:
    trash(root, number)
    shutil.rmtree(root / ".trash")


def remove_all(root: Path, number: str) -> None:
    for path in root.iterdir():  # rm -r experiments/*
        if not path.name.startswith("."):
            shutil.rmtree(path)


def keep_without_the_mark(root: Path, number: str) -> None:
    shutil.rmtree(root / ".highest")


@pytest.mark.parametrize(
    "lose",
    [remove, trash, trash_without_the_mark, trash_and_purge, remove_all, keep_without_the_mark],
)
def test_a_number_is_never_given_again(tmp_path, lose):
    root = tmp_path / "experiments"
    _folder.prepare_root(str(root))
    for expected in range(1, 8):
        number = _folder.claim(str(root)).id
        assert number == str(expected)
        if expected >= 3:
            lose(root, number)


def test_a_number_that_was_asked_for_is_not_given_again_either(tmp_path):
    root = tmp_path / "experiments"
    _folder.prepare_root(str(root))
    _folder.claim(str(root), "50")
    remove(root, "50")
    assert _folder.claim(str(root)).id == "51"
    _folder.claim(str(root), "7")
    remove(root, "7")
    remove(root, "51")
    assert _folder.claim(str(root)).id == "52"


def test_a_start_that_died_after_mkdir_blocks_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "experiments"
    _folder.prepare_root(str(root))
    pid = os.fork()
    if pid == 0:
        _folder.claim(str(root))
        os._exit(0)
    os.waitpid(pid, 0)
    assert list((root / "1").iterdir()) == []
    with Experiment({}, dirty="allow", sample_seconds=0) as experiment:
        assert Path(experiment.curexpdir) == root / "2"
    found = Experiments(tmp_path)
    assert list(found) == ["1", "2"]
    assert [found[name].status for name in found] == ["UNKNOWN", "SUCCESS"]


def test_an_id_that_was_asked_for_is_one_folder_below_the_root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for wrong in ("../out", "a/b", "/tmp/x", "..", ".", " ", "a\0b", "nul", "x" * 300, "a\nb"):
        with pytest.raises(SettingError):
            Experiment({}, experiment_id=wrong, dirty="allow")
    assert not (tmp_path / "experiments").exists()
    for right, name in (("best", "best"), (7, "7"), ("ünïcode", "ünïcode"), ("a.b-c_d", "a.b-c_d")):
        with Experiment({}, experiment_id=right, dirty="allow", sample_seconds=0) as experiment:
            assert Path(experiment.curexpdir) == tmp_path / "experiments" / name


def test_named_experiments_make_an_experiments_folder_too(tmp_path, monkeypatch):
    """A later start in a sub-folder finds it, and git does not see it."""
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    with Experiment({}, experiment_id="best", dirty="allow", sample_seconds=0):
        pass
    (tmp_path / "experiments" / ".gitignore").unlink()
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    with Experiment({}, dirty="allow", sample_seconds=0) as experiment:
        assert Path(experiment.curexpdir) == tmp_path / "experiments" / "1"
    assert (tmp_path / "experiments" / ".gitignore").read_bytes() == b"*\n"


def calls_of_a_start(project: Path, numbers: list[int]) -> list[str]:
    """What a start asks of the operating system, beside git, when there are such experiments.

    In a process of its own: a start counts its threads, and pytest's come and go.
    """
    root = project / "experiments"
    for number in numbers:
        (root / str(number)).mkdir(parents=True)
        for name in ("STATUS", "args.json"):
            (root / str(number) / name).write_text("{}")
    done = subprocess.run(
        [sys.executable, PROGRAMS / "calls_of_a_start.py", project],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    told = json.loads(done.stdout)
    assert Path(told["folder"]) == root / str(max(numbers) + 1)
    return told["calls"]


def test_a_start_costs_the_same_with_1500_experiments_up_to_a_million(tmp_path):
    few = calls_of_a_start(tmp_path / "few", [1, 2, 3])
    many = calls_of_a_start(tmp_path / "many", [*range(1, 1500), 10**6])
    assert len(few) > 20
    assert sorted(few) == sorted(many)
