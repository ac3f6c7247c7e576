"""Secrets out of what is recorded: command lines, args, addresses, messages and tracebacks.

Three things make a secret: the name that it stands under (`_redact_names`), its place in an address
(``https://user:secret@host``), and the shape that issuers give their tokens (`_redact_text`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import _json
from ._redact_names import MARK, is_secret, kind_of
from ._redact_text import ASSIGNED, FLAG, PROSE, value_at, without_shapes
from .errors import SettingError

__all__ = ["MARK", "Redactor"]

_MAX_DEPTH = 120
_REMEMBERED = 10000

_OPTION = r"[-+]{1,2}[A-Za-z][\w./\-]{1,100}"
_VARIABLE = r"[+~]{0,2}[A-Za-z_][\w.@/\-]{0,100}"
_HEADER = r"(?s)([A-Za-z][\w-]{0,60})(:[ \t]{0,4})(\S.*)"
_SCHEMES = ("bearer ", "basic ", "token ", "digest ")
_PLURALS = ("passwords", "secrets", "tokens", "keys")


class Redactor:
    """Replace secrets by ``***`` and remember where; never raises, changes nothing else.

    Args:
        patterns: further regular expressions; a name in which one is found is that of a secret.
        keep: regular expressions; what stands under a name that one matches as a whole is kept.
            Both ignore case, and it does not matter whether ``-`` or ``_`` is written.

    Raises:
        SettingError: one of them is no regular expression.
    """

    def __init__(self, patterns: Iterable[str] = (), keep: Iterable[str] = ()) -> None:
        self._patterns = _compiled("redact", patterns)
        self._keep = _compiled("keep", keep)
        self._hits: set[str] = set()
        self._kinds: dict[tuple[str, str], str] = {}

    @property
    def hits(self) -> list[str]:
        """Where something was replaced, such as ``args.password`` or ``command[3]``; sorted."""
        return sorted(self._hits)

    def mapping(self, value: Mapping[Any, Any], where: str = "args") -> dict[Any, Any]:
        """Give a mapping with its secrets replaced, however deep; the original is not changed.

        What holds no secret is handed on as it is. Objects are looked into when they have fields;
        what others show only as text is not seen here: turn values into JSON first.
        """
        try:
            return self._mapping(value, where, "", ())
        except Exception:  # a mapping that cannot be read must neither leak nor stop a run
            self._hits.add(where)
            return {}

    def argv(self, argv: Sequence[str], place: str = "command") -> list[str]:
        """Give a command line with its secrets replaced, in as many words as before."""
        words: list[str] = []
        expected, lasting = "", False
        for index, word in enumerate(argv):
            where = f"{place}[{index}]"
            if not isinstance(word, str):
                words.append(word)
            elif expected and not re.match(_OPTION, word):
                words.append(self._under(expected, word, where))
                expected = expected if lasting else ""
            else:
                clean, expected = self._word(word, where)
                lasting = word.lower().endswith(_PLURALS)
                words.append(clean)
        return words

    def text(self, text: str, where: str = "text") -> str:
        """Give a text, such as a message, a traceback or an address, with its secrets replaced."""
        clean = without_shapes(text)
        if "=" in clean or ":" in clean:
            clean = self._without_assigned(clean)
        if "--" in clean:
            clean = re.sub(FLAG, self._mark_flag, clean)
        if clean != text:
            self._hits.add(where)
            return clean
        return text

    def _kind(self, name: str, where: str = "") -> str:
        """What the settings, or else the name, say of the values under it."""
        key = (name, where if self._keep else "")
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _REMEMBERED:
                self._kinds.clear()
            kind = self._kinds[key] = self._new_kind(name[-200:].lstrip("-+~"), where)
        return kind

    def _new_kind(self, name: str, where: str) -> str:
        names = (name, re.split(r"[./]", name)[-1], f"{where}.{name}".partition(".")[2])
        spellings = {one.replace(*pair) for one in names for pair in (("-", "_"), ("_", "-"))}
        if any(pattern.fullmatch(one) for pattern in self._keep for one in (*names, *spellings)):
            return "kept"
        if any(pattern.search(one) for pattern in self._patterns for one in (*names, *spellings)):
            return "strong"
        return kind_of(name)

    def _under(self, kind: str, text: str, where: str) -> str:
        """Text that stands under a name of a kind."""
        if kind == "kept":
            return text
        if kind and is_secret(kind, text):
            return self._marked(where)
        return self.text(text, where)

    def _marked(self, where: str) -> str:
        self._hits.add(where)
        return MARK

    def _word(self, word: str, where: str) -> tuple[str, str]:
        """One word of a command line, and of what kind a value in the next word is."""
        name, sign, value = word.partition("=")
        if re.fullmatch(_OPTION, name) or (sign and re.fullmatch(_VARIABLE, name)):
            kind = self._kind(name)
            if sign:
                return f"{name}={self._under(kind, value, where)}", ""
            return self.text(word, where), kind
        header = re.fullmatch(_HEADER, word)
        kind = self._kind(header[1]) if header else ""
        if header and kind and not header[3].lower().startswith(_SCHEMES):
            return header[1] + header[2] + self._under(kind, header[3], where), ""
        return self.text(word, where), ""

    def _without_assigned(self, text: str) -> str:
        parts, done = [], 0
        for found in re.finditer(ASSIGNED, text):
            kind = self._kind(found[1]) if found.start() >= done else ""
            span = value_at(text, found) if kind not in ("", "kept") else None
            if span and is_secret(kind, text[slice(*span)]):
                parts += [text[done : span[0]], MARK]
                done = span[1]
        return "".join([*parts, text[done:]]) if parts else text

    def _mark_flag(self, found: re.Match[str]) -> str:
        kind, value = self._kind(found[1]), found[3]
        metavar = found[1].lstrip("-").replace("-", "_").upper()  # as in the usage of argparse
        if kind in ("", "kept") or value == metavar or f" {value.lower()} " in PROSE:
            return found[0]
        if not is_secret(kind, value):
            return found[0]
        return found[1] + found[2] + MARK

    def _mapping(
        self, value: Mapping[Any, Any], where: str, above: str, parents: tuple[int, ...]
    ) -> dict[Any, Any]:
        clean: dict[Any, Any] = {}
        for key, item in value.items():
            name = key if isinstance(key, str) else _json.text_of(key)
            shown = self.text(name, f"{where} (a name)")
            new = key if shown == name else shown
            while new is not key and new in clean:
                new += "'"
            own = self._kind(name, where)
            kind = own if own == "kept" else above or own
            there = f"{where}.{shown[:100]}"
            try:
                clean[new] = self._value(item, there, kind, parents)
            except Exception:  # an object that cannot be looked into must neither leak nor raise
                clean[new] = self._marked(there)
        return clean

    def _value(self, value: Any, where: str, kind: str, parents: tuple[int, ...]) -> Any:
        """A value that stands under a name of a kind; itself when there is nothing to replace."""
        if value is None or kind == "kept" or isinstance(value, bool):
            return value
        if isinstance(value, (str, bytes, bytearray)):
            text = value if isinstance(value, str) else bytes(value).decode("latin-1")
            clean = self._under(kind, text, where)
            return value if clean == text else clean
        if isinstance(value, (int, float, complex)):
            return self._marked(where) if kind in ("strong", "key", "file") else value
        if id(value) in parents:
            return "<cycle>"
        if len(parents) > _MAX_DEPTH:
            return self._marked(where)
        return self._container(value, where, kind, (*parents, id(value)))

    def _container(self, value: Any, where: str, kind: str, parents: tuple[int, ...]) -> Any:
        fields = _fields_of(value)
        if fields is None and not isinstance(value, (list, tuple, set, frozenset)):
            return value
        if fields is None:
            items = [
                self._value(item, f"{where}[{index}]", kind, parents)
                for index, item in enumerate(value)
            ]
            if all(new is old for new, old in zip(items, value, strict=True)):
                return value
            return tuple(items) if isinstance(value, tuple) else items
        # All that stands under such a name is secret: credentials = {"user": ..., "pin": ...}
        above = kind if kind in ("strong", "key", "file") else ""
        clean = self._mapping(fields, where, above, parents)
        if list(clean) != list(fields):
            return clean
        same = all(new is fields[name] for name, new in clean.items())
        return value if same else clean


def _fields_of(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    names = getattr(value, "_fields", None)
    if isinstance(value, tuple) and isinstance(names, tuple):
        return dict(zip(names, value, strict=True))
    return _json.fields_of(value)


def _compiled(setting: str, patterns: Iterable[str]) -> list[re.Pattern[str]]:
    compiled = []
    for pattern in patterns:
        try:
            compiled.append(re.compile(pattern, re.IGNORECASE))
        except re.error as error:
            raise SettingError(
                f"{setting}: {pattern!r} is no regular expression ({error}).",
                "Give names, or regular expressions for names.",
                name=setting,
                value=pattern,
            ) from None
    return compiled
