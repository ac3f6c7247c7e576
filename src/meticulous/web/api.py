"""Questions about a store, answered as plain data; no socket, no framework.

Each answer is what the command line gives for the same question. Nothing is changed but
annotations, and those only through `Api.annotations`.
"""

from __future__ import annotations

import errno
import os
import platform
import threading
from collections.abc import Sequence
from typing import Any

from .. import _annotations, _compare_page, _experiments_whole, _folder, _status, compare
from ..errors import MeticulousError, SettingError, StorageError
from ..experiments import ExperimentReader, Experiments
from . import _code, _console, _content, _curves, _preparing, _routes
from ._columns import Columns
from ._groups import groups
from ._rows import Rows
from ._watch import Watch

__all__ = ["Api", "NotFoundError", "RefusedError"]

MOST_COMPARED = 20
MOST_CURVES = 1000
_AT_ONCE = 400
_LOOKED_AT = 50
_PATIENCE_SECONDS = 5.0


class NotFoundError(MeticulousError):
    """There is no such experiment or file."""

    status = 404


class RefusedError(MeticulousError):
    """It may not be done."""

    status = 403


class Api:
    """Answers to the questions of `_routes.ROUTES`, one method each; threads may share it.

    Args:
        store: the experiments.
        read_only: whether annotations are refused, too.
        version: of meticulous.
    """

    def __init__(self, store: Experiments, read_only: bool = False, version: str = "") -> None:
        self._store = store
        self._read_only = read_only
        self._meticulous = version
        self._loading = threading.Lock()
        self._loaded = threading.Event()
        self._loader: threading.Thread | None = None
        self._failure: MeticulousError | None = None
        self._is_closed = False
        self._is_ahead = False
        self._rows: Rows | None = None
        self._looking = threading.Lock()
        self._watch = Watch(store)
        self._consoles = _console.Consoles()
        self._mains = _curves.Mains()
        self._mains_lock = threading.Lock()
        self._preparing = _preparing.Preparing()
        self._reading_ahead = _preparing.Preparing(1, nice=10)
        self._turn = 0
        self._untold: dict[str, None] = {}
        self._is_part_told = False
        self.version = 1
        """Grows whenever an experiment appeared, vanished or changed."""

    def answer(self, route: _routes.Route, parameters: dict[str, Any]) -> Any:
        """Give the answer to a question.

        Args:
            route: the question.
            parameters: as `_routes.parsed` gives them, and the ``expid``.

        Raises:
            SettingError: what is asked cannot be understood.
            NotFoundError: there is no such experiment or file.
            RefusedError: it may not be done.
            StorageError: it cannot be read or written.
        """
        return getattr(self, route.name)(**parameters)

    # ------------------------------------------------------------------------ the table

    def begin(self, ahead: bool = False) -> None:
        """Begin to read what all experiments have, which takes seconds for very many.

        Args:
            ahead: then also go on with the long curves of the newest.
        """
        with self._loading:
            self._is_ahead = self._is_ahead or ahead
            if self._loader is None:
                self._loaded.clear()
                name = "meticulous-read"
                self._loader = threading.Thread(target=self._load, name=name, daemon=True)
                self._loader.start()

    def _load(self) -> None:
        try:
            self._watch.look(())
            self._rows = Rows(Columns(self._store, list(self._store), self._go_on))
        except MeticulousError as error:
            self._failure, self._loader = error, None
        finally:
            self._loaded.set()
        self._store.remember()
        if self._is_ahead and self._rows is not None:
            newest = list(self._store)[: -_curves.MOST_AHEAD - 1 : -1]
            self._reading_ahead.begin(_curves.ahead(map(self._store._made, newest)))

    def _go_on(self) -> None:
        if self._is_closed:
            raise StorageError("The page is closed.")

    def load(self) -> Rows:
        """Give what all experiments have, when it is read.

        Raises:
            StorageError: it cannot be read, or `close` was called.
        """
        if self._rows is None:
            self.begin()
            self._loaded.wait()
        if self._rows is None:
            raise self._failure or StorageError("The experiments cannot be read.")
        return self._rows

    def close(self) -> None:
        """Have what still reads come to an end."""
        self._is_closed = True
        self._preparing.close()
        self._reading_ahead.close()

    def store(self) -> dict[str, Any]:
        """What the store is."""
        root = self._store.experiments_directory
        return {
            "root": root,
            "title": os.path.basename(os.path.dirname(root)) or root,
            "count": len(self._store),
            "version": self.version,
            "read_only": self._read_only,
            "meticulous": self._meticulous,
            "host": platform.node(),
        }

    def columns(self, filter: str = "") -> list[dict[str, Any]]:
        """What there is to show, filter and sort by, over the experiments that match."""
        return self.load().facts(filter)

    def rows(
        self,
        filter: str = "",
        sort: str = "",
        columns: str = "",
        groupby: str = "",
        ids: str = "",
        offset: int = 0,
        limit: int = 200,
    ) -> dict[str, Any]:
        """A part of the table."""
        some = self._ids(ids) if ids else None
        version = self.version
        rows = self._rows
        if rows is None and some is None and not (filter or sort or groupby):
            rows = self._first_rows(offset, limit)
        rows = rows or self.load()
        with rows.columns.lock:
            if groupby:
                found = groups(rows, filter, sort, columns, groupby, offset, limit)
            else:
                found = rows.window(filter, sort, columns, offset, limit, some)
        return found | {"version": version}

    def _first_rows(self, offset: int, limit: int) -> Rows | None:
        """The rows of one window, read by themselves while the others are still being read."""
        ids = list(self._store)[::-1]
        if len(ids) <= _AT_ONCE or limit > _AT_ONCE:
            return None
        self.begin()
        self._is_part_told = True
        some = ids[offset : offset + limit]
        return Rows(Columns(self._store, some[::-1]), (len(ids), offset))

    def main(self, ids: str = "") -> dict[str, Any]:
        """A small curve of each experiment."""
        readers = [self._store._made(expid) for expid in self._ids(ids)[:5000]]
        self._preparing.now(_curves.lacking(readers))
        with self._mains_lock:
            return self._mains.of(readers)

    # ------------------------------------------------------------------------ one experiment

    def experiment(self, expid: str) -> dict[str, Any]:
        """What ``meticulous show --json`` prints."""
        return _experiments_whole.everything(self._reader(expid))

    def console(
        self, expid: str, stream: str = "stdout", start: int = 0, count: int = 500, search: str = ""
    ) -> dict[str, Any]:
        """Lines that it printed."""
        path = os.path.join(self._reader(expid).curexpdir, stream)
        try:
            return self._consoles.page(path, start, count, search)
        except OSError as error:
            raise _unreadable(stream, path, error) from error

    def files(self, expid: str) -> list[dict[str, Any]]:
        """The files in its folder, at most 10,000."""
        return _content.listing(self._reader(expid).curexpdir)[0]

    def file(self, expid: str, path: str) -> _content.Content:
        """One file, open; who gets it closes it."""
        folder = self._reader(expid).curexpdir
        try:
            return _content.content(folder, path)
        except (OSError, ValueError) as error:
            raise _unreadable(path, folder, error) from error

    def preview(self, expid: str, path: str) -> dict[str, Any]:
        """What can be shown of a file."""
        folder = self._reader(expid).curexpdir
        try:
            return _content.preview(folder, path)
        except (OSError, ValueError) as error:
            raise _unreadable(path, folder, error) from error

    def code(self, expid: str, against: str = "base") -> dict[str, Any]:
        """The code that ran, and how it differs from its base or from what is checked out."""
        places = _code.directories(self._store.experiments_directory)
        return _code.code(self._reader(expid), against, places)

    # ------------------------------------------------------------------------ several

    def metrics(self, ids: str = "", sketch: bool = False) -> dict[str, list[str]]:
        """The names of metrics, each with the ids of those that logged it."""
        readers = [self._store._made(expid) for expid in self._ids(ids)[:MOST_CURVES]]
        if not sketch:
            self._preparing.now(_curves.lacking(readers))
        return _curves.metrics(readers, only_sketched=sketch)

    def curves(
        self,
        ids: str = "",
        metric: str = "",
        x: str = "step",
        low: float | None = None,
        high: float | None = None,
        points: int = 600,
        raw: bool = False,
        log: bool = False,
        sketch: bool = False,
    ) -> list[dict[str, Any]]:
        """The curve of one metric of each experiment that has it."""
        readers = [self._store._made(expid) for expid in self._ids(ids)[:MOST_CURVES]]
        question = _curves.Question(metric, x, low, high, points, raw, log)
        if sketch:
            return _curves.sketches(readers, question)
        self._preparing.now(_curves.lacking(readers, question))
        return _curves.curves(readers, question)

    def compare(self, ids: str = "") -> dict[str, Any]:
        """What ``meticulous diff --json`` prints."""
        wanted = self._ids(ids)
        if not 2 <= len(wanted) <= MOST_COMPARED:
            raise SettingError(
                f"A comparison needs from 2 to {MOST_COMPARED} experiments, not {len(wanted)}."
            )
        readers = [self._store._made(expid) for expid in wanted]
        places = _code.directories(self._store.experiments_directory)
        found = compare.compare(readers, directories=places, patch=True)
        return compare.plain(readers, found, compare.verdict(found, wanted))

    def table(
        self,
        rows: str,
        cell: str,
        cols: str = "",
        seed: str = "",
        spread: str = "std",
        filter: str = "",
    ) -> dict[str, Any]:
        """What ``meticulous table --json`` prints, with its LaTeX and its Markdown."""
        layout = _compare_page.Layout([rows], [cols] if cols else [], [cell], seed, spread)
        return _compare_page.answer(self._store, layout, filter or None)

    def _ids(self, text: str) -> list[str]:
        """The experiments that are meant, as far as there are such; each once."""
        if text in self._store:
            return [text]
        found = (part.strip() for part in text.split(","))
        return list(dict.fromkeys(expid for expid in found if expid in self._store))

    def _reader(self, expid: str) -> ExperimentReader:
        if expid not in self._store:
            raise NotFoundError(f"There is no experiment {expid[:200]!r}.")
        return self._store._made(expid)

    # ------------------------------------------------------------------------ changes

    def annotations(self, expid: str, action: str, value: Any) -> dict[str, Any]:
        """Tag, untag, name an experiment or add a note to it; gives what is noted now.

        Raises:
            SettingError: the action or its value cannot be used.
            RefusedError: nothing may be changed.
            StorageError: it cannot be written; nothing was changed.
        """
        if self._read_only:
            raise RefusedError("This page was opened with --read-only.", "Nothing can be changed.")
        reader = self._reader(expid)
        line = _annotations.change(action, _routes.checked(action, value))
        if action == "name":
            _annotations.check_name(line["value"], self._store)
        folder = _folder.Folder(os.path.join(self._store.experiments_directory, expid))
        try:
            done = _annotations.apply(folder, [line], _PATIENCE_SECONDS)
        except OSError as error:
            path = os.path.join(reader.curexpdir, _folder.ANNOTATIONS)
            raise StorageError.from_oserror("write", path, error) from error
        self.refresh([expid])
        return done.annotations

    def refresh(self, annotated: Sequence[str] = ()) -> dict[str, Any] | None:
        """Look at the store, and take in what changed.

        Args:
            annotated: experiments that are known to have changed; they and all else that is
                found now is told again by the next call without any, which is that for the pages.

        Returns:
            What the page is told: ``version``, ``count``, ``changed``, ``running``; None when
            nothing changed.

        Raises:
            StorageError: the store cannot be listed.
        """
        columns = self.load().columns
        with self._looking:
            unended = columns.of_status(_status.RUNNING, _status.SILENT)
            seen = self._watch.look(unended)
            changed = {**seen.changed, **dict.fromkeys(annotated)}
            changed.update(dict.fromkeys(self._ended(columns, unended)))
            if changed:
                columns.update(changed, seen.ids)
            told = {**self._untold, **changed, **seen.grown}
            self._untold = told if annotated else {}
            if not told and not self._is_part_told:
                return None
            self._is_part_told = False
            self.version += 1
            return {
                "version": self.version,
                "count": len(seen.ids),
                "changed": list(told),
                "running": columns.of_status(_status.RUNNING),
            }

    def _ended(self, columns: Columns, unended: Sequence[str]) -> list[str]:
        """Those that do otherwise than before without a file of theirs having changed, since their
        process is gone or silent; of very many some in turn.
        """
        some = unended[self._turn : self._turn + _LOOKED_AT]
        self._turn = self._turn + _LOOKED_AT if self._turn + _LOOKED_AT < len(unended) else 0
        found = []
        for expid in some:
            reader = self._store._made(expid)
            status = reader.status
            now = status, status == _status.SILENT or reader.status_message
            if now != columns.state(expid):
                found.append(expid)
        return found


def _unreadable(name: str, path: str, error: OSError | ValueError) -> MeticulousError:
    number = getattr(error, "errno", None)
    if number in (errno.EACCES, errno.EPERM, errno.EIO):
        return StorageError(f"{name[:200]!r} cannot be read: {os.strerror(number)}.", path=path)
    why = "not a path within it" if isinstance(error, ValueError) else error.strerror or "unknown"
    return NotFoundError(f"{name[:200]!r} cannot be shown: {why[:1].lower()}{why[1:]}.")
