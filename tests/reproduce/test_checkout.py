"""``meticulous checkout``: exactly the code that ran, and the user's repository as it was."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from cli.command import COMMAND
from reproduce.recorded import beside, edit_metadata, lose_everything, metadata

TRAIN = "from meticulous import Experiment\n\nwith Experiment({}):\n    pass\n"


def test_a_commit_and_a_snapshot_come_back_and_nothing_of_the_users_changes(
    repository, meticulous, untouched, tmp_path
):
    repository.program(TRAIN)
    repository.write("data.txt", "one\n")
    repository.commit("data")
    repository.write("data.txt", "not recorded\n")
    done = repository.run("train.py", env={"METICULOUS_DIRTY": "allow"})
    assert done.returncode == 0, done.stderr
    repository.write("data.txt", "two\n")
    repository.write("new.txt", "new\n")
    assert repository.run("train.py", env={"METICULOUS_DIRTY": "snapshot"}).returncode == 0
    repository.write("data.txt", "three\n")
    repository.commit("later")
    untouched.begin()

    code, out, err = meticulous("checkout", "1")
    assert (code, err) == (0, "") and "remove it with: git -C" in out
    assert "it ran with changes that were not recorded" in out
    first = tmp_path / "project-1"
    assert first.joinpath("data.txt").read_text() == "one\n"
    untouched(".git/worktrees/")
    code, out, _ = meticulous("checkout", "2", tmp_path / "two", "--json")
    answer = json.loads(out)["checkout"]
    assert code == 0 and answer["commit"] == metadata(repository, 2)["git"]["snapshot"]
    assert tmp_path.joinpath("two", "data.txt").read_text() == "two\n"
    assert tmp_path.joinpath("two", "new.txt").read_text() == "new\n"
    clone = tmp_path / "clone"
    assert meticulous("checkout", "2", clone, "--clone")[0] == 0
    assert clone.joinpath("data.txt").read_text() == "two\n" and clone.joinpath(".git").is_dir()
    lose_everything(type(repository)(clone, init=False))

    for words in (["1"], ["1", str(repository.path)], ["2", str(tmp_path / "two"), "--clone"]):
        code, _, err = meticulous("checkout", *words)
        assert code == 2 and "exists and is not empty" in err
    subprocess.run(answer["remove"], check=True)
    repository.git("worktree", "remove", first)
    untouched()
    assert beside(repository) == ["clone"]


def test_code_that_was_rebased_away_comes_back_as_long_as_its_ref_or_its_patch_is_there(
    repository, meticulous, tmp_path
):
    repository.program(TRAIN)
    base = repository.git("rev-parse", "HEAD")
    repository.write("data.txt", "one\n")
    repository.commit("soon gone")
    repository.write("data.txt", "two\n")
    repository.write("picture.bin", bytes(range(256)))
    assert repository.run("train.py", env={"METICULOUS_DIRTY": "snapshot"}).returncode == 0
    repository.git("checkout", "-q", "--", "data.txt")
    assert repository.run("train.py", env={"METICULOUS_DIRTY": "allow"}).returncode == 0
    (repository.path / "picture.bin").unlink()
    repository.git("tag", "kept")
    repository.git("reset", "-q", "--hard", base)
    lose_everything(repository)
    assert meticulous("checkout", "1")[0] == meticulous("checkout", "2")[0] == 0
    assert tmp_path.joinpath("project-1", "data.txt").read_text() == "two\n"
    for number in "12":
        repository.git("worktree", "remove", tmp_path / f"project-{number}")

    snapshot = metadata(repository, 1)["git"]["snapshot"]
    repository.git("update-ref", "-d", f"refs/meticulous/{snapshot}")
    lose_everything(repository)
    code, _, err = meticulous("checkout", "1")
    assert code == 1 and f"no commit {snapshot}" in err and "(--patch)" in err
    assert meticulous("checkout", "1", "--patch")[0] == 0
    assert tmp_path.joinpath("project-1", "data.txt").read_text() == "two\n"
    assert tmp_path.joinpath("project-1", "picture.bin").read_bytes() == bytes(range(256))
    repository.git("worktree", "remove", "--force", tmp_path / "project-1")

    lost = metadata(repository, 2)["githead-sha"]
    repository.git("clone", "-q", "--bare", ".", tmp_path / "remote")
    repository.git("remote", "add", "origin", tmp_path / "remote")
    repository.git("update-ref", "-d", f"refs/meticulous/{lost}")
    repository.git("tag", "-d", "kept")
    lose_everything(repository)
    code, _, err = meticulous("checkout", "1", "--patch")
    assert code == 1 and "fetch the commit it was based on" in err.lower()
    refs = repository.git("for-each-ref")
    assert meticulous("checkout", "2")[0] == 1 and beside(repository) == ["remote"]
    assert meticulous("checkout", "2", "--fetch")[0] == 0
    pinned = f"{lost} commit\trefs/meticulous/{lost}"
    assert sorted(repository.git("for-each-ref").splitlines()) == sorted(
        [*refs.splitlines(), pinned]
    )
    assert not (repository.path / ".git" / "FETCH_HEAD").exists()


def test_submodules_come_from_this_machine_at_the_commits_they_had(
    repository, make_repository, meticulous, tmp_path
):
    library, deeper = make_repository("library"), make_repository("deeper")
    deeper.write("deep.txt", "deep\n")
    deeper.commit()
    allow = ("-c", "protocol.file.allow=always", "submodule")
    library.git(*allow, "add", "-q", deeper.path, "deeper")
    library.write("code.txt", "one\n")
    library.commit()
    repository.git(*allow, "add", "-q", library.path, "library")
    repository.git(*allow, "update", "-q", "--init", "--recursive")
    repository.program(TRAIN)
    inside = type(repository)(repository.path / "library", init=False)
    inside.write("code.txt", "two\n")
    inside.commit()
    assert repository.run("train.py", env={"METICULOUS_DIRTY": "allow"}).returncode == 0
    inside.write("code.txt", "three\n")
    assert meticulous("checkout", "1")[0] == 0
    there = tmp_path / "project-1"
    assert there.joinpath("library", "code.txt").read_text() == "two\n"
    assert there.joinpath("library", "deeper", "deep.txt").read_text() == "deep\n"
    assert inside.git("status", "--porcelain") == "M code.txt"
    repository.git("worktree", "remove", "--force", there)

    facts = metadata(repository, 1)["git"]
    gone = "0" * 39 + "1"
    facts["submodules"][0]["sha"] = gone
    edit_metadata(repository, 1, git=facts)
    code, _, err = meticulous("checkout", "1")
    assert code == 1 and f"no submodule library at {gone}" in err and not there.exists()
    newer = library.commit("newer")
    facts["submodules"][0]["sha"] = newer
    edit_metadata(repository, 1, git=facts)
    assert meticulous("checkout", "1")[0] == 1
    assert meticulous("checkout", "1", "--fetch")[0] == 0
    assert type(repository)(there / "library", init=False).git("rev-parse", "HEAD") == newer
    assert inside.git("status", "--porcelain") == "M code.txt"


def test_what_a_record_says_never_reaches_git_as_an_option(repository, meticulous, tmp_path):
    repository.program(TRAIN)
    assert repository.run("train.py").returncode == 0
    evil = f"--upload-pack=touch {tmp_path}/evil"
    edit_metadata(repository, 1, githead_sha=evil)
    code, _, err = meticulous("checkout", "1", "--fetch")
    assert code == 1 and "has no commit recorded" in err
    repository.git("config", "core.hooksPath", tmp_path / "hooks")
    hook = tmp_path / "hooks" / "post-checkout"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/evil\n")
    hook.chmod(0o755)
    facts = {"submodules": [{"path": "../../evil", "sha": "1" * 40}, 3], "skipped": "x"}
    head = repository.git("rev-parse", "HEAD")
    edit_metadata(repository, 1, githead_sha=head, git=facts)
    assert meticulous("checkout", "1")[0] == 0
    assert not (tmp_path / "evil").exists()


def test_a_sibling_repository_is_told_with_its_commit_then_and_now(
    repository, make_repository, meticulous, tmp_path
):
    sibling = make_repository("library")
    sibling.write("library.py", "x = 1\n")
    old = sibling.commit()
    repository.program("import library\n" + TRAIN)
    env = {"PYTHONPATH": f"{sibling.path}:{sys.path[0]}:{_source()}"}
    assert repository.run("train.py", env=env).returncode == 0
    code, out, _ = meticulous("checkout", "1")
    assert code == 0 and f"library was at {old[:12]}, as it is now" in out
    sibling.write("library.py", "x = 2\n")
    new = sibling.commit()
    out = meticulous("checkout", "1", tmp_path / "again")[1]
    assert f"library was at {old[:12]}" in out and f"is at {new[:12]} now: its code may" in out


def _source():
    import os

    return os.environ["PYTHONPATH"]


def test_many_check_out_at_once_and_none_meets_a_work_tree_half_made(repository, tmp_path):
    """Git reads the entries of all work trees, and fails at one that is half written."""
    repository.program("from meticulous import Experiment\nExperiment({})\n")
    assert repository.run("train.py").returncode == 0
    started = [
        subprocess.Popen(
            [*COMMAND, "checkout", "1", str(tmp_path / f"copy{number}")],
            cwd=repository.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for number in range(8)
    ]
    said = [process.communicate(timeout=60)[0].decode() for process in started]
    assert [process.returncode for process in started] == [0] * 8, said
    assert all((tmp_path / f"copy{number}" / "train.py").exists() for number in range(8))


def test_options_may_stand_anywhere_and_advice_harms_nothing(repository, meticulous, tmp_path):
    repository.program(TRAIN)
    assert repository.run("train.py").returncode == 0
    clone = tmp_path / "a clone"
    assert meticulous("checkout", "1", "--clone", clone)[0] == 0 and (clone / "train.py").exists()
    full = tmp_path / "full"
    full.mkdir()
    full.joinpath("mine.txt").write_text("mine")
    for directory in (full, full / "mine.txt", repository.path, clone):
        code, _, err = meticulous("checkout", "1", directory)
        assert code == 2 and "Name another directory." in err and "remove" not in err
    assert meticulous("checkout", "1", tmp_path / "a tree")[0] == 0
    code, _, err = meticulous("checkout", "1", tmp_path / "a tree")
    removing = err.strip().partition("remove that work tree: ")[2]
    assert code == 2 and "--force" not in removing
    subprocess.run(removing, shell=True, check=True)
    assert not (tmp_path / "a tree").exists()
    assert " all," not in meticulous("checkout", "--help")[1]


def test_all_of_the_code_comes_back_beside_a_sparse_work_tree(repository, meticulous, tmp_path):
    repository.write("a/one.txt", "1")
    repository.write("b/two.txt", "2")
    repository.program(TRAIN)
    assert repository.run("train.py").returncode == 0
    repository.git("sparse-checkout", "set", "a")
    assert not (repository.path / "b").exists()
    assert meticulous("checkout", "1")[0] == 0
    there = tmp_path / "project-1"
    assert (there / "b" / "two.txt").read_text() == "2"
    assert type(repository)(there, init=False).git("status", "--porcelain") == ""
    assert not (repository.path / "b").exists()
    assert repository.git("sparse-checkout", "list") == "a"


def test_a_partial_or_shallow_clone_gives_what_it_has_and_says_what_it_lacks(
    repository, meticulous, tmp_path, monkeypatch
):
    repository.write("data.txt", "one")
    repository.program(TRAIN)
    assert repository.run("train.py").returncode == 0
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    repository.write("data.txt", "two")
    repository.commit()
    source = f"file://{repository.path}"
    repository.git("clone", "-q", "--filter=blob:none", source, tmp_path / "partial")
    repository.git("clone", "-q", "--depth", "1", source, tmp_path / "shallow")
    experiments = ("--experiments-directory", repository.root)
    monkeypatch.chdir(tmp_path / "partial")
    partial = ("--project-directory", tmp_path / "partial", *experiments)
    code, _, err = meticulous("checkout", "1", tmp_path / "tree", *partial)
    assert code == 1 and "The clone is partial: --fetch gets what it lacks" in err
    code, _, err = meticulous("checkout", "1", "--clone", tmp_path / "tree", *partial)
    assert code == 1 and "is a partial clone, and lacks contents" in err
    code, _, err = meticulous("affected", "data.txt", *partial)
    assert code == 1 and "git fetch --refetch --no-filter" in err
    assert not (tmp_path / "tree").exists()
    assert meticulous("checkout", "1", "--fetch", tmp_path / "tree", *partial)[0] == 0
    assert (tmp_path / "tree" / "data.txt").read_text() == "one"
    assert meticulous("checkout", "1", "--clone", tmp_path / "tree2", *partial)[0] == 0

    shallow = type(repository)(tmp_path / "shallow", init=False)
    assert shallow.run("train.py").returncode == 0
    monkeypatch.chdir(shallow.path)
    assert meticulous("checkout", "1", "--clone", tmp_path / "again")[0] == 0
    assert (tmp_path / "again" / "data.txt").read_text() == "two"
    code, _, err = meticulous("bundle", "1", "-o", tmp_path / "x.tar")
    assert code == 1 and "is a shallow clone" in err and "--unshallow" in err
    assert not list(tmp_path.glob("x.tar*"))


@pytest.fixture
def nested(repository, make_repository):
    """A project with a submodule that is kept under another name, and one inside of that."""
    library, deeper = make_repository("library"), make_repository("deeper")
    for each in (library, deeper):
        each.write(".gitignore", "__pycache__/\n")  # which the program leaves there
    deeper.write("deep.py", "x = 1\n")
    deeper.commit()
    allow = ("-c", "protocol.file.allow=always", "submodule")
    library.git(*allow, "add", "-q", "--name", "odd", deeper.path, "deeper")
    library.write("code.py", "x = 1\n")
    library.commit()
    repository.git(*allow, "add", "-q", "--name", "a/name", library.path, "the library")
    repository.git(*allow, "update", "-q", "--init", "--recursive")
    repository.program(
        "import sys\nsys.path[:0] = ['the library', 'the library/deeper']\nimport code, deep\n"
        + TRAIN
    )
    assert repository.run("train.py").returncode == 0
    return repository


def test_submodules_come_from_what_git_keeps_of_them(nested, meticulous, tmp_path):
    nested.git("mv", "the library", "moved")
    nested.commit()
    nested.git("submodule", "deinit", "-q", "-f", "--all")
    code, out, err = meticulous("checkout", "1")
    assert code == 0, err
    there = tmp_path / "project-1" / "the library"
    assert (there / "code.py").exists() and (there / "deeper" / "deep.py").exists()
    # The one inside was recorded as a repository of its own, and is what it was.
    assert "deeper was at" not in out
    nested.git("worktree", "remove", "--force", tmp_path / "project-1")
    shutil.rmtree(nested.path / ".git" / "modules" / "a" / "name" / "modules")
    code, _, err = meticulous("checkout", "1")
    assert code == 1 and "no submodule the library/deeper at" in err
    assert "'git submodule update --init --recursive'" in err and "bundle" not in err
    assert "project-1" not in beside(nested)


def test_a_submodule_inside_of_one_at_another_commit_is_told(nested, meticulous):
    inside = type(nested)(nested.path / "the library" / "deeper", init=False)
    inside.write("deep.py", "x = 2\n")
    new = inside.commit()
    assert nested.run("train.py", env={"METICULOUS_DIRTY": "allow"}).returncode == 0
    out = meticulous("checkout", "2")[1]
    assert f"deeper was at {new[:12]}; the library/deeper is at" in out


def test_commits_of_submodules_are_pinned_and_looked_for(nested, meticulous, capfd):
    inside = type(nested)(nested.path / "the library", init=False)
    inside.git("checkout", "-q", "-b", "work")
    inside.write("code.py", "x = 2\n")
    lost = inside.commit()
    nested.commit()
    assert nested.run("train.py").returncode == 0
    inside.git("checkout", "-q", "main")
    inside.git("branch", "-q", "-D", "work")
    lose_everything(inside)
    nested.git("reset", "-q", "--hard", "HEAD~1")
    assert meticulous("checkout", "2")[0] == 0
    code, out, _ = meticulous("verify", "--code")
    assert code == 0 and "4 of 4 commits whole" in out
    inside.git("update-ref", "-d", f"refs/meticulous/{lost}")
    lose_everything(inside)
    code, out, _ = meticulous("verify", "--code")
    assert code == 1 and "3 of 4 commits whole, 1 lost" in out
    assert f"2  lost  {lost[:12]}  submodule the library" in out


def test_a_shallow_submodule_is_enough(repository, make_repository, meticulous, tmp_path):
    library = make_repository("library")
    library.write("code.txt", "one")
    library.commit()
    allow = ("-c", "protocol.file.allow=always", "submodule")
    repository.git(*allow, "add", "-q", "--depth", "1", f"file://{library.path}", "library")
    repository.program(TRAIN)
    assert repository.run("train.py").returncode == 0
    assert meticulous("checkout", "1")[0] == 0
    assert (tmp_path / "project-1" / "library" / "code.txt").read_text() == "one"
