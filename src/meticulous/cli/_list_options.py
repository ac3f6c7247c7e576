"""The options of ``meticulous list``: those of 2020, and today's."""

from __future__ import annotations

from . import _output, _store

__all__ = ["parser"]

_EXAMPLES = """\
A mark '!' after the status: part of the record is broken or was lost; the message says what.
Names of columns: args.lr or args_lr, or lr where that is clear; several with commas or spaces;
one that holds them in backticks. Filters are told of in docs/guides/filter.md.

A mark '*': the best value of its column, if the name tells whether small or large is better.

examples:
  meticulous                        experiments of the project around the working directory
  meticulous experiments/           all experiments of this folder
  meticulous list --args all        every arg, also those that are the same everywhere
  meticulous list --filter 'lr > 0.01 and summary.acc > 0.9' --sort summary.acc
  meticulous list --groupby args.model --columns summary.acc
  meticulous list --since 7d --status error,lost
  meticulous list --columns args.lr,summary.loss --export table.tex
  meticulous list --metrics loss:min,acc    with the smallest loss and the last acc logged
  meticulous list --watch           the newest, drawn anew every 2 seconds
  meticulous list --json            everything, for programs
"""


def parser() -> _output.Parser:
    """Make the command's parser."""
    made = _output.Parser(
        "list",
        "List the experiments of a folder: how each is doing, when it started, how long it ran, "
        "its args and its summary.",
        _EXAMPLES,
        "meticulous [list] [DIRECTORY] [options]",
    )
    made.add_argument(
        "directory",
        nargs="?",
        metavar="DIRECTORY",
        help="the experiments folder; otherwise that of the project around the working directory",
    )
    _which_rows(made)
    _which_columns(made)
    _which_form(made)
    _store.add_store(made)
    return made


def _which_rows(made: _output.Parser) -> None:
    group = made.add_argument_group("which experiments")
    group.add_argument(
        "--all",
        action="store_true",
        help="all; 'meticulous list' without a question shows the newest 30",
    )
    group.add_argument(
        "-i", "--ids", action="append", default=[], metavar="IDS", help=f"in one word: {_store.IDS}"
    )
    _store.add_questions(group)
    group.add_argument(
        "--since", metavar="WHEN", help="started since then: 90m, 12h, 7d, 2w, or 2026-11-30"
    )
    group.add_argument(
        "--status", action="append", metavar="WORDS", help="with one of these statuses"
    )
    group.add_argument("--tag", action="append", metavar="TAGS", help="with all of these tags")
    group.add_argument(
        "--groupby",
        nargs="+",
        action="extend",
        metavar="NAME",
        help="one line for all that agree in these: their count, X_mean and X_std of numbers",
    )
    group.add_argument(
        "--sort",
        nargs="+",
        action="extend",
        metavar="NAME",
        help="by these, the largest first, as in 2020",
    )
    group.add_argument(
        "--sort_reverse", "--sort-reverse", action="store_true", help="the smallest first"
    )
    group.add_argument(
        "--tail", "--tails", type=int, metavar="N", help="only the last N lines of the table"
    )


def _which_columns(made: _output.Parser) -> None:
    group = made.add_argument_group("which columns")
    group.add_argument(
        "--columns",
        nargs="+",
        action="extend",
        metavar="NAME",
        help="these; a name that is none shows all that begin with it",
    )
    group.add_argument(
        "--metrics",
        nargs="+",
        action="extend",
        metavar="NAME",
        help="show logged values too: loss (the last), loss:min, loss:max, loss:count; also as "
        "metrics.loss.min in --columns, --sort and --filter; reads what was logged",
    )
    group.add_argument(
        "--args",
        choices=("none", "truncated", "non-default", "all"),
        help="which args to show: none; those that are not the same everywhere (truncated, unless "
        "you say otherwise; files get all); those that somewhere are not the default; all",
    )
    group.add_argument(
        "--summary", action="store_true", default=True, help="show summaries, as it does anyway"
    )
    group.add_argument(
        "--no_summary", "--no-summary", dest="summary", action="store_false", help="hide summaries"
    )
    group.add_argument(
        "--only-changed",
        action="store_true",
        help="only args and summary values that are not the same everywhere",
    )
    group.add_argument(
        "--list_columns", "--list-columns", action="store_true", help="print the names and stop"
    )
    group.add_argument(
        "--normalize_json_values",
        "--normalize-json-values",
        type=int,
        default=5,
        metavar="N",
        help="levels of nested values that have columns of their own; 5 unless you say otherwise",
    )
    group.add_argument(
        "--flat_cols", "--flat-cols", action="store_true", help="args.lr, not lr below args"
    )


def _which_form(made: _output.Parser) -> None:
    group = made.add_argument_group("in which form")
    forms = group.add_mutually_exclusive_group()
    forms.add_argument(
        "--json",
        dest="form",
        action="store_const",
        const="json",
        help="everything, as JSON; with --columns or --groupby only these",
    )
    for form, title in (
        ("csv", "comma-separated values"),
        ("tsv", "tab-separated values"),
        ("md", "a Markdown table"),
        ("latex", "a LaTeX table, for booktabs"),
        ("parquet", "Parquet, for a file or pipe; with pyarrow or polars"),
    ):
        forms.add_argument(f"--{form}", dest="form", action="store_const", const=form, help=title)
    group.add_argument(
        "--export",
        metavar="FILE",
        help="write the table too: .csv, .tsv, .json, .md, .tex; with pandas .pd, with "
        "pyarrow or polars .parquet",
    )
    group.add_argument(
        "--watch",
        nargs="?",
        const="2",
        metavar="SECONDS",
        help="draw the table anew every 2 seconds, or as many, until Ctrl-C; without a terminal "
        "once",
    )
