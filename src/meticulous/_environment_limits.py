"""What limits a program has, and which of them the kernel or the scheduler has enforced."""

from __future__ import annotations

import datetime
import os
import time
from typing import Any

from ._environment_source import number, read, value_after

__all__ = ["Limits"]

_RESOURCES = {
    "RLIMIT_AS": "address-space",
    "RLIMIT_CPU": "cpu-seconds",
    "RLIMIT_FSIZE": "file-size",
}


class Limits:
    """Look at the kernel's counters now, to tell later what has become of them.

    Args:
        root: where the machine's files begin.
    """

    def __init__(self, root: str = "/") -> None:
        self._root = root
        self._kills = self._oom_kills()

    def facts(self, *, failed: bool) -> dict[str, Any]:
        """Tell what is known: facts, not reasons.

        Args:
            failed: tell also of limits that nobody has counted.

        Returns:
            ``oom-kills``: how many processes of this control group the kernel has killed for want
            of memory meanwhile. ``limits``: those of this process that are not infinite.
            ``job-end-time``: when the scheduler ends the job, and ``seconds-to-job-end``.
        """
        facts: dict[str, Any] = {}
        kills = self._oom_kills()
        if kills is not None and self._kills is not None and kills > self._kills:
            facts["oom-kills"] = kills - self._kills
        if failed:
            limits = _limits()
            if limits:
                facts["limits"] = limits
            facts.update(_job_end())
        return facts

    def _oom_kills(self) -> int | None:
        """Count the kills in the control group that we are in, of either version."""
        for line in (read(self._root, "proc/self/cgroup") or "").splitlines():
            controllers, _, path = line.partition(":")[2].partition(":")
            place, file = "", "memory.events"
            if "memory" in controllers.split(","):
                place, file = "memory", "memory.oom_control"
            elif controllers:
                continue
            for folder in (path.strip("/"), ""):  # a container may see its own group as the top
                text = read(self._root, os.path.join("sys/fs/cgroup", place, folder, file))
                if (count := number(value_after(text, "oom_kill", " "))) is not None:
                    return count
        return None


def _limits() -> dict[str, int]:
    try:
        import resource
    except ImportError:  # Windows
        return {}
    found = {}
    for name, meaning in _RESOURCES.items():
        soft = resource.getrlimit(getattr(resource, name))[0]
        if soft != resource.RLIM_INFINITY:
            found[meaning] = soft
    return found


def _job_end() -> dict[str, Any]:
    text = os.environ.get("SLURM_JOB_END_TIME", "")
    if not text.isdecimal() or len(text) > 11:
        return {}
    end = datetime.datetime.fromtimestamp(int(text), datetime.UTC)
    return {
        "job-end-time": end.isoformat(),
        "seconds-to-job-end": round(int(text) - time.time(), 1),
    }
