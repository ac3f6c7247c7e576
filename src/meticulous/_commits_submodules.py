"""The submodules of a commit, and where on this machine each of their commits can be had.

One is looked for in the work tree, and in what git keeps of submodules that are not checked out
any more, have moved, or belong to another branch.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from . import _commits
from ._git_calls import SUBMODULE, Answer, Question, git_folders

__all__ = ["Submodule", "git_folder", "is_whole", "lost", "submodules"]

MAX_DEPTH = 5
# A work tree that is gone, though its repository still names it, would keep git from reading.
_NO_WORK_TREE = {"GIT_DIR": ".", "GIT_WORK_TREE": "."}


class Submodule(NamedTuple):
    """A submodule of some code.

    Attributes:
        path: from the top of the code.
        sha: its commit.
        source: a repository on this machine that has it, empty when there is none.
    """

    path: str
    sha: str
    source: str


def submodules(
    root: str, commit: str, recorded: Mapping[str, str], absent: Collection[str] = ()
) -> Iterator[Submodule]:
    """The submodules of a commit that were there, those inside of others after these.

    Args:
        root: the top of the work tree.
        commit: its id.
        recorded: path to commit, where that is not the one of the commit.
        absent: the paths of those that were not there.
    """
    return _below(root, commit, "", recorded, absent, MAX_DEPTH)


def _below(
    place: str,
    commit: str,
    top: str,
    recorded: Mapping[str, str],
    absent: Collection[str],
    depth: int,
) -> Iterator[Submodule]:
    listing = ("ls-tree", "-r", "-z", "--full-tree", commit)
    links = {}
    for entry in os.fsdecode(_ask(place, *listing).must()).split("\0"):
        facts, _, path = entry.partition("\t")
        if facts.startswith(SUBMODULE) and top + path not in absent and _is_inside(path):
            links[path] = facts.split()[2]
    names = _names(place, commit) if links else {}
    for path, of_tree in links.items():
        sha = recorded.get(top + path) or of_tree
        found = (
            each
            for each in _places(place, path, names.get(path, ""))
            if sha in _present(each, [sha])
        )
        source = next(found, "") if depth else ""
        yield Submodule(top + path, sha, source)
        if source:
            yield from _below(source, sha, f"{top}{path}/", recorded, absent, depth - 1)


def lost(root: str, path: str, shas: Collection[str]) -> set[str] | None:
    """Which commits of a submodule are on this machine no more; None when it is not there at all.

    Raises:
        GitError: git cannot be started.
    """
    name = _names(root, "HEAD").get(path, "")
    there = [*_places(root, path, name)] if _is_inside(path) else []
    return set(shas).difference(*(_present(place, shas) for place in there)) if there else None


def _places(place: str, path: str, name: str = "") -> Iterator[str]:
    """The repositories on this machine that may be a submodule.

    Args:
        place: a work tree or git folder.
        path: of the submodule in it.
        name: of the submodule, by which git keeps it.
    """
    checked_out = os.path.join(place, path)
    if os.path.lexists(os.path.join(checked_out, ".git")):
        yield checked_out
    own = git_folders(place)[0] if git_folder(place) != place else place
    for folder in dict.fromkeys((own, git_folder(place))):
        for word in filter(_is_inside, (path, name)):
            kept = os.path.join(folder, "modules", word)
            if os.path.isdir(os.path.join(kept, "objects")):
                yield kept


def git_folder(place: str) -> str:
    """The folder with the objects and refs of a work tree; a git folder is its own."""
    return git_folders(place)[1] if os.path.lexists(os.path.join(place, ".git")) else place


def is_whole(place: str) -> bool:
    """Whether a repository has its whole history, with all contents."""
    folder = git_folder(place)
    packs = os.path.join(folder, "objects", "pack")
    names = os.listdir(packs) if os.path.isdir(packs) else []
    partial = any(name.endswith(".promisor") for name in names)
    return not partial and not os.path.exists(os.path.join(folder, "shallow"))


def _names(place: str, commit: str) -> dict[str, str]:
    """Path to name of submodules, as a commit's .gitmodules has them."""
    words = ("config", "--blob", f"{commit}:.gitmodules", "-z", "--get-regexp")
    answer = _ask(place, *words, r"^submodule\..*\.path$")
    pairs = (entry.partition("\n") for entry in os.fsdecode(answer.out).split("\0"))
    return {path: key[len("submodule.") : -len(".path")] for key, _, path in pairs}


def _present(place: str, shas: Collection[str]) -> set[str]:
    lines = "".join(f"{sha}\n" for sha in shas).encode()
    answer = _ask(place, "cat-file", "--batch-check", data=lines)
    entries = (line.split() for line in os.fsdecode(answer.out).splitlines())
    return {entry[0] for entry in entries if entry[1:2] == ["commit"]}


def _is_inside(path: str) -> bool:
    parts = path.split("/")
    return bool(path) and not os.path.isabs(path) and os.pardir not in parts and "\0" not in path


def _ask(place: str, *arguments: str, data: bytes = b"") -> Answer:
    question = Question(git_folder(place), arguments, data, _NO_WORK_TREE)
    return _commits._ask([question], _commits.SECONDS)[0]
