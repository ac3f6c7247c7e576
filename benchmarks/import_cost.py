"""What `import meticulous` costs beyond bare Python."""

from __future__ import annotations

import sys

from .measure import environment, show, side_by_side, wall

CASES = {
    "bare Python": "pass",
    "import meticulous": "import meticulous",
    "from meticulous import Experiment": "from meticulous import Experiment",
    "import json (for scale)": "import json",
}


def main() -> None:
    env = environment()
    medians = side_by_side(
        {
            name: lambda code=code: wall([sys.executable, "-c", code], "/", env)
            for name, code in CASES.items()
        },
        rounds=25,
    )
    bare = medians["bare Python"]
    rows: list[tuple[object, ...]] = [("import", "ms", "beyond bare")]
    for name, seconds in medians.items():
        rows.append((name, f"{seconds * 1e3:.1f}", f"{(seconds - bare) * 1e3:.1f}"))
    show("Import", rows)


if __name__ == "__main__":
    main()
