"""Every error that meticulous raises, as one tree.

    MeticulousError
    ├── SettingError             a setting, argument or id has a value that cannot be used
    │   └── QueryError           a filter expression is wrong, or names what no experiment has
    ├── StorageError             the record cannot be written or read
    ├── GitError                 git is absent, fails or does not answer; no repository; no commit
    ├── DirtyRepoException       the code that would run is not what the commit holds
    ├── MismatchedArgsException  the experiment to be continued was asked something else
    ├── MismatchedCommitException  the experiment to be continued ran other code
    └── LiveExperimentError      the experiment to be continued is still running

Each carries the facts as attributes, says what happened and where in one sentence (``message``)
and what to do next in another (``hint``). ``exit_code`` is what the command line ends with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "DirtyRepoException",
    "GitError",
    "LiveExperimentError",
    "MeticulousError",
    "MismatchedArgsException",
    "MismatchedCommitException",
    "QueryError",
    "SettingError",
    "StorageError",
]

MISSING = "(not given)"


class MeticulousError(Exception):
    """Say what went wrong and what to do next.

    Args:
        message: one sentence: what, and where.
        hint: one sentence: what to do next; empty when there is nothing to say.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class SettingError(MeticulousError):
    """A setting, an argument or an id has a value that cannot be used.

    Attributes:
        name: the setting.
        value: what it was given.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "", *, name: str = "", value: Any = None) -> None:
        super().__init__(message, hint)
        self.name = name
        self.value = value


class QueryError(SettingError):
    """A filter expression is wrong, or names something that no experiment has.

    Attributes:
        text: the expression.
        column: where in it, counted from 1.
    """

    def __init__(self, message: str, hint: str = "", *, text: str = "", column: int = 1) -> None:
        super().__init__(message, hint, name="filter", value=text)
        self.text = text
        self.column = column


class StorageError(MeticulousError):
    """The record cannot be written or read; raised before the first step, never after it
    (unless ``strict=True``).

    Attributes:
        path: the file or folder.
        errno: the operating system's number, None when it gave none.
    """

    def __init__(
        self, message: str, hint: str = "", *, path: str = "", errno: int | None = None
    ) -> None:
        super().__init__(message, hint)
        self.path = path
        self.errno = errno

    @classmethod
    def from_oserror(cls, doing: str, path: str, error: OSError, hint: str = "") -> StorageError:
        """Turn the operating system's error into one sentence with the path in it."""
        reason = error.strerror or type(error).__name__
        return cls(f"Cannot {doing} {path}: {reason}.", hint, path=path, errno=error.errno)


class GitError(MeticulousError):
    """Git is absent, fails or does not answer, or there is no repository or no commit.

    Attributes:
        reason: one word for programs: ``no-git``, ``no-repository``, ``no-commit``, ``timeout``,
            ``unsafe``, ``failed``.
    """

    def __init__(self, message: str, hint: str = "", *, reason: str = "failed") -> None:
        super().__init__(message, hint)
        self.reason = reason


class DirtyRepoException(MeticulousError):
    """The code that would run is not what the commit holds.

    Attributes:
        paths: the offending paths, relative to the top of the repository.
    """

    def __init__(self, message: str, hint: str = "", *, paths: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.paths = list(paths)


class MismatchedArgsException(MeticulousError):
    """The experiment to be continued was asked something else.

    Attributes:
        differences: for each differing name the recorded and the present value; a side that lacks
            the name holds ``errors.MISSING``.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        differences: Mapping[str, tuple[Any, Any]] | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.differences = dict(differences or {})


class MismatchedCommitException(MeticulousError):
    """The experiment to be continued ran other code.

    Attributes:
        recorded: the commit that it ran, None when none was recorded.
        current: the commit of now.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        recorded: str | None = None,
        current: str | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.recorded = recorded
        self.current = current


class LiveExperimentError(MeticulousError):
    """The experiment to be continued is still running, or may be.

    Attributes:
        host: where its owner runs.
        pid: the owner's process id.
        age: seconds since its last sign of life.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        host: str = "",
        pid: int | None = None,
        age: float | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.host = host
        self.pid = pid
        self.age = age
