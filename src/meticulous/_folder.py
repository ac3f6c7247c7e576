"""THE RECORD: the names of its files, its version, its numbers and how a folder is claimed.

Only this module and `_series` spell the record's file names; docs/reference/record.md describes
each of them. `_folder_numbers` gives the numbers.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

from . import _files, _folder_numbers, _json
from ._folder_numbers import cannot, is_number
from .errors import SettingError, StorageError

__all__ = [
    "FORMAT",
    "NAMES",
    "Folder",
    "claim",
    "experiment_ids",
    "is_store",
    "prepare_root",
    "valid_id",
]

FORMAT = 1
"""Version of the record; see docs/reference/record.md for what a change of it means."""

STATUS = "STATUS"
ARGS = "args.json"
DEFAULT_ARGS = "default_args.json"
METADATA = "metadata.json"
ENVIRONMENT = "environment.json"
CODE_PATCH = "code.patch"
SUMMARY = "summary.json"
ANNOTATIONS = "annotations.json"
METRICS = "metrics.jsonl"
SYSTEM = "system.jsonl"
FILES = "files.jsonl"
STDOUT = "stdout"
STDERR = "stderr"

NAMES = (
    STATUS,
    ARGS,
    DEFAULT_ARGS,
    METADATA,
    ENVIRONMENT,
    CODE_PATCH,
    SUMMARY,
    ANNOTATIONS,
    METRICS,
    SYSTEM,
    FILES,
    STDOUT,
    STDERR,
)
_NUMBERS_ONLY = b"# Written by meticulous\n/[0-9]*/\n/.highest/\n/.trash/\n/.gitignore\n"
_ILLEGAL = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


class Folder:
    """One experiment's folder: where its files are and how they are written whole.

    Args:
        path: absolute path of the folder; it need not exist yet.
    """

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def id(self) -> str:
        return os.path.basename(self.path)

    def file(self, name: str) -> str:
        return os.path.join(self.path, name)

    def begin(
        self, documents: dict[str, Any], patch: bytes | None, status: str, *, sync: bool = True
    ) -> None:
        """Write what an experiment starts with; STATUS last, so that RUNNING means complete.

        Args:
            documents: file name to JSON value.
            patch: content of code.patch, None for none.
            status: content of STATUS.
            sync: wait for the medium; a new folder has nothing to lose yet, see `sync`.

        Raises:
            StorageError: a file could not be written.
        """
        name = ""
        try:
            for name, value in documents.items():
                _files.replace_json(self.file(name), value, sync=sync)
            if patch is not None:
                name = CODE_PATCH
                _files.replace(self.file(name), patch, sync=sync)
            for name in (STDOUT, STDERR):
                with open(self.file(name), "ab"):
                    pass
            name = STATUS
            _files.replace(self.file(name), status.encode("utf-8", "backslashreplace"), sync=sync)
        except OSError as error:
            raise cannot("write", self.file(name), error) from error

    def sync(self) -> None:
        """Put what `begin` has written on the medium, as far as it is there.

        Raises:
            OSError: the medium fails.
        """
        for name in (CODE_PATCH, ARGS, DEFAULT_ARGS, METADATA, STATUS):
            with contextlib.suppress(FileNotFoundError):
                _files.sync(self.file(name))

    def read_json(self, name: str) -> Any:
        """Read one of the JSON files.

        Raises:
            StorageError: it is absent, unreadable or no JSON.
        """
        path = self.file(name)
        try:
            return _files.read_json(path)
        except OSError as error:
            raise cannot("read", path, error) from error
        except ValueError as error:
            raise StorageError(
                f"Cannot read {path}: it is not JSON ({error}).", path=path
            ) from None

    def open_append(self, name: str) -> int:
        """Open one of the streams for appending, as a descriptor that children may inherit later.

        Raises:
            StorageError: it cannot be opened.
        """
        path = self.file(name)
        try:
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise cannot("open", path, error) from error

    def beat(self) -> None:
        """Touch STATUS, whose time is the heartbeat."""
        os.utime(self.file(STATUS))

    def read_status(self) -> str:
        """Read STATUS; empty text when there is none."""
        try:
            return _files.read_bytes(self.file(STATUS)).decode("utf-8", "replace")
        except OSError:
            return ""

    def silent_for(self, now: float) -> float:
        """Seconds since the last heartbeat, which is the time of STATUS; infinite without one."""
        try:
            return max(0.0, now - os.stat(self.file(STATUS)).st_mtime)
        except OSError:
            return float("inf")

    def read_summary(self) -> dict[str, Any]:
        """What summary.json holds; empty when there is none."""
        try:
            read = _files.read_json(self.file(SUMMARY))
        except (OSError, ValueError):
            return {}
        return read if isinstance(read, dict) else {}


def valid_id(value: Any) -> str:
    """Give an explicit id as text.

    Raises:
        SettingError: it cannot name a folder on every operating system.
    """
    name = str(value)
    problem = ""
    if not name.strip() or name in (".", ".."):
        problem = "is empty or a dot"
    elif _ILLEGAL.search(name) or _json.plain(name) != name:
        problem = "holds a character that folder names cannot have everywhere"
    elif name.startswith((".", "~")) or name.endswith((".", " ")):
        problem = "begins or ends with a character that hides or changes it"
    elif _RESERVED.fullmatch(name):
        problem = "is a reserved word on Windows"
    elif len(name.encode()) > 200:
        problem = "is longer than 200 bytes"
    if problem:
        hint = "Use letters, digits, '-', '_' and '.'."
        raise SettingError(
            f"The experiment id {name!r} {problem}.", hint, name="experiment_id", value=value
        )
    return name


def prepare_root(root: str) -> None:
    """Make the experiments folder and the .gitignore in it that keeps git from seeing it.

    Nothing of the user's is edited. Any number of processes may do this at once.

    Raises:
        StorageError: the folder cannot be made or written.
    """
    try:
        os.makedirs(root, exist_ok=True)
    except OSError as error:
        raise cannot("make the experiments folder", root, error) from error
    path = os.path.join(root, ".gitignore")
    if os.path.lexists(path):
        return
    content = b"*\n" if is_store(root) else _NUMBERS_ONLY
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return
    except OSError as error:
        raise cannot("write", path, error) from error
    try:
        os.write(descriptor, content)
    except OSError as error:
        os.unlink(path)  # an empty one would hide nothing, and never be written again
        raise cannot("write", path, error) from error
    finally:
        os.close(descriptor)


def is_store(root: str) -> bool:
    """Whether a folder is new or holds experiments, rather than, say, a package of that name."""
    try:
        new = all(name.startswith(".") for name in os.listdir(root))
        return new or any(True for _ in _experiments(root))
    except OSError:
        return False


def upward(start: str) -> list[str]:
    """The folders from one up to the top of its repository; that one alone without a repository."""
    found = [start]
    while not os.path.lexists(os.path.join(found[-1], ".git")):
        above = os.path.dirname(found[-1])
        if above == found[-1]:
            return [start]
        found.append(above)
    return found


def find_store(start: str, directory: str) -> str | None:
    """The nearest folder upward, within the repository, that already holds the experiments folder.

    Args:
        start: absolute path of a folder.
        directory: the experiments folder, relative to the folder that is looked for.

    Returns:
        The folder that holds it; None when there is none, or the experiments folder is absolute.
    """
    if os.path.isabs(directory):
        return None
    return next((top for top in upward(start) if is_store(os.path.join(top, directory))), None)


def claim(root: str, experiment_id: str | None = None) -> Folder:
    """Make a folder that nobody else has; see `_folder_numbers.claim`."""
    return Folder(_folder_numbers.claim(root, experiment_id))


def experiment_ids(root: str) -> list[str]:
    """List the experiments of a folder: numbers first, in order, then names.

    A folder is an experiment when its name is a number or it holds one of the record's first
    files; dot-folders and foreign ones are passed over, and links, which could lead out of the
    root. Folders that vanish meanwhile are left out.

    Raises:
        OSError: the root cannot be listed.
    """
    found = list(_experiments(root))
    numbers = [name for name in found if is_number(name)]
    names = [name for name in found if not is_number(name)]
    return sorted(numbers, key=lambda name: (int(name), name)) + sorted(names)


def _experiments(root: str) -> Iterator[str]:
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.name.startswith(".") or not _is_folder(entry):
                continue
            if is_number(entry.name) or any(
                os.path.lexists(os.path.join(entry.path, file)) for file in (ARGS, METADATA, STATUS)
            ):
                yield entry.name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
