"""Experiments as tables of HTML for notebooks: no script, no style sheet, nothing that can act.

What a record holds is escaped; text is all that it can be.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from . import _table
from ._table import MISSING

__all__ = ["one", "several"]

_MOST_ROWS = 30
_MOST_ARGS = 12
_MOST_SUMMARY = 12
_MOST_FACTS = 60
_MOST_CURVES = 12
_LONGEST = 60
_WIDTH, _HEIGHT = 160, 32
_NUMBER = ' style="text-align:right"'
_TEXT = ' style="text-align:left"'


def several(store: Any) -> str:
    """A table of the newest experiments: the args that differ, and the summary.

    Args:
        store: an `Experiments`.
    """
    ids = list(store)[-_MOST_ROWS:][::-1]
    rows = [store[expid].row() for expid in ids]
    args = _named(rows, "args")
    args = {name: values for name, values in args.items() if len(set(map(repr, values))) > 1}
    columns: dict[str, list[Any]] = {
        "id": ids,
        "status": [row["status"] for row in rows],
        "started": [row["start_time"][:16].replace("T", " ") for row in rows],
        "duration": [_table.duration_text(row["duration"] or 0.0) for row in rows],
    }
    names = [row["annotations"].get("name", MISSING) for row in rows]
    if any(name is not MISSING for name in names):
        columns["name"] = names
    columns |= {f"args.{name}": args[name] for name in list(args)[:_MOST_ARGS]}
    summary = _named(rows, "summary")
    columns |= {f"summary.{name}": summary[name] for name in list(summary)[:_MOST_SUMMARY]}
    told = f"{len(store)} experiments in {store.experiments_directory}"
    if len(ids) < len(store):
        told += f"; the newest {len(ids)}"
    return _text("p", told) + _rows(columns, len(ids))


def one(reader: Any) -> str:
    """The facts about an experiment, its args, its summary, and its curves.

    Args:
        reader: an `ExperimentReader`.
    """
    row = reader.row()
    facts = {
        "status": f"{row['status']} {row['status_message']}".strip(),
        "started": row["start_time"],
        "duration": _table.duration_text(row["duration"] or 0.0),
        "commit": row["sha"] or "",
        "folder": row["curexpdir"],
        "description": row["description"],
        **{name: row["annotations"].get(name, "") for name in ("name", "tags")},
    }
    parts = [_text("h4", f"Experiment {row['expid']}")]
    parts.append(_facts({name: value for name, value in facts.items() if value not in ("", [])}))
    for title in ("args", "summary"):
        if row[title]:
            parts += [_text("h5", title), _facts(dict(_flat(row[title])))]
    curves = [_curve(reader, name) for name in list(reader.metrics)[:_MOST_CURVES]]
    if curves:
        parts += [_text("h5", "metrics"), f"<table><tbody>{''.join(curves)}</tbody></table>"]
    return "".join(parts)


def _named(rows: Sequence[Mapping[str, Any]], group: str) -> dict[str, list[Any]]:
    """The values of a group by their names, one for each row."""
    flat = [dict(_flat(row[group])) for row in rows]
    names = dict.fromkeys(name for values in flat for name in values)
    return {name: [values.get(name, MISSING) for values in flat] for name in names}


def _flat(values: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value and depth < 20:
            yield from _flat(value, f"{prefix}{name}.", depth + 1)
        else:
            yield f"{prefix}{name}", value


# ---------------------------------------------------------------------------- markup


def _rows(columns: Mapping[str, Sequence[Any]], count: int) -> str:
    head = "".join(f'<th scope="col"{_TEXT}>{_shown(name)}</th>' for name in columns)
    body = "".join(
        f"<tr>{''.join(_cell(values[place]) for values in columns.values())}</tr>"
        for place in range(count)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _facts(values: Mapping[str, Any]) -> str:
    lines = [
        f'<tr><th scope="row"{_TEXT}>{_shown(name)}</th>{_cell(value, _TEXT)}</tr>'
        for name, value in list(values.items())[:_MOST_FACTS]
    ]
    if len(values) > _MOST_FACTS:
        lines.append(f"<tr><td>and {len(values) - _MOST_FACTS} more</td><td></td></tr>")
    return f"<table><tbody>{''.join(lines)}</tbody></table>"


def _cell(value: Any, style: str = "") -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"<td{style or (_NUMBER if is_number else _TEXT)}>{_shown(value)}</td>"


def _text(element: str, text: str) -> str:
    return f"<{element}>{_shown(text, 4 * _LONGEST)}</{element}>"


def _shown(value: Any, longest: int = _LONGEST) -> str:
    """A value as escaped text."""
    if value is MISSING or value is None:
        return ""
    if isinstance(value, float):
        return escape(f"{value:.6g}")
    try:
        text = value if isinstance(value, str) else repr(value)
    except (RecursionError, ValueError):  # deeper, or with more digits, than Python writes
        text = f"<{type(value).__name__}>"
    return escape(_table.cut(_table.clean(text[: 10 * longest]), longest))


def _curve(reader: Any, metric: str) -> str:
    """A row with a metric's last and best value and a small drawing."""
    facts = reader.metrics[metric]
    values = [bucket.mean for bucket in reader.envelope(metric, _WIDTH // 4)]
    cells = "".join(_cell(facts.get(name)) for name in ("last", "best"))
    return f'<tr><th scope="row"{_TEXT}>{_shown(metric)}</th>{cells}<td>{_drawn(values)}</td></tr>'


def _drawn(values: Sequence[Any]) -> str:
    """A line through numbers, interrupted where one is missing."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    across = _WIDTH / max(1, len(values) - 1)
    up = _HEIGHT / ((high - low) or 1.0)
    path, is_on = "", False
    for place, value in enumerate(values):
        is_there = value is not None and math.isfinite(value)
        if is_there:
            y = _HEIGHT - (value - low) * up
            path += f"{'L' if is_on else 'M'}{place * across:.1f} {y:.1f}"
        is_on = is_there
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="-1 -1 {_WIDTH + 2} {_HEIGHT + 2}" role="img" aria-label="curve">'
        f'<path d="{path}" fill="none" stroke="#1f6feb" stroke-width="1.5"/></svg>'
    )
