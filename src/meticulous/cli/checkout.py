"""``meticulous checkout``: exactly the code that an experiment ran, in a directory of its own."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from .. import _experiment_outside, reproduce
from .._table import clean
from . import _output, _store

__all__ = ["run"]

_USAGE = "meticulous checkout [options] ID [DIRECTORY]"
_DESCRIPTION = (
    "Write exactly the code that an experiment ran into a new directory: its commit, or its "
    "snapshot if there were changes, and its submodules at their recorded commits, from the "
    "repositories of this machine. It is a work tree of the same repository "
    "with no branch: your work tree, index, HEAD, branches and stash stay as they are; git keeps a "
    "note of it in .git/worktrees. A directory that is not empty is refused."
)
_EXAMPLES = """\
examples:
  meticulous checkout 17                  into ../PROJECT-17, beside the repository
  meticulous checkout 17 /tmp/seventeen
  meticulous checkout 17 --clone          a repository of its own, for giving away
  git worktree remove --force ../PROJECT-17
"""


def run(argv: Sequence[str]) -> int:
    """Run the command.

    Returns:
        0; nothing is written when it cannot be.
    """
    options = _parser().parse_args(argv)
    options.ids = options.id
    store = _store.open_store(options)
    reader = _store.one(store, options.id)
    places = [options.project_directory, store.experiments_directory, os.getcwd()]
    origin = reproduce.fetched(reader, *places, patch=options.patch, fetch=options.fetch)
    directory = os.path.abspath(options.directory or reproduce.beside(origin, reader.expid))
    siblings = reproduce.siblings(reader, origin)
    with _experiment_outside.unwinding():
        reproduce.make(
            origin.root, origin.code, directory, clone=options.clone, fetch=options.fetch
        )
    removing = reproduce.removal(origin.root, directory)
    if options.clone:
        removing = ["rm", "-rf", directory]
    if options.json:
        answer = {
            "id": reader.expid,
            "directory": directory,
            "commit": origin.code.commit,
            "patched": bool(origin.code.patch),
            "notes": origin.notes,
            "siblings": [each._asdict() for each in siblings],
            "remove": removing,
        }
        _output.print_json("checkout", answer)
        return 0
    what = f"commit {origin.code.commit[:12]}{' and its patch' if origin.code.patch else ''}"
    lines = [f"{clean(reader.expid)}: {what} is in {clean(directory)}"]
    lines += [f"  note: {note}" for note in origin.notes]
    lines += [f"  beside it: {told}" for told in reproduce.told_siblings(siblings)]
    lines.append(f"  remove it with: {clean(shlex.join(removing))}")
    _output.write("\n".join(lines) + "\n")
    return 0


def _parser() -> _output.Parser:
    parser = _output.Parser("checkout", _DESCRIPTION, _EXAMPLES, _USAGE)
    parser.add_argument("id", metavar="ID", help=_store.ONE)
    parser.add_argument(
        "directory",
        nargs="?",
        default="",
        metavar="DIRECTORY",
        help="where to; must not exist, or be empty",
    )
    parser.add_argument("--clone", action="store_true", help="make an independent clone")
    parser.add_argument(
        "--patch",
        action="store_true",
        help="if the snapshot is gone: apply the recorded patch to the commit it was based on",
    )
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="if the commit is gone, or the clone is partial: get it from the remotes, and keep it",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    _store.add_store(parser)
    return parser
