"""`experiment.open` is the built-in one, in the experiment's folder."""

from __future__ import annotations

import os
import pathlib

import pytest

from storage_tools import Quick, folder_of


@pytest.fixture
def start(tmp_path):
    with Quick(tmp_path / "project") as quick:
        yield quick


def test_files_are_relative_to_the_folder_wherever_the_program_is(start, tmp_path, monkeypatch):
    with start() as experiment:
        monkeypatch.chdir(tmp_path)
        with experiment.open("a.txt", "w", encoding="latin-1", newline="\r\n") as file:
            file.write("é\n")
        with experiment.open("b.bin", mode="wb", buffering=0) as file:
            file.write(b"1")
        with experiment.open("b.bin", "ab") as file:
            file.write(b"2")
        with experiment.open("b.bin", "r+b") as file:
            file.write(b"3")
        with pytest.raises(FileExistsError):
            experiment.open("a.txt", "x")
        with experiment.open("a.txt", encoding="latin-1") as file:
            assert file.read() == "é\n"
    folder = folder_of(experiment)
    assert (folder / "a.txt").read_bytes() == b"\xe9\r\n"
    assert (folder / "b.bin").read_bytes() == b"32"
    assert list(tmp_path.glob("*.*")) == []


def test_folders_on_the_way_are_made_when_the_mode_writes(start):
    with start() as experiment:
        for mode in ("w", "a", "x", "w+"):
            experiment.open(f"{mode}/deep/er/x", mode).close()
        with pytest.raises(FileNotFoundError):
            experiment.open("absent/x")
        with pytest.raises(FileNotFoundError):
            experiment.open("absent/x", "r+")
        assert not (folder_of(experiment) / "absent").exists()


def test_paths_of_every_kind_are_taken(start, tmp_path):
    elsewhere = tmp_path / "elsewhere.txt"
    with start() as experiment:
        experiment.open(pathlib.Path("p"), "w").close()
        experiment.open(b"bytes", "w").close()
        experiment.open(elsewhere, "w").close()
        descriptor = os.open(elsewhere, os.O_WRONLY)
        with experiment.open(descriptor, "w") as file:
            file.write("by descriptor")
    assert elsewhere.read_text() == "by descriptor"
    assert {"p", "bytes"} <= set(os.listdir(folder_of(experiment)))


def test_wrong_arguments_fail_as_those_of_the_built_in_one(start):
    with start() as experiment:
        with pytest.raises(ValueError, match="mode"):
            experiment.open("x", "q")
        with pytest.raises(TypeError):
            experiment.open(None)
        with pytest.raises(TypeError):
            experiment.open("x", no_such=1)


def test_files_belong_to_the_caller_and_work_after_the_end(start):
    experiment = start()
    file = experiment.open("x", "w")
    experiment.finish()
    file.write("after the end")
    file.close()
    with experiment.open("x") as file:
        assert file.read() == "after the end"


def test_with_norecord_files_are_relative_to_the_working_directory(start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    experiment = start(norecord=True)
    with experiment.open("x", "w") as file:
        file.write("here")
    assert (tmp_path / "x").read_text() == "here"
    assert not start.repository.root.exists()
