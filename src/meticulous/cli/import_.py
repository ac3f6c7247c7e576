"""``meticulous import``: take in the experiments and the code of a bundle."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import Any

from .. import (
    _bundle,
    _bundle_import,
    _bundle_tar,
    _commits,
    _commits_bundle,
    _experiment_where,
    _folder,
    _settings,
    _table,
)
from ..errors import GitError, SettingError
from ..experiments import Experiments
from . import _output, _store

__all__ = ["run"]

_EXAMPLES = """\
Nothing is trusted: every file is checked against the bundle's own list before anything appears
among the experiments, and a bundle that holds links, devices, paths that lead elsewhere, or more
than it says is refused as a whole. Commits arrive only under refs/meticulous/, every object
checked; branches, tags and the work tree stay as they are.

An experiment keeps its id when no other one has it, here or in the trash; otherwise it gets the
next number. annotations.json says where it came from; nothing else in it changes. What is here
already is passed over, so that it may be done again, also after an interruption.

With --json, {"import": {"experiments", "commits", "lacking", "done"}}; of each experiment: id (in
the bundle), expid (here, null when not known yet), state (imported, here).

examples:
  meticulous import paper.tar --dry-run
  meticulous import paper.tar
  meticulous import paper.tar --map --no-code --experiments-directory reviewed
"""


def run(argv: Sequence[str]) -> int:
    """Import a bundle; see ``meticulous import --help``."""
    options = _parser().parse_args(argv)
    directory = options.experiments_directory or "experiments"
    _, root = _experiment_where.locate(options.project_directory, directory)
    with _bundle_tar.opened(options.bundle) as file:
        bundle = _bundle_import.read(file, options.bundle, options.max_size)
        plan = _plan(options, bundle, root)
        repository = "" if options.no_code else _repository(options, root, bundle)
        commits = _commits.known(repository, bundle.commits).trees if repository else {}
        lacking = [sha for sha in bundle.commits if sha not in commits]
        ids = {expid: here for expid, (_, here) in plan.items()}
        if options.dry_run or not (_new(plan) or (lacking and repository)):
            _bundle_import.unpack(file, bundle, "", (), _output.progress)  # it is only checked
        else:
            _folder.prepare_root(root)
            with _bundle_import.staging(root, bundle) as folder:
                # Again, since from here on no other process imports it.
                plan = _plan(options, bundle, root)
                _bundle_import.unpack(file, bundle, folder, _new(plan), _output.progress)
                if repository and _bundle.CODE in bundle.members:
                    code = os.path.join(folder, _bundle.CODE)
                    lacking = _commits_bundle.read(repository, code, bundle.commits)
                ids = _placed(options, bundle, root, folder, plan)
    new = _new(plan)
    rows = [(expid, ids[expid], "imported" if expid in new else "here") for expid in plan]
    _tell(options, bundle, root, rows, lacking if repository or options.no_code else [])
    return 0


_Plan = dict[str, tuple[str, str]]


def _plan(options: Any, bundle: _bundle_import.Bundle, root: str) -> _Plan:
    """What becomes of each experiment; see `_bundle_import.planned`.

    Raises:
        SettingError: it should keep its id, and cannot.
    """
    plan = _bundle_import.planned(bundle, root, _known(root), new_numbers=options.map)
    taken = [expid for expid, (what, _) in plan.items() if what == "map"]
    if taken and options.keep_ids:
        raise SettingError(
            f"There are experiments {', '.join(taken[:5])} in {root} already.",
            "Leave --keep-ids out: those that are taken get new numbers.",
        )
    return plan


def _new(plan: _Plan) -> list[str]:
    return [expid for expid, (what, _) in plan.items() if what != "here"]


def _parser() -> _output.Parser:
    parser = _output.Parser(
        "import",
        "Take in the experiments of a bundle, and the commits that hold their code.",
        _EXAMPLES,
        "meticulous import FILE [options]",
    )
    parser.add_argument("bundle", metavar="FILE", help="what 'meticulous bundle' has written")
    ids = parser.add_mutually_exclusive_group()
    ids.add_argument("--map", action="store_true", help="give all of them new numbers")
    ids.add_argument("--keep-ids", action="store_true", help="fail where an id is taken")
    parser.add_argument("--no-code", action="store_true", help="the folders alone")
    parser.add_argument("--dry-run", action="store_true", help="check it and say what would be")
    parser.add_argument(
        "--max-size",
        type=_size,
        default=100 << 30,
        metavar="SIZE",
        help='the most that it may hold, such as "20 GB" (default: 100 GB)',
    )
    parser.add_argument("--json", action="store_true", help="what was done, for programs")
    _store.add_store(parser)
    return parser


def _size(text: str) -> int:
    read = next(setting.read for setting in _settings.TABLE if setting.name == "hash_limit")
    try:
        size: int = read(text)
    except (ValueError, KeyError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 20 GB") from None
    return size


def _known(root: str) -> dict[str, str]:
    """What tells experiments that are here, to their ids; see `_bundle_import.planned`."""
    if not os.path.isdir(root):
        return {}
    store = Experiments("", root)
    known: dict[str, str] = {}
    for row in _output.progress(store.lazy_rows(), "reading"):
        mark = _bundle.fingerprint(row["metadata"], row["args"])
        origin = row["annotations"].get("imported")
        if not mark and isinstance(origin, Mapping):
            mark = f"{origin.get('sha256')}/{origin.get('id')}"
        if mark:
            known.setdefault(mark, row["expid"])
    store.remember()
    return known


def _repository(options: Any, root: str, bundle: _bundle_import.Bundle) -> str:
    """The repository that takes the code; empty when there is none to take.

    Raises:
        GitError: there is no repository.
    """
    if not bundle.commits:
        return ""
    try:
        return _commits.find(options.project_directory, os.path.dirname(root), os.getcwd())
    except GitError as error:
        hint = "Import it into the project's repository, or the folders alone: --no-code."
        raise GitError(error.message, hint, reason=error.reason) from None


def _placed(
    options: Any, bundle: _bundle_import.Bundle, root: str, folder: str, plan: _Plan
) -> dict[str, str]:
    """Put the unpacked experiments into their places; gives the ids here for those in the bundle.

    The code came before, which harms nobody if this is interrupted.
    """
    ids = {expid: here for expid, (_, here) in plan.items()}
    # Those that keep their ids first, so that none of them is given to another one.
    for one in sorted(bundle.experiments, key=lambda one: plan[one.expid][0] != "keep"):
        if plan[one.expid][0] != "here":
            ids[one.expid] = _bundle_import.place(
                root, folder, one, ids[one.expid], bundle, strict=options.keep_ids
            )
    return ids


def _tell(
    options: Any,
    bundle: _bundle_import.Bundle,
    root: str,
    rows: Sequence[tuple[str, str, str]],
    lacking: Sequence[str],
) -> None:
    if options.json:
        experiments = [
            {"id": expid, "expid": here or None, "state": state} for expid, here, state in rows
        ]
        answer = {
            "experiments": experiments,
            "commits": bundle.commits,
            "lacking": list(lacking),
            "done": not options.dry_run,
        }
        _output.print_json("import", answer)
        return
    new = sum(state == "imported" for _, _, state in rows)
    would = "would be " if options.dry_run else ""
    columns = [
        _table.Column("in the bundle", [expid for expid, _, _ in rows], keep=1),
        _table.Column("here", [here or "(next number)" for _, here, _ in rows], keep=0),
        _table.Column("", [_state(options, state) for _, _, state in rows], keep=0),
    ]
    place = _table.clean(root)
    _output.print_table(f"{new} of {len(rows)} {would}imported into {place}", columns)
    lines = []
    if options.no_code and bundle.commits:
        lines.append("the code was left out (--no-code)")
    elif options.dry_run and lacking:
        lines.append(f"{len(lacking)} of {len(bundle.commits)} commits are not here yet")
    elif lacking:
        without = _bundle_import.commits_lacking(bundle, lacking)
        lines.append(f"neither it nor the repository has the code of {', '.join(without)}")
    if lines:
        _output.write("\n" + "".join(f"note: {_table.clean(line)}\n" for line in lines))


def _state(options: Any, state: str) -> str:
    if state == "here":
        return "already here"
    return "would be imported" if options.dry_run else "imported"
