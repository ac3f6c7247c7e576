"""What would be recorded here and now: every sense looks once, nothing is written."""

from __future__ import annotations

import os
import threading
from typing import Any

from . import _environment, _folder, _git, _settings
from ._experiment_where import inert_reason, locate
from .errors import MeticulousError

__all__ = ["examine"]

_PATIENCE = 3.0  # a broken driver hangs for ever


def examine(project_directory: str, experiments_directory: str | None) -> dict[str, Any]:
    """Look at what an experiment that starts here would meet.

    Args:
        project_directory: empty for the one around the working directory.
        experiments_directory: None for ``experiments``.

    Returns:
        ``project`` and ``experiments`` (absolute paths), ``exists`` and ``writable`` of the latter,
        ``ids`` (how many experiments), ``settings`` that are not the default, ``settings-problem``,
        ``inert`` (why nothing would be recorded), ``sha``, ``git`` (facts), ``environment`` (as in
        environment.json, without the packages), ``devices``.

    Raises:
        SettingError: the project directory does not exist.
    """
    project, root = locate(project_directory, experiments_directory or "experiments")
    found: dict[str, Any] = {"project": project, "experiments": root}
    found |= _place(root)
    defaults = {setting.name: setting.default for setting in _settings.TABLE}
    try:
        settings = _settings.resolve(project, {})
    except MeticulousError as error:
        settings = defaults
        found["settings-problem"] = str(error)
    changed = {name: value for name, value in settings.items() if value != defaults.get(name)}
    found["settings"] = changed
    found["inert"] = inert_reason(settings)
    code = _git.look(project, ignore=root, time_limit=settings["git_seconds"])
    found["sha"], found["git"] = code.sha, code.facts
    environment = _environment.facts("")
    found["environment"] = {
        name: value for name, value in environment.items() if "packages" not in name
    }
    found["devices"] = _devices()
    return found


def _place(root: str) -> dict[str, Any]:
    existing = root
    while not os.path.isdir(existing) and os.path.dirname(existing) != existing:
        existing = os.path.dirname(existing)
    try:
        count = len(_folder.experiment_ids(root)) if existing == root else 0
    except OSError:
        count = 0
    writable = os.access(existing, os.W_OK | os.X_OK)
    return {"exists": existing == root, "writable": writable, "ids": count}


def _devices() -> dict[str, Any]:
    """The accelerators, asked in a thread that may be left behind."""
    answer: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: answer.append(_environment.devices()), daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    return answer[0] if answer else {"problem": f"the driver did not answer in {_PATIENCE:g} s"}
