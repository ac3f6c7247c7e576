"""A program that closes descriptors which are not its own keeps those that it opens afterwards."""

from __future__ import annotations

PROGRAM = """
import os, time
from meticulous import Experiment

experiment = Experiment({}, sample_seconds=0)
experiment.log({"loss": 1})
for name in ("metrics.jsonl", "environment.json"):  # a file that is just being written is a race
    while not os.path.exists(os.path.join(experiment.curexpdir, name)):
        time.sleep(0.01)
time.sleep(0.1)
os.closerange(3, 256)  # as programs do that make a daemon of themselves
files = [open(f"file{number}", "w") for number in range(20)]
experiment.log({"loss": 2})
experiment.finish()
for file in files:
    file.write("whole")
    file.close()
print("done")
"""


def test_files_of_a_program_that_closed_all_descriptors_are_not_touched(repository):
    repository.program(PROGRAM)
    done = repository.run("train.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"done\n", b"")
    for number in range(20):
        assert (repository.path / f"file{number}").read_text() == "whole"
    assert (repository.root / "1" / "STATUS").read_text() == "SUCCESS"
    lines = (repository.root / "1" / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == 2
