"""``meticulous rm``, ``restore`` and ``purge``: nothing running, locked or outside is ever hurt."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pexpect
import pytest

from cli.command import COMMAND, run
from meticulous import _folder, _folder_trash, _process
from read.records import snapshot, write_record
from storage_tools import OBEY_MODES

ELSEWHERE = {"host": "elsewhere", "boot": "b", "namespace": "n", "pid": 1, "process-start": 1}


@pytest.fixture(autouse=True)
def there(store, monkeypatch):
    monkeypatch.chdir(store.parent)


def answer(capfd, *argv):
    code, out, err = run(capfd, *argv)
    assert (code, err) == (0, ""), (out, err)
    return out


def answers(capfd, *argv):
    found = json.loads(answer(capfd, *argv, "--json"))
    assert found.pop("schema") == 1
    [(name, value)] = found.items()
    return name, value


def refused(capfd, *argv):
    code, out, err = run(capfd, *argv)
    assert code in (1, 2) and err.startswith("meticulous: ") and err.count("\n") == 1, (out, err)
    return err.removeprefix("meticulous: ").rstrip("\n")


def ids(root):
    return _folder.experiment_ids(str(root))


def trash(root):
    return [entry.expid for entry in _folder_trash.entries(str(root))]


def backdate(root, expid, days):
    """As if it had been thrown away so many days ago."""
    [entry] = [e for e in _folder_trash.entries(str(root)) if e.expid == expid]
    moment = datetime.fromtimestamp(time.time() - days * 86400, UTC)
    path = pathlib.Path(entry.path)
    return path.rename(path.with_name(f"{moment:%Y%m%dT%H%M%S.%fZ}.{expid}"))


def next_number(root):
    return os.path.basename(_folder.claim(str(root)).path)


# ------------------------------------------------------------------------------ there and back


def test_thrown_away_and_back_is_exactly_as_it_was(store, capfd):
    many = store / "2" / "data"
    many.mkdir()
    for number in range(1000):
        (many / f"{number}").write_text("x" * number)
    before = snapshot(store / "2")
    assert answer(capfd, "rm", "2,9,named") == (
        "In the trash now (3): 2, 9, named. Back with: meticulous restore 2,9,named\n"
    )
    assert ids(store) == ["1", "10"] and trash(store) == ["2", "9", "named"]
    assert next_number(store) == "11", "also when the highest is in the trash"
    answer(capfd, "rm", "11", "--force")
    assert next_number(store) == "12"
    out = answer(capfd, "list", "--json")
    assert [row["expid"] for row in json.loads(out)["experiments"]] == ["1", "10", "12"]
    name, found = answers(capfd, "restore")
    assert name == "trash"
    assert [item["expid"] for item in found] == ["2", "9", "named", "11"]
    assert found[0]["status"] == "SUCCESS" and found[0]["size"] > 499_500
    assert abs(found[0]["time"] - time.time()) < 60
    lines = answer(capfd, "restore").splitlines()
    assert lines[0].startswith("4 in the trash, ")
    assert lines[2].split() == ["id", "status", "thrown", "away", "size"]
    assert answer(capfd, "restore", "1-9,named").endswith("(3): 2, 9, named\n")
    assert ids(store) == ["1", "2", "9", "10", "12", "named"] and trash(store) == ["11"]
    times = {path: facts[:2] + facts[3:] for path, facts in before.items()}
    after = {path: facts[:2] + facts[3:] for path, facts in snapshot(store / "2").items()}
    assert after == times, "but for the time of the last rename"
    assert answers(capfd, "restore", "11", "--as", "5")[1] == [
        {"expid": "5", "path": str(store / "5")}
    ]
    assert answer(capfd, "restore") == "The trash is empty.\n"


def test_an_id_that_is_taken_again_is_refused_and_may_be_changed(store, capfd):
    for text in ("first", "second"):
        if text == "second":
            write_record(store, "named", description=text)
        answer(capfd, "rm", "named")
    assert trash(store) == ["named", "named"]
    write_record(store, "named", description="third")
    before = snapshot(store)
    assert refused(capfd, "restore", "named") == (
        "There is an experiment 'named' already. Give what is in the trash another id: --as NEWID."
    )
    assert "cannot have everywhere" in refused(capfd, "restore", "named", "--as", "a/b")
    assert refused(capfd, "restore", "nmed").startswith("There is no 'nmed' in the trash.")
    assert refused(capfd, "restore", "--as", "x").startswith("Argument --as: name the")
    assert snapshot(store) == before
    answer(capfd, "restore", "named", "--as", "newer")
    answer(capfd, "restore", "named", "--as", "older")
    described = [
        json.loads((store / name / "metadata.json").read_text())["description"]
        for name in ("newer", "older", "named")
    ]
    assert described == ["second", "", "third"], "the one thrown away last comes first"


def test_what_somebody_moved_there_by_hand_is_restored_and_purged_like_the_others(store, capfd):
    (store / ".trash").mkdir()
    for expid in ("2", "9"):
        (store / expid).rename(store / ".trash" / expid)
    os.symlink(store / "1", store / ".trash" / "77")
    (store / ".trash" / "78").write_text("a file")
    assert sorted(trash(store)) == ["2", "9"]
    assert answer(capfd, "purge") == (
        "There is nothing to purge; 2 newer in the trash would stay.\n"
    )
    answer(capfd, "restore", "2")
    assert ids(store) == ["1", "2", "10", "named"]
    answer(capfd, "purge", "--older-than", "0s", "--yes")
    assert os.listdir(store / "1") and sorted(os.listdir(store / ".trash")) == ["77", "78"]


# ------------------------------------------------------------------------------ what is refused


def test_all_are_looked_at_before_the_first_one_goes(store, capfd):
    """Running, perhaps running, about to run, locked, perhaps locked."""
    owner = _process.identity()
    write_record(store, "20", status="RUNNING", session=owner)
    write_record(store, "21", status="RUNNING", session=ELSEWHERE, silent=30)
    write_record(store, "22", status="RUNNING", session=ELSEWHERE, silent=7500)
    write_record(store, "23", annotations={"locked": True})
    write_record(store, "24").joinpath("annotations.json").write_text("{torn")
    write_record(store, "25").joinpath(".session-2").mkdir()
    write_record(store, "26").joinpath("STATUS").unlink()
    write_record(store, "27", status="RUNNING", session={**owner, "process-start": 1}, silent=7500)
    os.utime(write_record(store, "28") / "STATUS", (1, 1))
    before = snapshot(store)
    expected = {
        "20": "20 is running. End it first.",
        "21": "21 is running. End it first.",
        "22": "22 may be running (no sign of life from elsewhere for 2h05m). If it is not: ",
        "23": "23 is locked. Unlock it first: meticulous lock ID --unlock.",
        "24": "24 may be locked (annotations.json is not JSON: ",
        "25": "25 is being started just now. Wait a minute; if nothing starts it: --force.",
        "26": "26 is being started just now. Wait",
    }
    for expid, text in expected.items():
        assert refused(capfd, "rm", "1", expid).startswith(f"Nothing was removed: {text}")
    text = refused(capfd, "rm", "all", "--yes")
    assert text.startswith("Nothing was removed: 20 is running, 21 is running, 22 may be")
    assert " and 2 more are like that. End it first. " in text
    assert "20 is running, 21 is running, 23 is locked." in refused(
        capfd, "rm", "20-28", "--force"
    ), "never, whatever is forced"
    assert snapshot(store) == before
    answer(capfd, "rm", "22,24-28", "--force")
    assert ids(store) == ["1", "2", "9", "10", "20", "21", "23", "named"]
    assert answer(capfd, "lock", "23", "--unlock") == "23: unlocked.\n"
    answer(capfd, "rm", "23")


def test_a_running_child_stays_and_once_killed_it_goes_at_once(make_repository, capfd, monkeypatch):
    repository = make_repository()
    repository.program(
        """
        import sys
        from meticulous import Experiment
        with Experiment(capture="off", sample_seconds=0):
            print("ready", flush=True)
            sys.stdin.read()
        """
    )
    monkeypatch.chdir(repository.path)
    child = repository.start("train.py", stdin=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n"
        for options in ((), ("--force",), ("--yes", "--force")):
            assert "1 is running" in refused(capfd, "rm", "last", *options)
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    answer(capfd, "note", "1", "killed")
    answer(capfd, "rm", "last")
    assert ids(repository.root) == [] and trash(repository.root) == ["1"]
    assert answers(capfd, "restore")[1][0]["status"] == "LOST"
    assert not repository.git("status", "--porcelain")
    answer(capfd, "purge", "--older-than", "0d", "--yes")
    assert not os.listdir(repository.root / ".trash")
    again = repository.run("train.py", input=b"")
    assert again.returncode == 0 and ids(repository.root) == ["2"]


def test_one_that_begins_to_run_at_that_very_moment_is_put_back(store, capfd):
    """A process continues and ends it as fast as it can."""
    path = store / "1" / "STATUS"
    owner = _process.identity()
    metadata = store / "1" / "metadata.json"
    facts = json.loads(metadata.read_text())
    metadata.write_text(json.dumps({**facts, "sessions": [owner]}))
    program = """
import os, sys
while True:
    for text in ("RUNNING", "SUCCESS"):
        try:
            with open(sys.argv[1], "r+") as file:
                file.write(text)
        except OSError:
            pass
"""
    child = subprocess.Popen([sys.executable, "-c", program, path])
    try:
        seen: set[str] = set()
        wanted, deadline = {"Nothing was removed", "1 stays"}, time.monotonic() + 60
        while not wanted <= seen and time.monotonic() < deadline:
            code, _, err = run(capfd, "rm", "1")
            seen.add(err.partition(":")[2].strip().split(":")[0])
            if code == 0:
                answer(capfd, "restore", "1")
            else:
                assert "running" in err and (store / "1").is_dir(), err
    finally:
        child.kill()
        child.wait(60)
    assert wanted <= seen
    assert trash(store) == []


def test_what_was_not_named_is_asked_for(store, capfd, tmp_path):
    for argv in (("--filter", "summary.loss > 0"), ("all",)):
        text = refused(capfd, "rm", *argv)
        assert text.startswith("That would remove ") and "--dry-run" in text
    assert answer(capfd, "rm", "--filter", "summary.loss > 0", "--dry-run") == (
        "Would go into the trash (2): 1, 2\n"
    )
    assert answers(capfd, "rm", "all", "--filter", "id == 9", "--dry-run") == (
        "would_remove",
        [{"expid": "9"}],
    )
    assert refused(capfd, "rm") == "Name the experiments, or say --filter which."
    assert run(capfd, "rm", "--filter", "summary.loss > 9", "--fail-empty") == (
        3,
        "No experiments match.\n",
        "",
    )
    assert len(ids(store)) == 5
    for reply, code, left in (("", 1, 5), ("no", 1, 5), ("y", 0, 3)):
        with pexpect.spawn(
            COMMAND[0], [*COMMAND[1:], "rm", "--filter", "summary.loss > 0"], encoding="utf-8"
        ) as child:
            child.expect_exact("Throw 2 experiments (1, 2) into the trash? [y/N] ")
            child.sendline(reply)
            child.expect(pexpect.EOF)
            child.wait()
            assert child.exitstatus == code
        assert len(ids(store)) == left
    name, found = answers(capfd, "rm", "all", "--filter", "id in [9, 10]", "--yes")
    assert name == "removed" and [item["expid"] for item in found] == ["9", "10"]
    assert all(os.path.isdir(item["path"]) for item in found)


def test_all_among_ids_is_asked_for_like_all(store, capfd):
    assert refused(capfd, "rm", "1,all").startswith("That would remove 5 experiments (1, 2, 9, 10")
    assert len(ids(store)) == 5


def test_the_way_back_can_be_pasted_and_a_slip_is_told(store, capfd):
    write_record(store, "two words")
    out = answer(capfd, "rm", "two words")
    assert out == "In the trash now (1): two words. Back with: meticulous restore 'two words'\n"
    assert "no 'two wrds' in the trash. Did you mean 'two words'?" in refused(
        capfd, "restore", "two wrds"
    )


def test_a_trash_that_cannot_be_used_moves_nothing(store, capfd, tmp_path):
    os.symlink(tmp_path, store / ".trash")
    before = snapshot(store)
    assert f"{store}/.trash is a link or a file." in refused(capfd, "rm", "1")
    assert f"{store}/.trash is a link or a file." in refused(capfd, "restore")
    assert snapshot(store) == before
    (store / ".trash").unlink()
    (store / ".trash").mkdir(mode=0o500)
    program = OBEY_MODES + "from meticulous.cli import main; import sys; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "rm", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"meticulous: Cannot move {store}/1 to {store}/.trash/")
    assert done.stderr.endswith(": Permission denied. It is where it was.\n")
    assert "1" in ids(store)


# ------------------------------------------------------------------------------ for ever


def test_purge_deletes_by_age_and_only_when_told_to(store, capfd):
    newest = store / "50"
    write_record(store, "50")
    answer(capfd, "rm", "1,2,9,50")
    assert not newest.exists()
    for expid, days in (("1", 31), ("2", 8), ("50", 400)):
        backdate(store, expid, days)
    before = snapshot(store)
    assert run(capfd, "purge", "--older-than", "5000d", "--fail-empty")[0] == 3
    lines = answer(capfd, "purge").splitlines()
    assert lines[0].startswith("Would delete 2, ")
    assert lines[0].endswith("; 2 newer in the trash would stay")
    assert [line.split()[0] for line in lines[3:5]] == ["50", "1"]
    assert lines[-1] == (
        "Nothing was deleted. To delete them: meticulous purge --older-than 30d --yes"
    )
    name, found = answers(capfd, "purge", "--older-than", "1w")
    assert name == "would_purge" and [i["expid"] for i in found["experiments"]] == ["50", "1", "2"]
    assert found["size"] == sum(item["size"] for item in found["experiments"]) > 0
    assert refused(capfd, "purge", "--older-than", "soon").startswith("Argument --older-than: 'so")
    assert snapshot(store) == before
    assert answer(capfd, "purge", "--yes").startswith("Purged 2 (")
    assert trash(store) == ["2", "9"]
    (store / "10").rmdir()
    assert next_number(store) == "51", "the highest number stays remembered"
    shutil.rmtree(store / "51")
    shutil.rmtree(store / ".highest")
    answer(capfd, "rm", "named")
    write_record(store, "60")
    answer(capfd, "rm", "60")
    name, found = answers(capfd, "purge", "--older-than", "0d", "--yes")
    assert name == "purged" and len(found["experiments"]) == 4 and found["staying"] == 0
    assert not os.listdir(store / ".trash") and next_number(store) == "61"
    for reply, left in (("", ["61"]), ("y", [])):
        if left:
            answer(capfd, "rm", "61", "--force")
        with pexpect.spawn(
            COMMAND[0], [*COMMAND[1:], "purge", "--older-than", "0d"], encoding="utf-8"
        ) as child:
            child.expect_exact("Delete these 1 for ever? [y/N] ")
            child.sendline(reply)
            child.expect(pexpect.EOF)
        assert trash(store) == left


def test_locked_ones_are_never_purged(store, capfd):
    answer(capfd, "rm", "1,2")
    path = backdate(store, "1", 100)
    (path / "annotations.json").write_text('{"locked": true}')
    backdate(store, "2", 100)
    assert "; 1 locked in the trash would stay" in answer(capfd, "purge")
    answer(capfd, "purge", "--older-than", "0d", "--yes")
    assert trash(store) == ["1"]


def test_nothing_outside_of_the_trash_is_deleted(store, capfd, tmp_path):
    outside = tmp_path / "data"
    outside.mkdir(mode=0o755)
    (outside / "precious").write_text("x")
    inside = store / "1"
    os.symlink(outside, inside / "data")
    os.symlink(outside / "precious", inside / "file")
    os.link(outside / "precious", inside / "hard")
    protected = inside / "protected" / "deep"
    protected.mkdir(parents=True)
    (protected / "file").write_text("x")
    os.symlink(outside, protected / "up")
    protected.chmod(0o500)
    protected.parent.chmod(0)
    os.mkfifo(inside / "fifo")
    program = OBEY_MODES + "from meticulous.cli import main; import sys; sys.exit(main())"
    for argv in (["rm", "1"], ["purge", "--older-than", "0d", "--yes"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *argv], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert not os.listdir(store / ".trash")
    assert (outside / "precious").read_text() == "x"
    assert outside.stat().st_mode & 0o777 == 0o755


def test_a_purge_that_is_killed_is_finished_by_the_next_one(store, capfd):
    for number in range(10_000):
        (store / "2" / f"file{number}").write_text("x")
    answer(capfd, "rm", "2,9")
    child = subprocess.Popen([*COMMAND, "purge", "--older-than", "0d", "--yes"])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and child.poll() is None:
        names = os.listdir(store / ".trash")
        if any(name.startswith(".purging-") for name in names):
            break
    child.kill()
    child.wait(60)
    left = [entry for entry in _folder_trash.entries(str(store)) if entry.unfinished]
    assert left, "killed in the middle"
    assert "2" not in [e.expid for e in _folder_trash.entries(str(store)) if not e.unfinished]
    assert refused(capfd, "restore", "2").startswith("There is no '2' in the trash.")
    assert next_number(store) == "11"
    status = {item["expid"]: item["status"] for item in answers(capfd, "restore")[1]}
    assert status["2"] == "half purged"
    assert answers(capfd, "purge", "--yes")[0] == "purged"
    assert trash(store) == ["9"], "what is left of it goes whatever its age"
