"""``meticulous lock``: what must not be removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import _annotate

__all__ = ["run"]

_EXAMPLES = """\
'meticulous rm' and 'meticulous purge' leave locked experiments alone, whatever they are told. It
is no protection against rm -r.

examples:
  meticulous lock 3-7                     those of the paper
  meticulous lock all --filter "'paper' in tags"
  meticulous lock 3 --unlock
"""


def run(argv: Sequence[str]) -> int:
    """Lock experiments; see ``meticulous lock --help``."""
    parser = _annotate.parser(
        "lock",
        "Keep experiments from being thrown away, or allow it again.",
        _EXAMPLES,
        "meticulous lock IDS [--unlock] [options]",
    )
    parser.add_argument("--unlock", action="store_true", help="allow it again")
    options = parser.parse_args(argv)
    store, ids = _annotate.selected(options)

    def changes(found: dict[str, Any]) -> list[tuple[str, Any]]:
        return [] if bool(found.get("locked")) != options.unlock else [(action, None)]

    action = "unlock" if options.unlock else "lock"
    done = _annotate.annotate(store, ids, changes)
    return _annotate.tell(options, done, f"{action}ed")
