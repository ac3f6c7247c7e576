"""A storage that fails at the start is one clear error, and nothing is written elsewhere."""

from __future__ import annotations

import errno
import os
import pathlib
import resource
import stat

import pytest

from storage_tools import OBEY_MODES, Disk, Trouble

PROGRAM = (
    OBEY_MODES
    + """
import sys
from meticulous import Experiment
Experiment({}, experiments_directory=sys.argv[1], sample_seconds=0, **eval(sys.argv[2]))
print("training")
"""
)


def listing(folder):
    return sorted(
        str(path.relative_to(folder))
        for path in pathlib.Path(folder).rglob("*")
        if not {".git", ".highest"}.intersection(path.parts)
    )


def fail(repository, place, options="{}", **run):
    """Start where it cannot work; the error's line."""
    repository.program(PROGRAM)
    done = repository.run("train.py", place, options, **run)
    assert done.returncode == 1 and done.stdout == b"", done.stderr
    line = done.stderr.decode().splitlines()[-1]
    assert line.startswith("meticulous.errors.StorageError: Cannot ")
    return line.removeprefix("meticulous.errors.")


def make(folder, kind):
    """A place that is no good, and the path and the reason that the error has to name."""
    folder.mkdir()
    place = folder / "experiments"
    if kind == "a file":
        place.write_text("mine")
        return place, place, "File exists"
    if kind == "below a file":
        (folder / "file").write_text("mine")
        return folder / "file" / "x", folder / "file" / "x", "Not a directory"
    if kind == "a dangling link":
        place.symlink_to(folder / "nowhere" / "x")
        return place, place, "File exists"
    if kind == "a folder that cannot be made":
        folder.chmod(0o555)
        return place, place, "Permission denied"
    place.mkdir()
    if kind == "a folder that cannot be written":
        place.chmod(0o555)
        return place, place / ".gitignore", "Permission denied"
    if kind == "a store that cannot be written":
        (place / ".gitignore").write_text("*\n")
        (place / "7").mkdir()
        place.chmod(0o555)
        return place, place / "8", "Permission denied"
    assert kind == "a folder that cannot be listed"
    place.chmod(0o311)
    return place, place, "Permission denied"


@pytest.mark.parametrize(
    "kind",
    [
        "a file",
        "below a file",
        "a dangling link",
        "a folder that cannot be made",
        "a folder that cannot be written",
        "a store that cannot be written",
        "a folder that cannot be listed",
    ],
)
def test_a_place_that_cannot_hold_experiments_is_one_clear_error(repository, tmp_path, kind):
    place, path, reason = make(tmp_path / "place", kind)
    repository.program(PROGRAM)
    before = listing(tmp_path)
    line = fail(repository, place)
    assert f" {path}: {reason}. " in line
    assert "--experiments-directory" in line.partition(f"{reason}. ")[2], "says what to do"
    left = {"place/experiments/.gitignore"} if kind == "a folder that cannot be listed" else set()
    assert set(listing(tmp_path)) - set(before) <= left
    for folder in (tmp_path / "place", tmp_path / "place" / "experiments"):
        if folder.is_dir():
            folder.chmod(stat.S_IRWXU)


def test_a_full_disk_is_one_clear_error(repository, tmp_path):
    disk = Disk(tmp_path, "300k")
    try:
        disk.fill()
        place = disk.path / "experiments"
        line = fail(repository, place, env=disk.env)
        reason = os.strerror(errno.ENOSPC)
        assert f"{reason}. Free some space" in line and str(place) in line
        assert listing(repository.path) == ["README", "train.py"]
        disk.free()
        assert repository.run("train.py", place, "{}", env=disk.env).stdout == b"training\n"
        assert (place / ".gitignore").read_text() == "*\n"
    finally:
        disk.close()


def test_a_start_that_fails_half_way_leaves_no_file_in_part(repository):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    options = "{'description': 'x' * 1_000_000}"
    line = fail(repository, repository.root, options, preexec_fn=limit)
    assert f"Cannot write {repository.root / '1' / 'metadata.json'}: " in line
    assert listing(repository.root) == [".gitignore", "1", "1/args.json", "1/default_args.json"]
    assert repository.run("train.py", repository.root, "{}").stdout == b"training\n"
    assert (repository.root / "2" / "STATUS").read_text() == "SUCCESS"


def test_an_input_output_error_is_one_clear_error(repository, tmp_path):
    trouble = Trouble(tmp_path, repository.root)
    trouble.begin("EIO")
    line = fail(repository, repository.root, env=trouble.env)
    assert f"Cannot make the experiments folder {repository.root}: Input/output error. " in line
    repository.root.mkdir()
    line = fail(repository, repository.root, env=trouble.env)
    assert "Input/output error" in line and str(repository.root) in line
    assert set(listing(repository.root)) <= {".gitignore"}


def test_the_error_carries_the_path_the_number_and_the_hint(repository):
    repository.program(
        """
        from meticulous import Experiment, MeticulousError, StorageError
        try:
            Experiment(experiments_directory="train.py")
        except StorageError as error:
            assert isinstance(error, MeticulousError)
            print(error.path, error.errno, error.hint, sep="|")
        """
    )
    path, number, hint = repository.run("train.py").stdout.decode().strip().split("|")
    assert path == str(repository.path / "train.py")
    assert int(number) == errno.EEXIST
    assert "--experiments-directory" in hint


def test_with_a_storage_that_fails_norecord_still_runs(repository):
    repository.program(PROGRAM)
    done = repository.run("train.py", "/dev/null", "{'norecord': True}")
    assert done.stdout == b"training\n", done.stderr
