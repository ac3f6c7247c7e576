"""What the commands share that change what people say about experiments."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import _annotations, _folder
from .._table import clean, cut
from ..errors import StorageError
from ..experiments import Experiments
from . import _output, _store

__all__ = ["Done", "annotate", "ids_text", "parser", "selected", "show", "tell"]

PATIENCE_SECONDS = 20.0
"""How long to wait for others; longer than it takes to see that one was killed."""
_IDS_SHOWN = 10


class Done(NamedTuple):
    """What became of one experiment."""

    expid: str
    annotations: dict[str, Any]
    changed: bool
    kept: str


def parser(command: str, description: str, examples: str, usage: str) -> _output.Parser:
    """Make a parser whose first word says which experiments."""
    made = _output.Parser(command, description, examples, usage)
    made.add_argument("ids", metavar="IDS", help=f"in one word: {_store.IDS}")
    _store.add_questions(made)
    made.add_argument("--json", action="store_true", help="print what they hold now, for programs")
    _store.add_store(made)
    return made


def selected(options: argparse.Namespace) -> tuple[Experiments, list[str]]:
    """Open the store, and give the experiments that are meant."""
    store = _store.open_store(options)
    return store, _store.chosen(store, [options.ids], options.filter)


def annotate(
    store: Experiments,
    ids: Sequence[str],
    changes: Callable[[dict[str, Any]], list[tuple[str, Any]]],
) -> list[Done]:
    """Change the annotations of experiments.

    One that cannot be changed does not keep the others from it.

    Args:
        store: the experiments.
        ids: which of them.
        changes: gives actions and values for what an experiment has now; none to leave it.

    Raises:
        StorageError: some could not be changed; the others were.
    """
    done: list[Done] = []
    errors: list[StorageError] = []
    for expid in _output.progress(ids, "annotating"):
        reader = store[expid]
        lines = [_annotations.change(*line) for line in changes(reader.annotations)]
        if not lines:
            done.append(Done(expid, reader.annotations, False, ""))
            continue
        folder = _folder.Folder(os.path.join(store.experiments_directory, expid))
        try:
            now = _annotations.apply(folder, lines, PATIENCE_SECONDS)
        except OSError as error:
            path = folder.file(_folder.ANNOTATIONS)
            errors.append(StorageError.from_oserror("write", path, error))
        else:
            done.append(Done(expid, now.annotations, True, now.kept))
    if errors:
        first = errors[0]
        if len(ids) > 1:
            first.hint = f"{len(errors)} of {len(ids)} experiments could not be changed."
        raise first
    return done


def tell(options: argparse.Namespace, done: list[Done], what: str, why_not: str = "") -> int:
    """Say what was done, in a line, and why nothing where that is so; gives the exit code."""
    if options.json:
        _output.print_json("annotations", [_object(item) for item in done])
        return _code(options, done)
    lines = [] if done else ["No experiments match."]
    nothing = f"nothing to change: {why_not}" if why_not else "nothing to change"
    for changed, text in ((True, what), (False, nothing)):
        ids = [item.expid for item in done if item.changed is changed]
        if ids:
            lines.append(f"{ids_text(ids)}: {text}.")
    for item in done:
        if item.kept:
            lines.append(
                f"{item.expid}: {_folder.ANNOTATIONS} was broken; what it held is kept as "
                f"{item.kept}."
            )
    _output.write("".join(f"{clean(line)}\n" for line in lines))
    return _code(options, done)


def show(
    options: argparse.Namespace,
    store: Experiments,
    ids: Sequence[str],
    texts: Callable[[dict[str, Any]], list[str]],
) -> int:
    """Print what experiments have, and change nothing."""
    found = [Done(expid, store[expid].annotations, False, "") for expid in ids]
    if options.json:
        _output.print_json("annotations", [_object(item) for item in found])
        return _code(options, found)
    lines = [f"{item.expid}: {text}" for item in found for text in texts(item.annotations)]
    lines = lines or ["No experiments match."]
    _output.write("".join(f"{clean(line)}\n" for line in lines))
    return _code(options, found)


def ids_text(ids: Sequence[str]) -> str:
    """Write ids on a line; of very many the first ones."""
    text = ", ".join(ids[:_IDS_SHOWN])
    more = len(ids) - _IDS_SHOWN
    return cut(clean(text), 200) + (f" and {more} more" if more > 0 else "")


def _object(item: Done) -> dict[str, Any]:
    return {"expid": item.expid, "changed": item.changed, "annotations": item.annotations}


def _code(options: argparse.Namespace, found: Sequence[Any]) -> int:
    return _store.NOTHING_MATCHED if options.fail_empty and not found else 0
