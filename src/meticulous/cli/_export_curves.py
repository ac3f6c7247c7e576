"""What many experiments logged, as one table: a line for each step."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .. import _json
from ..errors import SettingError, StorageError
from ..experiments import ExperimentReader, Experiments
from . import _list_export, _output, _store

__all__ = ["check", "write"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_LINES = ".jsonl"
_KNOWN_SHOWN = 10
_LIKE_IDS = re.compile(r"[0-9]+-[0-9]+|last(~[0-9]+)?")


def check(path: str) -> None:
    """See to it that a file's name says how it is to be written.

    Raises:
        SettingError: it does not.
    """
    if os.path.splitext(path)[1].lower() not in (*_DELIMITERS, _LINES):
        raise SettingError(
            f"Argument --to: metrics cannot be written into {path!r}.",
            "Its name has to end with .csv, .tsv or .jsonl.",
            name="--to",
            value=path,
        )


def write(
    store: Experiments, ids: Sequence[str], path: str, patterns: Sequence[str], raw: bool
) -> None:
    """Write the metrics of experiments, in the order of the ids and of logging.

    Args:
        store: the experiments.
        ids: those that are written.
        path: the file; it is replaced at once.
        patterns: names of metrics, also with ``*``; none for all.
        raw: also the lines that a later session superseded.

    Raises:
        SettingError: no experiment has such a metric.
        StorageError: the file cannot be written.
    """
    names = _names(store, ids, patterns)
    half = f"{os.path.abspath(path)}.{os.getpid()}~"
    delimiter = _DELIMITERS.get(os.path.splitext(path)[1].lower(), "")
    try:
        try:
            with open(half, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                lines = _lines(store, ids, names, raw)
                if delimiter:
                    _write_separated(file, delimiter, names, lines)
                else:
                    file.writelines(_json.encode_line(line).decode() for line in lines)
            os.replace(half, path)
        finally:
            if os.path.lexists(half):
                os.unlink(half)
    except OSError as error:
        raise StorageError.from_oserror("write", path, error) from error


def _names(store: Experiments, ids: Sequence[str], patterns: Sequence[str]) -> list[str]:
    import fnmatch

    known: dict[str, None] = {}
    for expid in _output.progress(ids, "reading"):
        known.update(dict.fromkeys(store[expid].metrics))
    if not patterns:
        return list(known)
    found: dict[str, None] = {}
    for pattern in _store.parted(patterns, known):
        matching = [name for name in known if fnmatch.fnmatchcase(name, pattern)]
        if not matching:
            raise SettingError(
                f"There is no metric {pattern!r}.", _hint(pattern, store, known), name="--metrics"
            )
        found.update(dict.fromkeys(matching))
    return list(found)


def _hint(pattern: str, store: Experiments, known: Iterable[str]) -> str:
    import difflib

    if pattern in store or _LIKE_IDS.fullmatch(pattern):
        return "Ids stand before the options."
    close = difflib.get_close_matches(pattern, known, 1)
    if close:
        return f"Did you mean {close[0]!r}?"
    few = [*itertools.islice(known, _KNOWN_SHOWN + 1)]
    more = ", ..." if len(few) > _KNOWN_SHOWN else ""
    return f"Known: {', '.join(few[:_KNOWN_SHOWN])}{more}." if few else "Nothing is logged."


def _lines(
    store: Experiments, ids: Sequence[str], names: Sequence[str], raw: bool
) -> Iterator[dict[str, Any]]:
    for expid in _output.progress(ids, "writing"):
        yield from _of_one(store[expid], expid, names, raw)


def _of_one(
    reader: ExperimentReader, expid: str, names: Sequence[str], raw: bool
) -> Iterator[dict[str, Any]]:
    history = reader.history(raw=raw)
    shown = [name for name in ("session", "step", "time", *names) if name in history]
    columns = [_plain(history[name], name) for name in shown]
    for values in zip(*columns, strict=True):
        line = {name: value for name, value in zip(shown, values, strict=True) if value is not None}
        if len(line) > (3 if raw else 2):
            yield {"expid": expid, **line}


def _plain(column: Any, name: str) -> list[Any]:
    values: list[Any] = column.tolist() if hasattr(column, "tolist") else list(column)
    if name not in ("session", "step"):
        return values
    return [int(v) if type(v) is float and v.is_integer() else v for v in values]


def _write_separated(
    file: Any, delimiter: str, names: Sequence[str], lines: Iterator[dict[str, Any]]
) -> None:
    import csv

    header = ["expid", "session", "step", "time", *names]
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    rows = ([_list_export.harmless(line.get(name, "")) for name in header] for line in lines)
    writer.writerow([_list_export.harmless(name) for name in header])
    writer.writerows(rows)
