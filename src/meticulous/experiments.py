"""The reading half: a folder of recorded experiments.

Reading needs no git, no repository and no network, prints nothing and writes nothing but a cache
in the user's own cache folder. Whatever is in a folder, reading it raises nothing: what could not
be read is a sentence in ``problems``.
"""

from __future__ import annotations

import copy
import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import _folder
from ._experiments_reader import ExperimentReader
from ._experiments_row import lazy_rows
from ._index import Index
from .errors import StorageError

__all__ = ["ExperimentReader", "Experiments"]


class Experiments(Mapping[str, ExperimentReader]):
    """Read a folder of experiments: a mapping of ids to readers.

    Numbers come first, in their order, then names. The folder is listed once, at the start and by
    `refresh_experiments`; files are read when a reader is asked. What was read is
    kept in a cache of the user's, so that a file that did not change is not read again.

    Args:
        project_directory: where the experiments folder is, or that folder itself where it has
            the same name; empty for the nearest folder upward from the working directory, within
            its repository, that has one.
        experiments_directory: the folder, relative to the project, or where there is none to the
            working directory; None for ``experiments`` in the project.
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
            os.fspath(project_directory), os.fspath(experiments_directory or "")
        )
        self._inside = os.path.join(self.experiments_directory, "")
        self._reader = reader
        self._index = Index(self.experiments_directory)
        self._readers: dict[str, ExperimentReader | None] = {}
        self._whole: Experiments | None = None  # of a choice: all, which the cache is kept for
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

    def _repr_html_(self) -> str:
        from ._experiments_html import several

        return several(self)

    def refresh_experiments(self) -> None:
        """List the folder again, and read everything again when it is asked for.

        A choice of experiments, as `filter` gives it, stays that choice.
        """
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
        if self._whole is not None:
            there = set(ids)
            ids = [expid for expid in self._readers if expid in there]
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

    def filter(self, expression: str) -> Experiments:
        """Give the experiments for which an expression is true, as a mapping like this one.

        Args:
            expression: such as ``args.lr > 0.01 and summary.acc > 0.9``; see
                docs/guides/filter.md. It is never evaluated as Python.

        Raises:
            QueryError: the expression is wrong, or names what no experiment has.
        """
        from . import _query

        return self._only(_query.compile(expression).filter(self.lazy_rows()))

    def sort(self, *names: str, reverse: bool = False) -> Experiments:
        """Give the same experiments in the order of some values, the smallest first.

        What lacks the value comes last in either direction.

        Args:
            *names: such as ``summary.acc``; later ones decide between equals.
            reverse: the largest first.

        Raises:
            SettingError: a name is of no value, or could be of several.
        """
        from . import _query_names, _query_rows

        rows = self.lazy_rows()
        fields = _query_rows.key_fields(names, _query_names.Names(rows), "names") if rows else []
        return self._only(_query_rows.ordered(rows, fields, descending=reverse))

    def only(self, ids: Iterable[str]) -> Experiments:
        """Give some experiments as a mapping like this one.

        Args:
            ids: of the experiments, in the order that is wanted.

        Raises:
            KeyError: there is no such experiment.
        """
        return self._only([{"expid": expid} for expid in ids])

    def _only(self, rows: Iterable[Mapping[str, Any]]) -> Experiments:
        other = copy.copy(self)
        other._readers = {row["expid"]: self._readers[row["expid"]] for row in rows}
        other._whole = self._whole or self
        return other

    def remember(self) -> None:
        """Write what was read since into the user's cache; done by everything here that reads many
        experiments. Raises nothing; a cache that cannot be written only costs time.
        """
        self._index.save((self._whole or self)._readers)

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
        from . import _experiments_frames

        return _experiments_frames.pandas_frame(self, normalize_json_values)

    def to_polars(self) -> Any:
        """Give all experiments as a polars data frame, one row each, in their order.

        The columns are ``expid``, ``sha``, ``start_time``, ``duration``, ``status``,
        ``status_message``, ``description``, then one for each arg, summary value and annotation
        that some experiment has, such as ``args.model.width`` and ``summary.loss``. A column is
        of truth values, integers, floats or text when all its values are. One of different kinds
        or of lists is text: as recorded, or JSON. What an experiment lacks is null, NaN is NaN.

        Raises:
            MeticulousError: polars is not installed.
        """
        from . import _experiments_frames

        return _experiments_frames.polars_frame(self)

    def to_arrow(self) -> Any:
        """Give all experiments as a pyarrow table, with the columns of `to_polars`.

        Raises:
            MeticulousError: pyarrow is not installed.
        """
        from . import _experiments_frames

        return _experiments_frames.arrow_table(self)


def _root(project: str, given: str) -> str:
    """Find the experiments folder; see `Experiments` for the rules."""
    directory = given or "experiments"
    if project:
        inside = os.path.abspath(os.path.join(project, directory))
        if os.path.isdir(inside):
            return inside
        itself = os.path.abspath(project)
        name = os.path.basename(os.path.abspath(directory))
        if os.path.basename(itself) == name and os.path.isdir(itself):
            return itself
        # In 2020 a folder that was named was relative to the working directory even so.
        is_near = given and os.path.isdir(project) and os.path.isdir(given)
        return os.path.abspath(given) if is_near else inside
    here = os.getcwd()
    return os.path.abspath(os.path.join(_folder.find_store(here, directory) or here, directory))
