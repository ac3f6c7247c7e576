"""The recorded console: its limit, what a kill leaves of it, and a thousand recordings."""

from __future__ import annotations

import json
import os
import re
import signal

import pytest

from storage_tools import read_all

MARKER = re.compile(rb"\n\[meticulous: (\d+) bytes are left out here; see [^\]]*\]\n")

LONG = """
import os, subprocess, sys
from meticulous import Experiment
first, last, capture = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
experiment = Experiment(
    experiment_id="run", capture=capture, capture_limit="40 KB", sample_seconds=0
)
for number in range(first, last):
    print("line", number)
    if number % 5 == 0:
        print("error", number, file=sys.stderr)
"""


@pytest.mark.parametrize("capture", ["sys", "fd"])
def test_the_limit_keeps_head_and_tail_with_a_marker_also_over_sessions(repository, capture):
    repository.program(LONG)
    out, err = b"", b""
    for first, last in ((0, 20_000), (20_000, 21_000), (21_000, 30_000)):
        done = repository.run("train.py", str(first), str(last), capture)
        assert done.returncode == 0, done.stderr
        out, err = out + done.stdout, err + done.stderr
        for name, printed in (("stdout", out), ("stderr", err)):
            data = (repository.root / "run" / name).read_bytes()
            assert len(data) <= 40 << 10
            head, left_out, tail = MARKER.split(data)
            assert printed.startswith(head) and len(head) == 10 << 10
            assert printed.endswith(tail) and len(tail) >= 20 << 10
            assert len(head) + int(left_out) + len(tail) == len(printed)
    assert out.count(b"line ") == 30_000, "the terminal gets everything"
    read_all(repository.root / "run")
    assert not [name for name in os.listdir(repository.root / "run") if name.endswith("~")]


@pytest.mark.parametrize("capture", ["sys", "fd"])
def test_what_is_within_the_limit_is_kept_whole(repository, capture):
    repository.program(LONG)
    done = repository.run("train.py", "0", "1000", capture)
    assert (repository.root / "run" / "stdout").read_bytes() == done.stdout
    assert (repository.root / "run" / "stderr").read_bytes() == done.stderr


FLUSH = """
import os, sys, time
from meticulous import Experiment
experiment = Experiment(sample_seconds=0)
for number in range(2000):
    print("line", number)
print("partial", end="", flush=True)
sys.stderr.write("error\\n")
sys.stderr.flush()
if sys.argv[1] == "later":
    time.sleep(0.5)
print("never flushed" if sys.argv[1] == "at once" else "", end="")
os.kill(os.getpid(), 9)
"""


def test_what_was_flushed_before_a_kill_is_in_the_record(repository):
    repository.program(FLUSH)
    expected = b"".join(b"line %d\n" % number for number in range(2000)) + b"partial"
    complete = 0
    for number, when in enumerate(("later", "at once", "at once", "at once"), 1):
        done = repository.run("train.py", when, env={"PYTHONUNBUFFERED": ""})
        assert done.returncode == -signal.SIGKILL
        assert done.stdout == expected
        data = (repository.root / str(number) / "stdout").read_bytes()
        if when == "later":
            assert data == expected
            assert (repository.root / "1" / "stderr").read_bytes() == b"error\n"
        else:
            complete += data.startswith(expected)
    assert complete, "at once, too, unless the machine is too busy to answer within 50 ms"


MANY = """
import builtins, json, os, signal, sys, threading, warnings, weakref, gc
from meticulous import Experiment, _experiment_recording, _folder, _settings
from meticulous._redact import Redactor

def state():
    gc.collect()
    return {
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "descriptors": sorted(os.listdir("/proc/self/fd")),
        "handlers": [str(signal.getsignal(n)) for n in (signal.SIGTERM, signal.SIGINT)],
        "hooks": [sys.exit is exits[0], builtins.exit is exits[1], sys.excepthook is exits[2]],
        "streams": [sorted(vars(sys.stdout)), sorted(vars(sys.stderr))],
        "wakeup": signal.set_wakeup_fd(-1),
        "environ": os.environ.get("METICULOUS_PARENT"),
    }

def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4

exits = sys.exit, builtins.exit, sys.excepthook
settings = {**_settings.resolve(".", {}), "sample_seconds": 3600.0}

def record(number):
    path = os.path.abspath(os.path.join("recordings", str(number)))
    os.makedirs(path)
    recording = _experiment_recording.Recording(_folder.Folder(path), settings, 1)
    recording.start()
    recording.metrics.put((0, 0.0, {"a": number}))
    recording.store("summary.json", {"a": number}, wait=False)
    print("recording", number)
    recording.stop_listening()
    recording.close(1e9)
    return os.path.getsize(os.path.join(path, "metrics.jsonl"))

def experiment(number):
    with Experiment({"number": number}, dirty="allow", sample_seconds=0.5) as experiment:
        experiment.log({"a": number})
        experiment.record_input(".")
        print("experiment", number)
    return weakref.ref(experiment)

sizes = [record(number) for number in range(20)]
kept = [experiment(number) for number in range(5)]
before, used = state(), memory()
sizes += [record(number) for number in range(20, 1000)]
between = memory()
kept += [experiment(number) for number in range(5, 30)]
after = state()
print(json.dumps([before, after, between - used, memory() - between, min(sizes),
                  sum(ref() is not None for ref in kept)]), file=sys.__stderr__)
"""


def test_a_thousand_recordings_leave_nothing_behind(repository):
    repository.program(MANY)
    done = repository.run("train.py", timeout=200)
    assert done.returncode == 0, done.stderr
    before, after, recordings, experiments, size, alive = json.loads(done.stderr.splitlines()[-1])
    assert before == after
    assert before["threads"] == ["MainThread"]
    assert recordings < 8_000 and experiments < 8_000, "kB, for a thousand and for 25"
    assert size > 50
    assert alive <= 1, "an experiment that has ended is garbage"
    assert done.stdout.count(b"recording ") == 1000
    assert len(os.listdir(repository.path / "recordings")) == 1000
    last = repository.root / "30"
    assert (last / "stdout").read_bytes() == b"experiment 29\n"
