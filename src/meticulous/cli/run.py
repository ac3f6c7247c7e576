"""``meticulous run``: record any program, in any language, from outside."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

from .. import _experiment_outside, _experiment_where, _settings
from ..errors import SettingError
from . import _output

__all__ = ["run"]

_USAGE = "meticulous run [options] -- COMMAND [WORD ...]"
_DESCRIPTION = (
    "Run a program, in any language and unchanged, and record it as an experiment: its command, "
    "args, code, output, resources, and how it ended. It runs as it would without; its exit "
    "status or signal is that of this command. What it prints on a terminal it prints on one; "
    "Ctrl-C, Ctrl-Z and other signals reach it. A program that uses meticulous itself records "
    "into the same experiment."
)
_EXAMPLES = """\
examples:
  meticulous run -- ./simulate steps=1000 seed=3
  meticulous run --name baseline --tag paper -- Rscript fit.R alpha=0.1
  meticulous run --dirty snapshot -- sh -c './prepare | ./train'
  meticulous run --capture off -- htop       its output, with full-screen programs, is left alone

args are read from words like --name value, --name=value and key=value.

exit status: the program's; when there is no such program 127, when it cannot be run 126, and
nothing is recorded; 1 or 2 with a message when it was not started for another reason.
"""


def _parser() -> argparse.ArgumentParser:
    parser = _output.Parser("run", _DESCRIPTION, _EXAMPLES, _USAGE)
    parser.allow_abbrev = False
    add = parser.add_argument
    add("--name", default="", help="a name for people; need not be unique")
    add(
        "--tag",
        action="append",
        default=[],
        metavar="WORD",
        help="a word to find it by; may be repeated",
    )
    add("--description", default="", metavar="TEXT", help="one line for people")
    add(
        "--dirty",
        metavar="POLICY",
        help="refuse, snapshot or allow code that is not committed; also for a program within "
        "that uses meticulous",
    )
    add(
        "--capture",
        metavar="HOW",
        help="sys (default): the output passes through here; fd: it goes straight into the "
        "record, which then misses nothing even if this command is killed; off",
    )
    add(
        "--experiment-id",
        metavar="ID",
        help="name of the folder, otherwise the next number; one that exists is continued",
    )
    add("--norecord", action="store_true", help="only run the program")
    add("--project-directory", default="", metavar="PROJECT", help="where the code is")
    add(
        "--experiments-directory",
        default="experiments",
        metavar="DIRECTORY",
        help="where experiments are kept, relative to the project",
    )
    return parser


def _split(parser: argparse.ArgumentParser, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part our options from the command, which may hold the same options."""
    index = 0
    while index < len(words) and words[index].startswith("-"):
        word = words[index]
        if word == "--":
            return [*words[:index]], [*words[index + 1 :]]
        action = parser._option_string_actions.get(word)
        index += 2 if action is not None and action.nargs is None else 1
    return [*words[:index]], [*words[index:]]


def run(argv: Sequence[str]) -> int:
    """Run the command.

    Returns:
        The program's exit code; by a signal that ended the program this process ends, too.
    """
    parser = _parser()
    ours, command = _split(parser, argv)
    options = parser.parse_args(ours)
    if os.name != "posix":
        raise SettingError("'meticulous run' works on Linux, macOS and other POSIX systems only.")
    if not command:
        raise SettingError("There is no command to run.", f"Usage: {_USAGE}.")
    path, code = _experiment_outside.find(command[0])
    if code:
        problem = "cannot be run" if code == _experiment_outside.NOT_EXECUTABLE else "was not found"
        _output.print_error(
            SettingError(f"{command[0]}: the program {problem}; nothing is recorded.")
        )
        return code
    project, root = _experiment_where.locate(
        options.project_directory, options.experiments_directory
    )
    given = {"dirty": options.dirty, "capture": options.capture}
    settings = _settings.resolve(project, {**given, "norecord": options.norecord or None})
    more = {"METICULOUS_DIRTY": options.dirty} if options.dirty else {}
    if _experiment_where.inert_reason(settings):
        more |= {"METICULOUS_NORECORD": "1"} if options.norecord else {}
        return _without_record(path, command, more)
    return _recorded(path, command, options, (settings, project, root), more)


def _recorded(
    path: str,
    command: list[str],
    options: argparse.Namespace,
    place: tuple[dict[str, Any], str, str],
    more: dict[str, str],
) -> int:
    from .. import _experiment_options

    request = _experiment_options.Request(
        args=None,
        default_args=None,
        experiment_id=options.experiment_id,
        description=options.description,
        resume=False,
        name=options.name,
        tags=tuple(options.tag),
        command=tuple(command),
    )
    try:
        code, outside = _experiment_outside.record(path, request, *place, more)
    except OSError as error:
        return _cannot_run(error)
    outside.leave()
    return _experiment_outside.die_like(code)


def _without_record(path: str, command: list[str], more: dict[str, str]) -> int:
    try:
        _experiment_outside.replace(path, command, {**os.environ, **more})
    except OSError as error:
        return _cannot_run(error)
    return 0


def _cannot_run(error: OSError) -> int:
    _output.print_error(error)
    return _experiment_outside.NOT_EXECUTABLE
