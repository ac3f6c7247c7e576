"""Git, asked early: what else a start needs is loaded while it answers."""

from __future__ import annotations

import threading
from typing import Any

from . import _git

__all__ = ["Asked"]


class Asked:
    """Git, asked which code runs, in a thread, since it is other processes that one waits for.

    Args:
        project: the project directory.
        root: the experiments folder, which never counts as code.
        settings: as `_settings.resolve` gives them.
        sources: absolute paths of the source files; None for those of this program.
    """

    def __init__(
        self,
        project: str,
        root: str,
        settings: dict[str, Any],
        sources: list[str] | None = None,
    ) -> None:
        self._sources = sources
        self._arguments = (project, root, settings)
        self._code: _git.Code | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._ask, name="meticulous-git", daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        project, root, settings = self._arguments
        try:
            self._code = _git.read_code(
                project,
                dirty=settings["dirty"],
                sources=_git.loaded_sources() if self._sources is None else self._sources,
                ignore=root,
                time_limit=settings["git_seconds"],
            )
        except BaseException as error:  # raised where the answer is asked for
            self._error = error

    def answer(self) -> _git.Code:
        """Wait for the answer.

        Raises:
            MeticulousError: as `_git.read_code`.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._code is not None
        return self._code
