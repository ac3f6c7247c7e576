"""Which of the commits that experiments ran are still there, and pinned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import _commits, _commits_submodules
from ..errors import GitError

__all__ = ["Code", "Finding", "Part"]


class Finding(NamedTuple):
    """Something that is not as it was recorded: which, of which experiments, how, and why."""

    what: str
    ids: list[str]
    state: str
    text: str


class Part(NamedTuple):
    """What was looked at, how much of it is whole, and what is not."""

    name: str
    total: int
    whole: int
    findings: list[Finding]
    notes: list[str]

    @property
    def percent(self) -> int | None:
        """Rounded down, so that 100 means all; None when nobody can tell, or nothing is there."""
        unknown = any(finding.state == "unknown" for finding in self.findings)
        return None if unknown or not self.total else self.whole * 100 // self.total

    def told(self) -> str:
        """The line of the overview."""
        things = {"code": "commits", "folders": "folders"}.get(self.name, "files")
        if not self.total:
            return f"no {things} recorded"
        if self.percent is None:
            things = things.removesuffix("s") if self.total == 1 else things
            return f"{self.total} {things}: {self.findings[0].text}"
        states: dict[str, int] = {}
        for finding in self.findings:
            # A commit is one thing, the files of several experiments are several.
            found = len(finding.ids) if things == "files" else 1
            states[finding.state] = states.get(finding.state, 0) + found
        counts = "".join(f", {count} {state}" for state, count in states.items())
        return f"{self.whole} of {self.total} {things} whole{counts}"

    def plain(self) -> dict[str, Any]:
        """For programs."""
        findings = [
            {"what": f.what, "experiments": f.ids, "state": f.state, "text": f.text}
            for f in self.findings
        ]
        return {
            "part": self.name,
            "total": self.total,
            "whole": self.whole,
            "percent": self.percent,
            "findings": findings,
            "notes": self.notes,
        }


class Code:
    """The commits of many experiments, for few calls of git."""

    def __init__(self) -> None:
        self._ids: dict[str, list[str]] = {}
        self._snapshots: dict[str, str] = {}  # to the commit that each was taken on
        self._inside: dict[str, dict[str, list[str]]] = {}  # path of a submodule to its commits
        self._without = 0

    def add(self, reader: Any) -> None:
        """Note what an experiment ran."""
        facts = reader.metadata.get("git")
        snapshot = facts.get("snapshot") if isinstance(facts, dict) else None
        commits = [str(sha) for sha in (reader.sha, snapshot) if sha]
        for sha in commits:
            self._ids.setdefault(sha, []).append(reader.expid)
        if len(commits) == 2:
            self._snapshots[commits[1]] = commits[0]
        self._without += not commits
        entries = facts.get("submodules") if isinstance(facts, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            it = entry if isinstance(entry, dict) else {}
            path, commit = it.get("path"), it.get("sha")
            if isinstance(path, str) and _commits.is_sha(commit) and "absent" not in it:
                ids = self._inside.setdefault(path, {}).setdefault(str(commit), [])
                ids.append(reader.expid)

    def part(self, directories: Sequence[str]) -> tuple[Part, list[str]]:
        """Ask the repository; gives the part, and the commits that need a pin."""
        notes = []
        if self._without:
            have = "experiment has" if self._without == 1 else "experiments have"
            notes.append(f"{self._without} {have} no commit")
        if not self._ids:
            return Part("code", 0, 0, [], notes), []
        try:
            root = _commits.find(*directories)
            known = _commits.known(root, self._ids)
            inside, total = self._submodules(root, notes)
        except GitError as error:
            ids = list(dict.fromkeys(expid for ids in self._ids.values() for expid in ids))
            text = f"git cannot tell: {error}"
            return Part("code", len(self._ids), 0, [Finding("", ids, "unknown", text)], notes), []
        findings, kept = inside, set(known.pinned)
        kept |= {base for sha, base in self._snapshots.items() if sha in kept & known.trees.keys()}
        unpinned = []
        for sha, ids in self._ids.items():
            kind = "snapshot" if sha in self._snapshots else ""
            if not _commits.is_sha(sha):
                findings.append(Finding(sha[:40], ids, "malformed", "not the id of a commit"))
            elif sha not in known.trees:
                findings.append(Finding(sha[:12], ids, "lost", kind))
            elif sha not in kept:
                unpinned.append(sha)
                findings.append(Finding(sha[:12], ids, "unpinned", kind))
        findings.sort(key=lambda finding: finding.state)
        total += len(self._ids)
        whole = total - (len(findings) - len(unpinned))
        # A snapshot keeps the commit that it was taken on.
        pins = [sha for sha in unpinned if sha not in self._bases(unpinned)]
        return Part("code", total, whole, findings, notes), pins

    def _submodules(self, root: str, notes: list[str]) -> tuple[list[Finding], int]:
        """The commits of submodules that are lost, and how many were looked for."""
        findings, total = [], 0
        for path, commits in self._inside.items():
            lost = _commits_submodules.lost(root, path, commits)
            if lost is None:
                notes.append(f"the submodule {path} is not here, and was not looked at")
                continue
            total += len(commits)
            findings += [
                Finding(sha[:12], commits[sha], "lost", f"submodule {path}") for sha in sorted(lost)
            ]
        return findings, total

    def _bases(self, shas: Sequence[str]) -> set[str]:
        return {self._snapshots[sha] for sha in shas if sha in self._snapshots}
