"""The ``meticulous`` command: which command is meant, and how errors are told.

A command's module is imported only when it runs: its ``run(argv)`` returns the exit code.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence

from ..errors import MeticulousError, SettingError

__all__ = ["main"]

COMMANDS = {
    "run": ("run", "record any program, in any language, from outside"),
    "list": ("list", "what was recorded, how it ended, and what came out"),
    "show": ("show", "everything about one experiment"),
    "diff": ("diff", "what explains the difference between experiments"),
    "logs": ("logs", "what an experiment printed, also while it runs"),
    "plot": ("plot", "curves of metrics, in the terminal"),
    "stats": ("stats", "mean and interval over seeds, and whether a difference is more than them"),
    "table": ("table", "the paper's table, from the experiments"),
    "grep": ("grep", "look for text in the output, args, notes and patches of all"),
    "tag": ("tag", "add tags to experiments, or take them off"),
    "note": ("note", "add a note to experiments"),
    "rename": ("rename", "give an experiment a name"),
    "lock": ("lock", "keep experiments from being removed, or allow it again"),
    "rm": ("rm", "throw experiments into the trash"),
    "restore": ("restore", "take experiments out of the trash"),
    "purge": ("purge", "empty the trash, by age"),
    "verify": ("verify", "which commits, files and folders are still whole"),
    "affected": ("affected", "which experiments ran a commit, a file, or some lines of it"),
    "lineage": ("lineage", "what an experiment came from, and what was made from it"),
    "bundle": ("bundle", "experiments and their code in one file, for somebody else"),
    "import": ("import_", "take in the experiments and the code of a bundle"),
    "push-code": ("push_code", "push the commits that experiments ran to a git remote"),
    "export": ("export", "write experiments out, as a data frame or as folders"),
    "checkout": ("checkout", "the code that an experiment ran, in a directory of its own"),
    "reproduce": ("reproduce", "run an experiment again, and say whether the result is the same"),
    "ui": ("ui", "look at experiments in the browser"),
    "completion": ("completion", "completion for bash, zsh and fish"),
    "doctor": ("doctor", "this machine, as meticulous sees it, in one screen"),
}
"""Each command's module and what it does."""

ALIASES = {"ls": "list"}
_DEFAULT = "list"
_INTERRUPTED = 130

_HELP = """\
usage: meticulous [list] [DIRECTORY] [options]

Look at recorded experiments.

commands:
{commands}

A first word that is no command is an experiments folder, and the command is list. Without a
folder it is the one of the project around the working directory.

options:
  -h, --help     show this help; 'meticulous COMMAND --help' shows a command's options
  --version      show the version; with --json for programs

examples:
  meticulous
  meticulous experiments/ --args all
  meticulous list --json | jq '.experiments[].summary'
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the words after ``meticulous``; None for those of this process.

    Returns:
        The exit code: 0 answered, 1 failed, 2 wrong usage; 130 after Ctrl-C. A pipe that nobody
        reads any more ends it quietly, with 0.
    """
    words = sys.argv[1:] if argv is None else [*argv]
    from . import _output

    try:
        return _run(words)
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return _INTERRUPTED
    except SystemExit as stop:  # argparse, after --help
        return stop.code if isinstance(stop.code, int) else 0
    except MeticulousError as error:
        _output.print_error(error)
        return error.exit_code
    except OSError as error:
        _output.print_error(error)
        return 1


def _run(words: list[str]) -> int:
    from . import _output

    first = words[0] if words else ""
    if first == "help" and not os.path.isdir(first):
        words = [*words[1:2], "--help"]
        first = words[0]
    if first in ("-h", "--help"):
        commands = "\n".join(f"  {name:<13}  {does}" for name, (_, does) in COMMANDS.items())
        _output.write(_HELP.format(commands=commands))
        return 0
    if first == "--version":
        from .. import __version__

        if "--json" in words:
            _output.print_json("version", __version__)
        else:
            _output.write(f"meticulous {__version__}\n")
        return 0
    name = ALIASES.get(first, first)
    if name in COMMANDS:
        words = words[1:]
    else:
        name = _DEFAULT
        _check_word(first)
        words = ["--all", *words] if words else words  # as in 2020, when this was all there was
    return load(name)(words)


def load(name: str) -> Callable[[Sequence[str]], int]:
    """Import a command's module, and give the function that runs it."""
    import importlib

    run: Callable[[Sequence[str]], int] = importlib.import_module(
        f".{COMMANDS[name][0]}", __name__
    ).run
    return run


def _check_word(word: str) -> None:
    """Tell a misspelled command or folder from a folder.

    Raises:
        SettingError: there is no such folder, but something nearly called so.
    """
    if word and word[0].isalpha() and not os.path.exists(word):
        import difflib

        folder, name = os.path.split(word.rstrip("/"))
        close = [f"meticulous {command}" for command in difflib.get_close_matches(word, COMMANDS)]
        with contextlib.suppress(OSError), os.scandir(folder or os.curdir) as entries:
            known = [entry.name for entry in entries if entry.is_dir()]
            if near := difflib.get_close_matches(name, known, 1, 0.8):
                close.insert(0, f"meticulous {os.path.join(folder, near[0], '')}")
        if close:
            raise SettingError(
                f"There is no command and no folder {word!r}.", f"Did you mean {close[0]!r}?"
            )
