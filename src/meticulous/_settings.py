"""Every setting in one table, and where its value comes from.

In rising order: ``[tool.meticulous]`` in the project's pyproject.toml, ``METICULOUS_*`` in the
environment, arguments in code, the command line. docs/reference/settings.md is checked against
this table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .errors import SettingError

__all__ = ["TABLE", "Setting", "resolve"]


class Setting(NamedTuple):
    """One setting: how it is read, what it is when nothing is said, and what it does."""

    name: str
    default: Any
    read: Callable[[Any], Any]
    allowed: str
    effect: str

    @property
    def variable(self) -> str:
        return "METICULOUS_" + self.name.upper()


def _choice(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return read


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off", ""):
        return False
    raise ValueError


def _words(value: Any) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if isinstance(items, Mapping) or not all(isinstance(item, str) for item in items):
        raise ValueError
    return tuple(item.strip() for item in items if item.strip())


_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def _size(value: Any) -> int:
    text = str(value).strip().lower().removesuffix("b").removesuffix("i")
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS and text[-1:] else (text, "")
    size = int(float(number) * _UNITS[unit])
    if size < 0:
        raise ValueError
    return size


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not 0 <= seconds < float("inf"):
        raise ValueError
    return seconds


_SWITCH = "true or false"
_SECONDS = "a number of seconds"
_SIZE = 'bytes, or text such as "64 MB"'
_NAMES = "a list of regular expressions (in the environment: comma-separated)"

TABLE: tuple[Setting, ...] = (
    Setting(
        "dirty",
        "refuse",
        _choice("refuse", "snapshot", "allow"),
        "refuse, snapshot or allow",
        "What to do when the code that runs is not what the commit holds: refuse to start, record "
        "a snapshot commit of it, or record only that it is so.",
    ),
    Setting(
        "capture",
        "sys",
        _choice("sys", "fd", "off"),
        "sys, fd or off",
        "What is kept of the console: what Python writes to its streams, also what child "
        "processes and C code write, or nothing.",
    ),
    Setting(
        "capture_limit",
        1 << 30,
        _size,
        _SIZE,
        "The most that stdout and stderr may each take on disk; beyond it the head and the tail "
        "are kept, with a marker between them. 0 means no limit.",
    ),
    Setting(
        "norecord",
        False,
        _switch,
        _SWITCH,
        "Record nothing and patch nothing; the same calls are accepted, and open() opens relative "
        "to the working directory.",
    ),
    Setting(
        "ranks",
        "first",
        _choice("first", "all"),
        "first or all",
        "Which ranks of a parallel program (RANK, SLURM_PROCID, OMPI_COMM_WORLD_RANK, PMIX_RANK, "
        "PMI_RANK) make an experiment: only rank 0, or each one, for tasks that are independent.",
    ),
    Setting(
        "strict",
        False,
        _switch,
        _SWITCH,
        "Raise StorageError from log() and summary() when the record can no longer be written, "
        "instead of counting what is lost and going on.",
    ),
    Setting(
        "redact",
        (),
        _words,
        _NAMES,
        "Further names of args and options whose values are secret.",
    ),
    Setting("keep", (), _words, _NAMES, "Names whose values are kept though they look secret."),
    Setting(
        "sample_seconds",
        10.0,
        _seconds,
        _SECONDS,
        "How often CPU, memory, disk, network and GPUs are sampled into system.jsonl; 0 turns it "
        "off.",
    ),
    Setting(
        "notice_inputs",
        True,
        _switch,
        _SWITCH,
        "Note the files and folders that args lead to, as role arg in files.jsonl.",
    ),
    Setting(
        "hash_limit",
        1 << 30,
        _size,
        _SIZE,
        "The most that is read to hash what notice_inputs finds, in the background; files that "
        "are larger are noted by size and time. record_input() always hashes.",
    ),
    Setting(
        "git_seconds",
        30.0,
        _seconds,
        _SECONDS,
        "How long git may take to tell the state of the code before it is given up.",
    ),
)

_NAMES_OF_ALL = [setting.name for setting in TABLE]


def resolve(project_directory: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Settle every setting.

    Args:
        project_directory: where pyproject.toml is looked for.
        given: what code or the command line says; None means that it says nothing.

    Returns:
        Each name of `TABLE` with its value.

    Raises:
        SettingError: a value cannot be used; the message says where it stands.
    """
    for name in given:
        if name not in _NAMES_OF_ALL:
            raise SettingError(
                f"There is no argument or setting {name!r}.",
                f"The settings are {', '.join(_NAMES_OF_ALL)}.",
                name=name,
                value=given[name],
            )
    path = os.path.join(project_directory, "pyproject.toml")
    project = _from_project(path)
    values = {}
    for setting in TABLE:
        value, place = setting.default, ""
        if setting.name in project:
            value, place = project[setting.name], f"[tool.meticulous] in {path}"
        if os.environ.get(setting.variable, "") != "":
            value, place = os.environ[setting.variable], setting.variable
        if given.get(setting.name) is not None:
            value, place = given[setting.name], setting.name
        values[setting.name] = _read(setting, value, place) if place else value
    return values


def _read(setting: Setting, value: Any, place: str) -> Any:
    try:
        return setting.read(value)
    except (ValueError, TypeError, KeyError, OverflowError):
        raise SettingError(
            f"{place}: {setting.name} cannot be {value!r}.",
            f"It is {setting.allowed}.",
            name=setting.name,
            value=value,
        ) from None


def _from_project(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            data = file.read(1 << 20)
    except OSError:
        return {}
    if b"meticulous" not in data:  # reading TOML costs more than all other settings together
        return {}
    import tomllib

    try:
        table = tomllib.loads(data.decode()).get("tool", {}).get("meticulous", {})
    except (ValueError, AttributeError):
        return {}  # a broken pyproject.toml is for the tools that own it to report
    if not isinstance(table, dict):
        return {}
    for name in table:
        if name not in _NAMES_OF_ALL:
            raise SettingError(
                f"[tool.meticulous] in {path}: there is no setting {name!r}.",
                f"The settings are {', '.join(_NAMES_OF_ALL)}.",
                name=name,
                value=table[name],
            )
    return table
