"""The end of an experiment: bounded in time, and as much of it on disk as the storage takes."""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

from . import _files, _folder, _git, _json, _lifecycle, _series

if TYPE_CHECKING:
    from ._experiment_files import Hashing
    from ._experiment_recording import Recording
    from ._redact import Redactor

__all__ = ["elsewhere", "finish", "of_status", "redacted", "show", "store_late"]

FINISH_SECONDS = 2.0
"""The most that the end of an experiment may wait for the storage."""


def of_status(status: str) -> _lifecycle.Ending:
    """The ending of `Experiment.finish(status)`."""
    if status == "SUCCESS":
        return _lifecycle.SUCCESS
    return _lifecycle.Ending("finished", status, {"status": status.partition("\n")[0]})


def redacted(
    ending: _lifecycle.Ending, redactor: Redactor, metadata: dict[str, Any]
) -> _lifecycle.Ending:
    """The ending without secrets; metadata lists what was hidden."""
    ending = ending._replace(
        reason=redactor.text(ending.reason, _folder.STATUS),
        facts=redactor.mapping(ending.facts, "ending"),
    )
    if redactor.hits:
        metadata["redacted"] = redactor.hits
    return ending


def finish(
    recording: Recording,
    hashing: Hashing,
    metadata: dict[str, Any],
    ending: _lifecycle.Ending,
    started: float,
) -> None:
    """Stop listening, drain, and write metadata and STATUS, within `FINISH_SECONDS`.

    A KeyboardInterrupt meanwhile, or what else a signal handler raises, ends the waiting at once.

    Args:
        recording: of the experiment.
        hashing: its files' hashes, completed or given up.
        metadata: its metadata, completed here.
        ending: how it ended, redacted.
        started: when the session started, on the monotonic clock.

    Raises:
        BaseException: what a signal handler raised meanwhile, once it is written how it ended.
    """
    deadline = time.monotonic() + FINISH_SECONDS
    try:
        recording.stop_listening()
        if recording.is_program:
            _note_sources(metadata, hashing.project)
        hashing.finish(deadline - 0.7)
        recording.settle(deadline - 0.5)
        recording.finish_environment(deadline - 0.4)
        before = metadata.get("problems")
        told = _write_end(recording, metadata, ending, started)
        recording.close_streams(deadline - 0.2)
        if recording.problems() != told:  # a machine that is just slow got there after all
            metadata["problems"] = before
            _write_end(recording, metadata, ending, started)
        recording.close(deadline)
    except BaseException:
        _write_end(recording, metadata, ending, started)
        recording.close(time.monotonic() + 0.2)
        raise


def _note_sources(metadata: dict[str, Any], project: str) -> None:
    """Add the files of the repository that the program has imported since its start."""
    facts = metadata.get("git")
    try:
        root = _git.find_root(project)
        if root and isinstance(facts, dict):
            metadata["git"] = facts | _git.own_files(facts.get("files", ()), root)
    except Exception:  # whatever a module says of itself: the end has to be written
        return


def _write_end(
    recording: Recording, metadata: dict[str, Any], ending: _lifecycle.Ending, started: float
) -> dict[str, Any]:
    """Hand over metadata and STATUS; returns what went wrong with the record."""
    now = _series.utc(time.time())
    session = metadata["sessions"][-1]
    session["end"] = now
    session["duration"] = round(time.monotonic() - started, 6)
    session["ending"] = {"kind": ending.kind, **ending.facts}
    if recording.totals:
        session["resources"] = recording.totals
    problems = recording.problems()
    if problems:
        metadata["problems"] = problems
    elif not metadata.get("problems"):
        metadata.pop("problems", None)
    metadata["end-time"] = now
    recording.store_end(metadata, _status(ending, problems), ending)
    return problems


def _status(ending: _lifecycle.Ending, problems: dict[str, Any]) -> str:
    """STATUS as in 2020; what the record lost stands in a second line after SUCCESS."""
    if ending.kind == "success":
        lost = problems.get("lost")
        if not lost:
            return "SUCCESS"
        counts = ", ".join(f"{count} of {name}" for name, count in lost.items())
        return f"SUCCESS\nnot recorded: {counts}"
    if ending.kind == "finished":
        return ending.reason
    final = "\n" if "\n" in ending.reason else ""
    return f"ERROR\n{ending.reason}{final}"


def show(text: str) -> None:
    """Print the traceback of a failure that a ``with`` block swallows."""
    with contextlib.suppress(Exception):  # the terminal may be gone
        sys.stderr.write(text)
        sys.stderr.flush()


def store_late(folder: _folder.Folder, name: str, value: Any) -> None:
    """Store a document, or let a function do it, after the end; a failure is a warning."""
    try:
        if callable(value):
            value()
        else:
            _files.replace(folder.file(name), _json.encode(value))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        warnings.warn(f"cannot write {folder.file(name)}: {reason}", RuntimeWarning, stacklevel=4)


def elsewhere(kind: Any, curexpdir: str) -> Any:
    """What a pickled experiment becomes in another process: one that does nothing."""
    experiment = kind(norecord=True)
    experiment.curexpdir = curexpdir
    experiment.inert_reason = "came from another process"
    return experiment
