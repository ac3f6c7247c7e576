"""Where an experiment is kept, and whether this process makes one at all."""

from __future__ import annotations

import os
import sys
from typing import Any

from . import _folder, _lifecycle, _process
from .errors import SettingError

__all__ = ["inert_reason", "locate", "parent"]


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
    found = parent()
    return _is_prepared() or (found is not None and found[0] == _process_parent())


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


def parent() -> tuple[int, str] | None:
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
