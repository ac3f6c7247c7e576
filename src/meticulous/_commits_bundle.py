"""Commits in a file, for a repository that never saw them; and pushed to a remote.

A bundle that is read is nobody's friend: only commits that are asked for arrive, only under
``refs/meticulous/``, every object is checked, and no hook and no other program runs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from . import _commits, _commits_ancestry, _git_calls
from ._commits import is_sha
from ._git_calls import Question, clean_url, shown
from .errors import GitError, SettingError

__all__ = ["Header", "header", "on_remote", "push", "read", "remotes", "write"]

SECONDS = 3600.0
_REFS = "refs/meticulous/"
_MANY = 1000
_LONGEST_LINE = 4096
_MOST_LINES = 1_000_000
# Old tools wrote commits and trees that are odd and harmless; all other findings refuse the file.
_HARMLESS = ("zeroPaddedFilemode", "missingSpaceBeforeDate", "badTimezone", "missingEmail")
_UNPACK = (
    "index-pack",
    "--stdin",
    "--fix-thin",
    f"--strict={','.join(f'{name}=ignore' for name in _HARMLESS)}",
)
_ELSEWHERE = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
)


def write(root: str, path: str, shas: Sequence[str], since: str = "") -> None:
    """Write commits with all that leads to them into a file, and pin them.

    Args:
        root: the top of the work tree.
        path: absolute path of the new file.
        shas: their ids.
        since: a commit that readers are supposed to have, with all that leads to it; none of
            `shas` may be among that.

    Raises:
        GitError: git fails or lacks a commit, or part of its history.
    """
    folder = _git_calls.git_folders(root)[1]
    try:
        with open(os.path.join(folder, "shallow"), encoding="ascii") as file:
            ends = set(file.read().split())
    except FileNotFoundError:
        ends = set()
    if ends.intersection(_commits_ancestry.leading(root, shas, since) if ends else ()):
        raise GitError(
            f"{shown(root)} is a shallow clone, and nobody could read what is taken from it.",
            "Run 'git fetch --unshallow' first; or name with --since a commit that the others "
            "have; or leave the code out, with --no-code.",
        )
    _commits.pin(root, shas)
    refs = [_REFS + sha for sha in shas]
    words = ("bundle", "create", "--quiet", path, *refs, *([f"^{since}"] if since else []))
    _commits._ask([Question(root, words)], SECONDS)[0].must()


class Header(NamedTuple):
    """What a bundle says of itself.

    Attributes:
        commits: those that it brings under the names that meticulous gives them.
        needs: commits that a repository must have to read it.
        start: where in the file the objects begin.
    """

    commits: frozenset[str]
    needs: list[str]
    start: int


def header(path: str) -> Header:
    """Read the first lines of a bundle.

    Raises:
        SettingError: it is no bundle.
        OSError: it cannot be read.
    """
    commits, needs = set(), []
    with open(path, "rb") as file:
        if file.readline(_LONGEST_LINE) not in (b"# v2 git bundle\n", b"# v3 git bundle\n"):
            raise SettingError("The code in it is no git bundle.", value=path)
        for _ in range(_MOST_LINES):
            line = file.readline(_LONGEST_LINE).decode("utf-8", "replace")
            if line in ("\n", ""):
                break
            word, _, rest = line.rstrip("\n").partition(" ")
            if line[0] == "-" and is_sha(word[1:]):
                needs.append(word[1:])
            elif is_sha(word) and rest == _REFS + word:
                commits.add(word)
        return Header(frozenset(commits), needs, file.tell())


def read(root: str, path: str, shas: Sequence[str]) -> list[str]:
    """Bring commits from a bundle into a repository, under ``refs/meticulous/``.

    Nothing else in the repository changes. A crash leaves at most objects that git collects.

    Args:
        root: the top of the work tree.
        path: absolute path of the bundle.
        shas: the commits that are wanted.

    Returns:
        Those that are neither in the bundle nor in the repository.

    Raises:
        GitError: git refuses it, or the repository lacks what it needs.
        SettingError: it is no bundle.
    """
    told = header(path)
    there = _commits.known(root, [*shas, *told.needs])
    lacking = [sha for sha in told.needs if sha not in there.trees]
    wanted = [sha for sha in shas if sha in told.commits and sha not in there.pinned]
    if wanted and lacking:
        raise GitError(
            f"{shown(root)} lacks {len(lacking)} of the commits that the code builds upon, such as "
            f"{lacking[0]}.",
            "Fetch them first, or ask for a bundle without --since.",
        )
    if wanted:
        _unpack(root, path, told.start)
    after = _commits.known(root, shas)
    _commits.pin(root, [sha for sha in shas if sha in after.trees])
    return [sha for sha in shas if sha not in after.trees]


def _unpack(root: str, path: str, start: int) -> None:
    """Add the objects of a bundle to a repository, each one checked, and that none is missing.

    Not by ``git fetch``, which believes a bundle.

    Raises:
        GitError: git refuses them; none was added.
    """
    import subprocess

    with open(path, "rb") as file:
        os.lseek(file.fileno(), start, os.SEEK_SET)
        try:
            done = subprocess.run(
                [*_git_calls._PROGRAM, "-c", "core.bigFileThreshold=32m", *_UNPACK],
                cwd=root,
                env=_git_calls._environment({}),
                stdin=file,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except OSError as error:
            raise GitError(f"Git cannot be started: {error.strerror}.", reason="no-git") from error
        except subprocess.TimeoutExpired as error:
            text = f"Git did not read the code within {SECONDS:g} s."
            raise GitError(text, reason="timeout") from error
    told = done.stderr.decode("utf-8", "replace")
    _commits._Reading(Question(root, _UNPACK), done.returncode, done.stdout, told).must()


def remotes(root: str) -> dict[str, str]:
    """The remotes of a repository: name to address, without credentials; that of the branch, or
    else origin, comes first.

    Raises:
        GitError: git fails.
    """
    answers = _commits._ask(
        [
            Question(root, ("config", "--get-regexp", r"^remote\..*\.url$")),
            Question(root, ("rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}")),
        ],
        _commits.SECONDS,
    )
    found = {}
    for line in os.fsdecode(answers[0].out).splitlines():
        key, _, url = line.partition(" ")
        found[key.removeprefix("remote.").removesuffix(".url")] = clean_url(url)
    upstream = os.fsdecode(answers[1].out).strip()
    first = [name for name in found if upstream.startswith(f"{name}/")] + ["origin"]
    order = sorted(found, key=lambda name: first.index(name) if name in first else len(first))
    return {name: found[name] for name in order}


def on_remote(root: str, remote: str) -> frozenset[str]:
    """Ask a remote which commits it keeps under ``refs/meticulous/``, by the user's own git.

    Raises:
        GitError: it cannot be reached; git has said why on standard error.
    """
    lines = os.fsdecode(_by_user(root, ["ls-remote", "--refs", "--", remote, f"{_REFS}*"], remote))
    pairs = (line.split("\t") for line in lines.splitlines() if "\t" in line)
    return frozenset(sha for sha, ref in pairs if ref == _REFS + sha)


def push(root: str, remote: str, shas: Sequence[str]) -> None:
    """Push commits to a remote, under ``refs/meticulous/``, by the user's own git: it may ask for
    a password, and shows on standard error how far it is. Nothing is forced and no hook runs.

    Raises:
        GitError: some are not pushed; git has said why on standard error.
    """
    options = ("--no-verify", "--no-follow-tags", "--recurse-submodules=no")
    for start in range(0, len(shas), _MANY):
        refs = [f"{sha}:{_REFS}{sha}" for sha in shas[start : start + _MANY]]
        _by_user(root, ["push", *options, "--", remote, *refs], remote)


def _by_user(root: str, words: Sequence[str], remote: str) -> bytes:
    import subprocess

    environment = {name: it for name, it in os.environ.items() if name not in _ELSEWHERE}
    command = ["git", "-C", root, "-c", f"core.hooksPath={os.devnull}", *words]
    try:
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
    except OSError as error:
        text = f"Git cannot be started: {error.strerror}."
        raise GitError(text, "Install git or put it on PATH.", reason="no-git") from error
    if done.returncode:
        raise GitError(
            f"'git {words[0]}' with {shown(clean_url(remote))} failed, for the reason above.",
            f"See whether 'git ls-remote {shown(clean_url(remote))}' works.",
        )
    return done.stdout
