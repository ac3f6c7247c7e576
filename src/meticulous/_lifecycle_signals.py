"""Stand in for the default action of terminating signals: record, then let it happen."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["install"]

NAMES = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGQUIT")
GRACE_SECONDS = 0.05
"""How long the watching thread lets the main thread answer a signal itself."""


class _Stand:
    """Our handlers while they are installed.

    The program does not see them: ``signal.getsignal`` and ``signal.signal`` go on telling it
    SIG_DFL, so that libraries that look whether a handler is there behave as they do without us,
    and a handler that is put back to SIG_DFL leaves ours in place.
    """

    def __init__(self, record: Callable[[str], None]) -> None:
        self.record = record
        self.signals: set[int] = set()
        self.getsignal = signal.getsignal
        self.signal = signal.signal
        self.owner = os.getpid()
        self.dying = threading.Lock()
        self.pipe: tuple[int, int] | None = None
        self.thread: threading.Thread | None = None
        self.active = True

    def handle(self, number: int, frame: Any) -> None:
        """Run in the main thread, when the interpreter gets to it."""
        if self.getsignal(number) != self.handle:
            return  # called by a handler that chained to ours: the signal is theirs
        if not self.active:  # could not be taken back, since only the main thread may
            self.default_here(number)
            os.kill(os.getpid(), number)
        elif self.dying.acquire(blocking=False):
            self.die(number, self.default_here)

    def die(self, number: int, default: Callable[[int], None]) -> None:
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
            data = os.read(descriptor, 64)
            if not data or b"\0" in data:  # our own word that it is over
                return
            for number in data:
                if number in self.signals and self.getsignal(number) == self.handle:
                    threading.Event().wait(GRACE_SECONDS)
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


def _default_anywhere(number: int) -> None:
    """Restore the default action from a thread other than the main one, which Python refuses."""
    import ctypes

    ctypes.CDLL(None).signal(number, 0)


def install(record: Callable[[str], None]) -> Callable[[], None]:
    """Record a terminating signal, then end as without us: by that signal, at once.

    Only in the main thread, and only for signals whose default action is in force. A handler that
    the program has or installs later wins; one that calls the previous handler does not die by it.

    Args:
        record: called with the signal's name, in whichever thread answers; it must be bounded in
            time.

    Returns:
        What undoes it.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    stand = _Stand(record)
    for name in NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, stand.handle)
            stand.signals.add(number)
    replaced = (stand.replaced_getsignal, stand.replaced_signal)
    signal.getsignal, signal.signal = replaced
    _wake(stand)
    return lambda: _remove(stand, replaced)


def _wake(stand: _Stand) -> None:
    """Let C code write each signal's number to a pipe, which a thread reads."""
    if os.name != "posix" or not stand.signals:
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    if before != -1:  # somebody's event loop needs it more than we do
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)
        return
    stand.pipe = (reading, writing)
    stand.thread = threading.Thread(
        target=stand.watch, args=(reading,), name="meticulous-signals", daemon=True
    )
    stand.thread.start()


def _remove(stand: _Stand, replaced: tuple[Any, Any]) -> None:
    stand.active = False
    if (signal.getsignal, signal.signal) == replaced:
        signal.getsignal, signal.signal = stand.getsignal, stand.signal
    if threading.current_thread() is not threading.main_thread():
        return  # the handlers stay and only pass on; see _Stand.handle
    for number in stand.signals:
        with contextlib.suppress(ValueError, OSError):
            if stand.getsignal(number) == stand.handle:
                stand.signal(number, signal.SIG_DFL)
    if stand.pipe is None:
        return
    reading, writing = stand.pipe
    current = signal.set_wakeup_fd(-1)
    if current not in (-1, writing):
        signal.set_wakeup_fd(current)
    if os.getpid() == stand.owner and stand.thread is not None:
        with contextlib.suppress(OSError):
            os.write(writing, b"\0")
        stand.thread.join(0.5)
    os.close(writing)
    os.close(reading)
