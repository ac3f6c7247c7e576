"""``meticulous rename``: a name for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..errors import SettingError
from . import _annotate

__all__ = ["run"]

_EXAMPLES = """\
The id and the folder stay as they are. A name can be used wherever an id can; it need not be
unique, but commands that want one experiment then ask for the id.

examples:
  meticulous rename 17 baseline
  meticulous rename last 'wide net'
  meticulous show baseline
  meticulous rename 17 ''                 take the name away
"""
_LIKE_IDS = re.compile(r"[0-9]+(-[0-9]+)?|last(~[0-9]+)?|all|(best|min|max):.*|.*,.*")


def run(argv: Sequence[str]) -> int:
    """Name an experiment; see ``meticulous rename --help``."""
    parser = _annotate.parser(
        "rename",
        "Give an experiment a name.",
        _EXAMPLES,
        "meticulous rename ID NAME [options]",
    )
    parser.add_argument("name", metavar="NAME", help="the name; '' takes it away")
    options = parser.parse_args(argv)
    name = options.name.strip()
    store, ids = _annotate.selected(options)
    if name in store or _LIKE_IDS.fullmatch(name):
        raise SettingError(
            f"The name {name!r} would be taken for ids.", "Give another one.", value=name
        )
    if len(ids) > 1:
        raise SettingError(f"{options.ids!r} means {len(ids)} experiments.", "Name one.")

    def changes(found: dict[str, Any]) -> list[tuple[str, Any]]:
        return [] if found.get("name", "") == name else [("name", name)]

    done = _annotate.annotate(store, ids, changes)
    return _annotate.tell(options, done, f"named {name!r}" if name else "has no name any more")
