"""Long curves read by processes of their own, several at once, and ahead of being asked for.

What they read they leave in the cache of curves; nothing else comes back. Where no process can be
started, or one dies, whoever asks reads for itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterable

from ..errors import MeticulousError
from ..experiments import ExperimentReader

__all__ = ["Preparing", "work"]

MOST_PROCESSES = 8
_IDLE_SECONDS = 20.0
_CODE = (
    "import sys; sys.path.append({home!r}); "
    "from meticulous.web._preparing import work; work({nice})"
)

Task = tuple[str, str, str, bool]
"""The folder of an experiment; metric (empty for all), x and raw as `ExperimentReader` has them."""


class Preparing:
    """Has experiments prepared; threads may share it.

    Args:
        processes: how many at most; as many as there are processors, but not very many.
        nice: how much they give way to other processes on the same machine, such as a training.
    """

    def __init__(self, processes: int = 0, nice: int = 0) -> None:
        self._nice = nice
        self._most = processes or min(MOST_PROCESSES, _processors())
        self._changed = threading.Condition()
        self._waiting: OrderedDict[Task, None] = OrderedDict()
        self._begun: set[Task] = set()
        self._refused: set[Task] = set()
        self._running = 0
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._is_closed = not sys.executable

    def begin(self, tasks: Iterable[Task]) -> None:
        """Have these prepared."""
        with self._changed:
            self._waiting.update(dict.fromkeys(tasks))
            self._start()

    def now(self, tasks: Iterable[Task]) -> None:
        """Prepare these, and return when it is done or cannot be done."""
        with self._changed:
            wanted = [task for task in tasks if task not in self._refused]
            self._waiting.update(dict.fromkeys(task for task in wanted if task not in self._begun))
            self._start()
            self._changed.wait_for(lambda: self._is_closed or not self._waits_for(wanted))

    def close(self) -> None:
        """End the processes, and have nobody wait any longer."""
        with self._changed:
            self._is_closed = True
            for process in self._processes:
                process.kill()  # not after the minute that a long curve may take
            self._changed.notify_all()

    def _waits_for(self, tasks: Iterable[Task]) -> bool:
        return any(task in self._waiting or task in self._begun for task in tasks)

    def _start(self) -> None:
        tasks = len(self._waiting) + len(self._begun)
        while not self._is_closed and self._running < min(self._most, tasks):
            self._running += 1
            name = "meticulous-prepare"
            threading.Thread(target=self._run, name=name, daemon=True).start()
        self._changed.notify_all()

    def _run(self) -> None:
        """Hand tasks to one process, until there have been none for a while."""
        process = None
        try:
            process = _process(self._nice)
            with self._changed:
                self._processes.add(process)
            while task := self._next():
                if not _done(process, task):
                    self._end(task, refused=True)
                    return
                self._end(task)
        except OSError:
            self._is_closed = True  # nor could another one be started
        finally:
            with self._changed:
                self._running -= 1
                if process:
                    self._processes.discard(process)
                self._start()
            if process:
                _stop(process)

    def _next(self) -> Task | None:
        with self._changed:
            ready = self._changed.wait_for(lambda: self._is_closed or self._waiting, _IDLE_SECONDS)
            if not ready or self._is_closed:
                return None
            task, _ = self._waiting.popitem(last=False)
            self._begun.add(task)
            return task

    def _end(self, task: Task, refused: bool = False) -> None:
        with self._changed:
            self._begun.discard(task)
            if refused:
                self._refused.add(task)
            self._changed.notify_all()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _process(nice: int) -> subprocess.Popen[bytes]:
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return subprocess.Popen(
        # -P: what is in the working directory is none of ours.
        [sys.executable, "-P", "-c", _CODE.format(home=home, nice=nice)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _done(process: subprocess.Popen[bytes], task: Task) -> bool:
    """Have a process do something; False if it died."""
    assert process.stdin and process.stdout
    try:
        process.stdin.write(json.dumps(task).encode() + b"\n")
        process.stdin.flush()
        return process.stdout.readline() == b"\n"
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()
    process.kill()
    process.wait()


def work(nice: int) -> None:
    """Prepare what comes in lines, each answered by an empty one: the task of such a process."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(nice)
    for line in sys.stdin.buffer:
        folder, metric, x, raw = json.loads(line)
        with contextlib.suppress(MeticulousError, OSError):
            ExperimentReader(folder)._prepare(metric, x, raw)
        os.write(1, b"\n")
