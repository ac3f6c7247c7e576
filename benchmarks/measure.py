"""Measure cases side by side in one run, since the machine is shared and noisy."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROUNDS = 7
_installed = tempfile.TemporaryDirectory()


def environment(**more: str) -> dict[str, str]:
    """The environment of a measured program: no setting of ours, no rank, a copy of our source.

    A copy, as an installation is one: a checkout would be recorded as a sibling repository.
    """
    if not os.listdir(_installed.name):
        source = Path(__file__).parent.parent / "src" / "meticulous"
        shutil.copytree(source, Path(_installed.name) / "meticulous")
    # PYTHONUNBUFFERED and PYTHONDONTWRITEBYTECODE would measure something else.
    ours = ("METICULOUS_", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**kept, "PYTHONPATH": _installed.name, **more}


def wall(command: Sequence[str], cwd: str, env: Mapping[str, str]) -> float:
    """Seconds that a program takes; it must succeed."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{command} failed:\n{done.stderr.decode()}")
    return seconds


def side_by_side(
    cases: Mapping[str, Callable[[], float]], rounds: int = ROUNDS
) -> dict[str, float]:
    """Run the cases in turn, so that noise meets all of them; the median of each."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, case in cases.items():
            seconds = case()
            if number:  # the first round warms the caches
                taken[name].append(seconds)
    return {name: statistics.median(values) for name, values in taken.items()}


def show(title: str, rows: Sequence[Sequence[object]]) -> None:
    """Print a table; the first row is its head."""
    print(f"\n## {title}\n")
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in range(len(texts[0]))]
    for index, row in enumerate(texts):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("| " + " | ".join(cells) + " |")
        if index == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    sys.stdout.flush()
