"""``meticulous diff``: what explains the difference, on experiments that were really recorded."""

import json
import os
import re

import pytest

from cli import command
from conftest import Repository
from read.records import snapshot, write_record

PROGRAM = """
import sys
from meticulous import Experiment

dirty, lr = sys.argv[1], float(sys.argv[2])
with Experiment({"lr": lr}, {"lr": 0.1}, dirty=dirty) as experiment:
    experiment.record_input("data.txt")
    for step in range(4):
        experiment.log({"loss": 1.0 if step < 2 else lr}, step=step)
    experiment.summary({"acc": lr, "kind": "digits"})
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """1 clean, 2 a snapshot on the same commit, 3 the next commit and other data, 4 as 3,
    5 with changes that were not recorded, 6 on a commit that a rebase and gc took away.
    """
    repository = Repository(tmp_path_factory.mktemp("diff") / "project")
    repository.write("data.txt", "one\n")
    repository.program(PROGRAM)

    def record(dirty, lr):
        done = repository.run("train.py", dirty, lr)
        assert done.returncode == 0, done.stderr.decode()

    record("refuse", "0.1")
    repository.write("train.py", f"import os\n{PROGRAM}")
    record("snapshot", "0.1")
    repository.write("data.txt", "two\x1b[2J\n")
    repository.commit("use \x1b[31mos\x1b[0m")
    record("refuse", "0.2")
    record("refuse", "0.2")
    repository.write("README", "changed\n")
    record("allow", "0.2")
    repository.write("lost.py", "lost\n")
    lost = repository.commit("to be lost")
    record("refuse", "0.2")
    repository.write("train.py", f"import re\n{PROGRAM}")
    record("snapshot", "0.2")
    repository.git("reset", "-q", "--hard", "HEAD~1")
    for ref in repository.git("for-each-ref", "--format=%(refname)", "refs/meticulous").split():
        if lost in repository.git("rev-list", ref):
            repository.git("update-ref", "-d", ref)
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "-q", "--prune=now")
    return repository


def told(capfd, repository, *argv):
    code, out, err = command.run(capfd, "diff", "--project-directory", repository.path, *argv)
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    return out


def test_the_first_line_says_what_differs_and_the_rest_only_that(recorded, capfd):
    before = snapshot(recorded.path)
    out = told(capfd, recorded, "1", "3")
    assert out.splitlines()[0] == (
        "1 and 3 differ in: code (2 files), args (1), inputs (1), command (1), summary (1), "
        "metrics (1)"
    )
    assert re.search(r"^ +\+ \w{7} use os$", out, re.MULTILINE)
    assert re.search(r"train\.py +\+1 -0$", out, re.MULTILINE)
    assert re.search(r"lr +0\.1 +0\.2$", out, re.MULTILINE)
    assert re.search(r"data\.txt +[0-9a-f]{10} +[0-9a-f]{10}$", out, re.MULTILINE)
    assert re.search(r"acc +0\.1 +0\.2 +\+0\.1 \(\+100\.00%\)$", out, re.MULTILINE)
    assert "the curves of loss part at step 2" in out
    assert "kind" not in out
    assert "+import os" not in out
    assert snapshot(recorded.path) == before
    assert "kind" in told(capfd, recorded, "1", "3", "--all")


def test_a_snapshot_is_what_ran_and_its_patch_is_shown_when_asked(recorded, capfd):
    out = told(capfd, recorded, "1", "2", "--code")
    assert out.splitlines()[0] == "1 and 2 differ in: code (1 file)"
    assert "+import os" in out.splitlines()
    assert "commits from" not in out
    # The commit that came after the snapshot has the same program and other data.
    out = told(capfd, recorded, "2", "3", "--patch", "--args")
    assert "+two" in out.splitlines()
    assert "+import os" not in out


def test_the_same_code_is_said_in_a_sentence(recorded, capfd):
    out = told(capfd, recorded, "3", "4", "--code", "--args", "--summary", "--metrics")
    assert out.startswith("3 and 4 do not differ in: code, args, summary, metrics\n")
    assert told(capfd, recorded, "3", "4").startswith("3 and 4 differ in nothing that was recorded")


def test_unrecorded_changes_are_never_called_the_same_code(recorded, capfd):
    out = told(capfd, recorded, "4", "5")
    assert "code (cannot be told)" in out.splitlines()[0]
    assert "5 ran with changes that were not recorded: README" in out
    answer = json.loads(told(capfd, recorded, "4", "5", "--json"))["diff"]
    assert answer["sections"]["code"]["pairs"][0]["same"] is None


def test_without_the_commit_the_recorded_patches_are_compared(recorded, capfd):
    out = told(capfd, recorded, "6", "7", "--code")
    assert "no longer resolve" in out
    assert "code (1 file)" in out.splitlines()[0]
    assert re.search(r"train\.py +changed by 7$", out, re.MULTILINE)
    assert "+import re" in out.splitlines()
    out = told(capfd, recorded, "4", "6")
    assert "code (cannot be told)" in out.splitlines()[0]
    assert re.search(r"commit \w{10} of 6 no longer resolves in ", out)


def test_without_git_the_record_still_tells(recorded, capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    out = told(capfd, recorded, "1", "2", "--patch")
    assert "git cannot tell: The git program was not found" in out
    assert re.search(r"train\.py +changed by 2$", out, re.MULTILINE)
    assert "+import os" in out.splitlines()
    assert "args (1)" in told(capfd, recorded, "1", "3")


def test_programs_get_everything_and_a_missing_value_has_no_key(recorded, capfd):
    answer = json.loads(told(capfd, recorded, "1", "2", "3", "--json", "--patch"))["diff"]
    assert [each["expid"] for each in answer["experiments"]] == ["1", "2", "3"]
    assert answer["experiments"][1]["snapshot"]
    code = answer["sections"]["code"]
    assert [(pair["from"], pair["to"], pair["same"]) for pair in code["pairs"]] == [
        ("1", "2", False),
        ("1", "3", False),
    ]
    assert "+two" in code["pairs"][1]["patch"]
    lr = next(each for each in answer["sections"]["args"]["values"] if each["name"] == "lr")
    assert lr == {"name": "lr", "differs": True, "values": {"1": 0.1, "2": 0.1, "3": 0.2}}
    assert answer["verdict"].startswith("1, 2 and 3 differ in: code (2 files)")


def test_several_experiments_stand_side_by_side_at_any_width(recorded, capfd, monkeypatch):
    for columns in (40, 80, 300):
        monkeypatch.setenv("COLUMNS", str(columns))
        out = told(capfd, recorded, "1-7", "--all")
        assert max(map(len, out.splitlines())) <= columns
        assert "differ in" in out


def test_values_are_shown_as_they_are_and_escapes_do_nothing(tmp_path, capfd, monkeypatch):
    root = tmp_path / "experiments"
    long = "a common beginning that is far too long for the terminal " * 3
    one = {"n": 1, "t": "1", "none": None, "s": "", "x": "\x1b[2Jred", "long": long + "one"}
    other = {"n": 1.0, "t": 1, "none": "None", "x": "blue\nline", "long": long + "two"}
    write_record(root, "1", args=one, description="first\x1b]0;title\x07")
    write_record(root, "2", args=other)
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = command.run(capfd, "diff", "1", "2", "--experiments-directory", root, "--args")
    assert code == 0
    assert "\x1b" not in out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}
    assert rows["n"] == ["1", "1.0"]
    assert rows["t"] == ["'1'", "1"]
    assert rows["none"] == ["None", "'None'"]
    assert rows["s"] == ["''", "-"]
    assert "'blue\\nline'" in out
    assert re.search(r"^ +1 +\.\.\..*one$", out, re.MULTILINE)
    assert re.search(r"^ +2 +\.\.\..*two$", out, re.MULTILINE)


def test_old_experiments_and_stores_without_a_repository_are_compared(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "experiments"
    write_record(root, "1", githead_sha=None)
    write_record(root, "2", githead_sha="--output=/tmp/x", git={"snapshot": "HEAD", "dirty": 1})
    write_record(root, "3")
    code, out, err = command.run(capfd, "diff", "1", "2", "3")
    assert (code, err) == (0, "")
    assert "no commit is recorded of 1" in out
    assert "code (cannot be told)" in out.splitlines()[0]
    code, out, err = command.run(capfd, "diff", "2", "3", "--patch")
    assert (code, err) == (0, "")
    assert "not in a git repository" in out


def test_two_experiments_are_needed(recorded, capfd):
    for ids in (["3"], ["3", "3"], ["all", "--experiments-directory", os.devnull]):
        argv = ["diff", *ids, "--project-directory", recorded.path]
        code, _, err = command.run(capfd, *argv)
        assert code in (1, 2)
        assert len(err.splitlines()) == 1
    code, _, err = command.run(capfd, "diff", "3", "--project-directory", recorded.path)
    assert (code, "needs from 2 to 20" in err) == (2, True)


def test_a_terminal_gets_colours(recorded):
    pexpect = pytest.importorskip("pexpect")
    environment = {**os.environ, "TERM": "xterm"}
    argv = ["-m", "meticulous", "diff", "1", "2", "--patch"]
    child = pexpect.spawn(command.COMMAND[0], argv, cwd=str(recorded.path), env=environment)
    out = child.read()
    child.close()
    assert child.exitstatus == 0
    assert b"\x1b[32m+import os\x1b[0m" in out
