"""Descriptors 1 and 2 are the record's files, and a follower feeds the terminal: `capture="fd"`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from console_tools import FD, Run, both

pytestmark = pytest.mark.skipif(not hasattr(os, "posix_spawn"), reason="POSIX only")

ALL = (
    FD
    + """
import ctypes, subprocess
print("before the start")
start()
c = ctypes.CDLL(None)
print("print \\x1b[1mbold\\x1b[0m bar\\r", end="", flush=True)
os.write(1, bytes(range(256)))
os.system("echo from a shell; echo to stderr >&2")
subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
c.puts(b"from C")
c.printf(b"printf %d\\n", 42)
c.fflush(None)
if os.fork() == 0:
    print("from a fork")
    sys.stdout.flush()
    os._exit(0)
os.wait()
print("error", file=sys.stderr)
for i in range(3000):
    print("line", i)
print("no newline at the end", end="")
c.printf(b" and unflushed C")
stop()
print("after the stop", capture.problems)
"""
)


@pytest.mark.parametrize("terminal", [False, True], ids=["piped", "terminal"])
def test_what_children_and_c_print_is_recorded_and_reaches_the_terminal(tmp_path, terminal):
    with Run(tmp_path, ALL, terminal=terminal) as run:
        code, out, err = run.end()
        record, record_err = run.record("out"), run.record("err")
    assert code == 0, err
    wanted = b"print \x1b[1mbold\x1b[0m bar\r" + bytes(range(256)) + b"from a shell\nfrom a child\n"
    wanted += b"from C\nprintf 42\nfrom a fork\nline 0\n"
    assert record.startswith(wanted)
    assert record.endswith(b"line 2999\nno newline at the end and unflushed C")
    assert record_err == b"to stderr\nerror\n"
    tail = b"after the stop []\n"
    if terminal:
        assert out.startswith(b"before the start\n")
        assert out.endswith(tail)
        assert sorted(out.split(b"\n")) != []
        assert len(out) == len(b"before the start\n" + record + record_err + tail)
    else:
        assert out == b"before the start\n" + record + tail
        assert err == record_err


def test_printing_is_byte_for_byte_as_without_us(tmp_path):
    text = (
        FD
        + """
print("a", end="")
start()
for i in range(500):
    print("caf\\xe9", i, end="\\r\\n")
    sys.stderr.write(f"e{i}")
sys.stdout.flush()
sys.stdout.buffer.write(bytes(range(256)) * 100)
sys.stdout.flush()
s = sys.stdout
facts = s.encoding, s.line_buffering, s is sys.__stdout__, s.fileno()
stop()
print(facts)
"""
    )
    code, out, err, record, record_err = both(tmp_path, text)
    assert (code, out.count(b"caf")) == (0, 500)
    assert b"a" + record in out
    assert record_err == err
    text = text.replace("sys.stderr", "sys.stdout")  # on a terminal the two streams are one
    assert both(tmp_path, text, terminal=True)[0] == 0


KILLED = (
    FD
    + """
import ctypes, faulthandler, signal
start()
faulthandler.enable()
print("flushed", flush=True)
os.write(1, b"written\\n")
os.system("echo child")
print("pending")
sys.stdin.readline()
signal.raise_signal(int(sys.stdin.readline()))
"""
)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_killed_program_s_last_words_are_recorded_and_shown(tmp_path, number):
    with Run(tmp_path, KILLED) as run:
        run.say(b"\n")
        code, out, err = run.end(b"%d\n" % number)
    assert code == -number
    assert out == run.record() == b"flushed\nwritten\nchild\n"
    assert err == run.record("err")
    assert (b"Segmentation fault" in err) == (number == signal.SIGSEGV)


def test_what_is_flushed_is_on_the_terminal_soon_and_in_the_file_at_once(tmp_path):
    text = (
        FD
        + """
import ctypes
c = ctypes.CDLL(None)
start()
print("line without a flush")
c.puts(b"line from C")
with open("seen", "wb") as file:
    file.write(open("out", "rb").read())
print("ready", file=sys.stderr)
sys.stdin.readline()
"""
    )
    with Run(tmp_path, text, terminal=True) as run:
        run.expect(b"line without a flush\nline from C\n")
        assert run.record("seen") == b"line without a flush\nline from C\n"
        run.end(b"\n")
    with Run(tmp_path / "piped", text) as run:
        run.expect(b"ready\n", "err")
        run.end(b"\n")
        assert run.record("seen") == b""  # a pipe's stdout waits for a full block, as without us


def test_no_child_of_ours_is_seen_by_the_program(tmp_path):
    text = (
        FD
        + """
import multiprocessing, signal
seen = []
start()
signal.signal(signal.SIGCHLD, lambda *_: seen.append(os.waitpid(-1, os.WNOHANG)))
try:
    os.waitpid(-1, os.WNOHANG)
    raise AssertionError("a child")
except ChildProcessError:
    pass
assert multiprocessing.active_children() == []
child = os.fork()
if child == 0:
    os._exit(7)
while not seen:
    signal.sigtimedwait([], 0.01)
assert [(pid, os.waitstatus_to_exitcode(status)) for pid, status in seen] == [(child, 7)]
stop()
try:
    os.wait()
    raise AssertionError("a child")
except ChildProcessError:
    print("alone")
"""
    )
    code, out, err, *_ = both(tmp_path, text)
    assert (code, out) == (0, b"alone\n"), err


def test_repeated_and_nested_captures_leave_nothing_behind(tmp_path):
    text = (
        FD
        + """
import threading
capture.stop()
def held():
    return sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else []
before = held(), threading.active_count(), [os.get_inheritable(n) for n in (1, 2)]
for i in range(5):
    capture = Descriptors(file("out"), file("err"))
    capture.start()
    capture.start()
    print("outer", i)
    inner = Descriptors(file(f"inner{i}"), file("inner_err"))
    inner.start()
    print("inner", i)
    inner.stop()
    capture.stop()
    capture.stop()
    capture.start()
    print("between", i)
after = held(), threading.active_count(), [os.get_inheritable(n) for n in (1, 2)]
assert after == before, (after, before)
assert capture.problems == inner.problems == [], capture.problems
sys.stdout.flush()
"""
    )
    with Run(tmp_path, text) as run:
        code, out, err = run.end()
    assert (code, err) == (0, b"")
    assert out == b"".join(b"outer %d\ninner %d\nbetween %d\n" % (i, i, i) for i in range(5))
    assert run.record() == b"".join(b"outer %d\ninner %d\n" % (i, i) for i in range(5))
    assert run.record("inner3") == b"inner 3\n"


def test_an_outer_capture_that_ends_first_breaks_nothing(tmp_path):
    text = (
        FD
        + """
terminal = os.dup(1)
start()
print("one")
inner = Descriptors(file("inner"), file("inner_err"))
inner.start()
print("two")
stop()
os.write(terminal, b"all so far\\n")
print("three")
inner.stop()
print("four", capture.problems + inner.problems)
"""
    )
    with Run(tmp_path, text) as run:
        assert run.end() == (0, b"one\ntwo\nall so far\nthree\nfour []\n", b"")
        assert run.record("inner") == b"two\nthree\n"
        assert run.record() == b"one\ntwo\nthree\n"


def test_a_redirection_by_the_program_itself_is_left_alone(tmp_path):
    text = (
        FD
        + """
import time
start()
kept = os.dup(1)
os.dup2(file("elsewhere"), 1)
print("elsewhere", flush=True)
stop()
print("still elsewhere", flush=True)
time.sleep(0.2)
os.dup2(kept, 1)
print("followed still", flush=True)
"""
    )
    with Run(tmp_path, text) as run:
        assert run.end() == (0, b"followed still\n", b"")
        assert run.record("elsewhere") == b"elsewhere\nstill elsewhere\n"


def test_an_orphan_that_holds_the_output_delays_nobody(tmp_path):
    text = (
        FD
        + """
import subprocess, time
start()
orphan = subprocess.Popen(["sleep", "60"])
print(orphan.pid, flush=True)
begun = time.monotonic()
stop()
print("stopped", time.monotonic() - begun < 30)
"""
    )
    with Run(tmp_path, text) as run:
        code, out, _ = run.end(timeout=50)  # the pipes end: the follower has let go
        os.kill(int(run.record().split()[0]), signal.SIGKILL)
    assert (code, out.split()[1:]) == (0, [b"stopped", b"True"])


def test_a_terminal_that_takes_nothing_delays_the_stop_only_so_long(tmp_path):
    text = (
        FD
        + """
import time
start()
for i in range(50_000):
    print("line", i)
print("an error", file=sys.stderr, flush=True)
begun = time.monotonic()
capture.stop(0.3)
took = time.monotonic() - begun
print(len(capture.problems), 0.2 < took < 30, file=sys.stderr)
"""
    )
    with Run(tmp_path, text) as run:
        assert run.process.stderr.readline() == b"an error\n"  # not behind the blocked output
        assert run.process.stderr.readline() == b"1 True\n"
        assert run.process.wait(60) == 0
        assert run.end()[1] == run.record() == b"".join(b"line %d\n" % i for i in range(50_000))


def test_ctrl_c_reaches_the_program_and_not_the_follower(tmp_path):
    text = (
        FD
        + """
import time
start()
print("ready")
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
sys.stdin.readline()
print("going on")
raise KeyboardInterrupt
"""
    )
    with Run(tmp_path, text, terminal=True) as run:
        run.expect(b"ready\n")
        run.say(b"\x03")
        run.expect(b"interrupted\n")
        code, out, _ = run.end(b"\n")
        assert code == -signal.SIGINT
        assert b"going on\n" in out
        assert out.rstrip().endswith(b"KeyboardInterrupt")
        assert run.record("err").rstrip().endswith(b"KeyboardInterrupt")


def test_a_reader_that_goes_away_does_not_end_the_program(tmp_path):
    text = (
        FD
        + """
start()
print("first", flush=True)
sys.stdin.readline()
for i in range(20_000):
    print(i)
stop()
os.write(2, b"done %d" % len(capture.problems))
os._exit(0)
"""
    )
    with Run(tmp_path, text) as run:
        run.expect(b"first\n")
        run.process.stdout.close()
        run.say(b"\n")
        assert run.process.stderr.read() == b"done 0"
        assert run.process.wait(60) == 0
        assert run.record().endswith(b"19999\n")


def test_a_program_that_replaces_itself_stays_on_the_terminal(tmp_path):
    text = (
        FD
        + """
start()
print("before", flush=True)
os.execv(sys.executable, [sys.executable, "-c", "print('after')"])
"""
    )
    with Run(tmp_path, text) as run:
        assert run.end() == (0, b"before\nafter\n", b"")
        assert run.record() == b"before\nafter\n"


def test_a_forked_child_that_lives_longer_stays_on_the_terminal(tmp_path):
    text = (
        FD
        + """
start()
if os.fork() == 0:
    stop()
    while os.getppid() != 1 and os.getppid() == int(open("parent").read() or 0):
        os.sched_yield()
    print("child")
    sys.stdout.flush()
    os._exit(0)
print("parent", flush=True)
"""
    )
    text = text.replace("start()\n", "open('parent', 'w').write(str(os.getpid()))\nstart()\n", 1)
    with Run(tmp_path, text) as run:
        code, out, err = run.end()
        assert (code, err) == (0, b"")
        assert out == run.record() == b"parent\nchild\n"


def test_the_follower_holds_nothing_else_and_no_signal_ends_it(tmp_path):
    text = (
        FD
        + """
import signal
reading, writing = os.pipe()
os.dup2(writing, 40)
os.close(writing)
os.set_inheritable(40, True)
start()
os.close(40)
assert os.read(reading, 1) == b""
me = str(os.getpid())
found = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        words = open(f"/proc/{pid}/cmdline").read().split("\\0")
    except OSError:
        continue
    if any(word.endswith("_console_follower.py") for word in words) and me in words:
        found.append(int(pid))
assert len(found) == 1, found
for number in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGPIPE", "SIGALRM"):
    os.kill(found[0], getattr(signal, number))
assert os.getpgid(found[0]) != os.getpgrp() and os.getsid(found[0]) != os.getsid(0)
print("still followed", flush=True)
if sys.stdin.readline() == "kill\\n":
    os.kill(found[0], signal.SIGKILL)
    print("only in the record")
    stop()
print("end", capture.problems)
"""
    )
    if not os.path.isdir("/proc/self"):
        pytest.skip("no /proc")
    with Run(tmp_path, text) as run:
        assert run.end(b"\n") == (0, b"still followed\nend []\n", b"")
    with Run(tmp_path / "killed", text) as run:
        run.expect(b"still followed\n")
        code, out, err = run.end(b"kill\n")
        assert (code, err) == (0, b"")
        assert out.startswith(b"still followed\nend ['the ")
        assert run.record() == b"still followed\nonly in the record\n"


def test_what_cannot_be_recorded_is_named_and_the_program_goes_on(tmp_path):
    text = (
        FD
        + """
def both_files():
    return file("out"), file("err")
saved = os.dup(1)
both = Descriptors(*both_files())
own = Descriptors(*both_files())
os.close(1)
both.start()
os.write(2, b"error\\n")
both.stop()
assert both.problems == ["stdout: descriptor 1 cannot be recorded: Bad file descriptor"]
os.dup2(file("out"), 1)  # as `> experiments/1/out` does: it would be fed with itself
own.start()
os.write(1, b"direct\\n")
own.stop()
assert own.problems == ["stdout: descriptor 1 cannot be recorded: it is the record's own file"]
os.dup2(saved, 1)
bad = Descriptors(999, 999)
bad.start()
bad.stop()
assert len(bad.problems) == 2, bad.problems
kept = sys.executable
for sys.executable in ("", "/nowhere/python", "/bin/true"):
    none = Descriptors(*both_files())
    none.start()
    print("no Python")
    none.stop()
    assert none.problems[0].startswith("the process that feeds the terminal did not start: ")
sys.executable = kept
writing = os.open("out", os.O_WRONLY | os.O_APPEND)
append_only = Descriptors(writing, file("err"))
append_only.start()
print("append only", append_only.problems)
append_only.stop()
os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
full = Descriptors(*both_files())
full.start()
print("full disk")
full.stop()
os.write(2, str(full.problems).encode())
os._exit(0)
"""
    )
    with Run(tmp_path, text) as run:
        code, out, err = run.end()
        assert (code, err) == (0, b"error\n[]")
        assert out == b"no Python\n" * 3 + b"append only []\n"
        assert run.record() == b"direct\nappend only []\nfull disk\n"
        assert run.record("err") == b"error\n"


def test_an_interrupt_while_it_stops_still_puts_the_descriptors_back(tmp_path):
    text = (
        FD
        + """
import signal, threading, time
start()
for i in range(50_000):
    print("line", i)
me = threading.get_ident()
threading.Timer(0.3, signal.pthread_kill, (me, signal.SIGINT)).start()
begun = time.monotonic()
try:
    capture.stop(60)
except KeyboardInterrupt:
    os.write(2, b"interrupted %d\\n" % (time.monotonic() - begun < 30))
"""
    )
    with Run(tmp_path, text) as run:
        assert run.process.stderr.readline() == b"interrupted 1\n"
        code, out, _ = run.end()
        assert (code, out) == (0, run.record())


def test_starting_from_several_threads_and_processes_at_once(tmp_path):
    script = tmp_path / "many.py"
    script.write_text(FD + "start()\nprint('x' * 5000)\nstop()\nprint(capture.problems)\n")
    runs = []
    for i in range(6):
        (tmp_path / str(i)).mkdir()
        command = [sys.executable, str(script), "on"]
        runs.append(subprocess.Popen(command, cwd=tmp_path / str(i), stdout=subprocess.PIPE))
    for run in runs:
        assert run.communicate(timeout=60)[0] == b"x" * 5000 + b"\n[]\n"


def test_an_error_is_never_shown_before_what_was_printed_before_it(tmp_path):
    text = (
        FD
        + """
import random, time
start()
for i in range(300):
    time.sleep(random.uniform(0, 0.003))
    os.write(1, b"o%d " % i)
    os.write(2, b"e%d " % i)
stop()
"""
    )
    with Run(tmp_path, text, terminal=True) as run:
        words = run.end()[1].split()
    place = {word: at for at, word in enumerate(words)}
    assert len(place) == len(words) == 600
    assert all(place[b"o%d" % i] < place[b"e%d" % i] for i in range(300))


def test_a_record_that_is_cut_off_meanwhile_is_followed_from_there(tmp_path):
    text = (
        FD
        + """
import time
start()
print("a long first line " * 10, flush=True)
sys.stdin.readline()
os.truncate("out", 0)
time.sleep(0.2)
print("short", flush=True)
stop()
"""
    )
    with Run(tmp_path, text) as run:
        run.expect(b"first line \n")
        assert run.end(b"\n")[1].endswith(b"first line \nshort\n")
