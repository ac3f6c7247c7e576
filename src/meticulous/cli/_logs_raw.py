"""Bytes as an experiment printed them, unchanged to standard output."""

from __future__ import annotations

import os
import sys

from ..errors import MeticulousError, StorageError

__all__ = ["cannot_read", "write"]


def write(data: bytes) -> None:
    """Write bytes to standard output.

    Raises:
        BrokenPipeError: nobody reads any more.
        StorageError: they cannot be written for another reason.
    """
    if sys.stdout is None:  # closed before we started
        return
    try:
        sys.stdout.flush()
        view = memoryview(data)
        while view:
            view = view[os.write(sys.stdout.fileno(), view) :]
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError.from_oserror("write", "the output", error) from error


def cannot_read(path: str, error: OSError) -> MeticulousError:
    """Say in one sentence why a file cannot be read."""
    reason = error.strerror or type(error).__name__
    return MeticulousError(f"Cannot read {path}: {reason[:1].lower()}{reason[1:]}.")
