"""What ``show`` tells last: the end of the output, and how to run it again."""

from __future__ import annotations

import os
import shlex
from typing import Any

from .. import _folder, _status
from ..experiments import ExperimentReader
from ._show_page import Page, listed, named, text

__all__ = ["again", "commands", "output", "quoted"]

_LAST = 10
_TRACEBACK = 30
_FAILED = (_status.ERROR, _status.INTERRUPTED, _status.TERMINATED)


def output(reader: ExperimentReader, page: Page) -> None:
    """The traceback when it failed, then the last lines that it printed."""
    expid = reader.expid
    reason = [line for line in reader._text.rstrip().split("\n")[1:] if line.strip()]
    if reader.status in _FAILED and len(reason) > 1:
        page.title("why it failed")
        kept = reason if page.everything else reason[-_TRACEBACK:]
        if len(kept) < len(reason):
            page.more(len(reason) - len(kept))
        for line in kept:
            page.line(line, fold=True)
    streams = [("stdout", "")]
    if reader.status not in (_status.SUCCESS, *_FAILED) or len(reason) <= 1:
        streams.append(("stderr", " --stderr"))
    for stream, option in streams:
        page.title(f"last lines of {stream} (all: meticulous logs {expid}{option})")
        try:
            lines = list(reader.console(stream, last=_LAST))
        except FileNotFoundError:
            continue
        except OSError as error:
            why = error.strerror or type(error).__name__
            page.line(f"{stream} cannot be read: {why[:1].lower()}{why[1:]}", "33")
            continue
        while lines and not lines[0].strip():
            del lines[0]
        for line in lines:
            page.line(line)


def again(reader: ExperimentReader, page: Page) -> None:
    """The commands that bring back the code and run it."""
    found = commands(reader)
    git = named(reader._recorded.get("git"))
    place = text(git.get("remote")) or text(git.get("repository"))
    page.title("run it again, in the repository" + (f" {place}" if place else ""))
    if found and git.get("dirty") and not git.get("snapshot"):
        page.line("The code differed from the commit, and what differed was not kept.", "33")
    for line in found:
        page.whole(line)


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
