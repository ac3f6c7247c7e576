"""Long curves of many experiments: read by several processes, ahead of being asked for, and right
whatever becomes of those processes.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from records import write_record

from meticulous import Experiments
from meticulous.web.api import Api
from read.test_history_cache import read_bytes_by

COUNT = 4
POINTS = 30_000  # 1.9 MB


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "experiments"
    line = '{"step":%d,"time":"2026-11-24T06:00:00.000000+00:00","loss":%d.5}\n'
    for number in range(1, COUNT + 1):
        folder = write_record(root, str(number))
        path = folder / "metrics.jsonl"
        path.write_text("".join(line % (step, step % (97 + number)) for step in range(POINTS)))
        moment = time.time() - 900
        os.utime(path, (moment, moment))
    return root


@pytest.fixture
def api(root):
    with contextlib.closing(Api(Experiments("", str(root)))) as api:
        yield api


def asked(api):
    ids = ",".join(map(str, range(1, COUNT + 1)))
    names = api.metrics(ids)
    whole, relative = (api.curves(ids, "loss", x) for x in ("step", "relative"))
    return names, whole, relative, api.curves(ids, "loss", low=100, high=900), api.main(ids)


def right_answers(root):
    """Without processes and without a cache."""
    program = (
        "import sys; sys.path.append(sys.argv[2]); from meticulous import Experiments\n"
        "from meticulous.web.api import Api; from test_preparing import asked\n"
        "api = Api(Experiments('', sys.argv[1])); api.close(); print(repr(asked(api)))"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": "/proc/nowhere", "HOME": "/proc/nowhere"}
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.run(
        [sys.executable, "-c", program, root, Path(__file__).parent],
        env={**environment, "PYTHONPATH": path},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def readers():
    """The processes that read, of this one."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            found += (task / "children").read_text().split()
    commands = {}
    for pid in map(int, found):
        with contextlib.suppress(OSError):
            commands[pid] = Path(f"/proc/{pid}/cmdline").read_bytes()
    return [pid for pid, command in commands.items() if b"import work; work(" in command]


def until(ready, patience=20.0):
    end = time.monotonic() + patience
    while not ready():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


def test_several_processes_read_what_is_asked_for_and_end_with_the_page(root, api):
    seen = []
    asking = threading.Thread(target=lambda: seen.append(asked(api)))
    asking.start()
    most = 0
    while asking.is_alive():
        most = max(most, len(readers()))
    assert most == min(COUNT, len(os.sched_getaffinity(0)), 8)
    assert repr(seen[0]) == right_answers(root)
    assert repr(asked(api)) == right_answers(root)
    api.close()
    until(lambda: not readers())


def test_what_they_read_is_not_read_again(root, api):
    size = sum(path.stat().st_size for path in root.glob("*/metrics.jsonl"))
    ids = ",".join(map(str, range(1, COUNT + 1)))
    assert read_bytes_by(lambda: api.metrics(ids)) < size / 2
    assert read_bytes_by(lambda: api.curves(ids, "loss", "relative")) < size / 2


def test_the_newest_are_read_before_anybody_asks(api):
    api.begin(ahead=True)
    for reader in Experiments("", api.store()["root"]).values():
        until(reader._is_ready)
        assert reader._is_ready("loss")


def test_a_process_that_dies_only_costs_time(root, api):
    stop = threading.Event()

    def harm():
        while not stop.is_set():
            for pid in readers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    harming = threading.Thread(target=harm)
    harming.start()
    try:
        assert repr(asked(api)) == right_answers(root)
    finally:
        stop.set()
        harming.join()


@pytest.mark.parametrize("executable", ["", "/nowhere/python"])
def test_where_no_process_can_be_started_the_answers_are_the_same(root, monkeypatch, executable):
    right = right_answers(root)
    monkeypatch.setattr(sys, "executable", executable)
    with contextlib.closing(Api(Experiments("", str(root)))) as api:
        assert repr(asked(api)) == right


def test_a_page_that_is_closed_lets_nobody_wait(root, api):
    asking = threading.Thread(target=asked, args=(api,))
    asking.start()
    until(readers)
    api.close()
    asking.join(20)
    assert not asking.is_alive()


def test_one_experiment_and_short_curves_need_no_process(root, api):
    for number in range(2, COUNT + 1):
        path = root / str(number) / "metrics.jsonl"
        path.write_text("".join(path.read_text().splitlines(True)[:100]))
    asked(api)
    assert not readers()
