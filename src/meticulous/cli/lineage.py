"""``meticulous lineage``: what an experiment came from, and what was made from it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from .._compare_lineage import Lineage, Link, Node, walk
from .._table import clean, cut
from . import _output, _store

__all__ = ["run"]

_EXAMPLES = """\
An experiment came from another one when an output of that one, by record_output(), is an input of
this one, by record_input() or as a file that an arg leads to: the hashes are the same, whatever
the paths. It did also when an input lies in the folder of the other one, when the other one
started it, and when it runs the other one again (reproduce). Of several experiments that made the
same bytes all are shown.

With --json, {"lineage": {"expid", "upstream", "downstream", "experiments", "problems"}}: the two
lists hold depth, source, target, kind (file, folder, parent, reproduces), path, sha256, arg.

examples:
  meticulous lineage 17
  meticulous lineage last --depth 1
  meticulous lineage best:summary.acc --json | jq -r '.lineage.upstream[].source'
"""
_MOST = 200
_KINDS = {"parent": "started by it", "reproduces": "run again"}


def run(argv: Sequence[str]) -> int:
    """Print an experiment's lineage; see ``meticulous lineage --help``."""
    parser = _output.Parser(
        "lineage",
        "Show what an experiment came from and what was made from it: whose output is whose "
        "input, by the hashes of the files.",
        _EXAMPLES,
        "meticulous lineage ID [options]",
    )
    parser.add_argument("ids", metavar="ID", help=_store.ONE)
    parser.add_argument(
        "--depth", type=_depth, default=20, metavar="N", help="how many steps far (default: 20)"
    )
    parser.add_argument("--json", action="store_true", help="the same for programs, in full")
    _store.add_store(parser)
    options = parser.parse_args(argv)
    store = _store.open_store(options)
    expid = _store.one(store, options.ids).expid
    lineage = Lineage(store.experiments_directory)
    rows = {row["expid"]: row for row in store.lazy_rows()}
    for name, row in zip(rows, _output.progress(list(rows.values()), "reading"), strict=True):
        lineage.add(name, row["metadata"], row["annotations"], row["curexpdir"])
    store.remember()
    links = lineage.links()
    up = list(walk(links, expid, options.depth, up=True))
    down = list(walk(links, expid, options.depth, up=False))
    if options.json:
        _output.print_json("lineage", _plain(expid, up, down, rows, lineage.problems))
        return 0
    lines = [_told(expid, rows), ""]
    lines += [*_tree("came from", up, rows), "", *_tree("led to", down, rows)]
    lines += [f"note: {problem}" for problem in lineage.problems]
    room = _output.width()
    lines = [clean(line) for line in lines]
    _output.write("\n".join(line if room is None else cut(line, room) for line in lines) + "\n")
    return 0


def _depth(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a number from 1 is needed")
    return int(text)


def _told(expid: str, rows: Mapping[str, Any]) -> str:
    row = rows.get(expid)
    if row is None:
        return f"{expid}  (not here)"
    summary = row["summary"] if isinstance(row["summary"], Mapping) else {}
    values = [f"{name}={value}" for name, value in list(summary.items())[:3]]
    name = row["annotations"].get("name")
    told = [expid, row["status"], str(name) if name else "", ", ".join(values)]
    return "  ".join(part for part in told if part)


def _tree(title: str, nodes: Sequence[Node], rows: Mapping[str, Any]) -> list[str]:
    if not nodes:
        return [f"{title}: nothing that is recorded"]
    lines = [f"{title}:"]
    for number, node in enumerate(nodes[:_MOST]):
        # The line of a level goes on if one of the same level comes before it ends.
        bars = ""
        for level in range(1, node.depth + 1):
            after = next((it.depth for it in nodes[number + 1 :] if it.depth <= level), 0)
            goes_on = after == level
            if level < node.depth:
                bars += "|  " if goes_on else "   "
            else:
                bars += "|- " if goes_on else "`- "
        again = "  (see above)" if node.again else ""
        lines.append(f"{bars}{_told(node.expid, rows)}{again}  <{_link(node.link)}>")
    if len(nodes) > _MOST:
        lines.append(f"... and {len(nodes) - _MOST} more: --json has all")
    return lines


def _link(link: Link) -> str:
    if not link.path:
        return _KINDS.get(link.kind, link.kind)
    how = [f"--{link.arg}"] if link.arg else []
    how += [link.path, link.sha256[:8]]
    if link.kind == "folder":
        how.append("in its folder")
    return " ".join(part for part in how if part)


def _plain(
    expid: str,
    up: Sequence[Node],
    down: Sequence[Node],
    rows: Mapping[str, Any],
    problems: Sequence[str],
) -> dict[str, Any]:
    ids = dict.fromkeys([expid, *(node.expid for node in (*up, *down))])
    known: list[dict[str, Any]] = []
    for name in ids:
        row = rows.get(name)
        facts = {"status": row["status"], "summary": row["summary"]} if row else {"status": None}
        known.append({"expid": name, **facts})
    return {
        "expid": expid,
        "upstream": [{"depth": node.depth, **node.link._asdict()} for node in up],
        "downstream": [{"depth": node.depth, **node.link._asdict()} for node in down],
        "experiments": known,
        "problems": list(problems),
    }
