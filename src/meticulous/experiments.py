"""The reading half: a folder of recorded experiments.

Reading needs no git, no repository and no network, prints nothing and writes nothing but a cache
in the user's own cache folder. Whatever is in a folder, reading it raises nothing: what could not
be read is a sentence in ``problems``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import _folder
from ._experiments_reader import ExperimentReader
from ._experiments_row import lazy_rows
from ._index import Index
from .errors import MeticulousError, StorageError

__all__ = ["ExperimentReader", "Experiments"]

_HEADER = ("sha", "start_time", "status", "status_message")
_GROUPS = ("header", "args", "default_args", "metadata", "summary")


class Experiments(Mapping[str, ExperimentReader]):
    """Read a folder of experiments: a mapping of ids to readers.

    Numbers come first, in their order, then names. The folder is listed once, at the start and by
    `refresh_experiments`; files are read when a reader is asked. What was read is
    kept in a cache of the user's, so that a file that did not change is not read again.

    Args:
        project_directory: where the experiments folder is; empty for the nearest folder upward
            from the working directory, within its repository, that has one.
        experiments_directory: the folder, relative to the project; None for ``experiments``.
        reader: makes the reader of a path, such as a class derived from `ExperimentReader`. Where
            it raises, a plain reader stands in, and the error is among its problems.

    Attributes:
        experiments_directory: the absolute path of the folder.

    Raises:
        StorageError: there is no such folder, or it cannot be listed.
    """

    def __init__(
        self,
        project_directory: str | os.PathLike[str] = "",
        experiments_directory: str | os.PathLike[str] | None = None,
        reader: Any = ExperimentReader,
    ) -> None:
        self.experiments_directory = _root(
            os.fspath(project_directory), os.fspath(experiments_directory or "experiments")
        )
        self._inside = os.path.join(self.experiments_directory, "")
        self._reader = reader
        self._index = Index(self.experiments_directory)
        self._readers: dict[str, ExperimentReader | None] = {}
        self.refresh_experiments()

    def __getitem__(self, expid: str) -> ExperimentReader:
        reader = self._readers[expid]
        if reader is None:
            reader = self._readers[expid] = self._made(expid)
        return reader

    def __contains__(self, expid: object) -> bool:
        return expid in self._readers

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)

    def __repr__(self) -> str:
        return f"<{len(self)} experiments in {self.experiments_directory}>"

    def refresh_experiments(self) -> None:
        """List the folder again, and read everything again when it is asked for."""
        root = self.experiments_directory
        try:
            ids = _folder.experiment_ids(root)
        except FileNotFoundError:
            raise StorageError(
                f"There is no experiments folder {root}.",
                "Record an experiment first, or name the folder.",
                path=root,
                errno=errno.ENOENT,
            ) from None
        except OSError as error:
            raise StorageError.from_oserror("list", root, error) from error
        self._readers = dict.fromkeys(ids)

    @property
    def experiments(self) -> dict[str, ExperimentReader]:
        """The readers by id."""
        return dict(self)

    def _made(self, expid: str) -> ExperimentReader:
        path = f"{self._inside}{expid}"
        kind = self._reader
        derived = isinstance(kind, type) and issubclass(kind, ExperimentReader)
        reader: ExperimentReader
        try:
            if derived:
                reader = kind.__new__(kind, path)
                reader._index = self._index  # before __init__, which may read
                reader.__init__(path)  # type: ignore[misc]
            else:
                reader = kind(path)
        except Exception as error:  # whatever a derived class does, the others stay readable
            reader = ExperimentReader(path)
            name = getattr(kind, "__name__", "the reader")
            reader._problems["reader"] = f"{name} raised {type(error).__name__}: {error}"
        return reader

    def rows(self, ids: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Give each experiment as one plain object, see `ExperimentReader.row`; experiments whose
        folder vanished meanwhile are left out.

        Args:
            ids: the experiments that are wanted, in this order; None for all.
        """
        rows = [self[expid].row() for expid in (self if ids is None else ids)]
        self.remember()
        return [row for row in rows if row["metadata"] or os.path.isdir(row["curexpdir"])]

    def lazy_rows(self) -> list[dict[str, Any]]:
        """Give the same as `rows`, but each value is read when it is first asked for: for a look
        at some values of very many experiments.

        The rows are for code in Python; give ``dict(row)`` to libraries that look into
        dictionaries in other ways, such as polars. With a derived reader they are `rows`.
        """
        if self._reader is not ExperimentReader:
            return self.rows()
        rows = lazy_rows(self._inside, self, self._index, self._made)
        self.remember()
        return rows

    def each(self) -> Iterator[ExperimentReader]:
        """Give a reader of every experiment in turn and keep none of them, so that a look at a
        few values of very many experiments needs little memory.
        """
        for expid, reader in self._readers.items():
            yield reader or self._made(expid)
        self.remember()

    def remember(self) -> None:
        """Write what was read since into the user's cache; done by everything here that reads many
        experiments. Raises nothing; a cache that cannot be written only costs time.
        """
        self._index.save(self._readers)

    def as_dataframe(self, normalize_json_values: int = 0) -> Any:
        """Give all experiments as a pandas data frame, one row each, in their order.

        The index holds the ids. The columns have two levels, group and name: header (sha,
        start_time, status, status_message), args, default_args, metadata, summary, then what
        derived readers add. What an experiment lacks is NaN.

        Args:
            normalize_json_values: how many levels of nested objects become further levels of the
                columns; shallower columns are filled up with empty text.

        Raises:
            MeticulousError: pandas is not installed.
        """
        try:
            import pandas  # type: ignore[import-not-found, import-untyped, unused-ignore]
        except ImportError:
            raise MeticulousError(
                "A data frame needs pandas, which is not installed.",
                "Install it with: pip install 'meticulous-ml[pandas]'",
            ) from None
        rows = [_unrolled(reader.df_vars(), normalize_json_values) for reader in self.values()]
        self.remember()
        found: dict[tuple[str, ...], None] = dict.fromkeys(("header", name) for name in _HEADER)
        found.update(dict.fromkeys(column for row in rows for column in row))
        found.pop(("header", "expid"), None)
        groups = dict.fromkeys([*_GROUPS, *(column[0] for column in found)])
        columns = [column for group in groups for column in found if column[0] == group]
        levels = max(map(len, columns))
        nan = float("nan")
        frame = pandas.DataFrame(
            {n: [row.get(column, nan) for row in rows] for n, column in enumerate(columns)},
            index=pandas.Index(list(self), name=("header", "expid"), dtype=object),
        )
        frame.columns = pandas.MultiIndex.from_tuples(
            [column + ("",) * (levels - len(column)) for column in columns]
        )
        return frame


def _unrolled(groups: Mapping[str, Any], levels: int) -> dict[tuple[str, ...], Any]:
    """Give each value of a row the tuple of names that leads to it."""
    found: dict[tuple[str, ...], Any] = {}

    def visit(path: tuple[str, ...], value: Any) -> None:
        if isinstance(value, Mapping) and (len(path) < 2 or (value and len(path) < 2 + levels)):
            for name, inner in value.items():
                visit((*path, str(name)), inner)
        else:
            found[path] = value

    visit((), groups)
    return found


def _root(project: str, directory: str) -> str:
    """Find the experiments folder; see `Experiments` for the rules."""
    if project:
        inside = os.path.abspath(os.path.join(project, directory))
        # In 2020 it was relative to the working directory even so.
        return inside if os.path.isdir(inside) else _existing(directory) or inside
    here = os.getcwd()
    return os.path.abspath(os.path.join(_folder.find_store(here, directory) or here, directory))


def _existing(directory: str) -> str:
    return os.path.abspath(directory) if os.path.isdir(directory) else ""
