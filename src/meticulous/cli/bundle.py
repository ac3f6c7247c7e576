"""``meticulous bundle``: experiments and their code in one file, for somebody else."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from .. import _bundle, _commits, _commits_ancestry, _commits_bundle, _experiment_outside
from .._table import clean
from ..errors import SettingError
from ..experiments import Experiments
from . import _output, _store
from ._show_page import size_text

__all__ = ["run"]

_EXAMPLES = """\
For a colleague, a paper's appendix, or the way back from a node that may not push. The file is a
plain tar with the experiments' folders, a git bundle of the commits that hold their code, and a
manifest with the hash of every file. 'meticulous import' takes it in and checks all of it.

The code is there with all that leads to it, so that also a repository that never saw it can take
it. With --since REF what leads to REF is left out: whoever imports it must have that. Snapshots of
code that was not committed are in it, and so are files that they hold. Code of submodules and of
other repositories is not. Links and special files are left out, and said.

With --json, {"bundle": {"path", "bytes", "experiments", "files", "commits", "missing",
"left_out"}}.

examples:
  meticulous bundle 3-7,9 -o paper.tar
  meticulous bundle best:summary.acc -o best.tar --no-code
  meticulous bundle last -o last.tar --since origin/main
  tar tvf paper.tar
"""
_FEW = 10


def run(argv: Sequence[str]) -> int:
    """Write a bundle; see ``meticulous bundle --help``."""
    parser = _output.Parser(
        "bundle",
        "Write experiments, and the commits that hold their code, into one file.",
        _EXAMPLES,
        "meticulous bundle ID [ID ...] -o FILE [options]",
    )
    _store.add_ids(parser, "+", questions=False)
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the new file, x.tar")
    parser.add_argument("--no-code", action="store_true", help="the folders alone")
    parser.add_argument("--since", default="", metavar="REF", help="leave out what leads to it")
    parser.add_argument("--json", action="store_true", help="what was done, for programs")
    _store.add_store(parser)
    options = parser.parse_args(argv)
    store = _store.open_store(options)
    ids = _store.chosen(store, options.ids)
    if not ids:
        raise SettingError("There is no experiment to take along.")
    path = os.path.abspath(options.output)
    if not os.path.isdir(os.path.dirname(path)):
        text = f"There is no directory {os.path.dirname(path)} to write {options.output} into."
        raise SettingError(text, name="output", value=options.output)
    metadata = {expid: store[expid].metadata for expid in ids}
    commits = {expid: _bundle.commits_of(facts) for expid, facts in metadata.items()}
    half = f"{path}.code.{os.getpid()}~"
    with _experiment_outside.unwinding():
        try:
            code = _bundle.Code()
            if not options.no_code and any(commits.values()):
                code = _code(options, store, commits, half)
            from .. import __version__

            folders = {expid: os.path.abspath(store[expid].curexpdir) for expid in ids}
            manifest = _bundle.write(path, folders, commits, code, __version__, _output.progress)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(half)
    if options.json:
        _output.print_json("bundle", _plain(path, manifest))
    else:
        notes = [] if options.no_code else _notes(commits, metadata, manifest["code"])
        running = [expid for expid in ids if store[expid].status in ("RUNNING", "SILENT")]
        if running:
            notes.append(f"still running, taken as far as it was: {', '.join(running)}")
        _output.write(_text(path, manifest, notes))
    return 0


def _code(
    options: Any, store: Experiments, commits: Mapping[str, Sequence[str]], path: str
) -> _bundle.Code:
    """Write the commits that the repository still has into a file beside the bundle."""
    root = _commits.find(
        options.project_directory, os.path.dirname(store.experiments_directory), os.getcwd()
    )
    wanted = list(dict.fromkeys(sha for shas in commits.values() for sha in shas))
    there = _commits.known(root, wanted).trees
    missing = [sha for sha in wanted if sha not in there]
    found = [sha for sha in wanted if sha in there]
    since = ""
    taken = found
    if options.since:
        since = _commits_ancestry.resolve(root, options.since)
        if not since:
            text = f"There is no commit {options.since!r} in {root}."
            raise SettingError(text, name="since", value=options.since)
        taken = _commits_ancestry.beyond(root, found, since)
    if taken:
        _commits_bundle.write(root, path, taken, since)
    assumed = [sha for sha in found if sha not in set(taken)]
    return _bundle.Code(path if taken else "", taken, since, assumed, missing)


def _notes(
    commits: Mapping[str, Sequence[str]],
    metadata: Mapping[str, Mapping[str, Any]],
    code: Mapping[str, Any],
) -> list[str]:
    notes = []
    missing = set(code["missing"])
    lost = [expid for expid, shas in commits.items() if missing & set(shas)]
    if lost:
        few = ", ".join(sha[:10] for sha in code["missing"][:_FEW])
        notes.append(f"the repository no longer has the code of {', '.join(lost)}: {few}")
    without = [expid for expid, shas in commits.items() if not shas]
    if without:
        notes.append(f"no commit is recorded for {', '.join(without)}")
    facts = [facts.get("git") for facts in metadata.values()]
    more = [it for it in facts if isinstance(it, dict)]
    if any(it.get("submodules") or it.get("siblings") for it in more):
        notes.append("code of submodules and of other repositories is not in it")
    if code["assumed"]:
        count = len(code["assumed"])
        lead = "commit leads to --since and is" if count == 1 else "commits lead to --since and are"
        notes.append(f"{count} {lead} not in it")
    return notes


def _plain(path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "path": path,
        "bytes": os.path.getsize(path),
        "experiments": [one["id"] for one in manifest["experiments"]],
        "files": len(manifest["members"]),
        "commits": manifest["code"]["commits"],
        "missing": manifest["code"]["missing"],
        "left_out": manifest["left-out"],
    }


def _text(path: str, manifest: Mapping[str, Any], notes: Sequence[str]) -> str:
    count, code = len(manifest["experiments"]), manifest["code"]
    lines = [
        f"{path}: {count} experiment{'' if count == 1 else 's'}, "
        f"{len(manifest['members'])} files, {size_text(os.path.getsize(path))}"
    ]
    if code["commits"]:
        plural = "" if len(code["commits"]) == 1 else "s"
        since = f" since {code['since'][:10]}" if code["since"] else ""
        lines.append(f"with the code: {len(code['commits'])} commit{plural}{since}")
    else:
        lines.append("without any code")
    lines += [f"note: {note}" for note in notes]
    left_out = manifest["left-out"]
    lines += [f"left out: {entry['name']} ({entry['reason']})" for entry in left_out[:_FEW]]
    if len(left_out) > _FEW:
        lines.append(f"left out: {len(left_out) - _FEW} more; the manifest in it lists all")
    return "".join(f"{clean(line)}\n" for line in lines)
