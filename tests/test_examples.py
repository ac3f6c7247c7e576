"""The examples do what they say, as a person would run them."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree
import zipfile
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def digits(repository):
    pytest.importorskip("sklearn")
    shutil.copy(EXAMPLES / "digits" / "train.py", repository.path)
    repository.commit("the example")
    return repository


def test_the_digits_are_learned_and_everything_is_recorded(digits):
    done = digits.run("train.py", "--epochs", "5", "--hidden", "32")
    assert done.returncode == 0, done.stderr.decode()
    folder = digits.root / "1"
    assert (folder / "STATUS").read_text() == "SUCCESS"
    args = json.loads((folder / "args.json").read_bytes())
    assert args == {
        "lr": 0.05,
        "momentum": 0.9,
        "epochs": 5,
        "batch_size": 32,
        "hidden": 32,
        "seed": 0,
    }
    defaults = json.loads((folder / "default_args.json").read_bytes())
    assert defaults == {**args, "epochs": 20, "hidden": 64}
    rows = lines_of(folder / "metrics.jsonl")
    assert [row["step"] for row in rows] == [0, 1, 2, 3, 4]
    assert set(rows[0]) == {"step", "time", "train/loss", "test/loss", "test/accuracy"}
    assert rows[-1]["train/loss"] < rows[0]["train/loss"]
    summary = json.loads((folder / "summary.json").read_bytes())
    assert summary["accuracy"] > 0.9
    assert zipfile.is_zipfile(folder / "model.npz")
    picture = xml.etree.ElementTree.parse(folder / "confusion.svg").getroot()
    numbers = [node.text for node in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert sum(map(int, numbers)) == 360 + 2 * sum(range(10))
    assert (folder / "stdout").read_bytes() == done.stdout


def test_a_seed_makes_the_same_training_twice(digits):
    for _ in range(2):
        assert digits.run("train.py", "--epochs", "2", "--seed", "7").returncode == 0
    first, second = (
        [
            {key: value for key, value in row.items() if key != "time"}
            for row in lines_of(digits.root / number / "metrics.jsonl")
        ]
        for number in ("1", "2")
    )
    assert first == second


def test_too_big_a_step_fails_and_the_record_says_why(digits):
    done = digits.run("train.py", "--lr", "2")
    assert done.returncode == 1
    status = (digits.root / "1" / "STATUS").read_text()
    assert status.startswith("ERROR\nTraceback")
    assert "RuntimeError: --lr 2.0 is too big" in status
    assert len(lines_of(digits.root / "1" / "metrics.jsonl")) == 4


def test_the_torch_example_runs_or_says_what_is_missing(repository):
    shutil.copy(EXAMPLES / "torch_digits" / "train.py", repository.path)
    repository.commit("the example")
    done = repository.run("train.py", "--epochs", "2", timeout=300)
    if importlib.util.find_spec("torch") and importlib.util.find_spec("sklearn"):
        assert done.returncode == 0, done.stderr.decode()
        assert (repository.root / "1" / "STATUS").read_text() == "SUCCESS"
        assert len(lines_of(repository.root / "1" / "metrics.jsonl")) == 2
        assert (repository.root / "1" / "model.pt").exists()
    else:
        assert done.returncode == 1
        assert b"pip install torch" in done.stderr
        assert not repository.root.exists()


def demo(directory: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, EXAMPLES / "demo.py", directory],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_the_demo_can_be_run_again_anywhere_and_by_anyone(repository):
    """In another repository, without a git identity, under settings that would lead it astray."""
    pytest.importorskip("sklearn")
    names = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
    strange = dict.fromkeys(names, "")
    strange |= {"GIT_DIR": str(repository.path / ".git"), "METICULOUS_NORECORD": "1"}
    head = repository.git("rev-parse", "HEAD")
    directory = repository.path / "demo"
    for first in (1, 4):
        done = demo(directory, **strange)
        assert done.returncode == 0, done.stdout
        numbers = [str(first + number) for number in range(3)]
        words = [
            (directory / "experiments" / number / "STATUS").read_text().split("\n")[0]
            for number in numbers
        ]
        assert words == ["SUCCESS", "SUCCESS", "ERROR"]
        listing = done.stdout.split("$ meticulous experiments/\n")[1].split("\nThe folder")[0]
        for number in numbers:
            assert re.search(rf"\b{number}\b", listing)
        assert "What to try next" in done.stdout
    git = ["git", "-C", directory]
    log = subprocess.run([*git, "log", "--format=%an"], capture_output=True, text=True, check=True)
    assert log.stdout.split() == ["demo"]
    status = subprocess.run(
        [*git, "status", "--porcelain"], capture_output=True, text=True, check=True
    )
    assert status.stdout == ""
    assert repository.git("rev-parse", "HEAD") == head
    assert repository.git("for-each-ref", "refs/meticulous") == ""


def test_the_demo_leaves_a_folder_that_is_no_demo_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    done = demo(tmp_path)
    assert done.returncode == 1
    assert "is no demo" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
