"""Experiments' folders into another folder or an archive: regular files only, links left out."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

from .. import _files
from ..errors import StorageError
from ..experiments import Experiments
from . import _output

__all__ = ["is_archive", "write"]

_ARCHIVES = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".zip": ""}


def is_archive(path: str) -> bool:
    """Whether a name ends like that of an archive."""
    return _mode(path) is not None


def _mode(path: str) -> str | None:
    lower = path.lower()
    return next((mode for end, mode in _ARCHIVES.items() if lower.endswith(end)), None)


def write(store: Experiments, ids: Sequence[str], path: str) -> None:
    """Copy experiments; running ones as far as they are.

    An archive appears under its name when it is complete. In a folder each experiment does.

    Raises:
        StorageError: something cannot be read or written, or the folder has such an experiment.
    """
    try:
        if is_archive(path):
            _write_archive(store, ids, path)
        else:
            _write_folder(store, ids, path)
    except OSError as error:
        raise StorageError.from_oserror("write", path, error) from error


def _write_folder(store: Experiments, ids: Sequence[str], path: str) -> None:
    import shutil

    taken = [expid for expid in ids if os.path.lexists(os.path.join(path, expid))]
    if taken:
        raise StorageError(
            f"{path} already holds {', '.join(taken[:5])}.",
            "Name another folder, or leave these out.",
            path=path,
        )
    os.makedirs(path, exist_ok=True)
    for expid in _output.progress(ids, "copying"):
        half = os.path.join(path, f".{expid}.half")
        shutil.rmtree(half, ignore_errors=True)
        os.mkdir(half)
        for name, file, facts in _contents(store[expid].curexpdir):
            target = os.path.join(half, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with file, open(target, "xb") as copy:
                shutil.copyfileobj(file, copy)
            os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        os.rename(half, os.path.join(path, expid))


def _write_archive(store: Experiments, ids: Sequence[str], path: str) -> None:
    half = f"{path}.{os.getpid()}~"
    try:
        with _archive(half, _mode(path) or "") as add:
            for expid in _output.progress(ids, "packing"):
                for name, file, facts in _contents(store[expid].curexpdir):
                    with file:
                        add(f"{expid}/{name}", file, facts)
        os.replace(half, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(half)


@contextlib.contextmanager
def _archive(path: str, mode: str) -> Iterator[Callable[[str, IO[bytes], os.stat_result], None]]:
    """Open an archive and give the function that adds a file to it."""
    if not mode:
        import zipfile

        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as zipped:

            def add_zipped(name: str, file: IO[bytes], facts: os.stat_result) -> None:
                import shutil
                import time

                info = zipfile.ZipInfo(name, time.localtime(facts.st_mtime)[:6])
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = 0o644 << 16
                with zipped.open(info, "w", force_zip64=True) as member:
                    shutil.copyfileobj(file, member)

            yield add_zipped
        return
    import tarfile

    opened: Any = tarfile.open
    with opened(path, mode) as tarred:

        def add_tarred(name: str, file: IO[bytes], facts: os.stat_result) -> None:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = facts.st_size, int(facts.st_mtime)
            tarred.addfile(info, _Exactly(file, facts.st_size))

        yield add_tarred


class _Exactly:
    """A file as long as it was when it was opened: a running experiment's grows meanwhile."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted)
        data += b"\0" * (wanted - len(data))  # it was cut meanwhile; the archive stays whole
        self._left -= len(data)
        return data


def _contents(folder: str) -> Iterator[tuple[str, IO[bytes], os.stat_result]]:
    """Every regular file: its path within the folder, open, and its facts."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(place, name)
            if name.startswith(".") and name.endswith("~"):
                continue
            if not stat.S_ISREG(os.lstat(path).st_mode):
                continue
            descriptor, facts = _files.open_regular(path)
            inside = os.path.relpath(path, folder).replace(os.sep, "/")
            yield inside, os.fdopen(descriptor, "rb"), facts
