"""Where the cache of what was read is: the user's own folder for such, never that of a store."""

from __future__ import annotations

import contextlib
import os
import time
import zlib

__all__ = ["cache_folder", "forget_old_files", "make_folder", "paths"]

_FORGOTTEN = 90 * 86400.0


def cache_folder(root: str | bytes) -> str:
    """The reader's own cache folder; empty without a place for it, or when that is in the store.

    Args:
        root: the store, without links.
    """
    folder = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(folder):
        home = os.path.expanduser("~") if os.environ.get("HOME") != "" else ""
        folder = os.path.join(home, ".cache")
    if not os.path.isabs(folder):
        return ""
    folder = os.path.join(folder, "meticulous")
    inside = os.fsencode(os.path.join(os.path.realpath(folder), ""))
    return "" if inside.startswith(os.fsencode(root) + b"/") else folder


def paths(root: bytes) -> tuple[str, ...]:
    """The cache's files; none without a place for them."""
    folder = cache_folder(root)
    if not folder:
        return ()
    stem = os.path.join(folder, f"{zlib.crc32(root):08x}{zlib.adler32(root):08x}")
    return f"{stem}.sqlite", f"{stem}.new.sqlite"


def make_folder(folder: str) -> None:
    """Make the folder; nobody else may look into it."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    os.makedirs(folder, 0o700, exist_ok=True)


def forget_old_files(folder: str) -> None:
    """Remove what killed processes left, and caches that nothing was added to for months."""
    now = time.time()
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            limit = 86400.0 if entry.name.endswith("~") else _FORGOTTEN
            with contextlib.suppress(OSError):
                if entry.is_file(follow_symlinks=False) and now - entry.stat().st_mtime > limit:
                    os.unlink(entry.path)
