"""Which experiments ``meticulous list`` is asked for."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .. import _status
from .._table import clean, cut
from ..errors import SettingError
from ..experiments import Experiments
from . import _store

__all__ = ["asked", "listed", "newest", "no_such_tag"]

Row = dict[str, Any]

_NEWEST = 30
_LONGEST_WORD = 30


def asked(rows: list[Row], options: Any, store: Experiments) -> list[Row]:
    """The rows that are asked for."""
    found = rows
    if options.ids:
        of = {row["expid"]: row for row in rows}
        found = [of[expid] for expid in _store.chosen(store, options.ids) if expid in of]
    if options.filter is not None:
        from .. import _query

        matching = _query.compile(options.filter).filter(rows)
        found = _both(found, matching) if options.ids else matching
    if options.since is not None:
        since = _moment(options.since)
        found = [row for row in found if (_store.start_of(row["start_time"]) or 0) >= since]
    if options.status:
        wanted = _wanted_statuses(listed(options.status), rows)
        found = [row for row in found if str(row["status"]).upper() in wanted]
    if options.tag:
        tags = listed(options.tag)
        found = [row for row in found if all(tag in _tags(row) for tag in tags)]
    return found


def _both(rows: list[Row], others: list[Row]) -> list[Row]:
    kept = {row["expid"] for row in others}
    return [row for row in rows if row["expid"] in kept]


def listed(texts: Iterable[str]) -> list[str]:
    """The words of lists with commas."""
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]


def newest(rows: list[Row]) -> list[Row]:
    """The newest, in the order in which they were."""
    if len(rows) <= _NEWEST:
        return rows
    ids = [row["expid"] for row in rows]
    starts = array("d", [_store.start_of(row["start_time"]) or 0.0 for row in rows])
    places = _store.newest(
        ids, starts, _NEWEST, lambda place: _store.has_start(rows[place]["metadata"])
    )
    return [rows[place] for place in places]


def _tags(row: Row) -> list[Any]:
    tags = row["annotations"].get("tags")
    return tags if isinstance(tags, list) else []


def no_such_tag(rows: list[Row], texts: Iterable[str]) -> str:
    """A sentence on the first tag that no experiment has; empty when each is had by one."""
    import difflib

    known = {tag for row in rows for tag in _tags(row) if isinstance(tag, str)}
    for word in listed(texts):
        if word not in known:
            close = difflib.get_close_matches(word, known, 1)
            hint = f" Did you mean {clean(close[0])!r}?" if close else ""
            return f"None has the tag {cut(clean(word), _LONGEST_WORD)!r}.{hint}"
    return ""


def _wanted_statuses(words: list[str], rows: list[Row]) -> set[str]:
    """Statuses in capitals.

    Raises:
        SettingError: one is neither known nor had by any experiment.
    """
    known = {str(row["status"]).upper() for row in rows}
    known |= {word for word in vars(_status).values() if isinstance(word, str) and word.isupper()}
    for word in words:
        if word.upper() not in known:
            import difflib

            close = difflib.get_close_matches(word.upper(), known, 1)
            shown = [cut(clean(status), _LONGEST_WORD) for status in sorted(known)]
            raise SettingError(
                f"Argument --status: there is no {word!r}.",
                f"Did you mean {clean(close[0])!r}?" if close else f"Known: {', '.join(shown)}.",
                name="--status",
                value=word,
            )
    return {word.upper() for word in words}


def _moment(text: str) -> float:
    """Seconds since the epoch of ``7d`` (ago) or a date; a date without an offset is local.

    Raises:
        SettingError: it is neither.
    """
    period = _store.period(text)
    if period is not None:
        return time.time() - period
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise SettingError(
            f"Argument --since: {text!r} is no time.",
            "Write a period such as 90m, 12h, 7d or 2w, or a date such as 2026-11-30.",
            name="--since",
            value=text,
        ) from None
