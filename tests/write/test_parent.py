"""A recorded program that starts a recorded program: two experiments, and a link."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from lifecycle_tools import Project, outcome_of, wait_for


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = Project(tmp_path_factory.mktemp("parents"), "chain.py")
    for case in ("3", "sequence", "in_children"):
        command = (sys.executable, "-W", "ignore::DeprecationWarning", "chain.py", case)
        outcome = outcome_of(project.popen(*command))
        assert (outcome.code, outcome.err) == (0, b"")
        project.root.rename(project.path / f"experiments-{case}")
    return project


def parents(project: Project, case: str) -> dict[str, str | None]:
    found = {}
    for folder in (project.path / f"experiments-{case}").glob("[a-z]*"):
        parent = json.loads((folder / "metadata.json").read_text()).get("parent")
        found[folder.name] = parent and parent["id"]
        if parent:
            assert parent.keys() == {"id", "folder"}
            assert not os.path.isabs(parent["folder"])
            assert (folder / parent["folder"]).resolve() == folder.parent / parent["id"]
        assert (folder / "STATUS").read_text() == "SUCCESS"
    return found


def test_each_program_of_a_chain_knows_who_started_it(project):
    assert parents(project, "3") == {
        "depth-3": None,
        "depth-2": "depth-3",
        "depth-1": "depth-2",
        "depth-0": "depth-1",
    }


def test_nothing_leaks_from_an_experiment_that_has_ended(project):
    assert parents(project, "sequence") == {
        "first": None,
        "in-first": "first",
        "after-first": None,
        "outer": None,
        "inner": None,
        "in-inner": "inner",
        "still-in-inner": "inner",
        "after-all": None,
        "last": None,
        "hidden": None,
        "at-the-end": None,
    }


def test_a_program_that_a_child_process_started_is_linked_too(project):
    assert parents(project, "in_children") == {
        "outer": None,
        "in-fork": "outer",
        "in-spawn": "outer",
        "in-forkserver": "outer",
        "in-a-shell": None,
    }


def test_the_parent_may_be_in_another_project_and_may_be_gone(make_repository):
    inner, outer = make_repository("inner"), make_repository("outer")
    inner.program(
        """
        import os, sys, time
        from meticulous import Experiment

        while os.getppid() == int(sys.argv[1]):
            time.sleep(0.01)
        with Experiment({}, project_directory=os.path.dirname(os.path.abspath(__file__))):
            pass
        open(sys.argv[2], "w").close()
        """
    )
    outer.program(
        """
        import os, subprocess, sys
        from meticulous import Experiment

        with Experiment({}) as experiment:
            subprocess.Popen([sys.executable, *sys.argv[1:2], str(os.getpid()), sys.argv[2]])
            os._exit(0)
        """
    )
    told = outer.path / "told"
    assert outer.run("train.py", inner.path / "train.py", told).returncode == 0
    wait_for(told.exists, "the inner program")
    metadata = json.loads((inner.root / "1" / "metadata.json").read_text())
    assert metadata["parent"]["id"] == "1"
    folder = Path(inner.root / "1" / metadata["parent"]["folder"]).resolve()
    assert folder == outer.root / "1"


@pytest.mark.parametrize("value", ["", "x", "12", "12:", ":/x", "12:relative", "9999999:/no"])
def test_a_strange_parent_in_the_environment_stops_nothing(make_repository, value):
    repository = make_repository()
    repository.program(
        """
        from meticulous import Experiment
        with Experiment({}):
            pass
        """
    )
    done = repository.run("train.py", env={"METICULOUS_PARENT": value})
    assert (done.returncode, done.stderr) == (0, b"")
    assert (repository.root / "1" / "STATUS").read_text() == "SUCCESS"
