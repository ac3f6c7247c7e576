"""What `meticulous run` adds to a program, and what a snapshot costs in a large repository."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from .measure import environment, show, side_by_side, wall
from .start_finish import PROGRAM

FILES = 50_000
CHANGED = 20


def make_repository(top: Path, files: int) -> None:
    """Make a repository of small files, all committed, and then change some of them."""
    for number in range(files):
        path = top / f"folder{number % 500:03d}" / f"file{number}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{number}\n" * 20)
    (top / "train.py").write_text(PROGRAM)
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost", "-c", "gc.auto=0"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"], ["gc", "-q"]):
        subprocess.run([*git, *arguments], cwd=top, check=True)
    for number in range(CHANGED):
        (top / f"folder{number:03d}" / f"file{number}.txt").write_text("changed\n" * 20)
    subprocess.run([*git, "status", "-s"], cwd=top, check=True, capture_output=True)


def main() -> None:
    env, python = environment(), sys.executable
    record = [python, "-m", "meticulous", "run", "--dirty", "allow", "--"]
    with tempfile.TemporaryDirectory() as folder:
        make_repository(Path(folder), 100)
        medians = side_by_side(
            {
                "true": lambda: wall(["true"], folder, env),
                "python -c pass": lambda: wall([python, "-c", "pass"], folder, env),
                "meticulous run -- true": lambda: wall([*record, "true"], folder, env),
            },
            rounds=15,
        )
    rows = [("case", "ms"), *((name, f"{s * 1e3:.1f}") for name, s in medians.items())]
    show("A program recorded from outside", rows)
    with tempfile.TemporaryDirectory() as folder:
        make_repository(Path(folder), FILES)
        train = [python, "train.py"]

        def started(policy: str) -> float:
            return wall(train, folder, {**env, "METICULOUS_DIRTY": policy})

        medians = side_by_side(
            {
                "git status": lambda: wall(["git", "status", "--porcelain=v2"], folder, env),
                "dirty=allow": lambda: started("allow"),
                "dirty=snapshot": lambda: started("snapshot"),
            },
            rounds=7,
        )
    rows = [("case", "ms"), *((name, f"{s * 1e3:.1f}") for name, s in medians.items())]
    show(f"A whole experiment, {FILES} files in the repository, {CHANGED} of them changed", rows)


if __name__ == "__main__":
    main()
