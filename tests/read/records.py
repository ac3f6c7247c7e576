"""Records written by hand, since reading must not depend on what writes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

OLD_STORE = Path(__file__).parent.parent / "fixtures" / "old_store"

SHA = "0123456789abcdef0123456789abcdef01234567"


def write_record(
    root: Path,
    expid: str = "1",
    *,
    status: str = "SUCCESS",
    args: object = None,
    default_args: object = None,
    summary: object = None,
    annotations: object = None,
    session: dict | None = None,
    silent: float = 0.0,
    **metadata: object,
) -> Path:
    """Write a whole record; further keywords become keys of its metadata, ``-`` spelled ``_``.

    ``silent`` is how many seconds ago its last heartbeat was.
    """
    folder = root / expid
    folder.mkdir(parents=True)
    facts: dict = {
        "format": 1,
        "githead-sha": SHA,
        "githead-message": "a message\n",
        "description": "",
        "timestamp": "2021-11-23T16:31:56.098327+00:00",
        "start-time": "2021-11-23T16:31:56.098327+00:00",
        "end-time": "2021-11-23T16:41:56.098327+00:00",
        "command": ["train.py", "--lr", "0.1"],
    }
    if session is not None:
        facts["sessions"] = [{"start": facts["start-time"], **session}]
    facts.update({key.replace("_", "-"): value for key, value in metadata.items()})
    documents = {
        "args.json": {"lr": 0.1, "layers": [8, 4]} if args is None else args,
        "default_args.json": {"lr": 0.1, "layers": [8, 4]}
        if default_args is None
        else default_args,
        "metadata.json": facts,
        "summary.json": summary,
        "annotations.json": annotations,
    }
    for name, value in documents.items():
        if value is not None:
            (folder / name).write_text(json.dumps(value, indent=4))
    for name in ("stdout", "stderr"):
        (folder / name).write_text("")
    (folder / "STATUS").write_text(status)
    beat = time.time() - silent
    os.utime(folder / "STATUS", (beat, beat))
    return folder


def snapshot(root: Path) -> dict[str, tuple]:
    """Everything about a tree that a reader could change."""
    found = {}
    for path in [root, *sorted(root.rglob("*"))]:
        facts = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path)] = (facts.st_mode, facts.st_mtime_ns, facts.st_ctime_ns, content)
    return found
