"""Sample the machine while a program runs, from a thread that the program never notices."""

from __future__ import annotations

import datetime
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from ._environment_counters import Counters, best_counters, cheap_counters
from ._environment_devices import Gpus, open_gpus

__all__ = ["Sampler"]

FIRST = 1.0  # seconds until the first sample, so that a short run has one
SECOND = 2.0  # seconds from there to the first sample with accelerators
SHORTEST = 0.05  # seconds below which a rate says more about the clock than about the machine

Row = dict[str, Any]


class Sampler:
    """Look at the machine every `interval` seconds and give each sample to `emit`.

    The thread is a daemon, keeps no file open, raises nothing into the program and prints
    nothing; a sample that fails is counted. A forked child has no such thread, and `stop` there
    does nothing.

    Args:
        emit: called in the thread with a row for each sample; its exceptions are counted.
        interval: seconds between samples; 0 or less takes none, and `stop` then tells what needs
            none: peak memory and processor time.
        root: where the machine's files begin.
    """

    def __init__(
        self, emit: Callable[[Row], object], interval: float = 10.0, *, root: str = "/"
    ) -> None:
        self._emit = emit
        self._interval = interval
        self._machine = _Machine(root)
        self._accelerators = _Accelerators(root)
        self._pid: int | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._samples = self._failed = 0
        self._totals: Row | None = None

    def start(self) -> None:
        """Start sampling, at the cost of a thread's start; a second call does nothing."""
        if self._pid is not None:
            return
        self._pid = os.getpid()
        self._guarded(self._machine.begin)
        self._accelerators.begin()
        if self._interval > 0:
            thread = threading.Thread(target=self._run, name="meticulous-system", daemon=True)
            try:
                thread.start()
                self._thread = thread
            except RuntimeError:  # the system allows no more threads: then without samples
                self._failed += 1

    def stop(self, timeout: float = 0.5) -> Row:
        """Stop sampling, with a last sample, and tell the totals.

        Args:
            timeout: at most so many seconds are spent waiting for a driver or a disk that hangs;
                a sample that comes later is dropped.

        Returns:
            ``peak-memory`` (bytes, see `_Machine.totals`), ``cpu-seconds``, ``samples``,
            ``failed-samples`` if there were any, and, where accelerators were sampled,
            ``gpu-hours``, ``gpu-peak-memory`` and ``gpu-peak-process-memory`` (bytes by index).
            A further call tells the same. Empty before the start and in a forked child.
        """
        if self._pid != os.getpid():  # before all else: a lock may have been held at the fork
            return {}
        if self._totals is None:
            self._stopping.set()
            if self._thread is not None and self._thread is not threading.current_thread():
                self._thread.join(timeout)
                self._failed += self._thread.is_alive()
            totals = self._guarded(self._machine.totals) or {}
            totals["samples"] = self._samples
            totals.update(self._guarded(self._accelerators.totals) or {})
            if self._failed:
                totals["failed-samples"] = self._failed
            self._totals = totals
        return dict(self._totals)

    def _guarded(self, action: Callable[[], Any]) -> Any:
        """Whatever goes wrong when a strange machine is looked at, the program goes on."""
        try:
            return action()
        except Exception:
            self._failed += 1
            return None

    def _run(self) -> None:
        self._guarded(self._machine.begin_in_thread)
        for wait in self._waits():
            stopping = self._stopping.wait(wait)
            if self._machine.age() >= SHORTEST or not self._samples:
                self._guarded(self._sample)
            if stopping:
                break
        self._guarded(self._accelerators.close)

    def _waits(self) -> Iterator[float]:
        """Accelerators are opened after the first sample: their driver may take long, or hang."""
        yield min(FIRST, self._interval)
        self._guarded(self._accelerators.open)
        if self._accelerators.found:
            yield min(SECOND, self._interval)
        while True:
            yield self._interval

    def _sample(self) -> None:
        row = self._machine.row()
        if self._accelerators.found:
            gpus = self._accelerators.sample(self._machine.counters)
            if gpus:
                row["gpus"] = gpus
        if self._totals is None:
            self._emit(row)
            self._samples += 1
            self._failed += self._machine.failed


class _Machine:
    """Rows and totals out of counters."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._folder = ""
        self._before: dict[str, tuple[dict[str, float], float]] = {}
        self._peaks: list[int] = []
        self._peak = 0
        self._first = self._last = 0.0
        self._time = 0.0
        self.counters = Counters()
        self.failed = False  # was there a failure in the last row?

    def begin(self) -> None:
        """Remember where the totals begin; fast."""
        self._time = time.monotonic()
        self.counters = cheap_counters(self._root)
        self._first = self._last = self.counters.process()["seconds"]
        self._peaks = self.counters.peaks()
        self._folder = os.getcwd()

    def begin_in_thread(self) -> None:
        """Remember where the rates begin; may import psutil."""
        self.counters = best_counters(self._root)
        for part in ("machine", "process", "disk", "network"):
            self._rates(part)

    def age(self) -> float:
        """Tell the seconds since the last row, or since the begin."""
        return time.monotonic() - self._time

    def row(self) -> Row:
        """Look at everything; a part that cannot be read is left out."""
        self.failed = False
        self._time = time.monotonic()
        row: Row = {"time": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")}
        now, rates = self._rates("machine")
        if rates.get("ticks"):
            row["cpu"] = round(100 * rates["busy"] / rates["ticks"], 1)
        if "memory" in now:
            row["memory"] = now["memory"]
        row["process"] = self._process()
        _, rates = self._rates("disk")
        row["disk"] = {key: round(rate) for key, rate in rates.items()}
        if (free := self._free()) is not None:
            row["disk"]["free"] = free
        _, rates = self._rates("network")
        row["network"] = {key: round(rate) for key, rate in rates.items()}
        return {key: value for key, value in row.items() if value != {}}

    def _rates(self, part: str) -> tuple[dict[str, float], dict[str, float]]:
        """Read a part's counters: as they stand, and by how much a second they have grown."""
        try:
            reading: dict[str, float] = getattr(self.counters, part)()
        except Exception:  # a shape that nobody has foreseen; the other parts are good all the same
            self.failed = True
            return {}, {}
        now = time.monotonic()
        before, then = self._before.get(part, ({}, now))
        self._before[part] = reading, now
        if now - then < SHORTEST:
            return reading, {}
        growth = {key: reading[key] - before[key] for key in reading if key in before}
        return reading, {key: max(0.0, value / (now - then)) for key, value in growth.items()}

    def _process(self) -> Row:
        now, rates = self._rates("process")
        self._last = now.get("seconds", self._last)
        self._peak = max(self._peak, int(now.get("memory", 0)))
        facts: Row = {"cpu": round(100 * rates["seconds"], 1)} if "seconds" in rates else {}
        facts.update({key: value for key, value in now.items() if key != "seconds"})
        return facts

    def _free(self) -> int | None:
        """Tell the bytes free to this user where the program was started."""
        try:
            status = os.statvfs(self._folder)
        except (AttributeError, OSError):  # not on Windows; the folder may be gone
            return None
        return status.f_bavail * status.f_frsize

    def totals(self) -> Row:
        """Sum up.

        Returns:
            ``peak-memory``: the largest of the samples (this process and its descendants
            together), and of what the system remembers between them (this process alone, and any
            child that has ended), as far as that grew while we looked; where there is no other
            way to know, whatever this process ever had. ``cpu-seconds``: this process and its
            descendants.
        """
        self._process()  # the last sample is old if a driver hangs
        peaks = self.counters.peaks()
        grown = [now for now, then in zip(peaks, self._peaks, strict=False) if now > then]
        peak = max([self._peak, *grown]) or max(peaks[:1], default=0)
        totals = {"peak-memory": peak} if peak else {}
        return {**totals, "cpu-seconds": round(max(0.0, self._last - self._first), 2)}


class _Accelerators:
    """Rows and totals of the accelerators that this process may use."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._gpus: Gpus | None = None
        self._time = 0.0
        self._seconds: float | None = None
        self._peaks: dict[str, dict[str, int]] = {"memory": {}, "process-memory": {}}

    def begin(self) -> None:
        """Remember where the hours begin."""
        self._time = time.monotonic()

    def open(self) -> None:
        """Wake the driver."""
        self._gpus = open_gpus(self._root)

    @property
    def found(self) -> bool:
        """Is there anything to sample?"""
        return self._gpus is not None

    def close(self) -> None:
        """Let go of the driver."""
        if self._gpus is not None:
            self._gpus.close()

    def sample(self, counters: Counters) -> list[Row]:
        """Look at each, and add up for how long ours were in use.

        In use are those on which the driver names a process of ours. A driver outside of our
        container names processes by other numbers: it then names none, and all that we may use
        count if a process of ours holds CUDA or ROCm open.
        """
        assert self._gpus is not None
        rows = self._gpus.sample(frozenset(counters.pids))
        used = sum("process-memory" in row for row in rows)
        if not used and rows and counters.uses_accelerator():
            used = len(rows)
        now = time.monotonic()
        self._seconds = (self._seconds or 0.0) + used * (now - self._time)
        self._time = now
        for kind, peaks in self._peaks.items():
            for row in rows:
                if row.get(kind):  # 0: the driver knows whose it is, but not how much
                    index = str(row["index"])
                    peaks[index] = max(row[kind], peaks.get(index, 0))
        return rows

    def totals(self) -> Row:
        """Sum up; empty when no accelerator was sampled."""
        if self._seconds is None:
            return {}
        totals: Row = {"gpu-hours": round(self._seconds / 3600, 6)}
        for kind, peaks in self._peaks.items():
            if peaks:
                totals[f"gpu-peak-{kind}"] = dict(peaks)
        return totals
