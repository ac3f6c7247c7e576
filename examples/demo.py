"""Record three real trainings in a git repository of their own, and list them.

    python examples/demo.py [DIRECTORY]

The directory (``demo`` when not given) becomes a git repository with one commit that holds
examples/digits/train.py. Run again, it records three more experiments beside the earlier ones.
Nothing outside the directory is touched.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent / "digits"

TRAININGS = (
    ("--lr 0.05 --epochs 10", "as it comes", 0),
    ("--lr 0.01 --epochs 10 --hidden 32", "a smaller network", 0),
    ("--lr 2 --epochs 10", "far too bold a step: this one fails on purpose", 1),
)

NEXT = (
    ("cd {directory}", ""),
    (". {activate}", "so that python and meticulous are those of this demo"),
    ("meticulous show {last}", "everything about the third one, and why it failed"),
    ("meticulous diff {first} {last}", "what made the two differ"),
    ("meticulous plot 'test/*' --ids all", "the curves"),
    ("meticulous reproduce {first}", "the first one again, from its own code: is it the same?"),
    ("cat experiments/{first}/metadata.json", "which commit, which command, when"),
    ("cat experiments/{first}/metrics.jsonl", "what was logged, a line for each epoch"),
    ("python train.py --lr 0.1", "a training of your own, recorded like these"),
    ("python train.py --norecord", "the same, without a record"),
    ("meticulous --help", "what else there is"),
)


def next_steps(directory: Path, first: int, last: int) -> str:
    """The commands to try, in two columns."""
    activate = Path(sysconfig.get_path("scripts"), "activate")
    places = {
        "directory": shlex.quote(str(directory)),
        "activate": shlex.quote(str(activate)),
        "first": first,
        "last": last,
    }
    steps = [
        (command.format(**places), why)
        for command, why in NEXT
        if activate.exists() or "{activate}" not in command
    ]
    width = max(len(command) for command, why in steps[2:])
    lines = [f"  {command:<{width}}  {why}".rstrip() for command, why in steps]
    return "\n".join(lines)


def environment() -> dict[str, str]:
    """The environment without what would lead git, or the recording, somewhere else."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "METICULOUS_"))
    }


def git(directory: Path, *arguments: str) -> str:
    """Run git as somebody without a configuration."""
    settings = ("user.name=demo", "user.email=demo@localhost", "core.hooksPath=/dev/null")
    options = [word for setting in settings for word in ("-c", setting)]
    command = ["git", *options, "-c", "commit.gpgSign=false", *arguments]
    done = subprocess.run(
        command, cwd=directory, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"demo: git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def make_repository(directory: Path) -> None:
    """Make the repository, or bring the one of an earlier demo up to date."""
    if directory.exists() and any(directory.iterdir()) and not (directory / ".git").exists():
        sys.exit(f"demo: {directory} exists and is no demo; move it away or name another directory")
    directory.mkdir(parents=True, exist_ok=True)
    git(directory, "-c", "init.defaultBranch=main", "init", "--quiet", "--template=")
    shutil.copyfile(EXAMPLE / "train.py", directory / "train.py")
    git(directory, "add", "train.py")
    if git(directory, "status", "--porcelain", "--untracked-files=no", "train.py"):
        git(directory, "commit", "--quiet", "--message", "Train on digits", "train.py")


def show(title: str, command: str, shown: str, directory: Path) -> int:
    """Print a command and run it; its output goes straight to the terminal."""
    print(f"\n{title}\n$ {shown}", flush=True)
    return subprocess.run(
        shlex.split(command), cwd=directory, env=environment(), check=False
    ).returncode


def tree(folder: Path) -> str:
    """The files of an experiment with their sizes."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{path.stat().st_size:>9,}  {path.relative_to(folder)}" for path in paths]
    return "\n".join(lines)


def numbers(directory: Path) -> set[int]:
    folder = directory / "experiments"
    return {int(path.name) for path in folder.glob("*") if path.name.isdigit()}


def main() -> None:
    """Make the repository, record, list, and say what to try next."""
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "demo").resolve()
    if shutil.which("git") is None:
        sys.exit("demo: the git program is needed and was not found")
    began = time.monotonic()
    make_repository(directory)
    before = numbers(directory)
    python = shlex.quote(sys.executable)
    for arguments, title, expected in TRAININGS:
        code = show(
            title, f"{python} train.py {arguments}", f"python train.py {arguments}", directory
        )
        if code != expected:
            sys.exit(f"demo: the training ended with {code}, not with {expected}")
    new = sorted(numbers(directory) - before)
    if len(new) < len(TRAININGS):
        sys.exit(f"demo: {len(new)} of {len(TRAININGS)} trainings left a folder")

    command = Path(sysconfig.get_path("scripts"), "meticulous")
    listing = f"{shlex.quote(str(command))} experiments/"
    if show("All experiments", listing, "meticulous experiments/", directory):
        sys.exit("demo: the listing failed")
    print(f"\nThe folder of the first, with sizes in bytes\n\n  experiments/{new[0]}")
    print(tree(directory / "experiments" / str(new[0])))
    print(f"\nDone in {time.monotonic() - began:.1f} s, all of it below {directory}")
    print(f"\nWhat to try next\n\n{next_steps(directory, new[0], new[2])}\n")
    print("Change train.py and start it again: it is refused until you commit it, or say")
    print("--dirty snapshot. README.md shows the lines to add to a program of your own.")


if __name__ == "__main__":
    main()
