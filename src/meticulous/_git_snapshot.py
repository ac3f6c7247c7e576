"""Keep code in the repository: snapshots as commits that no branch knows, and refs that pin.

The only writing that meticulous does in a user's repository: objects, and refs under
``refs/meticulous/``. A snapshot is built in a copy of the index, so that HEAD, index, branches,
reflogs, stash, configuration and work tree stay as they are.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ._git_calls import (
    Answer,
    Question,
    ask,
    environment_of,
    first_line,
    git_folders,
    shown,
    trouble,
)
from ._git_look import Head
from .errors import GitError

MAX_FILE = 10_000_000
MAX_TOTAL = 100_000_000
MAX_FILES = 10_000
MAX_TRIES = 3
PIN_PATIENCE = 5.0
_LARGEST_PACKED = 1 << 22
_IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "meticulous"), ("EMAIL", "meticulous@localhost"))
}
_MESSAGE = b"Uncommitted changes, kept by meticulous\n"
_LISTS = (
    ("diff-files", "-z", "--name-only", "--ignore-submodules=dirty"),
    ("ls-files", "-z", "--others", "--exclude-standard"),
    ("ls-files", "-z", "-v"),
)
_PATCH = (
    "diff-tree",
    "--root",
    "--no-commit-id",
    "-p",
    "--binary",
    "--full-index",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=none",
)


def pin(root: str, sha: str, until: float) -> str:
    """Keep a commit from git's garbage collection by a ref of its own.

    Any number of processes may pin the same commit at once.

    Args:
        root: the top of the work tree.
        sha: the commit.
        until: the moment (`time.monotonic`) to give up.

    Returns:
        The name of the ref.

    Raises:
        GitError: the commit is not pinned.
    """
    ref = f"refs/meticulous/{sha}"
    common = git_folders(root)[1]
    path = os.path.join(common, *ref.split("/"))
    if not os.path.lexists(path) and _is_packed(common, f"{sha} {ref}\n"):
        return ref
    until = min(until, time.monotonic() + PIN_PATIENCE)
    while first_line(path) != sha:
        # Only create, never move: the ref's name is its value.
        create = Question(root, ("update-ref", ref, sha, "0" * len(sha)))
        verify = Question(root, ("rev-parse", "--verify", "--quiet", ref))
        answer = ask([create], until)[0]
        # Another process may have been first.
        if ask([verify], until)[0].out.strip() == sha.encode():
            break
        if "File exists" not in answer.error or time.monotonic() > until:
            raise answer.failure()
        time.sleep(0.02)  # another process holds the lock
    return ref


def _is_packed(folder: str, line: str) -> bool:
    """Whether git's collection of old refs has one; read from disk, as calls cost more."""
    try:
        with open(os.path.join(folder, "packed-refs"), "rb") as file:
            return line.encode() in file.read(_LARGEST_PACKED)
    except OSError:
        return False


class Snapshot(NamedTuple):
    """A commit of the work tree, its difference to HEAD, and what it lacks.

    `patch` is None when git cannot tell the difference, as in a clone without old contents.
    """

    sha: str
    patch: bytes | None
    skipped: list[dict[str, Any]]


def take(
    root: str,
    git_folder: str,
    head: Head,
    sources: Sequence[str],
    ignores: Callable[[str], bool],
    until: float,
) -> Snapshot:
    """Commit the work tree as it is, without touching it, the index or any branch.

    Taken are changed tracked files, `sources`, and untracked files that are not ignored, the
    small ones first, up to `MAX_FILE` bytes each and `MAX_TOTAL` together. Contents pass git's
    filters (line endings, LFS) as they do in ``git add``. The same state gives the same commit.
    It is not pinned yet; a crash leaves objects that git collects later.

    Args:
        root: the top of the work tree.
        git_folder: the folder that holds its index.
        head: the parent; an unborn one gives a root commit.
        sources: untracked files that are taken in any case.
        ignores: tells the paths that are never taken.
        until: the moment (`time.monotonic`) to give up.

    Raises:
        GitError: nothing was taken: no space, no permission, no time, a filter that fails.
    """
    import shutil
    import tempfile

    try:
        folder = tempfile.mkdtemp(prefix="meticulous-")
        try:
            index = _Index(root, os.path.join(folder, "index"), until)
            _copy_index(os.path.join(git_folder, "index"), index.path)
            skipped = _fill(index, sources, ignores)
            return _commit(index, head, skipped)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        text = f"A snapshot of {shown(root)} cannot be taken: {error.strerror}."
        raise trouble("failed", text) from error


class _Index(NamedTuple):
    """A copy of the index, and git calls that work on it."""

    root: str
    path: str
    until: float

    def question(self, *arguments: str, paths: Iterable[str] = (), **variables: str) -> Question:
        data = b"".join(os.fsencode(path) + b"\0" for path in paths)
        return Question(self.root, arguments, data, {"GIT_INDEX_FILE": self.path, **variables})

    def do(self, *arguments: str, paths: Iterable[str] = (), **variables: str) -> Answer:
        return ask([self.question(*arguments, paths=paths, **variables)], self.until)[0]

    def update(self, *options: str, paths: Sequence[str]) -> None:
        if paths:
            self.do("update-index", *options, "-z", "--stdin", paths=paths).must()


def _copy_index(source: str, target: str) -> None:
    """Copy with the time of change: git takes it to tell which files it must read again."""
    try:
        with open(source, "rb") as file:
            status, data = os.fstat(file.fileno()), file.read()
    except FileNotFoundError:
        return  # nothing was ever added
    with open(target, "wb") as file:
        file.write(data)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _fill(
    index: _Index, sources: Sequence[str], ignores: Callable[[str], bool]
) -> list[dict[str, Any]]:
    """Bring the copy of the index to the state of the work tree; returns what was left out.

    Files that change meanwhile are read again, so that the snapshot is of one state.
    """
    failure: GitError | None = None
    for _ in range(MAX_TRIES):
        lists = ask([index.question(*arguments) for arguments in _LISTS], index.until)
        changed, untracked, flagged = (_paths(answer) for answer in lists)
        changed += _watch(index, flagged)
        skipped = _Skipped([], index.root)
        chosen = [path for path in changed if not ignores(path) and skipped.usable(path)]
        chosen += sources
        chosen += _within_caps([path for path in untracked if not ignores(path)], skipped)
        try:
            _add(index, chosen)
            failure = None
        except GitError as error:
            # Most likely a file vanished or was closed to us between two looks.
            failure = error
            continue
        if not set(_paths(index.do(*_LISTS[0]))) & set(chosen):
            break
    if failure is not None:
        raise failure
    return skipped.found


def _paths(answer: Answer) -> list[str]:
    return os.fsdecode(answer.must()).split("\0")[:-1]


def _watch(index: _Index, flagged: list[str]) -> list[str]:
    """Make git look at files that it was told not to look at; returns those in place."""
    assumed = [entry[2:] for entry in flagged if entry[0].islower()]
    absent = [entry[2:] for entry in flagged if entry[0] in "Ss"]
    present = [path for path in absent if os.path.lexists(os.path.join(index.root, path))]
    index.update("--no-assume-unchanged", paths=assumed)
    index.update("--no-skip-worktree", paths=present)
    return [path for path in assumed if path not in absent] + present


class _Skipped(NamedTuple):
    """What a snapshot leaves out, and why."""

    found: list[dict[str, Any]]
    root: str

    def skip(self, path: str, size: int | None, reason: str) -> None:
        self.found.append({"path": path, "size": size, "reason": reason})

    def usable(self, path: str) -> bool:
        """Whether git can take a path: also one that is gone, but nothing that it cannot read."""
        full = os.path.join(self.root, path)
        try:
            status = os.lstat(full)
        except OSError:
            return True
        if stat.S_ISREG(status.st_mode) and not os.access(full, os.R_OK):
            self.skip(path, status.st_size, "unreadable")
        elif stat.S_IFMT(status.st_mode) not in (stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR):
            self.skip(path, None, "not a file")
        else:
            return True
        return False


def _within_caps(paths: list[str], skipped: _Skipped) -> list[str]:
    """Choose among untracked files, small ones first: code is small."""
    sized = []
    known: dict[str, str | None] = {}
    environments: dict[str, None] = {}
    for path in paths:
        if environment := environment_of(skipped.root, os.path.dirname(path), known):
            environments[environment] = None
        elif path.endswith("/"):
            skipped.skip(path.rstrip("/"), None, "another repository")
        elif skipped.usable(path):
            try:
                sized.append((os.lstat(os.path.join(skipped.root, path)).st_size, path))
            except OSError:
                continue  # it vanished
    for environment in environments:
        skipped.skip(environment, None, "installed packages")
    total = 0
    chosen: list[str] = []
    for size, path in sorted(sized):
        if size > MAX_FILE:
            skipped.skip(path, size, f"larger than {MAX_FILE} bytes")
        elif total + size > MAX_TOTAL:
            skipped.skip(path, size, f"more than {MAX_TOTAL} bytes together")
        elif len(chosen) == MAX_FILES:
            skipped.skip(path, size, f"more than {MAX_FILES} files")
        else:
            total += size
            chosen.append(path)
    return chosen


def _add(index: _Index, paths: list[str]) -> None:
    beyond: dict[str, bool] = {}
    gone = [
        path
        for path in paths
        if not os.path.lexists(os.path.join(index.root, path))
        or _beyond_link(index.root, os.path.dirname(path), beyond)
    ]
    there = set(paths).difference(gone)
    index.update("--force-remove", paths=gone)
    index.update("--add", "--remove", "--replace", paths=sorted(there))


def _beyond_link(root: str, folder: str, known: dict[str, bool]) -> bool:
    """Whether a folder, to git, is no longer there since a symbolic link took its place."""
    if not folder:
        return False
    if folder not in known:
        known[folder] = os.path.islink(os.path.join(root, folder)) or _beyond_link(
            root, os.path.dirname(folder), known
        )
    return known[folder]


def _commit(index: _Index, head: Head, skipped: list[dict[str, Any]]) -> Snapshot:
    tree = _object(index.do("write-tree"))
    parents = ("-p", head.sha) if head.sha else ()
    date = f"@{head.date}"
    question = index.question("commit-tree", *parents, tree, GIT_AUTHOR_DATE=date)
    question = question._replace(
        data=_MESSAGE, variables={**question.variables, **_IDENTITY, "GIT_COMMITTER_DATE": date}
    )
    sha = _object(ask([question], index.until)[0])
    patch = index.do(*_PATCH, sha)
    return Snapshot(sha, patch.out if patch.code == 0 else None, skipped)


def _object(answer: Answer) -> str:
    sha = answer.must().decode("ascii", "replace").strip()
    if not re.fullmatch("[0-9a-f]{40,}", sha):
        raise answer.failure()
    return sha
