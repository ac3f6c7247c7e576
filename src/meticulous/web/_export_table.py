"""The table of an exported page, with what the page needs to filter, group and compare its rows.

The page computes what the server would answer: frontend/src/exported/. What it cannot see in the
cells of JSON stands beside them: which null is a value and which says that there is none, and
whether small values of a result are better.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _better
from .._table import MISSING
from ._rows import Rows
from .api import Api

__all__ = ["whole"]


def whole(api: Api) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The facts about all columns, and the rows with all of them, the newest first."""
    table = api.load()
    usual = api.rows(limit=0)["columns"]
    facts = [dict(fact) for fact in api.columns()]
    names = dict.fromkeys([*(fact["name"] for fact in facts), *usual])
    listed = ",".join(f"`{name}`" if "," in name else name for name in names)
    rows = api.rows(columns=listed, limit=api.store()["count"])
    with table.columns.lock:
        values = {name: _values(table, name, rows["ids"]) for name in rows["columns"]}
    for fact in facts:
        if fact["group"] == "summary":
            fact["lower"] = _better.lower_is_better(fact["key"])
    nulls = {name: _nulls(some) for name, some in values.items() if None in some}
    return facts, {**rows, "shown": usual, "nulls": nulls}


def _values(table: Rows, name: str, ids: Sequence[str]) -> list[Any]:
    getter = table.field(name, "columns").getter
    places = map(table.columns.row_of, ids)
    return [MISSING if place is None else getter(place) for place in places]


def _nulls(values: Sequence[Any]) -> list[int] | bool:
    """The rows in which a column has null; True where it has that or a value everywhere."""
    if MISSING not in values:
        return True
    return [row for row, value in enumerate(values) if value is None]
