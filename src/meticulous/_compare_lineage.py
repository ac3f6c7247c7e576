"""What an experiment came from and what was made from it, by the hashes of files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ._compare_files import recorded_files

__all__ = ["Lineage", "Link", "Node", "walk"]

_HASH = re.compile("[0-9a-f]{64}")


class Link(NamedTuple):
    """One experiment led to another.

    Attributes:
        source: the earlier one.
        target: the later one.
        kind: ``file`` (an output of the one is an input of the other), ``folder`` (an input lies
            in the folder of the other), ``parent``, ``reproduces``.
        path: of the file, as the target recorded it; empty when no file links them.
        sha256: of the file, empty when it was not hashed.
        arg: the arg that led to the file, empty for a file that the program named.
    """

    source: str
    target: str
    kind: str
    path: str = ""
    sha256: str = ""
    arg: str = ""


class Node(NamedTuple):
    """A step of a walk: how far it is from the start, over which link, and whether the experiment
    was met before.
    """

    depth: int
    expid: str
    link: Link
    again: bool


class Lineage:
    """The links between the experiments of a folder, found in one pass over their records.

    Args:
        root: absolute path of the experiments folder.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._made: dict[str, list[tuple[str, str]]] = {}  # hash to experiment and time
        self._read: list[tuple[str, dict[str, Any]]] = []
        self._named: list[Link] = []
        self._bundles: dict[str, str] = {}  # of those that were imported
        self._imported: dict[tuple[str, str], str] = {}  # bundle and id in it, to the id here
        self._links: dict[Link, None] = {}
        self.problems: list[str] = []

    def add(
        self,
        expid: str,
        metadata: Mapping[str, Any],
        annotations: Mapping[str, Any],
        folder: str,
    ) -> None:
        """Take in an experiment: what it read and wrote, and what started it."""
        origin = annotations.get("imported")
        if isinstance(origin, Mapping):
            self._bundles[expid] = str(origin.get("sha256"))
            self._imported[self._bundles[expid], str(origin.get("id"))] = expid
        for kind in ("parent", "reproduces"):
            other = metadata.get(kind)
            if isinstance(other, Mapping) and isinstance(other.get("id"), str):
                self._named.append(Link(other["id"], expid, kind))
        lines, problem = recorded_files(folder)
        if problem:
            self.problems.append(f"{expid}: {problem}")
        for line in lines:
            if line["role"] != "output":
                self._read.append((expid, line))
            elif _is_telling(line):
                made = (expid, str(line.get("time") or ""))
                self._made.setdefault(line["sha256"], []).append(made)

    def links(self) -> list[Link]:
        """All links between different experiments."""
        for link in self._named:
            self._link(link._replace(source=self._here(link.target, link.source)))
        for expid, line in self._read:
            arg = str(line.get("arg") or "")
            inside = self._here(expid, self._owner(line))
            if inside:
                digest = line["sha256"] if _is_telling(line) else ""
                self._link(Link(inside, expid, "folder", line["path"], digest, arg))
            same = self._made.get(line["sha256"], ()) if _is_telling(line) else ()
            for source, time in same:
                # Who made the same bytes only later is not where they came from.
                if source != inside and time <= str(line.get("time") or "~"):
                    self._link(Link(source, expid, "file", line["path"], line["sha256"], arg))
        self._read.clear()
        return list(self._links)

    def _link(self, link: Link) -> None:
        if link.source and link.source != link.target:
            self._links[link] = None

    def _here(self, expid: str, other: str) -> str:
        """What an id in an experiment's record means here: one that came in a bundle tells of the
        others in it. Empty when that is not known.
        """
        bundle = self._bundles.get(expid)
        return other if bundle is None else self._imported.get((bundle, other), "")

    def _owner(self, line: Mapping[str, Any]) -> str:
        """The experiment in whose folder an input lies, empty for none."""
        base, path = line.get("base"), line["path"]
        if base == "experiment" or "\0" in path:
            return ""
        top = os.path.dirname(self._root) if base == "project" else ""
        inside = os.path.relpath(os.path.normpath(os.path.join(top, path)), self._root)
        first = inside.split(os.sep)[0]
        return "" if first in (os.curdir, os.pardir) or os.path.isabs(inside) else first


def _is_telling(line: Mapping[str, Any]) -> bool:
    """Whether a hash tells where a file came from; all empty files are the same."""
    digest = line.get("sha256")
    return isinstance(digest, str) and bool(_HASH.fullmatch(digest)) and line.get("size") != 0


def walk(
    links: Iterable[Link], start: str, depth: int, *, up: bool, most: int = 10_000
) -> Iterator[Node]:
    """Go along the links from an experiment, in the order of a printed tree.

    Args:
        links: see `Lineage.links`.
        start: the experiment, which itself is not given.
        depth: how many links far at most.
        up: towards what it came from, otherwise towards what was made from it.
        most: how many nodes at most.
    """
    near: Callable[[Link], str] = (lambda it: it.target) if up else (lambda it: it.source)
    far: Callable[[Link], str] = (lambda it: it.source) if up else (lambda it: it.target)
    beside: dict[str, list[Link]] = {}
    for link in links:
        beside.setdefault(near(link), []).append(link)
    met = {start}
    waiting = [(1, link) for link in reversed(_ordered(beside.get(start, ()), far))]
    while waiting and most and depth:
        level, link = waiting.pop()
        most -= 1
        expid = far(link)
        again = expid in met
        yield Node(level, expid, link, again)
        met.add(expid)
        if not again and level < depth:
            further = _ordered(beside.get(expid, ()), far)
            waiting += [(level + 1, link) for link in reversed(further)]


def _ordered(links: Sequence[Link], far: Callable[[Link], str]) -> list[Link]:
    def place(link: Link) -> tuple[Any, ...]:
        expid = far(link)
        number = int(expid) if expid.isascii() and expid.isdigit() else None
        return (number is None, number or 0, expid, link)

    return sorted(links, key=place)
