"""``meticulous reproduce``: run an experiment again, and say whether the result is the same."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence
from typing import Any

from .. import _experiment_outside, reproduce
from .._table import clean
from ..errors import MeticulousError, SettingError
from ..experiments import ExperimentReader, Experiments
from . import _output, _reproduce_options, _store

__all__ = ["run"]

_MEBIBYTES = 1 << 30  # more than will ever be hashed


def run(argv: Sequence[str]) -> int:
    """Run the command.

    Returns:
        0 when the result is the same or within tolerance, 4 when it differs, 1 when it failed.
    """
    options, extra = _reproduce_options.parse(argv)
    store = _store.open_store(options)
    old = _store.one(store, options.id)
    if options.compare:
        return _compared(store, old, options)
    if os.name != "posix":
        raise SettingError("'meticulous reproduce' works on Linux, macOS and POSIX systems only.")
    with _experiment_outside.unwinding():
        return _again(store, old, options, extra)


def _again(
    store: Experiments, old: ExperimentReader, options: argparse.Namespace, extra: list[str]
) -> int:
    places = [options.project_directory, store.experiments_directory, os.getcwd()]
    origin = reproduce.fetched(old, *places, patch=True, fetch=options.fetch)
    allowed = reproduce.tolerance(store, old, options.rtol, options.atol, options.seed)
    directory = os.path.abspath(
        options.directory or reproduce.beside(origin, old.expid, f"-again-{os.getpid()}")
    )
    meter = _output.progress(range(_MEBIBYTES), "hashing, MiB")
    asked = reproduce.Asked(
        options.set,
        extra,
        options.inputs == "check",
        options.taken,
        "" if options.dry_run else options.env,
        options.fetch,
        (lambda name, variable: "***") if options.dry_run else _reproduce_options.secret,
        _reproduce_options.say,
        lambda: next(meter, None),
    )
    ready = reproduce.prepare(store, old, origin, directory, asked)
    kept, started = "", False
    try:
        if options.dry_run:
            return _shown(old, origin, ready, options)
        _reproduce_options.say(f"running: {shlex.join(ready.shown)}")
        new, code = reproduce.run(store, ready, quiet=options.json)
        started = True
    finally:
        keep = started and bool(options.keep or options.directory)
        kept = _cleared(origin, directory, ready, keep)
    verdict = reproduce.judged(old, new, allowed, options.ignore, ready.told, ready.notes)
    _recorded(old, new, verdict, ready.told)
    remove = shlex.join(reproduce.removal(origin.root, kept)) if kept else ""
    return _answered(old, new, verdict, options, (kept, remove), code)


def _recorded(
    old: ExperimentReader, new: ExperimentReader, verdict: reproduce.Verdict, told: Sequence[str]
) -> None:
    """Record a verdict; it is given also where that cannot be done."""
    try:
        reproduce.record_verdict(old, new, verdict, told)
    except MeticulousError as error:
        _output.print_error(error)


def _cleared(
    origin: reproduce.Origin, directory: str, ready: reproduce.Prepared, keep: bool
) -> str:
    """Take the checked-out code away, unless something would be lost; where it is otherwise."""
    if not keep:
        try:
            left = reproduce.left(directory, ready)
            if not left:
                reproduce.remove(origin.root, directory)
                return ""
            more = f" and {len(left) - 3} more" if len(left) > 3 else ""
            text = f"the program left {', '.join(left[:3])}{more} in {directory}, which is kept"
            _reproduce_options.say(text)
        except MeticulousError as error:
            _output.print_error(error)
    return directory


def _compared(store: Experiments, old: ExperimentReader, options: argparse.Namespace) -> int:
    """Give the verdict on two experiments; it is recorded if one is still without its own."""
    new = _store.one(store, options.compare)
    allowed = reproduce.tolerance(store, old, options.rtol, options.atol, options.seed)
    verdict = reproduce.judged(old, new, allowed, options.ignore)
    again = new.metadata.get("reproduces")
    if isinstance(again, dict) and again.get("id") == old.expid and "verdict" not in again:
        _recorded(old, new, verdict, ())
    return _answered(old, new, verdict, options, ("", ""), None)


def _answered(
    old: ExperimentReader,
    new: ExperimentReader,
    verdict: reproduce.Verdict,
    options: argparse.Namespace,
    kept: tuple[str, str],
    code: int | None,
) -> int:
    if options.json:
        answer: dict[str, Any] = {"id": old.expid, "new": new.expid, **verdict._asdict()}
        answer["verdict"] = answer.pop("word")
        answer |= {"exit_code": code, "directory": kept[0] or None}
        _output.print_json("reproduction", answer)
    else:
        lines = [f"{clean(new.expid)} repeats {clean(old.expid)}"]
        lines += reproduce.lines_of(verdict)
        if kept[0]:
            lines.append(f"  the code is in {clean(kept[0])}")
            lines.append(f"  remove it with: {clean(kept[1])}")
        _output.write("\n".join(lines) + "\n")
    return reproduce.CODES[verdict.word]


def _shown(
    old: ExperimentReader,
    origin: reproduce.Origin,
    ready: reproduce.Prepared,
    options: argparse.Namespace,
) -> int:
    """Tell what would be run."""
    lacking = reproduce.environment_lacks(old, origin) if options.env else []
    if options.json:
        answer = {
            "id": old.expid,
            "commit": origin.code.commit,
            "command": ready.shown,
            "cwd": ready.run.cwd,
            "variables": sorted(ready.run.more),
            "changed": ready.told,
            "notes": ready.notes,
            "environment_lacks": lacking,
        }
        _output.print_json("reproduction", answer)
        return 0
    lines = [
        f"code       {origin.code.commit}",
        f"command    {clean(shlex.join(ready.shown))}",
        f"in         {clean(ready.run.cwd)}",
    ]
    lines += [f"changed    {clean(told)}" for told in ready.told]
    lines += [f"cannot be had  {clean(lack)}" for lack in lacking]
    lines += [f"note       {note}" for note in ready.notes]
    _output.write("\n".join(lines) + "\n")
    return 0
