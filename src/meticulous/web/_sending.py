"""Answers as bytes: JSON of anything, parts of files, and the files of the built page."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from .. import _json
from ._content import Content
from ._guard import Problem
from ._threads import in_thread

__all__ = ["EXPORT", "TYPES", "Part", "json_text", "part_of", "portions", "static_files"]

EXPORT = "export"
"""The folder of the built page with what an exported page is made of."""
_PORTION = 1 << 18
_CSP_CONTENT = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}


def json_text(value: Any) -> str:
    """An answer as JSON, also of what records of 2020 may hold."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError):
        return json.dumps(_json.plain(value), separators=(",", ":"))


class Part(NamedTuple):
    """Which bytes of a file are sent, and how."""

    status: int
    headers: dict[str, str]
    start: int
    end: int


def part_of(content: Content, headers: Mapping[str, str]) -> Part:
    """Choose what of a file is sent.

    Raises:
        Problem: there are no such bytes; the file is closed then.
    """
    wanted = _range(headers.get("range", ""), content.size)
    if wanted is None:
        content.file.close()
        raise Problem(
            416, "There are no such bytes.", **{"Content-Range": f"bytes */{content.size}"}
        )
    start, end = wanted
    shown = "inline" if content.is_shown else "attachment"
    name = quote(content.name, safe="", errors="replace")
    answer = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"{shown}; filename*=UTF-8''{name}",
        "Content-Security-Policy": _CSP_CONTENT,
        "Content-Length": str(end - start),
    }
    if end - start == content.size:
        return Part(200, answer, start, end)
    answer["Content-Range"] = f"bytes {start}-{end - 1}/{content.size}"
    return Part(206, answer, start, end)


def _range(header: str, size: int) -> tuple[int, int] | None:
    """The bytes that are asked for: all, unless it is one range; None when there are no such."""
    unit, _, text = header.partition("=")
    first, dash, last = text.strip().partition("-")
    digits = all(not part or (part.isascii() and part.isdigit()) for part in (first, last))
    if unit.strip().lower() != "bytes" or not dash or not digits or not (first or last):
        return (0, size)
    if len(first) > 18 or len(last) > 18:
        return None
    if not first:
        count = int(last)
        return (max(0, size - count), size) if count and size else None
    start, end = int(first), min(int(last) + 1 if last else size, size)
    return (start, end) if start < end else None


async def portions(file: Any, start: int, end: int) -> AsyncIterator[bytes]:
    with file:
        await in_thread(file.seek, start)
        while start < end:
            data = await in_thread(file.read, min(_PORTION, end - start))
            # A file that was cut meanwhile is filled up, since its length was announced.
            data = data or bytes(min(_PORTION, end - start))
            start += len(data)
            yield data


def static_files(folder: str) -> dict[str, bytes]:
    """The files of the built page by their path in the address: nothing else is ever sent.

    They are read at once, so that a page that asks for its second part gets that of its first one,
    also when another version was installed meanwhile.
    """
    found = {}
    for place, folders, names in os.walk(folder) if folder else ():
        if place == folder and EXPORT in folders:
            folders.remove(EXPORT)
        for name in names:
            path = os.path.join(place, name)
            if not os.path.islink(path):
                with open(path, "rb") as file:
                    found[os.path.relpath(path, folder).replace(os.sep, "/")] = file.read()
    return found
