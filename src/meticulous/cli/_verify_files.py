"""Which recorded inputs and outputs still are what they were, by their hashes."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .. import _commits, _experiment_files
from ..compare import recorded_files
from ..errors import GitError
from . import _output
from ._verify_code import Finding, Part

__all__ = ["Files"]

_HASH = re.compile("[0-9a-f]{64}")
_MEBIBYTE = 1 << 20  # what is hashed at once


class _Recorded(NamedTuple):
    """One file of one experiment; `path` is where it is now, `problem` why it is not looked at."""

    expid: str
    line: dict[str, Any]
    path: str
    problem: str


class Files:
    """The recorded files of many experiments; each is read once.

    Args:
        project: the project that was named, empty for none.
        directories: where the repository may be.
    """

    def __init__(self, project: str, directories: Sequence[str]) -> None:
        self._project = project and os.path.abspath(project)
        self._found: dict[str, list[_Recorded]] = {"input": [], "output": []}
        self._unhashed = {"input": 0, "output": 0}
        self._notes: list[str] = []
        self._around = next(os.path.abspath(path) for path in directories[1:])
        try:
            self._root = _commits.find(*directories)
        except GitError:
            self._root = ""
        self._hashes: dict[tuple[str, bool], str | OSError] = {}

    def add(self, reader: Any, roles: Sequence[str]) -> None:
        """Note what an experiment recorded."""
        lines, problem = recorded_files(reader.curexpdir)
        if problem:
            self._notes.append(f"{reader.expid}: {problem}")
        for line in lines:
            role = line["role"]
            if role not in roles:
                continue
            if not _has_hash(line):
                self._unhashed[role] += 1
                if not isinstance(line.get("size"), int):
                    continue
            path, problem = self._place(reader, line)
            self._found[role].append(_Recorded(reader.expid, line, path, problem))

    def _place(self, reader: Any, line: dict[str, Any]) -> tuple[str, str]:
        """Where a file is now; what the record says is not to be trusted."""
        base, path = line.get("base"), line["path"]
        if "\0" in path:
            return "", "no path"
        if base == "machine":
            return (path, "") if os.path.isabs(path) else ("", "no absolute path")
        if os.path.isabs(path) or os.pardir in path.replace(os.sep, "/").split("/"):
            return "", f"leads out of the {base}"
        if base != "experiment":
            return os.path.join(self._project_of(reader), path), ""
        top = os.path.realpath(reader.curexpdir)
        full = os.path.join(top, path)
        real = os.path.realpath(full)
        return (full, "") if _inside(real, top) else ("", "leads out of the experiment's folder")

    def _project_of(self, reader: Any) -> str:
        """The project directory that an experiment's paths are relative to."""
        if self._project:
            return self._project
        facts = reader.metadata.get("git")
        inside = facts.get("directory") if isinstance(facts, dict) else None
        if self._root and isinstance(inside, str) and "\0" not in inside:
            project = os.path.normpath(os.path.join(self._root, inside))
            if _inside(project, self._root) and os.path.isdir(project):
                return project
        return self._around

    def part(self, name: str) -> Part:
        """Look at the inputs, or at the outputs."""
        role = name.removesuffix("s")
        recorded = self._found[role]
        meter = _meter(recorded)
        findings: dict[tuple[str, ...], Finding] = {}
        broken = 0
        for each in recorded:
            state, text = self._state(each, meter)
            if state:
                broken += 1
                key = (each.line["path"], state, text, str(each.line.get("sha256")))
                new = Finding(each.line["path"], [], state, text)
                findings.setdefault(key, new).ids.append(each.expid)
        next(meter, None)
        meter.close()
        notes, self._notes = self._notes, []
        if self._unhashed[role]:
            notes.append(
                f"{self._unhashed[role]} recorded without a hash, only their sizes were looked at"
            )
        whole = len(recorded) - broken
        return Part(name, len(recorded), whole, list(findings.values()), notes)

    def _state(self, recorded: _Recorded, meter: Iterator[int]) -> tuple[str, str]:
        """How a file is not what it was, and why it is thought so; empty when it is."""
        line, path = recorded.line, recorded.path
        if recorded.problem:
            return "unreadable", recorded.problem
        folder, hashed = "files" in line, _has_hash(line)
        try:
            facts = os.stat(path)
            kind = stat.S_ISDIR if folder else stat.S_ISREG
            if hashed and not kind(facts.st_mode):
                return "changed", f"no {'folder' if folder else 'regular file'} any more"
            size, regular = line.get("size"), stat.S_ISREG(facts.st_mode)
            if regular and isinstance(size, int) and size != facts.st_size:
                return "changed", f"{facts.st_size} bytes, were {size}"
            if not hashed:
                return "", ""
            now = self._hash(path, folder, meter)
        except FileNotFoundError:
            return "missing", ""
        except (OSError, ValueError) as error:
            return "unreadable", getattr(error, "strerror", None) or type(error).__name__
        return ("", "") if now == line["sha256"] else ("changed", "other content")

    def _hash(self, path: str, folder: bool, meter: Iterator[int]) -> str:
        """The hash as recording computes it.

        Raises:
            OSError: it cannot be read.
        """
        key = (os.path.realpath(path), folder)
        if key not in self._hashes:

            def tick() -> bool:
                next(meter, None)
                return False

            try:
                if folder:
                    self._hashes[key] = str(_experiment_files.hash_folder(path, tick)["sha256"])
                else:
                    self._hashes[key] = _experiment_files.hash_file(path, tick)
            except OSError as error:
                self._hashes[key] = error
        found = self._hashes[key]
        if isinstance(found, OSError):
            raise found
        return found


def _has_hash(line: dict[str, Any]) -> bool:
    return _HASH.fullmatch(str(line.get("sha256"))) is not None


def _meter(recorded: Sequence[_Recorded]) -> Any:
    """Something to take one of for each mebibyte, which then tells how far it is."""
    sizes = {each.path: each.line.get("size") for each in recorded if _has_hash(each.line)}
    known = [size for size in sizes.values() if isinstance(size, int) and 0 < size < 1 << 50]
    return _output.progress(range(sum(size // _MEBIBYTE + 1 for size in known)), "hashing, MiB")


def _inside(path: str, top: str) -> bool:
    return path == top or path.startswith(os.path.join(top, ""))
