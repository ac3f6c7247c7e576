"""What starting and finishing an experiment costs in a repository of 5,000 files."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from .measure import environment, show, side_by_side, wall

FILES = 5000
PROGRAM = """
from meticulous import Experiment
experiment = Experiment({"lr": 0.1})
"""
PLAIN_FILES = """
import json, os, subprocess
sha = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True).stdout
os.makedirs("plain", exist_ok=True)
for name in ("args.json", "metadata.json", "STATUS"):
    with open("plain/" + name, "w") as file:
        json.dump({"sha": sha.decode()}, file)
"""


def make_repository(top: Path) -> None:
    """Make a repository of FILES small files in 50 folders, all committed."""
    for number in range(FILES):
        path = top / f"folder{number % 50:02d}" / f"file{number}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{number}\n" * 20)
    (top / "train.py").write_text(PROGRAM)
    (top / "plain.py").write_text(PLAIN_FILES)
    (top / ".gitignore").write_text("plain/\n")
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"], ["gc", "-q"]):
        subprocess.run([*git, *arguments], cwd=top, check=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        make_repository(Path(folder))
        env = environment()
        python = sys.executable
        off = {**env, "METICULOUS_SAMPLE_SECONDS": "0"}

        def git_calls() -> float:
            first = wall(["git", "status", "--porcelain=v2", "--branch", "-z"], folder, env)
            return first + wall(["git", "log", "-1"], folder, env)

        medians = side_by_side(
            {
                "bare Python": lambda: wall([python, "-c", "pass"], folder, env),
                "git status + git log": git_calls,
                "plain files, one git call": lambda: wall([python, "plain.py"], folder, env),
                "start + finish": lambda: wall([python, "train.py"], folder, env),
                "start + finish, no samples": lambda: wall([python, "train.py"], folder, off),
            },
            rounds=15,
        )
    bare, calls = medians["bare Python"], medians["git status + git log"]
    rows: list[tuple[object, ...]] = [("case", "ms", "beyond bare", "beyond bare and git's calls")]
    for name, seconds in medians.items():
        over = "" if name in ("bare Python", "git status + git log") else seconds - bare - calls
        rows.append(
            (
                name,
                f"{seconds * 1e3:.1f}",
                f"{(seconds - bare) * 1e3:.1f}",
                f"{over * 1e3:.1f}" if isinstance(over, float) else "",
            )
        )
    show(f"Start and finish, {FILES} files in the repository", rows)


if __name__ == "__main__":
    main()
