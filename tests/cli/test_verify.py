"""``meticulous verify``: which commits, files and folders are still whole."""

import json
import os
import re
import shutil
import time

import pytest

from cli import command
from read.records import SHA, snapshot, write_record

PROGRAM = """
import sys
from meticulous import Experiment

with Experiment(dirty=sys.argv[1]) as experiment:
    for path in sys.argv[2:]:
        experiment.record_input(path)
    with experiment.open("model.bin", "w") as file:
        file.write("weights")
    experiment.record_output(experiment.curexpdir + "/model.bin")
"""


@pytest.fixture
def project(repository, monkeypatch):
    repository.program(PROGRAM)
    monkeypatch.chdir(repository.path)
    return repository


def record(project, dirty="refuse", *inputs):
    done = project.run("train.py", dirty, *inputs)
    assert done.returncode == 0, done.stderr.decode()


def verify(capfd, *argv):
    code, out, err = command.run(capfd, "verify", *argv)
    assert err == ""
    return code, out


def parts(capfd, *argv):
    code, out = verify(capfd, *argv, "--json")
    answer = json.loads(out)["verify"]
    assert code == (0 if answer["whole"] else 1)
    return {part["part"]: part for part in answer["parts"]}


def found(part):
    return {(each["what"], each["state"]): each["experiments"] for each in part["findings"]}


def refs(project):
    return project.git("for-each-ref", "--format=%(refname)", "refs/meticulous").splitlines()


def test_all_is_whole_right_after_recording(project, capfd):
    project.write("data/a.txt", "a")
    project.commit()
    record(project, "refuse", "data", "data/a.txt")
    project.write("README", "changed\n")
    record(project, "snapshot")
    before = snapshot(project.path)
    code, out = verify(capfd)
    assert code == 0, out
    assert out.splitlines()[2:] == [
        "code     100%  2 of 2 commits whole",
        "inputs   100%  2 of 2 files whole",
        "outputs  100%  2 of 2 files whole",
        "folders  100%  2 of 2 folders whole",
    ]
    assert snapshot(project.path) == before


def test_commits_that_were_lost_and_those_that_nothing_pins_are_told_apart(project, capfd):
    record(project)
    project.write("README", "changed\n")
    record(project, "snapshot")
    made = refs(project)
    head = project.git("rev-parse", "HEAD")
    kept = next(ref.rpartition("/")[2] for ref in made if head not in ref)
    project.git("update-ref", "-d", f"refs/meticulous/{head}")
    assert verify(capfd, "--code")[0] == 0  # the snapshot keeps the commit that it was taken on
    assert parts(capfd, "--code")["code"]["findings"] == []
    project.git("update-ref", "-d", f"refs/meticulous/{kept}")
    assert found(parts(capfd, "--code")["code"]) == {
        (head[:12], "unpinned"): ["1", "2"],
        (kept[:12], "unpinned"): ["2"],
    }
    project.git("gc", "-q", "--prune=now")
    for expid, sha in (("7", SHA), ("8", SHA), ("9", "--output=x"), ("10", None)):
        write_record(project.root, expid, githead_sha=sha)
    code, out = verify(capfd, "--code")
    part = parts(capfd, "--code")["code"]
    assert found(part) == {
        (kept[:12], "lost"): ["2"],
        (SHA[:12], "lost"): ["7", "8"],
        ("--output=x", "malformed"): ["9"],
        (head[:12], "unpinned"): ["1", "2"],
    }
    assert (part["total"], part["whole"], part["percent"]) == (4, 1, 25)
    assert code == 1
    assert re.search(rf"7-8 +lost +{SHA[:12]}", out)
    assert "1 experiment has no commit" in out


def test_fix_pins_again_under_the_same_names_and_only_when_told_to(project, capfd):
    record(project)
    project.write("README", "changed\n")
    record(project, "snapshot")
    made = refs(project)
    head = project.git("rev-parse", "HEAD")
    assert len(made) == 2
    for ref in made:
        project.git("update-ref", "-d", ref)
    before = project.git("rev-parse", "HEAD"), project.git("status", "--porcelain")
    code, out = verify(capfd, "--code", "--fix")
    assert code == 0
    assert "--fix pins 1 commit in" in out
    assert "Nothing was changed; --yes does it." in out
    assert json.loads(verify(capfd, "--fix", "--json")[1])["verify"]["fix"]["done"] is False
    assert refs(project) == []
    assert "Pinned 1 and removed 0." in verify(capfd, "--code", "--fix", "--yes")[1]
    assert [*refs(project)] == [ref for ref in made if head not in ref]
    assert parts(capfd, "--code")["code"]["findings"] == []
    assert "nothing that --fix could mend" in verify(capfd, "--fix", "--yes")[1]
    assert before == (project.git("rev-parse", "HEAD"), project.git("status", "--porcelain"))


def test_fix_removes_what_crashes_left_of_ended_experiments_and_nothing_else(project, capfd):
    root = project.root
    write_record(root, "1", summary={})
    write_record(root, "2", status="RUNNING", summary={})
    old = time.time() - 7200

    def left(name, age=old, content="{"):
        path = root / name
        path.write_text(content)
        os.utime(path, (age, age))
        return path

    gone = [left("1/.summary.json.12.0~"), left("1/.STATUS.7.3~")]
    kept = [
        left("1/.metadata.json.9.1~", time.time()),  # somebody may be writing it
        left("1/.annotations.json.9.1~"),  # the only copy
        left("1/.model.bin.9.1~"),
        left("1/model.bin~"),
        left("2/.summary.json.12.0~"),
    ]
    os.symlink(root / "1" / "args.json", root / "1" / ".args.json.1.1~")
    before = snapshot(root)
    _, out = verify(capfd, "--folders", "--fix")
    assert "--fix removes 2 half-written files" in out
    assert snapshot(root) == before
    answer = json.loads(verify(capfd, "--fix", "--yes", "--json")[1])["verify"]["fix"]
    assert answer == {
        "pin": [],
        "remove": ["1/.STATUS.7.3~", "1/.summary.json.12.0~"],
        "done": True,
    }
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)
    assert (root / "1" / ".args.json.1.1~").is_symlink()


def test_on_a_terminal_fix_asks_first(project):
    pexpect = pytest.importorskip("pexpect")
    record(project)
    made = refs(project)
    project.git("update-ref", "-d", made[0])
    for answer, expected in (("n", []), ("y", made)):
        argv = ["-m", "meticulous", "verify", "--code", "--fix"]
        child = pexpect.spawn(command.COMMAND[0], argv, cwd=str(project.path), timeout=30)
        child.expect(r"Do it\? \[y/N\]")
        assert refs(project) == []
        child.sendline(answer)
        child.read()
        child.close()
        assert (child.exitstatus, refs(project)) == (0, expected)


def test_files_that_are_missing_changed_or_unreadable_are_told_apart(project, capfd, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("far")
    names = [
        "same.txt",
        "longer.txt",
        "other.txt",
        "gone.txt",
        "now_a_fifo",
        "under/file",
        "folder",
    ]
    for name in names[:-1]:
        project.write(name, "12345")
    project.write("folder/a", "a")
    project.write("folder/b", "b")
    project.write("linked", "x").unlink()
    (project.path / "linked").symlink_to(outside)
    project.commit()
    for _ in range(2):
        record(project, "refuse", *names, "linked", outside, "never.txt")
    assert verify(capfd, "--inputs", "--outputs")[0] == 0
    project.write("longer.txt", "123456")
    project.write("other.txt", "54321")
    for name in ("gone.txt", "now_a_fifo"):
        (project.path / name).unlink()
    os.mkfifo(project.path / "now_a_fifo")
    shutil.rmtree(project.path / "under")
    project.write("under", "a file where a folder was")
    (project.path / "folder" / "b").rename(project.path / "folder" / "c")
    (project.root / "1" / "model.bin").unlink()
    (project.root / "1" / "model.bin").symlink_to(outside)
    before = snapshot(project.root)
    looked = parts(capfd, "--inputs", "--outputs")
    both = ["1", "2"]
    assert found(looked["inputs"]) == {
        ("longer.txt", "changed"): both,
        ("other.txt", "changed"): both,
        ("gone.txt", "missing"): both,
        ("now_a_fifo", "changed"): both,
        ("under/file", "unreadable"): both,
        ("folder", "changed"): both,
    }
    assert (looked["inputs"]["total"], looked["inputs"]["whole"]) == (18, 6)
    assert "2 recorded without a hash" in " ".join(looked["inputs"]["notes"])

    assert found(looked["outputs"]) == {("model.bin", "unreadable"): ["1"]}
    code, out = verify(capfd, "1", "--inputs")
    assert code == 1
    assert "3 of 9 files whole, 4 changed, 1 missing, 1 unreadable" in out
    assert re.search(r"longer\.txt +6 bytes, were 5", out)
    assert snapshot(project.root) == before


def test_of_a_file_without_a_hash_the_size_is_looked_at(project, capfd):
    for name in ("same.bin", "longer.bin", "gone.bin"):
        project.write(name, "12345")
    project.commit()
    record(project, "refuse", "same.bin", "longer.bin", "gone.bin")
    path = project.root / "1" / "files.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line.pop("sha256")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert verify(capfd, "--inputs")[0] == 0
    project.write("longer.bin", "123456")
    (project.path / "gone.bin").unlink()
    part = parts(capfd, "--inputs")["inputs"]
    assert found(part) == {("longer.bin", "changed"): ["1"], ("gone.bin", "missing"): ["1"]}
    assert "3 recorded without a hash, only their sizes" in part["notes"][0]


def test_no_path_of_a_record_leads_anywhere_else(project, capfd, tmp_path):
    (tmp_path / "secret").write_text("secret")
    write_record(project.root, "1", git={"directory": "../../.."})
    lines = [
        {"base": "project", "path": "../secret"},
        {"base": "experiment", "path": "../../../secret"},
        {"base": "experiment", "path": str(tmp_path / "secret")},
        {"base": "machine", "path": "relative"},
        {"base": "machine", "path": "/dev/zero"},
        {"base": 7, "path": "nul\0l"},
        {"base": "project", "path": "x" * 5000},
        {"base": "project", "path": "\x1b[31mred"},
        {"base": "project", "path": "huge", "size": 10**400},
    ]
    text = "".join(
        json.dumps({"role": "input", "sha256": "0" * 64, **line}) + "\n" for line in lines
    )
    (project.root / "1" / "files.jsonl").write_text(text + '{"torn')
    code, out = verify(capfd, "--inputs")
    assert code == 1
    assert "\x1b" not in out
    assert "0 of 9 files whole" in out
    assert "1 broken line" in out
    states = [each["state"] for each in parts(capfd, "--inputs")["inputs"]["findings"]]
    assert states.count("unreadable") == 6


def test_broken_folders_are_listed_with_their_problems(project, capfd):
    write_record(project.root, "1")
    write_record(project.root, "2").joinpath("args.json").write_text("{torn")
    write_record(project.root, "3", problems={"lost": {"metrics.jsonl": 12}})
    project.root.joinpath("4").mkdir()
    looked = parts(capfd, "--folders")["folders"]
    assert (looked["total"], looked["whole"], looked["percent"]) == (4, 1, 25)
    texts = {each["experiments"][0]: each["text"] for each in looked["findings"]}
    assert texts["2"].startswith("args.json is not JSON")
    assert texts["3"] == "not recorded: 12 of metrics.jsonl"
    assert texts["4"] == "nothing is recorded in the folder"
    assert verify(capfd, "1", "--folders")[0] == 0
    assert verify(capfd, "--filter", "lr > 5", "--fail-empty")[0] == 3


@pytest.mark.parametrize("missing", ["git", "repository"])
def test_where_git_cannot_tell_the_rest_is_still_told(
    project, capfd, monkeypatch, tmp_path, missing
):
    project.write("data.txt", "data")
    project.commit()
    record(project, "refuse", "data.txt")
    if missing == "git":
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        shutil.rmtree(project.path / ".git")
    code, out = verify(capfd, "--fix", "--yes")
    assert code == 1
    assert "1 commit: git cannot tell" in out
    assert "inputs   100%" in out
    assert parts(capfd, "--code")["code"]["percent"] is None


def test_a_submodule_that_is_absent_is_no_reason_to_fail(project, make_repository, capfd):
    library = make_repository("library")
    library.write("lib.py", "x = 1\n")
    library.commit()
    project.git(
        "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library.path), "lib"
    )
    project.commit("with a submodule")
    record(project)
    project.git("submodule", "deinit", "-q", "-f", "lib")
    shutil.rmtree(project.path / ".git" / "modules")
    assert verify(capfd)[0] == 0


def test_many_experiments_need_as_few_calls_of_git_as_one(project, capfd, monkeypatch, tmp_path):
    log = tmp_path / "calls"
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    for number in range(60):
        write_record(project.root, str(number), githead_sha=f"{number:040x}")
    code, out = verify(capfd)
    assert code == 1
    assert len(log.read_text().splitlines()) == 2
    assert "60 lost" in out
    assert "and 20 more" in out


def test_it_fits_narrow_terminals(project, capfd, monkeypatch):
    record(project)
    write_record(project.root, "9", githead_sha=SHA).joinpath("args.json").write_text("{torn")
    for columns in (40, 80, 300):
        monkeypatch.setenv("COLUMNS", str(columns))
        out = verify(capfd, "--fix")[1]
        lines = [line for line in out.splitlines() if not line.startswith(("--fix", "There is"))]
        assert max(map(len, lines)) <= columns


def test_nothing_to_look_at_is_an_answer(tmp_path, monkeypatch, capfd):
    (tmp_path / "experiments").mkdir()
    monkeypatch.chdir(tmp_path)
    said = f"in {tmp_path}/experiments.\n"
    assert verify(capfd) == (0, f"No experiments {said}")
    write_record(tmp_path / "experiments", "1")
    nothing = ("--filter", "lr > 5", "--fail-empty")
    assert verify(capfd, *nothing) == (3, f"No experiments match {said}")
    code, out = verify(capfd, *nothing, "--json")
    assert code == 3 and json.loads(out)["verify"]["whole"] is True
