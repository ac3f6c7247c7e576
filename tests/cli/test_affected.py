"""`meticulous affected`: which experiments ran a commit, a file, or some lines of it."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from cli.command import run
from conftest import Repository
from read.records import SHA, write_record


class Store:
    """A repository whose experiments are written by hand, and a file with lines that move."""

    def __init__(self, path):
        self.repository = Repository(path / "project")
        self.git = self.repository.git
        self.root = self.repository.root
        self.repository.write(".gitignore", "experiments\n")
        self.count = 0

    def commit(self, lines, message):
        text = "".join(f"{line}\n" for line in lines)
        self.repository.write("src/train.py", text.encode())
        return self.repository.commit(message)

    def record(self, sha, files=("src/train.py",), **git):
        self.count += 1
        git = {"files": list(files), **git} if files is not None else git
        write_record(self.root, str(self.count), githead_sha=sha, git=git)
        return str(self.count)


@pytest.fixture
def store(tmp_path, monkeypatch):
    found = Store(tmp_path)
    monkeypatch.chdir(found.repository.path)
    return found


def affected(capfd, *words):
    """Id to the verdict, of those that are listed."""
    code, out, err = run(capfd, "affected", *words, "--json")
    assert (code, err) == (0, "")
    rows = json.loads(out)["affected"]["experiments"]
    return {row["expid"]: (row["affected"], row["why"]) for row in rows}


def test_a_commit_is_found_through_merges_rebases_and_snapshots(store, capfd):
    base = store.repository.commit("base")
    store.git("checkout", "-q", "-b", "topic")
    bug = store.repository.commit("the bug")
    store.git("checkout", "-q", "main")
    ahead = store.commit(["ahead"], "ahead")
    store.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
    merged = store.git("rev-parse", "HEAD")
    snapshot = store.git("commit-tree", "-p", merged, "-m", "kept", f"{merged}^{{tree}}")
    store.git("checkout", "-q", "-b", "rebased", bug)
    on_top = store.repository.commit("on top")
    store.git("-c", "core.hooksPath=/dev/null", "rebase", "-q", "--force-rebase", ahead)
    rebased = store.git("rev-parse", "HEAD")
    copy = store.git("rev-parse", "HEAD~1")
    assert copy != bug
    ids = [store.record(sha) for sha in (base, bug, ahead, merged, on_top, rebased, None, SHA)]
    dirty = store.record(base, snapshot=snapshot)
    assert ids[-1] == "8"
    yes = dict.fromkeys(("2", "4", "5", dirty), "contains it")
    found = affected(capfd, bug[:12])
    assert {expid for expid, (word, _) in found.items() if word == "yes"} == {*yes, "6"}
    assert {found[expid][1] for expid in yes} == {"contains it"}
    assert found["6"][1] == f"contains it rewritten, as {copy[:10]}"
    assert found["7"] == ("maybe", "it has no commit recorded")
    assert found["8"] == ("maybe", f"its commit {SHA[:10]} is gone")
    assert affected(capfd, copy)["2"][1] == f"contains it rewritten, as {bug[:10]}"
    assert set(affected(capfd, "topic", "--not")) == {"1", "3"}
    assert set(affected(capfd, "topic", "3-5")) == {"4", "5"}
    code, out, _ = run(capfd, "affected", "topic")
    assert out.startswith(f"affected by commit {bug[:10]}: 5 of 9 are, 2 more may be\n")
    code, out, _ = run(capfd, "affected", "topic", "1", "--fail-empty")
    assert code == 3 and "0 of 1 are" in out


def test_of_many_experiments_few_calls_of_git_tell(store, capfd, monkeypatch, tmp_path):
    shas = [store.commit([f"line {number}"], f"number {number}") for number in range(12)]
    for sha in shas:
        store.record(sha)
    log = tmp_path / "calls"
    real = shutil.which("git")
    program = store.repository.write("../bin/git", f'#!/bin/sh\necho >> {log}\nexec {real} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    for word in (shas[5], "src/train.py", "src/train.py:1"):
        log.write_text("")
        affected(capfd, word)
        assert len(log.read_text().splitlines()) <= 6


def test_a_path_is_what_was_imported_and_lines_are_found_where_they_have_moved(
    store, capfd, monkeypatch
):
    bug = ["first = 1", "loss = x / 0", "keep(loss)", "last = 2"]
    sound = store.commit([bug[0], bug[3]], "sound")
    broken = store.commit(bug, "broken")
    moved = store.commit(["import os", "", *bug, "more = 3"], "moved")
    fixed = store.commit([bug[0], "loss = x", "keep(loss)", bug[3]], "fixed")
    for sha in (sound, broken, moved, fixed):
        store.record(sha)
    store.record(broken, files=["other.py"], **{"files-left-out": 3})  # 5
    store.record(broken, files=["other.py"])  # 6
    store.record(broken, files=None)  # 7, from before it was recorded
    store.record(fixed, dirty=True, changes=[{"state": "M", "path": "src/train.py"}])  # 8
    store.record(SHA)  # 9
    store.record(SHA, files=["other.py"])  # 10
    words = ("src/train.py:2-3", "--at", broken)
    found = affected(capfd, *words)
    assert {expid: word for expid, (word, _) in found.items()} == {
        "2": "yes", "3": "yes", "5": "maybe", "7": "maybe", "8": "maybe", "9": "maybe",
    }  # fmt: skip
    assert "has these lines" in found["3"][1]
    assert "changes that are not recorded" in found["8"][1]
    others = affected(capfd, *words, "--not")
    assert set(others) == {"1", "4", "6", "10"}
    assert "has other lines there" in others["4"][1]
    whole = affected(capfd, "src/train.py")
    assert {expid for expid, (word, _) in whole.items() if word == "yes"} == {*"12349"}
    assert "(as in HEAD)" in whole["4"][1] and "(as in HEAD)" not in whole["3"][1]
    assert set(affected(capfd, "src/train.py", "--at", moved)) >= {"3"}
    assert "2" not in affected(capfd, "src/train.py", "--at", moved)
    monkeypatch.chdir(store.repository.path / "src")
    store.repository.write("src/train.py", "\r\n".join(bug).encode())  # as Windows writes it
    assert {e for e, v in affected(capfd, "train.py:2-3").items() if v[0] == "yes"} == {"2", "3"}
    assert set(affected(capfd, "../src")) == set(whole)
    assert set(affected(capfd, "other.py")) == {"5", "6", "7", "10"} - {"7"}


def test_a_file_that_is_no_code_is_told_not_to_be(store, capfd):
    store.record(store.commit(["one"], "a file"))
    store.repository.write("data.csv", "1")
    for words in (["data.csv"], ["data.csv", "--json"], ["--json", "data.csv", "1"]):
        code, out, err = run(capfd, "affected", *words)
        assert (code, err) == (0, "")
        assert ("--json" in words) != ("'meticulous lineage'" in out)
    assert "lineage" not in run(capfd, "affected", "src/train.py", "--not")[1]


def test_what_is_asked_wrongly_is_told_in_one_line(store, capfd):
    sha = store.commit(["one", "", "three"], "a file")
    store.record(sha)
    for words, text in (
        (["src/trian.py"], "Did you mean 'src/train.py'?"),
        (["nothing"], "neither a commit"),
        (["--", "--output=/tmp/x"], "neither a commit"),
        (["src/train.py:9"], "has nothing in lines 9-9"),
        (["src/train.py:2"], "has nothing in lines 2-2"),
        (["src/train.py:3-1"], "no such lines"),
        (["src/train.py", "--at", "nowhere"], "There is no commit 'nowhere'"),
        ([sha, "--at", sha], "Leave it out"),
    ):
        code, out, err = run(capfd, "affected", *words)
        assert (code, out) == (2, "")
        assert text in err and err.count("\n") == 1, err
