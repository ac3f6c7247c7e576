"""``meticulous rm``: experiments into the trash."""

from __future__ import annotations

import argparse
import os
import shlex
import time
from collections.abc import Sequence

from .. import _folder, _folder_trash, _status
from .._table import clean
from ..errors import MeticulousError, SettingError
from ..experiments import ExperimentReader, Experiments
from . import _annotate, _output, _store, _trash

__all__ = ["run"]

_REFUSALS_SHOWN = 5
_EXAMPLES = """\
The folder moves into .trash beside the experiments, as it is; 'meticulous restore' moves it back,
'meticulous purge' deletes it. The number is not given again.

Running experiments are never removed, locked ones neither. One that is SILENT (its process cannot
be looked up from here and gave no sign of life) only with --force: if it lives after all, what it
writes from then on is lost.

examples:
  meticulous rm 17
  meticulous rm 3-7,9 --dry-run
  meticulous rm --filter 'status == "ERROR" and duration < 60'
  meticulous rm --filter "'test' in tags" --yes       without a question, for scripts
"""


def run(argv: Sequence[str]) -> int:
    """Throw experiments away; see ``meticulous rm --help``."""
    options = _parser().parse_args(argv)
    if not options.ids and options.filter is None:
        raise SettingError("Name the experiments, or say --filter which.", name="ID")
    store = _store.open_store(options)
    ids = _store.chosen(store, options.ids, options.filter)
    _refuse(store, ids, options.force)
    key = "would_remove" if options.dry_run else "removed"
    if ids and not options.dry_run and not _agreed(options, ids):
        return 1
    moved = [] if options.dry_run else _move(store, ids, options.force)
    if options.json:
        found = [{"expid": entry.expid, "path": entry.path} for entry in moved]
        _output.print_json(key, found or [{"expid": expid} for expid in ids])
    elif not ids:
        _output.write("No experiments match.\n")
    elif options.dry_run:
        _output.write(f"Would go into the trash ({len(ids)}): {_annotate.ids_text(ids)}\n")
    else:
        words = shlex.quote(",".join(ids)) if len(ids) <= _REFUSALS_SHOWN else "IDS"
        back = clean(f"meticulous restore {words}{_trash.same_store(options)}")
        _output.write(
            f"In the trash now ({len(ids)}): {_annotate.ids_text(ids)}. Back with: {back}\n"
        )
    return _store.NOTHING_MATCHED if options.fail_empty and not ids else 0


def _parser() -> _output.Parser:
    parser = _output.Parser(
        "rm",
        "Throw experiments into the trash.",
        _EXAMPLES,
        "meticulous rm [ID ...] [--filter EXPR] [options]",
    )
    _store.add_ids(parser)
    parser.add_argument("--dry-run", action="store_true", help="only say which")
    parser.add_argument(
        "--yes", action="store_true", help="do not ask before several go that were not named"
    )
    parser.add_argument(
        "--force", action="store_true", help="also those of which it is not known whether they run"
    )
    parser.add_argument("--json", action="store_true", help="print what was done, for programs")
    _store.add_store(parser)
    return parser


def _refuse(store: Experiments, ids: Sequence[str], force: bool) -> None:
    """See that all may be removed, before the first one is.

    Raises:
        MeticulousError: some may not.
    """
    found = []
    for expid in _output.progress(ids, "checking"):
        reason, hint = _refusal(os.path.join(store.experiments_directory, expid), force)
        if reason:
            found.append((f"{expid} {reason}", hint))
    if found:
        reasons = ", ".join(text for text, _ in found[:_REFUSALS_SHOWN])
        more = len(found) - _REFUSALS_SHOWN
        reasons += f" and {more} more are like that" if more > 0 else ""
        hints = " ".join(dict.fromkeys(hint for _, hint in found))
        raise MeticulousError(f"Nothing was removed: {reasons}.", hints)


def _refusal(path: str, force: bool) -> tuple[str, str]:
    """Why an experiment may not be removed now, and what to do; empty when it may."""
    reader = ExperimentReader(path)
    if _trash.is_locked(reader):
        return "is locked", "Unlock it first: meticulous lock ID --unlock."
    if reader.status == _status.RUNNING:
        return "is running", "End it first."
    if force:
        return "", ""
    if reader.status == _status.SILENT:
        return f"may be running ({reader.status_message})", "If it is not: --force."
    if _folder_trash.is_starting(path, time.time()):
        return "is being started just now", "Wait a minute; if nothing starts it: --force."
    broken = [text for text in reader.problems if text.startswith(_folder.ANNOTATIONS)]
    if broken:
        return f"may be locked ({broken[0]})", "If it is not: --force."
    return "", ""


def _agreed(options: argparse.Namespace, ids: Sequence[str]) -> bool:
    """Whether it is certain that these are meant: asks when several were not named.

    Raises:
        SettingError: there is nobody to ask.
    """
    words = [part.strip() for word in options.ids for part in word.split(",")]
    named = options.filter is None and "all" not in words
    if len(ids) == 1 or named or options.yes:
        return True
    which = f"{len(ids)} experiments ({_annotate.ids_text(ids)})"
    answer = None if options.json else _trash.confirmed(f"Throw {which} into the trash?")
    if answer is None:
        raise SettingError(
            f"That would remove {which}.", "Say --yes, or see which with --dry-run.", name="--yes"
        )
    return answer


def _move(store: Experiments, ids: Sequence[str], force: bool) -> list[_folder_trash.Trashed]:
    """Move them; each is looked at again right before and right after.

    Raises:
        MeticulousError: one could not be moved or began to run; those before it are in the trash.
    """
    root = store.experiments_directory
    moved: list[_folder_trash.Trashed] = []
    try:
        for expid in _output.progress(ids, "moving"):
            _stay(expid, os.path.join(root, expid), force)
            entry = _folder_trash.throw_away(root, expid)
            try:
                _stay(expid, entry.path, force)
            except MeticulousError:
                _folder_trash.put_back(root, entry, expid)
                raise
            moved.append(entry)
    except MeticulousError as error:
        if moved:
            error.message += f" In the trash before that ({len(moved)}): "
            error.message += f"{_annotate.ids_text([entry.expid for entry in moved])}."
        raise
    return moved


def _stay(expid: str, path: str, force: bool) -> None:
    reason, hint = _refusal(path, force)
    if reason:
        raise MeticulousError(f"{expid} stays: it {reason}.", hint)
