"""What happens before the first step: check the code, claim or continue a folder.

Everything that can be wrong is found out before anything is created, and is one clear error.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from . import (
    _arguments,
    _environment,
    _experiment_attach,
    _experiment_files,
    _experiment_recording,
    _experiment_resume,
    _experiment_where,
    _folder,
    _git,
    _json,
    _process,
    _redact,
    _series,
)
from ._experiment_code import Asked
from ._experiment_options import Request
from .errors import LiveExperimentError, SettingError

__all__ = ["Start", "begin"]


class Start(NamedTuple):
    """A folder that is claimed or continued, with RUNNING in it."""

    folder: _folder.Folder
    metadata: dict[str, Any]
    number: int
    redactor: _redact.Redactor
    repository: str | None
    told: dict[str, Any] | None = None
    args: dict[str, Any] | None = None

    def recording(self, settings: dict[str, Any]) -> _experiment_recording.Recording:
        """What writes into the folder."""
        if self.told is not None:
            return _experiment_attach.AttachedRecording(self.folder, settings, self.told)
        problems = self.metadata.get("problems")
        return _experiment_recording.Recording(self.folder, settings, self.number, problems)

    def files(
        self, project: str, settings: dict[str, Any], emit: Callable[[dict[str, Any]], object]
    ) -> _experiment_files.Hashing:
        """What notes inputs and outputs; it begins with those that the args lead to."""
        files = _experiment_files.Hashing(self.folder.path, project, emit)
        if settings["notice_inputs"]:
            files.notice(self.args or {}, settings["hash_limit"])
        return files

    @property
    def is_new(self) -> bool:
        """Whether the folder is of this program alone, which has named it already."""
        return self.number == 1 and self.told is None


def begin(
    request: Request, settings: dict[str, Any], project: str, root: str, asked: Asked
) -> Start:
    """Check, claim or continue, and write what an experiment starts with.

    Raises:
        MeticulousError: of the kind that says why; nothing was created, except by a StorageError.
    """
    began = time.time()
    redactor = _redact.Redactor(settings["redact"], settings["keep"])
    experiment_id = request.experiment_id
    if experiment_id is not None and experiment_id != "":
        experiment_id = _folder.valid_id(experiment_id)
    args = _recorded(redactor, _arguments.mapping_of(request.args), "args")
    defaults = request.default_args
    if defaults is not None:
        defaults = _recorded(redactor, _arguments.mapping_of(defaults), "default_args")
    code = asked.answer()
    if request.command is None:
        joined = _experiment_attach.join(request, args, defaults, code, redactor)
        if joined is not None:
            outer, metadata, told = joined
            return Start(outer, metadata, 1, redactor, _git.find_root(project), told, args)
    session = _session(request, redactor, code.sha, began)
    _folder.prepare_root(root)
    wanted = _experiment_resume.Wanted(
        experiment_id or None, request.resume, args, code.sha, code.facts.get("snapshot")
    )
    carried = _continued(root, wanted, session, request, redactor)
    if carried is not None:
        return Start(*carried, redactor, _git.find_root(project), args=args)
    folder = _claim(root, experiment_id or None)
    metadata = _metadata(request, code, session, folder, redactor)
    documents = {
        _folder.ARGS: args,
        _folder.DEFAULT_ARGS: defaults,
        _folder.METADATA: metadata,
    }
    annotations = request.annotations()
    if annotations:
        documents[_folder.ANNOTATIONS] = annotations
    folder.begin(documents, code.patch, "RUNNING", sync=False)
    return Start(folder, metadata, 1, redactor, _git.find_root(project), args=args)


def _continued(
    root: str,
    wanted: _experiment_resume.Wanted,
    session: dict[str, Any],
    request: Request,
    redactor: _redact.Redactor,
) -> tuple[_folder.Folder, dict[str, Any], int] | None:
    passed_over: set[str] = set()
    while True:
        continued = _experiment_resume.find(root, wanted, passed_over)
        if continued is None:
            return None
        try:
            return _experiment_resume.carry_on(continued, session, request, redactor)
        except LiveExperimentError:  # another process was faster just now
            if wanted.experiment_id is not None:
                raise
            passed_over.add(continued.folder.id)


def _claim(root: str, experiment_id: str | None) -> _folder.Folder:
    try:
        return _folder.claim(root, experiment_id)
    except FileExistsError as error:
        raise SettingError(
            f"The experiment {experiment_id!r} was started by another process just now.",
            "Give another id, or none.",
            name="experiment_id",
            value=experiment_id,
        ) from error


def _recorded(redactor: _redact.Redactor, value: Any, where: str) -> dict[str, Any]:
    return redactor.mapping(_json.plain(value), where)


def _session(
    request: Request, redactor: _redact.Redactor, sha: str | None, began: float
) -> dict[str, Any]:
    scheduler = _environment.scheduler_facts()
    argv = request.command or getattr(sys, "orig_argv", sys.argv)
    return {
        "start": _series.utc(began),
        **_process.identity(),
        "argv": redactor.argv(list(argv), "argv"),
        "cwd": _working_directory(),
        "sha": sha,
        **({"outside": True} if request.command else {}),
        **({"scheduler": scheduler} if scheduler else {}),
    }


def _working_directory() -> str:
    try:
        return str(_json.plain(os.getcwd()))
    except OSError:
        return ""


def _metadata(
    request: Request,
    code: _git.Code,
    session: dict[str, Any],
    folder: _folder.Folder,
    redactor: _redact.Redactor,
) -> dict[str, Any]:
    """The keys of 2020 first, in their order, then what format 1 adds."""
    metadata = {
        "githead-sha": code.sha,
        "githead-message": code.message,
        "description": request.description,
        "timestamp": session["start"],
        "start-time": session["start"],
        "command": redactor.argv(list(request.command or sys.argv)),
        "format": _folder.FORMAT,
    }
    parent = _experiment_where.parent()
    if parent is not None:
        metadata["parent"] = {
            "id": os.path.basename(parent[1]),
            "folder": _relative(parent[1], folder.path),
        }
    if request.reproduces:
        metadata["reproduces"] = {"id": request.reproduces}
    metadata["git"] = redactor.mapping(code.facts, "git")
    metadata["sessions"] = [session]
    if redactor.hits:
        metadata["redacted"] = redactor.hits
    return metadata


def _relative(path: str, start: str) -> str:
    try:
        return os.path.relpath(path, start).replace(os.sep, "/")
    except ValueError:  # another drive on Windows
        return path
