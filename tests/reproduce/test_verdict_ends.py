"""The verdict where a run did not end as before, or where values nearly are the same."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from cli.command import COMMAND
from reproduce.recorded import metadata

RUN = [COMMAND[0], "-P", *COMMAND[1:], "run", "--dirty", "allow", "--"]


def killed(repository, text):
    """Record a shell command that a signal ends while it sleeps."""
    process = subprocess.Popen(
        [*RUN, "sh", "-c", text], cwd=repository.path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


def test_a_run_that_was_killed_and_recorded_nothing_is_not_the_same(repository, meticulous):
    killed(repository, "echo begun; sleep 1")
    (repository.path / "experiments" / "1" / "stdout").write_text("")
    code, out, _ = meticulous("reproduce", "1")
    assert code == 4 and "DIFFERENT: it ended with SUCCESS, and of 1 nothing can be compared" in out


def test_what_a_killed_run_printed_is_compared_with_as_much_of_the_new_one(repository, meticulous):
    killed(repository, "echo begun; sleep 1; echo 2")
    code, out, _ = meticulous("reproduce", "1")
    assert code == 0 and "IDENTICAL: it printed the same" in out
    assert "1 did not end by itself" in out
    path = repository.path / "experiments" / "1" / "stdout"
    path.write_text("begun\nan")  # cut within a line that now is another one
    assert "DIFFERENT" in meticulous("reproduce", "1")[1]
    path.write_text("be")
    assert "IDENTICAL" in meticulous("reproduce", "1")[1]


def test_an_exit_after_the_experiment_is_told_as_not_known(repository, meticulous):
    repository.program("""
        import sys
        from meticulous import Experiment
        with Experiment({}) as experiment:
            experiment.summary({"v": 1})
        sys.exit(5)
        """)
    assert repository.run("train.py").returncode == 5
    code, out, _ = meticulous("reproduce", "1")
    assert code == 1 and "FAILED: it ended with ERROR exit code 5" in out
    assert "recorded to the end of its experiment only" in out


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ('{"a.b": 1, "a": {"b": 1}}', '{"a.b": 2, "a": {"b": 1}}'),
        ('{"a": {"b": 1}, "a.b": 1}', '{"a.b": 1, "a": {"b": 2}}'),
        ('{"n": 2**60}', '{"n": 2**60 + 1}'),
        ('{"zero": 0.0}', '{"zero": -0.0}'),
    ],
)
def test_values_that_are_nearly_the_same_are_not(repository, meticulous, then, now):
    repository.program(f"""
        import os
        from meticulous import Experiment
        with Experiment({{}}) as experiment:
            experiment.summary({now} if "-again-" in os.getcwd() else {then})
        """)
    assert repository.run("train.py").returncode == 0
    code, out, _ = meticulous("reproduce", "1")
    assert code == 4 and "DIFFERENT: 1 of " in out and "tolerated" not in out


def test_points_that_are_too_many_are_named_also_where_values_are_tolerated(repository, meticulous):
    repository.program("""
        import os
        from meticulous import Experiment
        again = "-again-" in os.getcwd()
        with Experiment({}) as experiment:
            for step in range(4 if again else 3):
                experiment.log({"m": 1 + 0.001 * again}, step=step)
        """)
    assert repository.run("train.py").returncode == 0
    code, out, _ = meticulous("reproduce", "1", "--rtol", "0.1")
    assert code == 4 and "metric m parts at step 3: nothing -> 1.001" in out
    assert "3 points -> 4" in out
    facts = metadata(repository, 2)["reproduces"]
    assert json.loads(json.dumps(facts))["verdict"] == "DIFFERENT"
