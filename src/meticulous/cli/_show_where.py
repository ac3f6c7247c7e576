"""What ``show`` tells of the code, the machine, the sessions and the files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from .. import _folder
from .._experiments_whole import sizes
from .._table import MISSING, Column, duration_text
from ..experiments import ExperimentReader
from ._show_page import Page, listed, moment, named, size_text, text

__all__ = ["code", "environment", "files", "sessions", "sizes"]

_FEW = 10
_KEY_PACKAGES = """
    torch torchvision jax jaxlib flax tensorflow keras numpy scipy pandas polars scikit-learn
    xgboost lightgbm catboost transformers datasets accelerate lightning pytorch-lightning timm
    diffusers peft deepspeed vllm gymnasium stable-baselines3 triton
"""


def code(reader: ExperimentReader, page: Page) -> None:
    """Which code ran."""
    git = named(reader._recorded.get("git"))
    page.title("code")
    message = text(reader._recorded.get("githead-message")).strip().split("\n")[0]
    page.fact("commit", reader.sha and f"{reader.sha}  {message}".strip())
    page.fact("branch", git.get("branch"))
    page.fact("remote", git.get("remote"))
    if git.get("directory") not in (None, "."):
        page.fact("directory", git.get("directory"))
    if "dirty" in git:
        state = "differs from the commit" if git["dirty"] else "as committed"
        page.fact("state", f"{state} (dirty={text(git.get('policy'))})")
    page.fact("snapshot", git.get("snapshot"))
    if os.path.lexists(os.path.join(reader.curexpdir, _folder.CODE_PATCH)):
        page.fact("patch", _folder.CODE_PATCH)
    page.fact("kept by", git.get("ref"))
    problem = named(git.get("problem"))
    page.fact("problem", problem.get("message") or problem.get("reason"), "33")
    for other in [*listed(git.get("siblings")), *listed(git.get("submodules"))]:
        facts = named(other)
        name = facts.get("name") or facts.get("path")
        dirty = " dirty" if facts.get("dirty") else ""
        page.fact("also", f"{text(name)} {text(facts.get('sha'))[:12]}{dirty}")
    changes = [named(change) for change in listed(git.get("changes"))]
    skipped = [named(skip) for skip in listed(git.get("skipped"))]
    if changes or skipped:
        states = [change.get("state", MISSING) for change in changes]
        states += [f"not kept: {text(skip.get('reason'))}" for skip in skipped]
        paths = [each.get("path", MISSING) for each in (*changes, *skipped)]
        columns = [Column("changed", states, keep=2, limit=60), Column("path", paths, keep=1)]
        page.table([column._replace(limit=100) for column in columns], _FEW)
    left_out = git.get("changes-left-out")
    page.fact("", left_out and f"and {text(left_out)} more changes that were not recorded")


def environment(reader: ExperimentReader, page: Page) -> None:
    """The machine and the packages that matter most."""
    facts = reader.environment
    page.title("environment")
    python, system = named(facts.get("python")), named(facts.get("platform"))
    where = python.get("conda-environment") or python.get("virtual-environment")
    page.fact("python", " ".join(filter(None, map(text, (python.get("version"), where)))))
    page.fact("system", " ".join(filter(None, map(text, _some(system, "distribution", "machine")))))
    container = named(facts.get("container"))
    page.fact("container", " ".join(map(text, _some(container, "kind", "image"))))
    cpu, memory = named(facts.get("cpu")), named(facts.get("memory"))
    if cpu:
        many = cpu.get("usable") or cpu.get("logical")
        ram = memory.get("limit") or memory.get("total")
        page.fact("cpu", f"{text(many)} x {text(cpu.get('model'))}, {size_text(ram)} memory")
    gpus = [named(gpu) for gpu in listed(named(facts.get("devices")).get("gpus"))]
    kinds = [f"{text(gpu.get('name'))} {size_text(gpu.get('memory'))}".strip() for gpu in gpus]
    page.fact("gpu", ", ".join(f"{kinds.count(kind)} x {kind}" for kind in dict.fromkeys(kinds)))
    for scheduler, ids in named(facts.get("scheduler")).items():
        page.fact(scheduler, f"job {text(named(ids).get('job_id') or named(ids).get('jobid'))}")
    packages = [named(package) for package in listed(facts.get("packages"))]
    versions = {text(package.get("name")): text(package.get("version")) for package in packages}
    for name, framework in named(facts.get("frameworks")).items():
        versions[name] = text(named(framework).get("version"))
    known = [f"{name} {versions[name]}" for name in versions if name in _KEY_PACKAGES.split()]
    if versions:
        page.fact("packages", f"{', '.join(known) or 'none of the usual'} ({len(versions)} in all)")


def _some(facts: dict[str, Any], *names: str) -> list[Any]:
    return [facts[name] for name in names if facts.get(name) is not None]


def sessions(reader: ExperimentReader, page: Page) -> None:
    """Each time that it was started or continued."""
    found = reader.sessions
    page.title("sessions")

    def spans() -> Iterator[Any]:
        for session in found:
            duration = session.get("duration")
            is_number = isinstance(duration, (int, float))
            yield duration_text(duration) if is_number and duration is not None else MISSING

    columns = [
        Column("#", list(range(1, len(found) + 1)), keep=0),
        Column("started", [moment(s.get("start")) for s in found], keep=1, least=19),
        Column("took", list(spans()), keep=2),
        Column("ended", [_ending(s) for s in found], keep=3, limit=60),
        Column("host", [s.get("host", MISSING) for s in found], keep=4),
        Column("commit", [text(s.get("sha"))[:7] or MISSING for s in found], keep=5),
        Column("pid", [s.get("pid", MISSING) for s in found], keep=6),
        Column("memory", [_memory(s) for s in found], keep=7),
    ]
    if found:
        page.table(columns, _FEW)


def _ending(session: dict[str, Any]) -> Any:
    ending = named(session.get("ending"))
    words = [text(ending.get("kind")), text(ending.get("exception")).strip().rpartition("\n")[2]]
    words.append(text(ending.get("signal")))
    if ending.get("exit-code") not in (None, 0):
        words.append(f"exit code {text(ending['exit-code'])}")
    words.append(text(ending.get("status")))
    return " ".join(dict.fromkeys(filter(None, words))) or MISSING


def _memory(session: dict[str, Any]) -> Any:
    return size_text(named(session.get("resources")).get("peak-memory")) or MISSING


def inputs(reader: ExperimentReader, page: Page) -> None:
    """What was read and written, with hashes."""
    found = reader.recorded_files
    page.title("inputs and outputs")
    if not found:
        return
    paths = [text(line.get("path")) for line in found]
    hashes = [text(line.get("sha256"))[:12] or line.get("problem", MISSING) for line in found]
    page.table(
        [
            Column("role", [line.get("role", MISSING) for line in found], keep=1, least=6),
            Column("path", paths, keep=1, limit=100, least=16),
            Column("size", [size_text(line.get("size")) or MISSING for line in found], keep=2),
            Column("sha256", hashes, keep=3),
            Column("in", [line.get("base", MISSING) for line in found], keep=4),
        ],
        _FEW,
    )


def files(reader: ExperimentReader, page: Page) -> None:
    """What the folder holds: the record as one line, then the files of the program's own."""
    found = sizes(reader)
    page.title("files")
    if not found:
        return
    names = list(found) if page.everything else [name for name in found if _is_own(name)]
    if not page.everything:
        record = [size for name, size in found.items() if not _is_own(name)]
        page.line(f"{len(record)} of the record, {size_text(sum(record))}")
    if names:
        columns = [
            Column("name", names, keep=1, limit=100, least=16),
            Column("size", [size_text(found[name]) for name in names], keep=1),
        ]
        page.table(columns, 2 * _FEW)


def _is_own(name: str) -> bool:
    return name not in _folder.NAMES
