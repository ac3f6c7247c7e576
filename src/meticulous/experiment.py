"""Record an experiment: the writing half."""

from __future__ import annotations

import builtins
import contextlib
import os
import threading
import time
import warnings
from collections.abc import Iterable, Mapping
from typing import IO, TYPE_CHECKING, Any

from . import (
    _experiment_end,
    _experiment_files,
    _experiment_where,
    _folder,
    _json,
    _lifecycle,
    _series,
    _settings,
)
from ._experiment_html import Shown
from ._experiment_options import FromParser, Request
from .errors import (
    DirtyRepoException,
    MismatchedArgsException,
    MismatchedCommitException,
)

if TYPE_CHECKING:
    import types

__all__ = [
    "DirtyRepoException",
    "Experiment",
    "MismatchedArgsException",
    "MismatchedCommitException",
]

_time = time.time


class Experiment(FromParser, Shown):
    """Record this program, from here to its end, in a numbered folder.

    The folder is ``experiments/<number>/`` in the project directory; docs/reference/record.md
    describes its files. Recording ends with the ``with`` block, with `finish`, or with the
    program, whichever comes first; how it ended is then in STATUS. The program itself runs as it
    would without: same exit code, same exceptions, same output.

    Before the first step anything that stands in the way of recording is an error; after it
    nothing reaches the program: what cannot be written is counted and tried again.

    In a child process that multiprocessing or ``os.fork`` made, in ranks other than 0, and with
    ``norecord``, the same calls do nothing.

    Args:
        args: what the program was asked: a mapping, namespace, dataclass, or what another parser
            gives (docs/guides/arguments.md).
        default_args: what it would have used; None records that this is not known.
        project_directory: where the code is; empty for the nearest folder upward that has an
            experiments folder or a pyproject.toml, else the working directory.
        experiments_directory: where experiments are kept, relative to the project directory.
        experiment_id: name of the folder; the next number when not given. An existing experiment
            of that name is continued if args and commit are the same.
        description: one line for people.
        norecord: record nothing.
        resume: continue the newest experiment with the same args and commit that is not running,
            or start a new one; ``"force"``, with an id, continues also what does not match.
        dirty: ``"refuse"``, ``"snapshot"`` or ``"allow"`` code that is not committed.
        capture: ``"sys"``, ``"fd"`` (also child processes and C code) or ``"off"``.
        continue_on_error: let the ``with`` block swallow ordinary exceptions, recorded and
            printed, so that a loop goes on; never KeyboardInterrupt or SystemExit.
        strict: raise StorageError from `log` and `summary` when the record cannot be written.
        tags: words to find it by.
        name: a name for people; need not be unique.
        **settings: any other setting of docs/reference/settings.md.

    Attributes:
        curexpdir: absolute path of the folder; ``"."`` when nothing is recorded.
        metadata: content of metadata.json; empty when nothing is recorded.
        norecord: whether nothing is recorded.
        inert_reason: why nothing is recorded, empty otherwise.
        experiments_directory: absolute path of the experiments folder.
        repo_directory: top of the git repository, None without one.
        project_directory: absolute path.

    Raises:
        DirtyRepoException: the code is not committed and ``dirty`` is ``"refuse"``.
        MismatchedArgsException: the experiment to be continued was asked something else.
        MismatchedCommitException: it ran other code.
        LiveExperimentError: it is still running.
        GitError: git cannot tell what code this is.
        SettingError: an argument or a setting has a value that cannot be used.
        StorageError: the folder cannot be written.
    """

    def __init__(
        self,
        args: Any = None,
        default_args: Any = {},  # noqa: B006  (read only; the signature of 2020)
        project_directory: str | os.PathLike[str] = "",
        experiments_directory: str | os.PathLike[str] = "experiments",
        experiment_id: str | int | None = None,
        description: str = "",
        norecord: bool = False,
        *,
        resume: bool | str = False,
        dirty: str | None = None,
        capture: str | None = None,
        continue_on_error: bool = False,
        strict: bool | None = None,
        tags: Iterable[str] = (),
        name: str = "",
        **settings: Any,
    ) -> None:
        project, root = _experiment_where.locate(
            os.fspath(project_directory), os.fspath(experiments_directory)
        )
        given = {"dirty": dirty, "capture": capture, "strict": strict, **settings}
        given["norecord"] = norecord or None
        self._settings = _settings.resolve(project, given)
        self._continue_on_error = continue_on_error
        self.inert_reason = _experiment_where.inert_reason(self._settings)
        self.norecord = bool(self.inert_reason)
        self.project_directory = project
        self.experiments_directory = root
        self.repo_directory: str | None = None
        self.curexpdir = "."
        self.metadata: dict[str, Any] = {}
        self._open = False
        self._warned = False
        self._lock = threading.RLock()
        self._next_step = 0
        if self.norecord:
            return
        tags = (tags,) if isinstance(tags, str) else tuple(tags)
        self._begin(Request(args, default_args, experiment_id, description, resume, name, tags))

    def _begin(self, request: Request) -> None:
        started = time.monotonic()
        from . import _experiment_code

        project, root = self.project_directory, self.experiments_directory
        asked = _experiment_code.Asked(project, root, self._settings)
        from . import _experiment_start  # loaded while git answers

        start = _experiment_start.begin(request, self._settings, project, root, asked)
        self._folder = folder = start.folder
        self._started = started
        self._redactor = start.redactor
        self._annotations: list[dict[str, Any]] = []
        self._summary = folder.read_summary()
        self.curexpdir = folder.path
        self.metadata = start.metadata
        self.experiments_directory = os.path.dirname(folder.path)
        self.repo_directory = start.repository
        if start.number > 1:
            self._next_step = _series.next_step(folder.file(_series.METRICS))
        self._recording = start.recording(self._settings)
        self._files = start.files(project, self._settings, self._recording.files.put)
        self._put = self._recording.metrics.put
        self._recording.start()
        self._recording.record_environment(self._redactor, start.number)
        name, busy = f"{os.getpid()}:{folder.path}", self._recording.is_feeding
        self._watched = _lifecycle.Watched(self._on_end, self._on_fork, name, busy)
        _lifecycle.watch(self._watched)
        self._open = True
        if not start.is_new:
            for action, value in request.annotations().items():
                self._annotate(action.removesuffix("s"), value)

    def log(self, metrics: Mapping[str, Any], step: float | None = None) -> None:
        """Record values of metrics at one step, about a microsecond after the call.

        The line is on disk at most 0.2 s later. Values may be numbers of any library, text, or
        nested mappings (joined with ``/``); what is logged is what they hold at the call. Any
        order of steps is kept. Safe from any thread. After `finish` it warns once and does
        nothing; in child processes and with norecord it does nothing.

        Args:
            metrics: name to value. The names ``step``, ``time`` and ``session`` are the record's
                own; values given for them get an underscore.
            step: any number; one more than the last when not given, from 0.

        Raises:
            StorageError: only with ``strict``, when the record can no longer be written.
        """
        if not self._open:
            self._after_finish("log")
            return
        if step is None:
            step = self._next_step
            self._next_step = step + 1
        elif type(step) is int:
            self._next_step = step + 1
        else:
            step = self._own_step(step)
        row = _series.freeze(metrics)
        if type(row) is _series.Heavy:
            self._recording.metrics.put_heavy((step, _time(), row))
        else:
            self._put((step, _time(), row))
        if self._settings["strict"]:
            self._recording.check()

    def _own_step(self, step: Any) -> Any:
        """Read a step that is not a Python int."""
        step = _json.plain(step)
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            self._next_step = int(step) + 1
        return step

    def summary(self, summary_dict: Mapping[str, Any]) -> None:
        """Merge the values that the experiment is judged by into summary.json.

        Keys given earlier stay unless given again. On disk when the call returns, unless the
        storage takes longer than a second. Readers see the old file or the new. Works after
        `finish`, too.

        Args:
            summary_dict: name to value; any value, see docs/reference/record.md.

        Raises:
            StorageError: only with ``strict``, when the record can no longer be written.
        """
        if self.norecord:
            return
        with self._lock:
            new = _experiment_files.plain_mapping(summary_dict)
            self._summary = {**self._summary, **new}
            self._store(_folder.SUMMARY, self._summary)

    def tag(self, *tags: str) -> None:
        """Add words to find the experiment by; each is kept once.

        Args:
            *tags: words.
        """
        self._annotate("tag", list(map(str, tags)))

    def note(self, text: str) -> None:
        """Add a note for people.

        Args:
            text: any text.
        """
        self._annotate("note", str(text))

    def _annotate(self, action: str, value: Any) -> None:
        if self.norecord:
            return
        with self._lock:
            self._annotations.append(_experiment_files.change(action, value))
            changes = list(self._annotations)
            folder = self._folder
            self._store(_folder.ANNOTATIONS, lambda: _experiment_files.annotate(folder, changes))

    def record_input(self, path: str | os.PathLike[str]) -> None:
        """Note a file or folder that the experiment reads: path, size, time and SHA-256.

        Small files are hashed at once, large ones in the background. What is missing is noted as
        missing.

        Args:
            path: relative to the working directory.
        """
        self._record("input", path)

    def record_output(self, path: str | os.PathLike[str]) -> None:
        """Note a file or folder that the experiment has written; see `record_input`.

        Args:
            path: relative to the working directory.
        """
        self._record("output", path)

    def _record(self, role: str, path: str | os.PathLike[str]) -> None:
        if self._open:
            self._files.record(role, os.fsdecode(path))
        else:
            self._after_finish(f"record_{role}")

    def open(self, file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> IO[Any]:
        """Open a file in the experiment's folder, like the built-in function.

        Folders on the way are made when the mode writes. With norecord the path is relative to
        the working directory.

        Args:
            file: relative to the folder; an absolute path is taken as it is.
            mode: as for the built-in function.
            *args: as for the built-in function.
            **kwargs: as for the built-in function.

        Returns:
            The open file, which belongs to the caller.

        Raises:
            OSError: as the built-in function.
        """
        path = file
        if self.curexpdir != "." and not isinstance(file, int):
            path = os.path.join(os.fspath(self.curexpdir), os.fsdecode(file))
            if any(letter in mode for letter in "wax"):
                os.makedirs(os.path.dirname(path), exist_ok=True)
        return builtins.open(path, mode, *args, **kwargs)

    def finish(self, status: str = "SUCCESS") -> None:
        """End the recording; further calls do nothing.

        Everything that was handed over is written, which takes at most 2 s: a storage that hangs
        is left behind.

        Args:
            status: content of STATUS.
        """
        if self._open:
            self._finish(_experiment_end.of_status(str(status)))

    def __enter__(self) -> Experiment:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> bool:
        swallow = self._continue_on_error and isinstance(error, Exception)
        ending = _lifecycle.ending_of(error)
        if error is not None and not isinstance(error, SystemExit):
            text = ending.reason if self.norecord else self._redactor.text(ending.reason)
            if swallow:
                _experiment_end.show(f"{text}\n")
            elif self._open:
                self._recording.note_error_output(f"{text}\n")
        if error is not None:  # and goes on: a second Ctrl-C only ends the waiting
            self._on_end(ending)
        elif self._open:
            self._finish(ending)
        return swallow

    def __reduce__(self) -> Any:
        """Arrive in another process as an experiment that does nothing."""
        return _experiment_end.elsewhere, (type(self), self.curexpdir)

    def __copy__(self) -> Experiment:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Experiment:
        return self

    def __repr__(self) -> str:
        state = "open" if self._open else self.inert_reason or "finished"
        return f"<Experiment {self.curexpdir} ({state})>"

    def _store(self, name: str, value: Any) -> None:
        """Store a document, in the background while open, at once after the end."""
        if self._open:
            self._recording.store(name, value)
            if self._settings["strict"]:
                self._recording.check()
        else:
            _experiment_end.store_late(self._folder, name, value)

    def _after_finish(self, call: str) -> None:
        if not self.norecord and not self._warned:
            self._warned = True
            warnings.warn(
                f"{call}() after the end of experiment {self.curexpdir} records nothing",
                RuntimeWarning,
                stacklevel=3 if call == "log" else 4,
            )

    def _on_end(self, ending: _lifecycle.Ending) -> None:
        if self._open:
            with contextlib.suppress(KeyboardInterrupt):  # the program is at its end already
                self._finish(ending)

    def _on_fork(self) -> None:
        """In a forked child: from now on, nothing."""
        self._open = False
        self.norecord = True
        self.inert_reason = "forked"

    def _finish(self, ending: _lifecycle.Ending) -> None:
        """Write how it ended; also when called again, by a signal, in the middle of itself."""
        ending = _experiment_end.redacted(ending, self._redactor, self.metadata)
        try:
            _experiment_end.finish(
                self._recording, self._files, self.metadata, ending, self._started
            )
        finally:
            self._open = False
            _lifecycle.unwatch(self._watched)
