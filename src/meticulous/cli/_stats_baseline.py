"""Which group ``stats --baseline`` means.

A value may be written as it was recorded, or as the table shows it. Where that could be several,
such as True and the text ``True``, quotes make a text of it and brackets anything else.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from .._compare_groups import Group, told_apart
from .._compare_results import label, listed
from .._query_documents import as_written
from .._query_values import number
from .._table import MISSING, clean
from ..errors import SettingError

__all__ = ["group_called"]


def group_called(text: str, groups: Sequence[Group]) -> Group:
    """The group that a text means.

    Raises:
        SettingError: it means none, or several.
    """
    found = [group for group in groups if _means(text.strip(), group.key)]
    if len(found) > 1:  # the same text in other quotes is no other value
        exact = [", ".join(map(_exactly, group.key)) for group in found]
        raise SettingError(
            f"Argument --baseline: {clean(text)!r} can mean {len(found)} groups.",
            f"Write {' or '.join(map(_quoted, exact))}.",
            name="--baseline",
            value=text,
        )
    if found:
        return found[0]
    import difflib

    apart = [told_apart(group.key[place] for group in groups) for place in range(_keys(groups))]
    shown = [", ".join(texts[place] for texts in apart) for place in range(len(groups))]
    known = {label(group): name for group, name in zip(groups, shown, strict=True)}
    close = difflib.get_close_matches(text, known, 1)
    raise SettingError(
        f"Argument --baseline: there is no group {clean(text)!r}.",
        f"Did you mean {clean(close[0])!r}?" if close else f"There are: {listed(shown)}.",
        name="--baseline",
        value=text,
    )


def _keys(groups: Sequence[Group]) -> int:
    return len(groups[0].key) if groups else 0


def _means(text: str, values: Sequence[Any]) -> bool:
    """Whether a text is these values, with commas between."""
    value, *others = values
    for spelling in _spellings(text, value):
        if not others:
            if text == spelling:
                return True
        elif text.startswith(f"{spelling},"):
            rest = text[len(spelling) + 1 :].lstrip()
            if _means(rest, others):
                return True
    return False


def _spellings(text: str, value: Any) -> Iterator[str]:
    """How a value may be written at the start of a text."""
    yield as_written(value)
    yield _exactly(value)
    if value is not MISSING:
        yield repr(value)
    if isinstance(value, str):
        yield f'"{value}"'
    elif type(value) in (int, float):
        first = text.partition(",")[0]
        try:
            if float(first) == number(value):
                yield first
        except (ValueError, OverflowError):
            pass


def _exactly(value: Any) -> str:
    return repr(value) if isinstance(value, str) else f"({as_written(value)})"


def _quoted(text: str) -> str:
    """Text for a shell, in quotes that are easily read where it allows them."""
    text = clean(text)
    return shlex.quote(text) if set(text) & set('"$`\\!') else f'"{text}"'
