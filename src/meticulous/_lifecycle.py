"""How the program ends: seen from the outside of it, without changing how it ends.

Three facts decide, because none alone does: whether the main module's frame stands on a return,
which SystemExit the interpreter really ended with, and the exception in ``sys.last_value``. A
signal is seen by a handler that stands in for the default action and then lets it happen.
docs/concepts/status.md explains each; every change here has an undo.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from . import _lifecycle_exits, _lifecycle_signals

__all__ = [
    "Ending",
    "Watched",
    "ending_of",
    "inherited",
    "parent",
    "take_invitation",
    "unwatch",
    "watch",
]

PARENT_VARIABLE = "METICULOUS_PARENT"
INVITATION_VARIABLE = "METICULOUS_ATTACH"


class Ending(NamedTuple):
    """How a program, or a ``with`` block, ended.

    Attributes:
        kind: ``success``, ``error``, ``interrupted`` (Ctrl-C), ``terminated`` (a signal) or
            ``unknown`` (left by a SystemExit whose code cannot be known).
        reason: text for STATUS after ERROR; empty for success.
        facts: what is recorded of it: ``exit-code``, ``exception``, ``signal``.
    """

    kind: str
    reason: str
    facts: dict[str, Any]


SUCCESS = Ending("success", "", {"exit-code": 0})


class Watched(NamedTuple):
    """What an open experiment wants to be called for.

    Attributes:
        on_end: called once with the `Ending`; it must be bounded in time and not raise.
        on_fork: called in a forked child.
        name: what tracked programs started from here are told of their parent.
        busy: whether the calling thread was interrupted where `on_end` would wait for it.
    """

    on_end: Callable[[Ending], None]
    on_fork: Callable[[], None]
    name: str
    busy: Callable[[], bool]


class _Watch:
    """What is installed in this process while any experiment is open."""

    def __init__(self) -> None:
        self.open: list[Watched] = []
        self.exits = _lifecycle_exits.Exits()
        self.last_value = getattr(sys, "last_value", None)
        self.undo: list[Callable[[], None]] = []


_watch: _Watch | None = None
_lock = threading.RLock()
_inherited = False
_exit_hook = False
_fork_hook = False
_parents: list[tuple[str, str | None]] = []


def inherited() -> bool:
    """Whether this process was forked from one that had an open experiment."""
    return _inherited


def parent() -> str | None:
    """What `watch` of another process was told as its name, when that process started this one."""
    return _parents[0][1] if _parents else os.environ.get(PARENT_VARIABLE)


def take_invitation() -> str | None:
    """The folder of the experiment that records this program from outside, the first time only.

    Programs that are started from here are not invited.
    """
    return os.environ.pop(INVITATION_VARIABLE, None)


def watch(watched: Watched) -> None:
    """Call back when the program ends, until `unwatch`; and in a forked child, where it is over.

    The first open experiment chains ``sys.exit``, ``exit`` and ``quit``, stands in for the default
    action of terminating signals (only from the main thread, and only where the default action is
    in force) and registers with atexit; the last one to close undoes it, but for the registration.
    Several are called in the reverse order of their start.

    Args:
        watched: of the experiment.
    """
    global _watch, _fork_hook
    with _lock:
        if not _fork_hook and hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=_lifecycle_signals.hold,
                after_in_parent=_lifecycle_signals.release,
                after_in_child=_in_child,
            )
            _fork_hook = True
        if _watch is None:
            _watch = _Watch()
            _install(_watch)
        _watch.open.append(watched)
        _set_parent(watched.name)


def unwatch(watched: Watched) -> None:
    """Take back a `watch`; harmless when it is not in force."""
    global _watch
    with _lock:
        if _watch is None or watched not in _watch.open:
            return
        _watch.open.remove(watched)
        _unset_parent(watched.name)
        if not _watch.open:
            _uninstall(_watch)
            _watch = None


def _set_parent(name: str) -> None:
    _parents.append((name, os.environ.get(PARENT_VARIABLE)))
    os.environ[PARENT_VARIABLE] = name


def _unset_parent(name: str) -> None:
    """Put back what was there before; experiments may close in any order."""
    for index in reversed(range(len(_parents))):
        if _parents[index][0] == name:
            _, before = _parents.pop(index)
            if index < len(_parents):  # a later one is still open and remembers us
                _parents[index] = (_parents[index][0], before)
            elif os.environ.get(PARENT_VARIABLE) == name:
                if before is None:
                    del os.environ[PARENT_VARIABLE]
                else:
                    os.environ[PARENT_VARIABLE] = before
            return


def _install(state: _Watch) -> None:
    global _exit_hook
    if not _exit_hook:  # once, since Python keeps an empty place for each that is unregistered
        atexit.register(_at_exit)
        _exit_hook = True
    state.undo.append(state.exits.install())
    state.undo.append(_lifecycle_signals.install(_by_signal, _is_busy))


def _uninstall(state: _Watch) -> None:
    for undo in reversed(state.undo):
        undo()


def _at_exit() -> None:
    state = _watch
    if state is not None:
        _end(state, _ending(state))


def _by_signal(name: str) -> None:
    state = _watch
    if state is not None:
        _end(state, Ending("terminated", name, {"signal": name}))


def _end(state: _Watch, ending: Ending) -> None:
    for watched in list(reversed(state.open)):
        watched.on_end(ending)


def _is_busy() -> bool:
    state = _watch
    return state is not None and any(watched.busy() for watched in list(state.open))


def _ending(state: _Watch) -> Ending:
    """Decide at exit; SUCCESS only on proof."""
    frames = state.exits.frames
    if frames and all(map(_lifecycle_exits.fell_off_the_end, frames)):
        return SUCCESS
    last = getattr(sys, "last_value", None)
    failed = isinstance(last, BaseException) and last is not state.last_value
    interactive = hasattr(sys, "ps1")  # there, exit() comes after the exception, not instead of it
    code = state.exits.code()
    if code is not _lifecycle_exits.UNSEEN and not (interactive and failed):
        return _of_exit(code)
    if failed:
        return ending_of(last)
    if not frames or interactive:
        return SUCCESS  # a notebook or an embedding program: no module that could be left early
    if _lifecycle_exits.fell_off_the_end(frames[-1]):
        text = "left early, by an exception that whatever runs the program has caught"
        return Ending("unknown", text, {})
    text = "SystemExit (exit code not known: use sys.exit() or a with block to have it recorded)"
    return Ending("unknown", text, {"exception": "SystemExit"})


def _of_exit(code: Any) -> Ending:
    if code is None or (isinstance(code, int) and code == 0):
        return SUCCESS
    number = code if isinstance(code, int) else 1
    try:
        text = str(code)
    except Exception:  # its __str__ is the user's code, and Python does not print huge numbers
        text = f"<{type(code).__qualname__} that cannot be printed>"
    return Ending("error", f"sys.exit({text})", {"exit-code": number, "exception": "SystemExit"})


def ending_of(error: BaseException | None) -> Ending:
    """Describe the end by an exception, or by none.

    Args:
        error: what left the program or the block.

    Returns:
        The ending; its reason holds the traceback with the chained ones. Never raises, also when
        the exception cannot be printed.
    """
    if error is None:
        return SUCCESS
    if isinstance(error, SystemExit):
        return _of_exit(error.code)
    kind = "interrupted" if isinstance(error, KeyboardInterrupt) else "error"
    return Ending(kind, _traceback(error), {"exception": _one_line(error)})


def _traceback(error: BaseException) -> str:
    frames = ""
    try:
        import traceback

        frames = "".join(traceback.format_tb(error.__traceback__))
        return "".join(traceback.format_exception(error)).rstrip("\n")
    except Exception:  # an exception whose __str__, __cause__ or source cannot be read
        return f"Traceback (most recent call last):\n{frames}{_one_line(error)}"


def _one_line(error: BaseException) -> str:
    try:
        text = str(error).partition("\n")[0]
    except Exception:  # its __str__ is the user's code
        text = "<exception str() failed>"
    name = type(error).__qualname__
    return f"{name}: {text}" if text else name


def _in_child() -> None:
    """In a forked child nothing is ours: put everything back and forget it."""
    global _watch, _lock, _inherited
    _lock = threading.RLock()
    state, _watch = _watch, None
    try:
        if state is None:
            return
        _inherited = True
        _uninstall(state)
        for watched in state.open:
            watched.on_fork()
        _parents.clear()
    finally:
        _lifecycle_signals.forget()
