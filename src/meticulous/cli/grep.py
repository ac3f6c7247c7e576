"""``meticulous grep``: look for text in what experiments printed and recorded."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from .._table import clean
from ..errors import MeticulousError, SettingError
from . import _grep_search, _output, _store

__all__ = ["run"]

_LONGEST = 10_000
_EXAMPLES = """\
examples:
  meticulous grep 'CUDA out of memory'           in output, args, notes, patches, descriptions
  meticulous grep -i nan --in output -l          ids of those that printed nan
  meticulous grep 'lr = 0\\.1\\b' --in args        args are searched as lines 'name = value'
  meticulous grep -F '[0]' 3-7,9 --max 5         fixed text, five lines of each at most
  meticulous grep -c Warning --filter 'args.lr > 0.1'

Each line that matches is printed as ID:WHERE:LINE: TEXT. Output is searched as a terminal shows it.
Of a line, the first 10,000 characters are searched, except with -F.
"""


def run(argv: Sequence[str]) -> int:
    """Search experiments; see ``meticulous grep --help``."""
    options = _parser().parse_args(argv)
    pattern = _pattern(options)
    places = _places(options.places)
    if options.max is not None and options.max < 1:
        raise SettingError("Argument --max: it has to be 1 or more.", name="--max")
    store = _store.open_store(options)
    ids = _store.chosen(store, options.ids, options.filter)
    search = _grep_search.Search(pattern, places, None if options.fixed else _LONGEST)
    lines = not (options.json or options.list or options.count)
    found: list[dict[str, Any]] = []
    matching = 0
    for expid in _output.progress(ids, "searching"):
        kept: list[_grep_search.Hit] = []
        count = 0
        for hit in search.hits(store[expid]):
            count += 1
            if options.list:
                break
            if options.max is not None and count > options.max:
                continue
            if lines:
                _print(hit)
            elif options.json and not options.count:
                kept.append(hit)
        matching += bool(count)
        if count:
            _tell(expid, count, options, [hit.json() for hit in kept], found)
    store.remember()
    if options.json:
        _output.print_json("experiments", found)
    _notes(search, len(ids), matching)
    return _store.NOTHING_MATCHED if options.fail_empty and not matching else 0


def _parser() -> argparse.ArgumentParser:
    parser = _output.Parser(
        "grep",
        "Look for a regular expression in what experiments printed, were asked, and were noted.",
        _EXAMPLES,
        "meticulous grep PATTERN [ID ...] [options]",
    )
    parser.add_argument("pattern", metavar="PATTERN", help="a regular expression of Python")
    _store.add_ids(parser)
    parser.add_argument("-i", "--ignore-case", action="store_true", help="a is A")
    parser.add_argument("-F", "--fixed", action="store_true", help="PATTERN is the text itself")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("-l", "--list", action="store_true", help="only the ids")
    form.add_argument("-c", "--count", action="store_true", help="only how many lines match")
    parser.add_argument(
        "--in",
        dest="places",
        action="append",
        metavar="WHERE",
        help=f"where to look: {', '.join(_grep_search.PLACES)}, or all; several with commas. "
        f"Otherwise {', '.join(_grep_search.USUAL)}",
    )
    parser.add_argument("--max", type=int, metavar="N", help="at most N lines of each experiment")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    _store.add_store(parser)
    return parser


def _pattern(options: argparse.Namespace) -> re.Pattern[str]:
    """Compile what is looked for.

    Raises:
        SettingError: it is no regular expression.
    """
    import warnings

    text = re.escape(options.pattern) if options.fixed else options.pattern
    try:
        with warnings.catch_warnings(action="ignore"):  # of what Python may read otherwise one day
            return re.compile(text, re.IGNORECASE if options.ignore_case else 0)
    except (re.error, OverflowError, RecursionError) as error:
        reason, place = getattr(error, "msg", None) or "too large", getattr(error, "pos", None)
        at = f" at character {place + 1}" if place is not None else ""
        raise SettingError(
            f"Argument PATTERN: {reason}{at} of {options.pattern!r}.",
            "Write -F to look for the text itself.",
            name="PATTERN",
            value=options.pattern,
        ) from None


def _places(texts: Sequence[str] | None) -> list[str]:
    """The places that are meant.

    Raises:
        SettingError: there is no such place.
    """
    if not texts:
        return list(_grep_search.USUAL)
    words = [word.strip() for text in texts for word in text.split(",") if word.strip()]
    if "all" in words or not words:
        return list(_grep_search.PLACES)
    for word in words:
        if word not in _grep_search.PLACES:
            import difflib

            close = difflib.get_close_matches(word, _grep_search.PLACES, 1)
            known = f"Known: {', '.join(_grep_search.PLACES)}, all."
            raise SettingError(
                f"Argument --in: there is no {word!r}.",
                f"Did you mean {close[0]!r}?" if close else known,
                name="--in",
                value=word,
            )
    return [place for place in _grep_search.PLACES if place in words]


def _print(hit: _grep_search.Hit) -> None:
    colour = _output.colours()
    head = clean(f"{hit.expid}:{hit.where}:{hit.line}: ")
    line, spans = hit.shown(_output.width(), len(head))
    if colour:
        head = f"\x1b[36m{head}\x1b[0m"
        for start, end in reversed(spans):
            line = f"{line[:start]}\x1b[1;31m{line[start:end]}\x1b[0m{line[end:]}"
    _output.write(f"{head}{line}\n")


def _tell(
    expid: str, count: int, options: Any, matches: list[dict[str, Any]], found: list[dict[str, Any]]
) -> None:
    """Say of one experiment what is said once."""
    if options.json:
        facts: dict[str, Any] = {"expid": expid}
        if not options.list:
            facts["count"] = count
        found.append(facts if options.list or options.count else {**facts, "matches": matches})
    elif options.list:
        _output.write(f"{clean(expid)}\n")
    elif options.count:
        _output.write(f"{clean(expid)}:{count}\n")
    elif options.max is not None and count > options.max:
        left_out = count - options.max
        what = "line that matches is" if left_out == 1 else "lines that match are"
        _say(f"{left_out} more {what} left out of {expid}.")


def _say(text: str) -> None:
    _output.print_error(MeticulousError(text))


def _notes(search: _grep_search.Search, experiments: int, matching: int) -> None:
    """Say on standard error what an empty or incomplete answer means."""
    if not matching:
        _say(f"No match in {experiments} experiment{'' if experiments == 1 else 's'}.")
    if search.long:
        lines = "line was" if search.long == 1 else "lines were"
        _say(f"{search.long} long {lines} searched in the first {_LONGEST:,} characters only.")
    for problem in search.problems[:5]:
        _say(problem)
    if len(search.problems) > 5:
        _say(f"{len(search.problems) - 5} more files could not be searched.")
