"""The off switch: the same calls, nothing written, nothing patched, nothing asked of git."""

from __future__ import annotations

import pathlib
import pickle
import warnings

import pytest

PROGRAM = """
import argparse, builtins, os, signal, sys, threading
before = [
    sys.exit, builtins.exit, sys.excepthook, sys.stdout.write, sys.stderr.write, sys.stdout.flush,
    signal.signal, signal.getsignal, signal.getsignal(signal.SIGTERM), dict(os.environ),
    vars(sys.stdout).copy(), threading.active_count(), os.listdir("/proc/self/fd"), os.getcwd(),
    signal.set_wakeup_fd(-1),
]
from meticulous import Experiment
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
Experiment.add_argument_group(parser)
experiment = Experiment.from_parser(parser, **eval(os.environ.get("OPTIONS", "{}")))
after = [
    sys.exit, builtins.exit, sys.excepthook, sys.stdout.write, sys.stderr.write, sys.stdout.flush,
    signal.signal, signal.getsignal, signal.getsignal(signal.SIGTERM), dict(os.environ),
    vars(sys.stdout).copy(), threading.active_count(), os.listdir("/proc/self/fd"), os.getcwd(),
    signal.set_wakeup_fd(-1),
]
assert before == after, [pair for pair in zip(before, after) if pair[0] != pair[1]]
assert experiment.norecord and experiment.curexpdir == "." and experiment.metadata == {}
assert experiment.repo_directory is None and experiment.inert_reason
with experiment:
    for number in range(3):
        experiment.log({"loss": number})
    experiment.log(object(), step="x")
    experiment.summary({"acc": 1})
    experiment.tag("a", "b")
    experiment.note("text")
    experiment.record_input("absent")
    experiment.record_output(__file__)
    with experiment.open("written.txt", "w") as file:
        file.write("here")
    print("training", parser.parse_args().lr)
experiment.finish()
experiment.log({"late": 1})
experiment.summary({"late": 1})
print(repr(experiment), file=sys.stderr)
sys.exit(3)
"""


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (["--norecord"], {}),
        ([], {"METICULOUS_NORECORD": "1"}),
        ([], {"METICULOUS_NORECORD": "true"}),
        ([], {"OPTIONS": "dict(norecord=True)"}),
        ([], {"RANK": "1"}),
    ],
    ids=str,
)
def test_nothing_is_written_patched_or_asked(make_repository, arguments, env):
    folder = make_repository("plain", init=False)  # no git repository: it would be an error
    folder.write("train.py", PROGRAM)
    done = folder.run("train.py", "--lr", "0.5", *arguments, env=env)
    assert done.returncode == 3, done.stderr
    assert done.stdout == b"training 0.5\n"
    assert sorted(path.name for path in folder.path.iterdir()) == ["train.py", "written.txt"]
    assert done.stderr.startswith(b"<Experiment . (")
    assert done.stderr.count(b"\n") == 1


def test_the_setting_of_the_project_turns_it_off_and_the_environment_on_again(repository):
    repository.write("pyproject.toml", "[tool.meticulous]\nnorecord = true\n")
    repository.program(
        """
        from meticulous import Experiment
        print(Experiment().norecord)
        """
    )
    assert repository.run("train.py").stdout == b"True\n"
    assert not repository.root.exists()
    done = repository.run("train.py", env={"METICULOUS_NORECORD": "0"})
    assert done.stdout == b"False\n", done.stderr


def test_wrong_args_and_settings_are_errors_also_when_nothing_is_recorded(make_repository):
    from meticulous import Experiment, SettingError

    folder = make_repository("plain", init=False).path
    with pytest.raises(SettingError):
        Experiment(norecord=True, project_directory=folder, capture="all")
    with pytest.raises(SettingError):
        Experiment(norecord=True, project_directory=folder / "absent")


def test_it_survives_copies_and_pickles_and_says_what_it_is(tmp_path):
    from meticulous import Experiment

    experiment = Experiment(norecord=True, project_directory=tmp_path)
    assert pickle.loads(pickle.dumps(experiment)).norecord
    assert repr(experiment) == "<Experiment . (norecord)>"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        experiment.finish()
        experiment.log({"a": 1})
    assert list(pathlib.Path(tmp_path).iterdir()) == []
