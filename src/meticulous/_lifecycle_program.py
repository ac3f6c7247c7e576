"""Another program, started and waited for: signals reach it once, and its end is told exactly.

It stays in our process group, with the terminal as its own, so that Ctrl-C, Ctrl-Z, ``fg``, and
what a scheduler sends to the whole group reach it as they would without us. What reaches us alone
is passed on. A signal does not tell which of the two it was: a witness, a process of ours that
does nothing else, says so. Without it a program would get the one SIGTERM of ``timeout`` twice,
and many take the second one for an order to drop everything.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ._lifecycle import SUCCESS, Ending

__all__ = [
    "NOT_EXECUTABLE",
    "NOT_FOUND",
    "Program",
    "Witness",
    "die_like",
    "find",
    "replace",
    "started",
    "unwinding",
]

NOT_FOUND, NOT_EXECUTABLE = 127, 126  # what shells exit with
GRACE_SECONDS = 0.05
"""How long the witness has to say that a signal came to the whole group."""
_PASSED_ON = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGALRM")
_OURS = ("SIGCHLD", "SIGWINCH")
_NOBODYS = ("SIGPIPE", "SIGXFSZ")  # Python ignores them; a program must not inherit that
_LOOK_SECONDS = 1.0


def _numbers(names: Sequence[str]) -> list[int]:
    return [number for name in names if (number := getattr(signal, name, None)) is not None]


def find(word: str) -> tuple[str, int]:
    """Find a program as a shell does.

    Returns:
        Its path and 0; or what a shell exits with when there is none, or none that can be run.
    """
    code = NOT_FOUND
    folders = os.get_exec_path() if os.sep not in word else [""]
    for path in (os.path.join(folder, word) for folder in folders if word):
        if os.path.isfile(path):
            if os.access(path, os.X_OK):
                return path, 0
            code = NOT_EXECUTABLE
        elif os.path.isdir(path) and os.sep in word:
            code = NOT_EXECUTABLE
    return word, code


def replace(path: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Become a program; returns only by an exception.

    Raises:
        OSError: it cannot be run.
    """
    for number in _numbers(_NOBODYS):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(path, list(command), environment)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        os.execve("/bin/sh", ["sh", path, *command[1:]], environment)


class Witness:
    """A process of our group that tells which signals it got. Made before any thread is.

    It ends with us, whatever ends us.
    """

    def __init__(self) -> None:
        self.descriptor, writing = os.pipe()
        self._heard: dict[int, float] = {}
        owner, watched = os.getpid(), _numbers(_PASSED_ON)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
        self._pid = os.fork()
        if not self._pid:
            with contextlib.suppress(BaseException):
                _testify(owner, writing, watched)
            os._exit(0)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(writing)
        os.set_blocking(self.descriptor, False)

    def heard(self, number: int, since: float) -> bool:
        """Whether it got a signal, too; each counts once."""
        with contextlib.suppress(OSError):
            for byte in os.read(self.descriptor, 64):
                self._heard[byte] = time.monotonic()
        return self._heard.pop(number, -1.0) >= since

    def end(self) -> None:
        with contextlib.suppress(OSError):
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self.descriptor)


def _testify(owner: int, writing: int, watched: list[int]) -> None:
    # Its descriptors would keep the pipes of others open.
    os.closerange(0, writing)
    os.closerange(writing + 1, 1 << 10)
    while os.getppid() == owner:
        info = signal.sigtimedwait(watched, _LOOK_SECONDS)
        if info is not None:
            os.write(writing, bytes([info.si_signo]))


class Program:
    """Starts a program and waits for it; what is sent to us meanwhile is passed on.

    A signal that was ignored when we were started, as by nohup, stays ignored, for both.

    Args:
        witness: made before.
        on_resize: called when the terminal may have another size.

    Attributes:
        received: the signals that came to us, by name, in their order.
        code: as `os.waitstatus_to_exitcode`, None while it runs.
        core: whether it left a core.
        pid: of the program, 0 before it starts.
    """

    def __init__(self, witness: Witness, on_resize: Callable[[], None]) -> None:
        self.received: list[str] = []
        self.code: int | None = None
        self.core = False
        self._witness = witness
        self._on_resize = on_resize
        self.pid = 0
        self._waiting: list[tuple[int, float]] = []
        self._handlers: dict[int, Any] = {}
        self._reading = self._writing = -1

    def start(
        self,
        path: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        outputs: Mapping[int, int],
    ) -> None:
        """Start it.

        Args:
            path: the program.
            command: its words, the first of which is its name.
            environment: its environment variables.
            outputs: descriptors that it has in the place of ours.

        Raises:
            OSError: it cannot be run; nothing is passed on any more.
        """
        self._listen()
        actions = [(os.POSIX_SPAWN_DUP2, ours, number) for number, ours in outputs.items()]
        options: dict[str, Any] = {"setsigdef": _numbers(_NOBODYS), "file_actions": actions}
        try:
            try:
                self.pid = os.posix_spawn(path, list(command), environment, **options)
            except OSError as error:
                if error.errno != errno.ENOEXEC:  # a script without "#!" is the shell's, as for env
                    raise
                words = ["sh", path, *command[1:]]
                self.pid = os.posix_spawn("/bin/sh", words, environment, **options)
        except OSError:
            self.close()
            raise
        for number, _ in self._waiting:  # it was not there yet when they came to all
            os.kill(self.pid, number)
        self._waiting.clear()

    def _listen(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)
        for number in _numbers((*_PASSED_ON, *_OURS)):
            if signal.getsignal(number) != signal.SIG_IGN or number == signal.SIGCHLD:
                self._handlers[number] = signal.signal(number, self._note)
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)

    def _note(self, number: int, frame: Any) -> None:
        if number == signal.SIGWINCH:
            self._on_resize()
        elif number != signal.SIGCHLD:
            self._waiting.append((number, time.monotonic()))
            if number != signal.SIGCONT:
                self.received.append(signal.Signals(number).name)

    @property
    def descriptors(self) -> list[int]:
        """What is ready to be read when `attend` has something to do."""
        return [self._reading, self._witness.descriptor]

    def rest(self, seconds: float) -> None:
        """Wait until `attend` has something to do."""
        select.select(self.descriptors, [], [], seconds)

    def attend(self) -> float:
        """Pass on what is due, look whether it has ended; seconds until there is more to do."""
        with contextlib.suppress(OSError):
            os.read(self._reading, 512)
        now = time.monotonic()
        waiting, self._waiting = self._waiting, []
        for number, came in waiting:
            if self._witness.heard(number, came - GRACE_SECONDS):
                continue
            if now - came < GRACE_SECONDS:
                self._waiting.append((number, came))
            else:
                with contextlib.suppress(OSError):
                    os.kill(self.pid, number)
        self._look()
        return GRACE_SECONDS / 4 if self._waiting else _LOOK_SECONDS

    def wait(self) -> int:
        """Wait for its end, and attend to signals meanwhile; gives `code`."""
        while self.code is None:
            self.rest(self.attend())
        return self.code

    def _look(self) -> None:
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:  # somebody has waited for it
            self.code = 0
            return
        if pid:
            self.code = os.waitstatus_to_exitcode(status)
            self.core = os.WIFSIGNALED(status) and os.WCOREDUMP(status)

    def ending(self) -> Ending:
        """How it ended, in the words of `Ending`."""
        code = self.code or 0
        facts: dict[str, Any] = {"exit-code": code}
        if code < 0:
            facts = {"signal": _name(-code), **({"core": True} if self.core else {})}
        if self.received:
            facts["received"] = self.received
        if code == 0:
            return SUCCESS._replace(facts=facts)
        if code > 0:
            return Ending("error", f"exit code {code}", facts)
        kind = "interrupted" if -code == signal.SIGINT else "terminated"
        return Ending(kind, facts["signal"], facts)

    def close(self) -> None:
        """Give the signals back."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()
        for descriptor in (self._reading, self._writing):
            if descriptor >= 0:
                os.close(descriptor)
        self._reading = self._writing = -1


@contextlib.contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str], outputs: Mapping[int, int]
) -> Iterator[Program]:
    """Start a program, see `Program.start`; signals are given back in the end."""
    witness = Witness()
    program = Program(witness, lambda: None)
    try:
        program.start(command[0], command, environment, outputs)
        yield program
    finally:
        program.close()
        witness.end()


@contextlib.contextmanager
def unwinding() -> Iterator[None]:
    """Let SIGTERM and SIGHUP leave what is done in here as Ctrl-C does, so that what it began is
    taken away; then this process ends by them.
    """
    received: list[int] = []

    def leave(number: int, frame: Any) -> None:
        received.append(number)
        raise KeyboardInterrupt

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in _numbers(("SIGTERM", "SIGHUP")):
            if signal.getsignal(number) == signal.SIG_DFL:
                before[number] = signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            die_like(-received[0])


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def die_like(code: int) -> int:
    """End as a program ended: by its signal, so that whoever waits for us sees the same.

    Returns:
        What to exit with, where that does not work or it was no signal.
    """
    if code >= 0:
        return code
    with contextlib.suppress(OSError, ValueError, ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # its core must not be replaced by ours
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [-code])
        os.kill(os.getpid(), -code)
    return 128 - code
