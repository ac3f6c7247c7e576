"""What `log` costs the caller, and until the lines are on disk, against appending json.dumps."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from .measure import environment, show

ROUNDS = 5
FEW = {
    "train/loss": 0.3456789123,
    "train/acc": 0.91234567,
    "lr": 0.001,
    "epoch": 3,
    "grad_norm": 1.23456789,
}

BLOCK = """
import sys
sys.modules["msgspec"] = None
"""

FLOOR = """
import array, json, sys, time
rows, row = int(sys.argv[1]), json.loads(sys.argv[2])
clock, taken = time.perf_counter, array.array("d", bytes(8 * rows))
file = open("floor.jsonl", "ab", buffering=0)
begin = clock()
for step in range(rows):
    row["train/loss"] = 0.3456789 + step * 1e-7
    start = clock()
    line = json.dumps({"step": step, "time": time.time(), **row}) + "\\n"
    file.write(line.encode())
    taken[step] = clock() - start
looped = settled = clock() - begin
"""

OURS = """
import array, json, os, sys, time
from meticulous import Experiment
rows, row = int(sys.argv[1]), json.loads(sys.argv[2])
clock, taken = time.perf_counter, array.array("d", bytes(8 * rows))
experiment = Experiment({}, dirty="allow", capture="off", sample_seconds=0)
begin = clock()
for step in range(rows):
    row["train/loss"] = 0.3456789 + step * 1e-7
    start = clock()
    experiment.log(row, step=step)
    taken[step] = clock() - start
looped = clock() - begin
path = experiment.curexpdir + "/metrics.jsonl"
while not os.path.exists(path):
    time.sleep(0.002)
with open(path, "rb") as file:
    lines = 0
    while lines < rows:  # until every row is on disk
        lines += file.read(1 << 24).count(b"\\n")
        if lines < rows:
            time.sleep(0.002)
settled = clock() - begin
experiment.finish()
"""

REPORT = """
with open("/proc/self/status") as file:  # ru_maxrss begins with that of the parent
    rss = next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM"))
taken = sorted(taken)
print(json.dumps({
    "median": taken[rows // 2] * 1e6,
    "p99.9": taken[int(rows * 0.999)] * 1e6,
    "worst": taken[-1] * 1e6,
    "loop": looped / rows * 1e6,
    "settled": settled / rows * 1e6,
    "rss": rss - rows * 8 // 2**20,
}))
"""

CASES = {"floor": FLOOR, "log": BLOCK + OURS, "log, msgspec": OURS}


def measure(folder: str, code: str, rows: int, row: dict[str, float]) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", code + REPORT, str(rows), json.dumps(row)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr.decode())
    for path in Path(folder).glob("**/*.jsonl"):
        path.unlink()
    found: dict[str, float] = json.loads(done.stdout)
    return found


def compare(title: str, rows: int, row: dict[str, float], rounds: int) -> None:
    results: dict[str, list[dict[str, float]]] = {name: [] for name in CASES}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, code in CASES.items():
                results[name].append(measure(folder, code, rows, row))
    head = (
        "us per call",
        "median",
        "p99.9",
        "worst",
        "loop",
        "on disk",
        "ratio to floor",
        "RSS MB",
    )
    table: list[tuple[object, ...]] = [head]
    middle = {}
    for name, found in results.items():
        middle[name] = {key: sorted(one[key] for one in found)[len(found) // 2] for key in found[0]}
        one = middle[name]
        table.append(
            (
                name,
                f"{one['median']:.2f}",
                f"{one['p99.9']:.1f}",
                f"{one['worst']:.0f}",
                f"{one['loop']:.2f}",
                f"{one['settled']:.2f}",
                f"{one['settled'] / middle['floor']['settled']:.2f}",
                f"{one['rss']:.0f}",
            )
        )
    show(f"log: {title}, {rows:,} rows, median of {rounds}", table)


def main() -> None:
    many = {f"layer{number}/norm": 0.123456789 * (number + 1) for number in range(200)}
    many["train/loss"] = 0.0
    compare("5 scalars", 20_000, FEW, ROUNDS)
    compare("5 scalars", 500_000, FEW, ROUNDS)
    compare("200 scalars", 20_000, many, ROUNDS)
    compare("5 scalars", 10_000_000, FEW, 1)


if __name__ == "__main__":
    main()
