"""A tracked program inside `meticulous run` records into that experiment: one folder for both."""

from __future__ import annotations

import json
import signal
import sys

import pytest
from lifecycle_tools import Project, outcome_of, wait_for

RUN = (sys.executable, "-m", "meticulous", "run")
PROGRAM = (sys.executable, "attached.py")


class Attached(Project):
    def run(self, *words: str, options: tuple[str, ...] = (), **more):
        outcome = outcome_of(self.popen(*RUN, *options, "--", *words, **more))
        return outcome.code, outcome.out.decode(), outcome.err.decode()

    @property
    def last(self) -> str:
        return self.ids()[-1]

    def json(self, name: str, file: str):
        return json.loads(self.text(name, file))

    def hidden(self) -> list[str]:
        return [path.name for path in (self.root / self.last).iterdir() if path.name[0] == "."]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Attached:
    return Attached(tmp_path_factory.mktemp("attached") / "project", "attached.py")


def test_the_first_tracked_program_attaches_and_others_are_children(project):
    words = (*PROGRAM, "two", "--lr", "0.5", "--token", "hunter2hunter2")
    options = ("--name", "outer", "--tag", "o", "--description", "d")
    code, out, err = project.run(*words, options=options)
    assert (code, err) == (0, "")
    assert out == f"folder {project.root / '1'}\n" == project.text(1, "stdout")
    assert project.ids() == ["1", "2", "3"]
    assert project.json("1", "args.json") == {"case": "two", "lr": 0.5, "token": "***"}
    assert project.json("1", "default_args.json") == {"lr": 1.0, "token": ""}
    assert json.loads(project.text(1, "metrics.jsonl"))["loss"] == 0.5
    assert project.json("1", "summary.json") == {"accuracy": 0.9}
    assert project.text(1, "model.txt") == "weights"
    assert json.loads(project.text(1, "files.jsonl"))["path"] == "attached.py"
    annotations = project.json("1", "annotations.json")
    assert (annotations["name"], annotations["tags"]) == ("inner", ["o", "t"])
    assert [note["text"] for note in annotations["notes"]] == ["inside"]
    metadata = project.metadata(1)
    (session,) = metadata["sessions"]
    assert session["ending"] == {"kind": "success", "exit-code": 0}
    assert session["attached"]["pid"] != session["pid"]
    assert session["attached"]["argv"][-1] == "***"
    assert metadata["description"] == "d"
    assert {"args.token", "argv[6]", "command[6]"} <= set(metadata["redacted"])
    assert "parent" not in metadata and "problems" not in metadata
    environment = project.json("1", "environment.json")
    assert (environment["program"], bool(environment["packages"])) == ("attached.py", True)
    for name in ("2", "3"):
        assert project.metadata(name)["parent"] == {"id": "1", "folder": "../1"}
        assert project.text(name) == "SUCCESS"
    assert project.text(1) == "SUCCESS"
    assert project.hidden() == []
    assert not list((project.root / "1").glob(".*"))


def test_two_tracked_programs_of_a_shell_are_two_experiments(project):
    line = f"{sys.executable} attached.py one a && {sys.executable} attached.py one b"
    assert project.run("sh", "-c", line) == (0, "", "")
    first, second = project.ids()[-2:]
    assert project.json(first, "args.json") == {"word": "a"}
    assert project.json(second, "args.json") == {"word": "b"}
    assert project.metadata(first)["description"] == "a a"
    assert project.metadata(second)["parent"]["id"] == first


def test_a_run_within_a_run_is_an_experiment_of_its_own(project):
    assert project.run(*RUN, "--", *PROGRAM, "one") == (0, "", "")
    outer, inner = project.ids()[-2:]
    assert project.metadata(inner)["parent"]["id"] == outer
    assert "attached" not in project.metadata(outer)["sessions"][0]
    assert project.json(inner, "args.json") == {"word": "one"}


def test_what_was_guessed_stays_when_the_program_says_nothing(project):
    assert project.run(*PROGRAM, "plain", "--depth", "3") == (0, "", "")
    assert project.json(project.last, "args.json") == {"depth": 3}


@pytest.mark.parametrize(
    ("case", "code", "status", "ending"),
    [
        ("fails", 1, "ERROR", {"kind": "error", "exit-code": 1}),
        ("swallowed", 0, "ERROR", {"kind": "error", "exit-code": 0}),
        ("exits", 4, "ERROR", {"kind": "error", "exit-code": 4}),
        ("finished", 0, "EARLY", {"kind": "finished", "exit-code": 0, "status": "EARLY"}),
        ("killed", -signal.SIGTERM, "ERROR", {"kind": "terminated", "signal": "SIGTERM"}),
    ],
)
def test_the_status_is_the_kernels_and_the_reason_the_programs(project, case, code, status, ending):
    assert project.run(*PROGRAM, case)[0] == code
    text = project.text(project.last)
    assert text.partition("\n")[0] == status
    found = project.metadata(project.last)["sessions"][0]["ending"]
    if case in ("fails", "swallowed"):
        assert "Traceback" in text and text.rstrip().endswith("ValueError: too big a step")
        assert found.pop("exception") == "ValueError: too big a step"
        assert "too big a step" in project.text(project.last, "stderr")
    assert found == ending
    assert project.hidden() == []


def test_resuming_inside_has_no_effect_and_is_noted(project):
    code, out, err = project.run(*PROGRAM, "resumed")
    assert (code, out, err) == (0, f"{project.last}\n", "")
    session = project.metadata(project.last)["sessions"][0]
    assert session["attached"]["ignored"] == ["resume", "experiment_id"]


def test_norecord_inside_and_other_ranks_do_not_attach(project):
    assert project.run(*PROGRAM, "one", "--norecord", env={"METICULOUS_RANKS": "all"})[0] == 0
    assert project.run("env", "SLURM_PROCID=1", *PROGRAM, "one")[0] == 0
    assert "attached" not in project.metadata(project.last)["sessions"][0]
    assert project.hidden() == []


def test_what_only_the_program_knows_of_its_code_is_judged_by_its_policy(project):
    path = project.write("untracked.py", "x = 1\n")
    try:
        code, _, err = project.run(*PROGRAM, "imports")
        assert code == 1 and "untracked.py" in err
        assert project.text(project.last).startswith("ERROR")
        code, _, err = project.run(*PROGRAM, "imports", options=("--dirty", "snapshot"))
        assert (code, err) == (0, "")
        git = project.metadata(project.last)["git"]
        assert (git["dirty"], git["policy"]) == (True, "snapshot")
        assert [change["path"] for change in git["changes"]] == ["untracked.py"]
        assert "untracked.py" in project.text(project.last, "code.patch")
        assert project.git("show", f"{git['snapshot']}:untracked.py") == "x = 1"
    finally:
        path.unlink()


def test_killed_outside_the_program_goes_on_to_log(project):
    process = project.popen(*RUN, "--capture", "fd", "--", *PROGRAM, "loop")
    wait_for((project.path / "alive").exists, "the program")
    metrics = project.root / project.last / "metrics.jsonl"
    wait_for(metrics.exists, "metrics")
    pid = json.loads((project.root / project.last / ".inside" / "told").read_text())["pid"]
    process.kill()
    process.wait(60)
    try:
        size = metrics.stat().st_size
        wait_for(lambda: metrics.stat().st_size > size, "more metrics")
        assert project.reader(project.last).status == "LOST"
    finally:
        import os

        os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=60)
