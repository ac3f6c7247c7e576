"""Files that args lead to are noted by themselves, and which sources a program imported."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from meticulous import _experiment_noticed, _git
from meticulous.cli import main
from storage_tools import Quick, folder_of, strict_lines


@pytest.fixture
def start(tmp_path):
    with Quick(tmp_path / "project") as quick:
        yield quick


def noticed(experiment):
    path = folder_of(experiment) / "files.jsonl"
    lines = strict_lines(path.read_bytes()) if path.exists() else []
    return {(line["arg"], line["path"]): line for line in lines}


def test_files_that_args_lead_to_are_noted_with_the_arg_and_their_hash(
    start, tmp_path, monkeypatch
):
    project = start.repository.path
    (project / "data" / "sub").mkdir(parents=True)
    (project / "data" / "a.csv").write_bytes(b"abc")
    (project / "data" / "sub" / "b.csv").write_bytes(b"b")
    outside = tmp_path / "weights.bin"
    outside.write_bytes(b"w")
    other = start.repository.root / "7" / "model.bin"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"model")
    os.mkfifo(project / "pipe")
    monkeypatch.chdir(project / "data")
    args = {
        "train": "a.csv",
        "again": "./a.csv",
        "more": {"folder": Path("sub"), "weights": [str(outside), "absent"]},
        "start": "../experiments/7/model.bin",
        "not": ["adam", "", "http://a.csv", "a.csv\n", "../pipe", 3, None, "x" * 9000, "a\0b"],
        "around": [".", "..", "../..", "/", str(project), "../experiments"],
        "api_token": "a.csv",
    }
    with start(args) as experiment:
        monkeypatch.chdir(tmp_path)
    found = noticed(experiment)
    monkeypatch.chdir(project)
    assert set(found) == {
        ("train", "data/a.csv"),
        ("more.folder", "data/sub"),
        ("more.weights", str(outside)),
        ("start", "experiments/7/model.bin"),
        ("around", "data"),  # the working directory, which is not the project
    }
    line = found["train", "data/a.csv"]
    assert list(line) == ["time", "role", "arg", "base", "path", "size", "mtime", "sha256"]
    assert (line["role"], line["base"], line["size"]) == ("arg", "project", 3)
    assert line["sha256"] == hashlib.sha256(b"abc").hexdigest()
    assert found["more.folder", "data/sub"]["files"] == 1


def test_a_difference_in_what_an_arg_leads_to_is_shown_by_diff(start, monkeypatch, capfd):
    project = start.repository.path
    monkeypatch.chdir(project)
    for text in ("one", "two"):
        (project / "data.csv").write_text(text)
        start({"data": "data.csv"}).finish()
    assert main(["diff", "1", "2"]) in (0, 1)
    out = capfd.readouterr().out
    assert "data.csv" in out
    assert hashlib.sha256(b"one").hexdigest()[:8] in out


def test_what_is_large_is_noted_by_its_size_alone_and_the_bounds_hold(start, tmp_path):
    (tmp_path / "small").write_bytes(b"x" * 600)
    (tmp_path / "second").write_bytes(b"x" * 600)
    many = tmp_path / "many"
    many.mkdir()
    for number in range(_experiment_noticed.MAX_IN_FOLDER + 1):
        os.close(os.open(many / str(number), os.O_CREAT))
    files = {f"f{number:03}": tmp_path / f"f{number:03}" for number in range(60)}
    for path in files.values():
        path.touch()
    sizes = {name: tmp_path / name for name in ("small", "second", "many")}
    with start(sizes, hash_limit=1000) as experiment:
        pass
    found = {name: line for (name, _), line in noticed(experiment).items()}
    assert "sha256" in found["small"]
    assert found["second"]["problem"] == "not hashed: larger than hash_limit"
    assert found["second"]["size"] == 600
    assert found["many"]["problem"] == "not hashed: more than 10000 entries"
    with start(files) as experiment:
        pass
    assert len(noticed(experiment)) == _experiment_noticed.MAX_FILES
    with start(files, notice_inputs=False) as experiment:
        pass
    assert noticed(experiment) == {}


def test_a_short_program_does_not_wait_for_the_hash_of_a_huge_file(start, tmp_path):
    path = tmp_path / "huge"
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    began = time.monotonic()
    experiment = start({"data": path}, hash_limit="2T")
    experiment.finish()
    assert time.monotonic() - began < 5
    (line,) = noticed(experiment).values()
    assert (line["size"], line["problem"]) == (1 << 40, "not hashed: the experiment ended first")


def test_a_storage_that_hangs_holds_up_neither_start_nor_end(repository, tmp_path):
    """The thread hangs in a look at the file; the process ends all the same."""
    repository.program(
        """
        import os, sys, time
        from meticulous import Experiment
        stat = os.stat
        def hangs(path, *more, **options):
            if str(path).endswith("far/away"):
                time.sleep(600)
            return stat(path, *more, **options)
        os.stat = hangs
        with Experiment({"data": "far/away"}):
            pass
        """
    )
    began = time.monotonic()
    done = repository.run("train.py", timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert time.monotonic() - began < 30
    assert (repository.root / "1" / "STATUS").read_text() == "SUCCESS"


def test_the_sources_of_the_repository_are_recorded_at_the_start_and_completed_at_the_end(
    repository, make_repository
):
    sub = make_repository("sub")
    sub.write("inside.py", "")
    sub.commit()
    repository.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", sub.path, "lib")
    repository.write("package/__init__.py", "")
    repository.write("package/late.py", "")
    repository.write("helper.py", "")
    repository.write("unused.py", "")
    repository.program(
        """
        import os, signal, sys
        import helper, json, numpy
        sys.path.insert(0, "lib")
        from meticulous import Experiment
        with Experiment(capture="off"):
            import inside
            import package.late
            if sys.argv[1:]:
                os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    first = ["helper.py", "train.py"]
    whole = sorted([*first, "lib/inside.py", "package/__init__.py", "package/late.py"])
    assert repository.run("train.py").returncode == 0
    assert repository.run("train.py", "die").returncode == -9
    command = [sys.executable, "-m", "meticulous", "run", "--", sys.executable, "train.py"]
    subprocess.run(command, cwd=repository.path, check=True, capture_output=True)
    for expid, expected in (("1", whole), ("2", first), ("3", whole)):
        metadata = json.loads((repository.root / expid / "metadata.json").read_text())
        assert metadata["git"]["files"] == expected, expid


def test_of_very_many_sources_the_first_are_listed_and_the_others_counted(tmp_path):
    root = str(tmp_path)
    paths = [f"p{number:05}.py" for number in range(_git.MAX_FILES + 7)]
    facts = _git.own_files(["a.py"], root, {root: paths, "/elsewhere": ["x.py"]})
    assert facts["files"][:2] == ["a.py", "p00000.py"]
    assert (len(facts["files"]), facts["files-left-out"]) == (_git.MAX_FILES, 8)
    assert _git.own_files((), root, {root: []}) == {}


def test_the_inputs_of_a_foreign_program_are_noted_too_unless_it_notes_them_itself(repository):
    repository.write("data.csv", "abc")
    repository.program(
        "import sys\nfrom meticulous import Experiment\n"
        "with Experiment({'data': sys.argv[2]}):\n    pass\n"
    )
    run = (sys.executable, "-m", "meticulous", "run", "--")
    for command in (("cat", "--data", "data.csv"), (sys.executable, "train.py", "--d", "data.csv")):
        subprocess.run([*run, *command], cwd=repository.path, check=False, capture_output=True)
    for expid in ("1", "2"):
        lines = strict_lines((repository.root / expid / "files.jsonl").read_bytes())
        assert [line["path"] for line in lines if line["role"] == "arg"] == ["data.csv"], expid
