"""How two values, curves, sets of files, or outputs differ."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from . import _experiment_files, _folder
from .compare import recorded_files
from .errors import SettingError
from .experiments import ExperimentReader, Experiments

__all__ = [
    "Curve",
    "Tolerance",
    "close",
    "difference",
    "flat",
    "output_files",
    "parted",
    "printed",
    "same",
    "spread",
]

MIN_SEEDS = 3
SEEDS = ("seed", "random_seed")
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_MAX_LINE = 1 << 16


class Tolerance(NamedTuple):
    """By how much numbers may differ.

    Attributes:
        rtol: relative to the old value.
        atol: absolutely.
        spread: by kind (``summary``, ``curve``) and name, how far the seeds are apart.
        group: the experiments that differ in their seeds only.
        seed: the name of the arg.
        versions: how many versions of the code the group ran.
    """

    rtol: float = 0.0
    atol: float = 0.0
    spread: Mapping[tuple[str, str], float] = {}
    group: tuple[str, ...] = ()
    seed: str = ""
    versions: int = 1

    @property
    def given(self) -> bool:
        """Whether anything is tolerated."""
        return bool(self.rtol or self.atol or self.group)

    @property
    def words(self) -> str:
        """What is tolerated."""
        if self.group:
            return f"{len(self.group)} experiments that differ in {self.seed} do among themselves"
        named = (("rtol", self.rtol), ("atol", self.atol))
        return " and ".join(f"{name} {value:g}" for name, value in named if value)


def number(value: Any) -> float | None:
    """A value as a number; None for one that is none."""
    if isinstance(value, str):
        return _WORDS.get(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Nested mappings and lists as one mapping, the names joined by dots."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    if not items:
        return {name: value} if name else {}
    found: dict[str, Any] = {}
    # A name that holds a dot itself comes last, and is told apart from what is nested.
    for key, item in sorted(items, key=lambda pair: "." in str(pair[0])):
        for inner, each in flat(item, f"{name}.{key}" if name else str(key)).items():
            while inner in found:
                inner += "'"
            found[inner] = each
    return found


def same(old: Any, new: Any) -> bool:
    """Whether two values are equal to the last bit; NaN is equal to itself."""
    if isinstance(old, bool) != isinstance(new, bool):
        return False
    if old == new and isinstance(old, float) and isinstance(new, float):
        return math.copysign(1, old) == math.copysign(1, new)  # zero has a sign
    return bool(old == new) or (old != old and new != new)


def difference(old: Any, new: Any) -> dict[str, Any]:
    """By how much numbers differ; empty for others."""
    one, other = number(old), number(new)
    if one is None or other is None or not math.isfinite(one - other):
        return {}
    if isinstance(old, int) and isinstance(new, int):  # a float may not tell large ones apart
        one, other = old, new
    facts = {"difference": other - one}
    return facts | ({"relative": abs((other - one) / one)} if one else {})


def close(old: Any, new: Any, tolerance: Tolerance, key: tuple[str, str]) -> bool:
    """Whether two numbers differ by no more than is tolerated."""
    one, other = number(old), number(new)
    if one is None or other is None or not tolerance.given:
        return same(old, new)
    if same(one, other):
        return True
    apart = abs(other - one)
    if not math.isfinite(apart):
        return False
    allowed = tolerance.atol + tolerance.rtol * abs(one)
    return apart <= max(allowed, tolerance.spread.get(key, 0.0))


class Curve(NamedTuple):
    """The points of a metric."""

    steps: Sequence[Any]
    values: Sequence[Any]

    @classmethod
    def read(cls, reader: ExperimentReader, name: str) -> Curve:
        """Read a metric; empty when there is none."""
        try:
            history = reader.history(name)
        except SettingError:
            return cls((), ())
        steps, values = history["step"], history[name]
        if hasattr(steps, "tolist"):
            steps = steps.tolist()
        if hasattr(values, "tolist"):
            values = values.tolist()
        return cls(steps, values)

    def cut(self, count: int) -> Curve:
        """The first points."""
        return Curve(self.steps[:count], self.values[:count])


def parted(old: Curve, new: Curve, tolerance: Tolerance, name: str) -> dict[str, Any] | None:
    """Tell where curves part, and how far they get apart; None when they do not."""
    first: int | None = None
    beyond: int | None = None
    largest, where, relative = 0.0, 0, 0.0
    within = len(old.steps) == len(new.steps)
    for index, points in enumerate(zip(old.steps, old.values, new.steps, new.values, strict=False)):
        step, value, new_step, new_value = points
        if same(step, new_step) and same(value, new_value):
            continue
        first = index if first is None else first
        apart = difference(value, new_value) if same(step, new_step) else {}
        if apart.get("relative", 0.0) > relative:
            relative = apart["relative"]
        if abs(apart.get("difference", 0.0)) > largest:
            largest, where = abs(apart["difference"]), index
        # The seeds tell of the last value only: between, curves cross.
        judged = not tolerance.group or index == len(old.steps) - 1
        if not same(step, new_step) or (
            judged and not close(value, new_value, tolerance, ("curve", name))
        ):
            beyond = index if beyond is None else beyond
            within = False
    if within and first is None:
        return None
    if beyond is None and not within:
        beyond = min(len(old.steps), len(new.steps))
    first = (first or 0) if beyond is None else beyond
    longer = old if len(old.steps) > first else new
    facts: dict[str, Any] = {
        "step": longer.steps[first],
        "old": old.values[first] if first < len(old.values) else None,
        "new": new.values[first] if first < len(new.values) else None,
        "within": within,
    }
    if len(old.steps) != len(new.steps):
        facts["points"] = [len(old.steps), len(new.steps)]
    if largest:
        facts |= {"largest": largest, "largest-step": old.steps[where], "relative": relative}
    return facts


def spread(store: Experiments, old: ExperimentReader, seed: str) -> Tolerance:
    """How far the experiments are apart that share all args but the seed with one.

    Reproductions do not count, and neither do experiments that failed.

    Args:
        store: where to look.
        old: the experiment.
        seed: the name of the arg; empty for ``seed`` or ``random_seed``.

    Returns:
        What may be tolerated; nothing when there are fewer than `MIN_SEEDS`.

    Raises:
        SettingError: the arg that was named is none.
    """
    seed = seed.removeprefix("args.")
    args = flat(old.args)
    if seed and seed not in args:
        raise SettingError(f"Experiment {old.expid} has no arg {seed!r}.", name="seed", value=seed)
    names = [seed] if seed else [name for name in args if name.split(".")[-1] in SEEDS]
    if len(names) != 1:
        return Tolerance()
    name = names[0]
    rest = {key: value for key, value in args.items() if key != name}
    rows = {str(row["expid"]): row for row in store.lazy_rows()}
    if old.expid not in rows:
        return Tolerance()
    program = _program(rows[old.expid]["metadata"])
    group, seen, versions = [], [], set()
    for expid in (old.expid, *rows):  # that one first: another may have its seed
        others, facts = flat(rows[expid]["args"]), rows[expid]["metadata"]
        value = others.pop(name, None)
        if value is None or value in seen or others != rest or _program(facts) != program:
            continue
        if rows[expid]["status"] == "SUCCESS" and "reproduces" not in facts:
            group.append(expid)
            seen.append(value)
            code = facts.get("git")
            snapshot = code.get("snapshot") if isinstance(code, dict) else None
            versions.add(str(snapshot or facts.get("githead-sha")))
    if len(group) < MIN_SEEDS or old.expid not in group:
        return Tolerance()
    group = [expid for expid in rows if expid in group]
    found: dict[tuple[str, str], list[float]] = {}
    for expid in group:
        reader = store[expid]
        values = {("summary", key): value for key, value in flat(reader.summary).items()}
        values |= {("curve", key): facts["last"] for key, facts in reader.metrics.items()}
        for key, value in values.items():
            read = number(value)
            if read is not None and math.isfinite(read):
                found.setdefault(key, []).append(read)
    apart = {key: max(values) - min(values) for key, values in found.items()}
    return Tolerance(spread=apart, group=tuple(group), seed=name, versions=len(versions))


def _program(metadata: Mapping[str, Any]) -> list[str]:
    """What tells programs with the same args apart: their first words, no options or numbers."""
    command = metadata.get("command")
    words = [str(word) for word in command] if isinstance(command, list) else str(command).split()
    after = next((word for word in words[1:] if not word.startswith("-")), "")
    return [os.path.basename(word) for word in words[:1]] + (
        [] if "=" in after or re.fullmatch(r"[\d.eE+-]*", after) else [os.path.basename(after)]
    )


def output_files(reader: ExperimentReader) -> dict[str, str | None]:
    """The files that an experiment made, by path, with their hashes: the recorded outputs, and
    what the program wrote into the folder.
    """
    lines, _ = recorded_files(reader.curexpdir)
    found: dict[str, str | None] = {}
    for line in lines:
        if line["role"] == "output" and line.get("base") != "experiment":
            sha = line.get("sha256")
            found[line["path"]] = sha if isinstance(sha, str) else None
    for path in reader.files:
        hidden = any(part.startswith(".") for part in path.split("/"))
        if path not in _folder.NAMES and not hidden and ".broken-" not in path:
            try:
                full = os.path.join(reader.curexpdir, path)
                found[path] = _experiment_files.hash_file(full, lambda: False)
            except OSError:
                found[path] = None
    return found


def printed(old: str, new: str, partly: bool = False) -> tuple[int, tuple[str, str]] | None:
    """The first line in which two outputs differ, and how; None when they do not.

    Args:
        old: the file of one.
        new: of the other one.
        partly: the old one was cut off somewhere.
    """
    try:
        with open(old, "rb") as one, open(new, "rb") as other:
            for line in range(1, 1 << 40):
                texts = one.readline(_MAX_LINE), other.readline(_MAX_LINE)
                is_cut = partly and not texts[0].endswith(b"\n") and texts[1].startswith(texts[0])
                if is_cut and not one.read(1):
                    return None
                if texts[0] != texts[1]:
                    before, after = (text.decode("utf-8", "replace").rstrip() for text in texts)
                    return line, (before, after)
                if not texts[0]:
                    return None
    except OSError:
        pass
    return None
