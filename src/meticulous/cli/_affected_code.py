"""Which experiments ran code that has a commit, a file, or some lines of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .. import _commits, _commits_ancestry, _files
from .._table import clean
from ..errors import SettingError
from ..experiments import ExperimentReader

__all__ = ["MAYBE", "NO", "YES", "Question", "Ran", "Verdict", "answer", "question", "ran"]

YES, MAYBE, NO = "yes", "maybe", "no"
_LINES = re.compile(r"(.+):([0-9]{1,9})(?:-([0-9]{1,9}))?", re.DOTALL)
_SHORT = 10


class Ran(NamedTuple):
    """The code that an experiment ran, as it recorded it.

    Attributes:
        commit: what holds it, empty when none is recorded.
        files: what it imported, relative to the top of its repository.
        whole: whether `files` is all of it.
        changed: files that were not as in the commit; no snapshot holds them.
    """

    expid: str
    status: str
    summary: Mapping[str, Any]
    commit: str
    files: frozenset[str]
    whole: bool
    changed: frozenset[str]

    def imported(self, path: str) -> list[str]:
        """Its files that are a path, or below it."""
        start = f"{path}/"
        return [name for name in self.files if name == path or name.startswith(start)]


def ran(reader: ExperimentReader) -> Ran:
    """Read which code an experiment ran."""
    facts = reader.metadata.get("git")
    facts = facts if isinstance(facts, dict) else {}
    snapshot = facts.get("snapshot")
    held = _commits.is_sha(snapshot)
    sha = snapshot if held else reader.sha
    files, changes = facts.get("files"), facts.get("changes")
    last = reader.sessions[-1] if reader.sessions else {}
    whole = (
        isinstance(files, list)
        and "files-left-out" not in facts
        and "end-time" in reader.metadata  # otherwise they are those of the start
        and not (last.get("outside") and "attached" not in last)  # only the script is known
    )
    changed = [it.get("path") for it in changes or () if isinstance(it, dict)]
    return Ran(
        reader.expid,
        reader.status,
        reader.summary,
        str(sha) if _commits.is_sha(sha) else "",
        frozenset(name for name in files or () if isinstance(name, str)),
        whole,
        frozenset() if held else frozenset(path for path in changed if isinstance(path, str)),
    )


class Question(NamedTuple):
    """What is asked: a commit, or a path with lines, in the version of a commit.

    Attributes:
        commit: its id, empty when a path is asked for.
        path: relative to the top of the repository.
        lines: the first and the last, from 1; None for the whole file.
        at: the commit whose version is meant; empty for the file as it is now.
    """

    commit: str
    path: str
    lines: tuple[int, int] | None
    at: str

    @property
    def text(self) -> str:
        """In words."""
        if self.commit:
            return f"commit {self.commit[:_SHORT]}"
        lines = f", lines {self.lines[0]}-{self.lines[1]}" if self.lines else ""
        return f"{clean(self.path)}{lines}{f' as of {self.at[:_SHORT]}' if self.at else ''}"


class Verdict(NamedTuple):
    """Whether an experiment is affected, why, and which version of the file it ran."""

    affected: str
    why: str
    version: str = ""


def question(root: str, word: str, at: str, found: Sequence[Ran]) -> Question:
    """Understand what is asked.

    Raises:
        SettingError: it is neither a commit nor a file.
        GitError: git fails.
    """
    version = _commits_ancestry.resolve(root, at) if at else ""
    if at and not version:
        raise SettingError(f"There is no commit {at!r} in {root}.", value=at)
    match = _LINES.fullmatch(word)
    first = int(match[2]) if match else 0
    lines = (first, int(match[3] or first)) if match else None
    recorded = {name for one in found for name in one.files}
    for path in _places(root, match[1] if match else word):
        known = path in recorded or any(name.startswith(f"{path}/") for name in recorded)
        if known or os.path.lexists(os.path.join(root, path)):
            if lines and not 0 < lines[0] <= lines[1]:
                raise SettingError(f"{word!r}: there are no such lines.", "Write FILE:40-52.")
            return Question("", path, lines, version)
    commit = _commits_ancestry.resolve(root, word)
    if not commit:
        import difflib

        close = difflib.get_close_matches(word, recorded, 1)
        raise SettingError(
            f"{word!r} is neither a commit of {root} nor a file in it or of an experiment.",
            f"Did you mean {close[0]!r}?" if close else "",
            value=word,
        )
    if at:
        raise SettingError("--at says which version of a file is meant.", "Leave it out.")
    return Question(commit, "", None, "")


def _places(root: str, path: str) -> list[str]:
    """What a path may be relative to the top: from the working directory, or as recorded."""
    folder, name = os.path.split(os.path.abspath(path))
    inside = os.path.relpath(os.path.join(os.path.realpath(folder), name), root)
    found = [inside, os.path.normpath(path)]
    return [
        place.replace(os.sep, "/")
        for place in dict.fromkeys(found)
        if place != os.curdir and place.split(os.sep)[0] != os.pardir and not os.path.isabs(place)
    ]


def answer(root: str, asked: Question, found: Sequence[Ran]) -> list[Verdict]:
    """Give the verdict for each experiment; a handful of calls of git, however many they are.

    Raises:
        SettingError: there are no such lines.
        GitError: git fails.
    """
    there = _commits.known(root, [one.commit for one in found]).trees
    judge = _by_commit if asked.commit else _by_path
    decide = judge(root, asked, list(there))
    verdicts = []
    for one in found:
        if not one.commit:
            gone = "it has no commit recorded"
        else:
            gone = "" if one.commit in there else f"its commit {one.commit[:_SHORT]} is gone"
        verdicts.append(_without(asked, one, gone) if gone else decide(one))
    return verdicts


def _without(asked: Question, one: Ran, gone: str) -> Verdict:
    """The verdict from the record alone."""
    if asked.path and one.whole and not one.imported(asked.path):
        return Verdict(NO, "did not import it")
    if asked.path and one.imported(asked.path) and not (asked.lines or asked.at):
        return Verdict(YES, f"imported it; {gone}")
    return Verdict(MAYBE, gone)


def _by_commit(root: str, asked: Question, there: list[str]) -> Callable[[Ran], Verdict]:
    by = _commits_ancestry.containing(root, asked.commit, there)

    def decide(one: Ran) -> Verdict:
        through = by.get(one.commit)
        if through is None:
            return Verdict(NO, "does not contain it")
        if through == asked.commit:
            return Verdict(YES, "contains it")
        return Verdict(YES, f"contains it rewritten, as {through[:_SHORT]}")

    return decide


def _by_path(root: str, asked: Question, there: list[str]) -> Callable[[Ran], Verdict]:
    head = _commits_ancestry.resolve(root, asked.at or "HEAD")
    found = _commits_ancestry.versions(root, asked.path, [*there, *([head] if head else [])])
    meant = found.get(head, ("", 0))[0]
    if asked.at and not meant:
        raise SettingError(f"{asked.path!r} is not in commit {asked.at[:_SHORT]}.")
    has_lines = _with_lines(root, asked, found) if asked.lines else None
    name = "HEAD" if not asked.at else asked.at[:_SHORT]

    def decide(one: Ran) -> Verdict:
        version, size = found.get(one.commit, ("", 0))
        imported, changed = one.imported(asked.path), one.changed
        if not imported and (one.whole or not version):
            return Verdict(NO, "did not import it", version)
        same = f" (as in {name})" if version and version == meant else ""
        how = f"version {version[:_SHORT]}{same}" if version else "version not in its commit"
        if any(p == asked.path or p.startswith(f"{asked.path}/") for p in changed):
            return Verdict(MAYBE, f"{how}, with changes that are not recorded", version)
        if has_lines is not None:
            has = has_lines(version, size)
            if has is None:
                return Verdict(MAYBE, f"{how}, which is too large to look into", version)
            if not has:
                return Verdict(NO, f"has other lines there: {how}", version)
            how = f"has these lines: {how}"
        elif asked.at and version != meant:
            return Verdict(NO, f"{how}, another one", version)
        if not imported:
            return Verdict(MAYBE, f"{how}; what it imported is not all recorded", version)
        return Verdict(YES, how if has_lines else f"imported it: {how}", version)

    return decide


def _with_lines(
    root: str, asked: Question, found: Mapping[str, tuple[str, int]]
) -> Callable[[str, int], bool | None]:
    """Look for lines in versions of a file, wherever in it they are now.

    Raises:
        SettingError: the file does not have such lines, or they are empty.
        GitError: git fails.
    """
    sizes = dict(found.values())
    texts = _commits_ancestry.contents(
        root, [blob for blob, size in sizes.items() if 0 < size <= _commits.MAX_BLOB]
    )
    if asked.at:
        data = texts.get(found[asked.at][0], b"")
    else:
        try:
            data = _files.read_bytes(os.path.join(root, asked.path), _commits.MAX_BLOB)
        except OSError as error:
            raise SettingError(
                f"{asked.path!r} cannot be read: {error.strerror}.",
                "Name the commit whose lines are meant with --at.",
            ) from error
    first, last = asked.lines or (1, 1)
    lines = _plain(data).split(b"\n")[first - 1 : last]
    if len(lines) < last - first + 1 or not b"".join(lines).strip():
        raise SettingError(f"{asked.path!r} has nothing in lines {first}-{last}.", value=asked.path)
    wanted = b"\n" + b"\n".join(lines) + b"\n"

    def has(version: str, size: int) -> bool | None:
        if version and version not in texts and size:
            return None
        return wanted in b"\n" + _plain(texts.get(version, b"")) + b"\n"

    return has


def _plain(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")
