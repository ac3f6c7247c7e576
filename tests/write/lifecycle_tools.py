"""What the tests of endings, signals and processes share: one repository, many programs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

import conftest
from conftest import Repository
from meticulous import ExperimentReader

PROGRAMS = Path(__file__).parent.parent / "programs"
SOURCE = Path(__file__).parent.parent.parent / "src"
_ADDRESS = re.compile(rb"0x[0-9a-f]+")


@dataclass
class Outcome:
    """How a program ended and what it showed."""

    code: int
    out: bytes
    err: bytes

    def __post_init__(self) -> None:
        self.out = _ADDRESS.sub(b"0x", self.out)
        self.err = _ADDRESS.sub(b"0x", self.err)


class Project(Repository):
    """A repository that holds the programs of tests/programs, committed."""

    def __init__(self, path: Path, *programs: str) -> None:
        # Made once for a module, thus before the fixture that cleans the environment.
        with pytest.MonkeyPatch.context() as patch:
            for name, value in conftest._GIT.items():
                patch.setenv(name, value)
            super().__init__(path)
            for name in programs:
                shutil.copy(PROGRAMS / name, path / name)
            self.commit("programs")

    def environment(self, **more: str) -> dict[str, str]:
        """Nothing is sampled: the tests are about how programs end."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("METICULOUS_", "SLURM_")) and name not in conftest._RANKS
        }
        ours = {"PYTHONPATH": str(SOURCE), "METICULOUS_SAMPLE_SECONDS": "0"}
        return {**kept, **conftest._GIT, **ours, **more}

    def popen(self, *command: str, record: bool = True, **options) -> subprocess.Popen:
        more = options.pop("env", {})
        if not record:
            more = {**more, "METICULOUS_NORECORD": "1"}
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(
            list(command),
            cwd=self.path,
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def with_and_without(self, *command: str, **options) -> tuple[Outcome, Outcome]:
        """Run a command recorded, and once more with nothing recorded; both at once."""
        both = [self.popen(*command, record=record, **options) for record in (True, False)]
        return tuple(outcome_of(process) for process in both)

    def reader(self, name: str | int) -> ExperimentReader:
        return ExperimentReader(self.root / str(name))

    def text(self, name: str | int, file: str = "STATUS") -> str:
        return (self.root / str(name) / file).read_text("utf-8")

    def metadata(self, name: str | int) -> dict:
        return json.loads(self.text(name, "metadata.json"))

    def forget(self, name: str | int) -> None:
        """Remove an experiment, so that its name can be used again."""
        shutil.rmtree(self.root / str(name), ignore_errors=True)

    def ids(self) -> list[str]:
        """The experiments, in order."""
        if not self.root.exists():
            return []
        return sorted((p.name for p in self.root.iterdir() if p.name.isdigit()), key=int)


def outcome_of(process: subprocess.Popen, timeout: float = 120) -> Outcome:
    out, err = process.communicate(timeout=timeout)
    return Outcome(process.returncode, out, err)


def wait_for(condition, what: str, timeout: float = 60):
    """Wait until a condition holds; its value."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {timeout} s in vain for {what}"
        time.sleep(0.01)
    return value


def line_of(process: subprocess.Popen, word: bytes, timeout: float = 60) -> bytes:
    """Read the standard output of a program up to a line that holds a word."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if not line:
            break
        if word in line:
            return line
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    raise AssertionError(f"no {word!r}: {process.stderr.read().decode()}")


def python_of_version(version: str) -> str | None:
    """Find a Python, first among those that METICULOUS_TEST_PYTHONS names (separated by ``:``)."""
    named = OTHER_PYTHONS.split(os.pathsep)
    for path in [*named, shutil.which(f"python{version}") or ""]:
        if path and os.path.realpath(path) != os.path.realpath(sys.executable):
            asked = [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            done = subprocess.run(asked, capture_output=True, text=True, check=False)
            if done.stdout.strip() == version:
                return path
    return None


OTHER_PYTHONS = os.environ.get("METICULOUS_TEST_PYTHONS", "")
