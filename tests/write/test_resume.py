"""An experiment is continued: a session more, and not a byte of the earlier ones changed."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import resource
import shutil
import signal
import time

import numpy
import pytest

from meticulous import (
    DirtyRepoException,
    LiveExperimentError,
    MismatchedArgsException,
    MismatchedCommitException,
    StorageError,
)
from storage_tools import Quick, Trouble, read_all, rows, strict

OLD_STORE = pathlib.Path(__file__).parent.parent / "fixtures" / "old_store"


@pytest.fixture
def start(tmp_path):
    with Quick(tmp_path / "project") as quick:
        yield quick


def metadata(folder):
    return strict(pathlib.Path(folder, "metadata.json").read_bytes())


def edit(folder, change, silent_for=0.0):
    """Change metadata by hand, and say when STATUS was touched last."""
    folder = pathlib.Path(folder)
    found = metadata(folder)
    change(found)
    (folder / "metadata.json").write_text(json.dumps(found))
    then = time.time() - silent_for
    os.utime(folder / "STATUS", (then, then))


TRAIN = """
import os, sys
from meticulous import Experiment
experiment = Experiment({"lr": 0.1, "layers": (1, 2)}, experiment_id="run", sample_seconds=0)
print("session", sys.argv[1])
print("error", sys.argv[1], file=sys.stderr, flush=True)
for _ in range(3):
    experiment.log({"loss": 0.5, "session": sys.argv[1]})
experiment.summary({sys.argv[1]: 1, "last": sys.argv[1]})
experiment.tag(sys.argv[1])
experiment.record_input(__file__)
if len(sys.argv) > 2:
    import time
    time.sleep(1)
    os.kill(os.getpid(), int(sys.argv[2]))
"""


def test_sessions_are_appended_and_earlier_bytes_untouched(repository):
    repository.program(TRAIN)
    folder = repository.root / "run"
    before = {}
    for number, arguments in enumerate((["one"], ["two", "9"], ["three"]), 1):
        done = repository.run("train.py", *arguments)
        assert done.returncode == (-9 if arguments[1:] else 0), done.stderr
        for name in ("metrics.jsonl", "stdout", "stderr", "files.jsonl"):
            data = (folder / name).read_bytes()
            known, digest = before.get(name, (0, hashlib.sha256().digest()))
            assert hashlib.sha256(data[:known]).digest() == digest, f"{name} was changed"
            before[name] = (len(data), hashlib.sha256(data).digest())
        for name in ("args.json", "default_args.json"):
            digest = hashlib.sha256((folder / name).read_bytes()).digest()
            assert before.setdefault(name, digest) == digest
        assert len(metadata(folder)["sessions"]) == number
    assert (folder / "stdout").read_bytes() == b"session one\nsession two\nsession three\n"
    assert (folder / "stderr").read_bytes() == b"error one\nerror two\nerror three\n"
    found = read_all(folder)
    assert [line.get("session", line["step"]) for line in found["metrics.jsonl"]] == (
        [0, 1, 2, 2, 3, 4, 5, 3, 6, 7, 8]
    )
    second, third = (found["metrics.jsonl"][at] for at in (3, 7))
    assert list(second.items())[:2] == [("session", 2), ("step", None)]
    assert third["session"] == 3 and set(third) == {"session", "step", "time"}
    assert found["summary.json"] == {"one": 1, "last": "three", "two": 1, "three": 1}
    assert found["annotations.json"]["tags"] == ["one", "two", "three"]
    sessions = found["metadata.json"]["sessions"]
    assert [session["argv"][-1] for session in sessions] == ["one", "9", "three"]
    assert [session.get("ending", {}).get("kind") for session in sessions] == (
        ["success", None, "success"]
    )
    assert len({session["pid"] for session in sessions}) == 3
    assert found["metadata.json"]["end-time"] == sessions[2]["end"]
    assert found["metadata.json"]["start-time"] == sessions[0]["start"]
    assert found["metadata.json"]["command"] == ["train.py", "one"]
    assert (folder / "STATUS").read_text() == "SUCCESS"
    assert not [name for name in os.listdir(folder) if name.startswith(".")]


def test_a_rewind_keeps_every_row_of_both_sessions(start):
    for session in (1, 2):
        with start({}, experiment_id="run") as experiment:
            for step in (5, 6, 7) if session == 1 else (6, 7, 8):
                experiment.log({"loss": session}, step)
            experiment.log({"loss": session})
    lines = rows(experiment)
    assert [line["step"] for line in lines] == [5, 6, 7, 8, None, 6, 7, 8, 9]
    assert [line.get("loss") for line in lines] == [1, 1, 1, 1, None, 2, 2, 2, 2]
    assert lines[4]["session"] == 2


@pytest.mark.parametrize(
    ("tail", "following"),
    [
        (b'{"step":7,"time":"x","a":1}\n{"step":8,"ti', 8),
        (b'{"step":3}\n{"step":1}\n', 2),
        (b'{"step":4}\n{"session":2,"step":null}\n', 5),
        (b'{"step":2.5}\n[1]\n"text"\n{"step":true}\n{"step":"NaN"}\n{"step":1e999}\n', 3),
        (b'{"step":9,"x":"' + b"y" * 300_000 + b'"}\n{"torn', 10),
        (b"\xff\xfe\n", 0),
        (b"", 0),
    ],
)
def test_the_automatic_step_goes_on_after_the_last_and_torn_lines_never_glue(
    start, tail, following
):
    with start({}, experiment_id="run") as experiment:
        pass
    path = pathlib.Path(experiment.curexpdir, "metrics.jsonl")
    path.write_bytes(tail)
    with start({}, experiment_id="run") as experiment:
        experiment.log({"a": 1})
    data = path.read_bytes()
    assert data.startswith(tail)
    session, row = data[len(tail) :].splitlines()[-2:]
    assert strict(session)["session"] == 2
    assert strict(row)["step"] == following


def test_a_live_owner_is_refused_by_name(repository, start):
    repository.program(
        """
        import sys, time
        from meticulous import Experiment
        experiment = Experiment({"lr": 1}, experiment_id="run", sample_seconds=0)
        print("ready", flush=True)
        sys.stdin.read()
        """
    )
    owner = repository.start("train.py", stdin=-1)
    with owner:
        assert owner.stdout.readline() == b"ready\n"
        for stopped in (False, True):
            if stopped:
                owner.send_signal(signal.SIGSTOP)
            done = repository.run("train.py")
            assert done.returncode == 1
            last = done.stderr.decode().splitlines()[-1]
            host = os.uname().nodename
            assert f"Experiment run is still running: process {owner.pid} on {host}" in last
            assert "last sign of life" in last and "s ago" in last
        owner.kill()
    done = repository.run("train.py", stdin=-3)
    assert done.returncode == 0, done.stderr  # at once, with no lock to remove
    assert len(metadata(repository.root / "run")["sessions"]) == 2


def test_the_error_carries_host_pid_and_age_and_changes_nothing(start):
    experiment = start({}, experiment_id="run")
    before = {path.name: path.read_bytes() for path in pathlib.Path(experiment.curexpdir).iterdir()}
    with pytest.raises(LiveExperimentError) as caught:
        start({}, experiment_id="run")
    assert (caught.value.host, caught.value.pid) == (os.uname().nodename, os.getpid())
    assert 0 <= caught.value.age < 60
    after = {path.name: path.read_bytes() for path in pathlib.Path(experiment.curexpdir).iterdir()}
    for name in ("metadata.json", "STATUS", "args.json"):
        assert before[name] == after[name]
    assert set(after) - set(before) <= {"environment.json"}
    experiment.finish()
    start({}, experiment_id="run").finish()


@pytest.mark.parametrize(
    ("change", "silent_for", "refused"),
    [
        ({"host": "elsewhere"}, 10, True),
        ({"host": "elsewhere"}, 500, False),
        ({"namespace": "pid:[1]"}, 10, True),
        ({"namespace": "pid:[1]"}, 500, False),
        ({"boot": "another"}, 10, True),
        ({"boot": "another"}, 500, False),
        ({"pid": 2**22 + 1}, 1, False),
        ({"process-start": 1}, 1, False),
        ({"pid": None}, 10, True),
        ({"pid": None}, 500, False),
    ],
    ids=str,
)
def test_an_owner_that_cannot_be_looked_up_is_judged_by_its_heartbeat(
    start, change, silent_for, refused
):
    with start({}, experiment_id="run") as experiment:
        folder = experiment.curexpdir

    def alter(found):
        session = found["sessions"][-1]
        session.update({"process-start": 2, **change})
        for name in ("end", "ending", "duration"):
            session.pop(name, None)

    pathlib.Path(folder, "STATUS").write_text("RUNNING")
    edit(folder, alter, silent_for)
    if refused:
        with pytest.raises(LiveExperimentError) as caught:
            start({}, experiment_id="run")
        assert caught.value.age >= silent_for
    else:
        start({}, experiment_id="run").finish()


def test_a_session_whose_process_lives_counts_also_before_it_has_written_running(start):
    """Between metadata and STATUS of a session that begins another one must not slip in."""
    experiment = start({}, experiment_id="run")
    status = pathlib.Path(experiment.curexpdir, "STATUS")
    for text in ("SUCCESS", ""):
        status.write_text(text)
        with pytest.raises(LiveExperimentError):
            start({}, experiment_id="run")
    status.unlink()
    with pytest.raises(LiveExperimentError):
        start({}, experiment_id="run")
    status.write_text("RUNNING")
    experiment.finish()


def test_other_args_are_refused_with_only_what_differs(start):
    args = {"lr": 0.1, "same": 1, "opt": {"name": "sgd", "momentum": 0.9}, "gone": None}
    start(args, experiment_id="run").finish()
    other = {"lr": 0.2, "same": 1, "opt": {"name": "sgd", "momentum": 0.5}, "new": "x"}
    with pytest.raises(MismatchedArgsException) as caught:
        start(other, experiment_id="run")
    assert set(caught.value.differences) == {"lr", "opt.momentum", "gone", "new"}
    assert caught.value.differences["lr"] == (0.1, 0.2)
    message = str(caught.value)
    assert "0.1 -> 0.2" in message and "same" not in message and "sgd" not in message
    assert "--experiment-id" in message
    assert message.isascii()


def test_args_that_json_writes_otherwise_can_be_continued(start):
    args = {
        "tuple": (1, (2,)),
        1: {2: "int keys"},
        "nan": float("nan"),
        "inf": [float("inf")],
        "path": pathlib.Path("a/b"),
        "set": {3, 1, 2},
        "numpy": numpy.float32(0.1),
        "array": numpy.arange(3),
        "odd": "\ud800",
    }
    start(args, experiment_id="run").finish()
    start(args, experiment_id="run").finish()
    again = json.loads(pathlib.Path(start.repository.root, "run", "args.json").read_bytes())
    start(again, experiment_id="run").finish()
    assert len(metadata(start.repository.root / "run")["sessions"]) == 3


def test_other_code_is_refused_and_named(start):
    start({}, experiment_id="run").finish()
    old = start.repository.git("rev-parse", "HEAD")
    new = start.repository.commit("more")
    with pytest.raises(MismatchedCommitException) as caught:
        start({}, experiment_id="run")
    assert (caught.value.recorded, caught.value.current) == (old, new)
    assert old in str(caught.value) and new in str(caught.value)
    assert f"git checkout {old}" in str(caught.value)


def test_other_uncommitted_changes_are_other_code(start):
    repository = start.repository
    repository.write("README", "changed\n")
    start({}, experiment_id="run", dirty="snapshot").finish()
    start({}, experiment_id="run", dirty="snapshot").finish()
    repository.write("README", "changed again\n")
    with pytest.raises(MismatchedCommitException, match="other uncommitted changes"):
        start({}, experiment_id="run", dirty="snapshot")
    with pytest.raises(DirtyRepoException):
        start({}, experiment_id="run", dirty="refuse")
    repository.git("checkout", "README")
    with pytest.raises(MismatchedCommitException):
        start({}, experiment_id="run")


def test_force_continues_what_does_not_match_and_is_recorded(start):
    start({"lr": 1}, experiment_id="run").finish()
    old = start.repository.git("rev-parse", "HEAD")
    new = start.repository.commit("more")
    with start({"lr": 2}, experiment_id="run", resume="force") as experiment:
        pass
    session = metadata(experiment.curexpdir)["sessions"][1]
    assert session["forced"] == {"args": {"lr": [1, 2]}, "sha": [old, new]}
    assert session["sha"] == new
    assert strict(pathlib.Path(experiment.curexpdir, "args.json").read_bytes()) == {"lr": 1}
    with (
        start({"lr": 1}, experiment_id="live"),
        pytest.raises(LiveExperimentError),
    ):
        start({"lr": 2}, experiment_id="live", resume="force")


def test_resume_continues_the_newest_match_and_starts_a_new_one_without(start):
    first = start({"lr": 1}, resume=True)
    assert first.curexpdir.endswith("/1")
    second = start({"lr": 1}, resume=True)
    assert second.curexpdir.endswith("/2"), "the one that runs is passed over"
    first.finish()
    second.finish()
    start({"lr": 2}).finish()
    again = start({"lr": 1}, resume=True)
    assert again.curexpdir == second.curexpdir
    assert start({"lr": 1}, resume=True).curexpdir == first.curexpdir
    assert start({"lr": 3}, resume=True).curexpdir.endswith("/4")
    start.repository.commit("more")
    assert start({"lr": 1}, resume=True).curexpdir.endswith("/5")
    assert start({"lr": 1}).curexpdir.endswith("/6"), "nothing is continued unasked"


def test_broken_and_foreign_folders_are_passed_over(start):
    start({"lr": 1}).finish()
    root = start.repository.root
    for name, files in {
        "2": {},
        "3": {"args.json": b"{", "metadata.json": b"{}"},
        "4": {"args.json": b'{"lr": 1}', "metadata.json": b"[1]"},
        "5": {"args.json": b'{"lr": 1}', "metadata.json": b"\xff"},
        "6": {"args.json": b"[1]", "metadata.json": b"{}"},
        "7": {"args.json": b'{"lr": 1}'},
        "plots": {"figure.pdf": b""},
        "named": {"args.json": b"null", "STATUS": b""},
    }.items():
        (root / name).mkdir()
        for file, data in files.items():
            (root / name / file).write_bytes(data)
    (root / "8").write_text("a file")
    (root / "9").symlink_to(root / "1")
    (root / "10").mkdir()
    os.mkfifo(root / "10" / "args.json")
    os.mkdir(root / "10" / "metadata.json")
    assert start({"lr": 1}, resume=True).curexpdir == str(root / "1")
    assert start({"lr": 1}).curexpdir == str(root / "11")
    for name in ("3", "7", "plots"):
        with pytest.raises(StorageError) as caught:
            start({"lr": 1}, experiment_id=name)
        assert name in caught.value.path or "metadata.json" in caught.value.path


def test_the_environment_of_a_later_session_is_kept_beside_the_first(start):
    with start({}, experiment_id="run") as experiment:
        pass
    path = pathlib.Path(experiment.curexpdir, "environment.json")
    first = strict(path.read_bytes())
    altered = {**first, "python": {"version": "2.7"}}
    path.write_text(json.dumps(altered))
    with start({}, experiment_id="run") as experiment:
        pass
    found = strict(path.read_bytes())
    later = found.pop("later-sessions")
    assert found == altered
    assert later["2"]["python"] == first["python"]
    assert "packages" not in later["2"], "only what differs"


def test_description_tags_and_name_of_a_later_session_are_kept(start):
    start({}, experiment_id="run", description="one", tags=["a"], name="first").finish()
    with start({}, experiment_id="run", description="two", tags=["a", "b"]) as experiment:
        pass
    found = read_all(experiment.curexpdir)
    assert found["metadata.json"]["description"] == "one"
    assert found["metadata.json"]["sessions"][1]["description"] == "two"
    assert found["annotations.json"]["tags"] == ["a", "b"]
    assert found["annotations.json"]["name"] == "first"
    start({}, experiment_id="run", name="second").finish()
    assert read_all(experiment.curexpdir)["annotations.json"]["name"] == "second"


@pytest.mark.parametrize("version", sorted(p.parent.name for p in OLD_STORE.glob("*/experiments")))
def test_experiments_of_2020_can_be_continued(start, version):
    root = start.repository.root
    root.mkdir()
    (root / ".gitignore").write_text("*\n")
    source = next(
        folder
        for folder in sorted((OLD_STORE / version / "experiments").iterdir())
        if (folder / "summary.json").exists() and (folder / "metadata.json").exists()
    )
    folder = root / "1"
    shutil.copytree(source, folder)
    old = json.loads((folder / "metadata.json").read_bytes())
    args = json.loads((folder / "args.json").read_bytes())
    summary = json.loads((folder / "summary.json").read_bytes())
    stdout = (folder / "stdout").read_bytes()
    with pytest.raises(MismatchedCommitException):
        start(args, experiment_id=1)
    old["githead-sha"] = start.repository.git("rev-parse", "HEAD")
    (folder / "metadata.json").write_text(json.dumps(old))
    with start(args, resume=True) as experiment:
        assert experiment.curexpdir == str(folder)
        experiment.log({"a": 1})
        experiment.summary({"new": 1})
    found = metadata(folder)
    first, second = found["sessions"]
    assert first["start"] == old.get("start-time", old.get("timestamp"))
    assert first.get("end") == old.get("end-time")
    assert second["ending"]["kind"] == "success"
    for name in set(old) - {"end-time"}:
        assert found[name] == old[name]
    assert json.loads((folder / "summary.json").read_bytes()) == {**summary, "new": 1}
    assert (folder / "stdout").read_bytes() == stdout
    assert rows(experiment)[0]["session"] == 2


def test_what_an_earlier_session_lost_stays_counted(start):
    start({}, experiment_id="run").finish()
    folder = start.repository.root / "run"
    problems = {"lost": {"metrics.jsonl": 3}, "errors": {"metrics.jsonl": "gone (1x)"}}
    edit(folder, lambda found: found.update(problems=problems))
    start({}, experiment_id="run").finish()
    assert metadata(folder)["problems"] == problems
    assert (folder / "STATUS").read_text() == "SUCCESS\nnot recorded: 3 of metrics.jsonl"


def test_claims_that_a_dead_process_left_hold_nobody_up_for_ever(start):
    start({}, experiment_id="run").finish()
    folder = start.repository.root / "run"
    for claim in (".session-2", ".session-2.1"):
        (folder / claim).mkdir()
        os.utime(folder / claim, (time.time() - 100,) * 2)
    start({}, experiment_id="run").finish()
    assert len(metadata(folder)["sessions"]) == 2
    assert not list(folder.glob(".session*"))


def test_a_fresh_claim_is_another_process_that_is_just_now_continuing(start):
    start({}, experiment_id="run").finish()
    folder = start.repository.root / "run"
    (folder / ".session-2").mkdir()
    with pytest.raises(LiveExperimentError, match="being continued by another process"):
        start({}, experiment_id="run")
    assert (folder / ".session-2").is_dir()


def test_another_host_sees_a_session_that_is_just_beginning(start, repository, tmp_path):
    """It cannot look up the new owner, so RUNNING has to be there before the new session is."""
    repository.program(TRAIN)
    repository.run("train.py", "one")
    folder = repository.root / "run"
    edit(folder, lambda found: found["sessions"][0].update(host="elsewhere"))
    trouble = Trouble(tmp_path, folder / "metadata.json")
    trouble.begin("hang")
    second = repository.start("train.py", "two", env=trouble.env)
    try:
        deadline = time.monotonic() + 60
        while (folder / "STATUS").read_text() != "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(0.005)
        assert len(metadata(folder)["sessions"]) == 1
        done = repository.run("train.py", "three")
        assert b"Experiment run is still running" in done.stderr
    finally:
        trouble.end()
        second.communicate(timeout=60)
    assert second.returncode == 0
    assert len(metadata(folder)["sessions"]) == 2


def test_a_session_that_cannot_begin_leaves_the_experiment_as_it_was(repository):
    repository.program(TRAIN)
    repository.run("train.py", "one")
    folder = repository.root / "run"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    done = repository.run("train.py", "two", preexec_fn=limit)
    assert done.returncode == 1
    last = done.stderr.decode().splitlines()[-1]
    assert last.startswith("meticulous.errors.StorageError: Cannot write ")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert repository.run("train.py", "three").returncode == 0


def test_the_command_line_continues_finds_and_refuses(repository):
    repository.program(
        """
        import argparse
        from meticulous import Experiment
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float, default=0.1)
        Experiment.add_argument_group(parser)
        experiment = Experiment.from_parser(parser, sample_seconds=0)
        print(experiment.curexpdir.rpartition("/")[2], len(experiment.metadata["sessions"]))
        """
    )

    def run(*arguments):
        done = repository.run("train.py", *arguments)
        return done.stdout.decode().strip() or done.stderr.decode().splitlines()[-1]

    assert run("--resume") == "1 1", "nothing to continue: a new one"
    assert run("--resume") == "1 2"
    assert run("--lr", "0.2") == "2 1"
    assert run("--resume") == "1 3"
    assert run("--resume", "--lr", "0.2") == "2 2"
    assert run("--resume", "--lr", "0.3") == "3 1"
    assert run("--experiment-id", "2", "--lr", "0.2") == "2 3"
    assert run("--experiment-id", "base") == "base 1"
    assert run("--experiment-id", "base") == "base 2"
    refused = repository.run("train.py", "--experiment-id", "base", "--lr", "0.5")
    assert refused.returncode == 1
    text = refused.stderr.decode()
    assert "MismatchedArgsException: Experiment base has other args" in text
    assert "lr: 0.1 -> 0.5" in text
    assert run("--resume") == "base 3", "the newest match"
