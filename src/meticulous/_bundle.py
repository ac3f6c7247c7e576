"""Experiments with the commits that they need, in one file: a plain tar with a manifest.

It holds ``experiments/ID/...``, ``code.bundle`` (a git bundle), and at the end ``bundle.json``,
which has the size and the hash of everything else. docs/guides/share.md describes it.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple, TypeVar

from . import _commits, _files, _json, _series
from .errors import StorageError

__all__ = [
    "CODE",
    "FORMAT",
    "MANIFEST",
    "TOP",
    "Code",
    "Names",
    "commits_of",
    "fingerprint",
    "write",
]

FORMAT = 1
TOP = "experiments/"
CODE = "code.bundle"
MANIFEST = "bundle.json"
LONGEST_NAME = 1024
_LONGEST_PART = 255
_MARKS = re.compile(r"\.(session-|annotating|inside)")  # of live processes, not of the record
_BAD = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
_NOT_ON_WINDOWS = set(':*?"<>|')
_IDENTITY = ("start", "host", "boot", "pid", "process-start")
_T = TypeVar("_T")


class Code(NamedTuple):
    """The commits of a bundle.

    Attributes:
        path: the git bundle; empty when no commit is in it.
        commits: those in it.
        since: the commit that whoever reads it must have; empty when nothing is needed.
        assumed: the commits that are part of `since`.
        missing: those that the repository no longer had.
    """

    path: str = ""
    commits: Sequence[str] = ()
    since: str = ""
    assumed: Sequence[str] = ()
    missing: Sequence[str] = ()


def commits_of(metadata: Mapping[str, Any]) -> list[str]:
    """The commits that hold the code of an experiment, of all its sessions."""
    facts = metadata.get("git")
    snapshot = facts.get("snapshot") if isinstance(facts, Mapping) else None
    sessions = metadata.get("sessions")
    found = [snapshot if _commits.is_sha(snapshot) else metadata.get("githead-sha")]
    for session in sessions if isinstance(sessions, list) else ():
        sha = session.get("sha") if isinstance(session, Mapping) else None
        if sha != metadata.get("githead-sha"):
            found.append(sha)
    return list(dict.fromkeys(str(sha) for sha in found if _commits.is_sha(sha)))


def fingerprint(metadata: Mapping[str, Any], args: Mapping[str, Any]) -> str:
    """What tells whether two records are of the same experiment, however far it was: when and
    where it first started, what it ran and what it was asked. Empty when that is not recorded.
    """
    import hashlib

    start = metadata.get("start-time") or metadata.get("timestamp")
    if not start:
        return ""
    sessions = metadata.get("sessions")
    first = sessions[0] if isinstance(sessions, list) and sessions else {}
    first = first if isinstance(first, Mapping) else {}
    facts = [start, metadata.get("githead-sha"), args, [first.get(name) for name in _IDENTITY]]
    return hashlib.sha256(_json.encode_line(facts)).hexdigest()


def name_problem(name: str) -> str:
    """Why a path in an experiment is not taken into a bundle, nor out of one; empty if it is."""
    parts = name.split("/")
    if _BAD.search(name) or (os.name == "nt" and _NOT_ON_WINDOWS & set(name)):
        return "a character that is not allowed"
    if len(name.encode()) > LONGEST_NAME or any(len(p.encode()) > _LONGEST_PART for p in parts):
        return "a name that is too long"
    if any(part in ("", ".", "..") for part in parts):
        return "a path that leads elsewhere"
    if any(part.casefold().rstrip(". ") in (".git", "git~1") for part in parts):
        return "a git repository"
    return "a mark of a live process" if _MARKS.match(parts[0]) else ""


class Names:
    """Paths that any file system can hold beside each other: none is there twice, is a file and
    a folder, or differs from another one only in a way that some do not see.
    """

    def __init__(self) -> None:
        self._spelled: dict[str, str] = {}
        self._files: set[str] = set()

    def add(self, name: str) -> bool:
        """Take a path in; False when it cannot be beside the others."""
        same = _folded(name)
        if same in self._spelled:
            return False
        folders = []
        folder = name
        while "/" in folder:
            folder = folder.rpartition("/")[0]
            folders.append((_folded(folder), folder))
        if any(key in self._files or self._spelled.get(key, it) != it for key, it in folders):
            return False
        self._spelled.update(folders)
        self._spelled[same] = name
        self._files.add(same)
        return True


def _folded(name: str) -> str:
    if name.isascii():
        return name.lower()
    import unicodedata

    return unicodedata.normalize("NFC", name).casefold()


class _File(NamedTuple):
    name: str
    path: str


def write(
    path: str,
    folders: Mapping[str, str],
    commits: Mapping[str, Sequence[str]],
    code: Code,
    version: str,
    each: Callable[[Collection[_T], str], Iterator[_T]],
) -> dict[str, Any]:
    """Write a bundle; it appears under its name when it is complete.

    Running experiments are taken as far as they are. Links, pipes and what no bundle may hold
    are left out and listed.

    Args:
        path: of the new file.
        folders: id to the experiment's folder.
        commits: id to the commits that hold its code.
        code: the commits that are taken along.
        version: of meticulous.
        each: gives items one by one, and may tell how far it is.

    Returns:
        The manifest.

    Raises:
        StorageError: there is such a file, or something cannot be read or written.
    """
    if os.path.lexists(path):
        raise StorageError(f"{path} is already there.", "Remove it, or name another.", path=path)
    left_out: list[dict[str, str]] = []
    names = Names()
    files = []
    for expid, folder in folders.items():
        files += list(_files_of(expid, folder, names, left_out))
    holding = {file.name.split("/")[1] for file in files}
    if code.path:
        files.append(_File(CODE, code.path))
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "meticulous": version,
        "time": _series.utc(time.time()),
        "experiments": [
            {"id": expid, "commits": list(commits[expid])} for expid in folders if expid in holding
        ],
        "code": {name: value for name, value in code._asdict().items() if name != "path"},
        "left-out": left_out,
        "members": {},
    }
    half = f"{path}.{os.getpid()}~"
    try:
        _pack(half, files, manifest, each)
        os.replace(half, path)
    except OSError as error:
        where = os.fsdecode(error.filename or path)
        raise StorageError.from_oserror("write a bundle with", where, error) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(half)
    return manifest


def _pack(
    path: str,
    files: Sequence[_File],
    manifest: dict[str, Any],
    each: Callable[[Collection[Any], str], Iterator[Any]],
) -> None:
    import io
    import tarfile

    with tarfile.open(path, "x:", format=tarfile.PAX_FORMAT) as tar:
        for file in each(files, "packing"):
            try:
                opened = _open(file.path)
            except FileNotFoundError:  # of a running experiment
                continue
            with opened:
                facts = os.fstat(opened.fileno())
                info = tarfile.TarInfo(file.name)
                info.size, info.mtime = facts.st_size, max(0, int(facts.st_mtime))
                source = _Hashed(opened, facts.st_size)
                tar.addfile(info, source)
                digest = source.digest.hexdigest()
                manifest["members"][file.name] = {"size": facts.st_size, "sha256": digest}
        data = _json.encode(manifest)
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mtime = len(data), int(time.time())
        tar.addfile(info, io.BytesIO(data))


class _Hashed:
    """A file as long as it was when it was opened, hashed while it is read."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        import hashlib

        self._file = file
        self._left = size
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted)
        data += b"\0" * (wanted - len(data))  # it was cut meanwhile; the tar stays whole
        self._left -= len(data)
        self.digest.update(data)
        return data


def _open(path: str) -> IO[bytes]:
    return os.fdopen(_files.open_regular(path)[0], "rb")


def _files_of(
    expid: str, folder: str, taken: Names, left_out: list[dict[str, str]]
) -> Iterator[_File]:
    """The files of an experiment's folder that are taken, the record's own first."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in sorted([*names, *links]):
            path = os.path.join(place, name)
            inside = os.path.relpath(path, folder).replace(os.sep, "/")
            if name.startswith(".") and name.endswith("~"):
                continue  # half-written
            try:
                regular = stat.S_ISREG(os.lstat(path).st_mode)
            except FileNotFoundError:
                continue
            problem = name_problem(inside) if regular else "neither a file nor a folder"
            if not problem and not taken.add(f"{TOP}{expid}/{inside}"):
                problem = "its name differs from another one only in case"
            if problem:
                shown = str(_json.plain(f"{TOP}{expid}/{inside}"))
                left_out.append({"name": shown, "reason": problem})
            else:
                yield _File(f"{TOP}{expid}/{inside}", path)
