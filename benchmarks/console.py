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

        def case(*options: str, **settings: str) -> float:
            command = [sys.executable, *options, "-c", PROGRAM]
            return wall(command, folder, {**env, **settings})

        for title, options in (("into a pipe", ()), ("into a pipe, unbuffered", ("-u",))):
            medians = side_by_side(
                {
                    "no recording": lambda o=options: case(*o, METICULOUS_NORECORD="1"),
                    "capture off": lambda o=options: case(*o, METICULOUS_CAPTURE="off"),
                    "capture sys": lambda o=options: case(*o, METICULOUS_CAPTURE="sys"),
                    "capture fd": lambda o=options: case(*o, METICULOUS_CAPTURE="fd"),
                },
                rounds=5,
            )
            bare = medians["no recording"]
            rows: list[tuple[object, ...]] = [("case", "s", "us per line", "ratio")]
            for name, seconds in medians.items():
                each = f"{seconds / LINES * 1e6:.2f}"
                rows.append((name, f"{seconds:.3f}", each, f"{seconds / bare:.2f}"))
            show(f"Console: {LINES:,} printed lines {title}", rows)


if __name__ == "__main__":
    main()
