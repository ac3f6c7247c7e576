"""``meticulous doctor``: what recording would meet, and nothing is written."""

import json
import os
import sys

from cli import command
from read.records import snapshot


def lines(output):
    found = {}
    for line in output.splitlines():
        mark, name, *text = line.split(maxsplit=2)
        found[name] = (mark, " ".join(text))
    return found


def test_it_tells_in_one_screen_what_there_is_and_writes_nothing(repository, capfd, monkeypatch):
    monkeypatch.chdir(repository.path)
    repository.program("from meticulous import Experiment\nExperiment({})\n")
    assert repository.run("train.py").returncode == 0
    before = snapshot(repository.path)
    code, out, err = command.run(capfd, "doctor")
    assert (code, err) == (0, "")
    told = lines(out)
    assert {mark for mark, _ in told.values()} <= {"ok", "--"}
    assert "main, clean" in told["code"][1]
    assert "1 recorded" in told["experiments"][1]
    assert "msgspec" in told["extras"][1]
    assert len(out.splitlines()) < 20
    assert snapshot(repository.path) == before


def test_what_would_refuse_a_start_is_told_with_the_way_on(repository, capfd, monkeypatch):
    monkeypatch.chdir(repository.path)
    repository.write("README", "changed\n")
    code, out, _ = command.run(capfd, "doctor")
    assert code == 0
    assert "README" in lines(out)["code"][1]
    assert "--dirty snapshot" in lines(out)["code"][1]


def test_without_git_or_with_a_wrong_setting_the_exit_code_is_1(repository, tmp_path):
    repository.write("pyproject.toml", "[tool.meticulous]\ndirt = 'allow'\n")
    (tmp_path / "bin").mkdir()
    environment = {**os.environ, "PATH": str(tmp_path / "bin")}
    environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    done = command.process("doctor", cwd=repository.path, env=environment)
    assert (done.returncode, done.stderr) == (1, b"")
    told = lines(done.stdout.decode())
    assert told["git"][0] == told["settings"][0] == "!!"
    assert "dirt" in told["settings"][1]


def test_programs_get_all_the_facts(repository, capfd, monkeypatch):
    monkeypatch.chdir(repository.path)
    monkeypatch.setenv("METICULOUS_DIRTY", "allow")
    monkeypatch.setenv("RANK", "3")
    code, out, _ = command.run(capfd, "doctor", "--json")
    assert code == 0
    answer = json.loads(out)["doctor"]
    assert answer["facts"]["settings"] == {"dirty": "allow"}
    assert answer["facts"]["inert"] == "RANK=3"
    assert answer["facts"]["environment"]["python"]["executable"] == sys.executable
    assert {check["state"] for check in answer["checks"]} <= {"ok", "note"}


def test_a_narrow_terminal_wraps_and_loses_nothing(repository, capfd, monkeypatch):
    monkeypatch.chdir(repository.path)
    whole = lines(command.run(capfd, "doctor")[1])
    monkeypatch.setenv("COLUMNS", "40")
    code, out, _ = command.run(capfd, "doctor")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 40
    narrow = "".join(out.split())
    for name in ("meticulous", "code", "experiments", "extras"):
        assert "".join(whole[name][1].split()) in narrow
