"""Write docs/reference/command-line.md from what the commands say of themselves.

    make reference

A test compares the page with what this prints, so it is never stale.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("command-line.md")
HEAD = """\
# The command line

This page is made from `meticulous COMMAND --help` by `make reference`; a test fails when it is
stale. What commands have in common:

- **Where.** Without further words it is the experiments folder of the project around the working
  directory. `--project-directory` and `--experiments-directory` name another.
- **Which.** An `ID` is `17`, a range `3-7`, a list `3-7,9`, `last`, `last~2` (the third last),
  `all`, `best:summary.acc` (by the name: small for losses and errors, large for accuracies and
  scores), `min:NAME`, `max:NAME`, a name given with `meticulous rename`, or the path of a folder.
  `--filter` takes the [expressions](../guides/filter.md).
- **Form.** Text fits the terminal; a pipe gets everything. `--json` prints one JSON object,
  `{"schema": 1, "...": ...}`: keys may come at any time, `schema` changes when one goes or changes
  its meaning. `NO_COLOR` and `COLUMNS` are heeded.
- **Exit code.** 0 answered, 1 failed, 2 wrong usage, 3 nothing matched and `--fail-empty` was
  given, 130 after Ctrl-C. An error is one line on standard error: what, where, what to do next.
- Whatever a record holds, no control characters of it reach the terminal (but `logs --raw`).
"""


def page() -> str:
    """The whole page."""
    from meticulous.cli import COMMANDS

    text = [HEAD, "\n## meticulous\n\n", _block([])]
    for name in COMMANDS:
        text += [f"\n## meticulous {name}\n\n", _block([name])]
    return "".join(text)


def _block(words: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "meticulous", *words, "--help"],
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return f"```text\n{done.stdout.rstrip()}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
