"""``meticulous note``: what people want to remember of experiments."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from ..errors import SettingError
from . import _annotate

__all__ = ["run"]

_LARGEST = 1 << 20
_EXAMPLES = """\
The first word says which experiments, the others are the note. Quote it when it holds what the
shell would change, or words that begin with '-'.
A note is never changed or taken away; 'meticulous grep' finds it.

examples:
  meticulous note 17 diverges after the warm-up, lower lr next
  meticulous note 3-7 'same data as in the paper'
  meticulous note 17 - < thoughts.txt     several lines, from standard input
  meticulous note 17                      print its notes
"""


def run(argv: Sequence[str]) -> int:
    """Note something; see ``meticulous note --help``."""
    parser = _annotate.parser(
        "note",
        "Add a note to experiments. Without text the note is read from standard input; on a "
        "terminal, and with --json, their notes are printed instead.",
        _EXAMPLES,
        "meticulous note IDS [TEXT ...] [options]",
    )
    parser.add_argument(
        "text", nargs="*", default=[], metavar="TEXT", help="the note; '-' for standard input"
    )
    options = parser.parse_intermixed_args(argv)
    store, ids = _annotate.selected(options)
    text = " ".join(options.text).strip()
    if text == "-" or not (text or options.json or _is_terminal()):
        text = _from_input()
        if not text and options.text:
            raise SettingError("Standard input holds no note.", name="TEXT")
    if not text:
        return _annotate.show(options, store, ids, _notes)
    done = _annotate.annotate(store, ids, lambda found: [("note", text)])
    return _annotate.tell(options, done, "noted")


def _is_terminal() -> bool:
    return sys.stdin is None or sys.stdin.isatty()


def _from_input() -> str:
    """Read the note.

    Raises:
        SettingError: it is too long.
    """
    data = b"" if sys.stdin is None else sys.stdin.buffer.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        hint = "Put it into a file of the experiment's folder instead."
        raise SettingError(f"The note is longer than {_LARGEST} bytes.", hint, name="TEXT")
    return data.decode("utf-8", "backslashreplace").strip()


def _notes(found: dict[str, Any]) -> list[str]:
    notes = found.get("notes")
    known = [note for note in notes if isinstance(note, dict)] if isinstance(notes, list) else []
    lines = []
    for note in known:
        moment = str(note.get("time", ""))[:16].replace("T", " ")
        first, *more = str(note.get("text", "")).splitlines() or [""]
        lines += [f"{moment}  {first}", *(f"{'':16}  {line}" for line in more)]
    return lines or ["(no notes)"]
