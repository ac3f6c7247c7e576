"""Secrets in running text: by their place in an address, by their shape, by a name before them.

Linear in the length of the text: no pattern looks at a character more than a fixed number of
times, and most are tried only where a literal that they begin with occurs.
"""

from __future__ import annotations

import re

from ._redact_names import MARK, is_random, is_secret

__all__ = ["ASSIGNED", "FLAG", "PROSE", "value_at", "without_shapes"]


_AN16, _AN20, _ID20 = r"[A-Za-z0-9]{16,}", r"[A-Za-z0-9]{20,}", r"[\w-]{20,}"
# What a token begins with, and the rest. It may stand behind anything but a character of a word,
# or, where the rest may hold "-", a dash: so that no two attempts run over the same text.
_SHAPES: tuple[tuple[str, str], ...] = (
    *((f"gh{letter}_", _AN16) for letter in "pousr"),
    ("github_pat_", r"\w{20,}"),
    ("glpat-", r"[\w-]{16,}"),
    ("hf_", r"(?=[a-z]{0,60}[A-Z0-9])" + _AN20),
    ("sk-", r"(?:(?:proj|svcacct|admin|ant|or)-[\w-]{16,}|[A-Za-z0-9]{20,}(?![\w-]))"),
    *((f"{letter}k_{mode}_", r"[A-Za-z0-9]{10,}") for letter in "sr" for mode in ("live", "test")),
    *((start, r"[A-Z0-9]{16}(?![\w/+=])") for start in ("AKIA", "ASIA")),
    ("xox", r"[abeoprs]-[\w-]{10,}"),
    ("xapp-", _ID20),
    ("AIza", r"[\w-]{30,}"),
    ("ya29.", _ID20),
    ("GOCSPX-", _ID20),
    ("eyJ", r"[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    ("eyJhcGlf", r"[\w+/=-]{20,}"),
    ("npm_", _AN20),
    ("pypi-", r"[\w-]{40,}"),
    ("SG.", r"[\w-]{16,}\.[\w-]{16,}"),
    ("r8_", _AN20),
    ("gsk_", _AN20),
    ("xai-", _AN20),
    ("pplx-", _AN20),
    ("dapi", r"[a-f0-9]{32}"),
    ("nvapi-", _ID20),
    ("wandb_v", r"\d_\w{20,}"),
    ("dop_v1_", r"[a-f0-9]{40,}"),
    ("hooks.slack.com/services/", r"[\w/]{16,}"),
    ("discord.com/api/webhooks/", r"\d+/[\w-]{20,}"),
    ("api.telegram.org/bot", r"\d+:[\w-]{20,}"),
)

_KEY_BLOCK = (
    r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----)"
    r"[^-]*(?:-(?!----)[^-]*)*(?:(-----END [A-Z0-9 ]{0,60}-----))?"
)
_AWS_PAIR = r"\b((?:AKIA|ASIA)[A-Z0-9]{16})([\s,:;\"']{1,10})[A-Za-z0-9/+]{40}(?![\w/+=])"
_USER_INFO = r"://([^\s/?#\"'<>@:\\]{0,256}):([^\s/?#\"'<>\\]{1,1024})@"
_USER_ONLY = r"://([^\s/?#\"'<>@:\\]{16,256})@"
_HEADER = (
    r"(?i)\b(authorization\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?)"
    r"((?:bearer|basic|token|digest|negotiate|apikey)\s{1,4})?([^\s\"',;\\]+)"
)
_SCHEME = r"(?i)\b(bearer|basic)([ \t]{1,4})([A-Za-z0-9._~+/=-]{8,})"


def without_shapes(text: str) -> str:
    """Mark what is a secret by its place or shape, whatever it is called."""
    if "-----BEGIN " in text:
        text = re.sub(_KEY_BLOCK, lambda found: f"{found[1]}{MARK}{found[2] or ''}", text)
    if "://" in text:
        text = re.sub(_USER_INFO, _mark_user_info, text)
        text = re.sub(_USER_ONLY, _mark_user, text)
    if "AKIA" in text or "ASIA" in text:
        text = re.sub(_AWS_PAIR, rf"{MARK}\2{MARK}", text)
    for start, rest in _SHAPES:
        if start in text:
            shown = start if "/" in start else ""
            barrier = r"[\w-]" if "-" in rest else r"\w"
            literal = re.escape(start)
            behind = "" if shown else f"(?<!{barrier}{literal})"
            text = re.sub(literal + behind + rest, shown + MARK, text)
    if "uthorization" in text or "UTHORIZATION" in text:
        text = re.sub(_HEADER, _mark_header, text)
    if any(part in text for part in ("earer", "EARER", "asic", "ASIC")):
        text = re.sub(_SCHEME, _mark_scheme, text)
    return text


def _mark_user_info(found: re.Match[str]) -> str:
    user = MARK if is_random(found[1]) else found[1]
    secret = MARK if is_secret("key", found[2]) else found[2]
    return f"://{user}:{secret}@"


def _mark_user(found: re.Match[str]) -> str:
    return f"://{MARK}@" if is_random(found[1]) else found[0]


def _mark_header(found: re.Match[str]) -> str:
    if not is_secret("key", found[3]):
        return found[0]
    return found[1] + (found[2] or "") + MARK


def _mark_scheme(found: re.Match[str]) -> str:
    scheme, space, value = found[1], found[2], found[3]
    if scheme.lower() == "basic":
        import base64
        import binascii

        try:
            secret = b":" in base64.b64decode(value[:4096], validate=True)
        except binascii.Error:
            secret = False
    else:
        secret = len(value) >= 24 or any(character.isdigit() for character in value)
    return f"{scheme}{space}{MARK}" if secret else found[0]


ASSIGNED = r"(?<![\w.\-])([\w.\-]{1,100})(\\?[\"']?[ \t]{0,8}(?::=|[:=])(?!=)[ \t]{0,8})"
_OPEN = r"[bBrRuUfF]{0,2}(\\?[\"'])"
_INSIDE = {
    '"': r'([^"\\\n]*(?:\\.[^"\\\n]*)*)"',
    "'": r"([^'\\\n]*(?:\\.[^'\\\n]*)*)'",
    '\\"': r'([^"\\\n]*)\\"',
    "\\'": r"([^'\\\n]*)\\'",
}
# A comma belongs to it unless the next name, or nothing, follows.
_BARE = (
    r"(?:[^\s\"'&;,)\]}<>|\\]|,(?!\s|$|[\w.\-]{1,60}\s?[=:]))"
    r"[^\s\"'&;,)\]}<>|\\]*(?:,(?!\s|$|[\w.\-]{1,60}\s?[=:])[^\s\"'&;,)\]}<>|\\]*)*"
)
# An expression, as in the lines of a traceback: password=args.password, token=read(path)
_CODE = (
    r"(?:self|args|config|cfg|os|opts|options|settings|kwargs|params|flags|FLAGS)\.\w"
    r"|[A-Za-z_][\w.]{0,60}(?:\([^()\n]{0,200}\)|\[[^\[\]\n]{0,200}\])"
)
FLAG = r"(?<![\w-])(--[A-Za-z][\w.\-]{1,100})([ \t]{1,20}[\"']?)([^\s\"'-][^\s\"'\])}]*)"
PROSE = (
    " is are was must and or to for with option flag argument needs has not in if when from as"
    " should cannot requires value expected may can will "
)


def value_at(text: str, found: re.Match[str]) -> tuple[int, int] | None:
    """Where the value of an assignment begins and ends; None when it is none, or an expression."""
    position = found.end()
    opened = re.compile(_OPEN).match(text, position)
    if opened:
        position = opened.end()
        inside = re.compile(_INSIDE[opened[1]]).match(text, position)
        if inside:
            return inside.span(1)
    bare = re.compile(_BARE).match(text, position)
    if not bare or (not opened and not _is_assigned(text, found, bare)):
        return None
    return bare.span()


def _is_assigned(text: str, found: re.Match[str], bare: re.Match[str]) -> bool:
    """Tell ``password=x``, ``{password: x}`` and a line ``password: x`` from code and prose."""
    name, between = found[1], found[2]
    if "=" in between:
        same = bare[0].rpartition(".")[2] == name.rpartition(".")[2].strip("-")
        return not same and not re.compile(_CODE).match(text, bare.start())
    if "'" in between or '"' in between:
        return True
    before = text[max(0, found.start() - 40) : found.start()]
    after = text[bare.end() : bare.end() + 1]
    alone = not before.rpartition("\n")[2].strip(" \t-") and after in ("", "\n")
    return alone or before.rstrip()[-1:] in ("{", ",")
