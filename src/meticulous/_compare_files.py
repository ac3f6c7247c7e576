"""Files of a record that readers do not keep: read when they are compared, whatever is in them."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import Any, TypeVar

from . import _files, _folder, _json

__all__ = ["document", "input_key", "recorded_files", "recorded_patch"]

_LARGEST = 1 << 26
_T = TypeVar("_T")


def document(folder: str, name: str) -> tuple[dict[str, Any] | None, str]:
    """Read one of the JSON objects of an experiment.

    Args:
        folder: the experiment's folder.
        name: of the file.

    Returns:
        The object, None when there is none; and why not, empty when there simply is no such file.
    """
    value, problem = _read(folder, name, _json.decode)
    if value is None or isinstance(value, dict):
        return value, problem
    return None, f"{name} does not hold an object"


def recorded_patch(folder: str) -> tuple[str | None, str]:
    """Read how the code differed from its commit, as `document` reads an object."""
    return _read(folder, _folder.CODE_PATCH, lambda data: data.decode("utf-8", "surrogateescape"))


def recorded_files(folder: str) -> tuple[list[dict[str, Any]], str]:
    """Read which inputs and outputs an experiment has recorded: the last line of each file.

    Returns:
        The lines, each with ``role`` and ``path`` as text; and what cannot be read, empty for
        nothing.
    """
    data, problem = _read(folder, _folder.FILES, bytes)
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    broken = 0
    for text in (data or b"").splitlines():
        try:
            line = _json.decode(text) if text.strip() else None
        except ValueError:
            line = 0
        if isinstance(line, dict) and all(isinstance(line.get(k), str) for k in ("role", "path")):
            found[(line["role"], *input_key(line))] = line
        elif line is not None:
            broken += 1
    if broken:
        problem = f"{_folder.FILES}: {broken} broken line{'' if broken == 1 else 's'}"
    return list(found.values()), problem


def input_key(line: dict[str, Any]) -> tuple[str, str]:
    """What a recorded file is known by: what its path is relative to, and the path."""
    return str(line.get("base") or "project"), line["path"]


def _read(folder: str, name: str, decode: Callable[[bytes], _T]) -> tuple[_T | None, str]:
    path = os.path.join(folder, name)
    try:
        if stat.S_ISLNK(os.lstat(path).st_mode):
            raise OSError(errno.ELOOP, "a link, which could lead out of the folder")
        return decode(_files.read_bytes(path, _LARGEST)), ""
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"{name} cannot be read: {error.strerror or type(error).__name__}"
    except ValueError as error:
        return None, f"{name} is not JSON: {str(error).splitlines()[0]}"
