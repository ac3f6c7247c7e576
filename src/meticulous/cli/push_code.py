"""``meticulous push-code``: push the commits that experiments ran to a git remote."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .. import _bundle, _commits, _commits_bundle, _table
from ..errors import SettingError, StorageError
from ..experiments import Experiments
from . import _output, _store

__all__ = ["run"]

_EXAMPLES = """\
Recorded commits are kept by refs under refs/meticulous/ of your repository, where a rebase cannot
lose them. This is the only command that talks to a remote, and it does so only when you call it:
it uses your own git, its configuration and passwords. Nothing is forced, no branch or tag is
pushed, and no hook runs. Snapshots hold what was not committed then: look before you push to a
place that others can read.

Without ids all commits under refs/meticulous/ are pushed, otherwise those of the experiments. The
first word is the remote if there is one of that name, or if it is an address; otherwise it is that
of the branch, or origin. 'meticulous checkout --fetch' gets commits from there.

With --json, {"push": {"remote", "url", "done", "commits", "missing"}}; of each commit: commit,
experiments, state (there, pushed, to push).

examples:
  meticulous push-code --dry-run
  meticulous push-code
  meticulous push-code backup 3-7,9
"""
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://.*|[\w.-]+@[\w.-]+:.*|.*\.git/?", re.DOTALL)
_LISTED = 40


def run(argv: Sequence[str]) -> int:
    """Push commits; see ``meticulous push-code --help``."""
    parser = _output.Parser(
        "push-code",
        "Push the commits that experiments ran, and nothing else, to a git remote.",
        _EXAMPLES,
        "meticulous push-code [REMOTE] [ID ...] [options]",
    )
    parser.add_argument("words", nargs="*", metavar="REMOTE|ID", help=_store.IDS)
    parser.add_argument("--dry-run", action="store_true", help="say what would be pushed")
    parser.add_argument("--json", action="store_true", help="what was done, for programs")
    _store.add_store(parser)
    options = parser.parse_args(argv)
    options.ids = list(options.words)
    address = ""
    if options.ids and _ADDRESS.fullmatch(options.ids[0]):
        address = options.ids.pop(0)
    store, around = _opened(options)
    root = _commits.find(options.project_directory, around, os.getcwd())
    remotes = _commits_bundle.remotes(root)
    remote = address or _remote(options, root, remotes)
    if remote.startswith("-"):
        raise SettingError(f"{remote!r} is no remote.", value=remote)
    try:
        experiments = _experiments(store, options.ids)
    except SettingError as error:  # the word may be a remote that is misspelled
        hint = f"{error.hint} The remotes are: {', '.join(remotes) or 'none'}.".strip()
        raise SettingError(error.message, hint, value=error.value) from None
    known = _commits.known(root, experiments)
    wanted = list(experiments) if options.ids else sorted(known.pinned)
    missing = [sha for sha in wanted if sha not in known.trees and options.ids]
    there = _commits_bundle.on_remote(root, remote)
    new = [sha for sha in wanted if sha not in there and sha not in missing]
    url = remotes.get(remote, "")
    if not options.json:
        place = f"{remote} ({url})" if url else remote
        _output.write(_text(place, new, there.intersection(wanted), missing, experiments))
    if new and not options.dry_run:
        _commits_bundle.push(root, remote, new)
        if not options.json:
            _output.write("pushed\n")
    if options.json:
        state = "to push" if options.dry_run else "pushed"
        commits = [
            {
                "commit": sha,
                "experiments": experiments.get(sha, []),
                "state": state if sha in new else "there",
            }
            for sha in wanted
            if sha not in missing
        ]
        answer = {"remote": remote, "url": url, "done": not options.dry_run}
        _output.print_json("push", {**answer, "commits": commits, "missing": missing})
    return 0


def _opened(options: Any) -> tuple[Experiments | None, str]:
    """The experiments, if there are any, and where they are."""
    try:
        store = _store.open_store(options)
    except StorageError:
        if options.ids[1:] or options.experiments_directory:
            raise
        return None, ""
    return store, os.path.dirname(store.experiments_directory)


def _remote(options: Any, root: str, remotes: Mapping[str, str]) -> str:
    """The remote that is meant, which is taken off the ids.

    Raises:
        SettingError: there is none.
    """
    if options.ids and options.ids[0] in remotes:
        named: str = options.ids.pop(0)
        return named
    if not remotes:
        text = f"{root} has no remote."
        raise SettingError(text, "Add one with 'git remote add', or give its address.")
    return next(iter(remotes))


def _experiments(store: Experiments | None, words: Sequence[str]) -> dict[str, list[str]]:
    """The commits of experiments, to their ids.

    Raises:
        SettingError: a word means nothing, or there are no experiments.
    """
    if store is None:
        if words:
            raise SettingError(f"{words[0]!r} is no remote, and there are no experiments here.")
        return {}
    ids = set(_store.chosen(store, words)) if words else set(store)
    found: dict[str, list[str]] = {}
    for row in store.lazy_rows():
        if row["expid"] in ids:
            for sha in _bundle.commits_of(row["metadata"]):
                found.setdefault(sha, []).append(row["expid"])
    return found


def _text(
    place: str,
    new: Sequence[str],
    there: frozenset[str],
    missing: Sequence[str],
    experiments: Mapping[str, Sequence[str]],
) -> str:
    lines = [f"{place}: {_commits_text(len(new))} to push, {len(there)} there already"]
    for sha in new[:_LISTED]:
        ids = experiments.get(sha, ())
        more = ", ..." if len(ids) > 5 else ""
        of = f"  experiment {', '.join(ids[:5])}{more}" if ids else ""
        lines.append(f"  {sha[:12]}{of}")
    if len(new) > _LISTED:
        lines.append(f"  ... and {len(new) - _LISTED} more")
    lines += [f"  {sha[:12]}  is not in the repository" for sha in missing[:_LISTED]]
    return "".join(f"{_table.clean(line)}\n" for line in lines)


def _commits_text(count: int) -> str:
    return f"{count} commit{'' if count == 1 else 's'}"
