"""``meticulous list``: one line for every experiment of a folder."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from .._experiments_row import LazyRow
from .._query_names import EXPID, Field, Names, words
from .._table import clean, cut
from ..errors import SettingError
from ..experiments import ExperimentReader, Experiments
from . import _list_columns, _list_options, _list_rows, _output, _store

__all__ = ["run"]

Row = dict[str, Any]

_WATCH = 2.0
_COLLECT = 20_000
_FEW = 5
_FRAME = ("sha", "start_time", "status", "status_message")


def run(argv: Sequence[str]) -> int:
    """List experiments; see ``meticulous list --help``."""
    import gc

    before = gc.get_threshold()
    # What is read is in no cycles; to look for some again and again is half of all work.
    gc.set_threshold(_COLLECT, *before[1:])
    try:
        return _run(_list_options.parser().parse_args(argv))
    finally:
        gc.set_threshold(*before)


def _run(options: Any) -> int:
    _check(options)
    store = _opened(options)
    if options.list_columns:
        names = Names(store.lazy_rows(), options.normalize_json_values)
        fields = names.fields("header", "args", "default_args", "metadata", "summary")
        fields += names.fields("annotations")
        if options.form == "json":
            _output.print_json("columns", [field.name for field in fields])
        else:
            _output.write("".join(f"{clean(field.name)}\n" for field in fields))
        return 0
    if options.watch is not None:
        from . import _list_watch

        if _list_watch.is_possible():
            kept = not (options.sort or options.sort_reverse or options.groupby)
            _list_watch.watch(lambda: _drawn(store, options), options.watch, oldest_first=kept)
    rows, names, title = _found(store, options)
    _show(rows, names, options, store, title)
    store.remember()
    return _store.NOTHING_MATCHED if options.fail_empty and not rows else 0


def _found(store: Experiments, options: Any) -> tuple[list[Row], Names, str]:
    """The rows to show, the names of all, and the title."""
    everything = store.lazy_rows()  # of 10,000 experiments the newest 30 are shown
    names = Names(everything, options.normalize_json_values)
    rows = _list_rows.asked(everything, options, store)
    if options.groupby:
        rows, names = _groups(rows, everything, names, options)
    if options.sort:
        rows = _sorted(rows, names, options)
    elif options.sort_reverse:
        rows = rows[::-1]
    rows = rows[-options.tail :] if options.tail else rows
    shown = rows if _is_question(options) else _list_rows.newest(rows)
    return shown, names, _title(shown, len(rows), everything, options, store)


def _drawn(store: Experiments, options: Any) -> tuple[list[str], list[str], list[str]]:
    """The lines of one drawing of ``--watch``."""
    store.refresh_experiments()
    rows, names, title = _found(store, options)
    title = f"{time.strftime('%H:%M:%S')}  {title}"
    columns = _columns(rows, names, options, _chosen(names, options)) if rows else []
    lines = _output.table_lines(cut(clean(title), _output.width() or 80), columns)
    if options.groupby and rows:
        lines[2].extend(_left_out(_chosen(names, options) or [], options))
    store.remember()
    return lines


def _check(options: Any) -> None:
    """Refuse what cannot be answered before anything is read.

    Raises:
        SettingError: an option's value cannot be used.
    """
    if options.tail is not None and options.tail < 1:
        raise SettingError("Argument --tail: it has to be 1 or more.", name="--tail")
    if options.normalize_json_values < 0:
        raise SettingError("Argument --normalize_json_values: it has to be 0 or more.")
    if options.form == "parquet" and sys.stdout is not None and sys.stdout.isatty():
        raise SettingError("Parquet is not for a terminal.", "Send it to a file: > x.parquet")
    if options.groupby and options.metrics:
        import shlex

        first = [*words(options.metrics), *options.metrics][0].removesuffix(":count")
        hint = f"See: {shlex.join(['meticulous', 'stats', first, '--groupby', *options.groupby])}"
        raise SettingError("Metrics cannot be grouped here.", hint, name="--metrics")
    _check_watch(options)
    if options.export is not None:
        from . import _list_export

        _list_export.check(options.export)


def _check_watch(options: Any) -> None:
    """Make seconds of what ``--watch`` was given; a folder after it is the folder that is meant."""
    if options.watch is None:
        return
    try:
        seconds = float(options.watch)
    except ValueError:
        if options.directory:
            raise SettingError(
                f"Argument --watch: {options.watch!r} is no number of seconds.", name="--watch"
            ) from None
        options.directory, seconds = options.watch, _WATCH
    if not 0.1 <= seconds <= 86400:
        raise SettingError("Argument --watch: it has to be 0.1 seconds or more.", name="--watch")
    if options.form or options.export or options.list_columns:
        raise SettingError("Argument --watch: it shows the table and nothing else.")
    options.watch = seconds


def _opened(options: Any) -> Experiments:
    """Open the folder: as the shell sees it, otherwise within the project that was named.

    Raises:
        SettingError: two folders are named, or one that is an experiment or a project.
    """
    directory = options.directory
    if directory and options.experiments_directory:
        raise SettingError(f"Two folders: {directory!r} and --experiments-directory.", "Name one.")
    options.experiments_directory = directory or options.experiments_directory
    store = _store.open_store(options)
    path = store.experiments_directory
    if not store and ExperimentReader(path).metadata:
        raise SettingError(
            f"{path} is one experiment.", f"Name the folder of all: {os.path.dirname(path)}"
        )
    if not store and os.path.isdir(os.path.join(path, "experiments")):
        place = os.path.join(path, "experiments")
        raise SettingError(f"{path} holds no experiments.", f"Name the folder in it: {place}")
    return store


# ---------------------------------------------------------------------------- which rows


def _is_question(options: Any) -> bool:
    """Whether something is asked that the newest experiments alone would not answer."""
    asked = (options.ids, options.filter, options.since, options.status, options.tag)
    arranged = (options.groupby, options.sort, options.sort_reverse, options.tail)
    return any((options.all, options.form, options.export, *asked, *arranged))


def _groups(
    rows: list[Row], everything: list[Row], names: Names, options: Any
) -> tuple[list[Row], Names]:
    """Rows by groups, and the names of those that all experiments would make."""
    from .. import _query_rows

    if not everything:
        return rows, names
    keys = _query_rows.key_fields(options.groupby, names, "--groupby")
    options.keys = keys
    options.odd = {}
    found = possible = _query_rows.grouped(everything, keys, names, options.odd)
    if rows is not everything:
        options.odd = {}
        found = _query_rows.grouped(rows, keys, names, options.odd)
    return found, Names(possible, options.normalize_json_values)


def _sorted(rows: list[Row], names: Names, options: Any) -> list[Row]:
    from .. import _query_rows

    if not names.keys("header"):  # nothing is recorded, so no name is known
        return rows
    fields = _query_rows.key_fields(options.sort, names, "--sort")
    return _query_rows.ordered(rows, fields, descending=not options.sort_reverse)


# ---------------------------------------------------------------------------- which columns


def _show(rows: list[Row], names: Names, options: Any, store: Experiments, title: str) -> None:
    chosen = _chosen(names, options)
    if options.export:
        from . import _list_export

        table, depth = _selection(rows, names, chosen, options), options.normalize_json_values
        _list_export.export(options.export, table, store, depth, options.flat_cols)
    if options.form == "json" and chosen is None:
        _output.print_json("experiments", rows)
    elif options.form:
        from . import _list_export

        table = _selection(rows, names, chosen, options)
        if options.form == "json":
            _output.print_json("rows", table.objects())
        elif options.form == "parquet":
            _output.write(_list_export.parquet(table))
        else:
            _output.write(_list_export.text_of(options.form, table))
    elif not rows:
        _output.write(f"{clean(title)}\n")
    else:
        _output.print_table(title, _columns(rows, names, options, chosen))
    notes = _left_out(chosen or [], options) if options.groupby and rows else []
    if options.form:
        for note in notes:
            _output.print_note(note)
    elif notes:
        _output.write("\n".join(["", *notes]) + "\n")
    if options.export and not options.form:
        _output.write(f"\nWritten to {clean(options.export)}.\n")


def _left_out(chosen: list[Field], options: Any) -> list[str]:
    """What the means that are shown leave out, a sentence each."""
    shown = {(field.group, field.key.removesuffix("_mean")) for field in chosen}
    found = []
    for field in shown & options.odd.keys():
        count, ids = options.odd[field]
        numbers = "is no number" if len(ids) == 1 else "are no numbers"
        which = ", ".join([*ids[:_FEW], "..."][: len(ids)])
        text = f"{field[0]}.{field[1]}: {len(ids)} of {count} {numbers} ({which})."
        found.append(cut(clean(text), _output.width() or len(text)))
    return sorted(found)


def _columns(rows: list[Row], names: Names, options: Any, chosen: list[Field] | None) -> Any:
    """The columns of the table."""
    if chosen is not None:
        _keep(rows, {field.group for field in chosen})
        return _list_columns.chosen_columns(rows, chosen, options.flat_cols)
    args, measured = _args_and_measured(rows, names, options, "truncated")
    return _list_columns.listing(rows, args, measured, options.flat_cols)


def _keep(rows: list[Row], groups: set[str]) -> None:
    """Have rows keep groups of values that are about to be asked for again and again."""
    for row in rows:
        if isinstance(row, LazyRow):
            row.keep(*(group for group in groups if group != "header"))


def _chosen(names: Names, options: Any) -> list[Field] | None:
    """The columns that were asked for; None for those of the listing."""
    if not names.keys("header"):
        return [EXPID] if options.columns or options.groupby else None
    if options.columns:
        from .. import _query_rows

        fields = _query_rows.columns_of(options.columns, names, "--columns")
        first = options.keys if options.groupby else [EXPID]
        return list(dict.fromkeys([*first, *fields, *_metrics(names, options)]))
    if options.groupby:
        summary = names.fields("summary") if options.summary else []
        return list(dict.fromkeys([*options.keys, Field("header", "count"), *summary]))
    return None


def _metrics(names: Names, options: Any) -> list[Field]:
    """The fields of ``--metrics``.

    Raises:
        SettingError: no experiment has logged such a metric.
    """
    listed = [
        word
        for text in options.metrics or []
        for word in ([text] if _list_columns.logged(text, names) else words([text]))
    ]
    return [_list_columns.metric(word, names) for word in dict.fromkeys(listed)]


def _args_and_measured(
    rows: list[Row], everything: Names, options: Any, which_args: str
) -> tuple[list[Field], list[Field]]:
    """Args, and summary values and metrics, that are shown when no columns are asked for."""
    _keep(rows, {"args", "summary", "problems"})
    names = Names(rows, options.normalize_json_values)
    which = options.args or ("truncated" if options.only_changed else which_args)
    args = _list_columns.args_of(rows, names, which)
    summary = names.fields("summary") if options.summary else []
    if options.only_changed:
        args, summary = _list_columns.differing(rows, args), _list_columns.differing(rows, summary)
    metrics = _metrics(everything, options)
    _keep(rows, {"metrics"} if metrics else set())
    return args, summary + metrics


def _selection(rows: list[Row], names: Names, chosen: list[Field] | None, options: Any) -> Any:
    from . import _list_export

    if chosen is None:
        args, measured = _args_and_measured(rows, names, options, "all")
        chosen = [EXPID, *(Field("header", key) for key in _FRAME), *args, *measured]
    _keep(rows, {field.group for field in chosen})
    return _list_export.Selection(chosen, rows)


# ---------------------------------------------------------------------------- the title


def _title(
    rows: list[Row], count: int, everything: list[Row], options: Any, store: Experiments
) -> str:
    place = _shown(store.experiments_directory)
    if not rows:
        hint = _list_rows.no_such_tag(everything, options.tag) if options.tag else ""
        matching = "match in" if everything else "in"
        return f"No experiments {matching} {place}. {hint}".rstrip()
    if len(rows) < count:
        return f"newest {len(rows)} of {count} experiments in {place}; --all shows all"
    kind = "group" if options.groupby else "experiment"
    title = f"{count} {kind}{'' if count == 1 else 's'} in {place}"
    return f"{title}, filtered by {cut(clean(options.filter), 60)}" if options.filter else title


def _shown(path: str) -> str:
    inside = os.path.relpath(path)
    return os.path.join(path if inside.startswith(os.pardir) else inside, "")
