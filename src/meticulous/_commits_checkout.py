"""Bring recorded code back: a work tree or a clone of a commit, with its submodules.

Of the user's repository nothing changes but ``.git/worktrees`` (and objects, when code is
fetched): no branch, no index, no HEAD, no reflog, no stash. No hook runs, and nothing is asked
over the network unless fetching is asked for.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import _commits, _git
from ._commits import is_sha
from ._git_calls import SUBMODULE, Question, git_folders, shown
from .errors import GitError, SettingError

__all__ = ["Code", "Sibling", "changed", "fetch", "make", "missing", "remove", "sibling"]

SECONDS = 3600.0
"""How long git may take to write a work tree."""
MAX_DEPTH = 5
_TRIES = 20
_LOCAL = {"GIT_ALLOW_PROTOCOL": "file"}
_NETWORK = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh", "GIT_NO_LAZY_FETCH": "0"}
_REFS = "refs/meticulous/"


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


class _Submodule(NamedTuple):
    path: str
    sha: str
    source: str  # a local repository that has the commit, empty without one


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
        for each in _submodules(root, commit, code)
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
    for each in _submodules(root, code.commit, code):
        place = os.path.join(root, each.path)
        if not each.source and os.path.lexists(os.path.join(place, ".git")):
            _fetch(place, each.sha)


def _fetch(root: str, commit: str) -> None:
    quiet = ("-c", "gc.auto=0", "-c", "maintenance.auto=false", "fetch", "--no-tags", "--quiet")
    options = (*quiet, "--no-write-fetch-head", "--no-recurse-submodules", "--refmap=")
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


def make(root: str, code: Code, directory: str, *, clone: bool = False) -> None:
    """Write the code into a new directory; what was begun is taken away when it fails.

    Args:
        root: the top of the user's work tree.
        code: what to write; see `missing`.
        directory: absolute path; must not exist, or be empty.
        clone: an independent repository instead of a work tree of the same one.

    Raises:
        SettingError: the directory holds something.
        GitError: git fails, or does not have the code.
    """
    existed = _must_be_free(directory)
    done = False
    try:
        if clone:
            _clone(root, code.commit, directory)
        else:
            options = ("--force", "--detach", "--quiet")
            _worktree(root, "add", *options, directory, code.commit)
        _add_submodules(root, code.commit, code, directory, MAX_DEPTH)
        if code.patch:
            apply = ("apply", "--whitespace=nowarn", "-")
            _commits._ask([Question(directory, apply, code.patch)], SECONDS)[0].must()
        done = True
    finally:
        if not done:
            _undo(root, directory, clone, existed)


def _must_be_free(directory: str) -> bool:
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
    if names:
        raise SettingError(
            f"{shown(directory)} exists and is not empty; nothing in it is changed.",
            "Name another directory, or remove that one "
            f"('git worktree remove --force {shown(directory)}').",
            value=directory,
        )
    return True


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


def changed(directory: str) -> frozenset[str]:
    """The paths in a work tree that are not as in its commit, ignored ones included; what Python
    compiles for itself does not count.

    Raises:
        GitError: git fails.
    """
    options = ("--porcelain", "-z", "--untracked-files=all", "--ignored=traditional")
    entries = _text(_do(directory, "status", *options, "--ignore-submodules=none")).split("\0")
    paths = (entry[3:].rstrip("/") for entry in entries)
    return frozenset(path for path in paths if path and not _is_compiled(path))


def _is_compiled(path: str) -> bool:
    return path.endswith((".pyc", ".pyo")) or "__pycache__" in path.split("/")


def _clone(root: str, commit: str, directory: str) -> None:
    """Clone with all objects, since no branch may lead to the commit.

    Raises:
        GitError: git fails, or the repository is shallow.
    """
    if os.path.exists(os.path.join(git_folders(root)[1], "shallow")):
        raise GitError(
            f"{shown(root)} holds only part of its history, which cannot be cloned.",
            "Make a work tree of it, without --clone.",
        )
    parent = os.path.dirname(directory)
    try:
        os.makedirs(parent, exist_ok=True)
    except OSError as error:
        raise GitError(f"Cannot make {shown(parent)}: {error.strerror}.") from error
    words = ("clone", "--local", "--no-checkout", "--quiet", "--no-recurse-submodules")
    question = Question(parent, (*words, "--", root, directory), variables=_LOCAL)
    _commits._ask([question], SECONDS)[0].must()
    _do(directory, "checkout", "--quiet", "--detach", commit)
    _do(directory, "update-ref", f"{_REFS}{commit}", commit)


def _submodules(root: str, commit: str, code: Code) -> list[_Submodule]:
    """The submodules of a commit that were there, and where each can be had on this machine."""
    found = []
    for entry in _text(_do(root, "ls-tree", "-r", "-z", "--full-tree", commit)).split("\0"):
        facts, _, path = entry.partition("\t")
        if not facts.startswith(SUBMODULE) or path in code.absent or not _is_inside(path):
            continue
        sha = code.submodules.get(path) or facts.split()[2]
        found.append(_Submodule(path, sha, _source(root, path, sha)))
    return found


def _source(root: str, path: str, sha: str) -> str:
    modules = os.path.join(git_folders(root)[1], "modules", path)
    for place in (os.path.join(root, path), modules):
        is_own = os.path.lexists(os.path.join(place, ".git")) or place == modules
        if not is_own or not os.path.isdir(place):
            continue
        try:
            if sha in _commits.known(place, [sha]).trees:
                return place
        except GitError:
            continue
    return ""


def _is_inside(path: str) -> bool:
    return not os.path.isabs(path) and os.pardir not in path.split("/") and "\0" not in path


def _add_submodules(root: str, commit: str, code: Code, directory: str, depth: int) -> None:
    for each in _submodules(root, commit, code):
        if not each.source or not depth:
            raise GitError(
                f"The submodule {shown(each.path)} at {each.sha} is not in {shown(root)}.",
                "Run 'git submodule update --init' there, or fetch that commit in it.",
            )
        inside = os.path.join(directory, each.path)
        if not os.path.realpath(inside).startswith(os.path.join(os.path.realpath(directory), "")):
            raise GitError(f"The submodule {shown(each.path)} leads out of its repository.")
        _clone(each.source, each.sha, inside)
        top = f"{each.path}/"
        below = {p[len(top) :]: s for p, s in code.submodules.items() if p.startswith(top)}
        _add_submodules(each.source, each.sha, Code(each.sha, submodules=below), inside, depth - 1)


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


def sibling(entry: dict[str, Any], places: list[str]) -> Sibling:
    """Look what a recorded sibling repository is now.

    Args:
        entry: of the record.
        places: directories that may be in it.
    """
    name, recorded = str(entry.get("name")), entry.get("sha")
    sha = str(recorded) if is_sha(recorded) else ""
    then = bool(entry.get("dirty"))
    for place in places:
        top = _git.find_root(place) if os.path.isdir(place) else None
        if top and os.path.basename(top) == name:
            code = _git.look(top, time_limit=_commits.SECONDS)
            dirty = bool(code.facts.get("dirty"))
            return Sibling(name, sha, then, top, code.sha or "", dirty)
    return Sibling(name, sha, then, "", "", False)


def _do(folder: str, *arguments: str) -> bytes:
    return _commits._ask([Question(folder, arguments)], SECONDS)[0].must()


def _text(data: bytes) -> str:
    return os.fsdecode(data)


def _worktree(root: str, *arguments: str) -> None:
    """Ask ``git worktree``, again while another process is just making one.

    Git reads the entries of all work trees, and fails at one that is half written.
    """
    for last in (*[False] * _TRIES, True):
        try:
            _do(root, "worktree", *arguments)
            return
        except GitError as error:
            if last or f"{os.sep}worktrees{os.sep}" not in error.message:
                raise
        time.sleep(0.05)
