"""The code that experiments ran: compared by git, without it by what the record holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from . import _commits
from ._compare_files import recorded_patch
from ._table import MISSING
from .errors import GitError

__all__ = ["code", "count"]

_SHORT = 10

Pair = dict[str, Any]


class _Ran(NamedTuple):
    """The code of one experiment, as recorded: `sha` is HEAD, `effective` what ran."""

    expid: str
    folder: str
    sha: str | None
    effective: str | None
    facts: Mapping[str, Any]

    @property
    def unkept(self) -> list[str]:
        """The files that differed from the commit, and were not recorded."""
        if self.effective != self.sha:  # a snapshot holds all but what is inside of submodules
            return [path for path, reason in self._listed("skipped") if "submodule" in reason]
        if not self.facts.get("dirty"):
            return []
        return [path for path, _ in self._listed("changes")] or ["files that are not named"]

    def _listed(self, name: str) -> list[tuple[str, str]]:
        entries = self.facts.get(name)
        return [
            (str(entry["path"]), str(entry.get("reason")))
            for entry in (entries if isinstance(entries, list) else [])
            if isinstance(entry, Mapping) and "path" in entry
        ]


def code(
    readers: Sequence[Any], directories: Sequence[str], patch: bool
) -> tuple[list[tuple[str, list[Any]]], list[Pair], list[str]]:
    """Compare what the first experiment ran with what each other one ran.

    Returns:
        Names with their values (commits of other repositories); a pair for each other experiment;
        and what must be said besides. A pair has ``from``, ``to`` (ids), ``same`` (None when
        nobody can tell), ``problem`` (why not, empty text for none), ``commits`` (``added`` and
        ``removed``: lists of ``[sha, subject]``; ``more``) or None, ``files`` (``path``, ``old``,
        ``added``, ``removed``, ``by``: ids of those that changed it, where only the recorded
        changes could be compared), ``patch`` (text, None when it was not asked for) and ``whole``
        (whether the text is all of it).
    """
    ran = [_ran(reader) for reader in readers]
    effective = {each.effective for each in ran}
    root, trees, problem = "", {}, ""
    if len(effective) > 1:
        wanted = [sha for each in ran for sha in (each.sha, each.effective) if sha]
        try:
            root = _commits.find(*directories)
            trees = _commits.known(root, wanted).trees
        except GitError as error:
            problem = f"git cannot tell: {error.message.rstrip('.')}"
    looked = _Looked(root, trees, problem)
    pairs = [_pair(ran[0], other, looked, patch) for other in ran[1:]]
    notes = [
        f"{each.expid} ran with changes that were not recorded: {', '.join(each.unkept[:5])}"
        + (f" and {len(each.unkept) - 5} more" if len(each.unkept) > 5 else "")
        for each in ran
        if each.unkept
    ]
    return _others(ran), pairs, notes


def count(pairs: Iterable[Pair]) -> str:
    """How much of the code differs, in words; empty for nothing."""
    pairs = list(pairs)
    files = len({file["path"] for pair in pairs for file in pair["files"]})
    told = [f"{files} file{'' if files == 1 else 's'}"] if files else []
    if any(pair["same"] is None for pair in pairs):
        told.append("the rest cannot be told" if files else "cannot be told")
    elif not files and any(pair["commits"] for pair in pairs):
        told.append("another commit with the same files")
    return ", ".join(told)


class _Looked(NamedTuple):
    """The repository, which commits it has, and why not when it could not be asked."""

    root: str
    trees: Mapping[str, str]
    problem: str


def _ran(reader: Any) -> _Ran:
    facts = reader.metadata.get("git")
    facts = facts if isinstance(facts, Mapping) else {}
    snapshot = facts.get("snapshot")
    effective = snapshot if _commits.is_sha(snapshot) else reader.sha
    return _Ran(reader.expid, reader.curexpdir, reader.sha, effective, facts)


def _pair(first: _Ran, second: _Ran, looked: _Looked, patch: bool) -> Pair:
    pair: Pair = {
        "from": first.expid,
        "to": second.expid,
        "same": None,
        "problem": "",
        "commits": None,
        "files": [],
        "patch": None,
        "whole": True,
    }
    absent = [each.expid for each in (first, second) if not each.effective]
    one, other = first.effective, second.effective
    if absent:
        pair["problem"] = f"no commit is recorded of {' and '.join(absent)}"
    elif one == other:
        pair["same"] = None if first.unkept or second.unkept else True
        pair["patch"] = "" if patch else None
    elif one in looked.trees and other in looked.trees:
        try:
            _ask(pair, first, second, looked, patch)
        except GitError as error:
            pair["problem"] = f"git cannot tell: {error.message.rstrip('.')}"
    else:
        pair["problem"] = looked.problem or _lost(first, second, looked)
    if pair["problem"] and not absent and first.sha == second.sha:
        _by_patches(pair, first, second, patch)
    return pair


def _ask(pair: Pair, first: _Ran, second: _Ran, looked: _Looked, patch: bool) -> None:
    one, other = str(first.effective), str(second.effective)
    if first.sha != second.sha and first.sha in looked.trees and second.sha in looked.trees:
        between = _commits.between(looked.root, str(first.sha), str(second.sha))
        pair["commits"] = {
            "added": between.added,
            "removed": between.removed,
            "more": between.more,
        }
    files = []
    if looked.trees[one] != looked.trees[other]:
        files = _commits.changes(looked.root, one, other)
    pair["files"] = [{**change._asdict(), "by": []} for change in files]
    if patch:
        pair["patch"], pair["whole"] = _commits.patch(looked.root, one, other, files)
    same = not files
    pair["same"] = None if same and (first.unkept or second.unkept) else same


def _lost(first: _Ran, second: _Ran, looked: _Looked) -> str:
    lost = [
        f"{str(each.effective)[:_SHORT]} of {each.expid}"
        for each in (first, second)
        if each.effective not in looked.trees
    ]
    are = "commits {} no longer resolve" if len(lost) > 1 else "commit {} no longer resolves"
    return are.format(" and ".join(lost)) + f" in {looked.root}"


def _by_patches(pair: Pair, first: _Ran, second: _Ran, patch: bool) -> None:
    """Compare what either has changed since the commit that both have."""
    texts = []
    for each in (first, second):
        text, problem = recorded_patch(each.folder)
        if problem or (text is None and each.effective != each.sha):
            pair["problem"] += f"; {problem or f'{each.expid} has no recorded changes either'}"
            return
        texts.append(_by_file(text or ""))
    one, other = texts
    for path in sorted(one.keys() | other.keys()):
        if one.get(path) != other.get(path):
            by = [e.expid for e, text in zip((first, second), texts, strict=True) if path in text]
            pair["files"].append(
                {"path": path, "old": "", "added": None, "removed": None, "by": by}
            )
    pair["problem"] += "; compared by the changes that are recorded"
    same = not pair["files"]
    pair["same"] = None if same and (first.unkept or second.unkept) else same
    if patch:
        pair["patch"] = "".join(
            f"# what {each.expid} changed since {str(each.sha)[:_SHORT]}\n"
            + "".join(text[file["path"]] for file in pair["files"] if file["path"] in text)
            for each, text in zip((first, second), texts, strict=True)
        )


def _by_file(patch: str) -> dict[str, str]:
    """Cut a patch into the parts of its files."""
    found: dict[str, list[str]] = {}
    part: list[str] = []
    for line in patch.splitlines(keepends=True):
        if line.startswith("diff --git "):
            name = line[len("diff --git ") :].strip()
            # "a/NAME b/NAME": of a renamed file the whole line stands for it.
            half = name[2 : len(name) // 2]
            name = half if name == f"a/{half} b/{half}" else name
            part = found.setdefault(name, [])
        part.append(line)
    return {name: "".join(lines) for name, lines in found.items()}


def _others(ran: Sequence[_Ran]) -> list[tuple[str, list[Any]]]:
    """The commits of submodules and of other repositories that code came from."""
    found: dict[str, list[Any]] = {}
    for number, each in enumerate(ran):
        for kind, name in (("submodules", "path"), ("siblings", "name")):
            entries = each.facts.get(kind)
            for entry in entries if isinstance(entries, list) else []:
                if isinstance(entry, Mapping) and name in entry:
                    title = f"{kind.removesuffix('s')} {entry[name]}"
                    values = found.setdefault(title, [MISSING] * len(ran))
                    values[number] = _commit_of(entry)
    return list(found.items())


def _commit_of(entry: Mapping[str, Any]) -> str:
    marks = [mark for mark in ("dirty", "absent") if entry.get(mark)]
    return " ".join([str(entry.get("sha"))[:_SHORT], *marks])
