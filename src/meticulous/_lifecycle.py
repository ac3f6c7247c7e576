"""How the program ends: seen from the outside of it, without changing how it ends.

Three facts decide, because none alone does: whether the main module's frame stands on a return,
which SystemExit the interpreter really ended with, and the exception in ``sys.last_value``. A
signal is seen by a handler that stands in for the default action and then lets it happen.
docs/concepts/status.md explains each; every change here has an undo.
"""

from __future__ import annotations

import atexit
import builtins
import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from . import _lifecycle_signals

__all__ = ["Ending", "ending_of", "inherited", "parent", "unwatch", "watch"]

PARENT_VARIABLE = "METICULOUS_PARENT"


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


class _Watch:
    """What is installed in this process while any experiment is open."""

    def __init__(self) -> None:
        self.open: list[Callable[[Ending], None]] = []
        self.frame = _main_frame()
        self.last_value = getattr(sys, "last_value", None)
        self.exit_code: Any = _UNSEEN
        self.tokens: set[weakref.ref[_Token]] = set()
        self.undo: list[Callable[[], None]] = []


class _Token:
    """Rides on a SystemExit, so that its end tells where the exception ended."""

    __slots__ = ("__weakref__",)

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return type(None), ()


_UNSEEN = object()
_watch: _Watch | None = None
_inherited = False
_fork_hook = False


def inherited() -> bool:
    """Whether this process was forked from one that had an open experiment."""
    return _inherited


def parent() -> str | None:
    """What `watch` of another process was told as its name, when that process started this one."""
    return _parents[0][1] if _parents else os.environ.get(PARENT_VARIABLE)


def watch(on_end: Callable[[Ending], None], on_fork: Callable[[], None], name: str) -> None:
    """Call back when the program ends, until `unwatch`; and in a forked child, where it is over.

    The first open experiment chains ``sys.exit``, ``exit`` and ``quit``, stands in for the default
    action of terminating signals (only from the main thread, and only where the default action is
    in force) and registers with atexit; the last one to close undoes it. Several are called in
    the reverse order of their start.

    Args:
        on_end: called once with the `Ending`; it must be bounded in time and not raise.
        on_fork: called in a forked child.
        name: what tracked programs started from here are told of their parent.
    """
    global _watch, _fork_hook
    if _watch is None:
        _watch = _Watch()
        _install(_watch)
    if not _fork_hook and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)
        _fork_hook = True
    _watch.open.append(on_end)
    _on_fork.append(on_fork)
    _set_parent(name)


_on_fork: list[Callable[[], None]] = []
_parents: list[tuple[str, str | None]] = []


def unwatch(on_end: Callable[[Ending], None], on_fork: Callable[[], None], name: str) -> None:
    """Take back a `watch`; harmless when it is not in force."""
    global _watch
    if _watch is None or on_end not in _watch.open:
        return
    _watch.open.remove(on_end)
    _on_fork.remove(on_fork)
    _unset_parent(name)
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
    atexit.register(_at_exit)
    state.undo.append(lambda: atexit.unregister(_at_exit))
    _chain_exits(state)
    state.undo.append(_lifecycle_signals.install(_by_signal))


def _uninstall(state: _Watch) -> None:
    for undo in reversed(state.undo):
        undo()


def _chain_exits(state: _Watch) -> None:
    """Let sys.exit, exit and quit raise a SystemExit that carries a token."""
    system_exit = sys.exit

    def exit(status: Any = None, /) -> None:
        raise _carrying(state, SystemExit() if status is None else SystemExit(status))

    exit.__doc__ = system_exit.__doc__
    exit.__module__, exit.__qualname__ = "sys", "exit"
    sys.exit = exit  # type: ignore[assignment]
    state.undo.append(lambda: _put_back(sys, "exit", exit, system_exit))
    for name in ("exit", "quit"):
        original = getattr(builtins, name, None)
        if original is None:  # python -S, frozen programs
            continue
        chained = _Quitter(original, state)
        setattr(builtins, name, chained)
        state.undo.append(
            lambda name=name, chained=chained, original=original: _put_back(  # type: ignore[misc]
                builtins, name, chained, original
            )
        )


class _Quitter:
    def __init__(self, original: Any, state: _Watch) -> None:
        self._original = original
        self._state = state

    def __repr__(self) -> str:
        return repr(self._original)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def __call__(self, code: Any = None) -> None:
        try:
            self._original(code)
        except SystemExit as error:
            raise _carrying(self._state, error) from None


def _put_back(module: Any, name: str, ours: Any, original: Any) -> None:
    # If somebody chained to ours in the meantime, theirs stays: ours only passes on from now on.
    if getattr(module, name, None) is ours:
        setattr(module, name, original)


def _carrying(state: _Watch, error: SystemExit) -> SystemExit:
    """Hang a token on a SystemExit.

    The token dies with the exception. When that happens with no Python frame below, in the main
    thread, the interpreter itself has dropped it, which it does when it ends with its code; a
    caught one is dropped in the frame that caught it. The exception stays a plain SystemExit.
    """
    if _watch is not state or threading.get_ident() != threading.main_thread().ident:
        return error
    token = _Token()
    code = error.code

    def gone(reference: weakref.ref[_Token]) -> None:
        state.tokens.discard(reference)
        main = threading.get_ident() == threading.main_thread().ident
        if main and sys._getframe().f_back is None:
            state.exit_code = code

    state.tokens.add(weakref.ref(token, gone))
    error.__dict__["_meticulous"] = token
    return error


def _at_exit() -> None:
    state = _watch
    if state is not None:
        _end(state, _ending(state))


def _by_signal(name: str) -> None:
    state = _watch
    if state is not None:
        _end(state, Ending("terminated", name, {"signal": name}))


def _end(state: _Watch, ending: Ending) -> None:
    for on_end in list(reversed(state.open)):
        on_end(ending)


def _ending(state: _Watch) -> Ending:
    """Decide at exit; SUCCESS only on proof."""
    if state.frame is not None and _fell_off_the_end(state.frame):
        return SUCCESS
    last = getattr(sys, "last_value", None)
    failed = isinstance(last, BaseException) and last is not state.last_value
    interactive = hasattr(sys, "ps1")  # there, exit() comes after the exception, not instead of it
    if state.exit_code is not _UNSEEN and not (interactive and failed):
        return _of_exit(state.exit_code)
    if failed:
        return ending_of(last)
    if state.frame is None or interactive:
        return SUCCESS  # a notebook or an embedding program: no module that could be left early
    text = "SystemExit (exit code not known: use sys.exit() or a with block to have it recorded)"
    return Ending("unknown", text, {"exception": "SystemExit"})


def _of_exit(code: Any) -> Ending:
    if code is None or (isinstance(code, int) and code == 0):
        return SUCCESS
    number = code if isinstance(code, int) else 1
    return Ending("error", f"sys.exit({code})", {"exit-code": number, "exception": "SystemExit"})


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
    import traceback

    try:
        lines = traceback.format_exception(error)
        return "".join(lines).rstrip("\n")
    except Exception:  # an exception whose __str__, __cause__ or source cannot be read
        frames = "".join(traceback.format_tb(error.__traceback__))
        return f"Traceback (most recent call last):\n{frames}{_one_line(error)}"


def _one_line(error: BaseException) -> str:
    try:
        text = str(error).partition("\n")[0]
    except Exception:  # its __str__ is the user's code
        text = "<exception str() failed>"
    name = type(error).__qualname__
    return f"{name}: {text}" if text else name


def _main_frame() -> Any:
    """The frame of the program's main module, the outermost one of that name."""
    ident = threading.main_thread().ident
    frame = (
        sys._getframe() if threading.get_ident() == ident else sys._current_frames().get(ident or 0)
    )
    found = None
    while frame is not None:
        if frame.f_globals.get("__name__") == "__main__" and frame.f_code.co_name == "<module>":
            found = frame
        frame = frame.f_back
    return found


def _fell_off_the_end(frame: Any) -> bool:
    """Whether a frame that has ended stands on a return (CPython's own opcodes, 3.11 to 3.14)."""
    import opcode

    code, last = frame.f_code.co_code, frame.f_lasti
    if not 0 <= last < len(code):
        return False
    name: str = opcode.opname[code[last]]
    return name.startswith("RETURN_")


def _in_child() -> None:
    """In a forked child nothing is ours: put everything back and forget it."""
    global _watch, _inherited
    state, _watch = _watch, None
    if state is None:
        return
    _inherited = True
    _uninstall(state)
    for on_fork in list(_on_fork):
        on_fork()
    _on_fork.clear()
    _parents.clear()
