"""What another program prints, on its way to where our own output goes, with a copy for the record.

Where our output is a terminal the program gets a terminal: a pseudo-terminal for each stream, so
that colours and bars stay and the two streams stay apart. It is for output alone. Its input, and
what governs job control, remains the terminal itself, whose settings we never touch: there is
nothing to be put back when we are killed. Otherwise the program gets pipes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import time
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Relay", "hold_standard"]

DRAIN_SECONDS = 1.0
"""The most that is spent on what a program that has ended left behind."""
_PIECE = 4096  # a pipe or terminal that is ready takes this much without blocking
_PORTION = 1 << 16

Sink = Callable[[bytes], None]


def hold_standard() -> None:
    """See that 0, 1 and 2 are open, so that no file of ours is taken for one of them."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


class _Stream:
    """One output of the program: our end of it, and where it goes."""

    def __init__(self, target: int, sink: Sink) -> None:
        self.target = target
        self.sink = sink
        self.pending = memoryview(b"")
        self.deaf = ""  # why the target takes no more
        self.is_terminal = os.isatty(target)
        self.waits = not stat.S_ISREG(os.fstat(target).st_mode)
        self.source, self.given = _pair(target) if self.is_terminal else os.pipe()

    @property
    def open(self) -> bool:
        return self.source >= 0

    def resize(self) -> bool:
        """Give the program's terminal the size of ours; whether it had another one."""
        if not (self.is_terminal and self.open):
            return False
        try:
            size = os.get_terminal_size(self.target)
            if os.get_terminal_size(self.source) == size:
                return False
            _resize(self.source, self.target)
        except OSError:
            return False
        return True

    def read(self) -> bool:
        """Take what there is; False when there is nothing more to come."""
        try:
            data = os.read(self.source, _PORTION)
        except OSError:  # EIO: nobody has the pseudo-terminal open any more
            data = b""
        if not data:
            self.close()
            return False
        self.sink(data)
        if not self.deaf:
            self.pending = memoryview(data)
        return True

    def push(self) -> None:
        """Hand on what the target takes without waiting."""
        while self.pending:
            if self.waits and not select.select([], [self.target], [], 0)[1]:
                return
            try:
                piece = self.pending[:_PIECE] if self.waits else self.pending
                self.pending = self.pending[os.write(self.target, piece) :]
            except BlockingIOError:
                return
            except OSError as error:
                self.pending = memoryview(b"")
                if error.errno == errno.EPIPE:  # the program is to notice as it would without us
                    self.close()
                else:
                    self.deaf = error.strerror or type(error).__name__

    def close(self) -> None:
        if self.source >= 0:
            os.close(self.source)
            self.source = -1

    def close_given(self) -> None:
        if self.given >= 0:
            os.close(self.given)
            self.given = -1


def _pair(target: int) -> tuple[int, int]:
    """A pseudo-terminal like the target, which changes no byte: the target does what is to do."""
    try:
        import termios

        master, slave = os.openpty()
        with contextlib.suppress(termios.error, OSError):
            settings = termios.tcgetattr(slave)
            settings[1] &= ~termios.OPOST
            termios.tcsetattr(slave, termios.TCSANOW, settings)
            _resize(master, target)
    except (ImportError, OSError):  # none left
        return os.pipe()
    return master, slave


def _resize(master: int, target: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(master, termios.TIOCSWINSZ, fcntl.ioctl(target, termios.TIOCGWINSZ, b"\0" * 8))


class Relay:
    """Carry standard output and error of a program to ours.

    A target that is slow makes the program wait, as without us; when the reader of a pipe goes
    away the program's pipe is closed, too. All else goes on: a terminal that is gone, a full disk.

    Args:
        out: takes a piece of the standard output; must neither block nor raise.
        err: the same for the standard error.

    Attributes:
        problems: one line for each stream that could not be handed on.
    """

    def __init__(self, out: Sink, err: Sink) -> None:
        self._streams = [_Stream(1, out), _Stream(2, err)]
        first, second = map(os.fstat, (1, 2))
        self._one = os.path.samestat(first, second)

    @property
    def outputs(self) -> dict[int, int]:
        """The program's descriptors, and what they are to be."""
        return {stream.target: stream.given for stream in self._streams}

    @property
    def problems(self) -> list[str]:
        names = {1: "stdout", 2: "stderr"}
        return [
            f"{names[stream.target]}: not everything was handed on: {stream.deaf}"
            for stream in self._streams
            if stream.deaf
        ]

    def start(self) -> None:
        """For the likeness with the other ways to listen: all began when it was made."""

    def started(self) -> None:
        """Let go of the program's ends, so that we see when it has closed them."""
        for stream in self._streams:
            stream.close_given()

    def resize(self) -> None:
        """Give the program's terminals the size of ours, and tell whoever asked too early."""
        resized = [stream.resize() for stream in self._streams]
        if any(resized):
            import signal

            with contextlib.suppress(OSError):
                os.kill(0, signal.SIGWINCH)

    def step(self, others: Sequence[int], timeout: float) -> bool:
        """Wait until there is something to carry or one of the other descriptors is ready.

        Returns:
            Whether anything was carried.
        """
        poll = select.poll()
        for descriptor in others:
            poll.register(descriptor, select.POLLIN)
        for stream in self._streams:
            if stream.pending:
                poll.register(stream.target, select.POLLOUT)
            elif stream.open:
                poll.register(stream.source, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(max(0.0, timeout) * 1000)}
        moved = False
        for stream in self._streams:
            if stream.pending and stream.target in ready:
                stream.push()
                moved = True
            elif stream.open and stream.source in ready:
                moved = stream.read() or moved
                stream.push()
            if stream.pending and self._one:
                break  # what was printed before an error is shown before it
        return moved

    def stop(self) -> None:
        """Carry what the program has left behind, for a bounded time."""
        end = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < end and (self.step((), 0) or self._waiting()):
            if self._waiting():
                self.step((), 0.01)

    def _waiting(self) -> bool:
        return any(stream.pending for stream in self._streams)

    def leave(self) -> None:
        """Go on carrying, unrecorded and in a process of its own, for what outlives the program.

        A daemon that prints where the program printed would else be ended by its next line.
        """
        self.started()
        left = [stream for stream in self._streams if stream.open or stream.pending]
        if not left or _fork():
            for stream in left:
                stream.close()
            return
        try:
            os.setsid()
            os.chdir("/")
            for stream in left:
                stream.sink = _forget
            while any(stream.open or stream.pending for stream in left):
                self.step((), 60.0)
        finally:
            os._exit(0)


def _fork() -> int:
    import warnings

    with warnings.catch_warnings():  # a storage that hangs has left a thread, which the child lacks
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _forget(data: bytes) -> Any:
    return None
