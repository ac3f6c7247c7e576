"""A local-first, git-based experiment tracker for machine learning.

    from meticulous import Experiment

    experiment = Experiment({"lr": 0.1})
    experiment.log({"loss": 0.5}, step=0)
    experiment.summary({"acc": 0.97})

Names are loaded when first used, so that importing costs nothing that is not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import (
        DirtyRepoException,
        GitError,
        LiveExperimentError,
        MeticulousError,
        MismatchedArgsException,
        MismatchedCommitException,
        QueryError,
        SettingError,
        StorageError,
    )
    from .experiment import Experiment
    from .experiments import ExperimentReader, Experiments
    from .web._notebook import ui

__all__ = [
    "DirtyRepoException",
    "Experiment",
    "ExperimentReader",
    "Experiments",
    "GitError",
    "LiveExperimentError",
    "MeticulousError",
    "MismatchedArgsException",
    "MismatchedCommitException",
    "QueryError",
    "SettingError",
    "StorageError",
    "ui",
]

name = "meticulous"
__version__ = "1.0.0.dev0"

_HOMES = {
    "Experiment": "experiment",
    "ExperimentReader": "experiments",
    "Experiments": "experiments",
    "ui": "web._notebook",
}


def __getattr__(wanted: str) -> Any:
    if wanted not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {wanted!r}")
    import importlib

    value = getattr(importlib.import_module(f".{_HOMES.get(wanted, 'errors')}", __name__), wanted)
    globals()[wanted] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
