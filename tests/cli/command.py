"""The command, called in this process or as one of its own."""

import re
import subprocess
import sys

from meticulous.cli import main

COMMAND = (sys.executable, "-m", "meticulous")


def run(capfd, *argv):
    code = main([str(word) for word in argv])
    captured = capfd.readouterr()
    return code, captured.out, captured.err


def listed(capfd, *argv):
    """The listing: header names, and for each id the line."""
    code, out, err = run(capfd, *argv)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    header = next(n for n, line in enumerate(lines) if re.match(r"id\b", line))
    return lines[header].split(), {line.split()[0]: line for line in lines[header + 1 :] if line}


def process(*argv, **options):
    options.setdefault("timeout", 60)
    return subprocess.run([*COMMAND, *map(str, argv)], capture_output=True, check=False, **options)
