"""The code of one experiment: which commit, and how it differs from its base or from today's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .. import _commits, _compare_code
from .._compare_files import recorded_patch
from ..errors import GitError
from ..experiments import ExperimentReader

__all__ = ["code", "directories"]


def directories(store: str) -> list[str]:
    """Where the repository with the code may be, the likeliest first."""
    return [os.path.dirname(os.path.abspath(store)), os.getcwd()]


def code(reader: ExperimentReader, against: str, places: list[str]) -> dict[str, Any]:
    """Tell which code ran, and how it differs.

    Args:
        reader: of the experiment.
        against: ``base``: what ran, against the commit below it; ``head``: what is checked out
            now, against what ran.
        places: where the repository may be.
    """
    facts = reader.metadata.get("git")
    facts = facts if isinstance(facts, Mapping) else {}
    snapshot = facts.get("snapshot")
    ran = snapshot if _commits.is_sha(snapshot) else reader.sha
    answer: dict[str, Any] = {
        "commit": ran,
        "base": reader.sha,
        "head": None,
        "message": reader.metadata.get("githead-message"),
        "branch": facts.get("branch"),
        "remote": facts.get("remote"),
        "dirty": facts.get("dirty"),
        "against": against,
        "files": [],
        "commits": [],
        "more": False,
        "whole": True,
        "note": "",
    }
    if not _commits.is_sha(ran):
        return answer | {"note": "No commit is recorded."}
    try:
        if against == "head":
            _against_head(answer, str(ran), places)
        elif ran == reader.sha:
            answer["note"] = _unkept(facts)
        else:
            _changes(answer, _commits.find(*places), str(reader.sha), str(ran))
    except GitError as error:
        answer["note"] = str(error)
        if against == "base":
            _from_record(answer, reader)
    return answer


def _unkept(facts: Mapping[str, Any]) -> str:
    if facts.get("dirty"):
        return "The code differed from the commit, and what differed was not kept."
    return "It ran as committed."


def _against_head(answer: dict[str, Any], ran: str, places: list[str]) -> None:
    root = _commits.find(*places)
    answer["head"] = head = _commits.head(root)
    if ran not in _commits.known(root, [ran]).trees:
        raise GitError(f"The commit {ran[:10]} is no longer in {root}.")
    if head == ran:
        answer["note"] = "It is what is checked out now."
        return
    between = _commits.between(root, ran, head)
    answer["commits"] = [
        *({"sha": sha, "subject": subject, "side": "now"} for sha, subject in between.added),
        *({"sha": sha, "subject": subject, "side": "then"} for sha, subject in between.removed),
    ]
    answer["more"] = between.more
    _changes(answer, root, ran, head)


def _changes(answer: dict[str, Any], root: str, first: str, second: str) -> None:
    if {first, second} - _commits.known(root, [first, second]).trees.keys():
        raise GitError(f"The commit {second[:10]} is no longer in {root}.")
    changes = _commits.changes(root, first, second)
    text, answer["whole"] = _commits.patch(root, first, second, changes)
    parts = _compare_code._by_file(text)
    for change in changes:
        patch = parts.get(change.path)
        if patch is None and change.old:
            head = f"a/{change.old} b/{change.path}"
            patch = parts.get(head)
        status = _status(patch or "", bool(change.old))
        answer["files"].append({**change._asdict(), "status": status, "patch": patch})


def _status(patch: str, renamed: bool) -> str:
    for line in patch.split("\n", 6)[:6]:
        if line.startswith("new file"):
            return "added"
        if line.startswith("deleted file"):
            return "deleted"
    return "renamed" if renamed else "modified"


def _from_record(answer: dict[str, Any], reader: ExperimentReader) -> None:
    """Where git cannot tell, what the record itself has kept of the changes."""
    text, problem = recorded_patch(reader.curexpdir)
    if text is None:
        answer["note"] += f" {problem}" if problem else ""
        return
    answer["note"] += " These are the changes that the record has kept."
    for path, patch in _compare_code._by_file(text[: _commits.MAX_PATCH]).items():
        lines = patch.split("\n")
        added = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
        removed = sum(line.startswith("-") and not line.startswith("---") for line in lines)
        status = _status(patch, False)
        file = {"path": path, "old": "", "added": added, "removed": removed}
        answer["files"].append({**file, "status": status, "patch": patch})
