"""What the commands share that fill and empty the trash."""

from __future__ import annotations

import argparse
import difflib
import re
import shlex
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from .. import _folder_trash
from .._table import Column, clean, duration_text
from ..errors import SettingError
from ..experiments import ExperimentReader
from . import _output

__all__ = ["columns", "confirmed", "facts", "is_locked", "meant", "same_store", "size_text"]

_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


def facts(entries: Iterable[_folder_trash.Trashed]) -> list[dict[str, Any]]:
    """What is in the trash as plain objects; counts the bytes of every file."""
    return [
        {
            "expid": entry.expid,
            "path": entry.path,
            "time": entry.time,
            "size": _folder_trash.size(entry.path),
            "status": "half purged" if entry.unfinished else ExperimentReader(entry.path).status,
        }
        for entry in _output.progress(list(entries), "measuring")
    ]


def columns(found: Sequence[dict[str, Any]]) -> list[Column]:
    """The same as a table."""
    now = time.time()
    return [
        Column("id", [item["expid"] for item in found], keep=0),
        Column("status", [item["status"] for item in found], keep=2, least=7),
        Column("thrown away", [f"{duration_text(max(1, now - i['time']))} ago" for i in found]),
        Column("size", [size_text(item["size"]) for item in found], keep=3),
    ]


def size_text(size: float) -> str:
    """Write a number of bytes."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def meant(
    entries: Sequence[_folder_trash.Trashed], words: Iterable[str]
) -> list[_folder_trash.Trashed]:
    """Give what words mean: ids and ranges of ids. Of several with one id it is the last one that
    was thrown away.

    Raises:
        SettingError: nothing in the trash has that id.
    """
    known = {entry.expid: entry for entry in entries if not entry.unfinished}
    found: dict[str, _folder_trash.Trashed] = {}
    for word in words:
        for part in [word] if word in known else filter(None, map(str.strip, word.split(","))):
            between = _RANGE.fullmatch(part)
            ids = [part] if part in known else []
            if between and not ids:
                span = range(int(between[1]), int(between[2]) + 1)
                numbers = [expid for expid in known if expid.isascii() and expid.isdigit()]
                ids = sorted((i for i in numbers if int(i) in span), key=int)
            if not ids:
                close = difflib.get_close_matches(part, known, 1)
                hint = "'meticulous restore' lists what is there." if known else "It is empty."
                hint = f"Did you mean {close[0]!r}?" if close else hint
                raise SettingError(f"There is no {part!r} in the trash.", hint, value=part)
            found.update((expid, known[expid]) for expid in ids)
    return list(found.values())


def is_locked(reader: ExperimentReader) -> bool:
    return bool(reader.annotations.get("locked"))


def confirmed(question: str) -> bool | None:
    """Ask on the terminal; None when there is none."""
    try:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            return None
    except (AttributeError, ValueError):  # closed
        return None
    _output.write(f"{clean(question)} [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def same_store(options: argparse.Namespace) -> str:
    """The options that lead to the same experiments folder, for a command that is suggested."""
    words: list[str] = []
    if options.project_directory:
        words += ["--project-directory", options.project_directory]
    if options.experiments_directory:
        words += ["--experiments-directory", options.experiments_directory]
    return "".join(f" {shlex.quote(word)}" for word in words)
