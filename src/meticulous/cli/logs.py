"""``meticulous logs``: what an experiment printed, also while it runs."""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Sequence
from typing import Any

from .. import _status
from .._experiments_console import open_console, start_of_last
from ..errors import MeticulousError, SettingError
from ..experiments import ExperimentReader
from . import _logs_raw, _output, _store

__all__ = ["run"]

_PORTION = 1 << 18
_LINES_AT_ONCE = 5000
_EXAMPLES = """\
examples:
  meticulous logs                   what the newest experiment printed
  meticulous logs 17 --tail 50      the last 50 lines of 17; a large file takes no longer
  meticulous logs 17 --stderr       its errors and progress bars, as they ended
  meticulous logs -f                go on while it runs; Ctrl-C ends looking, not the run
  meticulous logs 17 --raw | less -R

Progress bars and everything else that moves is shown as a terminal would show it in the end. On a
terminal colours stay, and no other escapes do; --raw gives the bytes as they were written.
"""


def run(argv: Sequence[str]) -> int:
    """Print what an experiment printed; see ``meticulous logs --help``."""
    options = _parser().parse_args(argv)
    if options.tail is not None and options.tail < 0:
        raise SettingError("Argument --tail: it has to be 0 or more.", name="--tail")
    if options.json and (options.follow or options.raw):
        other = "--follow" if options.follow else "--raw"
        raise SettingError(f"Argument --json: not allowed together with {other}.", name="--json")
    reader = _store.one(_store.open_store(options), options.ids)
    stream = "stderr" if options.stderr else "stdout"
    if options.follow:
        from . import _logs_follow

        return _logs_follow.follow(reader, stream, options.tail, raw=options.raw)
    try:
        _print(reader, stream, options)
    except FileNotFoundError:
        if not os.path.isdir(reader.curexpdir):
            raise
        if options.json:
            _print_json(reader, stream, [])
        _output.print_error(MeticulousError(f"Experiment {reader.expid} has no {stream}."))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _logs_raw.cannot_read(os.path.join(reader.curexpdir, stream), error) from None
    if not options.json:
        _point_to_stderr(reader, stream)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _output.Parser(
        "logs",
        "Show what an experiment printed, also while it runs.",
        _EXAMPLES,
        "meticulous logs [ID] [options]",
    )
    _store.add_ids(parser, "?", questions=False)
    parser.set_defaults(ids="last")
    parser.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help="go on until the experiment ends, and say then how",
    )
    parser.add_argument(
        "--stderr", action="store_true", help="the standard error instead of the standard output"
    )
    parser.add_argument("--tail", type=int, metavar="N", help="only the last N lines")
    parser.add_argument(
        "--raw",
        action="store_true",
        help="the bytes as they were written; escapes reach the terminal, so use it only for "
        "programs that you trust",
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    _store.add_store(parser)
    return parser


def _print(reader: ExperimentReader, stream: str, options: Any) -> None:
    if options.raw:
        with open_console(os.path.join(reader.curexpdir, stream)) as file:
            file.seek(0 if options.tail is None else start_of_last(file, options.tail))
            while data := file.read(_PORTION):
                _logs_raw.write(data)
        return
    lines = reader.console(
        stream, last=options.tail, colours=_output.colours() and not options.json
    )
    if options.json:
        _print_json(reader, stream, list(lines))
        return
    while some := list(itertools.islice(lines, _LINES_AT_ONCE)):
        _output.write("\n".join(some) + "\n")


def _print_json(reader: ExperimentReader, stream: str, lines: list[str]) -> None:
    _output.print_json("logs", {"expid": reader.expid, "stream": stream, "lines": lines})


def _point_to_stderr(reader: ExperimentReader, stream: str) -> None:
    """Who looks for the traceback of a failed experiment should find it."""
    if stream != "stdout" or reader.status not in (_status.ERROR, _status.LOST):
        return
    try:
        size = os.lstat(os.path.join(reader.curexpdir, "stderr")).st_size
    except OSError:
        return
    if size:
        reason = f" ({reader.status_message})" if reader.status_message else ""
        _output.print_error(
            MeticulousError(
                f"{reader.expid} is {reader.status}{reason}.",
                f"'meticulous logs {reader.expid} --stderr' shows what it wrote there.",
            )
        )
