"""The verdict: whether an experiment came out as another one did.

Compared are summaries, curves and files; where there are none of these, what was printed.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from . import _folder, _status
from ._reproduce_values import (
    Curve,
    Tolerance,
    close,
    difference,
    flat,
    output_files,
    parted,
    printed,
    same,
)
from ._table import clean
from .experiments import ExperimentReader

__all__ = ["CODES", "DIFFERENT", "FAILED", "IDENTICAL", "WITHIN", "Verdict", "judge"]

IDENTICAL = "IDENTICAL"
WITHIN = "WITHIN TOLERANCE"
DIFFERENT = "DIFFERENT"
FAILED = "FAILED"
CODES = {IDENTICAL: 0, WITHIN: 0, DIFFERENT: 4, FAILED: 1}

_TIMES = frozenset(
    [
        "time",
        "times",
        "timestamp",
        "date",
        "duration",
        "durations",
        "elapsed",
        "wall",
        "walltime",
        "wallclock",
        "runtime",
        "eta",
        "fps",
        "seconds",
        "second",
        "secs",
        "sec",
        "ms",
        "milliseconds",
        "minutes",
        "minute",
        "hours",
        "hour",
        "throughput",
    ]
)
_KEPT_DIFFERENCES = 100


class Verdict(NamedTuple):
    """What came out.

    Attributes:
        word: IDENTICAL, WITHIN TOLERANCE, DIFFERENT or FAILED.
        reason: why, in a sentence.
        differences: what differs, an object each: ``what``, ``old``, ``new``, and as far as they
            apply ``difference``, ``relative``, ``step`` (the first one at which curves part),
            ``largest``, ``largest-step``, ``within``.
        compared: how many summary values, curves and files were compared.
        left_out: names that are times or were to be ignored.
        tolerance: what was tolerated, in words; empty for nothing.
        notes: what else one should know, a sentence each.
    """

    word: str
    reason: str
    differences: list[dict[str, Any]]
    compared: dict[str, int]
    left_out: list[str]
    tolerance: str
    notes: list[str]

    def facts(self) -> dict[str, Any]:
        """What is recorded in the new experiment."""
        facts = {
            "verdict": self.word,
            "reason": self.reason,
            "differences": self.differences[:_KEPT_DIFFERENCES],
            "compared": self.compared,
            "left-out": self.left_out[:_KEPT_DIFFERENCES],
            "tolerance": self.tolerance,
            "notes": self.notes,
        }
        return {name: value for name, value in facts.items() if value}


class _Findings:
    """Differences as they are found."""

    def __init__(self, ignored: Sequence[str]) -> None:
        self.differences: list[dict[str, Any]] = []
        self.compared: dict[str, int] = {}
        self.left_out: list[str] = []
        self.notes: list[str] = []
        self._ignored = ignored

    def counts(self, kind: str, name: str, *, timed: bool = True) -> bool:
        """Whether something is compared; notes that it is, or that it is not."""
        is_time = timed and not _TIMES.isdisjoint(re.split(r"[\W_]+", name.lower()))
        if is_time or any(fnmatch.fnmatchcase(name, pattern) for pattern in self._ignored):
            self.left_out.append(clean(name))
            return False
        self.compared[kind] = self.compared.get(kind, 0) + 1
        return True


def judge(
    old: ExperimentReader,
    new: ExperimentReader,
    tolerance: Tolerance,
    ignored: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Verdict:
    """Compare a new experiment with the one that it repeats.

    An experiment that fails as the old one failed is compared like any other. Of one that did not
    end by itself (killed, lost, running), what it recorded is compared with as much of the new one.

    Args:
        old: the one that is repeated.
        new: the one that came out.
        tolerance: by how much numbers may differ.
        ignored: patterns of names and paths that do not count.
        notes: go into the verdict.
    """
    found = _Findings(ignored)
    found.notes += notes
    ends = [(each.status, each.status_message) for each in (old, new)]
    partly = old.status not in (_status.SUCCESS, _status.ERROR) and new.status == _status.SUCCESS
    if partly:
        found.notes.append(f"{clean(old.expid)} did not end by itself ({old.status})")
    elif ends[0] != ends[1]:
        how = " ".join(filter(None, ends[1]))
        was = " ".join(filter(None, ends[0]))
        word = DIFFERENT if new.status == _status.SUCCESS else FAILED
        reason = f"it ended with {how}, {clean(old.expid)} with {was}"
        if word == FAILED and old.status == _status.SUCCESS and not _is_outside(old):
            found.notes.append(
                f"{clean(old.expid)} was recorded to the end of its experiment only: the exit code "
                "of its program is not known, and may have been this one"
            )
        return Verdict(word, reason, [], {}, [], "", found.notes)
    _compare_summaries(old, new, tolerance, found, partly)
    _compare_curves(old, new, tolerance, found, partly)
    _compare_files(old, new, found, partly)
    if not found.compared:
        _compare_printed(old, new, found, partly)
    if partly and not found.compared:
        reason = f"it ended with {new.status}, and of {clean(old.expid)} nothing can be compared"
        return Verdict(DIFFERENT, reason, [], {}, found.left_out, "", found.notes)
    if tolerance.group:
        of = f", of {tolerance.versions} versions of the code" if tolerance.versions > 1 else ""
        found.notes.append(f"the spread is that of {', '.join(map(clean, tolerance.group))}{of}")
    return _verdict(found, tolerance)


def _verdict(found: _Findings, tolerance: Tolerance) -> Verdict:
    beyond = [each for each in found.differences if not each.get("within")]
    files = [each for each in beyond if each["what"].startswith("file ")]
    numbers = {"summary values", "curves"} & set(found.compared)
    counts = ", ".join(
        f"{count} {kind.removesuffix('s') if count == 1 else kind}"
        for kind, count in found.compared.items()
    )
    if not found.differences:
        are = "is" if sum(found.compared.values()) == 1 else "are"
        word, reason = IDENTICAL, f"{counts} {are} the same"
        what = "nothing else counts" if found.left_out else "recorded nothing else"
        if found.compared == {"output": 1}:
            reason = f"it printed the same, and {what}"
        elif not counts:
            reason = "it ended the same way, and recorded nothing that could be compared"
    elif tolerance.given and numbers and len(files) == len(beyond):
        values = (
            "no summary value and no last value of a metric" if tolerance.group else "no number"
        )
        word, reason = WITHIN, f"{values} differs by more than {tolerance.words}"
        if files:
            some = "one file differs" if len(files) == 1 else f"{len(files)} files differ"
            found.notes.append(f"{some}, of which no tolerance can tell")
    else:
        word = DIFFERENT
        whole = sum(found.compared.values())
        reason = f"{len(beyond)} of {whole} differ"
        if tolerance.given:
            reason += f" by more than {tolerance.words}"
    return Verdict(
        word,
        reason,
        sorted(found.differences, key=lambda each: bool(each.get("within"))),
        found.compared,
        list(dict.fromkeys(found.left_out)),
        tolerance.words if tolerance.given else "",
        found.notes,
    )


def _compare_summaries(
    old: ExperimentReader,
    new: ExperimentReader,
    tolerance: Tolerance,
    found: _Findings,
    partly: bool,
) -> None:
    before, after = flat(old.summary), flat(new.summary)
    for name in dict.fromkeys([*before, *after]):
        if (partly and name not in before) or not found.counts("summary values", name):
            continue
        missing = name not in before or name not in after
        values = before.get(name), after.get(name)
        if not missing and same(*values):
            continue
        facts = {"what": f"summary {clean(name)}", "old": values[0], "new": values[1]}
        if not missing:
            facts |= difference(*values)
            facts["within"] = close(*values, tolerance, ("summary", name))
        found.differences.append(facts)


def _compare_curves(
    old: ExperimentReader,
    new: ExperimentReader,
    tolerance: Tolerance,
    found: _Findings,
    partly: bool,
) -> None:
    for name in dict.fromkeys([*old.metrics, *new.metrics]):
        if (partly and name not in old.metrics) or not found.counts("curves", name):
            continue
        before, after = (Curve.read(reader, name) for reader in (old, new))
        if partly:
            after = after.cut(len(before.steps))
        facts = parted(before, after, tolerance, name)
        if facts is not None:
            found.differences.append({"what": f"metric {clean(name)}", **facts})


def _compare_files(
    old: ExperimentReader, new: ExperimentReader, found: _Findings, partly: bool
) -> None:
    before, after = output_files(old), output_files(new)
    for name in dict.fromkeys([*before, *after]):
        if (partly and name not in before) or not found.counts("files", name, timed=False):
            continue
        hashes = before.get(name), after.get(name)
        if hashes[0] is None or hashes[0] != hashes[1]:
            found.differences.append(
                {"what": f"file {clean(name)}", "old": hashes[0], "new": hashes[1]}
            )


def _is_outside(reader: ExperimentReader) -> bool:
    return any(session.get("outside") for session in reader.sessions[:1])


def _compare_printed(
    old: ExperimentReader, new: ExperimentReader, found: _Findings, partly: bool
) -> None:
    paths = [os.path.join(each.curexpdir, _folder.STDOUT) for each in (old, new)]
    line = printed(paths[0], paths[1], partly=partly)
    if line is not None or any(_is_filled(path) for path in paths[: 1 if partly else 2]):
        found.compared["output"] = 1
    if line is not None:
        number, texts = line
        found.differences.append(
            {"what": f"output, line {number}", "old": clean(texts[0]), "new": clean(texts[1])}
        )


def _is_filled(path: str) -> bool:
    try:
        return os.stat(path).st_size > 0
    except OSError:
        return False


def lines_of(verdict: Verdict, most: int = 10) -> Iterator[str]:
    """Tell a verdict in lines: the word first, then what differs."""
    yield f"{verdict.word}: {verdict.reason}"
    for each in verdict.differences[:most]:
        yield f"  {_told(each)}"
    if len(verdict.differences) > most:
        yield f"  ... and {len(verdict.differences) - most} more"
    if verdict.left_out:
        yield f"  not compared: {', '.join(verdict.left_out[:most])}"
    for note in verdict.notes:
        yield f"  note: {note}"


def _told(each: Mapping[str, Any]) -> str:
    what = each["what"]
    if what.startswith("file "):
        state = "other content"
        if each["old"] is None or each["new"] is None:
            state = "only the old one has it" if each["new"] is None else "only the new one has it"
        return f"{what}: {state}"
    place = f" parts at step {_short(each['step'])}" if "step" in each else ""
    text = f"{what}{place}: {_short(each.get('old'))} -> {_short(each.get('new'))}"
    if "largest" in each:
        text += f", at most {_short(each['largest'])} (step {_short(each['largest-step'])})"
    elif "difference" in each:
        text += f", by {_short(each['difference'])}"
    if "relative" in each:
        text += f", {_short(each['relative'])} relative"
    if "points" in each:
        text += f", {each['points'][0]} points -> {each['points'][1]}"
    return text + (" (tolerated)" if each.get("within") else "")


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return clean(text if len(text) < 80 else f"{text[:77]}...")
