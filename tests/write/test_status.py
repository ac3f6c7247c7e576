"""Hooks, handlers, threads and several experiments: programs/hooks.py. STATUS stays right."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest
from lifecycle_tools import PROGRAMS, Project

from conftest import Repository

WRONG = "\nValueError: wrong\n"
CASES = {
    "excepthook_before": WRONG,
    "excepthook_that_fails": WRONG,
    "excepthook_after_finish": "SUCCESS",
    "exit_replaced_before": "ERROR\nsys.exit(7)",
    "exit_mocked_before": "SUCCESS",
    "exit_replaced_after": "SUCCESS",
    "everything_put_back": "SUCCESS",
    "looks_the_same": "SUCCESS",
    "exit_handlers": "SUCCESS",
    "thread_at_the_end": "SUCCESS",
    "three_open_exception": {"a": WRONG, "b": WRONG, "c": WRONG},
    "three_open_exit": dict.fromkeys("abc", "ERROR\nsys.exit(3)"),
    "three_open_signal": dict.fromkeys("abc", "ERROR\nSIGTERM"),
    "three_open_end": dict.fromkeys("abc", "SUCCESS"),
    "nested_blocks": {"a": "\nKeyError: 'outer'\n", "b": "\nValueError: inner\n", "c": "SUCCESS"},
    "finish_twice": "DONE",
    "finish_in_a_block": "SUCCESS",
    "finish_in_a_thread": "SUCCESS",
    "start_in_a_thread": WRONG,
    "start_in_a_thread_exit": "ERROR\nsys.exit(3)",
    "threads_start_and_finish": "ERROR\nsys.exit(3)",
    "block_before_failure": "SUCCESS",
    "generator_closed": "\nGeneratorExit\n",
    "shadowed_module": WRONG,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return Project(tmp_path_factory.mktemp("hooks"), "hooks.py")


@pytest.mark.parametrize("case", CASES)
def test_hooks_and_several_experiments_end_as_they_should(project, case):
    recorded, bare = project.with_and_without(sys.executable, "hooks.py", case)
    assert (recorded.code, recorded.out, recorded.err) == (bare.code, bare.out, bare.err)
    expected = CASES[case]
    names = {case: expected}
    if isinstance(expected, dict):
        names = {f"{case}_{name}": status for name, status in expected.items()}
    for name, status in names.items():
        found = project.text(name)
        assert found == status or (status.startswith("\n") and found.endswith(status))


def test_every_case_is_tested():
    text = (PROGRAMS / "hooks.py").read_text()
    assert {case for case in CASES if f"\ndef {case}():" not in text} == set()


def test_what_a_thread_logs_at_the_very_end_is_kept(project):
    project.forget("thread_at_the_end")
    recorded, _ = project.with_and_without(sys.executable, "hooks.py", "thread_at_the_end")
    assert recorded.code == 0
    assert len(project.text("thread_at_the_end", "metrics.jsonl").splitlines()) == 100


def test_a_log_in_a_late_exit_handler_only_warns(project):
    recorded, bare = project.with_and_without(sys.executable, "hooks.py", "exit_handler_that_logs")
    assert recorded.code == bare.code == 0
    assert b"RuntimeWarning: log() after the end of experiment" in recorded.err
    assert project.text("exit_handler_that_logs") == "SUCCESS"


LEAKS = """
    import atexit, builtins, gc, os, signal, sys, threading
    from meticulous import Experiment

    options = dict(dirty="allow", sample_seconds=0)

    def state():
        for thread in threading.enumerate():
            if thread is not threading.main_thread():
                thread.join(20)  # one that is about to end
        gc.collect()
        return {
            "descriptors": sorted(os.listdir("/proc/self/fd")),
            "threads": sorted(thread.name for thread in threading.enumerate()),
            "handlers": [str(signal.getsignal(n)) for n in range(1, 32)],
            "hooks": [str(hook) for hook in (
                sys.exit, builtins.exit, builtins.quit, sys.excepthook, signal.signal,
                signal.getsignal, signal.set_wakeup_fd, threading.excepthook, sys.gettrace(),
                sys.getprofile(), sys.stdout, sys.stderr, sys.stdout.write, sys.stderr.flush,
            )],
            "streams": [sorted(vars(s)) for s in (sys.stdout, sys.stderr, sys.stdout.buffer)],
            "environment": dict(os.environ),
            "exit handlers": atexit._ncallbacks(),
            "wakeup": signal.set_wakeup_fd(-1),
            "warnings": len(__import__("warnings").filters),
        }

    def record(count):
        for number in range(count):
            with Experiment({"number": number}, **options) as experiment:
                experiment.log({"loss": number})
                print(number)

    record(10)
    before = state()
    objects = len(gc.get_objects())
    record(int(sys.argv[1]))
    after = state()
    assert before == after, (before, after)
    grown = len(gc.get_objects()) - objects
    assert grown < 500, grown
    many = [Experiment({"nested": number}, **options) for number in range(int(sys.argv[2]))]
    print("nested")
    for experiment in [*many[::2], *many[1::2]]:
        experiment.finish()
    many.clear()
    after = state()
    assert before == after, (before, after)
    print("no leak")
"""


@pytest.fixture
def quick_folder(tmp_path):
    """In memory where there is such a place: a disk takes most of the time otherwise."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Repository(Path(folder), init=False)


def test_a_thousand_experiments_in_one_process_leak_nothing(quick_folder):
    """No git program is on the path, since it would take most of the time."""
    folder = quick_folder
    folder.write("leaks.py", LEAKS)
    done = folder.run("leaks.py", "1000", "100", env={"PATH": ""}, timeout=240)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    assert done.stdout.endswith(b"nested\nno leak\n")
    statuses = {path.read_text() for path in folder.root.glob("*/STATUS")}
    assert statuses == {"SUCCESS"}
    assert len(list(folder.root.glob("[0-9]*"))) == 1110
    assert (folder.root / "500" / "stdout").read_bytes() == b"489\n"
    assert (folder.root / "1050" / "stdout").read_bytes() == b"nested\n"
