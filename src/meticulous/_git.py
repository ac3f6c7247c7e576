"""Which code runs: the commit, how the work tree differs from it, and a ref that keeps it.

The sense of git. It is asked once, at the start of an experiment, and returns plain data.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from ._git_calls import PACKAGES, below, environment_of, git_folders, shown, trouble
from ._git_look import MAX_CHANGES, Head, Place, State, look_steadily
from .errors import DirtyRepoException, GitError, SettingError

__all__ = ["Code", "find_root", "loaded_sources", "look", "own_files", "read_code"]

POLICIES = ("refuse", "snapshot", "allow")
MAX_SHOWN = 20
MAX_FILES = 2000
MAX_SIBLINGS = 8
SNAPSHOT_PATIENCE = 6  # times the time limit: contents are read, packed and written


class Code(NamedTuple):
    """The code of an experiment.

    Attributes:
        sha: HEAD's commit; None when there is none or it could not be told.
        message: that commit's whole message, final newline included.
        facts: the ``git`` block of metadata.
        patch: how a snapshot differs from HEAD, as ``git diff --binary`` writes it.
    """

    sha: str | None
    message: str | None
    facts: dict[str, Any]
    patch: bytes | None


def find_root(directory: str) -> str | None:
    """Find the top of the work tree that holds a directory, as a real path, without git.

    A ``.git`` folder without HEAD is none, as for git. None when there is no work tree.
    """
    folder = os.path.realpath(directory)
    while True:
        marker = os.path.join(folder, ".git")
        if os.path.lexists(os.path.join(marker, "HEAD")) or os.path.isfile(marker):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def read_code(
    project_directory: str,
    *,
    dirty: str,
    sources: Iterable[str],
    ignore: str = "",
    time_limit: float = 10.0,
) -> Code:
    """Tell which code runs, and pin its commit and those of submodules under ``refs/meticulous/``.

    Nothing else in the repository changes. Any number of processes may do this at once, also
    while the user commits; a crash leaves at most objects that git collects later.

    Args:
        project_directory: a directory of the work tree.
        dirty: what to do when the code is not what HEAD holds: ``refuse``; ``snapshot``: make a
            commit of the work tree that no branch knows; ``allow``: only say so.
        sources: absolute paths of the source files that the program runs and has imported; an
            untracked or ignored one of this repository makes it dirty.
        ignore: absolute path of a folder whose content never counts and is never taken.
        time_limit: seconds that git may take to look; a snapshot may take six times as long.

    Returns:
        What was found. With ``allow``, also when git cannot tell: ``facts["problem"]``.

    Raises:
        DirtyRepoException: the code is not what HEAD holds (``refuse``).
        GitError: git is absent, fails or takes too long; no repository; no commit (``refuse``).
        SettingError: `dirty` is no policy.
    """
    if dirty not in POLICIES:
        text = f"dirty={dirty!r} is not one of {', '.join(POLICIES)}."
        raise SettingError(text, name="dirty", value=dirty)
    until = time.monotonic() + time_limit
    facts: dict[str, Any] = {"policy": dirty}
    head = Head()
    try:
        place = _locate(project_directory, sources, ignore, facts)
        state = look_steadily(place, until)
        head, facts = state.head, facts | state.facts
        _judge(dirty, place.root, state)
        facts |= own_files((), place.root, place.sources)
        if dirty == "snapshot" and (state.changes or head.sha is None):
            until = time.monotonic() + SNAPSHOT_PATIENCE * time_limit
            return Code(head.sha, head.message, facts, _snapshot(place, state, facts, until))
        if state.failure:
            raise state.failure
        _pin_head(place.root, head.sha, facts, until)
    except GitError as error:
        if dirty != "allow":
            raise
        facts["problem"] = {"reason": error.reason, "message": error.message}
        if head.sha:
            _pin_head(place.root, head.sha, facts, time.monotonic() + 1)
    return Code(head.sha, head.message, facts, None)


def look(project_directory: str, *, ignore: str = "", time_limit: float = 10.0) -> Code:
    """Tell which code is there, as `read_code` would, but judge nothing and pin nothing.

    Args:
        project_directory: a directory of the work tree.
        ignore: absolute path of a folder whose content never counts.
        time_limit: seconds that git may take.

    Returns:
        What was found; ``facts["problem"]`` when git cannot tell.
    """
    facts: dict[str, Any] = {}
    try:
        place = _locate(project_directory, (), ignore, facts)
        state = look_steadily(place, time.monotonic() + time_limit)
        facts |= state.facts
        if state.failure is None:
            return Code(state.head.sha, state.head.message, facts, None)
        error = state.failure
    except GitError as failure:
        error = failure
    facts["problem"] = {"reason": error.reason, "message": error.message}
    return Code(None, None, facts, None)


def _judge(policy: str, root: str, state: State) -> None:
    """Raise what forbids to record: without an answer there is no telling what runs."""
    unborn = state.failure is not None and state.failure.reason == "no-commit"
    if state.failure and policy != "allow" and not (unborn and policy == "snapshot"):
        raise state.failure
    if policy == "refuse" and state.changes:
        raise _refusal(root, state.changes)


def _locate(directory: str, sources: Iterable[str], ignore: str, facts: dict[str, Any]) -> Place:
    directory = os.path.realpath(directory)
    root = find_root(directory)
    if root is None:
        text = f"{shown(directory)} is not in a git repository."
        raise trouble("no-repository", text)
    facts["repository"] = os.path.basename(root)
    facts["directory"] = below(directory, root) or "."
    git_folder, common = git_folders(root)
    if os.path.exists(os.path.join(common, "shallow")):
        facts["shallow"] = True
    ignore = os.path.realpath(ignore) if ignore else ""
    place = Place(root, git_folder, ignore, {root: []})
    found = _by_repository(sources, root)
    place.sources[root] = [path for path in found.pop(root) if not place.ignores(path)]
    # Those inside the project first: they may be submodules of it.
    others = sorted(found, key=lambda top: (below(top, root) is None, top))
    place.sources.update({top: found[top] for top in others[:MAX_SIBLINGS]})
    if len(others) > MAX_SIBLINGS:
        facts["siblings-left-out"] = len(others) - MAX_SIBLINGS
    return place


def _refusal(root: str, changes: list[dict[str, Any]]) -> DirtyRepoException:
    lines = [f"  {change['state']:<12} {shown(change['path'])}" for change in changes[:MAX_SHOWN]]
    if len(changes) > MAX_SHOWN:
        lines.append(f"  ... and {len(changes) - MAX_SHOWN} more")
    message = "\n".join([f"The code in {shown(root)} is not what its commit holds:", *lines, ""])
    hint = (
        "Commit it, or record the changes as a snapshot (dirty='snapshot', --dirty snapshot), or "
        "record without them (dirty='allow', --dirty allow), or do not record (--norecord)."
    )
    return DirtyRepoException(message, hint, paths=[change["path"] for change in changes])


def _pin_head(root: str, sha: str | None, facts: dict[str, Any], until: float) -> None:
    from ._git_snapshot import pin

    assert sha is not None
    try:
        facts["ref"] = pin(root, sha, until)
    except GitError as error:
        # The commit is on a branch, most likely: no reason to stop a run.
        facts.setdefault("problem", {"reason": "not-pinned", "message": error.message})
    _pin_submodules(root, facts, until)


def _pin_submodules(root: str, facts: dict[str, Any], until: float) -> None:
    """Pin the recorded commits of submodules in their own repositories."""
    from ._git_snapshot import pin

    for each in facts.get("submodules", ()):
        if each["sha"] and "absent" not in each:
            try:
                pin(os.path.join(root, each["path"]), each["sha"], until)
            except GitError as error:
                facts.setdefault("problem", {"reason": "not-pinned", "message": error.message})


def _snapshot(place: Place, state: State, facts: dict[str, Any], until: float) -> bytes | None:
    """Take and pin a snapshot, tell of it in the facts; returns its difference to HEAD."""
    from ._git_snapshot import pin, take

    taken = take(place.root, place.git_folder, state.head, state.hidden, place.ignores, until)
    facts["snapshot"] = taken.sha
    facts["ref"] = pin(place.root, taken.sha, until)
    _pin_submodules(place.root, facts, until)
    skipped = [
        {"path": path, "size": None, "reason": "changes inside a submodule"}
        for path in dict.fromkeys(state.inside)
    ] + taken.skipped
    if skipped:
        facts["skipped"] = skipped[:MAX_CHANGES]
    if len(skipped) > MAX_CHANGES:
        facts["skipped-left-out"] = len(skipped) - MAX_CHANGES
    return taken.patch


def own_files(
    known: Iterable[str], root: str, sources: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    """Tell which of the files that the program has imported or runs are its repository's own.

    Args:
        known: those that were known before, relative to the top.
        root: the top of the work tree, a real path.
        sources: repository to files; None to look what is loaded now.

    Returns:
        ``files``, sorted, relative to the top, those of submodules included; and
        ``files-left-out``, how many are beyond `MAX_FILES`. Empty when there are none.
    """
    found = set(known)
    by_top = _by_repository(loaded_sources(packages=False), root) if sources is None else sources
    for top, paths in by_top.items():
        start = below(top, root)
        if start is not None:
            found.update(f"{start}/{path}" if start else path for path in paths)
    files = sorted(found)
    facts: dict[str, Any] = {"files": files[:MAX_FILES]} if files else {}
    if len(files) > MAX_FILES:
        facts["files-left-out"] = len(files) - MAX_FILES
    return facts


def _by_repository(sources: Iterable[str], root: str) -> dict[str, list[str]]:
    """Sort source files by the work tree that they are in, relative to its top.

    Installed packages and Python itself are nobody's sources, also where a repository holds them.
    """
    folders: dict[str, tuple[str, str] | None] = {}
    environments: dict[str, dict[str, str | None]] = {}
    found: dict[str, list[str]] = {root: []}
    for source in sources:
        folder, name = os.path.split(source)
        if folder not in folders:
            folders[folder] = _repository_of(folder, root, environments)
        place = folders[folder]
        if place:
            top, start = place
            found.setdefault(top, []).append(f"{start}/{name}" if start else name)
    return {top: sorted(set(paths)) for top, paths in found.items()}


def _repository_of(
    folder: str, root: str, environments: dict[str, dict[str, str | None]]
) -> tuple[str, str] | None:
    """The work tree of a source folder and the way from its top; None when it is no user's."""
    # Most sources are installed packages: told by their names, without a look on disk.
    if below(folder, root) is None and _packaged(folder):
        return None
    folder = os.path.realpath(folder)
    top = find_root(folder)
    if top is None:
        return None
    start = below(folder, top) or ""
    if environment_of(top, start, environments.setdefault(top, {})) or _installed(folder, top):
        return None
    return top, start


def _packaged(path: str) -> bool:
    parts = path.replace(os.sep, "/").split("/")
    return any(name in parts for name in PACKAGES)


def _installed(folder: str, top: str) -> bool:
    """Whether a folder belongs to the Python that runs, which a repository may hold."""
    library = _library()
    if library and below(folder, os.path.realpath(library)) is not None:
        return True
    for prefix in {os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)}:
        # pyenv is a repository that holds Python; /usr/src/app one that a Python's folder holds.
        if prefix != top and below(prefix, top) and below(folder, prefix) is not None:
            return True
    return False


def _library() -> str | None:
    """Where Python's own library is; a frozen Python may have none."""
    path = getattr(os, "__file__", None)
    return os.path.dirname(path) if path else None


def loaded_sources(*, packages: bool = True) -> list[str]:
    """List the source files of the program: its main script and what it has imported so far.

    Python's own library is left out. Folders are resolved; a file that is a symbolic link is
    listed with its target. Modules of any kind are looked at, none is asked, so that lazy ones
    stay unloaded. Threads may go on importing meanwhile.

    Args:
        packages: list what is in folders of installed packages, too.

    Returns:
        Absolute paths, each once.
    """
    library = (_library() or "\0") + os.sep
    folders: dict[str, str] = {}
    found: dict[str, None] = {}
    # A copy in one step: a list is made item by item, and others may import in between.
    for name, module in sys.modules.copy().items():
        path = _file_of(module)
        if path is None or (path.startswith(library) and not _packaged(path)):
            continue
        if not packages and _packaged(path):
            continue
        path = _source_of(os.path.abspath(path), name == "__main__")
        if path is None:
            continue
        folder, file = os.path.split(path)
        path = os.path.join(_real_folder(folder, folders), file)
        found[path] = None
        if not _packaged(path) and os.path.islink(path):
            found[os.path.realpath(path)] = None
    return list(found)


def _file_of(module: object) -> str | None:
    try:
        # Past a module's own __getattribute__, which may import, fail or do anything.
        path = object.__getattribute__(module, "__dict__").get("__file__")
    except (AttributeError, TypeError):
        return None
    return path if type(path) is str and path else None


def _source_of(path: str, main: bool) -> str | None:
    """The source of a module's file; None for compiled extensions, which are built from some."""
    if main or path.endswith((".py", ".pyw")):
        return path
    if not path.endswith(".pyc"):
        return None
    folder, name = os.path.split(path)
    if os.path.basename(folder) == "__pycache__":
        folder = os.path.dirname(folder)
    source = os.path.join(folder, name.split(".")[0] + ".py")
    return source if os.path.exists(source) else path


def _real_folder(folder: str, known: dict[str, str]) -> str:
    """`os.path.realpath` with a memory: a program's thousand modules share their folders."""
    if folder not in known:
        parent, name = os.path.split(folder)
        if not name or os.name == "nt":
            known[folder] = os.path.realpath(folder)
        else:
            path = os.path.join(_real_folder(parent, known), name)
            known[folder] = os.path.realpath(path) if os.path.islink(path) else path
    return known[folder]
