"""Continue an experiment: find it, refuse what does not match or still lives, add a session."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Collection
from typing import Any, NamedTuple

from . import _arguments, _folder, _process, _redact
from ._experiment_options import Request
from .errors import (
    LiveExperimentError,
    MismatchedArgsException,
    MismatchedCommitException,
    StorageError,
)

__all__ = ["Wanted", "carry_on", "find"]

CLAIM_SECONDS = 60.0
"""After this long, a claim whose session never appeared was left by a process that died."""


class Wanted(NamedTuple):
    """What the experiment to be continued must be."""

    experiment_id: str | None
    resume: bool | str
    args: dict[str, Any]
    sha: str | None
    snapshot: str | None


class Continued(NamedTuple):
    """An experiment that may be continued."""

    folder: _folder.Folder
    metadata: dict[str, Any]
    forced: dict[str, Any]


def find(root: str, wanted: Wanted, passed_over: Collection[str] = ()) -> Continued | None:
    """Find the experiment to be continued.

    With an id it is the one of that id, which must match. Without one and with ``resume`` it is,
    of those with the same args and the same code that are not running, the one started last.

    Args:
        root: the experiments folder.
        wanted: what to look for; ``resume="force"`` continues what does not match.
        passed_over: ids that are not looked at when none is wanted.

    Returns:
        None when a new experiment is to be started.

    Raises:
        MismatchedArgsException: the one of that id was asked something else.
        MismatchedCommitException: it ran other code.
        LiveExperimentError: it is running, or may be.
        StorageError: its files cannot be read.
    """
    if wanted.experiment_id is not None:
        folder = _folder.Folder(os.path.join(root, wanted.experiment_id))
        if not os.path.isdir(folder.path):
            return None
        metadata = folder.read_json(_folder.METADATA)
        if not isinstance(metadata, dict):
            raise StorageError(
                f"Cannot continue {folder.path}: its {_folder.METADATA} is not an object.",
                path=folder.path,
            )
        forced = _check_match(folder, metadata, wanted)
        _check_dead(folder, metadata)
        return Continued(folder, metadata, forced)
    if not wanted.resume:
        return None
    return _newest_match(root, wanted, passed_over)


def _newest_match(root: str, wanted: Wanted, passed_over: Collection[str]) -> Continued | None:
    best: Continued | None = None
    for experiment_id in _folder.experiment_ids(root):
        if experiment_id in passed_over:
            continue
        folder = _folder.Folder(os.path.join(root, experiment_id))
        try:
            args = folder.read_json(_folder.ARGS)
            if not isinstance(args, dict) or _arguments.differences(args, wanted.args):
                continue
            metadata = folder.read_json(_folder.METADATA)
            if not isinstance(metadata, dict) or _code_differs(metadata, wanted):
                continue
            _check_dead(folder, metadata)
        except (StorageError, LiveExperimentError):
            continue
        if best is None or _started(metadata) >= _started(best.metadata):
            best = Continued(folder, metadata, {})
    return best


def _started(metadata: dict[str, Any]) -> str:
    return str(metadata.get("start-time") or metadata.get("timestamp") or "")


def _sessions(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    sessions = metadata.get("sessions")
    return [item for item in sessions if isinstance(item, dict)] if type(sessions) is list else []


def _code_differs(metadata: dict[str, Any], wanted: Wanted) -> bool:
    git = metadata.get("git")
    snapshot = git.get("snapshot") if isinstance(git, dict) else None
    return bool(metadata.get("githead-sha") != wanted.sha or snapshot != wanted.snapshot)


def _check_match(
    folder: _folder.Folder, metadata: dict[str, Any], wanted: Wanted
) -> dict[str, Any]:
    """Refuse what differs; with force, tell what was overridden."""
    force = wanted.resume == "force"
    forced: dict[str, Any] = {}
    recorded = folder.read_json(_folder.ARGS)
    differences = _arguments.differences(
        recorded if isinstance(recorded, dict) else {}, wanted.args
    )
    if differences:
        text = _arguments.describe_differences(differences)
        if not force:
            raise MismatchedArgsException(
                f"Experiment {folder.id} has other args (recorded -> now):\n{text}\n",
                "Give the recorded args, or another --experiment-id.",
                differences=differences,
            )
        forced["args"] = {name: list(pair) for name, pair in differences.items()}
    if _code_differs(metadata, wanted):
        if not force:
            raise _mismatched_commit(folder, metadata, wanted)
        forced["sha"] = [metadata.get("githead-sha"), wanted.sha]
    return forced


def _mismatched_commit(
    folder: _folder.Folder, metadata: dict[str, Any], wanted: Wanted
) -> MismatchedCommitException:
    recorded, now = metadata.get("githead-sha"), wanted.sha
    if recorded == now:
        message = f"Experiment {folder.id} ran other uncommitted changes on commit {now}."
        hint = "Give another --experiment-id."
    else:
        message = f"Experiment {folder.id} ran commit {recorded}, and this is commit {now}."
        hint = f"Check out the recorded one (git checkout {recorded}), or give another id."
    return MismatchedCommitException(message, hint, recorded=recorded, current=now)


def _check_dead(folder: _folder.Folder, metadata: dict[str, Any]) -> None:
    sessions = _sessions(metadata)
    owner = sessions[-1] if sessions else {}
    running = folder.read_status().partition("\n")[0].strip() == "RUNNING"
    if not running and (not owner or "end" in owner):
        return
    # A session without an end whose process lives is about to write RUNNING, or how it ended.
    silent = folder.silent_for(time.time())
    state = _process.owner_state(owner, silent)
    if state == "unknown" and (not running or silent > _process.SILENT_AFTER):
        state = "dead"
    if state == "dead":
        return
    host, pid = owner.get("host", "an unknown host"), owner.get("pid")
    raise LiveExperimentError(
        f"Experiment {folder.id} is still running: process {pid} on {host}, "
        f"last sign of life {silent:.0f} s ago.",
        "Wait for it or end it, then continue; or start a new one.",
        host=str(host),
        pid=pid if isinstance(pid, int) else None,
        age=silent,
    )


def carry_on(
    continued: Continued,
    session: dict[str, Any],
    request: Request,
    redactor: _redact.Redactor,
) -> tuple[_folder.Folder, dict[str, Any], int]:
    """Add a session to an experiment; of several processes at once, one wins.

    Nothing that earlier sessions wrote is changed, except that the end of the experiment is open
    again. Returns the folder, its metadata and the number of the session.

    Raises:
        LiveExperimentError: another process was faster.
        StorageError: the record cannot be written.
    """
    folder = continued.folder
    earlier = _sessions(continued.metadata) or [_of_2020(folder, continued.metadata)]
    number = len(earlier) + 1
    claims, metadata = _claim_session(folder, number)
    if request.description and request.description != metadata.get("description"):
        session["description"] = request.description
    if continued.forced:
        session["forced"] = continued.forced
    metadata["sessions"] = [*earlier, session]
    metadata.pop("end-time", None)
    if redactor.hits:
        metadata["redacted"] = sorted({*metadata.get("redacted", ()), *redactor.hits})
    before = folder.read_status()
    try:
        # RUNNING first: from here on also another host, which cannot look up who we are, sees it.
        folder.begin({}, None, "RUNNING")
        folder.begin({_folder.METADATA: metadata}, None, "RUNNING")
    except StorageError:
        with contextlib.suppress(StorageError):
            folder.begin({}, None, before)
        raise
    finally:
        for claim in reversed(claims):
            _release(claim)
    return folder, metadata, number


def _of_2020(folder: _folder.Folder, metadata: dict[str, Any]) -> dict[str, Any]:
    """The first session of an experiment of 2020, which knew no sessions."""
    names = {"start": "start-time", "end": "end-time", "argv": "command", "sha": "githead-sha"}
    session = {name: metadata[old] for name, old in names.items() if old in metadata}
    if "start" not in session and "timestamp" in metadata:
        session["start"] = metadata["timestamp"]
    return {**session, "ending": {"status": folder.read_status().partition("\n")[0].strip()}}


def _claim_session(folder: _folder.Folder, number: int) -> tuple[list[str], dict[str, Any]]:
    """Make the claim by an exclusive mkdir, then look again whether somebody was faster.

    A claim that a process left behind when it died is not taken away, since two could do that at
    once and both think that they have it now: a further one is made beside it.

    Returns:
        The claims, to be released, and the metadata of now.
    """
    deadline = time.monotonic() + 5.0
    claims = []
    for generation in itertools.count():
        suffix = f".{generation}" if generation else ""
        claim = os.path.join(folder.path, f".session-{number}{suffix}")
        claims.append(claim)
        while not _made(claim):
            metadata = _metadata_again(folder)
            if len(_sessions(metadata)) >= number:
                _check_dead(folder, metadata)
                raise _another(folder, metadata)
            if _age(claim) > CLAIM_SECONDS:
                break
            if time.monotonic() > deadline:
                raise _another(folder, {})
            time.sleep(0.05)
        else:
            break
    metadata = _metadata_again(folder)
    if len(_sessions(metadata)) >= number:
        _release(claim)
        _check_dead(folder, metadata)
        raise _another(folder, metadata)
    return claims, metadata


def _made(claim: str) -> bool:
    try:
        os.mkdir(claim)
    except FileExistsError:
        return False
    except OSError as error:
        raise StorageError.from_oserror("continue", os.path.dirname(claim), error) from error
    return True


def _metadata_again(folder: _folder.Folder) -> dict[str, Any]:
    metadata = folder.read_json(_folder.METADATA)
    return metadata if isinstance(metadata, dict) else {}


def _another(folder: _folder.Folder, metadata: dict[str, Any]) -> LiveExperimentError:
    owner = (_sessions(metadata) or [{}])[-1]
    host, pid = owner.get("host", "an unknown host"), owner.get("pid")
    return LiveExperimentError(
        f"Experiment {folder.id} is being continued by another process just now ({pid} on {host}).",
        "Start a new one, or wait for it.",
        host=str(host),
        pid=pid if isinstance(pid, int) else None,
    )


def _age(path: str) -> float:
    try:
        return time.time() - os.stat(path).st_mtime
    except OSError:
        return 0.0


def _release(claim: str) -> None:
    try:
        os.rmdir(claim)
    except OSError:
        return
