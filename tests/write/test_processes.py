"""Children own nothing and cannot hurt the record; threads and tasks lose nothing."""

from __future__ import annotations

import ast
import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from lifecycle_tools import Outcome, Project, outcome_of, wait_for

from meticulous import Experiment, SettingError

METHODS = ("fork", "spawn", "forkserver")
QUIET = ("-W", "ignore::DeprecationWarning")  # Python 3.12 warns of forks beside threads


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Project:
    return Project(tmp_path_factory.mktemp("processes"), "processes.py")


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path / "processes", "processes.py", "module_level.py")


def run(project: Project, case: str, *more: str, method: str = "fork", **options) -> Outcome:
    command = (sys.executable, *QUIET, "processes.py", case, *more)
    return outcome_of(project.popen(*command, env={"METHOD": method}, **options))


def rows(project: Project, name: str) -> list[dict]:
    return [json.loads(line) for line in project.text(name, "metrics.jsonl").splitlines()]


def check_untouched(project: Project, name: str) -> None:
    """As the parent left it: no trace of what children asked for."""
    assert project.text(name) == "SUCCESS"
    files = {path.name for path in (project.root / name).iterdir()}
    assert not files & {"summary.json", "annotations.json", "files.jsonl"}
    assert len(project.metadata(name)["sessions"]) == 1
    assert all(row["step"] >= 0 for row in rows(project, name))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ["children", "pools", "loader"])
def test_children_of_multiprocessing_record_nothing_and_change_nothing(shared, case, method):
    outcome = run(shared, case, method=method)
    assert outcome.code == 0, outcome.err.decode()
    check_untouched(shared, f"{case}-{method}")
    assert shared.ids() == []  # none of those that children asked for
    lines = outcome.out.decode().splitlines()
    inert, started = (True, True), (True, ".")
    if case == "children":
        told = [line for line in lines if line != "printed by the child"]
        assert ast.literal_eval(told[0]) == [inert, started]
        assert told[1:] == ["3", "1"]
        assert outcome.err.endswith(b"\nValueError: in a child\n")
        assert [row["loss"] for row in rows(shared, f"{case}-{method}")] == [1, 2]
    elif case == "pools":
        assert ast.literal_eval(lines[0]) == [inert] * 4
        assert ast.literal_eval(lines[1]) == started
        assert lines[2] == f"{[inert] * 4} {started}"
    else:
        assert lines == ["0"] * 3
        batches = [row["batch"] for row in rows(shared, f"{case}-{method}")]
        assert sorted(batches) == [2 * step for step in range(60)]


@pytest.mark.parametrize("method", METHODS)
def test_the_main_module_may_start_its_experiment_at_the_top(project, method):
    process = project.popen(sys.executable, *QUIET, "module_level.py", env={"METHOD": method})
    outcome = outcome_of(process)
    assert outcome.code == 0, outcome.err.decode()
    assert outcome.out.decode() == "[(0, True), (1, True), (4, True)]\n"
    assert project.ids() == ["1"]
    assert [row.get("done") for row in rows(project, "1")] == [1]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ["none_open", "none_open_any_more", "none_open_after_children"])
def test_children_of_a_program_without_an_open_experiment_record_their_own(project, case, method):
    outcome = run(project, case, method=method)
    assert outcome.code == 0, outcome.err.decode()
    assert set(outcome.out.split()) == {b"0"}
    assert project.ids() == ["1"]
    assert project.text("1") == "SUCCESS"
    assert [row["loss"] for row in rows(project, "1")] == [1]
    assert "parent" not in project.metadata("1")


def test_a_child_that_outlives_its_parent_changes_nothing(shared, tmp_path):
    told = tmp_path / "told"
    outcome = run(shared, "outlived", str(told))
    assert outcome.code == 0
    assert wait_for(lambda: told.exists() and told.read_text(), "the child") == "true"
    check_untouched(shared, "outlived-fork")


def test_two_thousand_forks_beside_threads_that_log(shared):
    outcome = run(shared, "forks", "2000")
    assert outcome.code == 0, outcome.err.decode()
    logged = json.loads(outcome.out)
    assert outcome.err == b"a child\n" * 200
    check_untouched(shared, "forks-fork")
    assert shared.text("forks-fork", "stderr") == ""
    seen: dict[str, list[int]] = {}
    for row in rows(shared, "forks-fork"):
        assert row.keys() - {"step", "time"}
        for name in row.keys() - {"step", "time"}:
            seen.setdefault(name, []).append(row["step"])
    assert seen == {f"loss-{thread}": list(range(count)) for thread, count in logged.items()}


def test_threads_and_tasks_lose_no_row(shared):
    for case, name, many, steps in (("threads", "thread", 8, 2000), ("tasks", "task", 50, 20)):
        assert run(shared, case).code == 0
        seen = Counter(row[name] for row in rows(shared, f"{case}-fork"))
        assert seen == dict.fromkeys(range(many), steps)
        for one in range(many):
            mine = [row["step"] for row in rows(shared, f"{case}-fork") if row[name] == one]
            assert mine == list(range(steps))


def test_copies_are_the_experiment_and_what_was_pickled_does_nothing(shared):
    outcome = run(shared, "copies")
    assert outcome.out.decode().splitlines() == [
        "True True",
        "True",
        "True came from another process True",
        "(True, True)",
    ]
    check_untouched(shared, "copies-fork")
    assert shared.text("copies-fork", "note.txt") == "kept in the folder of the experiment"


def test_other_programs_are_started_as_before(shared):
    outcome = run(shared, "other_program")
    assert (outcome.code, outcome.out, outcome.err) == (0, b"6\n", b"")
    check_untouched(shared, "other_program-fork")


def starts(project_directory: Path, monkeypatch, **environment: str) -> str:
    """Why no experiment is started; empty when one is."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    options = {"project_directory": project_directory, "dirty": "allow", "sample_seconds": 0}
    with Experiment({}, capture="off", **options) as experiment:
        assert experiment.norecord == (experiment.inert_reason != "")
    return experiment.inert_reason


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}, ""),
        ({"RANK": "1", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}, "RANK=1"),
        ({"SLURM_PROCID": "0"}, ""),
        ({"SLURM_PROCID": "3"}, "SLURM_PROCID=3"),
        ({"OMPI_COMM_WORLD_RANK": "2"}, "OMPI_COMM_WORLD_RANK=2"),
        ({"PMI_RANK": "1"}, "PMI_RANK=1"),
        ({"PMIX_RANK": "1"}, "PMIX_RANK=1"),
        ({"RANK": "0", "SLURM_PROCID": "1"}, ""),
        ({"RANK": "5", "SLURM_PROCID": "0"}, "RANK=5"),
        ({"RANK": "", "SLURM_PROCID": "1"}, "SLURM_PROCID=1"),
        ({"RANK": "first"}, ""),
        ({"RANK": "-1"}, ""),
        ({"LOCAL_RANK": "1"}, ""),
        ({"RANK": "1", "METICULOUS_RANKS": "all"}, ""),
        ({"SLURM_PROCID": "7", "METICULOUS_RANKS": "all"}, ""),
        ({"RANK": "1", "METICULOUS_RANKS": "first"}, "RANK=1"),
    ],
)
def test_only_rank_0_makes_an_experiment(tmp_path, monkeypatch, environment, reason):
    assert starts(tmp_path, monkeypatch, **environment) == reason
    assert (tmp_path / "experiments" / "1").exists() == (reason == "")


def test_a_wrong_word_for_ranks_is_refused(tmp_path, monkeypatch):
    with pytest.raises(SettingError, match="METICULOUS_RANKS"):
        starts(tmp_path, monkeypatch, METICULOUS_RANKS="second")


def test_four_ranks_at_once_make_one_experiment(project):
    project.program(
        """
        import sys
        from meticulous import Experiment

        experiment = Experiment({"rank": sys.argv[1]})
        experiment.log({"loss": 1})
        print(experiment.norecord)
        sys.exit(int(sys.argv[1]))
        """
    )
    ranks = [
        project.popen(sys.executable, "train.py", str(rank), env={"RANK": str(rank)})
        for rank in range(4)
    ]
    outcomes = [outcome_of(process) for process in ranks]
    assert [outcome.code for outcome in outcomes] == [0, 1, 2, 3]
    assert [outcome.out for outcome in outcomes] == [b"False\n"] + [b"True\n"] * 3
    assert project.ids() == ["1"]
    assert json.loads(project.text("1", "args.json")) == {"rank": "0"}
    assert project.text("1") == "SUCCESS"
