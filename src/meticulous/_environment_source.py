"""Read the small text files in which a machine describes itself; an absent one is None."""

from __future__ import annotations

import os

__all__ = ["number", "read", "value_after"]

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


def read(root: str, path: str, limit: int = 1 << 16) -> str | None:
    """Read the first bytes of a file below a root.

    Args:
        root: where the machine's files begin, ``/`` on a real machine.
        path: the file below it, without a leading slash.
        limit: at most this many bytes.

    Returns:
        The text without surrounding white space; None when there is no such file or it cannot be
        read.
    """
    # Three calls, where open().read() would make seven: each one may cost a wait for the GIL.
    try:
        descriptor = os.open(os.path.join(root, path), _FLAGS)
    except OSError:
        return None
    try:
        parts = []
        while limit > 0 and (part := os.read(descriptor, min(limit, 1 << 16))):
            parts.append(part)
            limit -= len(part)
            if len(part) < 1024:  # /proc hands out pages: a short read is the last one
                break
        return b"".join(parts).decode("utf-8", "replace").strip()
    except OSError:
        return None
    finally:
        os.close(descriptor)


def number(text: str | None) -> int | None:
    """Read a decimal integer; None when it is something else, such as ``max``."""
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None


def value_after(text: str | None, key: str, separator: str = ":") -> str | None:
    """Find the first line ``key: value`` and give its value; None when there is none."""
    for line in (text or "").splitlines():
        name, found, value = line.partition(separator)
        if found and name.strip() == key:
            return value.strip()
    return None
