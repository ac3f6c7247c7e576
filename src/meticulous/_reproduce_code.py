"""Which code an experiment ran, where it can be had, and its place beside the user's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import _commits, _commits_checkout, _files, _folder
from ._commits_checkout import Code, Sibling
from ._table import clean
from .errors import GitError
from .experiments import ExperimentReader

__all__ = ["Origin", "beside", "code_of", "facts_of", "find", "mapping", "siblings"]

_LARGEST_PATCH = 1 << 30


class Origin(NamedTuple):
    """Where an experiment's code is taken from.

    Attributes:
        root: the top of the user's work tree.
        project: the project directory in it, relative to the top.
        code: what ran.
        notes: what the record does not know of the code, a sentence each.
    """

    root: str
    project: str
    code: Code
    notes: list[str]

    @property
    def project_directory(self) -> str:
        """The user's project directory."""
        return os.path.normpath(os.path.join(self.root, self.project))


def mapping(value: Any) -> dict[str, Any]:
    """A mapping from a record; empty for anything else."""
    return value if isinstance(value, dict) else {}


def facts_of(reader: ExperimentReader) -> dict[str, Any]:
    """What an experiment recorded of its repository."""
    return mapping(reader.metadata.get("git"))


def find(reader: ExperimentReader, *directories: str, patch: bool = False) -> Origin:
    """Find out which code an experiment ran, and the repository that should have it.

    Args:
        reader: of the experiment.
        directories: where the repository may be, the first one first.
        patch: take the recorded patch where the snapshot is gone.

    Raises:
        GitError: no repository, no commit recorded, or it is gone; the hint says what could help.
    """
    facts = facts_of(reader)
    code, notes = code_of(reader)
    root = _commits.find(*directories)
    origin = Origin(root, _project(facts), code, notes)
    lacks = _commits_checkout.missing(root, code)
    if not lacks:
        return origin
    patched = _patched(reader, code)
    can_patch = patched is not None and not _commits_checkout.missing(root, patched)
    if patch and can_patch and patched is not None:
        return origin._replace(code=patched)
    expid, text = reader.expid, ", ".join(lacks[:3])
    raise _MissingCodeError(expid, root, text, origin, can_patch, patched is not None)


class _MissingCodeError(GitError):
    """The code is not in the repository. `origin` tells what is needed."""

    def __init__(
        self, expid: str, root: str, lacks: str, origin: Origin, can_patch: bool, has_patch: bool
    ) -> None:
        ways = ["fetch it (--fetch)", "import a bundle that has it"]
        if lacks.startswith("submodule"):  # which no bundle holds
            ways = ["run 'git submodule update --init --recursive' there", "fetch it (--fetch)"]
        elif can_patch:
            ways.insert(0, "rebuild it from its commit and its recorded patch (--patch)")
        elif has_patch:
            ways.append("fetch the commit it was based on and use --patch")
        text = "; or ".join(ways)
        super().__init__(
            f"{clean(root)} no longer has the code of experiment {clean(expid)}: no {lacks}.",
            f"{text[:1].upper()}{text[1:]}.",
            reason="failed",
        )
        self.origin = origin


def fetched(
    reader: ExperimentReader, *directories: str, patch: bool = False, fetch: bool = False
) -> Origin:
    """Find the code as `find` does; what is not there is fetched first, if that is allowed.

    Raises:
        GitError: as `find`.
    """
    try:
        return find(reader, *directories, patch=patch)
    except _MissingCodeError as error:
        if not fetch:
            raise
        origin = error.origin
        _commits_checkout.fetch(origin.root, origin.code)
        patched = _patched(reader, origin.code) if patch else None
        if patched and _commits_checkout.missing(origin.root, origin.code):
            _commits_checkout.fetch(origin.root, patched)
    return find(reader, *directories, patch=patch)


def code_of(reader: ExperimentReader) -> tuple[Code, list[str]]:
    """Tell from a record alone which code an experiment ran.

    Raises:
        GitError: no commit is recorded.
    """
    facts, notes = facts_of(reader), []
    snapshot = facts.get("snapshot")
    sha = snapshot if _commits.is_sha(snapshot) else reader.sha
    if not _commits.is_sha(sha):
        raise GitError(
            f"Experiment {clean(reader.expid)} has no commit recorded.",
            "Its code cannot be brought back.",
            reason="no-commit",
        )
    if facts.get("dirty") and sha != snapshot:
        notes.append("it ran with changes that were not recorded (dirty=allow)")
    skipped = facts.get("skipped")
    if isinstance(skipped, list) and skipped:
        paths = [clean(str(mapping(each).get("path"))) for each in skipped]
        notes.append(f"its snapshot does not hold {_listed(paths)}")
    there: dict[str, str] = {}
    absent = set()
    entries = facts.get("submodules")
    for entry in map(mapping, entries if isinstance(entries, list) else []):
        path, commit = entry.get("path"), entry.get("sha")
        if isinstance(path, str) and entry.get("absent"):
            absent.add(path)
        elif isinstance(path, str) and _commits.is_sha(commit):
            there[path] = str(commit)
    return Code(str(sha), submodules=there, absent=frozenset(absent)), notes


def _listed(words: Sequence[str], most: int = 5) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def _patched(reader: ExperimentReader, code: Code) -> Code | None:
    """The code as a patch on the commit it was based on, if that was recorded."""
    path = os.path.join(reader.curexpdir, _folder.CODE_PATCH)
    if not _commits.is_sha(reader.sha) or code.sha == reader.sha or os.path.islink(path):
        return None
    try:
        patch = _files.read_bytes(path, _LARGEST_PATCH)
    except OSError:
        return None
    return code._replace(base=str(reader.sha), patch=patch) if patch else None


def _project(facts: dict[str, Any]) -> str:
    """The project directory relative to the top, as recorded; the top when that is no such path."""
    inside = facts.get("directory")
    if not isinstance(inside, str) or "\0" in inside or os.path.isabs(inside):
        return "."
    return "." if os.pardir in inside.split("/") else inside


def beside(origin: Origin, expid: str, more: str = "") -> str:
    """The directory that code goes to when none is named: a neighbour of the repository, so that
    paths that lead out of it lead to the same place.
    """
    parent, name = os.path.split(origin.root)
    return os.path.join(parent, f"{name}-{expid}{more}")


def siblings(reader: ExperimentReader, origin: Origin) -> list[Sibling]:
    """Look what has become of the other repositories that the program imported from."""
    entries = facts_of(reader).get("siblings")
    if not isinstance(entries, list) or not entries:
        return []
    places = [each["url"].removeprefix("file://") for each in packages_of(reader, editable=True)]
    around = os.path.dirname(origin.root)
    # A submodule in a submodule was recorded as another repository.
    inside = {
        os.path.basename(each.path): each
        for each in _commits_checkout.submodules(origin.root, origin.code)
        if each.path not in origin.code.submodules
    }
    found = []
    for entry in map(mapping, entries):
        name = str(entry.get("name"))
        if name in inside:
            path, sha = inside[name].path, inside[name].sha
            if sha != entry.get("sha") or entry.get("dirty"):
                was = str(entry.get("sha") or "")
                found.append(Sibling(name, was, bool(entry.get("dirty")), path, sha, False))
            continue
        here = [os.path.join(around, name)] if name and os.path.basename(name) == name else []
        found.append(_commits_checkout.sibling(origin.root, entry, [*places, *here]))
    return found


def packages_of(reader: ExperimentReader, *, editable: bool = False) -> list[dict[str, Any]]:
    """The packages that an experiment ran with, as recorded.

    Args:
        reader: of the experiment.
        editable: only those that were installed from a folder in an editable way.
    """
    packages = reader.environment.get("packages")
    found = [mapping(each) for each in packages if each] if isinstance(packages, list) else []
    if not editable:
        return found
    is_folder = [str(each.get("url")).startswith("file:///") for each in found]
    pairs = zip(found, is_folder, strict=True)
    return [each for each, folder in pairs if folder and each.get("editable")]
