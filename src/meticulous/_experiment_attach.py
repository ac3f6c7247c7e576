"""A tracked program inside ``meticulous run``: one folder, in which each file has one writer.

The recorder outside writes STATUS, metadata.json, the console and the machine; the program inside
what it was asked, logs and sums up. What else it knows, how it ended by its own account above
all, it leaves in a hidden folder, from which the recorder takes it at the end. Whoever makes a
folder in that one is the program that is attached; there is no second.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from . import _experiment_recording, _files, _folder, _git, _json, _lifecycle, _redact
from ._experiment_options import Request
from .errors import StorageError

__all__ = ["AttachedRecording", "environment_for", "invite", "join", "take"]

_HIDDEN = ".inside"
_CLAIM = "claimed"
_TOLD = "told"

Told = dict[str, Any]


def invite(folder: _folder.Folder) -> None:
    """Let the first tracked program of this run attach, until `take`.

    Raises:
        OSError: the folder takes nothing.
    """
    os.mkdir(folder.file(_HIDDEN))


def environment_for(folder: _folder.Folder, name: str, more: dict[str, str]) -> dict[str, str]:
    """The environment of a program that is recorded from outside."""
    ours = {_lifecycle.INVITATION_VARIABLE: folder.path, _lifecycle.PARENT_VARIABLE: name}
    return {**os.environ, **ours, **more}


def join(
    request: Request,
    args: dict[str, Any],
    defaults: dict[str, Any] | None,
    code: _git.Code,
    redactor: _redact.Redactor,
) -> tuple[_folder.Folder, dict[str, Any], Told] | None:
    """Attach to the experiment that records this program from outside, if there is one.

    Returns:
        Its folder, its metadata, and what is to be told; None when there is none, it has ended,
        or another program was first.

    Raises:
        StorageError: its files cannot be read or written.
    """
    path = _lifecycle.take_invitation()
    if path is None:
        return None
    folder = _folder.Folder(path)
    try:
        os.mkdir(os.path.join(folder.file(_HIDDEN), _CLAIM))
    except OSError:
        return None
    metadata = folder.read_json(_folder.METADATA)
    told: Told = {
        "pid": os.getpid(),
        "argv": redactor.argv(list(getattr(sys, "orig_argv", sys.argv)), "argv"),
        "sha": code.sha,
        "git": redactor.mapping(code.facts, "git"),
    }
    asked = {"resume": request.resume, "experiment_id": request.experiment_id}
    ignored = [name for name, value in asked.items() if value not in (None, "", False)]
    if ignored:
        told["ignored"] = ignored
    if request.description:
        told["description"] = request.description
    documents = {} if request.args is None else {_folder.ARGS: args, _folder.DEFAULT_ARGS: defaults}
    try:
        for name, value in documents.items():
            _files.replace_json(folder.file(name), value)
        if code.patch is not None:
            _files.replace(folder.file(_folder.CODE_PATCH), code.patch)
    except OSError as error:
        raise StorageError.from_oserror("write", folder.path, error) from error
    return folder, metadata if isinstance(metadata, dict) else {"sessions": [{}]}, told


class AttachedRecording(_experiment_recording.Recording):
    """A `Recording` that leaves to the one outside what that one writes."""

    def __init__(self, folder: _folder.Folder, settings: dict[str, Any], told: Told) -> None:
        super().__init__(folder, {**settings, "capture": "off", "sample_seconds": 0.0}, 1)
        self._told = told

    def start(self) -> None:
        self.streams.start()
        self.documents.start()
        self._tell()

    def _store_environment(
        self, facts: dict[str, Any], redactor: _redact.Redactor, number: int
    ) -> None:
        self._told["environment"] = redactor.mapping(facts, "environment")
        self._tell()

    def store_end(self, metadata: dict[str, Any], status: str, ending: _lifecycle.Ending) -> None:
        self._told["ending"] = list(ending)
        code = metadata.get("git")
        found = code if isinstance(code, dict) else {}
        names = ("files", "files-left-out")
        self._told["git"] |= {name: found[name] for name in names if name in found}
        self._told["problems"] = self.problems()
        self._told["redacted"] = metadata.get("redacted", [])
        self._tell()
        self.documents.settle(_experiment_recording.DOCUMENT_SECONDS)

    def _tell(self) -> None:
        path = os.path.join(self.folder.file(_HIDDEN), _TOLD)
        self.documents.store(path, _json.encode(self._told), sync=False)


def take(folder: _folder.Folder) -> Told:
    """End the invitation, and tell what the attached program has told; empty when there is none.

    While a program that was attached goes on, as a daemon does, the hidden folder stays.
    """
    hidden = folder.file(_HIDDEN)
    told: Told = {}
    with contextlib.suppress(OSError, ValueError):
        read = _files.read_json(os.path.join(hidden, _TOLD))
        told = read if isinstance(read, dict) else {}
    if "ending" not in told and _lives(told.get("pid")):
        return told
    with contextlib.suppress(OSError):
        os.rename(hidden, f"{hidden}~")  # from here on nobody can attach any more
        for entry in list(os.scandir(f"{hidden}~")):
            (os.rmdir if entry.is_dir() else os.unlink)(entry.path)
        os.rmdir(f"{hidden}~")
    return told


def _lives(pid: Any) -> bool:
    try:
        os.kill(pid, 0)
    except (OSError, TypeError):
        return False
    return True
