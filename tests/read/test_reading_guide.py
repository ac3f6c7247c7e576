"""Every block of docs/guides/reading.md does what the page says."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from meticulous.cli import main
from meticulous.experiments import ExperimentReader
from read.records import OLD_STORE

GUIDE = Path(__file__).parent.parent.parent / "docs" / "guides" / "reading.md"
TEXT = GUIDE.read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def project(tmp_path, monkeypatch):
    shutil.copytree(OLD_STORE / "newest" / "experiments", tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)


def test_the_commands_run(project, capfd):
    commands = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
    assert commands
    for program, *words in commands:
        assert program == "meticulous" and main(words) == 0
        assert "baseline" in capfd.readouterr().out


def test_the_python_runs(project, capfd):
    names = {}
    assert len(blocks("python")) > 3
    for block in blocks("python"):
        if "as_dataframe" in block:
            pytest.importorskip("pandas")
        exec(compile(block, str(GUIDE), "exec"), names)
    out = capfd.readouterr().out
    assert "9 ['1', '2'" in out and "6 metadata.json is missing" in out


def test_every_public_name_and_key_is_described(project):
    for name in dir(ExperimentReader):
        assert name.startswith("_") or f"`{name}" in TEXT
    for key in ExperimentReader("experiments/1").row():
        assert f"`{key}`" in TEXT
