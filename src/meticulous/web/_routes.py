"""The table of questions: what may be asked, with which parameters, and what the answer is called.

The server's routes, the check of what is asked, and the OpenAPI description come from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..errors import SettingError

__all__ = ["ROUTES", "SCHEMA", "Parameter", "Route", "checked", "description", "parsed"]

SCHEMA = 1
"""Version of the answers; it grows when one that is there changes its meaning."""

LONGEST = 100_000
LONGEST_NOTE = 10_000
MOST_TAGS = 100
_INTEGER = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"-?[0-9]{1,300}(\.[0-9]{0,300})?([eE][-+]?[0-9]{1,3})?")


class Parameter(NamedTuple):
    """One parameter of a question.

    Args:
        name: in the address.
        kind: ``text``, ``integer``, ``number`` (None when it is not given) or ``flag``.
        default: what it is when it is not given, or empty.
        low: the smallest number.
        high: the largest.
        choices: the only texts; empty for any.
        about: what it says.
        is_needed: whether it must be given.
    """

    name: str
    kind: str = "text"
    default: Any = ""
    low: int = 0
    high: int = 0
    choices: tuple[str, ...] = ()
    about: str = ""
    is_needed: bool = False


class Route(NamedTuple):
    """One question.

    Args:
        path: with ``{expid}`` where an experiment is meant.
        name: of the answer, and of the method of `Api` that gives it.
        parameters: what may be asked.
        form: ``json``, ``file``, ``events``, or ``write`` for what changes something.
        about: what the answer is.
    """

    path: str
    name: str
    parameters: tuple[Parameter, ...] = ()
    form: str = "json"
    about: str = ""


_FILTER = Parameter("filter", about="an expression, as of 'meticulous list --filter'")
_IDS = Parameter("ids", about="experiments, with commas between")
_SKETCH = Parameter(
    "sketch", "flag", about="at once: of long curves that were never read only what some lines say"
)
_PATH = Parameter("path", about="a file of the experiment", is_needed=True)
_ONE = "/api/experiments/{expid}"

ROUTES = (
    Route("/api/store", "store", about="where the experiments are, and how many"),
    Route("/api/columns", "columns", (_FILTER,), about="what there is to show, filter and sort by"),
    Route(
        "/api/rows",
        "rows",
        (
            _FILTER,
            Parameter("sort", about="names with commas between, - for the largest first"),
            Parameter("columns", about="names with commas between; args means all args"),
            Parameter("groupby", about="names with commas between"),
            _IDS,
            Parameter("offset", "integer", 0, 0, 10**9),
            Parameter("limit", "integer", 200, 0, 5000),
        ),
        about="a part of the table; the newest first unless it is sorted",
    ),
    Route("/api/main", "main", (_IDS,), about="a small curve of each experiment"),
    Route("/api/metrics", "metrics", (_IDS, _SKETCH), about="the metrics, each with who logged it"),
    Route(
        "/api/curves",
        "curves",
        (
            _IDS,
            Parameter("metric", is_needed=True),
            Parameter("x", default="step", about="step, relative, wall, or another metric"),
            Parameter("low", "number"),
            Parameter("high", "number"),
            Parameter("points", "integer", 600, 1, 20_000, about="how many groups of points"),
            Parameter("raw", "flag", about="also what later sessions superseded"),
            Parameter("log", "flag", about="groups as a logarithmic axis needs them"),
            _SKETCH,
        ),
        about="a metric of experiments, as groups of points",
    ),
    Route("/api/compare", "compare", (_IDS,), about="what differs between experiments"),
    Route(
        "/api/table",
        "table",
        (
            Parameter("rows", is_needed=True, about="a row for each value of these"),
            Parameter("cols", about="a column for each value of these"),
            Parameter("cell", is_needed=True, about="what the cells show"),
            Parameter("seed", about="the arg that is the seed"),
            Parameter("spread", default="std", choices=("std", "sem", "ci", "none")),
            _FILTER,
        ),
        about="the paper's table",
    ),
    Route(_ONE, "experiment", about="everything about one"),
    Route(
        f"{_ONE}/console",
        "console",
        (
            Parameter("stream", default="stdout", choices=("stdout", "stderr")),
            Parameter("start", "integer", 0, -(10**12), 10**12, about="a line; -N the last N"),
            Parameter("count", "integer", 500, 0, 10_000),
            Parameter("search", about="only lines that hold this text"),
        ),
        about="what it printed",
    ),
    Route(f"{_ONE}/files", "files", about="the files of its folder"),
    Route(f"{_ONE}/file", "file", (_PATH,), "file", "a file, so that nothing in it can act"),
    Route(f"{_ONE}/preview", "preview", (_PATH,), about="what can be shown of a file"),
    Route(
        f"{_ONE}/code",
        "code",
        (Parameter("against", default="base", choices=("base", "head")),),
        about="the code that ran",
    ),
    Route(f"{_ONE}/annotations", "annotations", form="write", about="tag, note and name it"),
    Route("/api/events", "events", form="events", about="what changes, as it does"),
)
ACTIONS = ("tag", "untag", "note", "name")


def parsed(route: Route, query: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Check what is asked, and give the value of every parameter.

    Raises:
        SettingError: a parameter is unknown, given twice, missing, or has a wrong value.
    """
    given: dict[str, str] = {}
    known = {parameter.name for parameter in route.parameters}
    for name, text in query:
        if name not in known:
            raise _wrong(name, "is not known here", f"Known: {', '.join(sorted(known)) or 'none'}.")
        if name in given:
            raise _wrong(name, "is given twice")
        given[name] = text
    return {p.name: _value(p, given.get(p.name, "")) for p in route.parameters}


def _value(parameter: Parameter, text: str) -> Any:
    name, kind = parameter.name, parameter.kind
    if len(text) > LONGEST or "\0" in text:
        raise _wrong(name, "is too long, or holds what no text has")
    if not text:
        if parameter.is_needed:
            raise _wrong(name, "is missing")
        return {"number": None, "flag": False}.get(kind, parameter.default)
    if kind == "flag":
        if text not in ("0", "1"):
            raise _wrong(name, "is neither 0 nor 1")
        return text == "1"
    if kind == "integer":
        if not _INTEGER.fullmatch(text) or not parameter.low <= int(text) <= parameter.high:
            raise _wrong(name, f"is no number from {parameter.low} to {parameter.high}")
        return int(text)
    if kind == "number":
        if not _NUMBER.fullmatch(text):
            raise _wrong(name, "is no number")
        return float(text)
    if parameter.choices and text not in parameter.choices:
        raise _wrong(name, f"is none of {', '.join(parameter.choices)}")
    return text


def _wrong(name: str, problem: str, hint: str = "") -> SettingError:
    return SettingError(f"The parameter {name[:60]!r} {problem}.", hint, name=name)


# ---------------------------------------------------------------------------- OpenAPI


def description(version: str) -> dict[str, Any]:
    """Describe the questions as an OpenAPI document."""
    paths: dict[str, Any] = {}
    for route in ROUTES:
        method = "post" if route.form == "write" else "get"
        paths[route.path] = {method: _operation(route)}
    security = {"type": "apiKey", "in": "header", "name": "X-Meticulous-Token"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "meticulous ui", "version": version},
        "paths": paths,
        "components": {"securitySchemes": {"token": security}},
        "security": [{"token": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    parameters = [_described(parameter) for parameter in route.parameters]
    if "{expid}" in route.path:
        text = {"type": "string", "minLength": 1}
        parameters.append({"name": "expid", "in": "path", "required": True, "schema": text})
    answers: dict[str, Any] = {"200": {"description": route.about, **_content(route)}}
    codes = {"400": "it cannot be understood", "403": "no token", "404": "there is none"}
    if route.form == "write":
        codes |= {"413": "too much", "415": "no JSON"}
    if route.form == "events":
        codes |= {"503": "too many pages"}
    for code, meaning in codes.items():
        answers[code] = {"description": meaning, **_json("error", {"type": "object"})}
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.about,
        "parameters": parameters,
        "responses": answers,
    }
    if route.form == "write":
        operation["requestBody"] = {"required": True, "content": _body()}
    return operation


def _described(parameter: Parameter) -> dict[str, Any]:
    kind = parameter.kind
    schema: dict[str, Any] = {"type": {"integer": kind, "number": kind}.get(kind, "string")}
    if kind == "integer":
        schema |= {"minimum": parameter.low, "maximum": parameter.high}
    if kind == "flag":
        schema["enum"] = ["0", "1"]
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    if parameter.is_needed:
        schema["minLength"] = 1
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.is_needed,
        "description": parameter.about,
        "schema": schema,
    }


def _content(route: Route) -> Mapping[str, Any]:
    if route.form == "file":
        return {"content": {"*/*": {}}}
    if route.form == "events":
        return {"content": {"text/event-stream": {}}}
    return _json(route.name, {})


def _json(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    answer = {
        "type": "object",
        "required": ["schema", name],
        "properties": {"schema": {"const": SCHEMA}, name: schema},
    }
    return {"content": {"application/json": {"schema": answer}}}


def _body() -> dict[str, Any]:
    words = {"type": "array", "items": {"type": "string"}}
    schema = {
        "type": "object",
        "required": ["action", "value"],
        "additionalProperties": False,
        "properties": {
            "action": {"enum": list(ACTIONS)},
            "value": {"anyOf": [{"type": "string"}, words]},
        },
    }
    return {"application/json": {"schema": schema}}


def checked(action: Any, value: Any) -> Any:
    """The value of an annotation, as `_annotations.change` wants it.

    Raises:
        SettingError: it cannot be used.
    """
    if action not in ACTIONS:
        raise SettingError(f"The action is none of {', '.join(ACTIONS)}.", name="action")
    if action in ("tag", "untag"):
        words = value.split(",") if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise SettingError("The value has to be a text, or a list of texts.", name="value")
        tags = list(dict.fromkeys(word.strip() for word in words if word.strip()))
        if not tags or len(tags) > MOST_TAGS or any(len(tag) > 200 for tag in tags):
            raise SettingError("Name at least one tag, and no very long one.", name="value")
        return tags
    if not isinstance(value, str) or len(value) > LONGEST_NOTE:
        raise SettingError("The value has to be a text, and no very long one.", name="value")
    text = value.strip()
    if action == "note" and not text:
        raise SettingError("The note is empty.", name="value")
    return text
