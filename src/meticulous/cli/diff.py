"""``meticulous diff``: what explains the difference between experiments."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .. import compare
from ..errors import SettingError
from . import _output, _store

__all__ = ["run"]

MOST = 20

_OPTIONS = {
    "code": "the code: commits between, files, and the patch itself",
    "args": "args, and defaults",
    "env": "packages, Python, machine, devices, scheduler, variables",
    "inputs": "files that were recorded as inputs, by their hashes",
    "command": "the command line",
    "description": "description, name, tags and notes",
    "status": "how they ended",
    "summary": "the summary's values",
    "metrics": "last, min, max and count of each metric, and where two curves part",
    "outputs": "files that were recorded as outputs, by their hashes",
}
_SECTIONS = {"env": "environment"}
_EXAMPLES = """\
The first line says what differs. The first experiment is the one that the others are compared
with. Values are told apart as they were written: 1, 1.0, True and '1' are four values; '-' stands
where an experiment has none. Ids of jobs and free disk space are not compared.

With --json, {"diff": {...}} holds: "experiments" (expid, status, start_time, duration, description,
sha, snapshot); "verdict"; and "sections", an object of code, args, environment, inputs, command,
description, status, summary, metrics, outputs. Each has "differs" (how many things do), "values" (a
list of name, differs, and values by id: an experiment that lacks one has no key), "notes" (what
could not be compared); code also "pairs" (from, to, same: true, false, or null when nobody can
tell; problem, commits, files, patch); metrics also "part" (the step at which two curves part).

examples:
  meticulous diff 17 23
  meticulous diff last~1 last --args --summary
  meticulous diff 17 23 --patch | less
  meticulous diff 3-5 best:summary.acc --all
"""


def run(argv: Sequence[str]) -> int:
    """Compare experiments; see ``meticulous diff --help``."""
    options = _parser().parse_args(argv)
    store = _store.open_store(options)
    ids = _store.chosen(store, options.ids)
    if not 2 <= len(ids) <= MOST:
        text = f"A comparison needs from 2 to {MOST} experiments, not {len(ids)}"
        raise SettingError(
            f"{text}: {' '.join(options.ids)}.", "Try 'meticulous diff last~1 last'."
        )
    chosen = [name for name in _OPTIONS if getattr(options, name)]
    sections = [_SECTIONS.get(name, name) for name in chosen or _OPTIONS]
    if options.patch and "code" not in sections:
        sections.append("code")
    readers = [store[expid] for expid in ids]
    found = compare.compare(
        readers,
        sections,
        directories=_directories(options.project_directory, store.experiments_directory),
        patch=options.patch or "code" in chosen,
    )
    told = compare.verdict(found, ids)
    if options.json:
        _output.print_json("diff", compare.plain(readers, found, told))
    else:
        from . import _diff_text

        _output.write(_diff_text.text(readers, found, told, everything=options.all))
    store.remember()
    return 0


def _parser() -> _output.Parser:
    parser = _output.Parser(
        "diff",
        "Show what differs between experiments: the code that ran, what was asked, the "
        "environment, the inputs, and what came out.",
        _EXAMPLES,
        "meticulous diff ID ID [ID ...] [options]",
    )
    _store.add_ids(parser, "+", questions=False)
    group = parser.add_argument_group("what is compared (otherwise all of it)")
    for name, does in _OPTIONS.items():
        group.add_argument(f"--{name}", action="store_true", help=does)
    parser.add_argument("--patch", action="store_true", help="also the code's difference, as text")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument(
        "--only-different", action="store_true", help="only what differs: so it is anyway"
    )
    shown.add_argument("--all", action="store_true", help="also what is the same")
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    _store.add_store(parser)
    return parser


def _directories(project: str, store: str) -> list[str]:
    """Where the repository is: that of the project around the store, else where we are."""
    return [project, os.path.dirname(os.path.abspath(store)), os.getcwd()]
