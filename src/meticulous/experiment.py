"""Record an experiment: the writing half."""

from __future__ import annotations

import builtins
import contextlib
import os
import threading
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from . import (
    _arguments,
    _experiment_end,
    _experiment_files,
    _experiment_recording,
    _experiment_start,
    _folder,
    _lifecycle,
    _series,
    _settings,
)
from ._experiment_resume import Request
from .errors import (
    DirtyRepoException,
    MismatchedArgsException,
    MismatchedCommitException,
    StorageError,
)

if TYPE_CHECKING:
    import argparse
    import types

__all__ = [
    "DirtyRepoException",
    "Experiment",
    "MismatchedArgsException",
    "MismatchedCommitException",
]

_time = time.time


class Experiment:
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
        project, root = _experiment_start.locate(
            os.fspath(project_directory), os.fspath(experiments_directory)
        )
        given = {"dirty": dirty, "capture": capture, "strict": strict, **settings}
        given["norecord"] = norecord or None
        self._settings = _settings.resolve(project, given)
        self._continue_on_error = continue_on_error
        self.inert_reason = _experiment_start.inert_reason(self._settings)
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
        request = Request(args, default_args, experiment_id, description, resume, name, tags)
        self._begin(request)

    def _begin(self, request: Request) -> None:
        started = time.monotonic()
        start = _experiment_start.begin(
            request, self._settings, self.project_directory, self.experiments_directory
        )
        folder = start.folder
        self._folder = folder
        self._started = started
        self._redactor = start.redactor
        self._annotations = start.annotations
        self._summary: dict[str, Any] | None = None
        self.curexpdir = folder.path
        self.metadata = start.metadata
        self.repo_directory = start.repository
        if start.number > 1:
            self._next_step = _series.next_step(folder.file(_series.METRICS))
        self._recording = _experiment_recording.Recording(folder, self._settings, start.number)
        self._files = _experiment_files.Hashing(
            folder.path, self.project_directory, self._recording.files.put
        )
        self._put = self._recording.metrics.put
        self._watch_name = f"{os.getpid()}:{folder.path}"
        self._recording.start()
        self._recording.record_environment(self._redactor, start.number)
        _lifecycle.watch(self._on_end, self._on_fork, self._watch_name)
        self._open = True

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
        self._put((step, _time(), _series.freeze(metrics)))
        if self._settings["strict"]:
            self._check()

    def _own_step(self, step: Any) -> Any:
        """Read a step that is not a Python int."""
        step = _series.freeze({"step": step})["step"]
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
        if not self._is_owner():
            return
        with self._lock:
            self._summary = self._folder.merge_summary(
                self._summary, _experiment_files.plain_mapping(summary_dict)
            )
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
        if not self._is_owner():
            return
        with self._lock:
            self._annotations = _experiment_files.annotated(self._folder, action, value)
            self._store(_folder.ANNOTATIONS, self._annotations)

    def record_input(self, path: str | os.PathLike[str]) -> None:
        """Note a file or folder that the experiment reads: path, size, time and SHA-256.

        Small files are hashed at once, large ones in the background. What is missing is noted as
        missing.

        Args:
            path: relative to the working directory.
        """
        if self._is_owner():
            self._files.record("input", os.fspath(path))

    def record_output(self, path: str | os.PathLike[str]) -> None:
        """Note a file or folder that the experiment has written; see `record_input`.

        Args:
            path: relative to the working directory.
        """
        if self._is_owner():
            self._files.record("output", os.fspath(path))

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
            path = os.path.join(os.fspath(self.curexpdir), os.fspath(file))
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
            text = self._clean(ending.reason) + "\n"
            if swallow:
                _experiment_end.show(text)
            elif self._open:
                self._recording.note_error_output(text)
        if self._open:
            self._finish(ending)
        return swallow

    @staticmethod
    def add_argument_group(
        parser: argparse.ArgumentParser,
        project_directory: str = "",
        experiments_directory: str = "experiments",
        experiment_id: str | None = None,
        description: str = "",
        norecord: bool = False,
        *,
        resume: bool = False,
        dirty: str | None = None,
        capture: str | None = None,
    ) -> None:
        """Add the group "meticulous" with the options of an experiment to a parser.

        Args:
            parser: an option of its own that is named like one of ours wins; ours steps back.
            project_directory: default of the option, as are all others.
            experiments_directory: see `Experiment`.
            experiment_id: see `Experiment`.
            description: see `Experiment`.
            norecord: see `Experiment`.
            resume: see `Experiment`.
            dirty: see `Experiment`.
            capture: see `Experiment`.
        """
        _arguments.add_argument_group(
            parser,
            project_directory=project_directory,
            experiments_directory=experiments_directory,
            experiment_id=experiment_id,
            description=description,
            norecord=norecord,
            resume=resume,
            dirty=dirty,
            capture=capture,
        )

    @staticmethod
    def extract_meticulous_args(
        parser: argparse.ArgumentParser, arg_list: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Parse, and give only the options of the group "meticulous".

        Args:
            parser: one that `add_argument_group` has seen.
            arg_list: the words; those of the command line when not given.

        Returns:
            Name to value, as keywords of `Experiment`.
        """
        return _arguments.extract_meticulous_args(parser, arg_list)

    @classmethod
    def from_parser(
        cls,
        parser: argparse.ArgumentParser,
        arg_list: Sequence[str] | None = None,
        capture_defaults: bool = True,
        **meticulous_args: Any,
    ) -> Experiment:
        """Start an experiment from the command line, parsed once.

        ``parser.parse_args()`` afterwards returns what it returns without us.

        Args:
            parser: its args are recorded, and as defaults what its actions say.
            arg_list: the words; those of the command line when not given.
            capture_defaults: False records that the defaults are not known.
            **meticulous_args: keywords of `Experiment`, for what the command line does not say.

        Returns:
            The experiment.

        Raises:
            SystemExit: the command line is wrong, as `parser.parse_args` raises it; nothing was
                created.
            MeticulousError: as `Experiment`.
        """
        args, options, namespace = _arguments.take_meticulous(parser, arg_list)
        defaults = _arguments.defaults_of(parser, namespace) if capture_defaults else None
        return cls(args, defaults, **{**meticulous_args, **options})

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

    def _is_owner(self) -> bool:
        return not self.norecord

    def _store(self, name: str, value: Any) -> None:
        """Store a document, in the background while open, at once after the end."""
        if self._open:
            self._recording.store(name, value)
            if self._settings["strict"]:
                self._check()
        else:
            _experiment_end.store_late(self._folder, name, value)

    def _check(self) -> None:
        """Raise what the writers could not write."""
        reason = self._recording.first_error()
        if reason:
            raise StorageError(
                f"Cannot write {self.curexpdir}: {reason}.",
                "Free space or mend the storage; strict=False goes on and counts what is lost.",
                path=self.curexpdir,
            )

    def _after_finish(self, call: str) -> None:
        if not self.norecord and not self._warned:
            self._warned = True
            warnings.warn(
                f"{call}() after the end of experiment {self.curexpdir} records nothing",
                RuntimeWarning,
                stacklevel=3,
            )

    def _clean(self, text: str) -> str:
        return text if self.norecord else self._redactor.text(text)

    def _on_end(self, ending: _lifecycle.Ending) -> None:
        if self._open:
            self._finish(ending)

    def _on_fork(self) -> None:
        """In a forked child: from now on, nothing."""
        self._open = False
        self.norecord = True
        self.inert_reason = "forked"

    def _finish(self, ending: _lifecycle.Ending) -> None:
        """Write how it ended; also when called again, by a signal, in the middle of itself."""
        ending = ending._replace(
            reason=self._redactor.text(ending.reason),
            facts=self._redactor.mapping(ending.facts, "ending"),
        )
        if self._redactor.hits:
            self.metadata["redacted"] = self._redactor.hits
        _experiment_end.finish(self._recording, self._files, self.metadata, ending, self._started)
        self._open = False
        _lifecycle.unwatch(self._on_end, self._on_fork, self._watch_name)
