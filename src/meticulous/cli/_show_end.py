"""What ``show`` tells last: the end of the output, and how to run it again."""

from __future__ import annotations

from .. import _status
from .._experiments_whole import commands, quoted
from ..experiments import ExperimentReader
from ._show_page import Page, named, text

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
    if found:
        page.whole(f"meticulous reproduce {quoted(reader.expid)}")
        page.title("the same by hand")
    for line in found:
        page.whole(line)
