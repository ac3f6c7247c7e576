"""``meticulous restore``: experiments out of the trash."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .. import _folder, _folder_trash
from .._table import clean
from ..errors import MeticulousError, SettingError
from . import _annotate, _output, _store, _trash

__all__ = ["run"]

_EXAMPLES = """\
Of several with the same id in the trash it is the one that was thrown away last.

examples:
  meticulous restore                      list the trash
  meticulous restore 17
  meticulous restore 3-7,9
  meticulous restore baseline --as baseline-old       when the id is taken again
"""


def run(argv: Sequence[str]) -> int:
    """Take experiments out of the trash; see ``meticulous restore --help``."""
    parser = _output.Parser(
        "restore",
        "Take experiments out of the trash. Without an id list what is in it.",
        _EXAMPLES,
        "meticulous restore [ID ...] [--as NEWID] [options]",
    )
    parser.add_argument("words", nargs="*", metavar="ID", help="17, 3-7, 3-7,9, or a name of yours")
    parser.add_argument("--as", dest="new_id", metavar="NEWID", help="the id that it gets")
    parser.add_argument(
        "--fail-empty", action="store_true", help="exit with 3 if the trash is empty"
    )
    parser.add_argument("--json", action="store_true", help="print the same for programs")
    _store.add_store(parser)
    options = parser.parse_args(argv)
    root = _store.open_store(options).experiments_directory
    entries = _folder_trash.entries(root)
    if not options.words:
        if options.new_id is not None:
            raise SettingError("Argument --as: name the experiment that gets the id.", name="--as")
        _list(entries, options.json)
        return _store.NOTHING_MATCHED if options.fail_empty and not entries else 0
    found = _trash.meant(entries, options.words)
    if options.new_id is not None and len(found) > 1:
        raise SettingError(f"Argument --as: {len(found)} experiments are named.", "Name one.")
    restored: list[dict[str, str]] = []
    try:
        for entry in found:
            expid = entry.expid if options.new_id is None else _folder.valid_id(options.new_id)
            path = _folder_trash.put_back(root, entry, expid)
            restored.append({"expid": expid, "path": path})
    except MeticulousError as error:
        if restored:
            ids = _annotate.ids_text([item["expid"] for item in restored])
            error.message += f" Restored before that: {ids}."
        raise
    if options.json:
        _output.print_json("restored", restored)
    else:
        ids = _annotate.ids_text([item["expid"] for item in restored])
        _output.write(f"Back in {clean(os.path.join(root, ''))} ({len(restored)}): {ids}\n")
    return 0


def _list(entries: Sequence[_folder_trash.Trashed], as_json: bool) -> None:
    found = _trash.facts(entries)
    if as_json:
        _output.print_json("trash", found)
    elif not found:
        _output.write("The trash is empty.\n")
    else:
        total = _trash.size_text(sum(item["size"] for item in found))
        _output.print_table(f"{len(found)} in the trash, {total}", _trash.columns(found))
