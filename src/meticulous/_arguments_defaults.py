"""What a program would have used, from the actions of its argparse parser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ._arguments_compare import differences
from ._arguments_config import mapping_of
from ._arguments_parsers import SUPPRESS, dests_of, is_suppressed, levels_of

if TYPE_CHECKING:
    import argparse

__all__ = ["defaults_of"]


def defaults_of(
    parser: argparse.ArgumentParser, namespace: Any, arg_list: Sequence[str] | None = None
) -> dict[str, Any]:
    """Tell what the program would have used, from the actions of its parser.

    The chosen sub-command, ``parents=``, ``set_defaults`` and ``argument_default`` count as
    argparse counts them. Left out: positionals and the name of the sub-command, as in 2020; what
    is SUPPRESSed; our options. A required option without a default is None, as for argparse.
    Nothing of the program is called: a default that is text is converted by its ``type`` when that
    is one of Python's own, taken from the namespace when argparse has just converted it, and
    stays text otherwise.

    Args:
        parser: the program's.
        namespace: what it returned.
        arg_list: the words that it parsed (``sys.argv[1:]``, not None, for those of the process);
            None means unknown, and then no converted default is taken from the namespace.

    Returns:
        The defaults, in the order of the parser.
    """
    values = mapping_of(namespace)
    words = arg_list if _is_plain(parser) else None
    defaults: dict[str, Any] = {}
    hidden = dests_of(parser, values, own=True) - dests_of(parser, values, own=False)
    for level in levels_of(parser, values):
        candidates = [_defaults_at(one, values, words) for one in level]
        first = candidates[0]
        defaults.update(
            (dest, value)
            for dest, value in first.items()
            if all(
                dest in other and not differences({"": value}, {"": other[dest]})
                for other in candidates[1:]
            )
        )
        hidden.update(
            action.dest for one in level for action in one._actions if not action.option_strings
        )
    return {dest: value for dest, value in defaults.items() if dest not in hidden}


def _is_plain(parser: Any) -> bool:
    """Whether what a parser returns is what argparse makes of it."""
    methods = (parser.parse_args, parser.parse_known_args)
    return all(getattr(method, "__module__", None) == "argparse" for method in methods)


def _defaults_at(
    parser: Any, values: dict[str, Any], words: Sequence[str] | None
) -> dict[str, Any]:
    """The defaults of one parser; the first action of a dest decides, then ``set_defaults``."""
    defaults: dict[str, Any] = {}
    for action in parser._actions:
        left_out = action.dest == SUPPRESS or is_suppressed(action.default)
        if not left_out and action.dest not in defaults:
            defaults[action.dest] = _converted(parser, action, values, words)
    for dest, value in parser._defaults.items():
        defaults.setdefault(dest, value)
    return defaults


def _converted(
    parser: Any, action: Any, values: dict[str, Any], words: Sequence[str] | None
) -> Any:
    default = action.default
    if not isinstance(default, str):
        return default
    kind = parser._registry_get("type", action.type, action.type)
    if action.type is None or not callable(kind):
        return default
    if _is_of_python(kind):
        try:
            return kind(default)
        except Exception:  # argparse would have reported it, had the option not been given
            return default
    if action.dest in values and _certainly_not_given(parser, action.dest, words):
        return values[action.dest]
    return default


_NOT_PURE = ("open", "input", "eval", "exec", "compile", "print", "__import__", "breakpoint")
_PURE_MODULES = ("decimal", "fractions", "pathlib", "pathlib._local", "uuid", "ipaddress")
_PURE_FUNCTIONS = (("json", "loads"), ("ast", "literal_eval"))


def _is_of_python(kind: Any) -> bool:
    """Whether converting text with it has no effect but the result."""
    module, name = getattr(kind, "__module__", None), getattr(kind, "__name__", "")
    if module == "builtins":
        return name not in _NOT_PURE
    if isinstance(kind, type):
        enumerated = any(
            (base.__module__, base.__name__) == ("enum", "Enum") for base in kind.__mro__
        )
        return enumerated or module in _PURE_MODULES
    return (module, name) in _PURE_FUNCTIONS


def _certainly_not_given(parser: Any, dest: str, words: Sequence[str] | None) -> bool:
    """Whether no word can mean an option that writes to dest, however abbreviated or combined."""
    if words is None:
        return False
    if any(word[:1] in (parser.fromfile_prefix_chars or "") for word in words if word):
        return False
    options = [name for one in parser._actions if one.dest == dest for name in one.option_strings]
    return not any(_may_mean(word, name) for word in words for name in options)


def _may_mean(word: str, option: str) -> bool:
    word, option = word.split("=", 1)[0], str(option)
    if len(option) == 2:  # -v in -xvf, or with its value behind it
        return word[:1] == option[0] and option[1] in word
    return len(word) > 1 and (option.startswith(word) or word.startswith(option))
