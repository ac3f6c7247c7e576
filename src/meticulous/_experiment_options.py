"""How an experiment is asked for: in code, or on the command line by a parser of argparse."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import argparse
    from typing import Self

__all__ = ["FromParser", "Request"]


class Request(NamedTuple):
    """What the program asked for, as it said it."""

    args: Any
    default_args: Any
    experiment_id: Any
    description: str
    resume: bool | str
    name: str
    tags: tuple[str, ...]
    command: tuple[str, ...] | None = None  # of a program that is recorded from outside
    reproduces: str = ""  # the experiment that is run again

    def annotations(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.name:
            found["name"] = self.name
        if self.tags:
            found["tags"] = list(dict.fromkeys(map(str, self.tags)))
        return found


class FromParser:
    """The part of `Experiment` that knows argparse."""

    if TYPE_CHECKING:

        def __init__(self, args: Any, default_args: Any, **options: Any) -> None: ...

    @staticmethod
    def add_argument_group(
        parser: argparse.ArgumentParser,
        project_directory: str = "",
        experiments_directory: str = "experiments",
        experiment_id: str | None = None,
        description: str = "",
        norecord: bool = False,
        *,
        resume: bool = False,
        dirty: str | None = None,
        capture: str | None = None,
    ) -> None:
        """Add the group "meticulous" with the options of an experiment to a parser.

        Args:
            parser: an option of its own that is named like one of ours wins; ours steps back.
            project_directory: default of the option, as are all others.
            experiments_directory: see `Experiment`.
            experiment_id: see `Experiment`.
            description: see `Experiment`.
            norecord: see `Experiment`.
            resume: see `Experiment`.
            dirty: see `Experiment`.
            capture: see `Experiment`.
        """
        from . import _arguments

        _arguments.add_argument_group(
            parser,
            project_directory=project_directory,
            experiments_directory=experiments_directory,
            experiment_id=experiment_id,
            description=description,
            norecord=norecord,
            resume=resume,
            dirty=dirty,
            capture=capture,
        )

    @staticmethod
    def extract_meticulous_args(
        parser: argparse.ArgumentParser, arg_list: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Parse, and give only the options of the group "meticulous".

        Args:
            parser: one that `add_argument_group` has seen.
            arg_list: the words; those of the command line when not given.

        Returns:
            Name to value, as keywords of `Experiment`.
        """
        from . import _arguments

        return _arguments.extract_meticulous_args(parser, arg_list)

    @classmethod
    def from_parser(
        cls,
        parser: argparse.ArgumentParser,
        arg_list: Sequence[str] | None = None,
        capture_defaults: bool = True,
        *,
        known: bool = False,
        **meticulous_args: Any,
    ) -> Self:
        """Start an experiment from the command line, parsed once.

        ``parser.parse_args()`` afterwards returns what it returns without us.

        Args:
            parser: its args are recorded, and as defaults what its actions say.
            arg_list: the words; those of the command line when not given.
            capture_defaults: False records that the defaults are not known.
            known: accept words that the parser does not know, as ``parse_known_args`` does; they
                are recorded under ``unknown_args``.
            **meticulous_args: keywords of `Experiment`, for what the command line does not say.

        Returns:
            The experiment.

        Raises:
            SystemExit: the command line is wrong, as `parser.parse_args` raises it; nothing was
                created.
            MeticulousError: as `Experiment`.
        """
        from . import _arguments

        words = sys.argv[1:] if arg_list is None else arg_list
        args, options, namespace = _arguments.take_meticulous(parser, words, known=known)
        defaults = _arguments.defaults_of(parser, namespace, words) if capture_defaults else None
        return cls(args, defaults, **{**meticulous_args, **options})
