"""A store to look at, and no settings of the terminal that the tests happen to run in."""

import os

import pytest

from read.records import write_record


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in ("COLUMNS", "NO_COLOR", "PYTHONUNBUFFERED"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(tmp_path):
    """Five experiments, of which one has no record and one lost rows."""
    root = tmp_path / "project" / "experiments"
    write_record(root, "1", summary={"loss": 0.5})
    write_record(root, "2", args={"lr": 0.2, "layers": [8, 4]}, summary={"loss": 0.25, "lr": 1})
    write_record(root, "9", status="ERROR\nsys.exit(3)", description="a bold try")
    root.joinpath("10").mkdir()
    os.utime(root / "10", (1e9, 1e9))
    write_record(root, "named", status="SUCCESS\nnot recorded: 12 of metrics.jsonl")
    return root
