"""``meticulous rename``: a name for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _annotations
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
    _annotations.check_name(name, store)
    if len(ids) > 1:
        raise SettingError(f"{options.ids!r} means {len(ids)} experiments.", "Name one.")

    def changes(found: dict[str, Any]) -> list[tuple[str, Any]]:
        return [] if found.get("name", "") == name else [("name", name)]

    done = _annotate.annotate(store, ids, changes)
    return _annotate.tell(options, done, f"named {name!r}" if name else "has no name any more")
