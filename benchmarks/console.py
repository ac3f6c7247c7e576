"""What recording the console costs: 200,000 printed lines."""

from __future__ import annotations

import sys
import tempfile

from .measure import environment, show, side_by_side, wall

LINES = 200_000
PROGRAM = f"""
import sys
from meticulous import Experiment
experiment = Experiment({{}}, dirty="allow", sample_seconds=0)
for number in range({LINES}):
    print("step", number, "loss", 0.123456789)
"""


def main() -> None:
    env = environment()
    with tempfile.TemporaryDirectory() as folder:

        def case(**settings: str) -> float:
            command = [sys.executable, "-c", PROGRAM]
            return wall(command, folder, {**env, **settings})

        medians = side_by_side(
            {
                "no recording": lambda: case(METICULOUS_NORECORD="1"),
                "capture off": lambda: case(METICULOUS_CAPTURE="off"),
                "capture sys": lambda: case(METICULOUS_CAPTURE="sys"),
                "capture fd": lambda: case(METICULOUS_CAPTURE="fd"),
            },
            rounds=5,
        )
    bare = medians["no recording"]
    rows: list[tuple[object, ...]] = [("case", "s", "us per line", "ratio")]
    for name, seconds in medians.items():
        rows.append(
            (name, f"{seconds:.3f}", f"{seconds / LINES * 1e6:.2f}", f"{seconds / bare:.2f}")
        )
    show(f"Console: {LINES:,} printed lines into a pipe", rows)


if __name__ == "__main__":
    main()
