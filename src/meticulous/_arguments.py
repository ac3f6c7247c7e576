"""The arguments sense: what was the program asked, and what would it have used?

A command line is parsed once, by the program's own parser. Defaults are read from the parser's
actions, never by parsing again; configurations of other libraries are read by their result, without
importing them. `_arguments_parsers` knows whose the options of a parser are, `_arguments_defaults`
what it would have used, `_arguments_group` is our option group; `_arguments_config` reads
everything else, and `_arguments_compare` tells what differs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import _json
from ._arguments_compare import describe_differences, differences
from ._arguments_config import mapping_of
from ._arguments_defaults import defaults_of
from ._arguments_parsers import all_parsers, dests_of, levels_of, own_of
from .errors import SettingError

if TYPE_CHECKING:
    import argparse

__all__ = [
    "OPTIONS",
    "add_argument_group",
    "defaults_of",
    "describe_differences",
    "differences",
    "extract_meticulous_args",
    "mapping_of",
    "take_meticulous",
]

_PLAIN: dict[str, Any] = {
    "project_directory": "",
    "experiments_directory": "experiments",
    "experiment_id": None,
    "description": "",
    "resume": False,
    "norecord": False,
    "dirty": None,
    "capture": None,
}
OPTIONS = tuple(_PLAIN)

UNKNOWN = "unknown_args"


def add_argument_group(
    parser: argparse.ArgumentParser,
    *,
    project_directory: str = "",
    experiments_directory: str = "experiments",
    experiment_id: str | None = None,
    description: str = "",
    resume: bool = False,
    norecord: bool = False,
    dirty: str | None = None,
    capture: str | None = None,
) -> None:
    """Add the option group "meticulous"; options of the program with the same name stay its own.

    Args:
        parser: an argparse parser.
        project_directory: the default of ``--project-directory``.
        experiments_directory: the default of ``--experiments-directory``.
        experiment_id: the default of ``--experiment-id``.
        description: the default of ``--description``.
        resume: the default of ``--resume``.
        norecord: the default of ``--norecord``.
        dirty: the default of ``--dirty``; None leaves it to the settings.
        capture: the default of ``--capture``; None leaves it to the settings.

    Raises:
        argparse.ArgumentError: the group was added to this parser before, as in 2020.
    """
    from . import _arguments_group

    defaults = {
        "project_directory": project_directory,
        "experiments_directory": experiments_directory,
        "experiment_id": experiment_id,
        "description": description,
        "resume": resume,
        "norecord": norecord,
        "dirty": dirty,
        "capture": capture,
    }
    _arguments_group.add(parser, defaults)


def take_meticulous(
    parser: argparse.ArgumentParser, arg_list: Sequence[str] | None = None, *, known: bool = False
) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Parse a command line, once, and part our options from the program's.

    Args:
        parser: the program's, with or without our group.
        arg_list: the words; None means ``sys.argv[1:]``.
        known: use ``parse_known_args``: words that the parser does not know are no error but
            stand under ``unknown_args`` in args (only when there are any).

    Returns:
        Three things. The args in the order of the parser. Those of our options that say something:
        given on the command line, or with a default in code that is not the plain one. The
        namespace as the parser returned it.

    Raises:
        SystemExit: ``--help``, or the command line is wrong; nothing was changed.
        SettingError: the parser is not one of argparse.
    """
    _check(parser)
    words = sys.argv[1:] if arg_list is None else arg_list
    for one in all_parsers(parser):
        for action in own_of(one):
            action.given = False
    unknown: list[str] = []
    if known:
        namespace, unknown = parser.parse_known_args(words)
    else:
        namespace = parser.parse_args(words)
    args = mapping_of(namespace)
    options = _options(parser, args)
    plain = {name: value for name, (value, given) in options.items() if not given}
    if unknown:
        args[_free(UNKNOWN, args)] = list(unknown)
    given = {
        name: value
        for name, (value, _) in options.items()
        if name not in plain or value != _PLAIN[name]
    }
    return args, given, namespace


def extract_meticulous_args(
    parser: argparse.ArgumentParser, arg_list: Sequence[str] | None = None
) -> dict[str, Any]:
    """Parse a command line, once, and give the values of our options, given or not.

    Args:
        parser: the program's, with our group.
        arg_list: the words; None means ``sys.argv[1:]``.

    Returns:
        What `meticulous.Experiment` takes as keywords; without the options that the program has
        for itself.

    Raises:
        SystemExit: ``--help``, or the command line is wrong.
    """
    _check(parser)
    words = sys.argv[1:] if arg_list is None else arg_list
    options = _options(parser, mapping_of(parser.parse_args(words)))
    return {name: value for name, (value, _) in options.items()}


def _check(parser: Any) -> None:
    if not hasattr(parser, "parse_args") or not isinstance(getattr(parser, "_actions", None), list):
        raise SettingError(
            f"from_parser needs an argparse parser, not {_json.text_of(parser)[:80]}.",
            "Give what another library parsed to Experiment(...) itself.",
            name="parser",
            value=parser,
        )


def _options(
    parser: argparse.ArgumentParser, values: dict[str, Any]
) -> dict[str, tuple[Any, bool]]:
    """Our options by name: value, and whether on the command line; takes them out of the values."""
    theirs = dests_of(parser, values, own=False)
    found: dict[str, list[Any]] = {}
    for level in levels_of(parser, values):
        for one in level:
            for action in own_of(one):
                found.setdefault(action.dest, []).append(action)
    options: dict[str, tuple[Any, bool]] = {}
    for name in OPTIONS:
        if name not in found:
            continue
        given = [action for action in found[name] if action.given]
        value = found[name][-1].__dict__["default"]
        if name not in theirs:
            value = values.pop(name, value)
        # A sub-command with our group puts its defaults over what was given before it.
        if given and (name in theirs or len(found[name]) > 1):
            value = given[-1].value
        options[name] = (value, bool(given))
    return options


def _free(name: str, taken: dict[str, Any]) -> str:
    while name in taken:
        name += "_"
    return name
