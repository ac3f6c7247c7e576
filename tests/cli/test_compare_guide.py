"""The guide docs/guides/compare.md does what it shows, on the 20 runs of examples/seeds."""

import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from test_docs import blocks_of, commands_of

PROJECT = Path(__file__).parent.parent.parent
GUIDE = PROJECT / "docs" / "guides" / "compare.md"
NUMBER = re.compile(r"(?<![\w.])-?[0-9]+(?:\.[0-9]+)?(?:e[-+][0-9]+)?")


def shows(line, expected):
    """Whether a line is the expected one; numbers may be a bit off, as other versions of the
    libraries and other processors train differently, and ``…`` stands for anything."""
    line, expected = (re.sub(r"\s+", " ", text).strip() for text in (line, expected))
    pattern = "".join(
        ".*"
        if part == "…"
        else f"({NUMBER.pattern})"
        if NUMBER.fullmatch(part)
        else re.escape(part)
        for part in re.split(rf"({NUMBER.pattern}|…)", expected)
    )
    found = re.fullmatch(pattern, line)
    numbers = NUMBER.findall(expected)
    return bool(found) and all(
        math.isclose(float(one), float(other), rel_tol=0.3, abs_tol=0.03)
        for one, other in zip(found.groups(), numbers, strict=True)
    )


def test_the_guide_goes_from_twenty_real_runs_to_the_papers_table(tmp_path):
    pytest.importorskip("sklearn")
    (tmp_path / "examples").mkdir()
    shutil.copytree(PROJECT / "examples" / "seeds", tmp_path / "examples" / "seeds")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path, "COLUMNS": "100"}
    folder, done = tmp_path, 0
    for block in blocks_of(GUIDE.read_text("utf-8")):
        assert block.language == "console"
        for command, expected in commands_of(block.text):
            done += 1
            if command.startswith("cd "):
                folder = folder / command[3:]
                continue
            result = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=300,
                check=True,
            )
            lines = iter(result.stdout.splitlines())
            for wanted in expected:
                there = any(shows(line, wanted) for line in lines)
                assert there, f"{command}\nlacks: {wanted}\nprints:\n{result.stdout}"
    assert done > 8
    for number in range(1, 21):
        experiment = tmp_path / "seeds" / "experiments" / str(number)
        assert (experiment / "STATUS").read_text() == "SUCCESS"
    again = [sys.executable, "examples/seeds/run_all.py", "seeds"]
    refused = subprocess.run(again, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and "is not empty" in refused.stderr
    assert len(list((tmp_path / "seeds" / "experiments").glob("[0-9]*"))) == 20


def test_the_matching_would_see_another_number_or_another_word():
    line = "knn  5  0.9844 ± 0.0072  not more than the seeds explain"
    assert shows(line, "knn 5 0.98 ± 0.01 not more than the seeds explain")
    assert shows(line, "knn … explain")
    assert not shows(line, "knn 5 0.5 ± 0.01 not more than the seeds explain")
    assert not shows(line, "knn 5 0.98 ± 0.01 more than the seeds")
