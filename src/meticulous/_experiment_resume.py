"""Continue an experiment: find it, refuse what does not match or still lives, add a session."""

from __future__ import annotations

import os
import time
from typing import Any, NamedTuple

from . import _arguments, _folder, _process, _redact
from .errors import (
    LiveExperimentError,
    MismatchedArgsException,
    MismatchedCommitException,
    StorageError,
)

__all__ = ["Wanted", "carry_on", "find"]

CLAIM_SECONDS = 60.0
"""After this long, a claim whose session never appeared was left by a process that died."""


class Request(NamedTuple):
    """What the program asked for, as it said it."""

    args: Any
    default_args: Any
    experiment_id: Any
    description: str
    resume: bool | str
    name: str
    tags: tuple[str, ...]

    def annotations(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.name:
            found["name"] = self.name
        if self.tags:
            found["tags"] = list(dict.fromkeys(map(str, self.tags)))
        return found


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


def find(root: str, wanted: Wanted) -> Continued | None:
    """Find the experiment to be continued.

    With an id it is the one of that id, which must match. Without one and with ``resume`` it is,
    of those with the same args and the same code that are not running, the one started last.

    Args:
        root: the experiments folder.
        wanted: what to look for; ``resume="force"`` continues what does not match.

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
    return _newest_match(root, wanted)


def _newest_match(root: str, wanted: Wanted) -> Continued | None:
    best: Continued | None = None
    for experiment_id in _folder.experiment_ids(root):
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
    if folder.read_status().partition("\n")[0].strip() != "RUNNING":
        return
    sessions = _sessions(metadata)
    owner = sessions[-1] if sessions else {}
    silent = folder.silent_for(time.time())
    state = _process.owner_state(owner, silent)
    if state == "dead" or (state == "unknown" and silent > _process.SILENT_AFTER):
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
) -> tuple[_folder.Folder, dict[str, Any], int, dict[str, Any]]:
    """Add a session to an experiment; of several processes at once, one wins.

    Nothing that earlier sessions wrote is changed, except that the end of the experiment is open
    again. Returns the folder, its metadata, the number of the session, and its annotations.

    Raises:
        LiveExperimentError: another process was faster.
        StorageError: the record cannot be written.
    """
    folder = continued.folder
    number = len(_sessions(continued.metadata)) + 1
    claim = os.path.join(folder.path, f".session-{number}")
    metadata = _claim_session(folder, claim, number)
    if request.description and request.description != metadata.get("description"):
        session["description"] = request.description
    if continued.forced:
        session["forced"] = continued.forced
    metadata["sessions"] = [*_sessions(metadata), session]
    metadata.pop("end-time", None)
    if redactor.hits:
        metadata["redacted"] = sorted({*metadata.get("redacted", ()), *redactor.hits})
    try:
        folder.begin({_folder.METADATA: metadata}, None, "RUNNING")
    finally:
        _release(claim)
    return folder, metadata, number, _annotations(folder)


def _claim_session(folder: _folder.Folder, claim: str, number: int) -> dict[str, Any]:
    """Make the claim by an exclusive mkdir, then look again whether somebody was faster."""
    deadline = time.monotonic() + 5.0
    while True:
        try:
            os.mkdir(claim)
        except FileExistsError:
            metadata = _metadata_again(folder)
            if len(_sessions(metadata)) >= number:
                _check_dead(folder, metadata)
                raise _another(folder, metadata) from None
            if _age(claim) > CLAIM_SECONDS:
                _release(claim)
                continue
            if time.monotonic() > deadline:
                raise _another(folder, {}) from None
            time.sleep(0.05)
            continue
        except OSError as error:
            raise StorageError.from_oserror("continue", folder.path, error) from error
        metadata = _metadata_again(folder)
        if len(_sessions(metadata)) >= number:
            _release(claim)
            _check_dead(folder, metadata)
            raise _another(folder, metadata)
        return metadata


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


def _annotations(folder: _folder.Folder) -> dict[str, Any]:
    try:
        found = folder.read_json(_folder.ANNOTATIONS)
    except StorageError:
        return {}
    return found if isinstance(found, dict) else {}
