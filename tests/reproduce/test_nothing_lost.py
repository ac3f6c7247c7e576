"""No file of the user's is overwritten or removed, wherever the paths and links of a run lead."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from reproduce.recorded import beside

WRITES = """
    import os, sys
    from meticulous import Experiment
    with Experiment({"path": sys.argv[1]}) as experiment:
        os.makedirs(os.path.dirname(sys.argv[1]) or ".", exist_ok=True)
        open(sys.argv[1], "w").write("written by a program")
        experiment.record_output(sys.argv[1])
    """


def recorded(repository, path):
    """An experiment that wrote a path, at which the user has something else by now."""
    repository.program(WRITES)
    assert repository.run("train.py", path).returncode == 0
    place = repository.path / path
    place.write_text("mine")
    return place


@pytest.mark.parametrize("more", [(), ("--set", "lr=3"), ("--", "--verbose")])
def test_a_relative_path_out_of_the_repository_is_seen(repository, meticulous, tmp_path, more):
    place = recorded(repository, "../up.txt")
    code, _, err = meticulous("reproduce", "1", *more)
    assert code == 2 and "It would overwrite what it wrote outside of the repository" in err
    assert place.read_text() == "mine"


def test_a_relative_path_is_followed_from_where_it_is_run_again(
    repository, meticulous, tmp_path_factory
):
    place = recorded(repository, "../up.txt")
    place.unlink()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    other = elsewhere / "up.txt"
    other.write_text("mine, too")
    code, _, err = meticulous("reproduce", "1", "--in", str(elsewhere / "code"))
    assert code == 2 and "It would overwrite" in err
    assert other.read_text() == "mine, too" and beside(repository) == []


@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_that_leads_out_of_the_repository_is_seen(
    repository, meticulous, tmp_path_factory, absolute
):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    target = elsewhere if absolute else os.path.relpath(elsewhere, repository.path)
    (repository.path / "out").symlink_to(target)
    repository.git("add", "out")
    recorded(repository, "out/x.txt")
    code, _, err = meticulous("reproduce", "1")
    assert code == 2 and "out/x.txt" in err
    assert (elsewhere / "x.txt").read_text() == "mine"
    (elsewhere / "x.txt").unlink()
    assert meticulous("reproduce", "1")[0] in (0, 4)


def test_what_lies_in_the_experiments_folder_is_seen(repository, meticulous):
    place = recorded(repository, "experiments/shared/best.txt")
    code, _, err = meticulous("reproduce", "1")
    assert code == 2 and "experiments/shared/best.txt" in err
    assert place.read_text() == "mine"


def test_a_folder_that_is_made_meanwhile_is_left_as_it_is(repository, meticulous, tmp_path):
    """Between the look and git's own start something comes into the place."""
    repository.program(WRITES)
    assert repository.run("train.py", "x.txt").returncode == 0
    place = tmp_path / "mine"
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    real = subprocess.check_output(["which", "git"], text=True).strip()
    git.write_text(
        f'#!/bin/sh\ncase "$*" in *"worktree add"*) echo precious > {place}/thesis.txt;; esac\n'
        f'exec {real} "$@"\n'
    )
    git.chmod(0o755)
    path = f"{git.parent}{os.pathsep}{os.environ['PATH']}"
    done = repository.run("-m", "meticulous", "checkout", "1", str(place), env={"PATH": path})
    assert done.returncode == 2 and b"exists and is not empty" in done.stderr
    assert (place / "thesis.txt").read_text() == "precious\n"
    assert len(repository.git("worktree", "list").splitlines()) == 1


def test_of_many_checkouts_into_one_place_one_stays(repository, tmp_path):
    for number in range(300):
        repository.write(f"many/{number}.txt", "x")
    repository.program(WRITES)
    assert repository.run("train.py", "x.txt").returncode == 0
    codes = []
    for attempt in range(4):
        place = tmp_path / f"race{attempt}"

        def check_out(place=place):
            codes.append(repository.run("-m", "meticulous", "checkout", "1", str(place)).returncode)

        threads = [threading.Thread(target=check_out) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(codes[-3:]) == [0, 2, 2]
        assert len(list((place / "many").iterdir())) == 300


def test_a_checkout_may_be_on_another_file_system(repository, meticulous):
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == repository.path.stat().st_dev:
        pytest.skip("there is no other file system here")
    repository.program(WRITES)
    assert repository.run("train.py", "x.txt").returncode == 0
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        code, _, err = meticulous("checkout", "1", f"{folder}/clone", "--clone")
        assert (code, err) == (0, "") or code == 0
        assert Path(folder, "clone", "train.py").exists()


def test_gits_own_folder_is_neither_taken_nor_written_into(repository, meticulous):
    repository.program(WRITES)
    assert repository.run("train.py", "x.txt").returncode == 0
    code, _, err = meticulous("reproduce", "1", "--with", ".git", "--dry-run")
    assert code == 2 and "is git's own, and is not taken" in err
    code, _, err = meticulous("checkout", "1", ".git/foo")
    assert code == 2 and "is within git's own folder" in err
    assert len(repository.git("worktree", "list").splitlines()) == 1
    assert beside(repository) == []


def test_a_lone_dash_is_an_unknown_argument(repository, meticulous):
    code, _, err = meticulous("run", "-", "--", "echo", "x")
    assert code == 2 and err.count("\n") == 1 and "-" in err
