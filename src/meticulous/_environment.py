"""Where a program runs: the content of environment.json, and which job it is.

Nothing here imports a third-party package (save pynvml, for the accelerators, where it is
installed and a driver is there), starts a process or asks the network.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from . import _environment_devices as _devices
from . import _environment_hardware as _hardware
from . import _environment_packages as _packages
from . import _environment_scheduler as _scheduler
from . import _json
from ._environment_source import read, value_after

__all__ = ["facts", "scheduler_facts"]

Facts = dict[str, Any]

_FRAMEWORKS = """
torch tensorflow jax jaxlib keras numpy scipy pandas polars sklearn xgboost lightgbm catboost
transformers datasets accelerate diffusers lightning pytorch_lightning flax cupy numba mlx
"""


def devices(root: str = "/") -> Facts:
    """Describe the accelerators; never raises; empty where there are none.

    May load NVML, which takes up to a second and hangs with a broken driver: only in a thread of
    its own.
    """
    try:
        found: Facts = _json.plain(_without_blanks(_devices.devices(root)))
    except Exception as error:  # a driver can fail in any way
        return {"problem": f"{type(error).__name__}: {_json.text_of(error)}"}
    return found


def facts(argv0: str | None = None, *, root: str = "/") -> Facts:
    """Describe the machine, the Python and the packages that a program runs with; never raises.

    Accelerators are described by `devices`, which may hang.

    Takes a few milliseconds, longer while other threads keep Python busy.

    Args:
        argv0: the program, ``sys.argv[0]`` when None.
        root: where the machine's files begin.

    Returns:
        What JSON has words for. A section that is empty or could not be read is absent; the
        reasons of the latter are listed under ``problems``. Environment variables come from an
        allow-list; addresses have lost their credentials.
    """
    sections: dict[str, Callable[[], Any]] = {
        "host": _host,
        "user": lambda: _user(root),
        "program": lambda: next(iter(sys.argv), None) if argv0 is None else argv0,
        "platform": lambda: _platform(root),
        "python": _python,
        "time-zone": lambda: _time_zone(root),
        "machine": lambda: _hardware.machine(root),
        "container": lambda: _hardware.container(root),
        "cpu": lambda: _hardware.cpu(root),
        "memory": lambda: _hardware.memory(root),
        "disk": lambda: _hardware.disk(root),
        "scheduler": lambda: _scheduler.details(root),
        "variables": _scheduler.variables,
        "frameworks": _frameworks,
        "packages": _packages.installed,
        "conda-packages": lambda: _packages.conda(sys.prefix),
    }
    found: Facts = {}
    problems: list[str] = []
    for name, look in sections.items():
        try:
            found[name] = look()
        except Exception as error:  # the promise: no machine is so odd that a program cannot start
            problems.append(f"{name}: {type(error).__name__}: {_json.text_of(error)}")
    found["problems"] = problems
    cleaned: Facts = _json.plain(_without_blanks(found))
    return cleaned


def scheduler_facts() -> Facts:
    """Tell which job this process is: ``{"slurm": {"job_id": 17, …}}``; empty outside of any.

    Keys are the scheduler's variables without their prefix, in lower case; whole numbers are
    integers. Never raises.
    """
    ids: Facts = _json.plain(_scheduler.ids())
    return ids


def _without_blanks(value: Any) -> Any:
    """Leave out of mappings what is not known or empty, at every depth."""
    if isinstance(value, Mapping):
        pairs = ((key, _without_blanks(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item not in (None, {}, [], "")}
    return value


def _host() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def _user(root: str) -> str | None:
    """Name the user, as `getpass.getuser` does, but without asking a directory service."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        if name := os.environ.get(variable):
            return name
    if not hasattr(os, "getuid"):
        return None
    number = str(os.getuid())
    for line in (read(root, "etc/passwd", 1 << 20) or "").splitlines():
        fields = line.split(":")
        if len(fields) > 2 and fields[2] == number:
            return fields[0]
    return number


def _platform(root: str) -> Facts:
    release = read(root, "etc/os-release")
    name = value_after(release, "PRETTY_NAME", "=")
    if hasattr(os, "uname"):
        system = os.uname()
        facts: Facts = {
            "system": system.sysname,
            "release": system.release,
            "machine": system.machine,
        }
    else:
        facts = {
            "system": "Windows" if os.name == "nt" else sys.platform,
            "release": ".".join(map(str, getattr(sys, "getwindowsversion", tuple)()[:3])),
            "machine": os.environ.get("PROCESSOR_ARCHITECTURE"),
        }
    facts["distribution"] = name.strip("\"'") if name else _macos(root)
    facts["libc"] = _libc()
    return facts


def _macos(root: str) -> str | None:
    text = read(root, "System/Library/CoreServices/SystemVersion.plist") or ""
    version = text.partition("<key>ProductVersion</key>")[2].partition("<string>")[2]
    return "macOS " + version.partition("<")[0] if version else None


def _libc() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        return None


def _python() -> Facts:
    flags = sys.flags
    gil = getattr(sys, "_is_gil_enabled", None)
    virtual = sys.prefix if sys.prefix != sys.base_prefix else None
    seed = os.environ.get("PYTHONHASHSEED", "random") if flags.hash_randomization else "0"
    return {
        "version": ".".join(map(str, sys.version_info[:3])),
        "implementation": sys.implementation.name,
        "build": " ".join(sys.version.split()),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "base-prefix": sys.base_prefix,
        "virtual-environment": virtual,
        "conda-environment": os.environ.get("CONDA_DEFAULT_ENV"),
        "optimize": flags.optimize,
        "hash-seed": seed,
        "utf8-mode": bool(flags.utf8_mode),
        "dev-mode": flags.dev_mode,
        "isolated": bool(flags.isolated),
        "free-threaded": "t" in getattr(sys, "abiflags", ""),
        "gil": gil() if gil is not None else True,
    }


def _time_zone(root: str) -> Facts:
    local = time.localtime()
    hours, minutes = divmod(abs(local.tm_gmtoff) // 60, 60)
    name = os.environ.get("TZ") or read(root, "etc/timezone", 256)
    if not name:
        try:
            name = os.readlink(os.path.join(root, "etc/localtime")).partition("zoneinfo/")[2]
        except OSError:
            name = None
    return {
        "name": name,
        "abbreviation": local.tm_zone,
        "offset": f"{'-' if local.tm_gmtoff < 0 else '+'}{hours:02}:{minutes:02}",
    }


def _frameworks() -> Facts:
    """Tell the versions of what the program has imported already; nothing is imported for it.

    Only names that a module holds are looked at, since asking for others may load more of it.
    """
    found: Facts = {}
    for name in _FRAMEWORKS.split():
        version = _held(name, "__version__")
        if version is not None:
            found[name] = {"version": str(version)}
    for kind in ("cuda", "hip", "git_version"):
        value = _held("torch.version", kind)
        if value is not None and "torch" in found:
            found["torch"][kind.partition("_")[0]] = str(value)
    configuration = _held("numpy.__config__", "CONFIG")
    if "numpy" in found and isinstance(configuration, Mapping):
        blas = configuration.get("Build Dependencies", {}).get("blas", {})
        found["numpy"]["blas"] = " ".join(
            str(blas[key]) for key in ("name", "version") if key in blas
        )
    return found


def _held(module: str, name: str) -> Any:
    return getattr(sys.modules.get(module), "__dict__", {}).get(name)
