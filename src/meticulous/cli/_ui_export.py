"""``meticulous ui --export``: the page as one file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping

from .. import _files
from .._table import clean
from ..errors import SettingError, StorageError
from . import _output, _store

__all__ = ["add_export", "check", "write"]

_DEFAULT_MB = 20.0
_MOST_MB = 2000.0
_MOST_POINTS = 20_000


def add_export(parser: argparse.ArgumentParser) -> None:
    """Add the options of an exported page."""
    parser.add_argument("ids", nargs="*", metavar="ID", help=f"with --export: {_store.IDS}")
    group = parser.add_argument_group("the page as one file")
    group.add_argument(
        "--export",
        metavar="FILE",
        help="write the page with these experiments into one HTML file that needs no server and "
        "no network; it holds what the records hold, such as paths and host names",
    )
    _store.add_questions(group)
    group.add_argument(
        "--points",
        type=int,
        default=0,
        metavar="N",
        help="about how many groups of points of a curve; otherwise as many as fit, up to 600",
    )
    group.add_argument(
        "--max-size",
        type=float,
        default=_DEFAULT_MB,
        metavar="MB",
        help=f"the largest that the file may be, {_DEFAULT_MB:g} when not given; curves become "
        "coarser first, then consoles and files are left out",
    )


def check(options: argparse.Namespace) -> None:
    """Refuse options that do not go together.

    Raises:
        SettingError: an option's value cannot be used.
    """
    if options.export == "":
        raise SettingError("Argument --export: name the file to write.", name="--export")
    if not options.export and (options.ids or options.filter):
        raise SettingError(
            "Experiments are chosen only for --export FILE.", "The page itself has a filter."
        )
    if not 0 <= options.points <= _MOST_POINTS:
        raise SettingError(f"Argument --points: it has to be 1 to {_MOST_POINTS}.", name="--points")
    if not 0 < options.max_size <= _MOST_MB:
        raise SettingError(
            f"Argument --max-size: it has to be above 0 and at most {_MOST_MB:g}.",
            name="--max-size",
        )


def write(options: argparse.Namespace, static: str, version: str) -> int:
    """Write the file, and say how large it is and what is not in it.

    Raises:
        MeticulousError: an experiment is meant that does not exist, not even the table fits, or
            the file cannot be written; then nothing of it is left.
    """
    from ..web import _export
    from ..web.api import Api

    whole = _store.open_store(options)
    ids = _store.chosen(whole, options.ids, options.filter)
    if not ids and options.fail_empty:
        return _store.NOTHING_MATCHED
    if not ids:
        raise SettingError("No experiment matches: there is nothing to export.")
    store = whole.only(expid for expid in whole if expid in set(ids))
    largest = int(options.max_size * 1_000_000)
    made = _export.page(Api(store, True, version), static, options.points, largest)
    path = os.path.abspath(options.export)
    try:
        _files.replace(path, made.data)
    except OSError as error:
        raise StorageError.from_oserror("write", path, error) from error
    count = made.experiments
    curves = f"curves of about {made.points} points" if made.points else "no curves"
    _output.write(
        f"{clean(options.export)}: {count} experiment{'' if count == 1 else 's'}, "
        f"{len(made.data) / 1e6:.1f} MB, {curves}\n"
        f"{_left_out(made.lacking, options.max_size)}"
    )
    return 0


def _left_out(lacking: Mapping[str, int], size: float) -> str:
    told = ", ".join(f"{kind} ({count})" for kind, count in lacking.items() if count)
    return f"Left out, to stay below {size:g} MB: {told}\n" if told else ""
