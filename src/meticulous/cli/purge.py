"""``meticulous purge``: empty the trash."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

from .. import _folder_trash
from .._table import clean
from ..errors import SettingError
from ..experiments import ExperimentReader
from . import _annotate, _output, _store, _trash

__all__ = ["run"]

_EXAMPLES = """\
Only what is in the trash is deleted, for ever; locked experiments stay. Links are deleted, never
followed. Without --yes it says what would go, and on a terminal asks. Numbers are not given again.

examples:
  meticulous purge                        what has been in the trash for 30 days or longer
  meticulous purge --older-than 0d        all of it
  meticulous purge --older-than 2w --yes  without a question, for scripts
"""


def run(argv: Sequence[str]) -> int:
    """Delete what is in the trash; see ``meticulous purge --help``."""
    options = _parser().parse_args(argv)
    age = _age(options.older_than)
    root = _store.open_store(options).experiments_directory
    now = time.time()
    entries = _folder_trash.entries(root)
    old = [entry for entry in entries if entry.unfinished or now - entry.time >= age]
    locked = {entry.path for entry in old if _trash.is_locked(ExperimentReader(entry.path))}
    going = [entry for entry in old if entry.unfinished or entry.path not in locked]
    found = _trash.facts(going)
    stay = _staying(len(entries) - len(old), len(old) - len(going))
    if options.json:
        done = _delete(root, going, found) if options.yes else found
        key = "purged" if options.yes else "would_purge"
        total = sum(item["size"] for item in done)
        _output.print_json(
            key, {"experiments": done, "size": total, "staying": len(entries) - len(going)}
        )
        return _code(options, going)
    if not going:
        _output.write(f"There is nothing to purge{stay}.\n")
        return _code(options, going)
    if not (options.yes or _agreed(found, stay, options)):
        return 0
    done = _delete(root, going, found)
    ids = _annotate.ids_text([item["expid"] for item in done])
    size = _trash.size_text(sum(item["size"] for item in done))
    _output.write(f"Purged {len(done)} ({size}): {ids}\n")
    return 0


def _parser() -> _output.Parser:
    parser = _output.Parser(
        "purge",
        "Delete for ever what has been in the trash for long.",
        _EXAMPLES,
        "meticulous purge [--older-than 30d] [--yes] [options]",
    )
    parser.add_argument(
        "--older-than",
        default="30d",
        metavar="AGE",
        help="since when it has been in the trash: 12h, 30d, 2w, 0d for all; default 30d",
    )
    parser.add_argument("--yes", action="store_true", help="delete; otherwise only say what")
    parser.add_argument("--fail-empty", action="store_true", help="exit with 3 if there is nothing")
    parser.add_argument("--json", action="store_true", help="print the same for programs")
    _store.add_store(parser)
    return parser


def _code(options: argparse.Namespace, going: Sequence[Any]) -> int:
    return _store.NOTHING_MATCHED if options.fail_empty and not going else 0


def _age(text: str) -> float:
    """Seconds.

    Raises:
        SettingError: it is no length of time.
    """
    seconds = _store.period(text)
    if seconds is None:
        raise SettingError(
            f"Argument --older-than: {text!r} is no length of time.",
            "Write one such as 12h, 30d or 2w.",
            name="--older-than",
            value=text,
        )
    return seconds


def _staying(newer: int, locked: int) -> str:
    parts = [
        text for count, text in ((newer, f"{newer} newer"), (locked, f"{locked} locked")) if count
    ]
    return f"; {' and '.join(parts)} in the trash would stay" if parts else ""


def _agreed(found: list[dict[str, Any]], stay: str, options: argparse.Namespace) -> bool:
    """Say what would be deleted, and ask where that is possible."""
    size = _trash.size_text(sum(item["size"] for item in found))
    _output.print_table(f"Would delete {len(found)}, {size}{stay}", _trash.columns(found))
    answer = _trash.confirmed(f"Delete these {len(found)} for ever?")
    if answer is None:
        again = clean(
            f"meticulous purge --older-than {options.older_than}{_trash.same_store(options)} --yes"
        )
        _output.write(f"\nNothing was deleted. To delete them: {again}\n")
    elif not answer:
        _output.write("Nothing was deleted.\n")
    return bool(answer)


def _delete(
    root: str, going: list[_folder_trash.Trashed], found: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Delete them; gives the facts of those that were."""
    pairs = list(zip(going, found, strict=True))
    return [fact for entry, fact in _output.progress(pairs, "deleting") if _gone(root, entry)]


def _gone(root: str, entry: _folder_trash.Trashed) -> bool:
    # Somebody may have taken it out, or locked it, while the question stood on the screen.
    locked = not entry.unfinished and _trash.is_locked(ExperimentReader(entry.path))
    return not locked and _folder_trash.delete(root, entry)
