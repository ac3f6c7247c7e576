"""Files of experiments, so that nothing in them can do anything: no link followed, no FIFO waited
for, no markup that a browser would carry out, no pickle.
"""

from __future__ import annotations

import csv
import errno
import io
import itertools
import os
import re
import stat
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from .. import _folder
from . import _arrays

__all__ = ["Content", "content", "listing", "preview"]

MOST_FILES = 10_000
LARGEST_PREVIEW = 1 << 21
LARGEST_IMAGE = 1 << 25
_CSV_ROWS = 1000
_CSV_COLUMNS = 200
_CSV_CELL = 1000
_LOOKED_AT = 4096

_KINDS = {
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "webp", "avif", "svg"), "image"),
    **dict.fromkeys(("wav", "mp3", "ogg", "oga", "flac", "m4a"), "audio"),
    **dict.fromkeys(("mp4", "webm", "ogv", "mov"), "video"),
    **dict.fromkeys(("npy", "npz"), "array"),
    **dict.fromkeys(("csv", "tsv"), "csv"),
    **dict.fromkeys(("md", "markdown"), "markdown"),
    "json": "json",
    **dict.fromkeys(("txt", "log", "jsonl", "yaml", "yml", "toml", "py", "sh", "patch"), "text"),
    **dict.fromkeys(("cfg", "ini", "xml", "html", "htm", "js", "ts", "tex", "diff"), "text"),
}
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
SVG = "image/svg+xml"
_SVG = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<svg[\s>]", re.S
)
_BINARY = "application/octet-stream"
_TEXT = "text/plain; charset=utf-8"


class Content(NamedTuple):
    """A file to send, open, with a type that is inert.

    Args:
        file: open for reading; who takes it closes it.
        size: in bytes.
        type: of the content.
        name: for saving it.
        is_shown: whether a browser may show it, rather than save it.
    """

    file: BinaryIO
    size: int
    type: str
    name: str
    is_shown: bool


def kind_of(path: str) -> str:
    """What a file probably is, by its name: of the record ``record``, ``none`` for not known."""
    if path in _folder.NAMES:
        return "record"
    return _KINDS.get(path.rpartition(".")[2].lower(), "none") if "." in path else "none"


def listing(folder: str) -> tuple[list[dict[str, Any]], bool]:
    """The files of an experiment, sorted, without links; and whether there are more."""
    found = []
    for path in itertools.islice(_walk(folder), MOST_FILES + 1):
        try:
            facts = os.lstat(os.path.join(folder, path))
        except OSError:
            continue
        path = path.replace(os.sep, "/")
        if stat.S_ISREG(facts.st_mode):
            found.append({"path": path, "size": facts.st_size, "kind": kind_of(path)})
    more = len(found) > MOST_FILES
    return sorted(found[:MOST_FILES], key=lambda file: str(file["path"])), more


def _walk(folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        inside = os.path.relpath(place, folder)
        for name in sorted(names):
            if not (name.startswith(".") and name.endswith("~")):
                yield os.path.normpath(os.path.join(inside, name))


# ---------------------------------------------------------------------------- opening


def open_inside(folder: str, path: str) -> BinaryIO:
    """Open a regular file in a folder; no link is followed, at no step of the way.

    Raises:
        OSError: it is absent, a link, no regular file, cannot be read, or the path is not one
            within the folder.
    """
    parts = path.split("/")
    odd = "\0" in path or (os.altsep and os.sep in path) or os.path.isabs(path)
    if odd or any(part in ("", os.curdir, os.pardir) for part in parts):
        raise OSError(errno.EINVAL, "not a path within the experiment", path)
    descriptor = _descend(folder, parts)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        return open(descriptor, "rb", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise


def _descend(folder: str, parts: list[str]) -> int:
    flags = os.O_RDONLY | _flag("O_CLOEXEC") | _flag("O_NOFOLLOW") | _flag("O_NONBLOCK")
    if os.open not in os.supports_dir_fd:
        path = os.path.join(folder, *parts)
        if os.path.realpath(path) != os.path.join(os.path.realpath(folder), *parts):
            raise OSError(errno.ELOOP, "a link, which could lead out of the folder", path)
        return os.open(path, flags | _flag("O_BINARY"))
    at = os.open(folder, os.O_RDONLY | _flag("O_DIRECTORY") | _flag("O_CLOEXEC"))
    for part in parts[:-1]:
        try:
            inner = os.open(part, flags | _flag("O_DIRECTORY"), dir_fd=at)
        finally:
            os.close(at)
        at = inner
    try:
        return os.open(parts[-1], flags, dir_fd=at)
    finally:
        os.close(at)


def _flag(name: str) -> int:
    return int(getattr(os, name, 0))


def content(folder: str, path: str) -> Content:
    """Open a file for sending. What it is, is decided by how it begins, never by its name.

    Args:
        folder: of the experiment.
        path: of the file in it.

    Raises:
        OSError: see `open_inside`.
    """
    file = open_inside(folder, path)
    try:
        size = os.fstat(file.fileno()).st_size
        begin = file.read(_LOOKED_AT)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    kind = media_type(begin)
    is_shown = bool(kind) and kind != SVG  # an image in a page is one also when it is to be saved
    kind = kind or (_BINARY if is_binary(begin) else _TEXT)
    return Content(file, size, kind, path.rpartition("/")[2], is_shown)


def media_type(begin: bytes) -> str:
    """The type of an image, sound or film by its first bytes; empty for everything else."""
    for magic, kind in _MAGIC:
        if begin.startswith(magic):
            return kind
    form = begin[8:12]
    if begin.startswith(b"RIFF"):
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(form, "")
    if begin.startswith(b"OggS"):
        return "video/ogg" if b"theora" in begin[:256] else "audio/ogg"
    if begin[4:8] == b"ftyp":
        return {b"M4A ": "audio/mp4", b"avif": "image/avif"}.get(form, "video/mp4")
    return SVG if _SVG.match(begin) else ""


def is_binary(begin: bytes) -> bool:
    """Whether the beginning of a file is no text."""
    return b"\0" in begin


# ---------------------------------------------------------------------------- previews


def preview(folder: str, path: str) -> dict[str, Any]:
    """What can be shown of a file, at most 2 MB of it.

    Raises:
        OSError: see `open_inside`.
    """
    with open_inside(folder, path) as file:
        size = os.fstat(file.fileno()).st_size
        begin = file.read(_LOOKED_AT)
        file.seek(0)
        answer: dict[str, Any] = {"path": path, "size": size}
        media = media_type(begin)
        if media:
            if media.startswith("image/") and size > LARGEST_IMAGE:
                return {**answer, "kind": "none", "note": "The image is too large to be shown."}
            return {**answer, "kind": media.partition("/")[0], "type": media}
        arrays = _arrays.shapes(file, size)
        if arrays is not None:
            return {**answer, "kind": "array", **arrays}
        if is_binary(begin):
            return {**answer, "kind": "none", "note": "This is no text, image, sound or array."}
        file.seek(0)
        data = _read(file, LARGEST_PREVIEW)
    text = data.decode("utf-8", "replace")
    kind = kind_of(path)
    if kind in ("record", "none", "image", "audio", "video", "array"):
        kind = "json" if path.endswith(".json") else "text"
    answer |= {"kind": kind, "truncated": size > len(data)}
    if kind == "csv":
        return {**answer, **_table(text, "\t" if path.lower().endswith(".tsv") else ",")}
    return {**answer, "text": text}


def _read(file: BinaryIO, most: int) -> bytes:
    parts = []
    while most > 0 and (part := file.read(most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _table(text: str, delimiter: str) -> dict[str, Any]:
    rows = []
    note = ""
    try:
        for row in itertools.islice(csv.reader(io.StringIO(text), delimiter=delimiter), _CSV_ROWS):
            rows.append([cell[:_CSV_CELL] for cell in row[:_CSV_COLUMNS]])
    except csv.Error as error:
        note = f"Not all of it is a table: {error}."
    more = len(rows) >= _CSV_ROWS
    head, *rows = rows or [[]]
    return {
        "columns": head,
        "rows": rows,
        "note": note or (f"The first {_CSV_ROWS} rows." if more else ""),
    }
