"""Which of an argparse parser's sub-commands took part, and whose its options are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

__all__ = [
    "all_parsers",
    "dests_of",
    "is_own",
    "is_suppressed",
    "levels_of",
    "own_of",
    "subparsers_of",
]

SUPPRESS = "==SUPPRESS=="


def is_own(action: Any) -> bool:
    """Tell our options from the program's."""
    return getattr(action, "is_meticulous", False) is True


def subparsers_of(action: Any) -> dict[str, Any]:
    """Give the parsers by command when an action chooses between sub-commands, else nothing."""
    parsers = getattr(action, "_name_parser_map", None)
    return parsers if isinstance(parsers, dict) else {}


def own_of(parser: Any) -> Iterator[Any]:
    """Our actions in a parser."""
    return (action for action in parser._actions if is_own(action))


def _choices(parser: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The actions that choose a sub-command, with their parsers."""
    return ((action, subparsers_of(action)) for action in parser._actions if subparsers_of(action))


def all_parsers(parser: Any) -> Iterator[Any]:
    """A parser and those of all its sub-commands."""
    yield parser
    for _, parsers in _choices(parser):
        for one in _distinct(parsers.values()):
            yield from all_parsers(one)


def _distinct(parsers: Iterable[Any]) -> list[Any]:
    """Each parser once: an alias of a command leads to the same one."""
    return list({id(parser): parser for parser in parsers}.values())


def levels_of(parser: Any, values: dict[str, Any]) -> Iterator[list[Any]]:
    """The parsers that took part, from the outside in.

    argparse does not always tell which sub-command was chosen. A level has several parsers when
    those cannot be told apart by what is in the namespace.
    """
    level = [parser]
    while level:
        yield level
        level = [
            chosen
            for one in level
            for action, parsers in _choices(one)
            for chosen in _chosen(action, parsers, values)
        ]


def _chosen(action: Any, parsers: dict[str, Any], values: dict[str, Any]) -> list[Any]:
    if action.dest != SUPPRESS:
        name = values.get(action.dest)
        return [parsers[name]] if isinstance(name, str) and name in parsers else []
    fitting = [one for one in _distinct(parsers.values()) if _fits(one, values)]
    most = max((len(_lasting(one)) for one in fitting), default=0)
    return [one for one in fitting if len(_lasting(one)) == most]


def _fits(parser: Any, values: dict[str, Any]) -> bool:
    """Whether a sub-command can have left these values."""
    dests = {action.dest for action in parser._actions}
    return _lasting(parser) <= values.keys() and all(
        values[dest] is value for dest, value in parser._defaults.items() if dest not in dests
    )


def _lasting(parser: Any) -> set[str]:
    """The dests that a parser puts into every namespace."""
    kept: set[str] = {
        action.dest
        for action in parser._actions
        if action.dest != SUPPRESS and not is_suppressed(action.default)
    }
    return kept.union(parser._defaults)


def dests_of(parser: Any, values: dict[str, Any], *, own: bool) -> set[str]:
    """The dests that our options, or those of the program, write to."""
    return {
        action.dest
        for level in levels_of(parser, values)
        for one in level
        for action in one._actions
        if is_own(action) == own
    }


def is_suppressed(default: Any) -> bool:
    """Whether argparse leaves a dest with this default out of the namespace."""
    return isinstance(default, str) and default == SUPPRESS
