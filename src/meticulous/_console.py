"""What the program prints, taken from its own `sys.stdout` and `sys.stderr`.

The streams stay the very objects that they were: while a `Tap` is active a few attributes
(``write``, ``flush``, …) lie over them, which call what was there before and then hand a copy on.
So identity, ``isatty``, ``fileno``, ``encoding``, handlers that kept the stream, and the bytes on
the terminal with their order and moment are those of the program.

Text is taken when it is written, not when the stream flushes it, so that the record is live also
when the output is a pipe. Bytes that are written to ``sys.stdout.buffer`` are taken there.

Not seen from here: child processes, C code, ``os.write(1, …)`` (see `_console_fd`); the prompt and
the echo of ``input()`` on a terminal, which C writes; a ``write`` that was bound before the start
is seen only when the stream flushes.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from ._console_streams import Hook, Settle, Sink

__all__ = ["Tap"]

_lock = threading.RLock()  # of starting and stopping, never of writing
_hooks: dict[int, Hook] = {}  # by the id of the stream, which the hook keeps alive
_fork_is_watched = False


class Tap:
    """Hand on what the program prints on `sys.stdout` and `sys.stderr`.

    Any number may be active at once; each gets everything. In a forked child nothing is handed
    on. `start` and `stop` may be called from any thread and from signal handlers, any number of
    times and in any order.

    Args:
        out: takes a piece of the standard output; must neither block nor raise.
        err: the same for the standard error.
        settle: waits, for a bounded time, until what was handed on has reached its file. It is
            called when the program has flushed, so that what was flushed before a kill is kept.

    Attributes:
        problems: one line for each stream that cannot be recorded.
    """

    def __init__(self, out: Sink, err: Sink, settle: Settle) -> None:
        self.problems: list[str] = []
        self._out = out
        self._err = err
        self._settle = settle
        self._joined: list[Hook] = []

    def start(self) -> None:
        """Begin with whatever `sys.stdout` and `sys.stderr` are now; the streams are not flushed.

        Only what is printed from here on is handed on. Never raises.
        """
        with _lock:
            if self._joined:
                return
            _watch_fork()
            self._join("stdout", sys.stdout, self._out)
            if sys.stderr is not sys.stdout or sys.stderr is None:
                self._join("stderr", sys.stderr, self._err)

    def stop(self) -> None:
        """End; nothing is flushed and the streams are as before, if nobody has wrapped them since.

        Where somebody has, our attribute beneath stays and only passes on. Never raises.
        """
        with _lock:
            joined, self._joined = self._joined, []
            for hook in joined:
                hook.leave(self)
                if not hook.patches:
                    _hooks.pop(id(hook.stream), None)

    def _join(self, name: str, stream: Any, sink: Sink) -> None:
        if stream is None:
            self.problems.append(f"{name}: the process has no such stream, nothing to record")
            return
        hook = _hooks.get(id(stream)) or Hook(stream)
        if hook.lay():
            _hooks[id(stream)] = hook
            hook.enter(self, sink, self._settle)
            self._joined.append(hook)
        else:
            kind = f"{type(stream).__module__}.{type(stream).__qualname__}"
            self.problems.append(f"{name}: a stream of type {kind} cannot be recorded")


def _watch_fork() -> None:
    global _fork_is_watched
    if not _fork_is_watched and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_let_go)
    _fork_is_watched = True


def _let_go() -> None:
    """A forked child owns no record: from now on our functions only pass on."""
    global _lock
    _lock = threading.RLock()
    for hook in _hooks.values():
        hook.forget()
