"""What happens before the first step: decide where, check the code, claim or continue a folder.

Everything that can be wrong is found out before anything is created, and is one clear error.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, NamedTuple

from . import (
    _arguments,
    _environment,
    _experiment_resume,
    _folder,
    _git,
    _json,
    _lifecycle,
    _process,
    _redact,
    _series,
)
from ._experiment_resume import Request
from .errors import LiveExperimentError, SettingError

__all__ = ["Request", "Start", "begin", "inert_reason", "locate"]


class Start(NamedTuple):
    """A folder that is claimed or continued, with RUNNING in it."""

    folder: _folder.Folder
    metadata: dict[str, Any]
    number: int
    redactor: _redact.Redactor
    repository: str | None


def locate(project_directory: str, experiments_directory: str) -> tuple[str, str]:
    """Find the project and its experiments folder.

    A project directory that is given is taken as given. Otherwise it is the nearest folder upward
    from the working directory that already has the experiments folder, else the nearest with a
    pyproject.toml, both within the repository; else the working directory.

    Returns:
        Absolute paths of the project directory and of the experiments folder.

    Raises:
        SettingError: the project directory does not exist.
    """
    project = os.path.abspath(project_directory or os.getcwd())
    if project_directory and not os.path.isdir(project):
        raise SettingError(
            f"The project directory {project} does not exist.",
            "Give one that does, or none.",
            name="project_directory",
            value=project_directory,
        )
    if not project_directory:
        with_project = (
            folder
            for folder in _folder.upward(project)
            if os.path.isfile(os.path.join(folder, "pyproject.toml"))
        )
        store = _folder.find_store(project, experiments_directory)
        project = store or next(with_project, project)
    return project, os.path.abspath(os.path.join(project, experiments_directory))


def inert_reason(settings: dict[str, Any]) -> str:
    """Why this process makes no experiment; empty when it does."""
    if settings["norecord"]:
        return "norecord"
    if _lifecycle.inherited():
        return "forked from a program whose experiment is open"
    if _is_worker():
        return "a multiprocessing child of a program whose experiment is open"
    rank = _process.rank()
    if rank is not None and int(rank[1]) != 0 and settings["ranks"] == "first":
        return f"{rank[0]}={rank[1]}"
    return ""


def _is_worker() -> bool:
    """Whether multiprocessing made this process for a program whose experiment is open."""
    parent = _parent()
    return _is_prepared() or (parent is not None and parent[0] == _process_parent())


def _is_prepared() -> bool:
    """Whether multiprocessing runs the main module again, to make a child like its parent.

    An experiment at the top of that module is the parent's.
    """
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "__mp_main__" and frame.f_code.co_name == "<module>":
            return True
        frame = frame.f_back
    return False


def _process_parent() -> int | None:
    """Pid of the process that made this one by multiprocessing."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    process = multiprocessing.parent_process() if multiprocessing is not None else None
    return None if process is None else int(process.pid)


def _parent() -> tuple[int, str] | None:
    """Pid and folder of the experiment that the program which started this one had open."""
    pid, _, folder = (_lifecycle.parent() or "").partition(":")
    if not pid.isdigit() or not folder:
        return None
    # The environment of a forkserver is that of the time when it was started.
    if int(pid) == _process_parent() and _folder.Folder(folder).read_status() not in (
        "",
        "RUNNING",
    ):
        return None
    return int(pid), folder


def begin(request: Request, settings: dict[str, Any], project: str, root: str) -> Start:
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
    code = _git.read_code(
        project,
        dirty=settings["dirty"],
        sources=_git.loaded_sources(),
        ignore=root,
        time_limit=settings["git_seconds"],
    )
    session = _session(redactor, code.sha, began)
    _folder.prepare_root(root)
    wanted = _experiment_resume.Wanted(
        experiment_id or None, request.resume, args, code.sha, code.facts.get("snapshot")
    )
    carried = _continued(root, wanted, session, request, redactor)
    if carried is not None:
        return Start(*carried, redactor, _git.find_root(project))
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
    folder.begin(documents, code.patch, "RUNNING")
    return Start(folder, metadata, 1, redactor, _git.find_root(project))


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


def _session(redactor: _redact.Redactor, sha: str | None, began: float) -> dict[str, Any]:
    scheduler = _environment.scheduler_facts()
    return {
        "start": _series.utc(began),
        **_process.identity(),
        "argv": redactor.argv(list(getattr(sys, "orig_argv", sys.argv)), "argv"),
        "cwd": _working_directory(),
        "sha": sha,
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
        "command": redactor.argv(list(sys.argv)),
        "format": _folder.FORMAT,
    }
    parent = _parent()
    if parent is not None:
        metadata["parent"] = {
            "id": os.path.basename(parent[1]),
            "folder": _relative(parent[1], folder.path),
        }
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
