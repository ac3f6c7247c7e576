"""What differs between experiments, value by value, section by section, as plain data.

Values are told apart as they are written in the record: 1, 1.0, True and "1" are four values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from . import _compare_code, _folder
from ._compare_files import document, input_key, recorded_files
from ._table import MISSING
from .errors import SettingError

__all__ = ["SECTIONS", "Line", "Section", "compare", "differing", "plain", "verdict"]

SECTIONS = (
    "code",
    "args",
    "environment",
    "inputs",
    "command",
    "description",
    "status",
    "summary",
    "metrics",
    "outputs",
)
DEPTH = 5
MAX_POINTS = 2_000_000
"""How many points of curves are compared one by one."""

_STATISTICS = ("last", "min", "max", "count")
_Path = tuple[str, ...]
_Values = Mapping[_Path, Any]


class Line(NamedTuple):
    """One value of every experiment, `MISSING` where it has none."""

    name: str
    values: list[Any]
    differs: bool


class Section(NamedTuple):
    """What experiments are compared by.

    Attributes:
        lines: all values, also those that are the same.
        notes: what could not be compared, a sentence each.
        pairs: of the code: the first experiment and each other one; see `_compare_code`.
        part: of the metrics of two experiments: metric to the step at which the curves part.
    """

    lines: list[Line]
    notes: list[str]
    pairs: Sequence[dict[str, Any]] = ()
    part: Mapping[str, Any] | None = None

    @property
    def differs(self) -> int:
        """How many things differ: values, files of the code, metrics."""
        names = {line.name for line in self.lines if line.differs}
        if self.part is not None:
            return len({name.rpartition(".")[0] for name in names} | self.part.keys())
        return len(names) + len({file["path"] for pair in self.pairs for file in pair["files"]})


def compare(
    readers: Sequence[Any],
    sections: Collection[str] = SECTIONS,
    *,
    directories: Sequence[str] = (),
    patch: bool = False,
) -> dict[str, Section]:
    """Compare experiments.

    Nothing is changed. Whatever the records hold raises nothing: what cannot be compared is said
    in the notes of its section.

    Args:
        readers: of two or more experiments, the first of which the others are compared with; they
            have what `ExperimentReader` has.
        sections: which of `SECTIONS`.
        directories: where the repository with the code may be, the likeliest first.
        patch: also give the code's difference as text.

    Returns:
        Name to section, in the order of `SECTIONS`.
    """
    found = {}
    for name in SECTIONS:
        if name == "code" and name in sections:
            lines, pairs, notes = _compare_code.code(readers, directories, patch)
            found[name] = Section([_line(text, values) for text, values in lines], notes, pairs)
        elif name in sections:
            found[name] = _COMPARED[name](readers)
    return found


def verdict(sections: Mapping[str, Section], ids: Sequence[str]) -> str:
    """Say in one line what differs."""
    which = ", ".join(ids[:-1]) + f" and {ids[-1]}"
    told = [text for name, section in sections.items() for text in _told(name, section)]
    if told:
        return f"{which} differ in: {', '.join(told)}"
    compared = ", ".join(name for name in sections if name != "status")
    if len(sections) < len(SECTIONS):
        return f"{which} do not differ in: {', '.join(sections)}"
    return f"{which} differ in nothing that was recorded: same {compared}"


def _told(name: str, section: Section) -> Iterator[str]:
    """What a verdict says of a section: how many things differ, or nothing."""
    lines = sum(line.differs for line in section.lines)
    counts: dict[str, Any] = {name: section.differs}
    if name == "code":
        modules = f"{lines} in other repositories" if lines else ""
        counts = {name: ", ".join(filter(None, [_compare_code.count(section.pairs), modules]))}
    elif name == "environment":
        begins = ("packages.", "conda-packages.")
        packages = sum(line.differs and line.name.startswith(begins) for line in section.lines)
        counts = {"packages": packages, name: lines - packages}
    yield from (f"{name} ({count})" for name, count in counts.items() if count)


def plain(readers: Sequence[Any], sections: Mapping[str, Section], told: str) -> dict[str, Any]:
    """A comparison as plain data: what ``meticulous diff --json`` prints."""
    ids = [reader.expid for reader in readers]
    found: dict[str, Any] = {}
    for name, section in sections.items():
        values = [
            {
                "name": line.name,
                "differs": line.differs,
                "values": {
                    expid: value
                    for expid, value in zip(ids, line.values, strict=True)
                    if value is not MISSING
                },
            }
            for line in section.lines
        ]
        found[name] = {"differs": section.differs, "values": values, "notes": section.notes}
        if name == "code":
            found[name]["pairs"] = list(section.pairs)
        if name == "metrics":
            found[name]["part"] = section.part or {}
    experiments = []
    for reader in readers:
        row = reader.row()
        names = ("expid", "status", "start_time", "duration", "description", "sha")
        facts = row["metadata"].get("git")
        snapshot = facts.get("snapshot") if isinstance(facts, dict) else None
        experiments.append({**{name: row[name] for name in names}, "snapshot": snapshot})
    return {"experiments": experiments, "verdict": told, "sections": found}


def differing(values: Sequence[Any]) -> bool:
    """Whether values are not all the same, as they would be written."""
    return len(set(map(_written, values))) > 1


def _written(value: Any) -> str:
    if value is MISSING:
        return ""
    try:
        return json.dumps(value, sort_keys=True)
    except (RecursionError, ValueError, TypeError):  # deeper, or with more digits, than JSON takes
        return f"<{type(value).__name__}>"


def _line(name: str, values: list[Any], of: Sequence[int] | None = None) -> Line:
    """A line; `of` are the experiments that count, None for all."""
    return Line(name, values, differing(values if of is None else [values[n] for n in of]))


def _lines(found: Sequence[_Values | None], prefix: str = "") -> list[Line]:
    """Values of the same name side by side; None for an experiment that has recorded nothing."""
    there = [number for number, values in enumerate(found) if values is not None]
    paths = dict.fromkeys(path for values in found if values is not None for path in values)
    return [
        _line(
            prefix + ".".join(path),
            [MISSING if values is None else values.get(path, MISSING) for values in found],
            there,
        )
        for path in paths
    ]


def _flat(value: Mapping[str, Any], *, lists: bool = False) -> dict[_Path, Any]:
    """Each value in nested objects by its path; with `lists` also those in lists of objects."""

    def visit(path: _Path, value: Any) -> Iterator[tuple[_Path, Any]]:
        items: Any = ()
        if len(path) <= DEPTH and isinstance(value, Mapping):
            items = value.items()
        elif lists and isinstance(value, list) and any(isinstance(v, Mapping) for v in value):
            items = enumerate(value)
        if not items:
            yield path, value
        for key, inner in items:
            yield from visit((*path, str(key)), inner)

    return {path: inner for key in value for path, inner in visit((str(key),), value[key])}


# ------------------------------------------------------------------------------ the sections


def _args(readers: Sequence[Any]) -> Section:
    lines = _lines([_flat(reader.args) for reader in readers])
    defaults = _lines([_flat(reader.default_args) or None for reader in readers], "default_args.")
    notes = [f"no defaults are recorded of {r.expid}" for r in readers if not r.default_args]
    return Section([*lines, *defaults], notes if any(line.differs for line in lines) else [])


def _environment(readers: Sequence[Any]) -> Section:
    found: list[_Values | None] = []
    notes = []
    for reader in readers:
        value, problem = document(reader.curexpdir, _folder.ENVIRONMENT)
        found.append(None if value is None else _facts(value))
        if value is None:
            notes.append(problem and f"{reader.expid}: {problem}")
            notes[-1] = notes[-1] or f"no environment is recorded of {reader.expid}"
    return Section(_lines(found), notes)


def _facts(environment: Mapping[str, Any]) -> dict[_Path, Any]:
    """The facts that may explain a result: what is different each time is left out."""
    found: dict[_Path, Any] = {}
    for name, value in environment.items():
        if name in ("packages", "conda-packages") and isinstance(value, list):
            for package in value:
                if isinstance(package, Mapping):
                    rest = {key: item for key, item in package.items() if key != "name"}
                    only = rest.get("version") if set(rest) <= {"version"} else rest
                    found[name, str(package.get("name"))] = only
        elif name != "problems":
            found.update(_flat({name: value}, lists=True))
    return {path: value for path, value in found.items() if not _passing(path)}


def _passing(path: _Path) -> bool:
    """The job's numbers and times, and the space that is left on the disk."""
    job = path[0] == "scheduler" and path[-1].endswith(("id", "_time"))
    return job or path == ("disk", "free")


def _files(readers: Sequence[Any], *roles: str) -> Section:
    """Recorded files of some roles, by their hashes."""
    found: list[_Values | None] = []
    notes = []
    for reader in readers:
        lines, problem = recorded_files(reader.curexpdir)
        found.append(
            {
                input_key(line): line.get("sha256") or line.get("problem")
                for line in lines
                if line["role"] in roles
            }
        )
        if problem:
            notes.append(f"{reader.expid}: {problem}")
    return Section([line._replace(name=_place(line.name)) for line in _lines(found)], notes)


def _place(name: str) -> str:
    """A path as it was recorded; where it is relative to the experiment, that is said."""
    base, _, path = name.partition(".")
    return path if base in ("project", "machine") else f"{base}: {path}"


def _command(readers: Sequence[Any]) -> Section:
    return Section([_line("command", [_get(r.metadata, "command") for r in readers])], [])


def _description(readers: Sequence[Any]) -> Section:
    notes = [_get(reader.annotations, "notes") for reader in readers]
    texts = [_texts(value) for value in notes]
    return Section(
        [
            _line("name", [_get(r.annotations, "name") for r in readers]),
            _line("tags", [_tags(r.annotations) for r in readers]),
            _line("description", [r.metadata.get("description") or MISSING for r in readers]),
            _line("notes", texts),
        ],
        [],
    )


def _tags(annotations: Mapping[str, Any]) -> Any:
    tags = annotations.get("tags")
    return sorted(map(str, tags)) if isinstance(tags, list) and tags else MISSING


def _texts(notes: Any) -> Any:
    if not isinstance(notes, list) or not notes:
        return MISSING
    return [note.get("text") if isinstance(note, Mapping) else note for note in notes]


def _get(values: Mapping[str, Any], name: str) -> Any:
    value = values.get(name, MISSING)
    return MISSING if value in (None, "", []) else value


def _status(readers: Sequence[Any]) -> Section:
    names = ("status", "status_message")
    lines = [_line(name, [getattr(r, name) or MISSING for r in readers]) for name in names]
    notes = [f"{r.expid}: {problem}" for r in readers for problem in r.problems]
    return Section(lines, notes)


def _summary(readers: Sequence[Any]) -> Section:
    return Section(_lines([_flat(reader.summary) for reader in readers]), [])


def _metrics(readers: Sequence[Any]) -> Section:
    found: list[_Values] = [
        {
            (name, key): facts[key]
            for name, facts in reader.metrics.items()
            for key in _STATISTICS
            if key in facts
        }
        for reader in readers
    ]
    part = _parted(*readers) if len(readers) == 2 else {}
    return Section(_lines(found), [], part=part)


def _parted(first: Any, second: Any) -> dict[str, Any]:
    """The steps at which the curves of two experiments part, for as many as are soon read."""
    found = {}
    left = MAX_POINTS
    for name in first.metrics:
        if name not in second.metrics:
            continue
        left -= max(_count(r.metrics[name]) for r in (first, second))
        if left < 0:
            break
        try:
            step = _first_difference(*(_points(r.history(name), name) for r in (first, second)))
        except SettingError:  # it was there a moment ago
            continue
        if step is not MISSING:
            found[name] = step
    return found


def _points(history: Mapping[str, Any], name: str) -> list[tuple[Any, Any]]:
    columns = (history["step"], history[name])
    steps, values = (getattr(column, "tolist", lambda c=column: c)() for column in columns)
    return list(zip(steps, values, strict=False))  # it may grow between the two


def _count(facts: Mapping[str, Any]) -> int:
    count = facts.get("count")
    return count if isinstance(count, int) else 0


def _first_difference(first: list[Any], second: list[Any]) -> Any:
    """The step of the first point that the other curve has not; `MISSING` for the same curves."""
    for one, other in zip_longest(first, second):
        if one != other and repr(one) != repr(other):  # NaN is not itself
            steps = [point[0] for point in (one, other) if point is not None]
            step = min(steps)
            return int(step) if step == step and step % 1 == 0 else step
    return MISSING


_COMPARED: dict[str, Callable[[Sequence[Any]], Section]] = {
    "args": _args,
    "environment": _environment,
    "inputs": lambda readers: _files(readers, "input", "arg"),
    "command": _command,
    "description": _description,
    "status": _status,
    "summary": _summary,
    "metrics": _metrics,
    "outputs": lambda readers: _files(readers, "output"),
}
