"""The option group "meticulous" of an argparse parser, which gives way to the program's own.

Whatever the program names like one of ours is the program's, whether it was added before our group
or is added after it, and our options change nothing in how its own are parsed:

- an option string is left to the program (`_Classes` sees each action that is made later);
- a ``dest`` is left to the program: ours neither gives it a default nor writes to it (`OwnAction`);
- an abbreviation means ours only where it can mean nothing of the program's (`_OwnName`).

Imported only with a parser at hand: argparse costs more to import than the rest of this package.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Iterator
from typing import Any

from ._arguments_parsers import is_own, subparsers_of

__all__ = ["OwnAction", "add"]

TITLE = "meticulous"
DESCRIPTION = "arguments for initializing Experiment object"
_LEFT = "; left to options of this program: "

_TEXTS: dict[str, str] = {
    "project_directory": "the directory of the project; any directory inside a git repository "
    "(default: found upwards from the working directory)",
    "experiments_directory": "where experiments are stored, relative to the project directory",
    "experiment_id": "the id of the experiment, instead of the next number; one that exists is "
    "continued if its args and its commit are the same",
    "description": "a text that is kept with the experiment",
    "resume": "continue the newest experiment with the same args and the same commit; start a new "
    "one if there is none",
    "norecord": "record nothing and do not ask for a clean repository; for development and "
    "debugging",
    "dirty": "what to do about code that is not committed: refuse to start, record a snapshot of "
    "it, or record only that it is so (default: refuse, or as set)",
    "capture": "what to keep of the console: what Python writes, also what child processes and C "
    "code write, or nothing (default: sys, or as set)",
}
_CHOICES = {"dirty": ("refuse", "snapshot", "allow"), "capture": ("sys", "fd", "off")}
_SWITCHES = ("resume", "norecord")


def add(parser: argparse.ArgumentParser, defaults: dict[str, Any]) -> None:
    """Add the group; options that the program has already are left to it, and the help says so.

    Args:
        parser: the program's.
        defaults: for each option, in the order of the help, its value when it is not given.

    Raises:
        argparse.ArgumentError: the group was added to this parser before.
    """
    group = parser.add_argument_group(TITLE, DESCRIPTION)
    chars = parser.prefix_chars
    prefix = ("-" if "-" in chars else chars[0]) * 2
    for dest, default in defaults.items():
        name = prefix + dest.replace("_", "-")
        holder = parser._option_string_actions.get(name)
        if holder is not None and not is_own(holder):
            _say_left(group, name)
            continue
        settings: dict[str, Any] = {"dest": dest, "default": default, "help": _TEXTS[dest]}
        if dest in _SWITCHES:
            settings["const"] = True
        if dest in _CHOICES:
            settings["choices"] = _CHOICES[dest]
        group.add_argument(name, action=OwnAction, **settings)


def _say_left(group: Any, name: str) -> None:
    text = group.description or ""
    group.description = text + (", " if _LEFT in text else _LEFT) + name


class OwnAction(argparse.Action):
    """An option of ours: stores its value or, with ``const``, that; also when the program owns the
    dest of the same name, but then not in the namespace.

    Attributes:
        given: whether it was on the command line since this was last set to False.
        value: what it was given then.
    """

    is_meticulous = True

    def __init__(
        self, option_strings: list[str], dest: str, const: Any = None, **settings: Any
    ) -> None:
        names = [_OwnName(name) for name in option_strings]
        for name in names:
            name.action = self
        if const is not None:
            settings["nargs"] = 0
        super().__init__(names, dest, const=const, **settings)
        self.given = False
        self.value: Any = None

    def __call__(
        self, parser: Any, namespace: Any, values: Any, option_string: str | None = None
    ) -> None:
        """Take the value from the command line."""
        self.given = True
        self.value = self.const if self.nargs == 0 else values
        if not self._dest_is_taken():
            setattr(namespace, self.dest, self.value)

    def _dest_is_taken(self) -> bool:
        container = self.__dict__.get("container")
        return container is not None and any(
            action.dest == self.dest and not is_own(action) for action in container._actions
        )

    # The help formatter reads vars(action), so the plain value stays in the instance.
    @property
    def default(self) -> Any:
        """What argparse puts into the namespace: nothing when the program owns the dest."""
        return argparse.SUPPRESS if self._dest_is_taken() else self.__dict__["default"]

    @default.setter
    def default(self, value: Any) -> None:
        self.__dict__["default"] = value

    @property
    def container(self) -> Any:
        """The group that the option stands in; argparse sets it, also for ``parents=``."""
        return self.__dict__["container"]

    @container.setter
    def container(self, group: Any) -> None:
        self.__dict__["container"] = group
        classes = group._registries["action"]
        if not isinstance(classes, _Classes):
            group._registries["action"] = _Classes(classes, group._option_string_actions)

    def leave(self, name: str) -> None:
        """Go, because the program has an option of this name; the help says so."""
        group = self.container
        group._option_string_actions.pop(name, None)
        group._remove_action(self)
        _say_left(group, name)


class _Classes(dict[Any, Any]):
    """The action classes that a parser and all its groups, also later ones, share.

    Each new action is made through here just before argparse looks for conflicts, so this is where
    ours leaves. (A conflict handler would have to be put on every group, also on later ones, and
    ``conflict_handler="resolve"`` would change what the program's own conflicts do.)
    """

    def __init__(self, classes: dict[Any, Any], options: dict[str, argparse.Action]) -> None:
        super().__init__(classes)
        self.options = options

    def get(self, name: Any, default: Any = None) -> Any:
        """Give what makes an action, as argparse asks for it."""
        kind = super().get(name, default)
        return functools.partial(self._make, kind) if callable(kind) else kind

    def _make(self, kind: Any, **settings: Any) -> Any:
        action = kind(**settings)
        if not is_own(action):
            for name in getattr(action, "option_strings", ()):
                holder = self.options.get(name)
                if isinstance(holder, OwnAction):
                    holder.leave(name)
        return action


class _OwnName(str):
    """An option string that an abbreviation means only where it can mean nothing else.

    argparse asks each option string whether it starts with what was typed, also before it hands
    words on to a sub-command. ``--dirty`` and ``--capture``, which 2020 did not have, are never
    meant by an abbreviation.
    """

    action: OwnAction

    def startswith(self, prefix: Any, *limits: Any) -> bool:
        """Answer argparse's question."""
        if not super().startswith(prefix, *limits):
            return False
        if prefix == self or "container" not in self.action.__dict__:
            return True
        return self.action.dest not in _CHOICES and not any(
            name.startswith(prefix) for name in _names_of_program(self.action.container)
        )


def _names_of_program(container: Any) -> Iterator[str]:
    """The option strings of a parser or group and of all its sub-commands, without ours."""
    for name, action in container._option_string_actions.items():
        if not is_own(action):
            yield name
    for action in container._actions:
        for parser in set(subparsers_of(action).values()):
            yield from _names_of_program(parser)
