"""Record 20 real trainings, 4 models with 5 seeds each, in a git repository of their own.

    python examples/seeds/run_all.py [DIRECTORY]

The directory (``seeds`` when not given) becomes a git repository with one commit that holds
examples/seeds/train.py. Nothing outside of it is touched. It takes about half a minute.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent
MODELS = ("forest", "knn", "linear", "mlp")
SEEDS = range(5)


def environment() -> dict[str, str]:
    """The environment without what would lead git, or the recording, somewhere else."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "METICULOUS_"))
    }


def git(directory: Path, *arguments: str) -> None:
    """Run git as somebody without a configuration."""
    settings = ("user.name=demo", "user.email=demo@localhost", "core.hooksPath=/dev/null")
    options = [word for setting in settings for word in ("-c", setting)]
    command = ["git", *options, "-c", "commit.gpgSign=false", *arguments]
    done = subprocess.run(
        command, cwd=directory, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"run_all: git {arguments[0]} failed: {done.stderr.strip()}")


def main() -> None:
    """Make the repository, and train one model after the other."""
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "seeds").resolve()
    if directory.exists() and any(directory.iterdir()):
        sys.exit(f"run_all: {directory} is not empty; move it away or name another directory")
    if shutil.which("git") is None:
        sys.exit("run_all: the git program is needed and was not found")
    directory.mkdir(parents=True, exist_ok=True)
    git(directory, "-c", "init.defaultBranch=main", "init", "--quiet", "--template=")
    shutil.copyfile(EXAMPLE / "train.py", directory / "train.py")
    git(directory, "add", "train.py")
    git(directory, "commit", "--quiet", "--message", "Four models on digits")
    for model in MODELS:
        for seed in SEEDS:
            words = [sys.executable, "train.py", "--model", model, "--seed", str(seed)]
            code = subprocess.run(words, cwd=directory, env=environment(), check=False).returncode
            if code:
                sys.exit(f"run_all: the training of {model} with seed {seed} ended with {code}")


if __name__ == "__main__":
    main()
