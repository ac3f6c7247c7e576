"""``meticulous reproduce`` loses nothing, leaves nothing, and claims no more than it looked at."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pexpect
import pytest

from cli.command import COMMAND
from meticulous import _reproduce_command
from reproduce.recorded import beside, metadata

RUN = (COMMAND[0], "-P", *COMMAND[1:], "run", "--dirty", "allow", "--")
SLOW = """
    import os, time
    from meticulous import Experiment
    with Experiment({}) as experiment:
        if "-again-" in os.getcwd():
            print("started", flush=True)
            time.sleep(600)
    """


def record(repository, *words, **options):
    return subprocess.run([*RUN, *words], cwd=repository.path, check=True, **options)


def wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_program_and_the_work_tree_goes(repository, number):
    repository.program(SLOW)
    assert repository.run("train.py").returncode == 0
    process = repository.start("-m", "meticulous", "reproduce", "1")
    assert process.stdout.readline() == b"started\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    name = signal.Signals(number).name
    assert f"FAILED: it ended with TERMINATED {name}".encode() in out
    assert metadata(repository, 2)["sessions"][0]["ending"]["received"] == [name]
    assert beside(repository) == []
    assert len(repository.git("worktree", "list").splitlines()) == 1


@pytest.mark.parametrize("command", ["reproduce", "checkout"])
def test_a_signal_while_the_code_is_written_leaves_nothing(
    repository, tmp_path_factory, monkeypatch, command
):
    repository.program(SLOW)
    assert repository.run("train.py").returncode == 0
    folder = tmp_path_factory.mktemp("bin")
    real = shutil.which("git")
    script = folder / "git"
    script.write_text(
        f'#!/bin/sh\n{real} "$@"; code=$?\n'
        f'case "$*" in *"worktree add"*) touch {folder}/made; sleep 600;; esac; exit $code\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    process = repository.start("-m", "meticulous", command, "1")
    wait_for((folder / "made").exists)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert beside(repository) == []
    assert len(repository.git("worktree", "list").splitlines()) == 1


def test_inputs_without_a_hash_are_not_called_the_same(repository, meticulous):
    repository.write(".gitignore", "data/\n")
    data = repository.write("data/large.bin", "1 2 3\n")
    repository.program("""
        from meticulous import Experiment
        with Experiment({}) as experiment:
            experiment.record_input("data/large.bin")
            experiment.record_input("data/never.txt")
            experiment.summary({"length": len(open("data/large.bin").read())})
        """)
    assert repository.run("train.py").returncode == 0
    path = repository.root / "1" / "files.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0].pop("sha256")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, out, err = meticulous("reproduce", "1")
    assert code == 0 and "inputs: 2, 0 of them the same as then, by their hashes" in err
    assert "large.bin has no hash; its size is that of then, its time too" in out
    assert "never.txt could not be read then either" in out
    os.utime(data, (1, 1))
    assert "its time is not" in meticulous("reproduce", "1", "--dry-run")[1]
    data.write_text("1 2 3 4\n")
    code, _, err = meticulous("reproduce", "1")
    assert code == 2 and "data/large.bin: changed: 8 bytes, were 6" in err
    data.unlink()
    code, _, err = meticulous("reproduce", "1")
    assert code == 2 and "data/large.bin: missing" in err


def test_what_lies_outside_of_the_repository_is_not_overwritten(repository, meticulous, tmp_path):
    result = tmp_path / "result.txt"
    repository.program("""
        import sys
        from meticulous import Experiment
        with Experiment({}) as experiment:
            path = sys.argv[2]
            open(path, "w").write("precious")
            experiment.record_output(path)
        """)
    assert repository.run("train.py", "--out", result).returncode == 0
    result.write_text("as it was")
    code, _, err = meticulous("reproduce", "1")
    assert code == 2 and f"overwrite what it wrote outside of the repository: {result}" in err
    assert result.read_text() == "as it was" and beside(repository) == ["result.txt"]
    assert meticulous("reproduce", "1", "--set", f"out={tmp_path}/another.txt")[0] in (0, 4)
    assert result.read_text() == "as it was"
    result.unlink()
    assert meticulous("reproduce", "1")[0] == 0 and result.read_text() == "precious"


def test_an_input_that_the_program_changes_is_kept_changed(repository, meticulous, tmp_path):
    repository.write(".gitignore", "data/\n")
    data = repository.write("data/log.txt", "1\n")
    repository.program("""
        from meticulous import Experiment
        with Experiment({}) as experiment:
            experiment.record_input("data/log.txt")
            open("data/log.txt", "a").write("2\\n")
        """)
    assert repository.run("train.py").returncode == 0
    data.write_text("1\n")
    code, out, err = meticulous("reproduce", "1")
    assert code == 0 and "the program left data/log.txt in" in err
    kept = next(tmp_path.glob("project-1-again-*"))
    assert (kept / "data" / "log.txt").read_text() == "1\n2\n" and data.read_text() == "1\n"
    removing = next(line for line in out.splitlines() if "remove it with: " in line)
    subprocess.run(removing.partition(": ")[2], shell=True, check=True)
    assert beside(repository) == []


def test_the_verdict_is_given_where_it_cannot_be_recorded(repository, meticulous):
    repository.program("from meticulous import Experiment\nExperiment({}).summary({'a': 1})\n")
    assert repository.run("train.py").returncode == 0
    (repository.root / "1" / "annotations.json").mkdir()  # nobody can write that file
    code, out, err = meticulous("reproduce", "1")
    assert code == 0 and "IDENTICAL: 1 summary value is the same" in out
    assert "annotations.json" in err and "Traceback" not in err
    assert metadata(repository, 2)["reproduces"]["verdict"] == "IDENTICAL"


def test_a_working_directory_that_git_does_not_keep_is_made(repository, meticulous):
    repository.program("from meticulous import Experiment\nExperiment({}).summary({'a': 1})\n")
    repository.root.mkdir()
    folder = repository.path / "empty" / "run é"
    folder.mkdir(parents=True)
    assert repository.run("../../train.py", cwd=folder).returncode == 0
    code, out, _ = meticulous("reproduce", "1")
    assert code == 0 and "the working directory empty/run é is not in git; it was made" in out
    assert beside(repository) == []


def test_a_python_of_another_environment_stays_the_programs(repository, meticulous, tmp_path):
    """That of meticulous, as pipx installs it, has none of the program's packages."""
    environment = repository.path / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    repository.write(".gitignore", ".venv/\n")
    repository.program("import sys\nprint(sys.prefix)\n", "print.py")
    threads = {**os.environ, "OMP_NUM_THREADS": "3"}
    record(repository, ".venv/bin/python", "print.py", env=threads)
    record(repository, environment / "bin" / "python", repository.path / "print.py")
    for number in "12":
        code, out, err = meticulous("reproduce", number)
        assert code == 0 and "IDENTICAL: it printed the same" in out, out + err
        assert str(environment) in out.splitlines()[0]
    facts = json.loads((repository.root / "3" / "environment.json").read_text())
    assert facts["variables"]["OMP_NUM_THREADS"] == "3"  # as the program had it
    path = f"{environment}/bin{os.pathsep}{os.environ['PATH']}"
    record(repository, "python", "print.py", env={**os.environ, "PATH": path})
    os.environ["PATH"], before = path, os.environ["PATH"]
    try:
        code, out, _ = meticulous("reproduce", "last")
    finally:
        os.environ["PATH"] = before
    assert code == 0 and str(environment) in out.splitlines()[0]


def test_a_path_by_a_link_to_the_repository_leads_into_the_old_code(repository, meticulous):
    link = repository.path.parent / "link"
    link.symlink_to(repository.path)
    repository.program("from meticulous import Experiment\nExperiment({}).summary({'a': 1})\n")
    assert repository.run(link / "train.py").returncode == 0
    repository.program("from meticulous import Experiment\nExperiment({}).summary({'a': 2})\n")
    code, out, _ = meticulous("reproduce", "1")
    assert code == 0 and "IDENTICAL" in out and "present work tree" not in out


def test_bytes_that_are_no_text_come_back_as_they_were(repository, meticulous):
    repository.program('printf %s "$1" | od -An -tx1\n', "print.sh")
    record(repository, "sh", "print.sh", b"\xff\xfe")
    code, out, _ = meticulous("reproduce", "1")
    assert code == 0 and "ff fe" in out


def test_a_secret_is_named_after_what_stands_before_it(repository, meticulous):
    names = []
    words = [
        "p",
        "--password=***",
        "--api-key",
        "***",
        "--url",
        "https://joe:***@example.org/",
        "TOKEN=*** OTHER=***",
        "Authorization: Bearer ***",
        '{"secret": "***"}',
        "https://joe:***@example.org/",
        "x=*** x=***",
    ]
    filled = _reproduce_command.with_secrets(words, lambda name, _: names.append(name) or "S")
    assert names == [
        *("password", "api-key", "url", "TOKEN", "OTHER", "Authorization", "secret"),
        *("argv_9", "x", "x_2"),
    ]
    assert filled[5:7] == ["https://joe:S@example.org/", "TOKEN=S OTHER=S"]
    repository.program("from meticulous import Experiment\nExperiment({})\n")
    assert repository.run("train.py", "--password", "hunter2hunter2").returncode == 0
    code, _, err = meticulous("reproduce", "1")
    # Asked for before the code is checked out, which may take long.
    assert code == 2 and "METICULOUS_SECRET_PASSWORD" in err and "code:" not in err
    for words in (["--set", "password=another1"], ["--", "--api-key", "another1"]):
        os.environ["METICULOUS_SECRET_PASSWORD"] = "hunter2hunter2"
        code, out, err = meticulous("reproduce", "1", *words)
        del os.environ["METICULOUS_SECRET_PASSWORD"]
        assert code == 0 and "running:" in err and "another1" not in out + err
    child = pexpect.spawn(COMMAND[0], [*COMMAND[1:], "reproduce", "1"], timeout=60)
    child.expect("password .was not recorded.: ")
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 2 and b"Traceback" not in child.before


def test_the_spread_is_that_of_the_same_program_and_says_of_how_many_versions(
    repository, meticulous
):
    text = """
        import sys
        from meticulous import Experiment
        seed = int(sys.argv[1])
        Experiment({"seed": seed}).summary({"loss": seed * %s})
        """
    repository.program(text % "100", "other.py")
    repository.program(text % "1", "train.py")
    for program, seed in (("other.py", "4"), ("other.py", "5"), ("train.py", "1")):
        assert repository.run(program, seed).returncode == 0
    code, out, _ = meticulous("reproduce", "3", "--compare", "1")
    assert code == 4 and "among themselves" not in out
    repository.write("notes.txt", "x")
    repository.commit()
    for seed in ("1", "2", "3"):  # the first one's seed came before
        assert repository.run("train.py", seed).returncode == 0
    code, out, _ = meticulous("reproduce", "4", "--compare", "5")
    assert code == 0 and "3 experiments that differ in seed do among themselves" in out
    code, out, _ = meticulous("reproduce", "3", "--compare", "5")
    assert code == 0 and "the spread is that of 3, 5, 6, of 2 versions of the code" in out


def test_no_commit_is_told_before_no_repository(repository, meticulous, tmp_path, monkeypatch):
    plain = tmp_path / "plain"
    plain.mkdir()
    monkeypatch.chdir(plain)
    subprocess.run([*RUN, "true"], cwd=plain, check=True)
    for command in ("checkout", "reproduce"):
        code, _, err = meticulous(command, "1")
        assert code == 1 and "Experiment 1 has no commit recorded" in err


def test_a_folder_is_taken_with_its_links_and_nothing_huge_is_copied(
    repository, meticulous, tmp_path
):
    """A folder of data is often one of links to a disk that holds more than this one."""
    big = tmp_path / "disk"
    big.mkdir()
    (big / "huge.bin").touch()
    os.truncate(big / "huge.bin", 1 << 40)
    (tmp_path / "small.txt").write_text("small\n")
    repository.write(".gitignore", "data/\n")
    data = repository.write("data/sub/a.txt", "a\n").parent.parent
    (data / "disk").symlink_to(big)
    (data / "small.txt").symlink_to(tmp_path / "small.txt")
    (data / "again").symlink_to("../data")  # a circle
    (data / "whole").symlink_to(data / "sub")
    repository.program("""
        import os
        from meticulous import Experiment
        with Experiment({}) as experiment:
            experiment.record_input("data")
            experiment.summary({"names": sorted(os.listdir("data"))})
            experiment.summary({"a": open("data/whole/a.txt").read()})
            if "-again-" in os.getcwd():
                open("data/small.txt", "w").write("overwritten")
                open("data/whole/a.txt", "w").write("overwritten")
        """)
    assert repository.run("train.py").returncode == 0
    os.mkfifo(data / "pipe")
    code, out, err = meticulous("reproduce", "1")
    assert code == 0 and "a link, not a copy: data/disk" in out, out + err
    kept = next(tmp_path.glob("project-1-again-*"))
    assert (kept / "data" / "again").resolve() == kept / "data"
    assert (tmp_path / "small.txt").read_text() == "small\n"
    assert (data / "sub" / "a.txt").read_text() == "a\n"
