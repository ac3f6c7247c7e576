"""What the command line prints: the one place that writes to the terminal.

Text goes to the stream in one piece and past its buffer, so that nothing is left over that the
interpreter would fail to write when a pipe has closed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NoReturn, TypeVar

from .. import _json, _table
from ..errors import MeticulousError, SettingError, StorageError

__all__ = [
    "Parser",
    "colours",
    "is_ascii_only",
    "print_error",
    "print_json",
    "print_note",
    "print_table",
    "progress",
    "table_lines",
    "width",
    "write",
]

SCHEMA = 1
"""Version of what ``--json`` prints; docs/guides/reading.md says what a change of it means."""

_MANY = 100
_SHALLOW = 100
_WIDEST_HELP = 100
_T = TypeVar("_T")


class Parser(argparse.ArgumentParser):
    """A command's parser: errors are raised, help fits the terminal and goes through `write`.

    Args:
        command: the command's name.
        description: what it does, in a sentence.
        examples: lines that show how it is used.
        usage: the line after ``usage:``.
    """

    def __init__(self, command: str, description: str, examples: str, usage: str) -> None:
        # A width that is given keeps argparse from importing shutil to find it out.
        help_width = self._width = min(width() or _WIDEST_HELP, _WIDEST_HELP)
        super().__init__(
            prog=f"meticulous {command}",
            description=description,
            epilog=examples,
            usage=usage,
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
                prog, width=help_width, max_help_position=30
            ),
        )

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would have printed together with the usage."""
        hint = f"See '{self.prog} --help'."
        before, is_unknown, word = message.partition("unrecognized arguments: -")
        if is_unknown and not before:
            import difflib

            known = {option.lstrip("-"): option for option in self._option_string_actions}
            option = word.partition(" ")[0].partition("=")[0].lstrip("-")
            close = difflib.get_close_matches(option, known, 1) if option else []
            hint = f"Did you mean {known[close[0]]!r}?" if close else hint
        raise SettingError(f"{message[:1].upper()}{message[1:]}.", hint)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; options may stand anywhere among the words, as for git."""
        if args is None or "--" in args:
            return super().parse_args(args, namespace)
        return self.parse_intermixed_args(args, namespace)

    def format_help(self) -> str:
        """Wrap the description, which argparse leaves as it is together with the examples."""
        import textwrap

        self.description = textwrap.fill(self.description or "", self._width)
        return super().format_help()

    def _print_message(self, message: str, file: Any = None) -> None:
        write(message)


def write(text: str | bytes) -> None:
    """Write to standard output; characters that its encoding lacks become their escapes.

    Raises:
        BrokenPipeError: nobody reads any more.
        StorageError: it cannot be written for another reason.
    """
    if sys.stdout is None:  # closed before we started
        return
    try:
        _write(sys.stdout, text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError.from_oserror("write", "the output", error) from error


def _write(stream: Any, text: str | bytes) -> None:
    stream.flush()
    encoding = stream.encoding or "utf-8"
    data = text if isinstance(text, bytes) else text.encode(encoding, "backslashreplace")
    buffer = getattr(stream, "buffer", None)
    if buffer is None:
        stream.write(data.decode(encoding))
        return
    raw = getattr(buffer, "raw", buffer)
    view = memoryview(data)
    while view:
        written = raw.write(view)
        if written is None:  # a pipe that does not block and is full
            time.sleep(0.01)
        else:
            view = view[written:]


def print_error(error: MeticulousError | OSError) -> None:
    """Say on standard error, in one line, what went wrong and what to do next."""
    text = str(error)
    if isinstance(error, OSError):
        place = f" {os.fsdecode(error.filename)}" if error.filename else ""
        text = f"Cannot go on:{place} {error.strerror or type(error).__name__}."
        if isinstance(error, FileNotFoundError) and not place:
            text = "The working directory is gone. Change into another one."
    print_note(text)


def print_note(text: str) -> None:
    """Say a line on standard error."""
    with contextlib.suppress(OSError, ValueError):  # then there is nobody to tell
        if sys.stderr is not None:
            sys.stderr.write(f"meticulous: {_table.clean(text)}\n")
            sys.stderr.flush()


def progress(items: Collection[_T], doing: str) -> Iterator[_T]:
    """Give the items one by one; work of over a second tells on the terminal how far it is.

    Args:
        items: what is worked on.
        doing: what is done, such as ``reading``.
    """
    shown, start = 0.0, time.monotonic()
    try:
        for done, item in enumerate(items):
            now = time.monotonic()
            if now - start > 1 and now - shown > 0.2:
                shown = now
                _show_progress(f"{doing} {done} of {len(items)}")
            yield item
    finally:
        if shown:
            _show_progress("")


def _show_progress(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None and sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{_table.clean(text)}")
            sys.stderr.flush()


def print_json(name: str, value: Any) -> None:
    """Print an answer for programs: ``{"schema": 1, name: value}``, strict JSON, in full.

    It is ASCII, so that every terminal and every locale takes it unchanged. A long list has a
    line for each item, since Python takes many times as long to indent.
    """
    if isinstance(value, list) and len(value) > _MANY:
        start, comma = f'{{\n    "schema": {SCHEMA},\n    "{name}": [\n', ""
        for place in range(0, len(value), _MANY):
            lines = [f"        {_json_line(item)}" for item in value[place : place + _MANY]]
            write(start + comma + ",\n".join(lines))
            start, comma = "", ",\n"
        write("\n    ]\n}\n")
        return
    plain = _json.plain({"schema": SCHEMA, name: value})
    write(_ascii(json.dumps(plain, indent=4, allow_nan=False)) + "\n")


def _json_line(value: Any) -> str:
    """A value as strict JSON on one line: what most records hold at once, the rest by `plain`."""
    try:
        line = json.dumps(dict(value) if isinstance(value, dict) else value, allow_nan=False)
        may_be_deep = line.count("{") + line.count("[") > _SHALLOW
        if not may_be_deep and "\\ud" not in line:  # which may be half of a pair of surrogates
            return _ascii(line)
    except (TypeError, ValueError, RecursionError):
        pass
    (plain,) = _json.plain({"": [value]})[""]  # as deep as it stands in the whole
    return _ascii(json.dumps(plain, allow_nan=False))


def _ascii(text: str) -> str:
    return text.replace("\x7f", "\\u007f")


def print_table(title: str, columns: Sequence[_table.Column]) -> None:
    """Print a title and a table that fits the terminal; a pipe gets every column."""
    head, body, foot = table_lines(title, columns)
    write("\n".join([*head, *body, *foot]) + "\n")


def table_lines(
    title: str, columns: Sequence[_table.Column]
) -> tuple[list[str], list[str], list[str]]:
    """Give what `print_table` prints: what is above the rows, the rows, and what is below."""
    columns = _spelled(columns)
    table = _table.render(columns, width(), colour=colours())
    rows = len(columns[0].values) if columns else 0
    split = len(table.lines) - rows
    foot: list[str] = []
    if table.hidden:
        names = [f"{column.group}.{column.name}".lstrip(".") for column in table.hidden]
        foot = ["", _cut(f"not shown for want of width: {', '.join(map(_table.clean, names))}")]
    return [*_wrapped(_table.clean(title)), "", *table.lines[:split]], table.lines[split:], foot


def _spelled(columns: Sequence[_table.Column]) -> Sequence[_table.Column]:
    """Columns whose text is as wide as `write` will make it."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        return columns

    def spelled(value: Any) -> Any:
        if not isinstance(value, str) or value.isascii():
            return value
        return _table.clean(value).encode(encoding, "backslashreplace").decode(encoding)

    return [
        column._replace(name=spelled(column.name), values=list(map(spelled, column.values)))
        for column in columns
    ]


def _wrapped(text: str) -> list[str]:
    """A sentence in lines that fit the terminal, as far as its words do."""
    room = width()
    if room is None or _table.width_of(text) <= room:
        return [text]
    import textwrap

    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    return lines if max(map(_table.width_of, lines)) <= room else [text]  # a path stays whole


def _cut(line: str) -> str:
    room = width()
    return line if room is None else _table.cut(line, room)


def width() -> int | None:
    """Characters a line: what COLUMNS says, otherwise the terminal; None when there is none."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError, AttributeError):
        return None


def colours() -> bool:
    """Whether to use colours: on a terminal that has them, and NO_COLOR is not set."""
    try:
        terminal = sys.stdout.isatty()
    except (ValueError, AttributeError):
        return False
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return terminal and (sys.platform != "win32" or "WT_SESSION" in os.environ)


def is_ascii_only() -> bool:
    """Whether standard output has no characters to draw with."""
    try:
        "\u28ff\u2524\u2588".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False
