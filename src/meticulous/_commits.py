"""What a repository still knows of the commits that experiments ran: asked later, for many at once.

Git is only read, but for `pin`. Ids of commits come from files that anybody may have written: only
whole hexadecimal ones ever reach git.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from ._git import find_root
from ._git_calls import Answer, Question, ask, shown
from .errors import GitError

__all__ = [
    "Change",
    "Known",
    "between",
    "changes",
    "find",
    "head",
    "is_sha",
    "known",
    "patch",
    "pin",
]

SECONDS = 60.0
"""How long git may take for one answer."""
MAX_COMMITS = 200
MAX_PATCHED = 500
MAX_BLOB = 1_000_000
MAX_PATCH = 4_000_000
MAX_CORRUPT = 20

_SHA = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REFS = "refs/meticulous/"
_TRIES = 3
# Neither programs of the user's nor of the repository's run, whatever its attributes say.
_DIFF = ("diff-tree", "-r", "-M", "-l200", "--no-ext-diff", "--no-textconv", "--no-color")
_MODULES = ("--ignore-submodules=none", "--submodule=short")
_LOG = ("log", "--no-show-signature", "--no-decorate", "--no-color", "--encoding=UTF-8", "-z")


def is_sha(value: Any) -> bool:
    """Whether a value from a record is the whole id of a commit."""
    return isinstance(value, str) and _SHA.fullmatch(value) is not None


def find(*directories: str) -> str:
    """Find the repository that holds one of the directories, the first one first.

    Raises:
        GitError: none is in a repository.
    """
    given = list(filter(None, directories))
    for directory in given:
        root = find_root(directory)
        if root:
            return root
    hint = "Name the project with --project-directory."
    text = f"{shown(given[0]) if given else 'The store'} is not in a git repository."
    raise GitError(text, hint, reason="no-repository")


def head(root: str, seconds: float = SECONDS) -> str:
    """Give the commit that is checked out now.

    Raises:
        GitError: there is none, or git is absent, fails or takes too long.
    """
    question = Question(root, ("rev-parse", "--verify", "HEAD^{commit}"))
    sha = _text(_ask([question], seconds)[0].must()).strip()
    _must_be_shas(sha)
    return sha


class Known(NamedTuple):
    """What a repository knows of commits.

    Attributes:
        trees: for each commit that is there, with its tree, the id of that tree.
        pinned: the commits that a ref under ``refs/meticulous/`` keeps.
    """

    trees: dict[str, str]
    pinned: frozenset[str]


def known(root: str, shas: Iterable[str], seconds: float = SECONDS) -> Known:
    """Tell which commits a repository still has; two calls of git, however many there are
    (and one more for each corrupt object).

    Args:
        root: the top of the work tree.
        shas: ids of commits; those that are not whole are passed over.
        seconds: how long git may take.

    Raises:
        GitError: git is absent, fails or takes too long.
    """
    wanted = list(dict.fromkeys(sha for sha in shas if is_sha(sha)))
    refs = Question(root, ("for-each-ref", "--format=%(refname) %(objectname)", _REFS))
    found, listed = _ask([_objects(root, wanted), refs], seconds)
    trees: dict[str, str] = {}
    for _ in range(MAX_CORRUPT):
        answers = [line.split() for line in _text(found.out).splitlines()]
        for sha, commit, tree in zip(wanted, answers[0::2], answers[1::2], strict=False):
            # A tag has a commit, too: what was recorded is the commit itself.
            if commit[:2] == [sha, "commit"] and tree[1:2] == ["tree"]:
                trees[sha] = tree[0]
        if found.code == 0 or "corrupt" not in found.error:
            break
        wanted = wanted[len(answers) // 2 + 1 :]  # git ends at a corrupt object: go on after it
        found = _ask([_objects(root, wanted)], seconds)[0]
    found.must()
    pairs = (line.split(" ") for line in _text(listed.must()).splitlines())
    pinned = frozenset(sha for ref, sha in pairs if ref == _REFS + sha)
    return Known(trees, pinned)


def _objects(root: str, shas: Iterable[str]) -> Question:
    lines = "".join(f"{sha}^{{commit}}\n{sha}^{{tree}}\n" for sha in shas)
    return Question(root, ("cat-file", "--batch-check"), lines.encode() or b"\n")


class Between(NamedTuple):
    """The commits that lead from one commit to another, as lists of ``(sha, subject)``.

    Attributes:
        added: those that only the second one has, newest first.
        removed: those that only the first one has.
        more: whether there are more than are listed.
        base: the newest commit that both have; None when they share none.
    """

    added: list[tuple[str, str]]
    removed: list[tuple[str, str]]
    more: bool
    base: str | None


def between(root: str, first: str, second: str, seconds: float = SECONDS) -> Between:
    """List the commits between two, at most `MAX_COMMITS` on either side.

    Raises:
        GitError: git fails, takes too long, or has not both commits.
    """
    _must_be_shas(first, second)
    count = f"--max-count={MAX_COMMITS + 1}"
    log = (*_LOG, count, "--format=%H %s")
    answers = _ask(
        [
            Question(root, (*log, f"{first}..{second}", "--")),
            Question(root, (*log, f"{second}..{first}", "--")),
            Question(root, ("merge-base", first, second)),
        ],
        seconds,
    )
    sides = []
    for answer in answers[:2]:
        entries = [entry for entry in _text(answer.must()).split("\0") if entry]
        sides.append([(entry[: len(first)], entry[len(first) + 1 :]) for entry in entries])
    base = _text(answers[2].out).strip()
    more = any(len(side) > MAX_COMMITS for side in sides)
    added, removed = (side[:MAX_COMMITS] for side in sides)
    return Between(added, removed, more, base if is_sha(base) else None)


class Change(NamedTuple):
    """How one file differs; `added` and `removed` count lines and are None of a binary file.

    `old` is the path that it had before, empty when that is the same.
    """

    path: str
    old: str
    added: int | None
    removed: int | None


def changes(root: str, first: str, second: str, seconds: float = SECONDS) -> list[Change]:
    """List the files that differ between two commits.

    Raises:
        GitError: git fails, takes too long, or has not both commits.
    """
    _must_be_shas(first, second)
    question = Question(
        root, (*_big_files(), *_DIFF, *_MODULES, "--numstat", "-z", first, second, "--")
    )
    parts = iter(_text(_ask([question], seconds)[0].must()).split("\0"))
    found = []
    for part in parts:
        added, _, rest = part.partition("\t")
        removed, tab, path = rest.partition("\t")
        if not tab:
            continue
        old = ""
        if not path:  # renamed: both paths follow
            old, path = next(parts, ""), next(parts, "")
        numbers = (int(text) if text.isdigit() else None for text in (added, removed))
        found.append(Change(path, old, *numbers))
    return found


def patch(
    root: str, first: str, second: str, files: Collection[Change], seconds: float = SECONDS
) -> tuple[str, bool]:
    """Give the difference between two commits as text, and whether all of it.

    Of at most `MAX_PATCHED` files, `MAX_PATCH` characters; contents of more than `MAX_BLOB` bytes
    count as binary.

    Args:
        root: the top of the work tree.
        first: the commit that the difference starts from.
        second: the commit that it leads to.
        files: what `changes` gave for them.
        seconds: how long git may take.

    Raises:
        GitError: git fails, takes too long, or has not both commits.
    """
    _must_be_shas(first, second)
    some = list(files)[:MAX_PATCHED]
    paths = [path for change in some for path in (change.path, change.old) if path]
    if not paths:
        return "", True
    arguments = (*_big_files(), *_DIFF, *_MODULES, "-p", first, second, "--", *paths)
    # Paths that are no text stand here with their bytes.
    text = _text(_ask([Question(root, arguments)], seconds)[0].must())
    whole = len(some) == len(files) and len(text) <= MAX_PATCH
    if len(text) > MAX_PATCH:
        text = text[: text.rfind("\n", 0, MAX_PATCH) + 1]
    return text, whole


def pin(root: str, shas: Iterable[str], seconds: float = SECONDS) -> int:
    """Keep commits from git's garbage collection by refs, named as recording names them.

    The refs are made in one transaction; nothing else in the repository changes. Others may pin
    the same commits meanwhile.

    Returns:
        How many were pinned now.

    Raises:
        GitError: a commit is not pinned.
    """
    wanted = list(dict.fromkeys(shas))
    _must_be_shas(*wanted)
    for attempt in range(_TRIES):
        there = known(root, wanted, seconds)
        missing = [sha for sha in wanted if sha in there.trees and sha not in there.pinned]
        if not missing:
            return 0
        lines = "".join(f"create {_REFS}{sha} {sha}\n" for sha in missing)
        answer = _ask([Question(root, ("update-ref", "--stdin"), lines.encode())], seconds)[0]
        try:
            answer.must()
            return len(missing)
        except GitError:
            if attempt == _TRIES - 1:
                raise
        time.sleep(0.1)  # another process holds a lock, or was first
    return 0


def _must_be_shas(*values: str) -> None:
    for value in values:
        if not is_sha(value):
            raise GitError(f"{shown(str(value))[:80]!r} is not the id of a commit.")


def _big_files() -> tuple[str, str]:
    """Git reads larger files in pieces and calls them binary: bounded memory, bounded text."""
    return "-c", f"core.bigFileThreshold={MAX_BLOB}"


def _ask(questions: list[Question], seconds: float) -> list[Answer]:
    """Ask; the ways on that an error names are those of reading, not of recording.

    Raises:
        GitError: git cannot be started.
    """
    try:
        return [_Reading(*answer) for answer in ask(questions, time.monotonic() + seconds)]
    except GitError as error:
        raise GitError(error.message, _HINTS.get(error.reason, ""), reason=error.reason) from None


_HINTS = {
    "no-git": "Install git or put it on PATH.",
    "unsafe": "Trust it with 'git config --global --add safe.directory DIRECTORY'.",
}


class _Reading(Answer):
    """An answer whose failure does not advise on recording."""

    def failure(self) -> GitError:
        error = super().failure()
        hint = _HINTS.get(error.reason, "")
        if "promisor remote" in self.error:
            hint = "The clone is partial: 'git fetch --refetch --no-filter' gets what it lacks."
        return GitError(error.message, hint, reason=error.reason)


def _text(data: bytes) -> str:
    return os.fsdecode(data)
