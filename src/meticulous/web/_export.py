"""The page and answers for it as one HTML file, which needs no server and no network.

Nothing in an answer can act: it is data that a browser does not carry out, and the page forbids
every script but its own, every request, and every frame.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import MeticulousError, SettingError, StorageError
from ._export_answers import Answers, collect
from ._sending import EXPORT
from .api import Api

__all__ = ["Exported", "page"]

_HINT = "Run 'make page' again."
_SCRIPT = re.compile(r'<script type="module"[^>]* src="\./([^"]+)"></script>')
_STYLE = re.compile(r'<link rel="stylesheet"[^>]* href="\./([^"]+)">')
_OPENS = re.compile(r"<(?=/?script|!--)", re.I)


class Exported(NamedTuple):
    """A page as one file.

    Args:
        data: the file.
        experiments: how many are in its table.
        points: of how many groups of points a curve is at most.
        lacking: what was left out so that it is no larger, with the number of each.
    """

    data: bytes
    experiments: int
    points: int
    lacking: Mapping[str, int]


def page(api: Api, static: str, points: int = 0, largest: int = 20_000_000) -> Exported:
    """Make one file of the page and all experiments of a store.

    The newest experiments come first where not all fit.

    Args:
        api: of the experiments that are wanted.
        static: the folder with the built page.
        points: of how many groups of points a curve is at most; 0 for as many as fit.
        largest: how many bytes the file may have.

    Raises:
        SettingError: not even the table fits into so few bytes.
        MeticulousError: the page was built in a way that does not fit into one file.
    """
    before, after = _frame(os.path.join(static, EXPORT))
    answers = Answers(largest - len(before) - len(after))
    count = api.store()["count"]
    try:
        groups = collect(api, answers, points)
    except OverflowError:
        raise SettingError(
            f"Not even the table of {count} experiments fits into {largest / 1e6:g} MB.",
            "Choose fewer experiments, or a larger --max-size.",
        ) from None
    return Exported(before + answers.data() + after, count, groups, answers.lacking)


def _frame(static: str) -> tuple[bytes, bytes]:
    """What stands before the answers and after them.

    Raises:
        MeticulousError: see `page`.
    """
    markup = _text(static, "index.html")
    script, style = _SCRIPT.search(markup), _STYLE.search(markup)
    if not script or not style:
        raise MeticulousError("The built page is not as expected.", _HINT)
    code = _OPENS.sub(r"\\x3c", _text(static, script[1]))
    looks = _text(static, style[1])
    policy = (
        f"default-src 'none'; script-src {_hash(code)}; style-src {_hash(looks)}; "
        "img-src data: blob:; media-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '    <meta name="referrer" content="no-referrer">\n'
    )
    parts = re.split(f"{_SCRIPT.pattern}|{_STYLE.pattern}", markup)
    plain = "".join(part for part in parts if part not in (None, script[1], style[1]))
    plain = plain.replace("<title>", f"{head}    <title>", 1)
    plain = plain.replace("</head>", f"<style>{looks}</style>\n  </head>", 1)
    begin, end, rest = plain.partition("</body>")
    opened = f'{begin}  <script type="application/json" id="data">'
    closed = f'</script>\n    <script type="module">{code}</script>\n  {end}{rest}'
    return opened.encode(), closed.encode()


def _text(folder: str, name: str) -> str:
    try:
        with open(os.path.join(folder, *name.split("/")), encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise StorageError.from_oserror("read", error.filename, error, _HINT) from error


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
