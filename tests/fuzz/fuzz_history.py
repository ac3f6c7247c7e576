"""Feed the reader of metrics with garbage; takes the options of libFuzzer: -max_total_time=60.

Needs atheris. The promises are those of tests/read/test_history_fuzz.py: nothing raises, and the
fast way of reading gives what reading every line as JSON gives.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit(
        "This needs atheris, which is not installed here: pip install atheris. It has no build for"
        " every Python; `pytest tests/read/test_history_fuzz.py` fuzzes without it."
    )

with atheris.instrument_imports(include=["meticulous"]):
    from meticulous import ExperimentReader
    from meticulous._series_curve import Curve
    from meticulous._series_read import lines

USUAL = b"".join(
    b'{"step":%d,"time":"2026-11-24T06:35:23.123456+00:00","loss":0.5,"acc":1e-7}\n' % step
    for step in range(3)
)
FOLDER = tempfile.TemporaryDirectory()
PATH = Path(FOLDER.name, "metrics.jsonl")


def seen(quick: bool) -> str:
    """What is read in two parts, so that the second one is read by the shapes of the first."""
    curve = Curve("loss", True, quick)
    descriptor = os.open(PATH, os.O_RDONLY)
    try:
        for start, stop in ((0, len(USUAL)), (len(USUAL), os.fstat(descriptor).st_size)):
            for _, part in lines(descriptor, start, stop):
                if not curve._quickly(part):
                    curve._slowly(part)
    finally:
        os.close(descriptor)
    columns = (curve.steps, curve.values, curve.times)
    numbers = [[value + 0.0 for value in column] for column in columns]
    sessions = [(number, start, first + 0.0) for number, start, first in curve.sessions]
    return repr((numbers, sessions, curve.plain))


def once(data: bytes) -> None:
    PATH.write_bytes(USUAL + data)
    assert seen(True) == seen(False)
    reader = ExperimentReader(FOLDER.name)
    count = reader.metrics["loss"]["count"]
    assert count == len(reader.history("loss")["loss"])
    assert len(reader.history()["step"]) >= count


if __name__ == "__main__":
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
