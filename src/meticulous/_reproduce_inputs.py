"""The recorded inputs: still what they were, and in their place beside the code."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from . import _experiment_files, _series
from ._table import clean
from .compare import recorded_files
from .errors import SettingError, StorageError
from .experiments import ExperimentReader

__all__ = ["Inputs", "Line", "look", "must_not_overwrite", "place"]

COPY_BYTES = 1 << 28
"""Larger files and folders are linked, not copied."""

_HASH = re.compile("[0-9a-f]{64}")


class Inputs(NamedTuple):
    """What an experiment read.

    Attributes:
        same: those that are what they were, or need not be: the path in the work tree, and the
            user's file that is to be put there.
        wrong: what is missing or changed, in words.
        unchecked: what has no hash, and what an arg names and is not the same, in words.
        total: how many were recorded.
        proven: of how many of these the hash is the recorded one.
    """

    same: list[tuple[str, str]]
    wrong: list[str]
    unchecked: list[str]
    total: int = 0
    proven: int = 0


def look(
    reader: ExperimentReader,
    directory: str,
    present: str,
    tick: Callable[[], Any],
    *,
    check: bool = True,
) -> Inputs:
    """Find the inputs of an experiment, in the checked-out code or in the user's project.

    Args:
        reader: of the experiment.
        directory: the project directory of the checked-out code.
        present: the user's project directory.
        tick: called for each mebibyte that is hashed.
        check: compare their hashes.
    """
    lines, _ = recorded_files(reader.curexpdir)
    inputs, outputs = (
        {(str(line.get("base")), line["path"]) for line in lines if line["role"] == role}
        for role in ("input", "output")
    )
    found = Inputs([], [], [])
    total = proven = 0
    for line in lines:
        base, path = str(line.get("base") or "project"), line["path"]
        # What the program made itself it will make again.
        named = line["role"] == "arg"  # noticed by itself: the program may also write it
        if (
            not (named or line["role"] == "input")
            or base == "experiment"
            or (base, path) in outputs
        ):
            continue
        if named and ("sha256" not in line or (base, path) in inputs):
            continue
        total += 1
        if not (_has_hash(line) or "size" in line):
            found.unchecked.append(f"{clean(path)} could not be read then either")
            continue
        if "\0" in path or (base == "project" and not _is_inside(path)):
            found.wrong.append(f"{clean(path)}: leads out of the project")
            continue
        places = [os.path.join(top, path) for top in (directory, present)]
        problem = _problem(line, path if base == "machine" else "", places, tick, check, found)
        proven += check and not problem and _has_hash(line)
        if problem and named:
            if base == "project" and os.path.exists(places[1]):
                found.same.append((places[0], places[1]))
            found.unchecked.append(
                f"{clean(path)}, which an arg names, is not as it was: {problem}"
            )
        elif problem:
            found.wrong.append(f"{clean(path)}: {problem}")
    return found._replace(total=total, proven=proven)


def _problem(
    line: dict[str, Any],
    fixed: str,
    places: Sequence[str],
    tick: Callable[[], Any],
    check: bool,
    found: Inputs,
) -> str:
    """Why a file cannot be used; notes in `found` which one is."""
    candidates = [fixed] if fixed else list(places)
    problem = "missing"
    for place in candidates:
        if not os.path.lexists(place):
            continue
        if check:
            state = _state(line, place, tick)
            if state:
                problem = state
                continue
            if not _has_hash(line):
                found.unchecked.append(f"{clean(line['path'])} {_likeness(line, place)}")
        if place == places[1] and not fixed:
            found.same.append((places[0], place))
        return ""
    return problem


def _state(line: dict[str, Any], path: str, tick: Callable[[], Any]) -> str:
    """How a file is not what it was; empty when it is."""

    def abandoned() -> bool:
        tick()
        return False

    folder, hashed = "files" in line, _has_hash(line)
    try:
        facts = os.stat(path)
        if hashed and not (stat.S_ISDIR if folder else stat.S_ISREG)(facts.st_mode):
            return f"no {'folder' if folder else 'regular file'} any more"
        size = line.get("size")
        if stat.S_ISREG(facts.st_mode) and isinstance(size, int) and size != facts.st_size:
            return f"changed: {facts.st_size} bytes, were {size}"
        if not hashed:
            return ""
        if folder:
            now = _experiment_files.hash_folder(path, abandoned)["sha256"]
        else:
            now = _experiment_files.hash_file(path, abandoned)
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or type(error).__name__
    return "" if now == line["sha256"] else "changed: other content"


def must_not_overwrite(
    reader: ExperimentReader, project: str, directory: str, then: Line, now: Line
) -> None:
    """See that what an experiment wrote outside of its repository is not written again.

    Args:
        reader: of the experiment.
        project: its project directory, in the work tree where it is to run.
        directory: that work tree; links in it may lead out of it.
        then: the command as it was.
        now: the command that is to run.

    Raises:
        SettingError: something is there.
    """
    lines, _ = recorded_files(reader.curexpdir)
    top = os.path.join(os.path.realpath(directory), "")
    again: dict[str, None] = {}
    for line in lines:
        path = line["path"]
        if line["role"] != "output" or line.get("base") == "experiment" or "\0" in path:
            continue
        places = [os.path.join(project, path)]
        if os.path.isabs(path):  # a relative one may have led there, and lead elsewhere from here
            places.append(os.path.join(now.cwd, os.path.relpath(path, then.cwd)))
        for place in map(os.path.realpath, places):
            is_there = not f"{place}{os.sep}".startswith(top) and os.path.lexists(place)
            if is_there and (now.leads_to(place) or not then.leads_to(place)):
                again[clean(path)] = None
    if again:
        raise SettingError(
            f"It would overwrite what it wrote outside of the repository: {', '.join(again)}.",
            "Move that away, or change with --set where it goes.",
        )


class Line(NamedTuple):
    """A command and its working directory."""

    words: Sequence[str]
    cwd: str

    def leads_to(self, place: str) -> bool:
        """Whether a word names a file, or a folder that it is in."""
        parts = {part for word in self.words for part in (word, word.partition("=")[2]) if part}
        found = {os.path.realpath(os.path.join(self.cwd, part)) for part in parts}
        return any(place == one or place.startswith(os.path.join(one, "")) for one in found)


def _has_hash(line: dict[str, Any]) -> bool:
    return _HASH.fullmatch(str(line.get("sha256"))) is not None


def _likeness(line: dict[str, Any], path: str) -> str:
    """What tells of a file that was recorded without a hash."""
    facts = os.stat(path)
    if not stat.S_ISREG(facts.st_mode) or "size" not in line:
        return "has no hash"
    same = _series.utc(facts.st_mtime) == line.get("mtime")
    return f"has no hash; its size is that of then, its time {'too' if same else 'is not'}"


def place(pairs: Sequence[tuple[str, str]], top: str) -> list[str]:
    """Put the user's files beside the code: small ones as copies, so that the program cannot
    change the user's, large ones as links.

    Args:
        pairs: where each is to be, and the user's file or folder.
        top: what they must stay inside of.

    Returns:
        The links among them, in words.

    Raises:
        StorageError: one cannot be put there.
    """
    links = []
    real = os.path.realpath(top)
    for target, source in pairs:
        if ".git" in os.path.relpath(target, top).split(os.sep):
            raise SettingError(f"{clean(source)} is git's own, and is not taken.", value=source)
        try:
            above = os.path.realpath(os.path.dirname(target))
            if above != real and not above.startswith(os.path.join(real, "")):
                raise StorageError(
                    f"{clean(target)} leads out of the work tree.",
                    "Use --inputs skip to do without it.",
                    path=target,
                )
            if os.path.lexists(target):
                _unlink(target)
            os.makedirs(above, exist_ok=True)
            size = _size(source)
            if size > COPY_BYTES:
                os.symlink(os.path.realpath(source), target)
                links.append(f"{clean(os.path.relpath(target, top))} ({size >> 20} MiB or more)")
            elif os.path.isdir(source):
                inner = _copy_folder(source, target)
                links += [f"{clean(os.path.relpath(link, top))}" for link in inner]
            else:
                shutil.copy2(source, target)
        except shutil.Error as error:  # of a folder: a list
            source, _, why = error.args[0][0]
            raise StorageError(
                f"Cannot take {clean(source)}: {clean(why)}.", path=source
            ) from error
        except OSError as error:
            raise StorageError.from_oserror("take", source, error) from error
    return links


def _copy_folder(source: str, target: str) -> list[str]:
    """Copy a folder; links within it stay links, those to files elsewhere become these, those to
    folders or large files elsewhere, which may be any size, lead there and are given back.
    """

    def special(folder: str, names: list[str]) -> list[str]:
        kinds = stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK
        modes = [os.lstat(os.path.join(folder, name)).st_mode for name in names]
        return [
            n for n, mode in zip(names, modes, strict=True) if not any(is_(mode) for is_ in kinds)
        ]

    shutil.copytree(source, target, symlinks=True, ignore=special)
    top, links = os.path.realpath(source), []
    for folder, folders, names in os.walk(target):
        for path in (os.path.join(folder, name) for name in (*folders, *names)):
            if not os.path.islink(path):
                continue
            real = os.path.realpath(os.path.join(source, os.path.relpath(path, target)))
            os.unlink(path)
            if real == top or real.startswith(os.path.join(top, "")):
                within = os.path.join(target, os.path.relpath(real, top))
                os.symlink(os.path.relpath(within, folder), path)
            elif os.path.isfile(real) and os.stat(real).st_size <= COPY_BYTES:
                shutil.copy2(real, path)
            else:
                os.symlink(real, path)
                links.append(path)
    return links


def _unlink(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _size(path: str) -> int:
    """Bytes of a file or folder, no further than it matters."""
    if not os.path.isdir(path):
        return os.stat(path).st_size
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            total += os.lstat(os.path.join(folder, name)).st_size
            if total > COPY_BYTES:
                return total
    return total


def _is_inside(path: str) -> bool:
    return not os.path.isabs(path) and os.pardir not in path.replace(os.sep, "/").split("/")
