"""Stand in for the default action of terminating signals: record, then let it happen."""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["forget", "hold", "install", "release"]

NAMES = ("SIGTERM", "SIGHUP", "SIGINT", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGQUIT")
GRACE_SECONDS = 0.05
"""How long the watching thread lets the main thread answer a signal itself."""
AGAIN_SECONDS = 0.001
"""After this long a signal is sent again that came at a bad moment."""
DYING_SECONDS = 5.0
"""The most that the main thread waits for the watching thread to end the process."""

_stand: _Stand | None = None  # the one whose handlers are in place
_held = threading.local()


class _Stand:
    """Our handlers while they are installed.

    The program does not see them: ``signal.getsignal``, ``signal.signal`` and
    ``signal.set_wakeup_fd`` go on telling it what they tell it without us, so that libraries that
    look whether somebody was there before behave as they do without us, and a handler that is put
    back to SIG_DFL leaves ours in place.
    """

    def __init__(self, record: Callable[[str], None], busy: Callable[[], bool]) -> None:
        self.record = record
        self.busy = busy
        self.signals: set[int] = set()
        self.getsignal = signal.getsignal
        self.signal = signal.signal
        self.set_wakeup_fd = signal.set_wakeup_fd
        self.replaced = {
            "getsignal": self.replaced_getsignal,
            "signal": self.replaced_signal,
            "set_wakeup_fd": self.replaced_set_wakeup_fd,
        }
        self.owner = os.getpid()
        self.dying = threading.Lock()
        self.dies_in = 0
        self.pipe: tuple[int, int] | None = None
        self.pipe_marks: tuple[Any, Any] = (None, None)
        self.thread: threading.Thread | None = None
        self.active = True

    def handle(self, number: int, frame: Any) -> None:
        """Run in the main thread, when the interpreter gets to it."""
        if self.getsignal(number) != self.handle:
            return  # called by a handler that chained to ours: the signal is theirs
        if not self.active:  # could not be taken back, since only the main thread may
            self.default_here(number)
            os.kill(os.getpid(), number)
        elif self.busy():
            # The threads that write wait for something that the interrupted code holds.
            _thread.start_new_thread(_send_again, (number,))
        elif self.dying.acquire(blocking=False):
            self.die(number, self.default_here)
        elif self.dies_in != threading.get_ident():  # the watching thread is at it: nothing else
            time.sleep(DYING_SECONDS)  # of the program runs

    def die(self, number: int, default: Callable[[int], None]) -> None:
        self.dies_in = threading.get_ident()
        try:
            if os.getpid() == self.owner:
                self.record(signal.Signals(number).name)
        finally:
            default(number)
            os.kill(os.getpid(), number)

    def default_here(self, number: int) -> None:
        self.signal(number, signal.SIG_DFL)

    def watch(self, descriptor: int) -> None:
        """In a thread: die by a signal that the main thread, long in C code, does not answer."""
        while True:
            try:
                data = os.read(descriptor, 64)
            except OSError:  # the program has closed it
                return
            if not data or b"\0" in data:  # our own word that it is over
                return
            for number in data:
                if number in self.signals and self.getsignal(number) == self.handle:
                    time.sleep(GRACE_SECONDS)
                    if self.active and self.dying.acquire(blocking=False):
                        self.die(number, _default_anywhere)

    def replaced_getsignal(self, signalnum: int) -> Any:
        handler = self.getsignal(signalnum)
        return signal.SIG_DFL if handler == self.handle else handler

    def replaced_signal(self, signalnum: int, handler: Any) -> Any:
        if handler == signal.SIG_DFL and signalnum in self.signals and self.active:
            handler = self.handle
        before = self.signal(signalnum, handler)
        return signal.SIG_DFL if before == self.handle else before

    def replaced_set_wakeup_fd(self, fd: int, **options: Any) -> int:
        before = self.set_wakeup_fd(fd, **options)
        if self.pipe is None:
            return before
        if fd == -1 and self.active:  # an event loop has ended: ours again
            self.set_wakeup_fd(self.pipe[1], warn_on_full_buffer=False)
        return -1 if before == self.pipe[1] else before


def _send_again(number: int) -> None:
    time.sleep(AGAIN_SECONDS)
    os.kill(os.getpid(), number)


def _default_anywhere(number: int) -> None:
    """Restore the default action from a thread other than the main one, which Python refuses."""
    try:
        import ctypes

        ctypes.CDLL(None).signal(number, ctypes.c_void_p(0))
    except (ImportError, OSError, AttributeError):
        os._exit(128 + number)  # what a shell shows for the signal


def install(record: Callable[[str], None], busy: Callable[[], bool]) -> Callable[[], None]:
    """Record a terminating signal, then end as without us: by that signal, at once.

    Only in the main thread, and only for signals whose default action is in force. A handler that
    the program has or installs later wins, also one of C code; one that calls the previous handler
    does not die by it.

    Args:
        record: called with the signal's name, in whichever thread answers; it must be bounded in
            time.
        busy: whether the calling thread was interrupted where `record` would wait for it; the
            signal is then sent again a moment later.

    Returns:
        What undoes it.
    """
    global _stand
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    if _stand is not None:  # its experiment ended in another thread
        _take_back(_stand)
    stand = _Stand(record, busy)
    caught = _caught()
    for name in NAMES:
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) != signal.SIG_DFL:
            continue
        # Python's own table knows nothing of handlers of C code, such as faulthandler's.
        if not caught >> (number - 1) & 1:
            signal.signal(number, stand.handle)
            stand.signals.add(number)
    _stand = stand
    for name, function in stand.replaced.items():
        setattr(signal, name, function)
    _wake(stand)
    return lambda: _remove(stand)


def _caught() -> int:
    """The signals that have a handler, by the kernel's word: signal n is bit n - 1."""
    try:
        with open("/proc/self/status", "rb") as file:
            for line in file:
                if line.startswith(b"SigCgt:"):
                    return int(line.split()[1], 16)
    except (OSError, ValueError, IndexError):
        pass
    return 0


def _wake(stand: _Stand) -> None:
    """Let C code write each signal's number to a pipe, which a thread reads."""
    if os.name != "posix" or not stand.signals:
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = stand.set_wakeup_fd(writing, warn_on_full_buffer=False)
    if before != -1:  # somebody's event loop needs it more than we do
        stand.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)
        return
    stand.pipe = (reading, writing)
    stand.pipe_marks = (_mark(reading), _mark(writing))
    stand.thread = threading.Thread(
        target=stand.watch, args=(reading,), name="meticulous-signals", daemon=True
    )
    stand.thread.start()


def _remove(stand: _Stand) -> None:
    stand.active = False
    if threading.current_thread() is threading.main_thread():
        _take_back(stand)
    # In another thread the handlers stay, and only pass on, until the next experiment starts.


def _take_back(stand: _Stand) -> None:
    global _stand
    _stand = None
    for name, function in stand.replaced.items():
        if getattr(signal, name) == function:  # or else somebody has chained to ours
            setattr(signal, name, getattr(stand, name))
    foreign = _replaced_in_c(stand.signals)
    for number in stand.signals - foreign:
        with contextlib.suppress(ValueError, OSError):
            if stand.getsignal(number) == stand.handle:
                stand.signal(number, signal.SIG_DFL)
    if stand.pipe is None:
        return
    writing = stand.pipe[1]
    current = stand.set_wakeup_fd(-1)
    if current not in (-1, writing):
        stand.set_wakeup_fd(current)
    # A program that closes all descriptors may have files of its own under these numbers now.
    ours = [_mark(end) == mark for end, mark in zip(stand.pipe, stand.pipe_marks, strict=True)]
    if ours[1] and os.getpid() == stand.owner and stand.thread is not None:
        with contextlib.suppress(OSError):
            os.write(writing, b"\0")
        stand.thread.join(0.5)
    for descriptor, is_ours in zip(stand.pipe, ours, strict=True):
        if is_ours:
            os.close(descriptor)


def _mark(descriptor: int) -> tuple[int, int] | None:
    """What tells one open pipe from another, and from files; None when nothing is open."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _replaced_in_c(signals: set[int]) -> set[int]:
    """Those of our signals that C code has taken since, behind Python's back.

    Only looked for where something is loaded that can do so.
    """
    if not signals or not {"ctypes", "faulthandler"}.intersection(sys.modules):
        return set()
    try:
        import ctypes

        look = ctypes.pythonapi.PyOS_getsig
    except (ImportError, AttributeError):
        return set()
    look.restype = ctypes.c_void_p
    handlers = {number: look(number) for number in signals}
    found = list(handlers.values())
    pythons = max(found, key=found.count)  # one function of Python's stands behind all of ours
    return {number for number, handler in handlers.items() if handler != pythons}


def hold() -> None:
    """Before a fork: keep our signals back, until `release`.

    Otherwise one that a child gets before our handlers are gone from it would be taken for one to
    this process, whose pipe the child still shares, and would not end the child.
    """
    stand = _stand
    _held.mask = None
    if stand is not None and stand.signals and hasattr(signal, "pthread_sigmask"):
        _held.mask = signal.pthread_sigmask(signal.SIG_BLOCK, stand.signals)


def forget() -> None:
    """After a fork, in the child: take everything back, then let signals come again."""
    if _stand is not None:
        _take_back(_stand)
    release()


def release() -> None:
    """After a fork, in the parent."""
    mask, _held.mask = getattr(_held, "mask", None), None
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
