"""``meticulous verify``: which commits, files and folders are still whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from .. import _table
from .._table import clean, cut
from ..experiments import ExperimentReader, Experiments
from . import _output, _store, _verify_code, _verify_files, _verify_fix
from ._verify_code import Finding, Part

__all__ = ["run"]

_PARTS = {
    "code": "which recorded commits are still in the repository, and pinned there",
    "inputs": "which recorded inputs still have their hashes",
    "outputs": "which recorded outputs still have their hashes",
    "folders": "which folders are broken or incomplete",
}
_EXAMPLES = """\
A commit is whole when the repository of the project has it, with its tree. One that is not pinned
(experiments of 2020-24, or its ref was deleted) is whole, but a rebase may lose it: it is listed,
and --fix pins it. Commits of submodules are looked for in these, those of other repositories are
not. A file is missing, changed or unreadable; links are not followed out of an experiment's
folder. Files that several experiments recorded are read once.

--fix pins commits under refs/meticulous/, removes what crashes left half-written in the folders of
experiments that have ended, and nothing else. It says what it would do and asks; without a
terminal it does nothing unless --yes is given.

The exit code is 1 when something is lost, changed or broken, or cannot be told. With --json,
{"verify": {...}} holds: "whole" (true or false); "parts", a list of part, total, whole, percent,
findings (what, experiments, state, text), notes; and "fix" (pin, remove, done), null without --fix.
States: lost, malformed, unpinned, unknown; missing, changed, unreadable; broken.

examples:
  meticulous verify
  meticulous verify 17 --inputs
  meticulous verify --code --fix
  meticulous verify --json | jq '.verify.parts[].percent'
"""
_LISTED = 40
_COLOURS = {"unpinned": "33"}


def run(argv: Sequence[str]) -> int:
    """Look at what was recorded; see ``meticulous verify --help``."""
    options = _parser().parse_args(argv)
    store = _store.open_store(options)
    ids = _store.chosen(store, options.ids, options.filter)
    nothing = _store.NOTHING_MATCHED if options.fail_empty else 0
    if not ids and not options.json:
        matching = "match in" if store else "in"
        _output.write(_fit(f"No experiments {matching} {store.experiments_directory}.") + "\n")
        return nothing
    chosen = [name for name in _PARTS if getattr(options, name)] or list(_PARTS)
    directories = [
        options.project_directory,
        os.path.dirname(store.experiments_directory),
        os.getcwd(),
    ]
    parts, unpinned = _looked(store, ids, chosen, options.project_directory, directories)
    whole = not any(finding.state != "unpinned" for part in parts for finding in part.findings)
    fix = _verify_fix.plan(store, ids, unpinned, directories) if options.fix else None
    if options.json:
        done = fix is not None and options.yes and _verify_fix.carry_out(store, fix) is not None
        told = fix and {**fix.plain(), "done": done}
        plain = [part.plain() for part in parts]
        _output.print_json("verify", {"whole": whole, "parts": plain, "fix": told})
    else:
        _output.write(_text(parts, len(ids), store.experiments_directory))
        if fix is not None:
            _verify_fix.offer(store, fix, yes=options.yes)
    return (0 if whole else 1) if ids else nothing


def _parser() -> _output.Parser:
    parser = _output.Parser(
        "verify",
        "Tell which recorded commits still resolve, which recorded files still match their "
        "hashes, and which folders are broken.",
        _EXAMPLES,
        "meticulous verify [ID ...] [options]",
    )
    _store.add_ids(parser)
    group = parser.add_argument_group("what is looked at (otherwise all of it)")
    for name, does in _PARTS.items():
        group.add_argument(f"--{name}", action="store_true", help=does)
    parser.add_argument("--fix", action="store_true", help="mend what can be mended, see below")
    parser.add_argument("--yes", action="store_true", help="do it without asking")
    parser.add_argument("--json", action="store_true", help="the same for programs, in full")
    _store.add_store(parser)
    return parser


def _looked(
    store: Experiments,
    ids: Sequence[str],
    chosen: Sequence[str],
    project: str,
    directories: Sequence[str],
) -> tuple[list[Part], list[str]]:
    """Look at the experiments once, then at commits and files; also gives the unpinned commits."""
    roles = tuple(name.removesuffix("s") for name in ("inputs", "outputs") if name in chosen)
    code = _verify_code.Code()
    files = _verify_files.Files(project, directories)
    broken = []
    for reader in _read(store, ids):
        code.add(reader)
        if roles:
            files.add(reader, roles)
        if "folders" in chosen and reader.problems:
            broken.append(Finding("", [reader.expid], "broken", "; ".join(reader.problems)))
    parts: list[Part] = []
    unpinned: list[str] = []
    for name in chosen:
        if name == "code":
            part, unpinned = code.part(directories)
            parts.append(part)
        elif name == "folders":
            parts.append(Part(name, len(ids), len(ids) - len(broken), broken, []))
        else:
            parts.append(files.part(name))
    return parts, unpinned


def _read(store: Experiments, ids: Sequence[str]) -> Iterator[ExperimentReader]:
    """Readers one after the other, none kept: a store may hold very many."""
    readers = store.only(ids).each()
    for _ in _output.progress(ids, "reading"):
        yield next(readers)
    next(readers, None)  # so that what was read is remembered


def _text(parts: Sequence[Part], count: int, place: str) -> str:
    experiments = f"{count} experiment{'' if count == 1 else 's'}"
    lines = [_fit(f"{experiments} in {place}"), ""]
    wide = max(len(part.name) for part in parts)
    for part in parts:
        percent = "" if part.percent is None else f"{part.percent}%"
        lines.append(_fit(f"{part.name:<{wide}}  {percent:>4}  {part.told()}"))
    for part in parts:
        if part.findings or part.notes:
            lines += ["", *_list(part)]
    return "\n".join(lines) + "\n"


def _list(part: Part) -> list[str]:
    lines = [part.name]
    shown = part.findings[:_LISTED]
    columns = [
        _table.Column("", [_ranges(finding.ids) for finding in shown], keep=1, limit=24, least=6),
        _table.Column("", [finding.state for finding in shown], keep=0, style=_colour),
        _table.Column("", [finding.what or _table.MISSING for finding in shown], keep=2, limit=60),
        _table.Column("", [finding.text or _table.MISSING for finding in shown], limit=90),
    ]
    columns = [c for c in columns if any(value is not _table.MISSING for value in c.values)]
    if shown:
        room = _output.width()
        table = _table.render(columns, room and max(1, room - 2), colour=_output.colours())
        lines += [f"  {line}" for line in table.lines[1:]]
    if len(part.findings) > len(shown):
        lines.append(_fit(f"  ... and {len(part.findings) - len(shown)} more: --json has all"))
    return lines + [_fit(f"  note: {note}") for note in part.notes]


def _colour(state: Any) -> str:
    return _COLOURS.get(state, "31")


def _ranges(ids: Sequence[str]) -> str:
    """Ids in the form that every command takes: ``3-7,9``."""
    found: list[list[str]] = []
    for expid in ids:
        last = found[-1][-1] if found else ""
        follows = last.isdecimal() and expid.isdecimal() and int(expid) == int(last) + 1
        if follows:
            found[-1].append(expid)
        else:
            found.append([expid])
    return ",".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in found)


def _fit(line: str) -> str:
    room, line = _output.width(), clean(line)
    return line if room is None else cut(line, room)
