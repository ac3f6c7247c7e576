"""The answers that an exported page holds, the important ones first, until it is full."""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from ..errors import MeticulousError
from . import _export_table
from ._routes import SCHEMA
from ._sending import json_text
from .api import MOST_COMPARED, MOST_CURVES, Api

__all__ = ["Answers", "collect"]

_FINEST = 600
_COARSEST = 20
_SMALLEST_POINT = 25
_PAGES = 0.5
_CURVES = 0.6
_AXES = ("step", "relative", "wall")
_LINES = 2000
_LARGEST_SINCE = 300_000
_MOST_COMMITS = 50
_SINCE = 0.3
_LARGEST_FILE = 300_000
_MOST_FILES = 200
_DIGITS = 7
_ENOUGH = 1000
_FACTS = 2000

_Asked = tuple[str, str, Any]
"""How a question is asked, the name of its answer, and the answer."""


class Answers:
    """Answers by their questions, as JSON in a page, no longer than there is room.

    Args:
        room: in bytes.

    Attributes:
        room: what is left of it.
        lacking: what did not fit, and how many of it.
    """

    def __init__(self, room: int) -> None:
        self.room = room - _FACTS
        self.lacking: Counter[str] = Counter()
        self._parts: list[str] = []

    def put(self, kind: str, question: str, value: Any) -> bool:
        """Add the answer to a question if there is room; otherwise it is counted."""
        # "<" would begin markup: </script> would end the data, and <!-- change what ends it.
        text = f"{json_text(question)}:{json_text(value)}".replace("<", "\\u003c")
        if len(text) + 1 > self.room:
            self.lacking[kind] += 1
            return False
        self.room -= len(text) + 1
        self._parts.append(text)
        return True

    def finish(self, **facts: Any) -> None:
        """Add what there is to say about all of it, for which room was kept."""
        lacking = {kind: count for kind, count in self.lacking.items() if count}
        self.room += _FACTS - 100
        value = {"schema": SCHEMA, "exported": {**facts, "lacking": lacking}}
        self.put("", "/api/exported", value)

    def data(self) -> bytes:
        """All of it; ASCII."""
        return b'{"responses":{' + ",".join(self._parts).encode("ascii") + b"}}"


def collect(api: Api, answers: Answers, points: int) -> int:
    """Put everything about all experiments of an `Api` into answers.

    Args:
        api: of the experiments.
        answers: to fill.
        points: of how many groups of points a curve is at most; 0 for as many as fit.

    Returns:
        Of how many groups of points a curve is.

    Raises:
        OverflowError: not even the table fits.
    """
    ids = _table(api, answers)
    some = ",".join(ids)
    pages = int(answers.room * _PAGES)
    _each(answers, "pages of experiments", ids, lambda expid: [_asked(api, expid)], pages)
    main = api.main(some)
    _put(answers, "small curves", "/api/main", "main", main)
    if 2 <= len(ids) <= MOST_COMPARED:
        _put(answers, "the comparison", "/api/compare", "compare", api.compare(some))
    groups = _curves(api, answers, some, points)
    answers.lacking["curves of experiments"] += max(0, len(ids) - MOST_CURVES)
    commits = _codes(api, answers, ids)
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    _since(api, answers, commits, moment)
    _each(answers, "consoles", ids, lambda expid: _consoles(api, expid))
    _each(answers, "lists of files", ids, lambda expid: [_asked(api, expid, "files")])
    for expid in ids:
        if answers.room < _ENOUGH:
            answers.lacking["experiments' files"] += 1
        else:
            _files(api, answers, expid)
    answers.finish(time=moment, points=groups)
    return groups


def _table(api: Api, answers: Answers) -> list[str]:
    """Put the table with all columns; gives the ids, the newest first.

    Raises:
        OverflowError: it does not fit.
    """
    columns, rows = _export_table.whole(api)
    store = {**api.store(), "read_only": True}
    whole = (
        _put(answers, "", "/api/store", "store", store)
        and _put(answers, "", "/api/columns", "columns", columns)
        and _put(answers, "", "/api/rows", "rows", rows)
    )
    if not whole:
        raise OverflowError
    return list(rows["ids"])


def _each(
    answers: Answers,
    kind: str,
    ids: Sequence[str],
    ask: Callable[[str], Iterable[_Asked]],
    most: int | None = None,
) -> None:
    """Put what is asked of each experiment, until nothing more fits, or into `most` bytes."""
    enough = _ENOUGH if most is None else max(_ENOUGH, answers.room - most)
    for place, expid in enumerate(ids):
        if answers.room < enough:
            answers.lacking[kind] += len(ids) - place
            return
        for path, name, value in ask(expid):
            _put(answers, kind, path, name, value)


def _put(answers: Answers, kind: str, question: str, name: str, value: Any) -> bool:
    return answers.put(kind, question, {"schema": SCHEMA, name: value})


def _question(path: str, /, **parameters: str) -> str:
    """The key by which the page finds an answer; frontend/src/exported/source.ts makes the same
    one.
    """
    query = "&".join(f"{name}={_quoted(parameters[name])}" for name in sorted(parameters))
    return path + (f"?{query}" if query else "")


def _quoted(text: str) -> str:
    return quote(text, safe="!~*'()", errors="replace")


def _one(expid: str, rest: str = "") -> str:
    return f"/api/experiments/{_quoted(expid)}{rest and '/'}{rest}"


def _asked(api: Api, expid: str, name: str = "experiment", **parameters: str) -> _Asked:
    """A question about one experiment, and its answer."""
    rest = "" if name == "experiment" else name
    return (
        _question(_one(expid, rest), **parameters),
        name,
        getattr(api, name)(expid, **parameters),
    )


# ---------------------------------------------------------------------------- curves


def _curves(api: Api, answers: Answers, some: str, points: int) -> int:
    """Put the curves of every metric, first over steps; gives of how many groups they are."""
    metrics = api.metrics(some)
    if not _put(answers, "metrics", "/api/metrics", "metrics", metrics):
        return 0
    room = int(answers.room * _CURVES)
    count = sum(map(len, metrics.values())) * len(_AXES)
    groups = points or min(_FINEST, max(_COARSEST, room // max(1, count * _SMALLEST_POINT)))
    while True:
        found = [
            (
                _question("/api/curves", metric=metric, x=axis),
                _thin(api, some, metric, axis, groups),
            )
            for axis in _AXES
            for metric in metrics
        ]
        size = sum(len(json_text(value)) for _, value in found)
        if points or size <= room or groups <= _COARSEST:
            break
        groups = max(_COARSEST, int(groups * min(0.9, room / size)))
    for question, value in found:
        _put(answers, "curves", question, "curves", value)
    return groups


def _thin(api: Api, some: str, metric: str, axis: str, groups: int) -> list[dict[str, Any]]:
    """Curves with numbers as exact as a drawing needs."""
    found = api.curves(some, metric, axis, points=groups)
    for curve in found:
        for name in ("mean", "low", "high"):
            curve[name] = [_short(value) for value in curve[name]]
    return found


def _short(value: Any) -> Any:
    if not isinstance(value, float) or not math.isfinite(value):
        return value
    return float(f"{value:.{_DIGITS}g}")


# ---------------------------------------------------------------------------- code


def _codes(api: Api, answers: Answers, ids: Sequence[str]) -> dict[str, str]:
    """Put how the code of each experiment differs from its base; gives each commit that ran, with
    an experiment that ran it.
    """
    commits: dict[str, str] = {}
    for place, expid in enumerate(ids):
        if answers.room < _ENOUGH:
            answers.lacking["codes"] += len(ids) - place
            break
        path, name, value = _asked(api, expid, "code", against="base")
        if _put(answers, "codes", path, name, value) and value["commit"]:
            commits.setdefault(value["commit"], expid)
    return commits


def _since(api: Api, answers: Answers, commits: dict[str, str], moment: str) -> None:
    """Put how the code of each commit differs from what is checked out now: once for all
    experiments that ran it, so that many of one commit take the room of one.
    """
    enough = answers.room * (1 - _SINCE)
    for place, (commit, expid) in enumerate(commits.items()):
        if place == _MOST_COMMITS or answers.room < max(_ENOUGH, enough):
            answers.lacking["commits against HEAD"] += len(commits) - place
            return
        code = api.code(expid, "head")
        kept = {name: code[name] for name in ("head", "files", "commits", "more", "whole", "note")}
        value = kept | {"note": _told(code, _thinned(kept["files"]), moment)}
        _put(answers, "commits against HEAD", f"since/{commit}", "code", value)


def _thinned(files: list[dict[str, Any]]) -> int:
    """Take the largest patches away until the rest is small enough; gives how many."""
    size = sum(len(file["patch"] or "") for file in files)
    taken = 0
    for file in sorted(files, key=lambda file: -len(file["patch"] or "")):
        if size <= _LARGEST_SINCE:
            break
        size -= len(file["patch"])
        file["patch"] = None
        taken += 1
    return taken


def _told(code: dict[str, Any], taken: int, moment: str) -> str:
    """What there is to say about a difference that is no longer the one of today."""
    head, ran = code["head"], code["commit"]
    when = f"when this page was exported, {moment[:16].replace('T', ' ')} UTC"
    if head == ran:
        return f"It is what was checked out {when}."
    told = [code["note"], f"HEAD was {head[:10]} {when}." if head else f"Asked {when}."]
    if taken:
        told.append(
            f"The largest patches ({taken}) are not in this file: "
            f"'git diff {ran[:10]} {head[:10]}' shows them."
        )
    return " ".join(filter(None, told))


# ---------------------------------------------------------------------------- files


def _consoles(api: Api, expid: str) -> list[_Asked]:
    found: list[_Asked] = []
    for stream in ("stdout", "stderr"):
        try:
            value = api.console(expid, stream, -_LINES, _LINES)
        except MeticulousError:  # the page says that it is not there
            continue
        found.append((_question(_one(expid, "console"), stream=stream), "console", value))
    return found


def _files(api: Api, answers: Answers, expid: str) -> None:
    """Put what can be shown of the files that it wrote, and its images."""
    files = [file for file in api.files(expid) if file["kind"] != "record"]
    answers.lacking["files"] += max(0, len(files) - _MOST_FILES)
    for file in files[:_MOST_FILES]:
        path = file["path"]
        if file["size"] > _LARGEST_FILE:
            answers.lacking[f"files above {_LARGEST_FILE / 1e6:g} MB"] += 1
            continue
        try:
            shown = api.preview(expid, path)
            _put(answers, "files", _question(_one(expid, "preview"), path=path), "preview", shown)
            if shown["kind"] == "image":
                question = _question(_one(expid, "file"), path=path)
                answers.put("files", question, _address(api, expid, path))
        except MeticulousError:  # gone, or unreadable; the page says that it is not there
            answers.lacking["files"] += 1


def _address(api: Api, expid: str, path: str) -> str:
    """An image as an address that holds it."""
    content = api.file(expid, path)
    with content.file as file:
        data = file.read(_LARGEST_FILE)
    return f"data:{content.type};base64,{base64.b64encode(data).decode('ascii')}"
