"""Look for text in the files of one experiment after the other, line by line."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from .. import _folder
from .._experiments_console import open_console
from .._query_names import Names
from .._table import clean
from ..experiments import ExperimentReader
from ._show_page import listed, named, text

__all__ = ["PLACES", "USUAL", "Hit", "Search"]

PLACES = ("output", "args", "notes", "patch", "description", "summary", "metadata")
USUAL = PLACES[:5]
_PORTION = 1 << 18
_LONGEST_LINE = 1 << 20
_SPANS = 100

_Line = tuple[str, int, str]


class Hit(NamedTuple):
    """A line that matches: where it stands, and its clean text."""

    expid: str
    where: str
    line: int
    text: str
    pattern: re.Pattern[str]
    longest: int | None

    def json(self) -> dict[str, Any]:
        """What programs get."""
        return {"expid": self.expid, "where": self.where, "line": self.line, "text": self.text}

    def shown(self, width: int | None, used: int) -> tuple[str, list[tuple[int, int]]]:
        """The line, of one that is too long the part around the first match, and where it matches.

        Args:
            width: of the terminal; None for no limit.
            used: what stands before it in the same line.
        """
        end = len(self.text) if self.longest is None else self.longest
        spans: list[tuple[int, int]] = []
        for match in self.pattern.finditer(self.text, 0, end):
            spans.append(match.span())
            if len(spans) == _SPANS:
                break
        room = len(self.text) if width is None else max(20, width - used)
        line, start = self.text, 0
        if len(line) > room:
            first = spans[0][0] if spans else 0
            start = max(0, min(first - room // 3, len(line) - room))
            line = line[start : start + room]
            if start:
                line = "..." + line[3:]
            if start + room < len(self.text):
                line = line[:-3] + "..."
        moved = [(max(0, a - start), min(len(line), b - start)) for a, b in spans]
        return line, [(a, b) for a, b in moved if a < b]


class Search:
    """Search experiments for lines that match.

    Args:
        pattern: what is looked for.
        places: of `PLACES`.
        longest: so many characters of a line are searched, since a pattern may take very long for
            a long one; None for all.

    Attributes:
        problems: files that could not be searched, a sentence each.
        long: how many lines were longer than what was searched.
    """

    def __init__(self, pattern: re.Pattern[str], places: list[str], longest: int | None) -> None:
        self._pattern = pattern
        self._places = places
        self._longest = longest
        self.problems: list[str] = []
        self.long = 0

    def hits(self, reader: ExperimentReader) -> Iterator[Hit]:
        """Give the lines of one experiment that match, in the order of the places."""
        search, longest = self._pattern.search, self._longest
        for where, number, line in self._lines(reader):
            if longest is not None and len(line) > longest:
                self.long += 1
                if not search(line, 0, longest):
                    continue
            elif not search(line):
                continue
            yield Hit(reader.expid, where, number, line, self._pattern, longest)

    def _lines(self, reader: ExperimentReader) -> Iterator[_Line]:
        for place in self._places:
            if place == "output":
                for stream in (_folder.STDOUT, _folder.STDERR):
                    yield from self._file(reader, stream, stream)
            elif place == "patch":
                yield from self._file(reader, _folder.CODE_PATCH, place)
            elif place == "notes":
                yield from _numbered(place, _notes(reader.annotations))
            elif place == "description":
                yield from _numbered(place, text(reader._value("description")).splitlines())
            else:
                values = reader._value(place)
                yield from _numbered(place, _values(place, values))

    def _file(self, reader: ExperimentReader, name: str, where: str) -> Iterator[_Line]:
        try:
            if where == "patch":
                lines = _lines_of(os.path.join(reader.curexpdir, name))
            else:
                lines = reader.console(name)
            for number, line in enumerate(lines, 1):
                yield where, number, line
        except FileNotFoundError:
            return
        except OSError as error:
            reason = error.strerror or type(error).__name__
            reason = f"{reason[:1].lower()}{reason[1:]}"
            self.problems.append(f"Cannot search {name} of {reader.expid}: {reason}.")


def _numbered(where: str, lines: list[str]) -> Iterator[_Line]:
    for number, line in enumerate(lines, 1):
        yield where, number, clean(line)


def _notes(annotations: dict[str, Any]) -> list[str]:
    """The name, the tags and every line of the notes."""
    lines = [text(annotations.get("name")), *map(text, listed(annotations.get("tags")))]
    for note in listed(annotations.get("notes")):
        lines += text(named(note).get("text") if isinstance(note, dict) else note).splitlines()
    return [line for line in lines if line]


def _values(group: str, values: dict[str, Any]) -> list[str]:
    """A line ``name = value`` for each value, with dotted names for nested ones."""
    row = {group: values}
    return [f"{field.key} = {text(field.getter(row))}" for field in Names([row]).fields(group)]


def _lines_of(path: str) -> Iterator[str]:
    """The lines of a text file, as a terminal may show them; very long ones in pieces."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    with open_console(path) as file:
        rest = ""
        while data := file.read(_PORTION):
            *lines, rest = (rest + decode(data)).split("\n")
            yield from map(clean, lines)
            if len(rest) > _LONGEST_LINE:
                yield clean(rest)
                rest = ""
        if rest:
            yield clean(rest)
