"""What reading the curves of an experiment costs: a million points of one metric, first and cached.

Beside it stands what a script would do: a loop of json.loads over the lines, or pandas. Measured is
the call alone, in a new process each time; importing meticulous, numpy or pandas is not in it. The
file is in the page cache. msgspec makes no difference here.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from meticulous._series import Encoder

from .measure import environment, show

POINTS = 1_000_000
ROUNDS = 5
FILES = {
    "one metric": ["loss"],
    "five metrics": ["loss", "train/accuracy", "lr", "gradient_norm", "tokens_per_second"],
}
_CHILD = """
import resource, sys, time
folder = sys.argv[1]
path = folder + "/metrics.jsonl"
{prepare}
start = time.perf_counter()
{call}
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
_READER = "import numpy\nfrom meticulous import ExperimentReader\nreader = ExperimentReader(folder)"
_BARE = _READER.replace("import numpy", "sys.modules['numpy'] = None")
_HISTORY = "history = reader.history('loss'); history['step'], history['loss']"
_ZOOM = "reader.envelope('loss', 500, low=300_000, high=700_000)"
# Name, what is prepared, what is measured, and whether the cache is empty before.
CASES = [
    ("json.loads of each line", "import json", "for line in open(path): json.loads(line)", True),
    ("pandas.read_json", "import pandas", "pandas.read_json(path, lines=True)", True),
    ("history(metric), first", _READER, _HISTORY, True),
    ("history(metric), cached", _READER, _HISTORY, False),
    ("… first, without numpy", _BARE, _HISTORY, True),
    ("… cached, without numpy", _BARE, _HISTORY, False),
    ("… first, with times", _READER, "reader.history('loss')['time']", True),
    ("… cached, with times", _READER, "reader.history('loss')['time']", False),
    ("envelope, first", _READER, "reader.envelope('loss', 500)", True),
    ("envelope, cached", _READER, "reader.envelope('loss', 500)", False),
    ("envelope of a part, cached", _READER, _ZOOM, False),
    ("metrics, first", _READER, "reader.metrics", True),
    ("metrics, cached", _READER, "reader.metrics", False),
    ("history(), all of it", _READER, "reader.history()", True),
]


def main() -> None:
    with tempfile.TemporaryDirectory() as top:
        for title, names in FILES.items():
            folder = Path(top) / "experiments" / "1"
            folder.mkdir(parents=True, exist_ok=True)
            size = write(folder / "metrics.jsonl", names)
            measure(
                f"{POINTS:,} points, {title} ({size / 1e6:.0f} MB)", folder, Path(top) / "cache"
            )


def write(path: Path, names: list[str]) -> int:
    """Write what a loop logs; the file is an old one, as finished experiments have."""
    chance, encode = random.Random(0), Encoder()
    with open(path, "wb") as file:
        for start in range(0, POINTS, 10_000):
            steps = range(start, start + 10_000)
            file.write(
                encode([(n, 1.79e9 + n / 100, {x: chance.random() for x in names}) for n in steps])
            )
    os.utime(path, (1.79e9, 1.79e9))
    return path.stat().st_size


def measure(title: str, folder: Path, cache: Path) -> None:
    env = environment(XDG_CACHE_HOME=str(cache))
    taken: dict[str, list[list[float]]] = {}
    for number in range(ROUNDS):
        for name, prepare, call, empty in CASES:
            if number >= 2 and name in ("pandas.read_json", "history(), all of it"):
                continue
            if empty:
                shutil.rmtree(cache, ignore_errors=True)
            program = _CHILD.format(prepare=prepare, call=call)
            done = subprocess.run(
                [sys.executable, "-c", program, folder],
                env=env,
                capture_output=True,
                text=True,
                check=True,
            )
            taken.setdefault(name, []).append([float(word) for word in done.stdout.split()])
    floors = [statistics.median(s for s, _ in taken[name]) for name, *_ in CASES[:2]]
    rows: list[tuple[object, ...]] = [("case", "ms", "to json.loads", "to pandas", "RSS MB")]
    for name, results in taken.items():
        seconds, memory = (statistics.median(column) for column in zip(*results, strict=True))
        ratios = [f"{seconds / floor:.3f}" for floor in floors]
        rows.append((name, f"{seconds * 1e3:.1f}", *ratios, f"{memory:.0f}"))
    show(title, rows)


if __name__ == "__main__":
    main()
