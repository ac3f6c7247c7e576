"""``meticulous tag``, ``note``, ``rename`` and ``lock``."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from cli.command import COMMAND, process, run
from read.records import OLD_STORE, snapshot, write_record
from storage_tools import OBEY_MODES, strict


def annotations(root, expid):
    return strict((root / expid / "annotations.json").read_bytes())


@pytest.fixture(autouse=True)
def there(store, monkeypatch):
    monkeypatch.chdir(store.parent)


def answer(capfd, *argv):
    code, out, err = run(capfd, *argv)
    assert (code, err) == (0, ""), (out, err)
    return out


def answers(capfd, *argv):
    found = json.loads(answer(capfd, *argv, "--json"))
    assert found["schema"] == 1
    return found["annotations"]


# ------------------------------------------------------------------------------ tag


def test_tags_are_added_taken_off_and_printed(store, capfd):
    assert answer(capfd, "tag", "1-2,named", "best", "paper") == (
        "1, 2, named: tagged best, paper.\n"
    )
    assert annotations(store, "named")["tags"] == ["best", "paper"]
    assert answer(capfd, "tag", "1-2", "paper,best , new") == "1, 2: tagged paper, best, new.\n"
    assert answer(capfd, "tag", "1", "new") == "1: nothing to change: already tagged new.\n"
    assert answer(capfd, "tag", "1-2", "-d", "nwe") == "1, 2: nothing to change: not tagged nwe.\n"
    lines = [(line["action"], line["value"]) for line in annotations(store, "1")["history"]]
    assert lines == [("tag", ["best", "paper"]), ("tag", ["new"])], "only what changed"
    for argv in (("1,2", "best", "--remove"), ("2", "-d", "new")):
        answer(capfd, "tag", *argv)
    assert answer(capfd, "tag", "1-2,9") == "1: paper, new\n2: paper\n9: (no tags)\n"
    out = answer(capfd, "list", "--tag", "paper", "--json")
    assert [row["expid"] for row in json.loads(out)["experiments"]] == ["1", "2", "named"]
    assert [(item["expid"], item["changed"]) for item in answers(capfd, "tag", "1,9", "new")] == [
        ("1", False),
        ("9", True),
    ]
    assert answers(capfd, "tag", "2")[0]["annotations"]["tags"] == ["paper"]
    assert answer(capfd, "tag", "all", "good", "--filter", "summary.loss < 0.4").startswith("2: ")
    assert run(capfd, "tag", "all", "x", "--filter", "summary.loss > 9", "--fail-empty") == (
        3,
        "No experiments match.\n",
        "",
    )


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["tag"], 2, "The following arguments are required: IDS"),
        (["tag", "1", "2", "best"], 2, "'2' is an experiment, and only the first word says which"),
        (["tag", "1", "3-7"], 2, "'3-7' is an experiment, and only the first word"),
        (["tag", "1", "--remove"], 2, "Name the tags that are to be taken off."),
        (["tag", "77", "best"], 2, "There is no experiment '77' in "),
        (["tag", "1", "--wrong"], 2, "Unrecognized arguments: --wrong"),
        (["rename", "1"], 2, "The following arguments are required: NAME"),
        (["rename", "1-2", "x"], 2, "'1-2' means 2 experiments. Name one."),
        (["rename", "1", "last~2"], 2, "The name 'last~2' would be taken for ids."),
        (["rename", "1", "named"], 2, "The name 'named' would be taken for ids."),
        (["rename", "1", "a,b"], 2, "The name 'a,b' would be taken for ids."),
        (["note", "1", "-"], 2, "Standard input holds no note."),
    ],
)
def test_what_is_wrong_changes_nothing(store, capfd, monkeypatch, argv, code, message):
    before = snapshot(store)
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        got, out, err = run(capfd, *argv)
    assert (got, out) == (code, "")
    assert err.startswith(f"meticulous: {message}") and err.count("\n") == 1
    assert snapshot(store) == before


# ------------------------------------------------------------------------------ note, name, lock


def test_notes_are_added_and_printed(store, capfd):
    assert answer(capfd, "note", "1,2", "diverges", "at", "-5", "lower lr") == "1, 2: noted.\n"
    assert [note["text"] for note in annotations(store, "2")["notes"]] == [
        "diverges at -5 lower lr"
    ]
    for words, text in (
        ((), b"from\n\tinput \xff\x1b[31m\n"),
        (("-",), "einger\u00e4umt".encode()),
    ):
        done = process("note", "2", *words, cwd=store.parent, input=text)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"2: noted.\n", b"")
    found = answers(capfd, "note", "2")[0]["annotations"]["notes"]
    assert [note["text"] for note in found[1:]] == [
        "from\n\tinput \\xff\x1b[31m",
        "einger\u00e4umt",
    ]
    done = process("note", "2,9", cwd=store.parent, input=b"")  # such as under cron
    lines = done.stdout.decode().splitlines()
    assert [line[21:] for line in lines[:4]] == [
        "diverges at -5 lower lr",
        "from",
        " input \\xff",
        "einger\u00e4umt",
    ]
    assert lines[0][3:20] == found[0]["time"][:16].replace("T", " ") + " "
    assert lines[4:] == ["9: (no notes)"]
    done = process("note", "9", cwd=store.parent, input=b"x" * ((1 << 20) + 1))
    assert done.returncode == 2 and b"longer than" in done.stderr


def test_a_name_is_given_used_changed_and_taken_away(store, capfd):
    assert answer(capfd, "rename", "1", " base line ") == "1: named 'base line'.\n"
    assert answer(capfd, "tag", "base line", "x") == "1: tagged x.\n"
    assert answer(capfd, "rename", "base line", "better") == "1: named 'better'.\n"
    assert answer(capfd, "rename", "1", "better") == "1: nothing to change.\n"
    assert answer(capfd, "rename", "better", "") == "1: has no name any more.\n"
    found = annotations(store, "1")
    assert "name" not in found
    named = [line["value"] for line in found["history"] if line["action"] == "name"]
    assert named == ["base line", "better", ""]


def test_a_lock_is_put_on_and_taken_off(store, capfd):
    assert answer(capfd, "lock", "1-2") == "1, 2: locked.\n"
    assert answer(capfd, "lock", "1,9") == "9: locked.\n1: nothing to change.\n"
    assert annotations(store, "9")["locked"] is True
    out = answer(capfd, "list", "--filter", "annotations.locked == True", "--json")
    assert [row["expid"] for row in json.loads(out)["experiments"]] == ["1", "2", "9"]
    assert answer(capfd, "lock", "1", "--unlock") == "1: unlocked.\n"
    assert "locked" not in annotations(store, "1")


# ------------------------------------------------------------------------------ whatever it is


def test_only_the_annotations_of_experiments_of_2020_change(tmp_path, capfd, monkeypatch):
    root = tmp_path / "old" / "experiments"
    shutil.copytree(OLD_STORE / "newest" / "experiments", root)
    monkeypatch.chdir(root.parent)
    ids = [
        row["expid"] for row in json.loads(answer(capfd, "list", "--all", "--json"))["experiments"]
    ]
    before = snapshot(root)
    answer(capfd, "tag", "all", "old")
    answer(capfd, "note", ids[0], "a note")
    after = snapshot(root)
    new = [path for path in after if path not in before]
    assert sorted(new) == sorted(str(root / expid / "annotations.json") for expid in ids)
    files = [path for path in before if not os.path.isdir(path)]
    assert {path: before[path] for path in files} == {path: after[path] for path in files}


def test_many_commands_and_a_running_experiment_lose_nothing_and_a_killed_one_takes_tags(
    make_repository, capfd, monkeypatch
):
    repository = make_repository()
    repository.program(
        """
        import os, sys
        from meticulous import Experiment
        experiment = Experiment(capture="off", sample_seconds=0)
        print("ready", flush=True)
        for number, line in enumerate(sys.stdin):
            experiment.tag(f"own{number}")
            print("tagged", flush=True)
        """
    )
    monkeypatch.chdir(repository.path)
    child = repository.start("train.py", stdin=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n"
        with ThreadPoolExecutor() as pool:
            jobs = [
                pool.submit(process, "tag", "last", f"a{n}", cwd=repository.path) for n in range(6)
            ]
            for _ in range(6):
                child.stdin.write("x\n")
                child.stdin.flush()
                assert child.stdout.readline() == "tagged\n"
            for job in jobs:
                assert (job.result().returncode, job.result().stderr) == (0, b"")
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    expected = {f"{letter}{n}" for letter in ("a", "own") for n in range(6)}
    assert set(annotations(repository.root, "1")["tags"]) == expected
    assert answer(capfd, "tag", "1", "dead") == "1: tagged dead.\n"
    assert set(annotations(repository.root, "1")["tags"]) == expected | {"dead"}


def test_what_is_broken_is_kept_and_said_and_nothing_reaches_the_terminal(store, capfd):
    path = store / "1" / "annotations.json"
    path.write_text("{torn")
    assert answer(capfd, "tag", "1,2", "a") == (
        "1, 2: tagged a.\n"
        "1: annotations.json was broken; what it held is kept as annotations.json.broken-1.\n"
    )
    assert path.with_name("annotations.json.broken-1").read_text() == "{torn"
    write_record(store, "20", annotations={"tags": ["\x1b[31mred\n"], "notes": ["x", 5], "name": 7})
    assert answer(capfd, "tag", "20", "\x1b]0;t\x07b") == "20: tagged b.\n"
    assert answer(capfd, "tag", "20") == "20: red , b\n"


def test_a_folder_that_cannot_be_written_is_one_clear_line_and_the_others_are_changed(store):
    (store / "2").chmod(0o500)
    program = OBEY_MODES + "from meticulous.cli import main; import sys; sys.exit(main())"
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, "tag", "1,2,9", "a"],
            cwd=store.parent,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        (store / "2").chmod(0o700)
    assert done.returncode == 1
    assert done.stderr == (
        f"meticulous: Cannot write {store}/2/annotations.json: Permission denied. "
        "1 of 3 experiments could not be changed.\n"
    )
    assert annotations(store, "1")["tags"] == annotations(store, "9")["tags"] == ["a"]
    assert not (store / "2" / "annotations.json").exists()


@pytest.mark.parametrize("command", ["tag", "note", "rename", "lock", "rm", "restore", "purge"])
def test_the_help_shows_how_it_is_used(command):
    done = subprocess.run(
        [*COMMAND, command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert f"\n  meticulous {command}" in done.stdout.split("examples:")[1]
    assert "--json" in done.stdout and max(map(len, done.stdout.splitlines())) <= 100
