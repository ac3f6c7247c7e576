"""The recorded command, made ready to run in another place."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from . import _reproduce_code
from ._redact import MARK, Redactor
from ._table import clean
from .errors import SettingError
from .experiments import ExperimentReader

__all__ = [
    "Command",
    "changed",
    "environment",
    "moved",
    "recorded",
    "stand_in",
    "tops",
    "with_secrets",
]

_PYTHON = re.compile(r"(python|pypy)[\d.]*t?(\.exe)?")
_OPTION = re.compile(r"--?[A-Za-z][\w./-]*")
_ASSIGNED = re.compile(r"[+~]{0,2}[A-Za-z_][\w./@-]*=.*", re.DOTALL)
_SHELL = re.compile(r"(ba|z|k|da)?sh")
_NAMED = re.compile(r"""([A-Za-z][\w.-]*)["']?\s*[=:]\s*["']?(?:\w+\s+)?$""")
# What chooses devices, ranks or interpreters belongs to the machine of now; what only says where
# something is belongs to that of then.
_OF_NOW = re.compile(
    r".*VISIBLE_DEVICES|.*RANK|.*WORLD.*_SIZE|MASTER_.*|PMI.*|CONDA_DEFAULT_ENV|VIRTUAL_ENV|LD_.*"
    r"|NCCL_.*|GLOO_.*|.*_HOME|.*_DIR|ZE_AFFINITY_MASK|GOMP_CPU_AFFINITY|ONEAPI_DEVICE_SELECTOR"
)
_NAME = re.compile("[A-Z][A-Z0-9_]*")
_OURS = re.compile("METICULOUS_(NORECORD|PARENT|ATTACH|DIRTY|SECRET_.*)")


class Command(NamedTuple):
    """What is run.

    Attributes:
        words: the program and its args; a secret still reads ``***``.
        cwd: the working directory, relative to the top of the work tree; absolute when the
            program ran outside of it.
        variables: environment variables to set, and those to take away as None.
        notes: what is not as it was, a sentence each.
    """

    words: list[str]
    cwd: str
    variables: dict[str, str | None]
    notes: list[str]


def tops(reader: ExperimentReader, root: str) -> list[str]:
    """The absolute paths that the top of the work tree had when the experiment ran."""
    found = [root]
    name = _reproduce_code.facts_of(reader).get("repository")
    path = _cwd_of(reader)
    while name and path and os.path.dirname(path) != path:
        if os.path.basename(path) == name:
            found.append(path)
            break
        path = os.path.dirname(path)
    return list(dict.fromkeys(found))


def _session(reader: ExperimentReader) -> dict[str, Any]:
    return reader.sessions[0] if reader.sessions else {}


def _cwd_of(reader: ExperimentReader) -> str:
    cwd = _session(reader).get("cwd")
    usable = isinstance(cwd, str) and os.path.isabs(cwd) and "\0" not in cwd
    return _with_bytes(cwd) if usable and isinstance(cwd, str) else ""


def recorded(reader: ExperimentReader, origin: _reproduce_code.Origin) -> Command:
    """Take the command of an experiment's first session from its record.

    Raises:
        SettingError: it cannot be run again, and why.
    """
    session, notes = _session(reader), []
    argv = _words(session.get("argv"))
    command = _words(reader._recorded.get("command"))
    if not argv:  # 2020-24
        argv = [sys.executable, *command] if command else []
    problem = _problem(argv, command, bool(session.get("outside")))
    if problem:
        raise SettingError(f"Experiment {clean(reader.expid)} cannot be run again: {problem}.")
    if len(reader.sessions) > 1:
        notes.append(
            f"it ran in {len(reader.sessions)} sessions; it is run as a whole, by the command and "
            "the code of the first"
        )
    places = tops(reader, origin.root)
    cwd = _cwd_of(reader)
    inside = next((found for top in places if (found := _below(cwd, top)) is not None), None)
    if inside is None and cwd:
        notes.append(f"its working directory {clean(cwd)} is outside of the repository")
    where = cwd if inside is None and cwd else inside or origin.project
    return Command(argv, where, _variables(reader, notes), notes)


def _words(value: Any) -> list[str]:
    words = value if isinstance(value, list) else []
    usable = all(isinstance(word, str) and "\0" not in word for word in words)
    return [_with_bytes(word) for word in words] if usable else []


def _with_bytes(text: str) -> str:
    """A word as Python has it: bytes that are no text stand in the record as escapes."""
    return re.sub(r"\\u(dc[89a-f][0-9a-f])", lambda found: chr(int(found[1], 16)), text)


def _problem(argv: Sequence[str], command: Sequence[str], outside: bool) -> str:
    if not argv:
        return "its command was not recorded"
    if any("ipykernel" in word for word in argv):
        return "it ran in a notebook"
    if not outside and command[:1] in ([""], ["-"]):
        return "it was typed in, or read from standard input"
    return ""


def _below(path: str, top: str) -> str | None:
    if path == top:
        return "."
    return path[len(top) + 1 :] if path.startswith(os.path.join(top, "")) else None


def _variables(reader: ExperimentReader, notes: list[str]) -> dict[str, str | None]:
    """The variables that change results: those of then, and not those of now."""
    recorded = _reproduce_code.mapping(reader.environment.get("variables"))
    found: dict[str, str | None] = {"PYTHONHASHSEED": None} if recorded else {}
    for name, value in recorded.items():
        usable = isinstance(value, str) and _NAME.fullmatch(name) and "\0" not in value
        if not usable or _OF_NOW.fullmatch(name) or name == "PYTHONPATH":
            continue
        if MARK in value:
            notes.append(f"the variable {name} was secret; the one of now is used")
        else:
            found[name] = value
    return found


def moved(
    command: Command, places: Sequence[str], directory: str, interpreter: str, prefixes: list[str]
) -> Command:
    """Let a command run in another work tree, by another interpreter.

    Args:
        command: as recorded.
        places: where the work tree was, see `tops`.
        directory: where it is now.
        interpreter: the Python that stands in for the recorded one; empty to take the command's.
        prefixes: environments whose programs are taken from that of the interpreter.
    """
    words = [_moved(word, places, directory) for word in command.words]
    programs = os.path.dirname(interpreter)
    for number, word in enumerate(command.words[:2]):
        words[number] = _in_environment(word, command.cwd, places) or words[number]
        for prefix in prefixes:
            own = os.path.join(programs, os.path.basename(word))
            if word.startswith(os.path.join(prefix, "bin", "")) and os.path.exists(own):
                words[number] = own
    if interpreter and _PYTHON.fullmatch(os.path.basename(words[0])):
        words[0] = interpreter
    cwd = os.path.normpath(os.path.join(directory, command.cwd))
    return command._replace(words=words, cwd=cwd)


def stand_in(cwd: str, directory: str) -> list[str]:
    """Make the working directory, if it is one that git does not keep; tells of it then.

    Raises:
        SettingError: it is not there, and not in the work tree.
    """
    if os.path.isdir(cwd):
        return []
    inside = os.path.realpath(cwd).startswith(os.path.join(os.path.realpath(directory), ""))
    try:
        if not inside:
            raise FileNotFoundError
        os.makedirs(cwd)
    except OSError as error:
        text = f"The working directory {clean(cwd)} is not there."
        raise SettingError(text, value=cwd) from error
    name = clean(os.path.relpath(cwd, directory))
    return [f"the working directory {name} is not in git; it was made, and is empty"]


def _in_environment(word: str, cwd: str, places: Sequence[str]) -> str:
    """The program of a virtual environment in the user's work tree, which is not in git."""
    inside = next((found for top in places if (found := _below(word, top)) is not None), None)
    if inside is None and os.sep in word and not os.path.isabs(word):
        inside = os.path.join(cwd, word)
    path = os.path.normpath(os.path.join(places[0], inside or "."))
    settings = os.path.join(os.path.dirname(os.path.dirname(path)), "pyvenv.cfg")
    return path if os.path.isfile(path) and os.path.isfile(settings) else ""


def _moved(word: str, places: Sequence[str], directory: str) -> str:
    name, sign, path = word.rpartition("=")
    if os.path.isabs(path) and all(_below(path, top) is None for top in places):
        inside = _below(os.path.realpath(path), places[0])  # by a link to the work tree
        if inside is not None:
            return f"{name}{sign}{os.path.normpath(os.path.join(directory, inside))}"
    for top in places:
        if top in word and top != os.sep:
            # Only whole paths: neither the middle of another one nor a longer name.
            pattern = rf"(?<![\w./-]){re.escape(top)}(?=/|$|[\s'\":,;])"
            word = re.sub(pattern, lambda _: directory, word)
    return word


def environment(
    command: Command, path: Sequence[str], python_path: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The environment of a recorder, and what its program gets in addition, so that nothing that
    is meant for the program keeps the recorder from working.

    Args:
        command: what is run.
        path: where programs are found first.
        python_path: where Python finds modules first.
    """
    now = {name: value for name, value in os.environ.items() if not _OURS.fullmatch(name)}
    for name in command.variables:
        now.pop(name, None)
    more = {name: value for name, value in command.variables.items() if value is not None}
    for name, first, where in (("PATH", path, now), ("PYTHONPATH", python_path, more)):
        if first:
            where[name] = os.pathsep.join([*first, *filter(None, [now.get(name, "")])])
    return now, more


def changed(
    words: Sequence[str], changes: Mapping[str, str], args: Mapping[str, Any]
) -> tuple[list[str], list[str]]:
    """Change args in a command, in the form in which they stand there; what is absent is added.

    Args:
        words: the command.
        changes: new values by name.
        args: as they were recorded.

    Returns:
        The words, and for each change what it does, such as ``lr=0.1 instead of 0.5``.

    Raises:
        SettingError: a shell's or a program's text cannot be changed, nor can a list.
    """
    found, told, redactor = list(words), [], Redactor()
    if changes and _SHELL.fullmatch(os.path.basename(found[0])) and "-c" in found[1:2]:
        raise SettingError("--set cannot change the text of 'sh -c'.", name="set")
    for name, value in changes.items():
        was = args.get(name.replace("-", "_"), args.get(name))
        if isinstance(was, list) and len(was) > 1 and _is_in_parts(found, name):
            text = f"--set cannot change {clean(name)}, which is a list of several words."
            raise SettingError(text, f"Add words at the end: -- --{name} {value}", name="set")
        before = _set(found, name, value)
        if before is None:
            _append(found, name, value, isinstance(was, bool))
        shown = redactor.argv([f"{name}={value}"])[0]
        told.append(f"{shown} added" if before is None else f"{shown} instead of {before}")
    return found, told


def _set(words: list[str], name: str, value: str) -> str | None:
    """Change every place of an arg; what it was before, None when it stands nowhere."""
    before = None
    wanted = name.replace("-", "_")
    number = 1
    while number < len(words):
        word = words[number]
        key, sign, old = word.partition("=")
        if value.lower() == "true" and _plain(key) == f"no_{wanted}" and not sign:
            before = "false"
            del words[number]
            continue
        if _plain(key) == wanted and (sign or _OPTION.fullmatch(key)):
            following = words[number + 1] if number + 1 < len(words) else "--"
            if sign:
                before, words[number] = old, f"{key}={value}"
            elif _is_value(following):
                before, words[number + 1] = following, value
            else:  # a flag
                before = "true"
                if value.lower() == "false":
                    del words[number]
                    continue
                if value.lower() != "true":
                    words[number] = f"{key}={value}"
        number += 1
    return before


def _plain(option: str) -> str:
    return option.lstrip("-+~").replace("-", "_")


def _is_in_parts(words: Sequence[str], name: str) -> bool:
    """Whether the values of an arg are several words, or stand in several places."""
    wanted = name.replace("-", "_")
    places = [n for n, word in enumerate(words) if _plain(word.partition("=")[0]) == wanted]
    following = [words[place + 2 : place + 3] for place in places if "=" not in words[place]]
    return len(places) > 1 or any(_is_value(word) for some in following for word in some)


def _is_value(word: str) -> bool:
    return not _OPTION.fullmatch(word.partition("=")[0]) and word != "--"


def _append(words: list[str], name: str, value: str, is_flag: bool) -> None:
    options = any(word.startswith("--") for word in words[1:])
    assigned = any(_ASSIGNED.fullmatch(word) for word in words[1:])
    if is_flag and value.lower() in ("true", "false") and not assigned:
        words.append(f"--{name}" if value.lower() == "true" else f"--no-{name}")
        return
    words += [f"{name}={value}"] if assigned and not options else [f"--{name}", value]


def with_secrets(words: Sequence[str], ask: Callable[[str, str], str]) -> list[str]:
    """Put back what was redacted from a command.

    Args:
        words: the command.
        ask: gives a secret, from its name and the variable that may hold it.
    """
    found: list[str] = []
    known: dict[str, str] = {}
    for number, word in enumerate(words):
        parts = word.split(MARK)
        text, names = parts[0], []
        for place, part in enumerate(parts[1:], 1):
            name = _name_of(words, number, MARK.join(parts[:place]))
            names.append(name)
            name += f"_{names.count(name)}" if names.count(name) > 1 else ""
            if name not in known:
                known[name] = ask(name, variable_of(name))
            text += known[name] + part
        found.append(text)
    return found


def _name_of(words: Sequence[str], number: int, before: str) -> str:
    """What a secret is called: by the name before it, or the option whose value it is in."""
    in_address = re.search(r"://[^\s/]*$", before)
    named = None if in_address else _NAMED.search(before)
    named = named or re.match(r"--?([A-Za-z][\w.-]*)=", words[number])
    if named:
        return named[1]
    option = words[number - 1] if number else ""
    if _OPTION.fullmatch(option) and not re.search(r"\s", words[number]):
        return option.lstrip("-")
    return f"argv_{number}"


def variable_of(name: str) -> str:
    """The environment variable that a redacted value may be given in."""
    return "METICULOUS_SECRET_" + re.sub(r"\W", "_", name).upper().strip("_")
