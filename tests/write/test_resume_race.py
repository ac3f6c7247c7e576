"""Two processes that continue one experiment at once: one wins, whatever the moment."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import time

import pytest

from storage_tools import strict

RACERS = 6
PATIENCE = 60

# Each racer stays for all rounds. It says what came of it, and a winner stays open until all have.
RACE = """
import json, os, pathlib, sys, time
from meticulous import Experiment, LiveExperimentError

def wait(name):
    while not os.path.exists(name):
        time.sleep(0.0005)

me, rounds, options = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
for number in range(rounds):
    pathlib.Path(f"ready-{number}-{me}").touch()
    wait(f"go-{number}")
    options.update(experiment_id=f"run-{number}") if "resume" not in options else None
    experiment = None
    try:
        experiment = Experiment({"round": number}, capture="off", sample_seconds=0, **options)
        result = [os.path.basename(experiment.curexpdir), os.getpid()]
        experiment.log({"racer": me})
    except LiveExperimentError as error:
        result = ["refused", str(error)]
    with open("results", "a") as file:
        file.write(json.dumps([number, me, *result]) + "\\n")
    wait(f"end-{number}")
    if experiment is not None:
        experiment.finish()
"""


def race(repository, rounds, prepare, **options):
    """Let the racers run; for each round the results, one of a racer."""
    command = [str(rounds), json.dumps(options)]
    racers = [repository.start("race.py", str(me), *command) for me in range(RACERS)]
    here = repository.path
    results: list = []

    def until(condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline
            for racer in racers:
                assert not racer.poll(), racer.communicate()[1].decode()
            time.sleep(0.002)

    def lines():
        path = here / "results"
        return path.read_text().splitlines() if path.exists() else []

    try:
        for number in range(rounds):
            until(lambda: len(list(here.glob(f"ready-{number}-*"))) == RACERS)  # noqa: B023
            prepare(number)
            (here / f"go-{number}").touch()
            until(lambda: len(lines()) == RACERS * (number + 1))  # noqa: B023
            (here / f"end-{number}").touch()
        for racer in racers:
            _, errors = racer.communicate(timeout=PATIENCE)
            assert racer.returncode == 0, errors.decode()
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()
    for number in range(rounds):
        results.append([result[2:] for result in map(json.loads, lines()) if result[0] == number])
    return results


@pytest.fixture
def end(repository):
    """Make an experiment for each round to continue, as its last session left it."""
    template = """
        import os, sys
        from meticulous import Experiment
        experiment = Experiment(
            {"round": int(sys.argv[1])}, capture="off", sample_seconds=0,
            experiment_id=sys.argv[2] or None,
        )
        if sys.argv[3] == "kill":
            os.kill(os.getpid(), 9)
    """
    repository.program(RACE, "race.py")
    repository.write(".gitignore", "go-*\nend-*\nready-*\nresults\n")
    repository.program(template, "first.py")

    def run(number, how, name=None):
        done = repository.run(
            "first.py", str(number), f"run-{number}" if name is None else name, how
        )
        assert done.returncode == (-signal.SIGKILL if how == "kill" else 0), done.stderr

    return run


def sessions(folder):
    return strict((folder / "metadata.json").read_bytes())["sessions"]


@pytest.mark.parametrize("how", ["ended", "kill", "stale claim"])
def test_of_many_processes_that_continue_one_experiment_at_once_exactly_one_wins(
    repository, end, how
):
    rounds = 6
    for number in range(rounds):
        end(number, "kill" if how == "kill" else "ended")

    def prepare(number):
        if how == "stale claim":
            claim = repository.root / f"run-{number}" / ".session-2"
            claim.mkdir()
            os.utime(claim, (time.time() - 1000,) * 2)

    for number, results in enumerate(race(repository, rounds, prepare)):
        winners = [result for result in results if result[0] != "refused"]
        assert len(winners) == 1, results
        folder = repository.root / f"run-{number}"
        assert [session["pid"] for session in sessions(folder)[1:]] == [winners[0][1]]
        for _, message in (result for result in results if result[0] == "refused"):
            assert "is still running" in message or "being continued by another" in message
        data = (folder / "metrics.jsonl").read_bytes().splitlines()
        assert [strict(line).get("session") for line in data] == [2, None]
        assert not list(pathlib.Path(folder).glob(".*"))


def test_without_an_id_one_continues_and_the_others_start_new_ones(repository, end):
    rounds = 3
    for number in range(rounds):
        end(number, "ended", "")
    ids = []
    for number, results in enumerate(race(repository, rounds, lambda number: None, resume=True)):
        found = sorted(int(name) for name, _ in results)
        assert found[0] == number + 1, "the one of this round is continued"
        assert len(set(found)) == RACERS, "and by one only"
        ids += found
    assert len(set(ids)) == len(ids)
    for number in range(1, rounds + 1):
        assert len(sessions(repository.root / str(number))) == 2
