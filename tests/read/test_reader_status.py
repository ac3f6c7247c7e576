"""The status is derived when it is read: from the word, the ending, and whether the owner lives."""

import json
import os
import signal
import subprocess
import sys

import pytest

from meticulous import _process
from meticulous.experiments import ExperimentReader
from read.records import write_record

TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "train.py", line 31, in <module>\n'
    "    raise ValueError('loss is not finite')\n"
    "ValueError: loss is not finite\n"
)
GROUP = (
    "  + Exception Group Traceback (most recent call last):\n"
    '  |   File "train.py", line 1, in <module>\n'
    "  | ExceptionGroup: two (2 sub-exceptions)\n"
    "  +-+---------------- 1 ----------------\n"
    "    | ValueError: a\n"
    "    +---------------- 2 ----------------\n"
    "    | TypeError: b\n"
    "    +------------------------------------\n"
)
INTERRUPT = 'Traceback (most recent call last):\n  File "train.py", line 3\nKeyboardInterrupt\n'


@pytest.mark.parametrize(
    ("text", "ending", "word", "message"),
    [
        ("SUCCESS", {"kind": "success"}, "SUCCESS", ""),
        ("SUCCESS", None, "SUCCESS", ""),
        (
            "SUCCESS\n12 metric rows lost: No space left on device",
            {"kind": "success"},
            "SUCCESS",
            "12 metric rows lost: No space left on device",
        ),
        (f"ERROR\n{TRACEBACK}", None, "ERROR", "ValueError: loss is not finite"),
        (f"ERROR\n{TRACEBACK}", {"kind": "error"}, "ERROR", "ValueError: loss is not finite"),
        (TRACEBACK, None, "ERROR", "ValueError: loss is not finite"),
        (f"ERROR\n{GROUP}", None, "ERROR", "TypeError: b"),
        (
            f"ERROR\n{GROUP}",
            {"kind": "error", "exception": "ExceptionGroup: two"},
            "ERROR",
            "ExceptionGroup: two",
        ),
        ("ERROR\nsys.exit(3)", {"kind": "error", "exit-code": 3}, "ERROR", "sys.exit(3)"),
        ("ERROR", {"kind": "error", "exit-code": 3}, "ERROR", "exit code 3"),
        ("ERROR", {"kind": "error", "exception": "OSError: x"}, "ERROR", "OSError: x"),
        ("ERROR\nSystemExit (exit code not known)", {"kind": "unknown"}, "ERROR", None),
        (f"ERROR\n{INTERRUPT}", {"kind": "interrupted"}, "INTERRUPTED", "KeyboardInterrupt"),
        (f"ERROR\n{INTERRUPT}", None, "INTERRUPTED", "KeyboardInterrupt"),
        ("ERROR\nKeyboardInterrupt", None, "INTERRUPTED", "KeyboardInterrupt"),
        ("ERROR\nSIGTERM", {"kind": "terminated", "signal": "SIGTERM"}, "TERMINATED", "SIGTERM"),
        ("ERROR\nSIGHUP", None, "TERMINATED", "SIGHUP"),
        ("ERROR", {"kind": "terminated", "signal": 15}, "TERMINATED", "SIGTERM"),
        ("ERROR\nkilled", {"kind": "terminated", "signal": 99}, "TERMINATED", "signal 99"),
        ("diverged", {"kind": "finished"}, "diverged", ""),
        ("diverged\nat step 3\n\n", {"kind": "finished"}, "diverged", "at step 3"),
        # Killed between writing why it ended and the word for it.
        ("RUNNING", {"kind": "success", "exit-code": 0}, "SUCCESS", ""),
        ("RUNNING", {"kind": "error", "exception": "OSError: x"}, "ERROR", "OSError: x"),
        ("RUNNING", {"kind": "terminated", "signal": "SIGTERM"}, "TERMINATED", "SIGTERM"),
        ("RUNNING", {"kind": "finished", "status": "diverged"}, "diverged", ""),
        ("RUNNING", {"kind": "unknown", "exception": "SystemExit"}, "ERROR", "SystemExit"),
        ("RUNNING", {"kind": "new"}, "RUNNING", ""),
        ("", None, "UNKNOWN", ""),
        ("\nnot on the first line", None, "UNKNOWN", "not on the first line"),
        (
            "ERROR\n\x1b[31mred\x1b[0m\x07\tand \x1b]0;title\x07white\n",
            None,
            "ERROR",
            "red and white",
        ),
        ("\x1b[31mred\x1b[0m", None, "red", ""),
        ("SUCCESS\r\n", None, "SUCCESS", ""),
    ],
)
def test_the_word_and_the_ending_make_the_status(tmp_path, text, ending, word, message):
    session = {} if ending is None else {"ending": ending}
    reader = ExperimentReader(write_record(tmp_path, status=text, session=session))
    assert reader.status == word
    assert message is None or reader.status_message == message


needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs Linux")


@pytest.fixture
def child():
    """A live process and what it said of itself."""
    code = (
        "import json, sys; from meticulous import _process;"
        "print(json.dumps(_process.identity()), flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.identity = json.loads(process.stdout.readline())
    yield process
    process.kill()
    process.communicate()


@needs_proc
def test_a_live_process_is_never_lost_also_stopped_and_silent_for_an_hour(tmp_path, child):
    folder = write_record(tmp_path, status="RUNNING", session=child.identity, silent=3600)
    assert ExperimentReader(folder).status == "RUNNING"
    child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED)
    reader = ExperimentReader(folder)
    assert (reader.status, reader.status_message) == ("RUNNING", "")
    assert reader.duration > 0


@needs_proc
def test_a_killed_process_is_lost_at_once_also_before_its_parent_looks(tmp_path, child):
    folder = write_record(tmp_path, status="RUNNING", session=child.identity)
    reader = ExperimentReader(folder)
    assert reader.status == "RUNNING"
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # now a zombie
    reader.refresh_status()
    assert reader.status == "LOST"
    child.wait()
    reader.refresh_status()
    assert reader.status == "LOST"
    host = child.identity["host"]
    assert reader.status_message == f"process {child.pid} on {host} is gone"
    assert folder.joinpath("STATUS").read_text() == "RUNNING"


@needs_proc
def test_another_process_with_the_number_of_the_owner_does_not_hide_the_loss(tmp_path, child):
    owner = {**child.identity, "process-start": child.identity["process-start"] - 1}
    folder = write_record(tmp_path, status="RUNNING", session=owner)
    assert ExperimentReader(folder).status == "LOST"


@needs_proc
@pytest.mark.parametrize(
    "elsewhere",
    [
        {"host": "elsewhere"},
        {"namespace": "pid:[1]"},
        {"boot": "another", "machine": "another"},
        {"pid": None},
    ],
)
def test_an_owner_that_cannot_be_looked_up_is_silent_never_lost(tmp_path, elsewhere):
    owner = {**_process.identity(), **elsewhere}
    fresh = write_record(tmp_path, "1", status="RUNNING", session=owner, silent=60)
    assert ExperimentReader(fresh).status == "RUNNING"
    old = write_record(tmp_path, "2", status="RUNNING", session=owner, silent=400)
    reader = ExperimentReader(old)
    assert reader.status == "SILENT"
    assert reader.status_message == f"no sign of life from {owner['host']} for 6m40s"


@needs_proc
def test_a_reboot_loses_what_ran_once_it_is_silent(tmp_path):
    owner = {**_process.identity(), "boot": "the one before"}
    if owner["machine"] is None:
        pytest.skip("this machine has no id")
    fresh = write_record(tmp_path, "1", status="RUNNING", session=owner)
    assert ExperimentReader(fresh).status == "RUNNING"
    old = write_record(tmp_path, "2", status="RUNNING", session=owner, silent=400)
    assert ExperimentReader(old).status == "LOST"


@needs_proc
def test_only_the_last_session_counts(tmp_path):
    gone = {**_process.identity(), "process-start": -1}
    sessions = [{**gone, "ending": {"kind": "terminated", "signal": "SIGTERM"}}, {"host": "b"}]
    folder = write_record(tmp_path, status="RUNNING", sessions=sessions)
    assert ExperimentReader(folder).status == "RUNNING"
    folder = write_record(tmp_path, "2", status="RUNNING", sessions=sessions[::-1])
    assert ExperimentReader(folder).status == "TERMINATED"
