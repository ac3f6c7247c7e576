"""What every test shares: throw-away git repositories and real child processes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}
_RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path_factory):
    """No setting, rank or git configuration of the machine reaches a test."""
    for name in list(os.environ):
        if name.startswith(("METICULOUS_", "GIT_", "SLURM_")) or name in _RANKS:
            monkeypatch.delenv(name)
    for name, value in _GIT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent / "src"))


class Repository:
    """A git repository with one commit, and programs run in it as child processes."""

    def __init__(self, path: Path, *, init: bool = True) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        if init:
            self.git("init", "-q", "-b", "main")
            self.write("README", "a project\n")
            self.commit("first")

    @property
    def root(self) -> Path:
        return self.path / "experiments"

    def git(self, *arguments: str, check: bool = True) -> str:
        # Fixtures of a module come before `clean_environment`, and a machine may know no identity.
        env = {**_GIT, **os.environ}
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=env, capture_output=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"git {arguments}: {done.stderr.decode()}")
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file; text is dedented."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, str):
            text = textwrap.dedent(text).encode()
        path.write_bytes(text)
        return path

    def commit(self, message: str = "change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def program(self, text: str, name: str = "train.py") -> Path:
        """Write and commit a program."""
        path = self.write(name, text)
        self.commit(f"add {name}")
        return path

    def run(
        self,
        *arguments: str | Path,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 60,
        python: tuple[str, ...] = (),
        **options,
    ) -> subprocess.CompletedProcess:
        """Run a Python program to its end; output as bytes."""
        return subprocess.run(
            [sys.executable, *python, *map(str, arguments)],
            cwd=cwd or self.path,
            env={**os.environ, **(env or {})},
            capture_output=True,
            timeout=timeout,
            check=False,
            **options,
        )

    def start(self, *arguments: str | Path, env=None, **options) -> subprocess.Popen:
        """Start a Python program and return at once."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=self.path,
            env={**os.environ, **(env or {})},
            **options,
        )


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository(tmp_path / "project")


@pytest.fixture
def make_repository(tmp_path):
    """Make further repositories: ``make_repository("name", init=False)``."""

    def make(name: str = "other", **options) -> Repository:
        return Repository(tmp_path / name, **options)

    return make
