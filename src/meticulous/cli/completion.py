"""``meticulous completion``: completion for shells, which ask this command what could follow."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

from .. import _status
from .._table import clean
from ..errors import MeticulousError, SettingError
from . import _output

__all__ = ["run"]

_EXAMPLES = """\
examples:
  eval "$(meticulous completion bash)"              in ~/.bashrc
  eval "$(meticulous completion zsh)"               in ~/.zshrc, after compinit
  meticulous completion fish > ~/.config/fish/completions/meticulous.fish

It completes commands, options, ids of experiments, and the names of their args and summary values.
"""
_BASH = """\
_meticulous() {
    local IFS=$'\\n'
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=($(meticulous completion --words "${words[@]}" 2>/dev/null))
    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _meticulous meticulous
"""
_ZSH = """\
_meticulous() {
    local -a found
    found=("${(@f)$(meticulous completion --words "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$found" ]]; then compadd -a found; else _files; fi
}
compdef _meticulous meticulous
"""
_FISH = """\
function __meticulous
    set -l words (commandline -opc) (commandline -ct)
    meticulous completion --words $words[2..-1] 2>/dev/null
end
complete -c meticulous -a '(__meticulous)'
"""
_SHELLS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_NAMES = ("--sort", "--columns", "--groupby", "--seed", "--rows", "--cols", "--cell")
_NO_IDS = ("list", "completion", "doctor", "purge", "restore")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z_-]*")


def run(argv: Sequence[str]) -> int:
    """Print a shell's script, or what could follow; see ``meticulous completion --help``."""
    if argv[:1] == ["--words"]:
        found = _candidates(list(argv[1:]) or [""])
        _output.write("".join(f"{clean(word)}\n" for word in found))
        return 0
    parser = _output.Parser(
        "completion",
        "Print what makes a shell complete meticulous commands.",
        _EXAMPLES,
        "meticulous completion {bash,zsh,fish}",
    )
    parser.add_argument("shell", choices=_SHELLS, help="the shell that is to complete")
    parser.add_argument("--json", action="store_true", help="the same script as a JSON value")
    options = parser.parse_args(argv)
    if options.json:
        _output.print_json("script", _SHELLS[options.shell])
    else:
        _output.write(_SHELLS[options.shell])
    return 0


def _candidates(words: list[str]) -> list[str]:
    """What the last word could become; nothing when that cannot be told."""
    from . import ALIASES, COMMANDS

    *before, last = words
    if not before:
        return _beginning(last, [*COMMANDS, "--help", "--version"])
    command = ALIASES.get(before[0], before[0])
    if command not in COMMANDS:
        command = "list"
    if last.startswith("-"):
        return _beginning(last, _options(command))
    with contextlib.suppress(MeticulousError, OSError):
        return _beginning(last, _values(command, before, last))
    return []


def _beginning(word: str, known: Iterable[str]) -> list[str]:
    return [name for name in known if name.startswith(word)]


def _help(command: str) -> str:
    from . import load

    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit, SettingError):
        load(command)(["--help"])
    return text.getvalue()


def _options(command: str) -> list[str]:
    """The options of a command, as its help tells them."""
    return list(dict.fromkeys(_OPTION.findall(_help(command))))


def _takes_value(command: str, option: str) -> bool:
    """Whether a word is to follow an option, as the command's help tells it."""
    spellings = rf"^ +(?:-[^ ]+(?: [A-Z]+)?, )*{re.escape(option)}(?:, -[\w-]+)* [^ \n]"
    return bool(re.search(spellings, _help(command), re.MULTILINE))


def _values(command: str, before: list[str], last: str) -> list[str]:
    """What may stand after the words before."""
    option = next((word for word in reversed(before) if word.startswith("-")), "")
    is_value = option == before[-1] and _takes_value(command, option)
    if command == "completion":
        return list(_SHELLS)
    if option == "--status":
        return [_status.SUCCESS, _status.ERROR, _status.RUNNING, _status.LOST, _status.SILENT]
    choices = re.search(re.escape(option) + r" \{([^}]*)\}", _help(command)) if is_value else None
    if choices:
        return re.sub(r"\s", "", choices[1]).split(",")
    store = _store_of(command, before)
    if option in _NAMES:
        return _listed(_names(store, "args", "summary"), last)
    ids = is_value and option in ("-i", "--ids")
    free = not is_value and option not in ("-i", "--ids")
    if option == "--metrics" or (command == "plot" and free):
        return _listed(_metrics(store), last)
    if (option == "--tag" and command == "list") or (command == "tag" and len(before) > 1):
        return _listed(_tags(store), last)
    if command == "stats" and len(before) == 1:
        return [*_names(store, "summary"), *_metrics(store)]
    return [*store, "last"] if ids or not (command in _NO_IDS or is_value) else []


def _store_of(command: str, before: list[str]) -> Any:
    """The experiments that the words before are about."""
    from ..experiments import Experiments

    given = dict(itertools.pairwise(before))
    directory = given.get("--experiments-directory", "")
    if command == "list":
        directory = next((word for word in before if os.path.isdir(word)), directory)
    if os.path.isdir(directory):
        directory = os.path.abspath(directory)
    return Experiments(given.get("--project-directory", ""), directory or None)


def _listed(names: Iterable[str], last: str) -> list[str]:
    """Names after those of a list with commas."""
    start = last[: last.rfind(",") + 1]
    return [start + name for name in names]


def _names(store: Any, *groups: str) -> list[str]:
    from .._query_names import Names

    return [field.name for field in Names(store.lazy_rows()).fields(*groups)]


def _metrics(store: Any) -> list[str]:
    """The metrics of the newest experiment."""
    numbers = [expid for expid in store if expid.isascii() and expid.isdigit()] or [*store]
    return list(store[numbers[-1]].metrics) if numbers else []


def _tags(store: Any) -> list[str]:
    found: dict[str, None] = {}
    for row in store.lazy_rows():
        tags = row["annotations"].get("tags")
        found.update(dict.fromkeys(map(str, tags)) if isinstance(tags, list) else {})
    return list(found)
