"""The page within a notebook: as data in a frame that can reach nothing, without a server."""

from __future__ import annotations

import os
from html import escape

from ..errors import MeticulousError
from ..experiments import Experiments

__all__ = ["Shown", "ui"]

_LARGEST = 4_000_000
_MOST = 500


def ui(
    project_directory: str | os.PathLike[str] = "",
    experiments_directory: str | os.PathLike[str] | None = None,
    height: int = 600,
) -> Shown:
    """Give the page of a folder of experiments, for a notebook to show as the value of a cell.

    It is how the experiments are now, at most the newest 500 and 4 MB, which the notebook keeps
    when it is saved; ``meticulous ui`` is live and shows all. Where the page was not built into
    the installation, a table is shown.

    Args:
        project_directory: as for `Experiments`.
        experiments_directory: as for `Experiments`.
        height: in pixels.

    Raises:
        StorageError: there is no such folder.
    """
    return Shown(Experiments(project_directory, experiments_directory), height)


class Shown:
    """Experiments that a notebook shows as the page.

    Args:
        store: the experiments.
        height: in pixels.
    """

    def __init__(self, store: Experiments, height: int) -> None:
        self._store, self._height = store, int(height)

    def __repr__(self) -> str:
        place = self._store.experiments_directory
        return f"<page of {len(self._store)} experiments in {place}, for a notebook>"

    def _repr_html_(self) -> str:
        from . import _export
        from .api import Api
        from .server import static_folder

        static = static_folder()
        if not static or not self._store:
            return self._store._repr_html_()
        api = Api(self._store.only(list(self._store)[-_MOST:]), True)
        try:
            page = _export.page(api, static, largest=_LARGEST).data.decode()
        except MeticulousError:  # not even their table fits
            return self._store._repr_html_()
        # No allow-same-origin: what is in the frame cannot touch the notebook.
        return (
            f'<iframe sandbox="allow-scripts allow-downloads" height="{self._height}" '
            'style="width:100%;border:1px solid #8888" title="experiments" '
            f'srcdoc="{escape(page)}"></iframe>'
        )
