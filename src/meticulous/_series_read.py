"""Metrics read back: whole lines from any file, rows from lines, and what each value is worth."""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ._series import RESERVED

__all__ = [
    "first_steps_of",
    "kept_rows",
    "limits",
    "lines",
    "number",
    "rows",
    "seconds",
    "session_of",
    "step_of",
    "whole",
]

LONGEST = 1 << 24
"""A line that is longer, in bytes, is passed over."""

_CHUNK = 1 << 18
_FIRST_CHUNK = 1 << 14

_decode = json.JSONDecoder().raw_decode
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def lines(descriptor: int, start: int, until: int) -> Iterator[tuple[int, bytes]]:
    """Read whole lines, many at once, in bounded memory; a last one without its end is left.

    Args:
        descriptor: of a regular file.
        start: where a line begins.
        until: read no further, since a file may grow faster than it is read.

    Yields:
        The position after some lines, and the lines, each with its newline.

    Raises:
        OSError: the medium fails.
    """
    rest, skipping, size, position = b"", False, _FIRST_CHUNK, start
    sparse = getattr(os.fstat(descriptor), "st_blocks", until) * 512 < until
    while position < until:
        if sparse and (data := _after_hole(descriptor, position, until)) > position:
            rest, skipping, position = b"", True, data  # a hole is zeros, which are in no line
            continue
        os.lseek(descriptor, position, os.SEEK_SET)
        data_read = os.read(descriptor, min(size, until - position))
        if not data_read:
            return
        position += len(data_read)
        size = _CHUNK
        cut = data_read.rfind(b"\n") + 1
        if not cut:
            rest += b"" if skipping else data_read
            if len(rest) > LONGEST:
                rest, skipping = b"", True
            continue
        begin = data_read.find(b"\n") + 1 if skipping else 0
        whole = rest + data_read[begin:cut]
        skipping, rest = False, data_read[cut:]
        yield position - len(rest), whole


def whole(descriptor: int, until: int) -> int:
    """The position after the last whole line.

    Raises:
        OSError: the medium fails.
    """
    end = until
    while end > 0:
        start = max(0, end - _CHUNK)
        os.lseek(descriptor, start, os.SEEK_SET)
        found = os.read(descriptor, end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start if until - start <= LONGEST else 0
    return 0


def _after_hole(descriptor: int, position: int, until: int) -> int:
    """The next position that holds data."""
    try:
        return min(os.lseek(descriptor, position, os.SEEK_DATA), until)
    except OSError as error:  # ENXIO: nothing but a hole until the end
        return until if error.errno == errno.ENXIO else position
    except AttributeError:  # not on this system
        return position


def rows(data: bytes) -> Iterator[dict[str, Any]]:
    """Give the objects in lines; what is no object is passed over."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\n".join(_legal(data))
    for line in text.split("\n"):
        try:
            row, end = _decode(line)
            if end != len(line) and line[end:].strip(" \t\r"):
                continue
        except ValueError:
            line = line.strip(" \t\r")
            try:
                row, end = _decode(line)
            except (ValueError, RecursionError):
                continue
            if end != len(line):
                continue
        except RecursionError:
            continue
        if type(row) is dict:
            yield row


def _legal(data: bytes) -> Iterator[str]:
    for line in data.split(b"\n"):
        try:
            yield line.decode()
        except UnicodeDecodeError:
            continue


def number(value: Any) -> float | None:
    """Read a recorded value as a number; None for what is none, such as text, lists, true."""
    kind = type(value)
    if kind is float:
        return float(value)
    if kind is int:
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return _WORDS.get(value) if kind is str else None


def seconds(recorded: Any) -> float:
    """Read a recorded time as seconds since the epoch; NaN for what is none.

    Without an offset, as in 2020, it is local time.
    """
    if type(recorded) is not str:
        found = number(recorded)
        return math.nan if found is None else found
    try:
        return datetime.fromisoformat(recorded).timestamp()
    except (ValueError, OverflowError, OSError):
        return math.nan


def step_of(row: dict[str, Any]) -> float:
    """The step of a row, NaN when it has none."""
    found = number(row.get("step"))
    return math.nan if found is None else found


def session_of(row: dict[str, Any]) -> int | None:
    """The number of the session that begins with this row."""
    session = row.get("session")
    return session if type(session) is int else None


def limits(first_steps: list[float]) -> list[float]:
    """The rewind rule: from which step on later sessions supersede each session; NaN for none."""
    found, lowest = [], math.nan
    for first in reversed(first_steps):
        found.append(lowest)
        if not math.isnan(first) and not first >= lowest:
            lowest = first
    return found[::-1]


def kept_rows(
    descriptor: int, until: int, ends: list[float] | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give every row with the number of its session, without those that others supersede.

    Args:
        descriptor: of the file of metrics.
        until: its size.
        ends: the `limits` of its sessions; None to give all.

    Raises:
        OSError: the medium fails.
    """
    session, end, later = 1, ends[0] if ends else math.nan, iter(ends[1:] if ends else ())
    for _, data in lines(descriptor, 0, until):
        for row in rows(data):
            begun = session_of(row)
            if begun is not None:
                session, end = begun, next(later, math.nan)
                if all(name in RESERVED for name in row):
                    continue
            if not step_of(row) >= end:
                yield session, row


def first_steps_of(descriptor: int, until: int) -> list[float]:
    """The first step of each session, NaN for none.

    Raises:
        OSError: the medium fails.
    """
    found = [math.nan]
    for _, data in lines(descriptor, 0, until):
        if math.isnan(found[-1]) or b'session"' in data:
            for row in rows(data):
                if session_of(row) is not None:
                    found.append(math.nan)
                if math.isnan(found[-1]):
                    found[-1] = step_of(row)
    return found
