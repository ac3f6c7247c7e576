"""Bring recorded code back: a work tree or a clone of a commit, with its submodules.

Of the user's repository nothing changes but ``.git/worktrees`` (and objects, when code is
fetched): no branch, no index, no HEAD, no reflog, no stash. No hook runs, and nothing is asked
over the network unless fetching is asked for.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import _commits, _commits_submodules, _git
from ._commits import is_sha
from ._commits_submodules import Submodule, git_folder, is_whole
from ._git_calls import Question, git_folders, shown
from .errors import GitError, SettingError

__all__ = [
    "Code",
    "Sibling",
    "changed",
    "fetch",
    "make",
    "missing",
    "removal",
    "remove",
    "sibling",
    "submodules",
]

SECONDS = 3600.0
"""How long git may take to write a work tree."""
_TRIES = 20
_LOCAL = {"GIT_ALLOW_PROTOCOL": "file"}
_NETWORK = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh", "GIT_NO_LAZY_FETCH": "0"}
_REFS = "refs/meticulous/"
_FETCH = (
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false"),
    *("fetch", "--no-tags", "--quiet", "--no-recurse-submodules"),
)


class Code(NamedTuple):
    """The code that an experiment ran.

    Attributes:
        sha: the commit that holds it.
        base: with `patch`, the commit that the patch turns into the code; empty otherwise.
        patch: what is applied to `base`, empty when `sha` itself is taken.
        submodules: path to commit, as recorded, for those that were there.
        absent: the submodules that were not there.
    """

    sha: str
    base: str = ""
    patch: bytes = b""
    submodules: Mapping[str, str] = {}
    absent: frozenset[str] = frozenset()

    @property
    def commit(self) -> str:
        """What is checked out."""
        return self.base or self.sha


def missing(root: str, code: Code) -> list[str]:
    """Tell what of the code the repository lacks, in words; empty when all is there.

    Raises:
        GitError: git fails.
    """
    commit = code.commit
    if commit not in _commits.known(root, [commit]).trees:
        return [f"commit {commit}"]
    return [
        f"submodule {shown(each.path)} at {each.sha}"
        for each in submodules(root, code)
        if not each.source
    ]


def fetch(root: str, code: Code) -> None:
    """Get what is missing from the remotes, also of submodules that are there, and pin it.

    No branch, remote-tracking branch or FETCH_HEAD changes. What is on no remote stays missing.

    Raises:
        GitError: git fails.
    """
    _fetch(root, code.commit)
    if code.commit not in _commits.known(root, [code.commit]).trees:
        return
    before: list[Submodule] = []
    lacking = [each for each in submodules(root, code) if not each.source]
    while lacking != before:  # what is in a submodule is known when that one is there
        for each in lacking:
            place = os.path.join(root, each.path)
            if os.path.lexists(os.path.join(place, ".git")):
                _fetch(place, each.sha)
        before, lacking = lacking, [each for each in submodules(root, code) if not each.source]


def _fetch(root: str, commit: str) -> None:
    options = (*_FETCH, "--no-write-fetch-head", "--refmap=")
    remotes = _text(_do(root, "remote")).split()
    for remote in sorted(remotes, key=lambda name: name != "origin"):
        for wanted in (f"{_REFS}{commit}:{_REFS}{commit}", commit):
            if commit in _commits.known(root, [commit]).trees:
                _commits.pin(root, [commit])
                return
            question = Question(root, (*options, remote, wanted), variables=_NETWORK)
            _commits._ask([question], SECONDS)
    if commit in _commits.known(root, [commit]).trees:
        _commits.pin(root, [commit])


def make(
    root: str, code: Code, directory: str, *, clone: bool = False, fetch: bool = False
) -> None:
    """Write the code into a new directory; what was begun is taken away when it fails.

    Args:
        root: the top of the user's work tree.
        code: what to write; see `missing`.
        directory: absolute path; must not exist, or be empty.
        clone: an independent repository instead of a work tree of the same one.
        fetch: get contents that a partial clone lacks from its remote.

    Raises:
        SettingError: the directory holds something.
        GitError: git fails, or does not have the code.
    """
    existed = _claim(root, directory)
    done = False
    try:
        if clone:
            _clone(root, code.commit, directory)
        else:
            # All of the commit, though the user's own work tree may be a sparse one.
            words = ("add", "--force", "--detach", "--quiet", directory, code.commit)
            network = _NETWORK if fetch else {}
            _worktree(root, *words, settings=("-c", "core.sparseCheckout=false"), variables=network)
        _add_submodules(root, code, directory)
        if code.patch:
            apply = ("apply", "--whitespace=nowarn", "-")
            _commits._ask([Question(directory, apply, code.patch)], SECONDS)[0].must()
        done = True
    except GitError as error:
        if "already exists" in error.message:  # somebody put something there just now
            done = True
            with contextlib.suppress(OSError):
                os.rmdir(directory)
            _must_be_free(root, directory)
        if "promisor remote" not in error.message:
            raise
        hint = "The clone is partial: --fetch gets what it lacks."
        raise GitError(error.message, hint, reason=error.reason) from None
    finally:
        if not done:
            _undo(root, directory, clone, existed)


def _claim(root: str, directory: str) -> bool:
    """Make a directory that nobody else may have made meanwhile; whether an empty one was there.

    Raises:
        SettingError: it is no empty directory, or within git's own.
        GitError: it cannot be made.
    """
    _, common = git_folders(root)
    if f"{os.path.realpath(directory)}{os.sep}".startswith(
        os.path.join(os.path.realpath(common), "")
    ):
        text = f"{shown(directory)} is within git's own folder."
        raise SettingError(text, "Name another directory.", value=directory)
    if _must_be_free(root, directory):
        return True
    try:
        os.makedirs(os.path.dirname(directory), exist_ok=True)
        os.mkdir(directory)
    except FileExistsError:
        _must_be_free(root, directory)
        text = f"{shown(directory)} was just made by somebody else."
        raise SettingError(text, "Name another directory.", value=directory) from None
    except OSError as error:
        raise GitError(f"Cannot make {shown(directory)}: {error.strerror}.") from error
    return False


def _must_be_free(root: str, directory: str) -> bool:
    """Whether the directory exists already.

    Raises:
        SettingError: it is no empty directory.
    """
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        if not os.path.islink(directory):
            return False
        names = [""]
    except OSError:
        names = [""]
    if not names:
        return True
    hint = "Name another directory."
    if os.path.isfile(os.path.join(directory, ".git")):
        own, common = git_folders(directory)
        users, users_common = git_folders(root)
        if own not in (common, users) and common == users_common:
            # Without --force, which would take along what somebody has changed there.
            command = shlex.join(["git", "-C", root, "worktree", "remove", directory])
            hint = f"Name another directory, or remove that work tree: {shown(command)}"
    text = f"{shown(directory)} exists and is not empty; nothing in it is changed."
    raise SettingError(text, hint, value=directory)


def removal(root: str, directory: str) -> list[str]:
    """The command that takes a work tree away, with all that is in it."""
    return ["git", "-C", root, "worktree", "remove", "--force", directory]


def _undo(root: str, directory: str, clone: bool, existed: bool) -> None:
    try:
        if not clone:
            _worktree(root, "remove", "--force", directory)
    except GitError:
        pass  # it was not made
    shutil.rmtree(directory, ignore_errors=True)
    if existed:
        os.makedirs(directory, exist_ok=True)


def remove(root: str, directory: str) -> None:
    """Take a work tree away, with all that is in it.

    Raises:
        GitError: git fails.
    """
    _worktree(root, "remove", "--force", directory)


def changed(directory: str) -> dict[str, tuple[int, int]]:
    """The paths in a work tree that are not as in its commit, ignored ones included, with time and
    size; what Python compiles for itself does not count.

    Raises:
        GitError: git fails.
    """
    options = ("--porcelain", "-z", "--untracked-files=all", "--ignored=traditional")
    entries = _text(_do(directory, "status", *options, "--ignore-submodules=none")).split("\0")
    found = {}
    for path in (entry[3:].rstrip("/") for entry in entries):
        if path and not _is_compiled(path):
            try:
                facts = os.lstat(os.path.join(directory, path))
                found[path] = facts.st_mtime_ns, facts.st_size
            except OSError:  # removed
                found[path] = 0, 0
    return found


def _is_compiled(path: str) -> bool:
    return path.endswith((".pyc", ".pyo")) or "__pycache__" in path.split("/")


def _clone(source: str, commit: str, directory: str) -> None:
    """Clone with all objects, since no branch may lead to the commit; of a repository that has
    not all of them, take the commit alone.

    Raises:
        GitError: git fails.
    """
    parent = os.path.dirname(directory)
    try:
        os.makedirs(parent, exist_ok=True)
    except OSError as error:
        raise GitError(f"Cannot make {shown(parent)}: {error.strerror}.") from error
    if is_whole(source):
        # Without --local, which fails where the other place is another file system.
        words: tuple[str, ...] = (
            "clone",
            "--no-checkout",
            "--quiet",
            "--no-recurse-submodules",
        )
        question = Question(parent, (*words, "--", source, directory), variables=_LOCAL)
    else:
        _do(parent, "init", "--quiet", "--", directory)
        words = (*_FETCH, "--depth=1", "--no-write-fetch-head", "--", git_folder(source), commit)
        question = Question(directory, words, variables=_LOCAL)
    answer = _commits._ask([question], SECONDS)[0]
    if answer.code and not is_whole(source):
        text = f"{shown(source)} is a partial clone, and lacks contents of {commit}."
        raise GitError(text, "Make a work tree, with --fetch and without --clone.")
    answer.must()
    _do(directory, "checkout", "--quiet", "--detach", commit)
    _do(directory, "update-ref", f"{_REFS}{commit}", commit)


def submodules(root: str, code: Code) -> list[Submodule]:
    """The submodules of the code, and where each can be had on this machine.

    Raises:
        GitError: git fails.
    """
    return [*_commits_submodules.submodules(root, code.commit, code.submodules, code.absent)]


def _add_submodules(root: str, code: Code, directory: str) -> None:
    for each in submodules(root, code):
        if not each.source:
            raise GitError(f"The submodule {shown(each.path)} at {each.sha} is not in {root}.")
        inside = os.path.join(directory, each.path)
        if not os.path.realpath(inside).startswith(os.path.join(os.path.realpath(directory), "")):
            raise GitError(f"The submodule {shown(each.path)} leads out of its repository.")
        _clone(each.source, each.sha, inside)


class Sibling(NamedTuple):
    """Another repository that code came from: then, and now.

    Attributes:
        name: of its top folder.
        sha: the commit that it had, empty when that is not known.
        then: whether it had changes.
        path: where it is now, empty when it was not found.
        now: the commit that it has now.
        dirty: whether it has changes now.
    """

    name: str
    sha: str
    then: bool
    path: str
    now: str
    dirty: bool

    @property
    def same(self) -> bool:
        """Whether its code is the same for sure."""
        return bool(self.sha) and self.sha == self.now and not (self.then or self.dirty)


def sibling(root: str, entry: dict[str, Any], places: list[str]) -> Sibling:
    """Look what a recorded sibling repository is now.

    Args:
        root: the repository that it is another one of.
        entry: of the record.
        places: directories that may be in it.
    """
    name, recorded = str(entry.get("name")), entry.get("sha")
    sha = str(recorded) if is_sha(recorded) else ""
    then = bool(entry.get("dirty"))
    for place in places:
        top = _git.find_root(place) if os.path.isdir(place) else None
        if top and top != root and os.path.basename(top) == name:
            code = _git.look(top, time_limit=_commits.SECONDS)
            dirty = bool(code.facts.get("dirty"))
            return Sibling(name, sha, then, top, code.sha or "", dirty)
    return Sibling(name, sha, then, "", "", False)


def _do(folder: str, *arguments: str) -> bytes:
    return _commits._ask([Question(folder, arguments)], SECONDS)[0].must()


def _text(data: bytes) -> str:
    return os.fsdecode(data)


def _worktree(
    root: str,
    *arguments: str,
    settings: tuple[str, ...] = (),
    variables: Mapping[str, str] | None = None,
) -> None:
    """Ask ``git worktree``, again while another process is just making one.

    Git reads the entries of all work trees, and fails at one that is half written.
    """
    question = Question(root, (*settings, "worktree", *arguments), variables=variables or {})
    for last in (*[False] * _TRIES, True):
        try:
            _commits._ask([question], SECONDS)[0].must()
            return
        except GitError as error:
            if last or f"{os.sep}worktrees{os.sep}" not in error.message:
                raise
        time.sleep(0.05)
