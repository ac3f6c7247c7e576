"""Which experiments ``stats`` and ``table`` are about, and the result of each."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Sequence

from .._compare_results import (
    Chosen,
    Result,
    brief,
    cautions,
    field_list,
    label,
    listed,
    missing,
    plural,
    result_of,
)
from .._table import clean
from ..experiments import Experiments
from . import _output, _store

__all__ = [
    "RESULTS",
    "Chosen",
    "Result",
    "add_options",
    "brief",
    "cautions",
    "choose",
    "field_list",
    "label",
    "listed",
    "missing",
    "nothing",
    "place",
    "plural",
    "result_of",
    "write_notes",
]

RESULTS = """\
A result is a summary value (accuracy or summary.accuracy), another number such as duration, or
what was logged: val/acc:max, :min, :last, or :best where the name tells the direction. A logged
name alone means its last value.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose experiments; `choose` reads them."""
    group = parser.add_argument_group("which experiments")
    group.add_argument(
        "-i", "--ids", nargs="+", action="extend", default=[], metavar="ID", help=_store.IDS
    )
    _store.add_questions(group)
    group.add_argument(
        "--all-statuses",
        action="store_true",
        help="also those that failed, were stopped, got lost or still run",
    )
    _store.add_store(parser)


def choose(options: argparse.Namespace) -> Chosen:
    """Find the experiments that are asked about.

    Raises:
        SettingError: an id means nothing.
        QueryError: the filter is wrong.
        StorageError: there is no experiments folder.
    """
    store = _store.open_store(options)
    everything = store.lazy_rows()
    wanted = set(_store.chosen(store, options.ids, options.filter)) if everything else set()
    reading = functools.partial(_output.progress, doing="reading metrics")
    return Chosen.of(store, everything, wanted, options.all_statuses, reading)


def place(store: Experiments) -> str:
    """The experiments folder as a person would name it from here."""
    path = store.experiments_directory
    inside = os.path.relpath(path)
    return clean(os.path.join(path if inside.startswith(os.pardir) else inside, ""))


def nothing(chosen: Chosen) -> str:
    """The sentence that there are no experiments to look at."""
    left_out = f" ({chosen.sentence})" if chosen.left_out else ""
    matching = "match in" if chosen.store else "in"
    return f"No experiments {matching} {place(chosen.store)}{left_out}."


def write_notes(notes: Sequence[str]) -> None:
    """Print sentences below a table, each on lines of its own."""
    import textwrap

    room = _output.width()
    for note in notes:
        text = clean(f"{note[:1].upper()}{note[1:]}.")
        lines = [text] if room is None else textwrap.wrap(text, max(room, 20))
        _output.write("\n".join(lines) + "\n")
