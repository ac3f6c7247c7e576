"""``meticulous tag``: words to find experiments by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..errors import SettingError
from ..experiments import Experiments
from . import _annotate

__all__ = ["run"]

_EXAMPLES = """\
The first word says which experiments, all further ones are tags; commas part tags, too.
It may be done while an experiment runs, and after.

examples:
  meticulous tag 3-7,9 best paper         add two tags to six experiments
  meticulous tag last baseline
  meticulous tag 3 paper --remove         take it off again
  meticulous tag all good --filter 'summary.acc > 0.9'
  meticulous tag 3-7                      print the tags that they have
  meticulous list --tag paper             list those that have it
"""
_LIKE_IDS = re.compile(r"[0-9]+-[0-9]+|last(~[0-9]+)?|all")


def run(argv: Sequence[str]) -> int:
    """Tag experiments; see ``meticulous tag --help``."""
    parser = _annotate.parser(
        "tag",
        "Add tags to experiments, or take them off. Without tags print those that they have.",
        _EXAMPLES,
        "meticulous tag IDS [TAG ...] [--remove] [options]",
    )
    parser.add_argument(
        "tags", nargs="*", default=[], metavar="TAG", help="a word; each is kept once"
    )
    parser.add_argument("-d", "--remove", action="store_true", help="take the tags off")
    options = parser.parse_intermixed_args(argv)
    words = [tag.strip() for word in options.tags for tag in word.split(",")]
    tags = list(dict.fromkeys(tag for tag in words if tag))
    if options.remove and not tags:
        raise SettingError("Name the tags that are to be taken off.", name="TAG")
    store, ids = _annotate.selected(options)
    if not tags:
        return _annotate.show(
            options, store, ids, lambda found: [", ".join(_tags(found)) or "(no tags)"]
        )
    _check(tags, store)

    def changes(found: dict[str, Any]) -> list[tuple[str, Any]]:
        has = _tags(found)
        new = [tag for tag in tags if (tag in has) == options.remove]
        return [("untag" if options.remove else "tag", new)] if new else []

    done = _annotate.annotate(store, ids, changes)
    named = ", ".join(tags)
    if options.remove:
        return _annotate.tell(options, done, f"no longer tagged {named}", f"not tagged {named}")
    return _annotate.tell(options, done, f"tagged {named}", f"already tagged {named}")


def _tags(found: dict[str, Any]) -> list[str]:
    tags = found.get("tags")
    return [str(tag) for tag in tags] if isinstance(tags, list) else []


def _check(tags: list[str], store: Experiments) -> None:
    """Refuse what was probably meant as a further experiment.

    Raises:
        SettingError: a tag looks like an id.
    """
    for tag in tags:
        if tag in store or _LIKE_IDS.fullmatch(tag):
            raise SettingError(
                f"{tag!r} is an experiment, and only the first word says which are tagged.",
                "Write several as one word: 3-7,9.",
                name="TAG",
                value=tag,
            )
