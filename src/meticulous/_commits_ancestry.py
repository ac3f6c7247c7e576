"""Which commits contain another one, and which version of a file each has: few calls for many."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from . import _commits
from ._commits import is_sha
from ._git_calls import Question, shown
from .errors import SettingError

__all__ = ["beyond", "containing", "contents", "leading", "resolve", "versions"]

SECONDS = 600.0
_FORMAT = "--format=%H %P%n%at %ae%n%s"


def resolve(root: str, text: str) -> str:
    """Give the id of the commit that a branch, tag or short id means; empty when there is none.

    Raises:
        GitError: git fails.
    """
    if not text or text.startswith("-") or "\0" in text:
        return ""
    words = ("rev-parse", "--verify", "--quiet", f"{text}^{{commit}}")
    answer = _commits._ask([Question(root, words)], _commits.SECONDS)[0]
    sha = os.fsdecode(answer.out).strip()
    return sha if answer.code == 0 and is_sha(sha) else ""


def containing(root: str, commit: str, shas: Iterable[str]) -> dict[str, str]:
    """Tell which commits contain another one, or a rewritten one: one call of git.

    A commit that was rebased, picked or amended keeps its author, the time when it was written,
    and usually its subject: those that share all three are taken for the same one.

    Args:
        root: the top of the work tree.
        commit: id of the commit that is looked for.
        shas: ids of commits that the repository has.

    Returns:
        For each that contains it the commit by which it does: `commit`, or the rewritten one.

    Raises:
        GitError: git fails, takes too long, or lacks a commit.
    """
    wanted = [sha for sha in dict.fromkeys(shas) if is_sha(sha)]
    text = "".join(f"{sha}\n" for sha in (commit, *wanted))
    words = (*_commits._LOG, "--topo-order", "--reverse", _FORMAT, "--stdin")
    answer = _commits._ask([Question(root, words, text.encode())], SECONDS)[0]
    parents: dict[str, list[str]] = {}
    written: dict[str, tuple[str, ...]] = {}
    for entry in os.fsdecode(answer.must()).split("\0"):
        first, *rest = entry.split("\n")
        sha, *before = first.split(" ")
        if is_sha(sha):
            parents[sha] = before
            written[sha] = tuple(rest)
    before_it = _ancestors(parents, commit)
    by: dict[str, str] = {}
    for sha, before in parents.items():  # parents come first
        ways = [by[parent] for parent in before if parent in by]
        if sha == commit or commit in ways:
            by[sha] = commit
        elif written[sha] == written.get(commit) and sha not in before_it:
            by[sha] = sha
        elif ways:
            by[sha] = ways[0]
    return {sha: by[sha] for sha in wanted if sha in by}


def _ancestors(parents: dict[str, list[str]], commit: str) -> set[str]:
    found: set[str] = set()
    waiting = [commit]
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


def beyond(root: str, shas: Iterable[str], since: str) -> list[str]:
    """Give those commits that another one does not contain.

    Raises:
        GitError: git fails, takes too long, or lacks a commit.
    """
    wanted = [sha for sha in dict.fromkeys(shas) if is_sha(sha)]
    found = leading(root, wanted, since)
    return [sha for sha in wanted if sha in found]


def leading(root: str, shas: Iterable[str], since: str = "") -> set[str]:
    """Give all commits that lead to some, but not to another one.

    Raises:
        GitError: git fails, takes too long, or lacks a commit.
    """
    text = "".join(f"{sha}\n" for sha in (*shas, *([f"^{since}"] if since else [])))
    question = Question(root, ("rev-list", "--stdin"), text.encode())
    return set(os.fsdecode(_commits._ask([question], SECONDS)[0].must()).split())


def versions(root: str, path: str, shas: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Tell which version of a file or folder commits have: one call of git.

    Args:
        root: the top of the work tree.
        path: relative to it, with ``/``.
        shas: ids of commits.

    Returns:
        For each commit that has it the id of its content, and its size, 0 of a folder.

    Raises:
        SettingError: git cannot be asked for the path.
        GitError: git fails or takes too long.
    """
    if "\n" in path or "\0" in path:
        raise SettingError(f"{shown(path)!r} is no path that git can be asked for.", value=path)
    wanted = [sha for sha in dict.fromkeys(shas) if is_sha(sha)]
    if not wanted:
        return {}
    lines = os.fsencode("".join(f"{sha}:{path}\n" for sha in wanted))
    question = Question(root, ("cat-file", "--batch-check"), lines)
    found = {}
    answer = os.fsdecode(_commits._ask([question], SECONDS)[0].must())
    for sha, line in zip(wanted, answer.splitlines(), strict=False):
        name, *rest = line.split(" ")
        if is_sha(name) and len(rest) == 2 and rest[1].isdigit():
            found[sha] = (name, int(rest[1]) if rest[0] == "blob" else 0)
    return found


def contents(root: str, blobs: Sequence[str]) -> dict[str, bytes]:
    """Read contents by their ids: one call of git. Those that are missing are left out.

    Raises:
        GitError: git fails or takes too long.
    """
    wanted = [blob for blob in dict.fromkeys(blobs) if is_sha(blob)]
    if not wanted:
        return {}
    lines = "".join(f"{blob}\n" for blob in wanted).encode()
    data = _commits._ask([Question(root, ("cat-file", "--batch"), lines)], SECONDS)[0].must()
    found, place = {}, 0
    while place < len(data):
        end = data.index(b"\n", place)
        name, *rest = data[place:end].decode("ascii", "replace").split(" ")
        place = end + 1
        if len(rest) == 2 and rest[1].isdigit():
            size = int(rest[1])
            found[name] = data[place : place + size]
            place += size + 1
    return found
