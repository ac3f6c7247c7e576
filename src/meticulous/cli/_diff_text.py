"""A comparison as text that fits the terminal."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from .. import _table
from .._table import MISSING, Column, clean, cut
from ..compare import Line, Section
from . import _output

__all__ = ["text"]

_LONG = 36
_BEFORE = 8
_SHORT = 10
_MOST_COMMITS = 20
_MOST_FILES = 50
_BOLD, _RED, _GREEN, _CYAN = "1", "31", "32", "36"


def text(
    readers: Sequence[Any], sections: Mapping[str, Section], told: str, *, everything: bool
) -> str:
    """Write the verdict, the experiments, and each section that has something to tell."""
    lines = [*_folded(told), "", *_table_of(_header(readers))]
    ids = [reader.expid for reader in readers]
    for name, section in sections.items():
        part = _section(name, section, ids, everything)
        if part:
            lines += ["", _styled(name, _BOLD), *part]
    for pair in (pair for section in sections.values() for pair in section.pairs):
        if pair["patch"]:
            lines += ["", _styled(_fit(f"patch from {_between(pair)}"), _BOLD)]
            lines += _patch(pair["patch"])
            if not pair["whole"]:
                lines.append(_fit("(there is more; 'git diff' between the commits shows it)"))
    return "\n".join(lines) + "\n"


def _header(readers: Sequence[Any]) -> list[Column]:
    ids = [reader.expid for reader in readers]
    lengths = [_table.duration_text(r.duration) if r.duration is not None else "" for r in readers]
    names = [r.annotations.get("name") or r.metadata.get("description") or "" for r in readers]
    columns = [
        Column("id", ids, keep=0),
        Column("status", [r.status for r in readers], keep=1),
        Column("started", [r.start_time[:19].replace("T", " ") for r in readers], keep=3, least=19),
        Column("time", lengths, keep=4),
        Column("commit", [_ran(r) for r in readers], keep=2, least=7),
        Column("description", [_oneline(str(name)) for name in names], keep=5),
    ]
    return [column for column in columns if set(column.values) - {"", MISSING}]


def _oneline(text: str) -> Any:
    return text or MISSING


def _ran(reader: Any) -> str:
    facts = reader.metadata.get("git")
    snapshot = facts.get("snapshot") if isinstance(facts, Mapping) else None
    sha = (reader.sha or "")[:7]
    return f"{sha}+ ({str(snapshot)[:7]})" if snapshot else sha


def _section(name: str, section: Section, ids: Sequence[str], everything: bool) -> list[str]:
    lines = [line for line in section.lines if line.differs or everything]
    if name in ("inputs", "outputs"):
        short = [[_hash(value) for value in line.values] for line in lines]
        lines = [line._replace(values=values) for line, values in zip(lines, short, strict=True)]
    part = _pairs(section.pairs, everything)
    part += _values(lines, ids, deltas=name in ("summary", "metrics"))
    for metric, step in (section.part or {}).items():
        part.append(_fit(f"  the curves of {metric} part at step {_word(step)}"))
    unknown = any(pair["same"] is None for pair in section.pairs)
    if part or everything or unknown or section.differs:
        part += [_fit(f"  note: {note}") for note in section.notes]
    return part


def _hash(value: Any) -> Any:
    return value[:_SHORT] if isinstance(value, str) and len(value) == 64 else value


# ---------------------------------------------------------------------------- values


def _values(lines: Sequence[Line], ids: Sequence[str], *, deltas: bool) -> list[str]:
    """A table of the short ones, and the long ones one below the other."""
    words = {line.name: [_word(value) for value in line.values] for line in lines}
    limit = _limit([line.name for line in lines], len(ids))
    short = [line for line in lines if max(map(len, words[line.name])) <= limit]
    found: list[str] = []
    if short:
        columns = [Column("", [line.name for line in short], keep=1, least=8)]
        for number, expid in enumerate(ids):
            texts = [words[line.name][number] for line in short]
            columns.append(Column(expid, texts, keep=2 + number, limit=_LONG))
        if deltas and len(ids) == 2:
            delta = [_delta(*line.values) for line in short]
            if any(delta):
                columns.append(Column("change", [text or MISSING for text in delta], keep=9))
        found += _table_of(columns, indent=2)
    for line in lines:
        if line not in short:
            found.append(_fit(f"  {line.name}"))
            wide = max(map(len, map(clean, ids)))
            room = _output.width()
            texts = _parting([clean(word) for word in words[line.name]], room and room - wide - 6)
            found += [
                _fit(f"    {clean(expid):<{wide}}  {word}")
                for expid, word in zip(ids, texts, strict=True)
            ]
    return found


def _limit(names: Sequence[str], count: int) -> int:
    """How long a value may be to stand beside those of the others, which none may be cut for."""
    room = _output.width()
    if room is None:
        return _LONG
    beside = room - 2 - min(20, max(map(len, names), default=0))
    return max(10, min(_LONG, beside // count - len(_table.GAP)))


def _parting(texts: list[str], room: int | None) -> list[str]:
    """Leave out the beginning that all have, where there is no room for the difference."""
    if room is None or max(map(len, texts)) <= room:
        return texts
    given = [text for text in texts if text != "-"]
    alike = (len(set(letters)) == 1 for letters in zip(*given, strict=False))
    same = sum(itertools.takewhile(bool, alike)) - _BEFORE
    if same <= 3:
        return texts
    return [text if text == "-" else f"...{text[same:]}" for text in texts]


def _word(value: Any) -> str:
    """A value as it is written: text that looks like another kind of value has quotes."""
    if value is MISSING:
        return "-"
    if isinstance(value, str):
        plain = value and value.isprintable() and value == value.strip() and not _looks(value)
        return value if plain else repr(value)
    try:
        return repr(value)
    except (RecursionError, ValueError):  # deeper, or with more digits, than Python writes
        return f"<{type(value).__name__}>"


def _looks(value: str) -> bool:
    if value in ("True", "False", "None", "-") or value[0] in "[{'\"":
        return True
    try:
        complex(value)  # also what Python reads as an integer or float
    except ValueError:
        return False
    return value not in ("NaN", "Infinity", "-Infinity")  # how the record writes them


def _delta(first: Any, second: Any) -> str:
    numbers = (first, second)
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in numbers):
        return ""
    try:
        difference = second - first
        share = f" ({difference / abs(first):+.2%})" if first and difference else ""
        return f"{difference:+.4g}{share}" if difference else ""
    except (OverflowError, ValueError):
        return ""


# ---------------------------------------------------------------------------- code


def _pairs(pairs: Sequence[Mapping[str, Any]], everything: bool) -> list[str]:
    found: list[str] = []
    for pair in pairs:
        between = _between(pair)
        if pair["problem"]:
            found.append(_fit(f"  {between}: {pair['problem']}"))
        elif pair["same"] and (everything or pair["commits"]):
            commits = "other commits, " if pair["commits"] else ""
            found.append(_fit(f"  {between}: {commits}the same files"))
        if pair["commits"]:
            found += _commits(pair["commits"], between)
        if pair["files"]:
            found.append(_fit(f"  files from {between}:"))
            found += _files(pair["files"])
    return found


def _between(pair: Mapping[str, Any]) -> str:
    return f"{pair['from']} to {pair['to']}"


def _commits(commits: Mapping[str, Any], between: str) -> list[str]:
    found = [_fit(f"  commits from {between}:")]
    for mark, code, name in (("+", _GREEN, "added"), ("-", _RED, "removed")):
        listed = commits[name]
        for sha, subject in listed[:_MOST_COMMITS]:
            found.append(_styled(_fit(f"    {mark} {sha[:7]} {subject}"), code))
        if len(listed) > _MOST_COMMITS:
            more = " or more" if commits["more"] else ""
            found.append(f"    {mark} {len(listed) - _MOST_COMMITS}{more} older ones")
    return found


def _files(files: Sequence[Mapping[str, Any]]) -> list[str]:
    shown = files[:_MOST_FILES]
    names = [f"{f['old']} -> {f['path']}" if f["old"] else f["path"] for f in shown]
    columns = [
        Column("", names, keep=1, limit=60, least=12),
        Column("", [_size_of(file) for file in shown], keep=0),
    ]
    lines = _table_of(columns, indent=4)[1:]
    if len(files) > len(shown):
        lines.append(f"    ... and {len(files) - len(shown)} more")
    return lines


def _size_of(file: Mapping[str, Any]) -> str:
    if file["by"]:
        return f"changed by {' and '.join(file['by'])}"
    if file["added"] is None:
        return "binary"
    return f"+{file['added']} -{file['removed']}"


def _patch(patch: str) -> list[str]:
    """The patch as it is, so that it can be used; terminal escapes do not get through."""
    found = []
    coloured = _output.colours()
    for line in patch.splitlines():
        line = "\t".join(map(clean, line.split("\t")))
        header = line.startswith(("diff ", "index ", "--- ", "+++ ", "# "))
        code = _BOLD if header else {"+": _GREEN, "-": _RED, "@": _CYAN}.get(line[:1], "")
        found.append(_styled(line, code) if coloured else line)
    return found


# ---------------------------------------------------------------------------- the page


def _table_of(columns: Sequence[Column], indent: int = 0) -> list[str]:
    room, colour = _output.width(), _output.colours()
    table = _table.render(columns, room and max(1, room - indent), colour=colour)
    lines = [" " * indent + line if line else line for line in table.lines]
    if table.hidden:
        names = ", ".join(clean(column.name) for column in table.hidden)
        lines.append(_fit(f"{' ' * indent}not shown for want of width: {names}"))
    return lines


def _folded(line: str) -> list[str]:
    """The verdict in full, in as many lines as it takes."""
    import textwrap

    room = _output.width()
    return [clean(line)] if room is None else textwrap.wrap(clean(line), room) or [""]


def _fit(line: str) -> str:
    room, line = _output.width(), clean(line)
    return line if room is None else cut(line, room)


def _styled(line: str, code: str) -> str:
    return f"\x1b[{code}m{line}\x1b[0m" if code and line and _output.colours() else line
