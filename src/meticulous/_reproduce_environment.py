"""The recorded Python environment, built again and kept for the next time.

It lies in the user's cache folder, under a hash of the Python and of every package. A lock that
the system takes away with the process lets one process build while others wait; a build that
fails or is killed is never taken for a whole one.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from . import _reproduce_code
from ._index import cache_folder
from ._table import clean
from .errors import MeticulousError, StorageError
from .experiments import ExperimentReader

__all__ = ["Plan", "build", "importable", "own_packages", "plan"]

_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.-]*")
_VERSION = re.compile(r"[A-Za-z0-9][\w.+!-]*")
_ADDRESS = re.compile(r"(https?|ssh|git)://\S+")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_DONE = "complete"
_OURS = "meticulous-ml"


class Plan(NamedTuple):
    """What is to be built.

    Attributes:
        python: an interpreter to build on.
        version: its version.
        requirements: lines for the installer.
        lacking: what cannot be had, in words.
        notes: what is nearly as it was.
    """

    python: str
    version: str
    requirements: list[str]
    lacking: list[str]
    notes: list[str]


def plan(reader: ExperimentReader, places: Sequence[str]) -> Plan:
    """Tell what an environment would be made of, and what of it cannot be had.

    Args:
        reader: of the experiment.
        places: where its repository was: what was installed from there comes with the code.

    Raises:
        MeticulousError: its packages were not recorded.
    """
    facts = reader.environment
    packages = _reproduce_code.packages_of(reader)
    if not packages:
        raise MeticulousError(
            f"The packages of experiment {clean(reader.expid)} were not recorded.",
            "Go without --env: with the environment that is active now.",
        )
    wanted = _reproduce_code.mapping(facts.get("python"))
    python, version, lacking, notes = _interpreter(wanted)
    conda = facts.get("conda-packages")
    if isinstance(conda, list) and conda:
        lacking.append(f"{len(conda)} packages of conda")
    requirements = []
    for package in packages:
        name = str(package.get("name"))
        if name == _OURS or _own(package, places) is not None:
            continue
        line, problem = _requirement(name, package)
        if line:
            requirements.append(line)
        else:
            lacking.append(f"{clean(name)} ({problem})")
    return Plan(python, version, requirements, lacking, notes)


def _requirement(name: str, package: dict[str, Any]) -> tuple[str, str]:
    """A line for the installer, or why there is none."""
    version, url = str(package.get("version")), package.get("url")
    if not _PACKAGE.fullmatch(name):
        return "", "no name of a package"
    if package.get("editable"):
        return "", f"installed in place from {clean(str(url or 'an unknown folder'))}"
    if url is None:
        known = _VERSION.fullmatch(version) and package.get("version")
        return (f"{name}=={version}", "") if known else ("", "its version is not known")
    if not isinstance(url, str) or not _ADDRESS.fullmatch(url):
        return "", f"installed from {clean(str(url))}"
    commit, kind = str(package.get("commit")), package.get("vcs")
    end = f"#{package['hash']}" if re.fullmatch(r"\w+=[0-9a-f]+", str(package.get("hash"))) else ""
    if kind:
        if kind not in ("git", "hg") or not _COMMIT.fullmatch(commit):
            return "", f"installed from {clean(url)}"
        folder = str(package.get("subdirectory") or "")
        end = f"#subdirectory={folder}" if re.fullmatch(r"[\w./-]+", folder) else ""
        url = f"{kind}+{url}@{commit}"
    return f"{name} @ {url}{end}", ""


def _interpreter(wanted: dict[str, Any]) -> tuple[str, str, list[str], list[str]]:
    """The interpreter nearest to the recorded one."""
    version = str(wanted.get("version") or "")
    kind = str(wanted.get("implementation") or "cpython")
    ours = ".".join(map(str, sys.version_info[:3]))
    minor = ".".join(version.split(".")[:2])
    if kind == sys.implementation.name and minor == ".".join(ours.split(".")[:2]):
        found, has = sys.executable, ours
    else:
        found = _search(minor) if kind == "cpython" and re.fullmatch(r"3\.\d+", minor) else ""
        has = _version_of(found) if found else ""
    if not has:
        return sys.executable, ours, [f"{clean(kind)} {clean(version) or 'of unknown version'}"], []
    notes = [] if has == version else [f"Python {has} instead of {clean(version)}"]
    return found, has, [], notes


def _search(minor: str) -> str:
    import subprocess

    if found := shutil.which(f"python{minor}"):
        return found
    uv = shutil.which("uv")
    words = [uv or "", "python", "find", "--no-python-downloads", minor]
    done = subprocess.run(words, capture_output=True, text=True, check=False) if uv else None
    return done.stdout.strip() if done and not done.returncode else ""


def _version_of(python: str) -> str:
    import subprocess

    code = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _own(package: dict[str, Any], places: Sequence[str]) -> str | None:
    """Where in the repository a package is that was installed from there in an editable way."""
    from urllib.parse import unquote

    url = str(package.get("url"))
    if not package.get("editable") or not url.startswith("file:///"):
        return None
    path = os.path.normpath(unquote(url.removeprefix("file://")))
    for top in places:
        if path == top:
            return "."
        if path.startswith(os.path.join(top, "")):
            return os.path.relpath(path, top)
    return None


def own_packages(reader: ExperimentReader, places: Sequence[str], directory: str) -> list[str]:
    """The folders that make the repository's own packages importable from the checked-out code,
    though the active environment may have them from the user's work tree.
    """
    found = []
    for package in _reproduce_code.packages_of(reader, editable=True):
        inside = _own(package, places)
        if inside is not None:
            path = os.path.normpath(os.path.join(directory, inside))
            source = os.path.join(path, "src")
            found.append(source if os.path.isdir(source) else path)
    return found


def build(
    wanted: Plan, say: Callable[[str], None], *, close: bool = False
) -> tuple[str, list[str]]:
    """Build the environment, or take the one that is there.

    Args:
        wanted: as `plan` gives it.
        say: told what is done, as it takes long.
        close: leave out what cannot be installed.

    Returns:
        The environment's folder, and what is not in it, in words.

    Raises:
        StorageError: the cache folder cannot be written.
        MeticulousError: something cannot be installed; nothing is left behind.
    """
    import hashlib

    text = "\n".join([*wanted.requirements, wanted.version, sys.platform, _machine(), str(close)])
    root = _folder_of_environments()
    folder = os.path.join(root, hashlib.sha256(text.encode()).hexdigest()[:24])
    done = os.path.join(folder, _DONE)
    try:
        with _lock(f"{folder}.lock", say):
            # Without its Python, when that one was removed or replaced meanwhile.
            works = os.access(os.path.join(folder, "bin", "python"), os.X_OK)
            if not (works and os.path.exists(done)):
                shutil.rmtree(folder, ignore_errors=True)  # of a build that was killed
                left_out = _built(wanted, folder, say, close)
                with open(done, "w", encoding="utf-8") as file:
                    file.write("".join(f"{line}\n" for line in left_out))
            else:
                say(f"environment: from the cache ({os.path.basename(folder)})")
            with open(done, encoding="utf-8") as file:
                return folder, file.read().splitlines()
    except OSError as error:
        raise StorageError.from_oserror("build the environment in", folder, error) from error


def _folder_of_environments() -> str:
    root = cache_folder("/nowhere")
    if not root:
        raise MeticulousError("There is no cache folder for environments.", "Set XDG_CACHE_HOME.")
    folder = os.path.join(root, "environments")
    os.makedirs(folder, exist_ok=True)
    return folder


def _machine() -> str:
    return (
        os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    )


@contextlib.contextmanager
def _lock(path: str, say: Callable[[str], None]) -> Iterator[None]:
    import fcntl

    with open(path, "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("environment: another process is building it; waiting")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _built(wanted: Plan, folder: str, say: Callable[[str], None], close: bool) -> list[str]:
    """Build; nothing is left of what fails."""
    uv = shutil.which("uv")
    count = len(wanted.requirements)
    packages = f"{count} package{'' if count == 1 else 's'}"
    say(f"environment: building it, {packages} with {'uv' if uv else 'pip'}")
    python = os.path.join(folder, "bin", "python")
    if uv:
        make = [uv, "venv", "--quiet", "--no-project", "--python", wanted.python, folder]
        install = [uv, "pip", "install", "--quiet", "--python", python, "--no-deps"]
    else:
        make = [wanted.python, "-m", "venv", folder]
        install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-input"]
    whole = False
    try:
        _must(make, "The environment cannot be made")
        left_out: list[str] = []
        try:
            _install(install, wanted.requirements, folder)
        except MeticulousError:
            if not close:
                raise
            for line in wanted.requirements:
                try:
                    _install(install, [line], folder)
                except MeticulousError:
                    left_out.append(f"{line} (cannot be installed)")
        whole = True
        return left_out
    finally:
        if not whole:
            shutil.rmtree(folder, ignore_errors=True)


def _install(install: list[str], requirements: list[str], folder: str) -> None:
    if not requirements:
        return
    path = os.path.join(folder, "requirements.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in requirements))
    _must([*install, "-r", path], "The packages cannot be installed")


def _must(words: list[str], problem: str) -> None:
    import subprocess

    variables = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_PYTHON_DOWNLOADS": "never"}
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_USER"):
        variables.pop(name, None)
    done = subprocess.run(
        words,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        telling = [line for line in lines if re.match("(?i)error|.*no solution|.*because", line)]
        told = " ".join((telling or lines)[:2])[:500]
        raise MeticulousError(
            f"{problem}: {clean(told).rstrip('.')}.",
            "Use --env=close to go without what cannot be had.",
        )


def importable(folder: str) -> str:
    """A folder in which there is nothing but this package, for a Python that has it not.

    Raises:
        StorageError: it cannot be made.
    """
    source = os.path.dirname(os.path.abspath(__file__))
    import zlib

    home = f"{folder}.with-{zlib.crc32(os.fsencode(source)):08x}"
    link = os.path.join(home, os.path.basename(source))
    try:
        os.makedirs(home, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.symlink(source, link)
    except OSError as error:
        raise StorageError.from_oserror("make", link, error) from error
    return home
