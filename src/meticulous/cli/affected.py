"""``meticulous affected``: which experiments ran a commit, a file, or some lines of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from .. import _commits, _table
from . import _affected_code, _output, _store
from ._affected_code import MAYBE, NO, YES

__all__ = ["run"]

_EXAMPLES = """\
"A bug was in train.py, lines 40-52, since commit abc123: which results are affected?"

A commit: those whose code contains it, also after a rebase, a cherry-pick or an amend: commits of
the same author, time and subject count as the same one, and it is said by which one.
A file or folder: those that imported or ran it, with the version that they had.
Lines of a file: those that imported it and whose version has these very lines, wherever in the
file. They are read from the file as it is now, or with --at as it was in that commit.

"maybe" stands where the record cannot tell: the commit is gone, or what was imported is not known
(recorded before this was recorded, killed, or run from outside). A file that was renamed is
another file. A word that is both counts as a file; write refs/heads/NAME for the branch.

With --json, {"affected": {"kind", "commit", "path", "lines", "at", "experiments"}}; of each
experiment: expid, status, affected (yes, maybe, no), commit, version, why, summary.

examples:
  meticulous affected abc123
  meticulous affected train.py:40-52 --at abc123
  meticulous affected src/model.py 10-30
  meticulous affected v1.2 --not            those that do not have it
  meticulous affected abc123 --json | jq -r '.affected.experiments[].expid'
"""
_COLOURS = {YES: "31", MAYBE: "33", NO: "32"}


def run(argv: Sequence[str]) -> int:
    """Tell which experiments ran some code; see ``meticulous affected --help``."""
    parser = _output.Parser(
        "affected",
        "Tell which experiments ran code that contains a commit, or that imported a file.",
        _EXAMPLES,
        "meticulous affected COMMIT|PATH[:LINES] [ID ...] [options]",
    )
    parser.add_argument("what", metavar="COMMIT|PATH[:LINES]", help="what is wrong, or suspected")
    _store.add_ids(parser)
    parser.add_argument("--at", default="", metavar="COMMIT", help="the version that is meant")
    parser.add_argument("--not", action="store_true", dest="others", help="those not affected")
    parser.add_argument("--json", action="store_true", help="the same for programs, in full")
    _store.add_store(parser)
    options = parser.parse_args(argv)
    store = _store.open_store(options)
    ids = _store.chosen(store, options.ids, options.filter)
    root = _commits.find(
        options.project_directory, os.path.dirname(store.experiments_directory), os.getcwd()
    )
    readers = store.only(ids).each()
    found = [_affected_code.ran(next(readers)) for _ in _output.progress(ids, "reading")]
    next(readers, None)  # so that what was read is remembered
    asked = _affected_code.question(root, options.what, options.at, found)
    verdicts = _affected_code.answer(root, asked, found)
    rows = [
        (one, verdict)
        for one, verdict in zip(found, verdicts, strict=True)
        if (verdict.affected == NO) == options.others
    ]
    if options.json:
        _output.print_json("affected", _plain(asked, rows))
    else:
        _print(asked, rows, found, options.others)
    return _store.NOTHING_MATCHED if options.fail_empty and not rows else 0


_Rows = list[tuple[_affected_code.Ran, _affected_code.Verdict]]


def _plain(asked: _affected_code.Question, rows: _Rows) -> dict[str, Any]:
    experiments = [
        {
            "expid": one.expid,
            "status": one.status,
            "affected": verdict.affected,
            "commit": one.commit or None,
            "version": verdict.version or None,
            "why": verdict.why,
            "summary": one.summary,
        }
        for one, verdict in rows
    ]
    kind = "commit" if asked.commit else "lines" if asked.lines else "path"
    return {"kind": kind, **asked._asdict(), "experiments": experiments}


def _print(
    asked: _affected_code.Question,
    rows: _Rows,
    found: Sequence[_affected_code.Ran],
    others: bool,
) -> None:
    total = len(found)
    sure = sum(verdict.affected == YES for _, verdict in rows)
    maybe = f", {len(rows) - sure} more may be" if not others and len(rows) > sure else ""
    count = f"{len(rows)} of {total} are not" if others else f"{sure} of {total} are{maybe}"
    title = f"affected by {asked.text}: {count}"
    if not rows:
        unknown = asked.path and not any(one.imported(asked.path) for one in found)
        note = "\nnote: none imported or ran it; what they read is told by 'meticulous lineage'\n"
        _output.write(f"{title}\n{note if unknown else ''}")
        return
    columns = [
        _table.Column("id", [one.expid for one, _ in rows], keep=0),
        _table.Column("status", [one.status for one, _ in rows], keep=2),
        _table.Column("affected", [verdict.affected for _, verdict in rows], keep=0, style=_colour),
        _table.Column("commit", [one.commit[:10] or _table.MISSING for one, _ in rows], keep=3),
        _table.Column("why", [verdict.why for _, verdict in rows], keep=1, limit=90, least=20),
        _table.Column("summary", [_summary(one.summary) for one, _ in rows], keep=4, limit=60),
    ]
    _output.print_table(title, columns)


def _colour(affected: Any) -> str:
    return _COLOURS.get(affected, "")


def _summary(summary: Any) -> Any:
    return ", ".join(f"{name}={value}" for name, value in summary.items()) or _table.MISSING
