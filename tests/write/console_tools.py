"""Run one program twice, recorded and not, and compare what came out; see test_console_*.py."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
import tty
from pathlib import Path

# What every program begins with. `tap` records into the files "out" and "err" of its folder, and
# `settles` counts the waits. argv[1] says "on", or "off" for the same program without us.
SYS = """\
import os, sys
from meticulous._console import Tap
ON = sys.argv[1] == "on"
settles = []
def file(name):
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
def appender(name):
    descriptor = file(name)
    return lambda data: os.write(descriptor, data)
tap = Tap(appender("out"), appender("err"), lambda: settles.append(1))
start, stop = (tap.start, tap.stop) if ON else (lambda: None, lambda: None)
"""
FD = """\
import os, sys
from meticulous._console_fd import Descriptors
ON = sys.argv[1] == "on"
def file(name):
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
capture = Descriptors(file("out"), file("err"))
start, stop = (capture.start, capture.stop) if ON else (lambda: None, lambda: None)
"""
_CONTROL = """\
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Run:
    """A program that runs in its own folder, with pipes or on a pseudo terminal."""

    def __init__(self, folder: Path, text: str, *, on=True, terminal=False, python=(), env=None):
        self.folder = folder / ("on" if on else "off")
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "program.py").write_text(text)
        for name in ("out", "err"):
            (self.folder / name).write_bytes(b"")
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", **(env or {})}
        environment.pop("PYTHONUNBUFFERED", None)
        command = [sys.executable, *python, "program.py", "on" if on else "off"]
        self.printed = b""
        self._master = None
        if terminal:
            self._master, slave = pty.openpty()
            tty.setraw(slave)  # no echo, no newline translation …
            termios.tcsetwinsize(slave, (24, 80))
            attributes = tty.tcgetattr(slave)
            attributes[3] |= tty.ISIG  # … but Ctrl-C interrupts
            tty.tcsetattr(slave, tty.TCSANOW, attributes)
            command[1:1] = ["-c", _CONTROL]
            streams = dict.fromkeys(("stdin", "stdout", "stderr"), slave)
        else:
            streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process = subprocess.Popen(command, cwd=self.folder, env=environment, **streams)
        if terminal:
            os.close(slave)

    def record(self, name="out") -> bytes:
        return (self.folder / name).read_bytes()

    def say(self, data: bytes) -> None:
        """Type, or write into the program's pipe."""
        if self._master is not None:
            os.write(self._master, data)
        else:
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def read(self, timeout: float = 0.0) -> bytes:
        """What has come out of the terminal or of the pipe of stdout, waiting at most so long."""
        source = self._master if self._master is not None else self.process.stdout.fileno()
        data = b""
        while select.select([source], [], [], timeout)[0]:
            try:
                part = os.read(source, 1 << 16)
            except OSError:  # a pseudo terminal that nobody has open any more
                break
            if not part:
                break
            data += part
            timeout = 0.0
        self.printed += data
        return data

    def expect(self, wanted: bytes, name: str | None = None, timeout: float = 60) -> None:
        """Wait until it has been printed, or is in the record's file of that name."""
        for _ in waiting(timeout, lambda: (wanted, name, self.printed)):
            if name is None:
                self.read(0.05)
            if wanted in (self.printed if name is None else self.record(name)):
                return

    def end(self, data: bytes = b"", timeout: float = 60) -> tuple[int, bytes, bytes]:
        """Send the last input and wait; the exit code and what was printed."""
        if self._master is None:
            out, err = self.process.communicate(data or None, timeout=timeout)
            self.printed += out
            return self.process.returncode, self.printed, err
        if data:
            self.say(data)
        for _ in waiting(timeout, lambda: self.printed):
            self.read(0.05)
            if self.process.poll() is not None:
                break
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and select.select([self._master], [], [], 0.2)[0]:
            if not self.read():
                break
        os.close(self._master)
        return self.process.returncode, self.printed, b""

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def waiting(timeout: float, describe=lambda: ""):
    """Yield until the caller is content; fail when it takes too long."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        yield
        time.sleep(0.005)
    raise AssertionError(f"waited {timeout} s in vain: {describe()!r}")


def both(folder: Path, text: str, *, data: bytes = b"", **options):
    """Run with and without us: same exit code, same bytes; gives the recorded run's results."""
    with Run(folder, text, on=False, **options) as plain, Run(folder, text, **options) as run:
        expected, result = plain.end(data), run.end(data)
    with_folder = str(plain.folder).encode(), str(run.folder).encode()  # in tracebacks
    expected = (expected[0], *(part.replace(*with_folder) for part in expected[1:]))
    assert result == expected
    return (*result, run.record("out"), run.record("err"))
