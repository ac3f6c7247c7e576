"""What the program, its child processes and its C code print: the descriptors 1 and 2 themselves.

While it is active, 1 and 2 are the record's own files, so that a kill at any moment loses nothing
and no broken pipe or stopped terminal disturbs the program. A small process of its own, the
follower, copies what is appended there to where 1 and 2 led before (`_console_follower`).

What this mode changes for the program: ``isatty()`` says no; a reader of its output that goes
away no longer ends it; output appears on the terminal up to 40 ms later, and the order between
standard output and standard error is kept only roughly.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import Any

__all__ = ["Descriptors"]

_FIRST = 10  # descriptors of ours begin here: the follower gets its own at 3 to 8
_STARTING = 20.0  # seconds that a follower has to come up, on a busy machine

_lock = threading.RLock()
_active: list[Descriptors] = []  # the newest last
_fork_is_watched = False


class Descriptors:
    """Put the record's files in the place of the descriptors 1 and 2, once.

    Several may be active at once: what reaches a newer one is copied on to the older. One that is
    stopped before a newer one goes on receiving until the newer one has stopped, too. `start` and
    `stop` may be called from any thread and from signal handlers; a second call does nothing. A
    forked child prints into the record; there `stop` only closes its own descriptors.

    Args:
        out_fd: the record's file for standard output, open for appending (``O_APPEND``). It is
            ours from now on, `stop` closes it; nobody else appends to the file meanwhile.
        err_fd: the same for the standard error.

    Attributes:
        problems: one line for each thing that did not work.
    """

    def __init__(self, out_fd: int, err_fd: int) -> None:
        self.problems: list[str] = []
        self._records = [out_fd, err_fd]
        self._redirections: list[_Redirection] = []
        self._follower: _Follower | None = None
        self._stopped = False

    def start(self) -> None:
        """Flush what is buffered and begin; takes about as long as Python takes to start.

        Where it does not work the program prints as before and `problems` says why. Never raises.
        """
        with _lock:
            if self in _active or not self._records:
                return
            _watch_fork()
            _flush()
            self._redirections = self._prepare()
            self._follower = self._follow() if self._redirections else None
            if self._follower is None:
                for redirection in self._redirections:
                    redirection.close()
                return
            if os.isatty(self._redirections[0].saved):
                _buffer_c_lines()
            for redirection in self._redirections:
                os.dup2(redirection.record, redirection.number)
            _active.append(self)

    def stop(self, timeout: float = 2.0) -> None:
        """Flush, put 1 and 2 back, and wait until the terminal has everything, at most so long.

        What the terminal has not taken by then still follows, as long as somebody reads it. Where
        the program has itself redirected 1 or 2 meanwhile, that is left. Never raises.

        Args:
            timeout: seconds.
        """
        end = time.monotonic() + timeout
        with _lock:
            if self not in _active:
                self._close_records()
            if self not in _active or self._stopped:
                return
            _flush()
            _flush_c()
            self._stopped = True
            try:
                for descriptors in reversed(_active[_active.index(self) :]):
                    descriptors._drain(end)
            except BaseException:  # a second Ctrl-C: not a moment more
                end = 0.0
                raise
            finally:
                while _active and _active[-1]._stopped:
                    _active.pop()._restore(end)

    def _prepare(self) -> list[_Redirection]:
        redirections = []
        for number, record in zip((1, 2), self._records, strict=True):
            try:
                if _identity(number) in map(_identity, self._records):
                    raise OSError("it is the record's own file")
                redirections.append(_Redirection(number, record))
            except OSError as error:
                name = "stdout" if number == 1 else "stderr"
                reason = error.strerror or error
                self.problems.append(f"{name}: descriptor {number} cannot be recorded: {reason}")
        return redirections

    def _follow(self) -> _Follower | None:
        try:
            return _Follower(self._redirections)
        except (OSError, ValueError, NotImplementedError) as error:
            self.problems.append(f"the process that feeds the terminal did not start: {error}")
        return None

    def _drain(self, end: float) -> None:
        if self._follower is not None and not self._follower.order(b"d", end):
            self.problems.append("the terminal has not taken everything in time; the rest follows")

    def _restore(self, end: float) -> None:
        back = [redirection.put_back() for redirection in self._redirections]
        if self._follower is not None and all(back):
            self._follower.order(b"e", end)
            self._follower.close()
        # else whoever holds the file as its 1 or 2 is still followed, until the program ends
        self._close_records()

    def _close_records(self) -> None:
        while self._records:
            with contextlib.suppress(OSError):
                os.close(self._records.pop())


class _Redirection:
    """A descriptor, where it led, and the record's file that takes its place."""

    def __init__(self, number: int, record: int) -> None:
        self.number = number
        self.record = record
        self._file = _identity(record)
        self.offset = os.fstat(record).st_size
        self._inheritable = os.get_inheritable(number)
        self.saved = _high(number)

    def put_back(self) -> bool:
        """False when the descriptor is no longer the record's file; then it is left alone."""
        try:
            ours = _identity(self.number) == self._file
        except OSError:  # closed by the program
            ours = False
        if ours:
            os.dup2(self.saved, self.number, self._inheritable)
        self.close()
        return ours

    def close(self) -> None:
        os.close(self.saved)


class _Follower:
    """The process that copies, and our two pipes to it.

    Raises:
        OSError, ValueError, NotImplementedError: there is none.
    """

    def __init__(self, redirections: list[_Redirection]) -> None:
        script = os.path.join(os.path.dirname(__file__), "_console_follower.py")
        if not (sys.executable and os.path.exists(script) and hasattr(os, "posix_spawn")):
            raise NotImplementedError("it needs a Python executable and a POSIX system")
        offsets = ["-", "-"]
        with contextlib.ExitStack() as passed:
            control, self._control = _pipe()
            passed.callback(os.close, control)
            self._answer, answer = _pipe()
            passed.callback(os.close, answer)
            given = {3: control, 4: answer}
            try:
                for redirection in redirections:
                    at = redirection.number - 1
                    offsets[at] = str(redirection.offset)
                    given[5 + at] = redirection.saved
                    given[7 + at] = _reader(redirection.record)
                    passed.callback(os.close, given[7 + at])
                child = _spawn([script, *offsets, str(os.getpid())], given)
            except BaseException:
                self.close()
                raise
        ready = self._wait(time.monotonic() + _STARTING)
        if not ready:
            with contextlib.suppress(OSError):
                os.kill(child, 9)
        with contextlib.suppress(ChildProcessError):  # somebody else has waited for it
            os.waitpid(child, 0)
        if not ready:
            self.close()
            raise TimeoutError("it gave no answer")

    def order(self, letter: bytes, end: float) -> bool:
        """Say what to do; False when it was not done in time."""
        self._wait(0)  # a late answer to an order that we gave up
        try:
            os.write(self._control, letter)
        except OSError:
            return False
        return self._wait(end)

    def _wait(self, end: float) -> bool:
        import select

        poll = select.poll()
        poll.register(self._answer, select.POLLIN)
        left = end - time.monotonic()
        return bool(poll.poll(max(0, left * 1000))) and bool(os.read(self._answer, 64))

    def close(self) -> None:
        os.close(self._control)
        os.close(self._answer)


def _spawn(arguments: list[str], given: dict[int, int]) -> int:
    """Start Python with these descriptors and no others of ours, all signals blocked."""
    import signal

    actions: list[Any] = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0)]
    actions += [(os.POSIX_SPAWN_DUP2, 0, number) for number in (1, 2)]
    actions += [(os.POSIX_SPAWN_DUP2, source, number) for number, source in given.items()]
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", *arguments],
        os.environ,
        file_actions=actions,
        setpgroup=0,
        setsigmask=signal.valid_signals(),
    )


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    try:
        return _high(ends[0]), _high(ends[1])
    finally:
        os.close(ends[0])
        os.close(ends[1])


def _high(descriptor: int) -> int:
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST)


def _reader(record: int) -> int:
    """A descriptor of the same file to read from; the caller's may be for appending only."""
    import fcntl

    if fcntl.fcntl(record, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
        opened = os.open(f"/dev/fd/{record}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _high(opened)
        finally:
            os.close(opened)
    return _high(record)


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # of whatever make; a full disk is no reason to fail
            stream.flush()


def _flush_c() -> None:
    with contextlib.suppress(Exception):  # no ctypes, no such function: C flushes when it likes
        import ctypes

        ctypes.CDLL(None).fflush(None)


def _buffer_c_lines() -> None:
    """C's standard output was to be flushed at every line; a file would get blocks."""
    with contextlib.suppress(Exception):  # no ctypes, no such symbol: C flushes when it likes
        import ctypes

        c = ctypes.CDLL(None)
        c.setvbuf(ctypes.c_void_p.in_dll(c, "stdout"), None, 1, 0)


def _watch_fork() -> None:
    global _fork_is_watched
    if not _fork_is_watched and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_let_go)
    _fork_is_watched = True


def _let_go() -> None:
    """A forked child goes on printing into the record, but owns none of it."""
    global _lock
    _lock = threading.RLock()
    _active.clear()
