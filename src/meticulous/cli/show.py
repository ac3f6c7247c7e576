"""``meticulous show``: everything about one experiment."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .._experiments_whole import everything
from . import _output, _show_end, _show_facts, _show_where, _store
from ._show_page import Page

__all__ = ["run"]

_EXAMPLES = """\
examples:
  meticulous show                   the newest experiment
  meticulous show 17                all about 17: args, metrics, code, machine, output
  meticulous show best:summary.acc  the one with the best value
  meticulous show 17 --all          also the args that are the defaults; nothing is cut
  meticulous show 17 --json | jq .experiment.metadata.git
"""
_SECTIONS = (
    _show_facts.facts,
    _show_facts.args,
    _show_facts.summary,
    _show_facts.metrics,
    _show_where.code,
    _show_where.environment,
    _show_where.sessions,
    _show_where.inputs,
    _show_where.files,
    _show_facts.notes,
    _show_end.output,
    _show_end.again,
)


def run(argv: Sequence[str]) -> int:
    """Show one experiment; see ``meticulous show --help``."""
    options = _parser().parse_args(argv)
    reader = _store.one(_store.open_store(options), options.ids)
    if options.json:
        _output.print_json("experiment", everything(reader))
        return 0
    page = Page(_output.width(), _output.colours(), options.all, reader.expid)
    for section in _SECTIONS:
        section(reader, page)
    _output.write(page.end())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _output.Parser(
        "show",
        "Show everything about one experiment: how it ended, what it was asked and what came out, "
        "which code ran where, the end of its output, and how to run it again.",
        _EXAMPLES,
        "meticulous show [ID] [options]",
    )
    _store.add_ids(parser, "?", questions=False)
    parser.set_defaults(ids="last")
    parser.add_argument(
        "--all",
        action="store_true",
        help="also args that are the defaults, and all files; cut nothing",
    )
    parser.add_argument("--json", action="store_true", help="all of it as JSON, for programs")
    _store.add_store(parser)
    return parser
