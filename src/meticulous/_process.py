"""Who owns an experiment, and whether that process still lives."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["SILENT_AFTER", "identity", "owner_state", "rank"]

SILENT_AFTER = 120.0
"""Seconds without a heartbeat after which an owner that cannot be looked up counts as silent."""

_RANK_VARIABLES = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK")


def rank() -> tuple[str, str] | None:
    """Tell which rank of a parallel program this process is.

    torchrun's RANK stands above SLURM's and MPI's, since it counts within them.

    Returns:
        The variable and its value, None outside parallel programs.
    """
    for name in _RANK_VARIABLES:
        value = os.environ.get(name, "").strip()
        if value.isdigit():
            return name, value
    return None


def identity() -> dict[str, Any]:
    """Describe this process so that another one can tell later whether it still lives.

    Returns:
        ``host``, ``machine`` (a hash of the machine id), ``boot``, ``namespace`` (of pids),
        ``pid`` and ``process-start`` (clock ticks since boot, which no clock change moves); what
        the platform does not tell is None.
    """
    return {
        "host": _host(),
        "machine": _machine(),
        "boot": _first_line("/proc/sys/kernel/random/boot_id"),
        "namespace": _namespace(),
        "pid": os.getpid(),
        "process-start": _process_start(os.getpid()),
    }


def owner_state(owner: Mapping[str, Any], silent_for: float) -> str:
    """Tell whether the process described by `identity` lives.

    Args:
        owner: what `identity` gave then.
        silent_for: seconds since its last heartbeat, by the clock of the storage.

    Returns:
        ``"alive"`` or ``"dead"`` when that is provable from here, otherwise ``"unknown"``: another
        host, another container, a platform without /proc, or a record without these facts.
    """
    pid = owner.get("pid")
    if not isinstance(pid, int) or pid <= 0 or owner.get("host") != _host():
        return "unknown"
    boot = _first_line("/proc/sys/kernel/random/boot_id")
    if owner.get("boot") != boot:
        same_machine = owner.get("machine") is not None and owner.get("machine") == _machine()
        # Cloned machines can share a name and an id, so a fresh heartbeat outweighs them.
        return "dead" if same_machine and silent_for > SILENT_AFTER else "unknown"
    if owner.get("namespace") != _namespace():
        return "unknown"
    recorded, start = owner.get("process-start"), _process_start(pid)
    if boot is None or (recorded is None and start is not None):
        return _alive_by_signal(pid)
    return "alive" if start is not None and start == recorded else "dead"


def _alive_by_signal(pid: int) -> str:
    if sys.platform == "win32":  # os.kill(pid, 0) would end the process there
        return "unknown"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "dead"
    except OSError:
        return "unknown"
    return "unknown"  # the number may have been given to another process


def _host() -> str:
    if sys.platform == "win32":
        return os.environ.get("COMPUTERNAME", "")
    return os.uname().nodename


def _machine() -> str | None:
    # The id itself is meant to stay on the machine (machine-id(5)); a hash identifies it as well.
    text = _first_line("/etc/machine-id")
    if not text:
        return None
    number = 0xCBF29CE484222325  # FNV-1a, 64 bits: loading hashlib costs more than a whole start
    for byte in b"meticulous" + text.encode():
        number = (number ^ byte) * 0x100000001B3 % (1 << 64)
    return f"{number:016x}"


def _namespace() -> str | None:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def _process_start(pid: int) -> int | None:
    """Field 22 of proc(5)'s stat; the second field may hold spaces and parentheses."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return None if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, IndexError, ValueError):
        return None


def _first_line(path: str) -> str | None:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.readline().strip() or None
    except OSError:
        return None
