"""Signals do what they do without us, as promptly, and STATUS says which: programs/signalled.py."""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from pathlib import Path

import pytest
from lifecycle_tools import Project, line_of, outcome_of, wait_for

TERM = "ERROR\nSIGTERM"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return Project(tmp_path_factory.mktemp("signals"), "signalled.py")


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    """Hashing it takes longer than the end of an experiment may wait."""
    path = tmp_path_factory.mktemp("large") / "sparse"
    with open(path, "wb") as file:
        file.truncate(1 << 36)
    return str(path)


# Case: what STATUS holds, and whether the program ends normally.
ALONE = {
    "handler_before": "ERROR\nsys.exit(7)",
    "handler_after": "ERROR\nsys.exit(7)",
    "handler_goes_on": "SUCCESS",
    "chaining_handler": TERM,
    "default_put_back": TERM,
    "ignored": "SUCCESS",
    "default_interrupt": "ERROR\nSIGINT",
    "event_loop_default": TERM,
    "faulthandler_before": "SUCCESS",
    "faulthandler_after": "SUCCESS",
    "after_finish": "SUCCESS",
    "finished_in_a_thread": TERM,
    "finished_in_a_thread_then_killed": "SUCCESS",
    "started_in_a_thread": "RUNNING",
    "mask_and_handlers_of_children": "SUCCESS",
    "children_killed_at_birth": "SUCCESS",
    "children_killed_at_birth_by_a_thread": "SUCCESS",
    "processes_terminated_at_birth": "SUCCESS",
}


@pytest.mark.parametrize("case", ALONE)
def test_the_program_sees_and_does_what_it_would_without_us(project, case):
    recorded, bare = project.with_and_without(
        sys.executable, "-W", "ignore::DeprecationWarning", "signalled.py", case
    )
    assert (recorded.code, recorded.out, recorded.err) == (bare.code, bare.out, bare.err)
    assert project.text(case) == ALONE[case]
    if ALONE[case] == "SUCCESS" and "killed" not in case and case != "after_finish":
        assert recorded.code == 0


def test_a_signal_that_nohup_ignores_stays_ignored(project):
    command = 'trap "" HUP; exec "$0" signalled.py ignored_before'
    recorded, bare = project.with_and_without("sh", "-c", command, sys.executable)
    assert (recorded.code, recorded.out, recorded.err) == (0, bare.out, bare.err)
    assert project.text("ignored_before") == "SUCCESS"


@pytest.mark.parametrize(
    ("case", "number"),
    [
        ("long_c_call", signal.SIGTERM),
        ("event_loop", signal.SIGTERM),
        ("long_sleep_of_c", signal.SIGTERM),
        ("long_select", signal.SIGUSR1),
        ("long_join", signal.SIGUSR2),
        ("long_loop", signal.SIGTERM),
        ("non_daemon_thread", signal.SIGTERM),
    ],
)
def test_a_program_in_a_long_call_ends_at_once_and_says_why(project, case, number):
    process = project.popen(sys.executable, "signalled.py", case)
    line_of(process, b"ready")
    process.send_signal(number)
    outcome = outcome_of(process, timeout=60)  # the calls themselves take ten minutes
    assert outcome.code == -number
    assert outcome.err == b""
    assert project.text(case) == f"ERROR\n{number.name}"
    assert project.reader(case).status == "TERMINATED"
    assert project.metadata(case)["sessions"][-1]["ending"] == {
        "kind": "terminated",
        "signal": number.name,
    }


def test_a_stopped_program_goes_on_as_before(project):
    process = project.popen(sys.executable, "signalled.py", "stopped")
    line_of(process, b"ready")
    state = Path(f"/proc/{process.pid}/stat")
    wait_for(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "the stop")
    assert project.reader("stopped").status == "RUNNING"
    process.send_signal(signal.SIGCONT)
    assert outcome_of(process).out == b"goes on\n"
    assert project.text("stopped") == "SUCCESS"


def test_a_program_that_logs_as_fast_as_it_can_loses_no_row_by_a_signal(project, tmp_path):
    """The signal comes while the main thread holds what the writing thread needs."""
    for attempt in range(5):
        count = tmp_path / f"count-{attempt}"
        count.write_bytes(bytes(8))
        process = project.popen(sys.executable, "signalled.py", "busy_logging", str(count))
        line_of(process, b"ready")

        def logged(count=count):
            return struct.unpack("q", count.read_bytes())[0]

        wait_for(lambda logged=logged: logged() > 8000, "some rows")
        process.send_signal(signal.SIGTERM)
        outcome = outcome_of(process)
        assert (outcome.code, outcome.err) == (-signal.SIGTERM, b"")
        assert project.text("busy_logging") == TERM
        assert "problems" not in project.metadata("busy_logging")
        rows = len(project.text("busy_logging", "metrics.jsonl").splitlines())
        assert rows in (logged(), logged() + 1)
        project.forget("busy_logging")


def test_a_program_that_prints_as_fast_as_it_can_ends_by_a_signal(project):
    process = project.popen(sys.executable, "signalled.py", "busy_printing")
    assert process.stdout.read(100_000).strip(b"x\n") == b""
    process.send_signal(signal.SIGTERM)
    outcome = outcome_of(process)
    assert (outcome.code, outcome.err) == (-signal.SIGTERM, b"")
    assert project.text("busy_printing") == TERM


@pytest.mark.parametrize("line", [1, 3, 5, 8, 10, 12, 13, 14, 15, 16, 20, 30, 45, 60])
def test_a_signal_at_any_line_of_the_handing_over_is_recorded(project, line):
    process = project.popen(
        sys.executable, "signalled.py", "each_line_of_ours", str(line), start_new_session=True
    )
    outcome = outcome_of(process, timeout=60)
    assert outcome.code == -signal.SIGTERM
    assert project.text("each_line_of_ours") == TERM
    project.forget("each_line_of_ours")


def test_a_signal_at_the_end_ends_it_and_is_recorded(project, large_file):
    for case in ("slow_end", "slow_finish"):
        process = project.popen(sys.executable, "signalled.py", case, large_file)
        line_of(process, b"at the end")
        process.send_signal(signal.SIGTERM)
        assert outcome_of(process).code == -signal.SIGTERM
        assert project.text(case) == TERM
        project.forget(case)


def test_several_signals_end_it_once(project, large_file):
    process = project.popen(sys.executable, "signalled.py", "slow_block", large_file)
    line_of(process, b"ready")
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP, signal.SIGTERM):
        process.send_signal(number)
    outcome = outcome_of(process)
    assert outcome.code in (-signal.SIGTERM, -signal.SIGHUP)
    assert outcome.err == b""
    assert project.text("slow_block") == f"ERROR\n{signal.Signals(-outcome.code).name}"


def test_a_second_interrupt_at_the_end_only_ends_the_waiting(project, large_file):
    process = project.popen(sys.executable, "signalled.py", "slow_end_by_exception", large_file)
    while b"ValueError: wrong" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(0.3)  # the traceback is printed, and the end waits for the hash
    process.send_signal(signal.SIGINT)
    outcome = outcome_of(process)
    assert (outcome.code, outcome.out, outcome.err) == (1, b"", b"")
    assert project.text("slow_end_by_exception").endswith("\nValueError: wrong\n")
    project.forget("slow_end_by_exception")


def test_two_interrupts_in_a_block_end_it_at_once(project, large_file):
    project.forget("slow_block")
    process = project.popen(sys.executable, "signalled.py", "slow_block", large_file)
    line_of(process, b"ready")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)  # by now it waits for the hash; if not, the test says less but still holds
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    outcome = outcome_of(process)
    assert outcome.code == -signal.SIGINT
    assert outcome.err.startswith(b"Traceback")
    assert outcome.err.endswith(b"\nKeyboardInterrupt\n")
    assert project.reader("slow_block").status == "INTERRUPTED"


def test_an_interrupt_during_finish_reaches_the_program(project, large_file):
    process = project.popen(sys.executable, "signalled.py", "slow_finish", large_file)
    line_of(process, b"at the end")
    time.sleep(0.1)  # it is in finish(), or about to be
    os.kill(process.pid, signal.SIGINT)
    outcome = outcome_of(process)
    assert (outcome.code, outcome.out, outcome.err) == (0, b"interrupted\n", b"")
    assert project.text("slow_finish") == "SUCCESS"
