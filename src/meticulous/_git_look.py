"""Look at a repository: its commit, what differs from it, its submodules, its neighbours."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from ._git_calls import Answer, Question, ask, below, clean_url, shown, trouble
from .errors import GitError

MAX_CHANGES = 1000
MAX_PATHSPECS = 40  # more of them cost git more than listing the whole index
PATIENCE = 2.0  # with a command of the user's that changes the repository
LOCK_AGE = 10.0
SUBMODULE = "160000"


class Head(NamedTuple):
    """HEAD's commit: its id, its committer's date as git writes it, its whole message."""

    sha: str | None = None
    date: str = "0 +0000"
    message: str | None = None


_HEAD = (
    "log",
    "-1",
    "-z",
    "--no-decorate",
    "--no-show-signature",
    "--encoding=UTF-8",
    "--date=raw",
    "--format=%H%x00%cd%x00%B",
)


def _parse_head(answer: Answer) -> Head:
    """Understand the answer to `_HEAD`.

    Raises:
        GitError: there is no commit, or it cannot be read.
    """
    sha, _, rest = answer.must().decode("utf-8", "replace").partition("\0")
    date, _, message = rest.partition("\0")
    if not re.fullmatch("[0-9a-f]{40,}", sha):
        raise answer.failure()
    return Head(sha, date, message.removesuffix("\0"))


# Exact renames only: near ones would read contents that a partial clone lacks.
_STATUS = (
    "status",
    "--porcelain=v2",
    "--branch",
    "-z",
    "--untracked-files=no",
    "--ignore-submodules=untracked",
    "--no-ahead-behind",
    "--find-renames=100%",
)


class Status(NamedTuple):
    """What `_STATUS` tells: HEAD's commit, the branch, the changed tracked files.

    `inside` names the submodules that have changed files themselves.
    """

    sha: str | None
    branch: str | None
    changes: list[dict[str, Any]]
    inside: list[str]


def _parse_status(answer: Answer) -> Status:
    """Understand the answer to `_STATUS`.

    Raises:
        GitError: git failed.
    """
    head: dict[str, str] = {}
    changes: list[dict[str, Any]] = []
    inside: list[str] = []
    parts = iter(os.fsdecode(answer.must()).split("\0"))
    for part in parts:
        if part.startswith("# "):
            name, _, value = part[2:].partition(" ")
            head[name] = value
        elif part[:2] in ("1 ", "2 ", "u "):
            changes.append(_change(part, parts))
            # "1 XY SCMU ...": S a submodule, C of another commit, M with changed files.
            if part[5] == "S" and part[7] == "M":
                inside.append(changes[-1]["path"])
    if "branch.oid" not in head:
        raise answer.failure()
    sha, branch = head["branch.oid"], head.get("branch.head")
    return Status(
        None if sha == "(initial)" else sha,
        None if branch in ("(detached)", "(unknown)") else branch,
        changes,
        inside,
    )


_STATES = {"A": "added", "D": "deleted", "R": "renamed", "C": "added", "T": "type-changed"}


def _change(part: str, parts: Iterator[str]) -> dict[str, Any]:
    kind = part[0]
    fields = part.split(" ", {"1": 8, "2": 9, "u": 10}[kind])
    change: dict[str, Any] = {"path": fields[-1], "state": "modified"}
    old = next(parts) if kind == "2" else None
    letters, submodule, in_head, in_index, in_tree = fields[1:6]
    if kind == "u":
        change["state"] = "unmerged"
    elif state := next((_STATES[letter] for letter in "DARCT" if letter in letters), None):
        change["state"] = state
        if state == "renamed":
            change["from"] = old
    elif submodule[0] == "S":
        change["state"] = "submodule"
    elif in_head != in_index or in_index != in_tree:
        change["state"] = "mode"
    return change


class File(NamedTuple):
    """What the index tells of a file; `unwatched`: git was told not to look for changes."""

    mode: str
    sha: str
    unwatched: bool


def _parse_files(answer: Answer) -> dict[str, File]:
    """Understand ``ls-files -v -s -z``.

    Raises:
        GitError: git failed.
    """
    files = {}
    for entry in os.fsdecode(answer.must()).split("\0"):
        facts, tab, path = entry.partition("\t")
        if tab:
            flag, mode, sha, _ = facts.split(" ")
            # Lower case: assumed unchanged; S: not checked out, which a file in place belies.
            files[path] = File(mode, sha, flag.islower() or flag == "S")
    return files


class Place(NamedTuple):
    """Where to look: the repository, and the sources of each repository that has some."""

    root: str
    git_folder: str
    ignore: str
    sources: dict[str, list[str]]

    def at(self, *parts: str) -> str:
        return os.path.join(self.root, *parts)

    def ignores(self, path: str) -> bool:
        return bool(self.ignore) and below(self.at(path), self.ignore) is not None


class State(NamedTuple):
    """What a look found.

    `changes` make the code dirty, `hidden` are those of them that git does not follow, `inside`
    the submodules with changes in themselves, `failure` says why the rest is not known.
    """

    head: Head
    base: str | None
    changes: list[dict[str, Any]]
    hidden: list[str]
    inside: list[str]
    facts: dict[str, Any]
    failure: GitError | None

    @classmethod
    def unknown(cls, head: Head, failure: GitError) -> State:
        return cls(head, None, [], [], [], {}, failure)


def look_steadily(place: Place, until: float) -> State:
    """Look until nobody commits meanwhile, so that commit and changes belong together."""
    patience = min(until, time.monotonic() + PATIENCE)
    while True:
        before = _index_mark(place.git_folder)
        state = _look(place, until)
        agree = state.base == state.head.sha or state.failure is not None
        if agree and not (state.changes and _index_moves(place.git_folder, before)):
            return state
        if time.monotonic() > patience:
            break
        time.sleep(0.03)
    if not agree:
        text = f"HEAD of {shown(place.root)} changed each time that it was read."
        raise trouble("failed", text)
    return state


def _index_mark(git_folder: str) -> tuple[int, int] | None:
    try:
        status = os.stat(os.path.join(git_folder, "index"))
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _index_moves(git_folder: str, before: tuple[int, int] | None) -> bool:
    """Whether a command of the user's is changing the index; an old lock is a dead one's."""
    try:
        lock = os.stat(os.path.join(git_folder, "index.lock"))
    except OSError:
        return _index_mark(git_folder) != before
    return time.time() - lock.st_mtime < LOCK_AGE


class _Answers(NamedTuple):
    """What one repository answered."""

    top: str
    sources: list[str]
    status: Answer
    head: Answer
    files: Answer
    remote: Answer


def _questions(top: str, paths: list[str]) -> list[Question]:
    files: tuple[str, ...] = ("ls-files", "-v", "-s", "-z")
    if len(paths) <= MAX_PATHSPECS and not os.path.exists(os.path.join(top, ".gitmodules")):
        files = (*files, "--", ".gitmodules", *paths)
    remote = ("config", "-z", "--get-all", "remote.origin.url")
    return [Question(top, question) for question in (_STATUS, _HEAD, files, remote)]


def _look(place: Place, until: float) -> State:
    """Ask everything at once, as the time of one call is then the time of all."""
    tops = list(place.sources)
    inner = [path for top in tops[1:] if (path := below(top, place.root))]
    questions = _questions(place.root, [*place.sources[place.root], *inner])
    for top in tops[1:]:
        questions += _questions(top, place.sources[top])
    answers = ask(questions, until)
    own, *others = (
        _Answers(top, place.sources[top], *answers[4 * number : 4 * number + 4])
        for number, top in enumerate(tops)
    )
    head, failure = Head(), None
    try:
        head = _parse_head(own.head)
    except GitError as error:
        if error.reason != "no-commit":
            return State.unknown(head, error)
        failure = error
    try:
        return _understand(place, head, failure, own, others, until)
    except GitError as error:
        return State.unknown(head, failure or error)


def _understand(
    place: Place,
    head: Head,
    failure: GitError | None,
    own: _Answers,
    others: list[_Answers],
    until: float,
) -> State:
    status, files = _parse_status(own.status), _parse_files(own.files)
    links = {path: file.sha for path, file in files.items() if file.mode == SUBMODULE}
    hidden = _hidden_sources(own, files, until)
    changes = [change for change in status.changes if not place.ignores(change["path"])] + hidden
    facts: dict[str, Any] = {"dirty": False, "branch": status.branch, **_remote(own)}
    inside, siblings = list(status.inside), []
    for other in others:
        path = below(other.top, place.root)
        if path is None or path not in links:
            siblings.append(_sibling(other, until))
        elif unknown := _hidden_sources(other, _parse_files(other.files), until):
            inside.append(path)
            changes += [{**change, "path": f"{path}/{change['path']}"} for change in unknown]
    if links:
        dirty = {change["path"] for change in changes} | set(inside)
        facts["submodules"] = _submodules(place, links, dirty, until)
    if siblings:
        facts["siblings"] = siblings
    if changes:
        facts |= {"dirty": True, "changes": changes[:MAX_CHANGES]}
    if len(changes) > MAX_CHANGES:
        facts["changes-left-out"] = len(changes) - MAX_CHANGES
    paths = [change["path"] for change in hidden]
    return State(head, status.sha, changes, paths, inside, facts, failure)


def _remote(answers: _Answers) -> dict[str, str]:
    url = answers.remote.out.split(b"\0")[0]
    return {"remote": clean_url(os.fsdecode(url))} if url else {}


def _hidden_sources(
    answers: _Answers, files: dict[str, File], until: float
) -> list[dict[str, Any]]:
    """The sources that run and that git does not follow, or was told not to look at."""
    top = answers.top
    unknown = [
        path
        for path in answers.sources
        if path not in files and os.path.lexists(os.path.join(top, path))
    ]
    unwatched = [
        path
        for path in answers.sources
        if path in files and files[path].unwatched and os.path.isfile(os.path.join(top, path))
    ]
    questions = []
    if unknown:
        # This one command refuses literal names; "./" keeps a leading colon from being magic.
        data = b"".join(b"./" + os.fsencode(path) + b"\0" for path in unknown)
        literal = {"GIT_LITERAL_PATHSPECS": "0"}
        questions.append(Question(top, ("check-ignore", "-z", "--stdin"), data, literal))
    if unwatched:
        questions.append(Question(top, ("hash-object", "--", *unwatched)))
    answer = ask(questions, until)
    ignored = os.fsdecode(answer[0].out).split("\0") if unknown else []
    found = [
        {"path": path, "state": "ignored" if f"./{path}" in ignored else "untracked"}
        for path in unknown
    ]
    shas = answer[-1].must().decode().split() if unwatched else []
    return found + [
        {"path": path, "state": "modified"}
        for path, sha in zip(unwatched, shas, strict=True)
        if sha != files[path].sha
    ]


def _submodules(
    place: Place, links: dict[str, str], dirty: set[str], until: float
) -> list[dict[str, Any]]:
    """Each submodule with the commit that is checked out in it, which may not be HEAD's."""
    present = {path for path in links if os.path.lexists(place.at(path, ".git"))}
    asked = sorted(dirty & present)
    questions = [Question(place.at(path), ("rev-parse", "HEAD")) for path in asked]
    for path, answer in zip(asked, ask(questions, until), strict=True):
        if answer.code == 0:
            links[path] = answer.out.decode().strip()
    return [
        {"path": path, "sha": sha, "dirty": path in dirty}
        | ({} if path in present else {"absent": True})
        for path, sha in links.items()
    ]


def _sibling(answers: _Answers, until: float) -> dict[str, Any]:
    """Another repository that code comes from: told, never refused."""
    told: dict[str, Any] = {"name": os.path.basename(answers.top), "sha": None, "dirty": None}
    try:
        status = _parse_status(answers.status)
        hidden = _hidden_sources(answers, _parse_files(answers.files), until)
    except GitError as error:
        return told | {"problem": error.message}
    changes = len(status.changes) + len(hidden)
    told |= {"sha": status.sha, "branch": status.branch, "dirty": bool(changes)}
    return told | ({"changes": changes} if changes else {}) | _remote(answers)
