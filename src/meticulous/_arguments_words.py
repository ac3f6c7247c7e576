"""What a program of any kind was asked, guessed from the words of its command line.

Taken for args are ``--name value``, ``--name=value``, ``-n value`` and ``key=value``; a name that
no value follows is true. Values are numbers, true, false or null only where no character is lost.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from typing import Any

__all__ = ["args_of", "scripts_of"]

_RUNNERS = re.compile(
    r"(python|pypy)[\d.]*t?|Rscript|julia|node|perl|ruby|lua|(ba|z|k|da)?sh|octave|torchrun|"
    r"accelerate|deepspeed|mpirun|mpiexec|srun|env|nice|nohup|time|timeout|stdbuf|taskset|uv"
)
_SUFFIXES = re.compile(
    r".*\.(pyw?|ipynb|R|r|jl|sh|bash|zsh|pl|rb|lua|m?js|ts|m|sql|awk|tcl|c|cc|cpp|cu|h|f90|go|rs|java)"
)
_OPTION = re.compile(r"--?[+]?([A-Za-z][\w./-]*)")
_ASSIGNED = re.compile(r"[+~]{0,2}([A-Za-z_][\w./@-]*)=(.*)", re.DOTALL)
_NUMBER = re.compile(r"-?(\d|\.\d)[\w.+-]*")
_POWER = re.compile(r"-?\d+(\.\d+)?[eE][+-]\d{1,3}")  # 1e-4 is never anything but a number


def args_of(command: Sequence[str]) -> dict[str, Any]:
    """Tell what a command was asked.

    Words of the interpreter or launcher, up to the script that it runs, are none of the program's.

    Args:
        command: its words, the first of which is the program.

    Returns:
        Name to value, in their order, ``-`` in names as ``_``; one that is given several times has
        a list. Words that stand alone are left out.
    """
    words = list(command[_begin(command) :])
    args: dict[str, list[Any]] = {}
    while words:
        word = words.pop(0)
        if word == "--":
            break
        name, sign, text = word.partition("=")
        option, assigned = _OPTION.fullmatch(name), _ASSIGNED.fullmatch(word)
        value: Any = True
        if option and sign:
            value = _typed(text)
        elif option and words and not (_is_option(words[0]) or _ASSIGNED.fullmatch(words[0])):
            value = _typed(words.pop(0))
        elif assigned:
            value = _typed(assigned[2])
        elif not option:
            continue
        found = option or assigned
        assert found is not None
        args.setdefault(found[1].replace("-", "_"), []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in args.items()}


def scripts_of(command: Sequence[str]) -> list[str]:
    """List the source files that a command names, as absolute paths: scripts, not data."""
    found = []
    for before, word in zip(("", *command), command, strict=False):
        paths = [word]
        if before == "-m":
            module = word.replace(".", os.sep)
            paths = [f"{module}.py", os.path.join(module, "__main__.py")]
        found += [os.path.realpath(path) for path in paths if _is_source(path)]
    return found


def _begin(command: Sequence[str]) -> int:
    """Where the words of the program itself begin."""
    if not command or not _RUNNERS.fullmatch(os.path.basename(command[0])):
        return 1
    for index, word in enumerate(command[1:], 1):
        if word in ("-c", "-e"):
            return index + 2  # past the code
        if word == "-m":
            return index + 2
        if not word.startswith("-") and _is_source(word):
            return index + 1
    return 1


def _is_source(path: str) -> bool:
    try:
        if not os.path.isfile(path):
            return False
        if _SUFFIXES.fullmatch(path):
            return True
        with open(path, "rb") as file:
            return file.read(2) == b"#!"
    except (OSError, ValueError):  # a name with a null, a file that is not for us
        return False


def _is_option(word: str) -> bool:
    return word.startswith("-") and len(word) > 1 and not _NUMBER.fullmatch(word)


def _typed(text: str) -> Any:
    if _POWER.fullmatch(text):
        return float(text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    scalar = value is None or isinstance(value, (bool, int, float))
    return value if scalar and json.dumps(value) == text else text
