"""Inputs and outputs are noted with size, time and SHA-256, or with why they are not."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
import warnings

import pytest

from storage_tools import Quick, folder_of, strict_lines

LARGE = 17 << 20


@pytest.fixture
def start(tmp_path):
    with Quick(tmp_path / "project") as quick:
        yield quick


def recorded(experiment):
    return strict_lines((folder_of(experiment) / "files.jsonl").read_bytes())


def test_a_file_is_noted_as_it_was_at_the_call_and_relative_so_that_folders_can_move(
    start, tmp_path, monkeypatch
):
    project = start.repository.path
    (project / "data").mkdir()
    inside, outside = project / "data" / "in.csv", tmp_path / "out.csv"
    inside.write_bytes(b"abc")
    outside.write_bytes(b"")
    os.utime(inside, (1_700_000_000.5,) * 2)
    with start() as experiment:
        monkeypatch.chdir(project)
        experiment.record_input("data/in.csv")
        inside.write_bytes(b"changed")
        monkeypatch.chdir(project / "data")
        experiment.record_input(inside)
        experiment.record_input(os.fsencode(outside))
        with experiment.open("models/m.bin", "w") as file:
            file.write("model")
        experiment.record_output(folder_of(experiment) / "models" / "m.bin")
    first, second, third, output = recorded(experiment)
    assert list(first) == ["time", "role", "base", "path", "size", "mtime", "sha256"]
    assert (first["role"], first["base"], first["path"]) == ("input", "project", "data/in.csv")
    assert (first["size"], first["mtime"]) == (3, "2023-11-14T22:13:20.500000+00:00")
    assert first["sha256"] == hashlib.sha256(b"abc").hexdigest()
    assert second["sha256"] == hashlib.sha256(b"changed").hexdigest()
    assert second["path"] == "data/in.csv"
    assert (third["base"], third["path"], third["size"]) == ("machine", str(outside), 0)
    assert (output["role"], output["base"], output["path"]) == (
        ("output", "experiment", "models/m.bin")
    )


def test_a_large_file_is_hashed_in_the_background_and_waited_for_at_the_end(start, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"x" * LARGE)
    with start() as experiment:
        experiment.record_input(path)
    (line,) = recorded(experiment)
    assert line["size"] == LARGE
    assert line["sha256"] == hashlib.sha256(b"x" * LARGE).hexdigest()


def test_a_hash_that_takes_too_long_is_given_up_and_said_to_be(start, tmp_path):
    path = tmp_path / "huge"
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    experiment = start()
    experiment.record_input(path)
    experiment.record_input(path)
    began = time.monotonic()
    experiment.finish()
    assert time.monotonic() - began < 8
    lines = recorded(experiment)
    assert [line["problem"] for line in lines] == ["not hashed: the experiment ended first"] * 2
    assert [line["size"] for line in lines] == [1 << 40] * 2


def test_the_hash_of_a_folder_is_that_of_the_list_that_sha256sum_prints(start, tmp_path):
    folder = tmp_path / "set"
    for name in ("b", "a/x", "a/y z", "é"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    os.mkfifo(folder / "pipe")
    (folder / "empty").mkdir()
    with start() as experiment:
        experiment.record_input(folder)
    (line,) = recorded(experiment)
    assert (line["files"], line["size"]) == (4, 1 + 3 + 5 + 2)
    listed = subprocess.run(
        "find . -type f | LC_ALL=C sort | sed 's#^./##' | tr '\\n' '\\0' | xargs -0 sha256sum"
        " | sha256sum",
        shell=True, cwd=folder, capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert line["sha256"] == listed.stdout.split()[0]


def test_what_cannot_be_read_is_noted_with_the_reason_and_raises_nothing(start, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    odd = os.fsdecode(b"odd \xff\n")
    (tmp_path / odd).write_text("odd")
    with start() as experiment:
        for name in ("absent", "pipe", "loop", "dangling", "null\0", odd, "x" * 5000):
            experiment.record_input(tmp_path / name if "\0" not in name else name)
        experiment.record_input("/dev/zero")
        experiment.record_input("")
    *lines, empty = recorded(experiment)
    problems = [line.get("problem") for line in lines]
    assert "embedded null" in problems[4]
    assert problems[:4] + problems[5:] == [
        "No such file or directory",
        "neither a file nor a folder",
        "Too many levels of symbolic links",
        "No such file or directory",
        None,
        "File name too long",
        "neither a file nor a folder",
    ]
    assert lines[5]["path"].endswith("odd \\udcff\n") and len(lines[5]["sha256"]) == 64
    assert empty["role"] == "input"


def test_a_working_directory_that_is_gone_raises_nothing(start, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    with start() as experiment:
        monkeypatch.chdir(gone)
        gone.rmdir()
        experiment.record_input("x")
        monkeypatch.chdir(tmp_path)
    (line,) = recorded(experiment)
    assert (line["path"], line["problem"]) == ("x", "No such file or directory")


def test_after_the_end_it_warns_once(start):
    experiment = start()
    experiment.finish()
    with pytest.warns(RuntimeWarning, match=r"record_output\(\) after the end") as seen:
        experiment.record_output("x")
    assert seen[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        experiment.record_input("x")
    assert not (folder_of(experiment) / "files.jsonl").exists()
