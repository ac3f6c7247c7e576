"""``meticulous table``: the paper's table, from the experiments."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from .. import _compare_page, _files
from .._compare_forms import FORMS, Page
from .._compare_table import SPREADS, PaperTable
from .._query_names import Field, words
from .._table import clean
from ..errors import SettingError, StorageError
from . import _output, _stats_values, _store, _table_forms

__all__ = ["run"]

_EXAMPLES = (
    _stats_values.RESULTS
    + """
Each column has as many digits as the spread in its middle deserves: two of the spread's digits if
they begin with 100 to 354, otherwise one (the rule of the Particle Data Group). Where its means are
more than five powers of ten apart, each cell is rounded by itself. The best of each column is bold,
with all that round to the same (unless that is 0.00), where the result's name tells whether it is
small or large; --lower and --higher say it. The number of results stands in cells where it is not
the usual one. With --seed, all runs of one seed in a cell count as one result, their mean.

examples:
  meticulous table --rows args.model --cols args.dataset --cell summary.accuracy
  meticulous table --rows model --cell accuracy --cell loss --seed seed --latex --out table.tex
  meticulous table --rows model lr --cell val/loss:min --spread sem --md
  meticulous table --rows model --cell fid --lower --filter 'epochs == 10' --html
"""
)
_MOST_DIGITS = 15
_ENDINGS = {".md": "md", ".tex": "latex", ".html": "html", ".htm": "html", ".csv": "csv"}


def run(argv: Sequence[str]) -> int:
    """Make the paper's table; see ``meticulous table --help``."""
    options = _parser().parse_args(argv)
    _check(options)
    chosen = _stats_values.choose(options)
    if not chosen.rows:
        _write_empty(chosen, options)
        return _store.NOTHING_MATCHED if options.fail_empty else 0
    page, notes = _compare_page.page_of(chosen, _layout(options))
    chosen.store.remember()
    if options.form == "json":
        _output.print_json("table", _compare_page.plain(chosen, page, notes, options.spread))
    elif options.form and not options.out:
        _output.write(FORMS[options.form](page))
    else:
        _write(page, notes, options, len(chosen.rows), _stats_values.place(chosen.store))
    return 0


def _write_empty(chosen: _stats_values.Chosen, options: argparse.Namespace) -> None:
    """Say that there is nothing, beside a table without rows where a form is asked for.

    Raises:
        StorageError: the file cannot be written.
    """
    said = _stats_values.nothing(chosen)
    if options.form == "json":
        _output.print_json("table", _compare_page.plain(chosen, None, [], options.spread))
    elif options.form or options.out:
        known = [chosen.names.exact(word) or [Field("args", word)] for word in words(options.rows)]
        table = PaperTable({}, len(known), options.spread)
        page = Page(table, [fields[0] for fields in known], [], "no experiments match", "")
        if options.out:
            _write_file(page, options)
        else:
            _output.write(FORMS[options.form](page))
        _output.print_note(said)
    else:
        _output.write(f"{said}\n")


def _layout(options: argparse.Namespace) -> _compare_page.Layout:
    return _compare_page.Layout(
        options.rows,
        options.cols,
        options.cell,
        options.seed or "",
        options.spread,
        options.digits,
        True if options.lower else False if options.higher else None,
        options.best_in == "row",
    )


def _parser() -> _output.Parser:
    parser = _output.Parser(
        "table",
        "Arrange results of experiments as a table for a paper: the mean over seeds with its "
        "spread, rounded as the spread deserves, the best in bold.",
        _EXAMPLES,
        "meticulous table --rows NAME [NAME ...] [--cols NAME [NAME ...]] --cell RESULT [options]",
    )
    parser.add_argument(
        "--rows",
        nargs="+",
        action="extend",
        required=True,
        metavar="NAME",
        help="a row for each value of these",
    )
    parser.add_argument(
        "--cols",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="a column for each value of these",
    )
    parser.add_argument(
        "--cell",
        action="append",
        required=True,
        metavar="RESULT",
        help="what the cells show, such as summary.accuracy; may be given several times",
    )
    parser.add_argument(
        "--seed", metavar="NAME", help="the arg that is the seed, such as args.seed"
    )
    _numbers(parser)
    forms = parser.add_argument_group("in which form").add_mutually_exclusive_group()
    for form, title in (
        ("md", "Markdown"),
        ("latex", "LaTeX, for booktabs, with a comment for each cell: its ids and commits"),
        ("html", "HTML, with such comments"),
        ("csv", "comma-separated values: a line for each cell, in full"),
        ("json", "everything, in full"),
    ):
        forms.add_argument(f"--{form}", dest="form", action="store_const", const=form, help=title)
    parser.add_argument(
        "--out", metavar="FILE", help="write it to .md, .tex, .html or .csv instead; replaces it"
    )
    _stats_values.add_options(parser)
    return parser


def _numbers(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which numbers")
    group.add_argument(
        "--spread",
        choices=SPREADS,
        default="std",
        help="the spread behind the mean: the deviation of a sample (std, unless you say "
        "otherwise), the standard error, half of the 95 %% interval by Student's t, nothing",
    )
    group.add_argument("--digits", type=int, metavar="N", help="so many digits after the point")
    group.add_argument(
        "--best-in", choices=("column", "row"), default="column", help="where to look for the best"
    )
    directions = group.add_mutually_exclusive_group()
    directions.add_argument("--lower", action="store_true", help="small values are better")
    directions.add_argument("--higher", action="store_true", help="large values are better")


def _check(options: argparse.Namespace) -> None:
    """Refuse what cannot be answered, and find the form of a file by its name.

    Raises:
        SettingError: an option's value cannot be used.
    """
    if options.digits is not None and not 0 <= options.digits <= _MOST_DIGITS:
        raise SettingError(
            f"Argument --digits: it has to be 0 to {_MOST_DIGITS}.",
            name="--digits",
            value=options.digits,
        )
    if options.out is None:
        return
    ending = os.path.splitext(options.out)[1].lower()
    if options.form == "json" or (options.form is None and ending not in _ENDINGS):
        raise SettingError(
            f"Argument --out: what to write into {options.out!r} is not known.",
            "Its name has to end with .md, .tex, .html or .csv, or name the form as well.",
            name="--out",
            value=options.out,
        )
    options.file_form = options.form or _ENDINGS[ending]


def _write(
    page: Page, notes: list[str], options: argparse.Namespace, count: int, place: str
) -> None:
    """Print the table, or write it to a file.

    Raises:
        StorageError: the file cannot be written.
    """
    if options.out:
        _write_file(page, options)
    else:
        cells = ", ".join(dict.fromkeys(name for _, name in page.table.columns))
        by = " and ".join(field.name for field in [*page.fields, *page.column_fields])
        cells, by = _stats_values.brief(cells), _stats_values.brief(by)
        title = f"{cells} by {by}: {_stats_values.plural(count)} in {place}"
        sign = _sign()
        _output.print_table(title, _table_forms.terminal(page, sign))
        note = page.note.replace("±", sign)
        notes = [f"{note}; * {page.best}" if page.best else note, *notes]
        _output.write("\n")
    _stats_values.write_notes(notes)


def _write_file(page: Page, options: argparse.Namespace) -> None:
    text = FORMS[options.file_form](page)
    try:
        _files.replace(os.path.abspath(options.out), text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise StorageError.from_oserror("write", options.out, error) from error
    _output.write(f"Written to {clean(options.out)}.\n")


def _sign() -> str:
    """The sign for plus or minus, as far as the terminal has it."""
    try:
        "±".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeError:
        return "+/-"
    return "±"
