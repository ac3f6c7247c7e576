"""Everything about one experiment as plain data, and the commands that run it again."""

from __future__ import annotations

import os
import shlex
from typing import Any

from . import _folder, _table
from ._experiments_reader import ExperimentReader

__all__ = [
    "commands",
    "everything",
    "listed",
    "named",
    "quoted",
    "sizes",
    "text",
]


def everything(reader: ExperimentReader) -> dict[str, Any]:
    """All of it: what ``meticulous show --json`` prints."""
    return {
        **reader.row(),
        "sessions": reader.sessions,
        "metrics": reader.metrics,
        "environment": reader.environment,
        "recorded_files": reader.recorded_files,
        "files": sizes(reader),
        "again": commands(reader),
    }


def text(value: Any) -> str:
    """A value of a record as text; empty for none."""
    if value is None or value is _table.MISSING:
        return ""
    if isinstance(value, str):
        return value
    try:
        return repr(value)
    except (RecursionError, ValueError):  # deeper, or with more digits, than Python writes
        return f"<{type(value).__name__}>"


def named(value: Any) -> dict[str, Any]:
    """An object of a record; empty when it is none."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """A list of a record; empty when it is none."""
    return value if isinstance(value, list) else []


def sizes(reader: ExperimentReader) -> dict[str, int]:
    """The size of every file in the folder, those of the record first."""
    found = {}
    for name in sorted(reader.files, key=lambda name: (name not in _folder.NAMES, name)):
        try:
            found[name] = os.lstat(os.path.join(reader.curexpdir, name)).st_size
        except OSError:  # gone meanwhile
            continue
    return found


def commands(reader: ExperimentReader) -> list[str]:
    """Shell commands for the experiment's code and command, to be given in its repository; empty
    when no commit is recorded.
    """
    git = named(reader._recorded.get("git"))
    commit = text(git.get("snapshot")) or reader.sha
    if not commit:
        return []
    repository = text(git.get("repository")) or "again"
    tree = f"../{repository}-{reader.expid}"
    lines = [f"git worktree add --detach {quoted(tree)} {quoted(commit)}"]
    patch = os.path.join(os.path.abspath(reader.curexpdir), _folder.CODE_PATCH)
    if git.get("snapshot") and os.path.isfile(patch) and reader.sha:
        lines = [
            *lines,
            "# where that commit is lost:",
            f"#   git worktree add --detach {quoted(tree)} {quoted(reader.sha)}",
            f"#   git -C {quoted(tree)} apply {quoted(patch)}",
        ]
    last = reader.sessions[-1] if reader.sessions else {}
    inside = _directory(git, text(last.get("cwd")))
    lines.append(f"cd {quoted(os.path.normpath(os.path.join(tree, inside)))}")
    argv = listed(last.get("argv"))
    if argv and os.path.basename(text(argv[0])).startswith("python"):
        argv = ["python", *argv[1:]]  # that of the machine may not be where it was
    command = argv or ["python", *listed(reader._recorded.get("command"))]
    if len(command) > 1:
        lines.append(" ".join(map(quoted, command)))
    return lines


def _directory(git: dict[str, Any], cwd: str) -> str:
    """Where in the repository it was started: below the project, if the working directory tells
    so.
    """
    project = text(git.get("directory")) or "."
    parts = cwd.replace("\\", "/").split("/")
    for place, part in enumerate(parts):
        inside = "/".join(parts[place + 1 :]) or "."
        within = project == "." or inside == project or inside.startswith(f"{project}/")
        if part and part == git.get("repository") and within:
            return inside
    return project


def quoted(value: Any) -> str:
    """A word for a shell; what cannot be printed as its escape."""
    word = text(value)
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(map(_escaped, word)) + "'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    return character if character.isprintable() else character.encode("unicode_escape").decode()
