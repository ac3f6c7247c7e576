"""``meticulous doctor``: what recording and reading would meet here, in one screen."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import _experiment_doctor, _index
from .._table import clean
from . import _output, _store

__all__ = ["run"]

_EXAMPLES = """\
Nothing is written. The exit code is 1 when something keeps experiments from being recorded.

examples:
  meticulous doctor
  meticulous doctor --json
"""
OK, NOTE, PROBLEM = "ok", "note", "problem"
_MARKS = {OK: ("ok", "32"), NOTE: ("--", "33"), PROBLEM: ("!!", "31")}
_EXTRAS = {
    "msgspec": "encodes and reads metrics several times as fast",
    "psutil": "resources on other systems than Linux",
    "numpy": "histories as arrays",
    "pandas": "as_dataframe, --export x.pd",
    "polars": "to_polars",
    "pyarrow": "to_arrow, Parquet",
    "pynvml": "what NVIDIA GPUs do",
}


class Check(NamedTuple):
    """One line: what was looked at, how it is, and what to do."""

    name: str
    state: str
    text: str
    hint: str = ""


def run(argv: Sequence[str]) -> int:
    """Look at everything once; see ``meticulous doctor --help``."""
    parser = _output.Parser(
        "doctor",
        "Show what meticulous finds here: git, the experiments folder, settings, the machine, the "
        "cache, the terminal, and what is missing.",
        _EXAMPLES,
        "meticulous doctor [options]",
    )
    parser.add_argument("--json", action="store_true", help="the same as JSON, with all facts")
    _store.add_store(parser)
    options = parser.parse_args(argv)
    facts = _experiment_doctor.examine(options.project_directory, options.experiments_directory)
    checks = [
        _version(),
        _git(facts),
        _code(facts),
        _experiments(facts),
        *_settings(facts),
        _cache(facts["experiments"]),
        *_machine(facts),
        _terminal(),
        _extras(),
    ]
    if options.json:
        plain = [check._asdict() for check in checks]
        _output.print_json("doctor", {"checks": plain, "facts": facts})
    else:
        _print(checks)
    return 1 if any(check.state == PROBLEM for check in checks) else 0


def _print(checks: list[Check]) -> None:
    wide = max(len(check.name) for check in checks)
    room, lines = _output.width(), []
    for check in checks:
        mark, code = _MARKS[check.state]
        shown = f"\x1b[{code}m{mark}\x1b[0m" if _output.colours() else mark
        text = clean(f"{check.text}{'. ' + check.hint if check.hint else ''}")
        left = wide + 6
        told = [text] if room is None else textwrap.wrap(text, max(room - left, 20))
        lines.append(f"{shown}  {check.name:<{wide}}  {told[0]}\n")
        lines += [f"{'':{left}}{line}\n" for line in told[1:]]
    _output.write("".join(lines))


def _version() -> Check:
    from .. import __version__

    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    python = ".".join(map(str, sys.version_info[:3]))
    return Check("meticulous", OK, f"{__version__} in {here}, Python {python}")


def _git(facts: dict[str, Any]) -> Check:
    path = shutil.which("git")
    if path is None:
        hint = "Install git, or record with --dirty allow, without the code's state"
        return Check("git", PROBLEM, "no git program on PATH", hint)
    return Check("git", OK, path)


def _code(facts: dict[str, Any]) -> Check:
    git, policy = facts["git"], facts["settings"].get("dirty", "refuse")
    if "problem" in git:
        state = NOTE if policy == "allow" else PROBLEM
        return Check("code", state, git["problem"]["message"].rstrip("."), f"dirty is {policy!r}")
    place = f"{git.get('repository', '')} at {str(facts['sha'])[:10]}, {git.get('branch', '')}"
    changes = git.get("changes") or []
    if not changes:
        return Check("code", OK, f"{place}, clean")
    text = f"{place}, {len(changes)} changed: {', '.join(c['path'] for c in changes[:3])}"
    if policy == "refuse":
        return Check(
            "code", NOTE, text, "Commit, or use --dirty snapshot: it would refuse to start"
        )
    return Check("code", OK, f"{text}; dirty is {policy!r}")


def _experiments(facts: dict[str, Any]) -> Check:
    path = facts["experiments"]
    text = f"{path}: {facts['ids']} recorded" if facts["exists"] else f"{path} is not there yet"
    if not facts["writable"]:
        hint = "Make it writable, or give another --experiments-directory"
        return Check("experiments", PROBLEM, f"{path} cannot be written", hint)
    disk = facts["environment"].get("disk", {})
    free = disk.get("free")
    if free is not None:
        text += f"; {free / 1e9:.0f} GB free, {disk.get('filesystem', 'unknown file system')}"
        if free < 1 << 30:
            return Check("experiments", NOTE, text, "The disk is nearly full")
    return Check("experiments", OK, text)


def _settings(facts: dict[str, Any]) -> list[Check]:
    checks = []
    changed = ", ".join(f"{name}={value!r}" for name, value in facts["settings"].items())
    if "settings-problem" in facts:
        checks.append(Check("settings", PROBLEM, facts["settings-problem"]))
    else:
        checks.append(Check("settings", OK, changed or "all as they come"))
    if facts["inert"]:
        checks.append(Check("recording", NOTE, f"off in this process: {facts['inert']}"))
    return checks


def _cache(root: str) -> Check:
    folder = _index.cache_folder(root)
    if not folder:
        return Check("cache", NOTE, "no home folder: listings are read anew each time")
    existing = folder
    while not os.path.isdir(existing) and os.path.dirname(existing) != existing:
        existing = os.path.dirname(existing)
    if not os.access(existing, os.W_OK | os.X_OK):
        return Check("cache", NOTE, f"{folder} cannot be written: listings take longer")
    size = sum(entry.stat().st_size for entry in os.scandir(existing)) if existing == folder else 0
    return Check("cache", OK, f"{folder}, {size / 1e6:.1f} MB; may be deleted at any time")


def _machine(facts: dict[str, Any]) -> list[Check]:
    known = facts["environment"]
    cpu, memory = known.get("cpu", {}), known.get("memory", {}).get("total")
    parts = [known.get("host", ""), known.get("platform", {}).get("distribution", "")]
    parts.append(f"{cpu.get('usable', cpu.get('logical', '?'))} cores")
    if memory:
        parts.append(f"{memory / 1e9:.0f} GB")
    checks = [Check("machine", OK, ", ".join(filter(None, parts)))]
    devices = facts["devices"]
    if "problem" in devices:
        checks.append(Check("devices", NOTE, devices["problem"]))
    elif devices:
        named = [str(gpu.get("name", "GPU")) for gpu in devices.get("gpus", [])]
        checks.append(Check("devices", OK, ", ".join(named) or ", ".join(devices)))
    for name, job in known.get("scheduler", {}).items():
        checks.append(Check("scheduler", OK, f"{name} job {job.get('job_id', job)}"))
    return checks


def _terminal() -> Check:
    width = _output.width()
    encoding = getattr(sys.stdout, "encoding", None) or "none"
    place = f"{width} columns" if width else "no terminal"
    colour = "colours" if _output.colours() else "no colours"
    return Check("terminal", OK, f"{place}, {colour}, {encoding}")


def _extras() -> Check:
    import importlib.util

    absent = [name for name in _EXTRAS if importlib.util.find_spec(name) is None]
    there = [name for name in _EXTRAS if name not in absent]
    text = f"installed: {', '.join(there) or 'none'}"
    if not absent:
        return Check("extras", OK, text)
    missing = ", ".join(f"{name} ({_EXTRAS[name]})" for name in absent)
    return Check("extras", OK, f"{text}; absent, and only needed for what stands there: {missing}")
