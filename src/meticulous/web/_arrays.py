"""The shapes of numpy's arrays, from their headers alone: no numpy, no pickle."""

from __future__ import annotations

import ast
import struct
import zipfile
from typing import Any, BinaryIO

__all__ = ["shapes"]

_MAGIC = b"\x93NUMPY"
_LONGEST = 1 << 16
_MOST_MEMBERS = 1000
_LONGEST_INDEX = 1 << 24


def shapes(file: BinaryIO, size: int) -> dict[str, Any] | None:
    """Read the header of an .npy, or of every array in an .npz.

    Returns:
        ``arrays``: name, shape, dtype and order of each, and a ``note``; None for other files.
    """
    file.seek(0)
    begin = file.read(8)
    file.seek(0)
    if begin.startswith(_MAGIC):
        return {"arrays": [_header("", file)], "note": ""}
    if not begin.startswith(b"PK\x03\x04") or size < 22:
        return None
    file.seek(size - 22)
    end = file.read(22)  # as numpy writes it; a very long table of contents is not read
    if end[:4] != b"PK\x05\x06" or int.from_bytes(end[12:16], "little") > _LONGEST_INDEX:
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            found = [_member(archive, info) for info in members[:_MOST_MEMBERS]]
    except (OSError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile, EOFError):
        return None
    if not found:
        return None
    more = len(members) - len(found)
    return {"arrays": found, "note": f"and {more} more arrays" if more > 0 else ""}


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> dict[str, Any]:
    import zlib

    name = info.filename.removesuffix(".npy")
    try:
        with archive.open(info) as file:
            return _header(name, file)
    except (OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        return _broken(name, str(error) or type(error).__name__)
    except zipfile.BadZipFile as error:
        return _broken(name, str(error))


def _header(name: str, file: Any) -> dict[str, Any]:
    begin = file.read(8)
    if len(begin) < 8 or not begin.startswith(_MAGIC):
        return _broken(name, "not an array")
    form, width = ("<H", 2) if begin[6] == 1 else ("<I", 4)
    length = file.read(width)
    if len(length) < width:
        return _broken(name, "the header is cut off")
    (count,) = struct.unpack(form, length)
    if count > _LONGEST:
        return _broken(name, "the header is too long")
    try:
        header = ast.literal_eval(file.read(count).decode("utf-8").strip())
        shape = [int(number) for number in header["shape"]]
        order = "Fortran" if header["fortran_order"] else "C"
        dtype = header["descr"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        return _broken(name, "the header cannot be read")
    dtype = dtype if isinstance(dtype, str) else repr(dtype)
    return {"name": name, "shape": shape, "dtype": dtype[:200], "order": order, "note": ""}


def _broken(name: str, why: str) -> dict[str, Any]:
    return {"name": name, "shape": None, "dtype": None, "order": None, "note": why[:200]}
