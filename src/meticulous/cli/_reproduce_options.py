"""What ``meticulous reproduce`` is asked, and what it asks."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import sys
from collections.abc import Sequence

from .._table import clean
from ..errors import SettingError
from . import _output, _store

__all__ = ["parse", "say", "secret"]

_USAGE = "meticulous reproduce [options] ID [-- WORD ...]"
_DESCRIPTION = (
    "Run a recorded experiment again, from its own code in a clean place, and say whether the "
    "result is the same. The code is checked out beside the repository; inputs are compared by "
    "their hashes; the recorded command, with its working directory and the environment variables "
    "that change results, is recorded as a new experiment. An experiment that was continued is run "
    "as a whole, by the command and the code of its first session."
)
_EXAMPLES = """\
examples:
  meticulous reproduce 17
  meticulous reproduce 17 --env                     in the environment it had, built with uv or pip
  meticulous reproduce 17 --rtol 1e-5               tolerate small differences
  meticulous reproduce 17 --set lr=0.1 -- --verbose
  meticulous reproduce 17 --compare 23 --json       the verdict on two that are there

verdict, and exit status:
  IDENTICAL (0)          every value is equal to the last bit, and every file; names that are times
                         or rates do not count
  WITHIN TOLERANCE (0)   numbers differ by at most --rtol and --atol; without these, by at most as
                         much as 3 or more successful experiments that differ in their seed only
  DIFFERENT (4)          what, from which step on, and by how much
  FAILED (1)             the program did not end as it did then; 1 or 2 when it was not started

Redacted secrets in the command are asked for on the terminal, or taken from variables such as
METICULOUS_SECRET_PASSWORD for --password. The checked-out code is removed in the end, unless the
program left files in it.
"""


def parse(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read the options, and the words after ``--``.

    Raises:
        SettingError: they cannot be used.
    """
    words = list(argv)
    split = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(_with_env(words[:split]))
    for name in ("rtol", "atol"):
        value = getattr(options, name)
        if not (math.isfinite(value) and value >= 0):
            raise SettingError(f"--{name} cannot be {value}.", "Use 0 or more.", name=name)
    changes: dict[str, str] = {}
    for text in options.set:
        name, sign, value = text.partition("=")
        if not sign or not name.strip("-"):
            raise SettingError(f"--set {text!r} is not NAME=VALUE.", name="set", value=text)
        changes[name.lstrip("-").removeprefix("args.")] = value
    options.set = changes
    options.ids = options.id
    return options, words[split + 1 :]


def _with_env(words: Sequence[str]) -> list[str]:
    """A bare ``--env`` must not take the id for its value."""
    found: list[str] = []
    for word in words:
        if found and found[-1] == "--env=exact" and word in ("exact", "close"):
            found[-1] = f"--env={word}"
        else:
            found.append("--env=exact" if word == "--env" else word)
    return found


def _parser() -> _output.Parser:
    parser = _output.Parser("reproduce", _DESCRIPTION, _EXAMPLES, _USAGE)
    add = parser.add_argument
    add("id", metavar="ID", help=_store.ONE)
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change an arg of the command, or add it; may be repeated",
    )
    add(
        "--inputs",
        choices=("check", "skip"),
        default="check",
        help="check (default): stop when a recorded input is missing or has changed; skip: take "
        "what is there",
    )
    add(
        "--with",
        dest="taken",
        action="append",
        default=[],
        metavar="PATH",
        help="also take this file or folder of the project, which is neither in git nor a recorded "
        "input; may be repeated",
    )
    add(
        "--env",
        choices=("exact", "close"),
        default="",
        help="in the recorded Python environment, which is built once and kept in the cache "
        "folder; what cannot be had stops it, with --env=close it is left out",
    )
    add("--in", dest="directory", default="", metavar="DIR", help="where the code goes; is kept")
    add("--keep", action="store_true", help="keep the checked-out code")
    add("--patch", action="store_true", help="as for 'meticulous checkout'")
    add("--fetch", action="store_true", help="as for 'meticulous checkout'")
    _add_judging(parser)
    add("--compare", default="", metavar="ID", help="run nothing; give the verdict on this one")
    add("--dry-run", action="store_true", help="show what would be run, after all checks")
    add(
        "--json",
        action="store_true",
        help="print JSON for programs; the program's output goes to standard error",
    )
    _store.add_store(parser)
    return parser


def _add_judging(parser: _output.Parser) -> None:
    add = parser.add_argument
    add("--rtol", type=float, default=0.0, metavar="R", help="tolerance relative to the old value")
    add("--atol", type=float, default=0.0, metavar="A", help="tolerance of the difference")
    add(
        "--seed",
        default="",
        metavar="NAME",
        help="the arg in which experiments of the same kind differ; seed or random_seed by default",
    )
    add(
        "--ignore",
        action="append",
        default=[],
        metavar="PATTERN",
        help="values, metrics and files that do not count, such as 'log/*'; may be repeated",
    )


def say(text: str) -> None:
    """Tell on standard error what is done."""
    with contextlib.suppress(OSError, ValueError):  # then there is nobody to tell
        if sys.stderr is not None:
            sys.stderr.write(f"meticulous: {clean(text)}\n")
            sys.stderr.flush()


def secret(name: str, variable: str) -> str:
    """Get a secret that was redacted from a command: from the environment, or the terminal.

    Raises:
        SettingError: there is neither.
    """
    found = os.environ.get(variable)
    if found is None and sys.stdin is not None and sys.stdin.isatty():
        import getpass

        with contextlib.suppress(EOFError):
            found = getpass.getpass(f"meticulous: {clean(name)} (was not recorded): ")
    if not found:
        raise SettingError(
            f"The command holds a secret that was not recorded: {clean(name)}.",
            f"Set {variable}, or run this on a terminal, which asks for it.",
            name=name,
        )
    return found
