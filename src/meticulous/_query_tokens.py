"""Filter expressions as text: their words, checked one by one before Python's parser sees them.

Names, texts and numbers are replaced by placeholders, so that the parser gets nothing but
operators and brackets in ASCII: names may be anything (``args.lambda``), it has nothing to warn
about, and a place that it names can be found in the original.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .errors import QueryError

__all__ = ["Expression", "scan"]

_LONGEST = 10_000
_DEEPEST = 60
_MOST_DIGITS = 400
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |`(?P<quoted>[^`]+)`
    |(?P<number>(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?(?!\w))
    |(?P<name>[^\W\d]\w*)
    |(?P<operator>\*\*|//|==|!=|<=|>=|&&?|\|\|?|[-+*/%<>()\[\],.~=])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "\n": ""}
_KEYWORDS = frozenset(("and", "or", "not", "in", "is", "True", "False", "None"))
# As in DataFrame.query, where "a > 1 & b > 2" does not mean what it does in Python.
_AS_WORDS = {"&": "and", "&&": "and", "|": "or", "||": "or"}


class Expression(NamedTuple):
    """A scanned expression.

    Args:
        text: as it was given.
        source: what Python's parser gets.
        values: what each placeholder stands for, and whether it is a name.
        places: where each word of the source begins, there and in the original, from 0.
    """

    text: str
    source: str
    values: dict[str, tuple[Any, bool]]
    places: list[tuple[int, int]]

    def error(self, offset: int, problem: str, hint: str = "") -> QueryError:
        """An error at a place in the source."""
        at = max((there for here, there in self.places if here <= offset), default=0)
        return error_at(self.text, at, problem, hint)


def error_at(text: str, at: int, problem: str, hint: str = "") -> QueryError:
    """An error at a place in the text, with what stands there."""
    rest = text[at : at + 21]
    rest = f"{rest[:20]}..." if len(rest) > 20 else rest
    where = f"column {at + 1}, at {rest!r}" if rest.strip() else f"column {at + 1}, its end"
    return QueryError(f"Filter, {where}: {problem}", hint, text=text[:_LONGEST], column=at + 1)


def scan(text: str) -> Expression:
    """Take an expression apart.

    Raises:
        QueryError: it is empty, too long, nested too deeply, or holds what is no word of it.
    """
    if len(text) > _LONGEST:
        raise error_at(text, 0, f"it is longer than {_LONGEST} characters.")
    values: dict[str, tuple[Any, bool]] = {}
    words: list[tuple[str, int]] = []
    depth = 0
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise error_at(text, place, *_unknown(text, place))
        kind = match.lastgroup
        if kind != "space":
            word = _word(text, match, values)
            depth += (word in ("(", "[")) - (word in (")", "]"))
            if word == "=" and not depth:
                raise error_at(text, place, "'=' does not compare.", "Write '=='.")
            if depth > _DEEPEST:
                raise error_at(text, place, "it is nested too deeply.")
            words.append((word, place))
        place = match.end()
    if not words:
        raise error_at(text, 0, "it is empty.")
    places, length = [], 0
    for word, origin in words:
        places.append((length, origin))
        length += len(word) + 1
    places.append((length - 1, len(text.rstrip())))
    return Expression(text, " ".join(word for word, _ in words), values, places)


def _word(text: str, match: re.Match[str], values: dict[str, tuple[Any, bool]]) -> str:
    """What the parser gets for a word; remembers what a placeholder stands for."""
    kind, word = match.lastgroup, match[0]
    if kind == "operator":
        return _AS_WORDS.get(word, word)
    if kind == "name" and word in _KEYWORDS:
        return word
    if kind == "text":
        value: Any = _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), word[1:-1])
    elif kind == "number":
        value = _number(text, match)
    else:
        value = match[kind or 0]
    placeholder = f"_{len(values)}"
    values[placeholder] = (value, kind in ("name", "quoted"))
    return placeholder


def _number(text: str, match: re.Match[str]) -> int | float:
    digits = match[0].replace("_", "")
    if len(digits) > _MOST_DIGITS:
        raise error_at(text, match.start(), "this number is too long.")
    return int(digits) if digits.isdigit() else float(digits)


def _unknown(text: str, place: int) -> tuple[str, str]:
    character = text[place]
    if character in "'\"`":
        return f"{character} is not closed.", ""
    if character.isdigit():
        return "a name does not begin with a digit.", "Put it in backticks: `args.2d`."
    if character == "@":
        return "variables do not exist here.", "Write the value."
    return f"{character!r} means nothing here.", "Put odd names in backticks: `args.my-key`."
