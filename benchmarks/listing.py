"""What listing a store of 1,000 and of 10,000 experiments costs, with and without the index;
``python -m benchmarks.listing --large`` adds 100,000.

Beside it stands what a script would do: decode the same files with json, or let pandas read each.
Cold means without the index; the files are in the page cache in all cases.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from . import make_store
from .measure import environment, show

SIZES = (1000, 10_000)
LARGE = 100_000
ROUNDS = 5
_FILES = """
import glob, os, sys
rows = []
for name in ("args", "metadata", "summary"):
    for path in glob.glob(os.path.join(sys.argv[1], "*", name + ".json")):
        if os.path.isfile(path) and os.path.getsize(path) < 1 << 20:
            try:
                rows.append(READ)
            except (ValueError, RecursionError, OSError):
                pass
"""
_READING = """
import sys
from meticulous import Experiments
store = Experiments(experiments_directory=sys.argv[1])
"""
_PYTHON = {
    "bare Python": "pass",
    "json.load": "import json\n" + _FILES.replace("READ", "json.load(open(path, 'rb'))"),
    "pandas.read_json": "import pandas\n"
    + _FILES.replace("READ", "pandas.read_json(path, typ='series')")
    + "frame = pandas.DataFrame(rows)\n",
    "newest 30 by time": _READING
    + "rows = sorted(store.lazy_rows(), key=lambda row: row['start_time'])[-30:]\n"
    + "rows = [dict(row) for row in rows]\nstore.remember()\n",
    "best 30 by summary": _READING
    + "best = lambda row: row['summary'].get('test_accuracy', 0)\n"
    + "rows = sorted(store.lazy_rows(), key=best)[-30:]\n"
    + "rows = [dict(row) for row in rows]\nstore.remember()\n",
    "as_dataframe()": _READING + "store.as_dataframe()\n",
    "rows(), all of everything": _READING + "store.rows()\n",
}
_GROUP = "args.model.momentum_23"
_SLOW = ("pandas.read_json", "as_dataframe()", "rows(), all of everything")


class Cost(NamedTuple):
    """What a child process took: seconds of the wall and of processors, and its largest MB."""

    wall: float
    cpu: float
    rss: float


def cost(command: list[str], env: Mapping[str, str]) -> Cost:
    """Run a program that must succeed; its output goes nowhere."""
    start = time.perf_counter()
    null = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawn(command[0], command, env, file_actions=null)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{command} failed")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def main(sizes: tuple[int, ...] = SIZES) -> None:
    with tempfile.TemporaryDirectory() as top:
        for size in sizes:
            store = os.path.join(top, str(size))
            make_store.make(size, store)
            measure(store, size, os.path.join(top, "cache"))
            shutil.rmtree(store)


def measure(store: str, size: int, cache: str) -> None:
    """Measure all cases on one store, side by side."""
    env = environment(XDG_CACHE_HOME=cache, COLUMNS="150")
    cases = {name: [sys.executable, "-c", code, store] for name, code in _PYTHON.items()}
    listing = [sys.executable, "-m", "meticulous", "list", store]
    cases["meticulous list"] = listing
    best = ["--sort", "summary.test_accuracy", "--tail", "30"]
    cases["list --sort summary.x --tail 30"] = [*listing, *best]
    cases["list --filter 'summary.x > 0.999'"] = [
        *listing,
        "--filter",
        "summary.test_accuracy > 0.999",
    ]
    cases["list --sort x --tail 30"] = [*listing, "--sort", "test_accuracy", "--tail", "30"]
    cases["list --groupby args.x"] = [*listing, "--groupby", _GROUP]
    cold = {f"{name}, cold": cases[name] for name in ("newest 30 by time", "meticulous list")}
    taken: dict[str, list[Cost]] = {}
    for number in range(ROUNDS):
        for name, command in cold.items():
            if number < 2:
                shutil.rmtree(cache, ignore_errors=True)
                taken.setdefault(name, []).append(cost(command, env))
        for name, command in cases.items():
            slow = size >= LARGE or (name in _SLOW and size > min(SIZES))
            if number == 0 or not slow:
                taken.setdefault(name, []).append(cost(command, env))
    rows: list[tuple[object, ...]] = [("case", "wall s", "cpu s", "to json.load", "RSS MB")]
    floor = statistics.median(one.cpu for one in taken["json.load"])
    for name in [*cases, *cold]:
        wall, cpu, rss = (statistics.median(values) for values in zip(*taken[name], strict=True))
        rows.append((name, f"{wall:.3f}", f"{cpu:.3f}", f"{cpu / floor:.2f}", f"{rss:.0f}"))
    show(f"Listing {size:,} experiments", rows)


if __name__ == "__main__":
    given = [argument for argument in sys.argv[1:] if argument != "--large"]
    if given:  # stores that are there already, such as those of make_store
        with tempfile.TemporaryDirectory() as folder:
            for path in given:
                measure(path, len(list(Path(path).iterdir())), folder)
    else:
        main((*SIZES, LARGE) if "--large" in sys.argv else SIZES)
