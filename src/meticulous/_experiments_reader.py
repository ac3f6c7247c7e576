"""One recorded experiment, read whatever state its folder is in."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import IO, Any

from . import _files, _folder, _json, _status
from ._experiments_console import Console
from ._experiments_series import Series
from ._index import Index
from .errors import StorageError

__all__ = ["ExperimentReader"]

_LARGEST = 1 << 26
_WRITES = frozenset("wax+")
_ALWAYS = (_folder.STATUS, _folder.ARGS, _folder.DEFAULT_ARGS, _folder.METADATA)
_SIGNS = (_folder.STATUS, _folder.STDOUT, _folder.STDERR, _folder.METRICS, _folder.SYSTEM)
FIELDS = (
    "expid",
    "curexpdir",
    "status",
    "status_message",
    "sha",
    "start_time",
    "duration",
    "description",
    "args",
    "default_args",
    "summary",
    "annotations",
    "metadata",
    "problems",
)
"""The names of a row's values."""

_UNENDED = (_status.RUNNING, _status.LOST, _status.SILENT)


class ExperimentReader(Series, Console):
    """Read one experiment; every file when it is first asked for, then no more.

    Nothing here raises because of what the folder holds, and nothing is written into it. Deriving
    a class and adding attributes, or groups to `df_vars`, is what this class is meant for.

    Args:
        path: the experiment's folder.

    Attributes:
        curexpdir: the path as it was given.
        expid: the experiment's id, which is the folder's name.
    """

    _index: Index | None = None  # set by `Experiments`

    def __init__(self, path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> None:
        self.curexpdir = os.fsdecode(path)
        self._folder = _folder.Folder(os.path.abspath(self.curexpdir))
        self._problems: dict[str, str] = {}
        self.expid = self._folder.id

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.curexpdir!r})"

    def _repr_html_(self) -> str:
        from ._experiments_html import one

        return one(self)

    @cached_property
    def args(self) -> dict[str, Any]:
        """What the program was asked."""
        return self._object(_folder.ARGS)

    @cached_property
    def default_args(self) -> dict[str, Any]:
        """What it would have used; empty also when no defaults were recorded."""
        return self._object(_folder.DEFAULT_ARGS)

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """Facts about the experiment as recorded, but ``command`` joined with spaces to one text,
        as in 2020.
        """
        command = self._recorded.get("command")
        if not isinstance(command, list):
            return self._recorded
        return {**self._recorded, "command": " ".join(map(str, command))}

    @cached_property
    def _recorded(self) -> dict[str, Any]:
        return self._object(_folder.METADATA)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The values it is judged by; empty when it left none."""
        return self._object(_folder.SUMMARY)

    @cached_property
    def annotations(self) -> dict[str, Any]:
        """Tags, notes and the name that were added to it; empty when there are none."""
        return self._object(_folder.ANNOTATIONS)

    @cached_property
    def environment(self) -> dict[str, Any]:
        """The machine, Python and the packages that it ran with; empty when not recorded."""
        return self._object(_folder.ENVIRONMENT)

    @cached_property
    def recorded_files(self) -> list[dict[str, Any]]:
        """The inputs and outputs that it named: for each file what was recorded last."""
        from ._compare_files import recorded_files

        lines, problem = recorded_files(self._folder.path)
        if problem:
            self._problems[_folder.FILES] = problem
        return lines

    @cached_property
    def sessions(self) -> list[dict[str, Any]]:
        """The times it was started or resumed, in order; empty for experiments of 2020-24."""
        found = self._recorded.get("sessions", [])
        sessions = found if isinstance(found, list) else [found]
        kept = [session for session in sessions if isinstance(session, dict)]
        if len(kept) < len(sessions):
            self._problems["sessions"] = f"{_folder.METADATA} holds sessions that are no objects"
        return kept

    @property
    def sha(self) -> str | None:
        """The commit it ran, None when none was recorded."""
        sha = self._recorded.get("githead-sha")
        return sha if isinstance(sha, str) else None

    @cached_property
    def start_time(self) -> str:
        """When it first started, ISO 8601: as recorded (2020-24: local time without an offset),
        otherwise the time of the folder; empty when there is no folder.
        """
        for name in ("start-time", "timestamp"):
            recorded = self._recorded.get(name)
            if isinstance(recorded, str) and recorded:
                return recorded
        try:
            seconds = os.stat(self._folder.path).st_mtime
            return datetime.fromtimestamp(seconds, UTC).isoformat()
        except (OSError, ValueError, OverflowError):
            return ""

    @property
    def begin_time(self) -> str:
        """The name of `start_time` in the version of 2020-11."""
        return self.start_time

    @cached_property
    def duration(self) -> float | None:
        """Seconds that its sessions ran, None when that is not known.

        A session that is running counts until now, one that was lost until its last sign of life.
        """
        sessions = self.sessions or [
            {
                "start": self.start_time if self._recorded else "",
                "end": self._recorded.get("end-time"),
            }
        ]
        spans = [_span(session) for session in sessions]
        if spans[-1] is None and self.status in _UNENDED:
            now = time.time()
            silent = 0.0 if self.status == _status.RUNNING else self._silent_for(now)
            start = _seconds(sessions[-1].get("start"))
            if start is not None and (self.sessions or not silent):
                spans[-1] = max(0.0, now - silent - start)
        known = [span for span in spans if span is not None]
        return sum(known) if known else None

    def _silent_for(self, now: float) -> float:
        """Seconds since it last wrote something; the heartbeat alone may be half a minute old."""
        times = []
        for name in _SIGNS:
            with contextlib.suppress(OSError):
                times.append(os.lstat(self._folder.file(name)).st_mtime)
        return max(0.0, now - max(times)) if times else float("inf")

    @property
    def status(self) -> str:
        """SUCCESS, ERROR, INTERRUPTED (Ctrl-C), TERMINATED (a signal), RUNNING, LOST (its process
        is gone), SILENT (no sign of life, and no way to look), UNKNOWN (nothing recorded), or the
        first line of what ``finish`` was given.
        """
        return self._derived[0]

    @property
    def status_message(self) -> str:
        """The reason in one line: the exception, the exit code, the signal, what was lost."""
        return self._derived[1]

    @cached_property
    def _derived(self) -> tuple[str, str]:
        session = self.sessions[-1] if self.sessions else {}
        return _status.derive(self._text, session, lambda: self._folder.silent_for(time.time()))

    @cached_property
    def _text(self) -> str:
        text: str = self._read(_folder.STATUS, lambda data: data.decode("utf-8", "replace"), "")
        if not text.strip():
            self._problems.setdefault(_folder.STATUS, f"{_folder.STATUS} is empty")
        return text

    @property
    def files(self) -> list[str]:
        """Every file in the folder, the record's own included, as sorted paths relative to it with
        ``/``. Links are left out, and files that are being written.
        """
        found = []
        for folder, _, names in os.walk(self._folder.path):
            inside = os.path.relpath(folder, self._folder.path)
            for name in names:
                half_written = name.startswith(".") and name.endswith("~")
                if not half_written and _is_regular(os.path.join(folder, name)):
                    found.append(os.path.normpath(os.path.join(inside, name)))
        return sorted(path.replace(os.sep, "/") for path in found)

    @property
    def problems(self) -> list[str]:
        """What cannot be read, or could not be recorded, a sentence each; empty for a whole
        record. Reads every file.
        """
        if not os.path.isdir(self._folder.path):
            return ["the folder does not exist"]
        for name in ("_text", "args", "default_args", "sessions", "summary", "annotations"):
            getattr(self, name)
        missing = [name for name in _ALWAYS if self._problems.get(name) == f"{name} is missing"]
        if len(missing) == len(_ALWAYS):
            return ["nothing is recorded in the folder"]
        return [*self._problems.values(), *_losses(self._recorded.get("problems"))]

    def open(
        self, path: str | os.PathLike[str], mode: str = "r", *args: Any, **kwargs: Any
    ) -> IO[Any]:
        """Open a file of the experiment, with the arguments of the built-in ``open``.

        Args:
            path: of the file; a relative one is inside the folder.
            mode: as for the built-in ``open``.
            *args: further arguments of the built-in ``open``.
            **kwargs: further arguments of the built-in ``open``.

        Returns:
            The open file, which the caller closes.

        Raises:
            StorageError: the path leads out of the folder, through links too; it is no regular
                file; or it is a file of the record and would be changed.
            OSError: as the built-in ``open``.
        """
        root = os.path.realpath(self._folder.path)
        target = os.path.realpath(os.path.join(root, os.fspath(path)))
        if not target.startswith(os.path.join(root, "")):
            raise StorageError(
                f"{os.fspath(path)!r} leads out of the experiment's folder {root}.",
                "Use the built-in open() for files outside of it.",
                path=target,
            )
        if os.path.exists(target) and not os.path.isfile(target):
            raise StorageError(f"{target} is not a regular file.", path=target)
        if _WRITES & set(mode) and os.path.relpath(target, root) in _folder.NAMES:
            raise StorageError(
                f"{target} is a file of the record; a reader leaves it.", path=target
            )
        return open(target, mode, *args, **kwargs)

    def refresh_status(self) -> None:
        """Read again how the experiment is doing; what has vanished meanwhile keeps its value."""
        self._refresh(
            ("_recorded", "_text"), ("sessions", "metadata", "start_time", "duration", "_derived")
        )

    def refresh_summary(self) -> None:
        """Read the summary again; one that has vanished meanwhile keeps its value."""
        self._refresh(("summary",))

    def _refresh(self, files: tuple[str, ...], derived: tuple[str, ...] = ()) -> None:
        known = {name: self.__dict__.pop(name) for name in files if name in self.__dict__}
        for name in derived:
            self.__dict__.pop(name, None)
        for name, value in known.items():
            if not getattr(self, name):
                self.__dict__[name] = value

    def df_vars(self) -> dict[str, dict[str, Any]]:
        """Give what becomes this experiment's row in a data frame: group to name to value.

        A derived class may add groups; each becomes columns.
        """
        header = {
            "expid": self.expid,
            "sha": self.sha,
            "start_time": self.start_time,
            "status": self.status,
            "status_message": self.status_message,
        }
        return {
            "header": header,
            "args": self.args,
            "default_args": self.default_args,
            "metadata": self.metadata,
            "summary": self.summary,
        }

    def row(self) -> dict[str, Any]:
        """Give all that is known as one plain object: what ``meticulous list --json`` prints."""
        return {name: self._value(name) for name in FIELDS}

    def _value(self, name: str) -> Any:
        """Give one value of `row`."""
        if name == "description":
            return str(self._recorded.get("description") or "")
        return self._recorded if name == "metadata" else getattr(self, name)

    def _object(self, name: str) -> dict[str, Any]:
        value = self._read(name, _json.decode, {})
        if isinstance(value, dict):
            return value
        if value is not None or name != _folder.DEFAULT_ARGS:  # null: no defaults were captured
            self._problems[name] = f"{name} does not hold an object"
        return {}

    def _read(self, name: str, decode: Callable[[bytes], Any], missing: Any) -> Any:
        """Read one of the record's files; `missing`, and a problem, when that fails.

        What the index knows of the same file is taken instead.
        """
        self._problems.pop(name, None)
        path = self._folder.file(name)
        try:
            facts = os.lstat(path)
            if stat.S_ISLNK(facts.st_mode):
                raise OSError(errno.ELOOP, "a link, which could lead out of the folder")
            known = self._index and self._index.find(self.expid, name, facts)
            if known is not None:
                return known
            value = decode(_files.read_bytes(path, _LARGEST))
            ended = name != _folder.STATUS or not value.startswith(_status.RUNNING)
            if self._index and ended and value is not None:
                self._index.keep(self.expid, name, value, facts)
            return value
        except FileNotFoundError:
            if name in _ALWAYS:
                self._problems[name] = f"{name} is missing"
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self._problems[name] = f"{name} cannot be read: {reason[:1].lower()}{reason[1:]}"
        except ValueError as error:
            self._problems[name] = f"{name} is not JSON: {str(error).splitlines()[0]}"
        return missing


def _losses(recorded: Any) -> list[str]:
    """What the experiment itself noted that it could not record."""
    lost = recorded.get("lost") if isinstance(recorded, Mapping) else None
    if not isinstance(lost, Mapping):
        return []
    counts = ", ".join(f"{count} of {name}" for name, count in lost.items())
    return [f"not recorded: {counts}"] if counts else []


def _is_regular(path: str) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)


def _seconds(moment: Any) -> float | None:
    """Seconds since the epoch of an ISO 8601 time; without an offset it is local time."""
    try:
        return datetime.fromisoformat(moment).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _span(session: Mapping[str, Any]) -> float | None:
    duration = session.get("duration")
    if isinstance(duration, (int, float)) and not isinstance(duration, bool) and duration >= 0:
        return float(duration)
    start, end = _seconds(session.get("start")), _seconds(session.get("end"))
    return None if start is None or end is None else max(0.0, end - start)
