"""``meticulous export``: experiments out of the store, as tables, as curves, or as folders."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from .. import _table
from .._query_names import EXPID, Field, Names
from ..errors import SettingError
from ..experiments import Experiments
from . import _export_curves, _export_folders, _list_export, _output, _store

__all__ = ["run"]

_EXAMPLES = """\
The form is what the name after --to ends with:
  .csv .tsv .json .md .tex .pd .parquet   one line for each experiment: facts, args, summary
  the same with --metrics                 .csv, .tsv or .jsonl: one line for each logged step
  .tar .tar.gz .zip, or a folder          the experiments' folders, as they are

examples:
  meticulous export --to all.csv
  meticulous export 3-7 --to curves.csv --metrics loss 'val/*'
  meticulous export best:summary.acc --to for-a-colleague.tar.gz
  meticulous export --filter 'lr > 0.1' --to ../chosen/
"""
_HEADER = ("sha", "start_time", "duration", "status", "status_message", "description")


def run(argv: Sequence[str]) -> int:
    """Write experiments out; see ``meticulous export --help``."""
    options = _parser().parse_args(argv)
    kind = _kind(options)
    store = _store.open_store(options)
    ids = _store.chosen(store, options.ids, options.filter)
    if not ids:
        if options.json:
            _print_json(options, kind, ids)
        else:
            _output.write("No experiments match; nothing is written.\n")
        return _store.NOTHING_MATCHED if options.fail_empty else 0
    if kind == "curves":
        _export_curves.write(store, ids, options.to, options.metrics, options.raw)
    elif kind == "folders":
        _export_folders.write(store, ids, options.to)
    else:
        _write_table(store, ids, options.to)
    store.remember()
    if options.json:
        _print_json(options, kind, ids)
    else:
        count = f"{len(ids)} experiment{'' if len(ids) == 1 else 's'}"
        _output.write(f"{count} written to {_table.clean(options.to)} as {kind}.\n")
    return 0


def _print_json(options: argparse.Namespace, kind: str, ids: list[str]) -> None:
    _output.print_json("export", {"to": options.to, "kind": kind, "experiments": ids})


def _parser() -> _output.Parser:
    parser = _output.Parser(
        "export",
        "Write experiments to a file or folder outside of the store. The experiments stay as they "
        "are.",
        _EXAMPLES,
        "meticulous export [ID ...] --to FILE [options]",
    )
    _store.add_ids(parser)
    parser.add_argument(
        "--to", required=True, metavar="FILE", help="the file or folder; its name says the form"
    )
    parser.add_argument(
        "--metrics",
        nargs="*",
        action="extend",
        metavar="NAME",
        help="write what was logged: these metrics ('val/*' for all that begin so), or all",
    )
    parser.add_argument(
        "--raw", action="store_true", help="with --metrics: also what a resumed run went back over"
    )
    parser.add_argument("--json", action="store_true", help="say what was written as JSON")
    _store.add_store(parser)
    return parser


def _kind(options: argparse.Namespace) -> str:
    """``table``, ``curves`` or ``folders``.

    Raises:
        SettingError: the name does not say the form.
    """
    if options.to == "-":
        raise SettingError(
            "Argument --to: it writes files, not to standard output.",
            "'meticulous list --all --csv' prints a table, 'plot --json --full' curves.",
            name="--to",
            value="-",
        )
    if options.metrics is not None:
        _export_curves.check(options.to)
        return "curves"
    if _export_folders.is_archive(options.to) or not os.path.splitext(options.to)[1]:
        return "folders"
    if os.path.isdir(options.to) or options.to.endswith(("/", os.sep)):
        return "folders"
    try:
        _list_export.check(options.to)
    except SettingError:
        raise SettingError(
            f"Argument --to: what to write into {options.to!r} is not known.",
            "See the endings in 'meticulous export --help'.",
            name="--to",
            value=options.to,
        ) from None
    return "table"


def _write_table(store: Experiments, ids: list[str], path: str) -> None:
    rows = store.rows(ids)
    names = Names(rows)
    header = [Field("header", key) for key in _HEADER]
    pandas = os.path.splitext(path)[1].lower() in (".pd", ".pkl", ".parquet")
    if pandas:  # its columns are those of the data frame
        header = [field for field in header if field.key not in ("duration", "description")]
    fields = [EXPID, *header, *names.fields("args", "summary")]
    table = _list_export.Selection(fields, rows)
    _list_export.export(path, table, store, 5, True)
