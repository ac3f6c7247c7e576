"""``meticulous completion``: completion for shells, which ask this command what could follow."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterable, Sequence

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
        return _beginning(last, _values(command, before))
    return []


def _beginning(word: str, known: Iterable[str]) -> list[str]:
    return [name for name in known if name.startswith(word)]


def _options(command: str) -> list[str]:
    """The options of a command, as its help tells them."""
    from . import load

    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit, SettingError):
        load(command)(["--help"])
    return list(dict.fromkeys(_OPTION.findall(text.getvalue())))


def _values(command: str, before: list[str]) -> list[str]:
    option = next((word for word in reversed(before) if word.startswith("-")), "")
    if command == "completion":
        return list(_SHELLS)
    if option == "--status":
        return [_status.SUCCESS, _status.ERROR, _status.RUNNING, _status.LOST, _status.SILENT]
    from ..experiments import Experiments

    store = Experiments()
    if option in _NAMES:
        from .._query_names import Names

        fields = Names(store.lazy_rows()).fields("args", "summary")
        return [field.name for field in fields]
    return [] if command in _NO_IDS or option == before[-1] else [*store, "last"]
