"""Run a command as an experiment, by a recorder that is a process of its own.

It is what ``meticulous run`` is: it stands in the program's working directory, gets the signals
that the program gets, and goes on when the one who started it is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Any, NamedTuple

from . import _experiment_outside, _experiment_where, _settings
from ._experiment_options import Request
from .errors import MeticulousError, SettingError

__all__ = ["Run", "main", "start"]

_CODE = (
    "import os, sys; os.chdir({cwd!r}); sys.path.insert(0, {home!r}); "
    "from meticulous._reproduce_record import main; sys.exit(main({reading}, {writing}))"
)


class Run(NamedTuple):
    """What is run, where, and into which experiments folder it is recorded.

    Attributes:
        command: its words, secrets included.
        cwd: the working directory.
        project: the project directory of the checked-out code.
        root: the experiments folder.
        reproduces: the id of the experiment that is run again.
        dirty: what is done about code that is not committed.
        environment: of the recorder.
        more: what the program gets in addition.
    """

    command: list[str]
    cwd: str
    project: str
    root: str
    reproduces: str
    dirty: str
    environment: dict[str, str]
    more: dict[str, str]


def start(run: Run, *, quiet: bool = False) -> tuple[int, int]:
    """Run it to its end; signals that come meanwhile reach it, and its end is waited for.

    Args:
        run: what to run.
        quiet: what it prints goes to standard error.

    Returns:
        The recorder's pid, and how the program ended: an exit code, or minus a signal.

    Raises:
        MeticulousError: it was not started.
    """
    if not os.access(run.cwd, os.R_OK | os.X_OK):
        text = f"Cannot run anything in {run.cwd}."
        raise SettingError(text, name="cwd", value=run.cwd)
    reading, writing = os.pipe()
    answers, answering = os.pipe()
    for descriptor in (reading, answering):
        os.set_inheritable(descriptor, True)
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    code = _CODE.format(cwd=run.cwd, home=home, reading=reading, writing=answering)
    # -P: what is in the working directory is the program's.
    command = [sys.executable, "-P", "-c", code]
    with _experiment_outside.started(command, run.environment, {1: 2} if quiet else {}) as program:
        os.close(reading)
        os.close(answering)
        facts = run._replace(environment={})._asdict()
        with contextlib.suppress(BrokenPipeError), open(writing, "w", encoding="ascii") as file:
            json.dump(facts, file)
        ended = program.wait()
    with open(answers, encoding="ascii") as file:
        told = file.read()
    if told:
        facts = json.loads(told)
        failure = MeticulousError(facts["message"], facts["hint"])
        failure.exit_code = facts["code"]
        raise failure
    return program.pid, ended


def main(reading: int, writing: int) -> int:
    """Be the recorder.

    Args:
        reading: a descriptor that tells what to run, see `Run`.
        writing: one that takes the error when it was not started.

    Returns:
        The program's exit code; by a signal that ended it this process ends, too.
    """
    for descriptor in (reading, writing):
        os.set_inheritable(descriptor, False)
    with open(reading, encoding="ascii") as file:
        run = Run(**json.load(file))
    try:
        code = _record(run)
    except (MeticulousError, OSError) as error:
        told: dict[str, Any] = {"message": str(error), "hint": "", "code": 1}
        if isinstance(error, MeticulousError):
            told = {"message": error.message, "hint": error.hint, "code": error.exit_code}
        with open(writing, "w", encoding="ascii") as file:
            json.dump(told, file)
        return 1
    return _experiment_outside.die_like(code)


def _record(run: Run) -> int:
    path, problem = _experiment_outside.find(run.command[0])
    if problem:
        raise SettingError(
            f"The program {run.command[0]!r} is not there, or cannot be run.",
            "Is its environment active (see --env)? What is built and not in git needs --with.",
        )
    settings = _settings.resolve(run.project, {"dirty": run.dirty, "norecord": False})
    reason = _experiment_where.inert_reason(settings)
    if reason:
        raise SettingError(f"Nothing would be recorded here ({reason}).")
    request = Request(
        args=None,
        default_args=None,
        experiment_id=None,
        description="",
        resume=False,
        name="",
        tags=(),
        command=tuple(run.command),
        reproduces=run.reproduces,
    )
    more = {**run.more, "METICULOUS_DIRTY": run.dirty}
    code, outside = _experiment_outside.record(path, request, settings, run.project, run.root, more)
    outside.leave()
    return code
