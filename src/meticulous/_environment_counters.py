"""What machine and process have used so far, as counters: /proc, else psutil, else Python alone."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from ._environment_source import number, read, value_after

__all__ = ["Counters", "ProcCounters", "PsutilCounters", "best_counters", "cheap_counters"]

MAX_PROCESSES = 64  # of our own tree; looking at more would take longer than it is worth
MAX_THREADS = 64  # whose children are looked for, in the program's own process
MAX_FILES = 256  # among which a process's open accelerator is looked for
_SECTOR = 512

Reading = dict[str, float]


def _own_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    return sum(os.times()[:4])


class Counters:
    """What Python itself tells on every system: the process's own processor time.

    Attributes:
        pids: the processes that the last reading counted as ours.
    """

    def __init__(self) -> None:
        self.pids: list[int] = [os.getpid()]

    def machine(self) -> Reading:
        """Read ``busy`` and ``ticks`` of all processors, ``memory`` in use in bytes."""
        return {}

    def process(self) -> Reading:
        """Read this process and those that it started: ``seconds`` of processor time, resident
        ``memory`` in bytes, ``threads``, ``processes``.
        """
        return {"seconds": _own_seconds()}

    def disk(self) -> Reading:
        """Read the bytes ``read`` from and ``written`` to the machine's disks."""
        return {}

    def network(self) -> Reading:
        """Read the bytes ``received`` and ``sent`` over the machine's interfaces."""
        return {}

    def peaks(self) -> list[int]:
        """Tell the most bytes that were ever resident: of this process, and of any one child
        that has ended; empty where the system does not tell.
        """
        try:
            import resource
            import sys
        except ImportError:  # Windows
            return []
        unit = 1 if sys.platform == "darwin" else 1024
        kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        return [resource.getrusage(kind).ru_maxrss * unit for kind in kinds]

    def uses_accelerator(self) -> bool:
        """Does any process of ours hold CUDA's or ROCm's device open?"""
        return False


class ProcCounters(Counters):
    """Linux: the files of /proc. Of other processes only our own descendants are looked at.

    Args:
        root: where the machine's files begin.
    """

    def __init__(self, root: str = "/") -> None:
        super().__init__()
        self._root = root
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._tick = os.sysconf("SC_CLK_TCK")
        self._hardware: dict[str, set[str]] = {}

    def _with_hardware(self, folder: str) -> set[str]:
        """Name what is hardware, not a part, a stack or a bridge of it: else bytes count twice."""
        if folder not in self._hardware:
            path = os.path.join(self._root, folder)
            try:
                names = os.listdir(path)
            except OSError:
                names = []
            self._hardware[folder] = {
                name for name in names if os.path.exists(f"{path}/{name}/device")
            }
        return self._hardware[folder]

    def machine(self) -> Reading:
        reading: Reading = {}
        fields = (read(self._root, "proc/stat") or "").partition("\n")[0].split()
        if len(fields) > 5 and fields[0] == "cpu":
            ticks = [int(field) for field in fields[1:9]]  # guests' time is in the user's already
            reading["ticks"] = sum(ticks)
            reading["busy"] = reading["ticks"] - ticks[3] - ticks[4]
        text = read(self._root, "proc/meminfo", 4096)
        total = number((value_after(text, "MemTotal") or "").removesuffix(" kB"))
        free = number((value_after(text, "MemAvailable") or "").removesuffix(" kB"))
        if total is not None and free is not None:
            reading["memory"] = (total - free) * 1024
        return reading

    def process(self) -> Reading:
        own = os.getpid()
        reading: Reading = {"seconds": 0.0, "memory": 0, "threads": 0, "processes": 0}
        self.pids = []
        waiting = [own]
        while waiting and len(self.pids) < MAX_PROCESSES:
            pid = waiting.pop(0)
            if self._add(pid, reading):
                self.pids.append(pid)
                waiting += self._children(pid, MAX_THREADS if pid == own else 1)
        return reading

    def _add(self, pid: int, reading: Reading) -> bool:
        text = read(self._root, f"proc/{pid}/stat", 1 << 12)
        if not text:  # it has ended between two looks
            return False
        fields = text.rpartition(")")[2].split()  # the name before it may hold anything
        # Fields 14 to 17 of proc(5), less the two before; children that have ended are in 16, 17.
        reading["seconds"] += sum(map(int, fields[11:15])) / self._tick
        reading["threads"] += int(fields[17])
        reading["memory"] += int(fields[21]) * self._page
        reading["processes"] += 1
        return True

    def _children(self, pid: int, threads: int) -> list[int]:
        names = [str(pid)]
        if threads > 1:
            with contextlib.suppress(OSError):  # it has ended
                names += os.listdir(os.path.join(self._root, f"proc/{pid}/task"))
        found: list[int] = []
        for name in list(dict.fromkeys(names))[:threads]:
            text = read(self._root, f"proc/{pid}/task/{name}/children", 1 << 12) or ""
            found += map(int, text.split()[:MAX_PROCESSES])
        return found

    def disk(self) -> Reading:
        rows = (line.split() for line in (read(self._root, "proc/diskstats") or "").splitlines())
        disks = self._with_hardware("sys/block")
        ours = [row for row in rows if len(row) > 9 and row[2] in disks]
        if not ours:
            return {}
        return {
            "read": sum(int(row[5]) for row in ours) * _SECTOR,
            "written": sum(int(row[9]) for row in ours) * _SECTOR,
        }

    def network(self) -> Reading:
        rows = {}
        for line in (read(self._root, "proc/net/dev") or "").splitlines():
            name, found, rest = line.partition(":")
            if found and name.strip() != "lo":
                rows[name.strip()] = rest.split()
        # In a container the only interfaces are virtual ones.
        cards = self._with_hardware("sys/class/net")
        ours = [row for name, row in rows.items() if name in cards] or list(rows.values())
        if not ours:
            return {}
        return {
            "received": sum(int(row[0]) for row in ours),
            "sent": sum(int(row[8]) for row in ours),
        }

    def peaks(self) -> list[int]:
        # The kernel's getrusage remembers the memory of the program that started this one, too.
        text = value_after(read(self._root, "proc/self/status"), "VmHWM")
        kibibytes = number((text or "").removesuffix(" kB"))
        own, *others = super().peaks()
        return [own if kibibytes is None else kibibytes * 1024, *others]

    def uses_accelerator(self) -> bool:
        return any(self._holds_accelerator(pid) for pid in self.pids)

    def _holds_accelerator(self, pid: int) -> bool:
        folder = os.path.join(self._root, f"proc/{pid}/fd")
        try:
            names = os.listdir(folder)[:MAX_FILES]
        except OSError:  # it has ended
            return False
        for name in names:
            with contextlib.suppress(OSError):  # closed between two looks
                # NVML opens the other devices of NVIDIA, but not this one.
                if os.readlink(f"{folder}/{name}") in ("/dev/nvidia-uvm", "/dev/kfd"):
                    return True
        return False


class PsutilCounters(Counters):
    """Other systems, where psutil is installed.

    Raises:
        ImportError: it is not, or does not fit this Python.
    """

    def __init__(self) -> None:
        super().__init__()
        import psutil  # type: ignore[import-untyped]

        self._psutil: Any = psutil
        self._process: Any = psutil.Process()

    def machine(self) -> Reading:
        times = self._psutil.cpu_times()
        memory = self._psutil.virtual_memory()
        total = sum(times) - getattr(times, "guest", 0) - getattr(times, "guest_nice", 0)
        idle = times.idle + getattr(times, "iowait", 0)
        return {"ticks": total, "busy": total - idle, "memory": memory.total - memory.available}

    def process(self) -> Reading:
        reading: Reading = {"seconds": _own_seconds(), "memory": 0, "threads": 0, "processes": 0}
        children = self._process.children(recursive=True)
        self.pids = []
        for process in [self._process, *children][:MAX_PROCESSES]:
            try:
                with process.oneshot():
                    if process is not self._process:
                        times = process.cpu_times()
                        reading["seconds"] += times.user + times.system
                    reading["memory"] += process.memory_info().rss
                    reading["threads"] += process.num_threads()
            except self._psutil.Error:  # it has ended, or is not ours to look at
                continue
            reading["processes"] += 1
            self.pids.append(process.pid)
        return reading

    def disk(self) -> Reading:
        counters = self._psutil.disk_io_counters(nowrap=False)
        if counters is None:
            return {}
        return {"read": counters.read_bytes, "written": counters.write_bytes}

    def network(self) -> Reading:
        counters = self._psutil.net_io_counters(pernic=True, nowrap=False)
        ours = [each for name, each in counters.items() if not name.startswith("lo")]
        return {
            "received": sum(each.bytes_recv for each in ours),
            "sent": sum(each.bytes_sent for each in ours),
        }


def cheap_counters(root: str = "/") -> Counters:
    """Choose what needs no import: /proc where there is one."""
    return Counters() if read(root, "proc/self/stat") is None else ProcCounters(root)


def best_counters(root: str = "/") -> Counters:
    """Choose /proc where there is one, so that an extra changes no number; then psutil."""
    counters = cheap_counters(root)
    if not isinstance(counters, ProcCounters):
        try:
            return PsutilCounters()
        except Exception:  # absent, or built for another Python or system: no reason to fail
            pass
    return counters
