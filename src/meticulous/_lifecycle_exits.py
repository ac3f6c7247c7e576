"""Which SystemExit the program ends with: Python forgets it before its exit handlers run.

``sys.exit``, ``exit`` and ``quit`` are chained so that their exceptions can be followed. What was
bound before (``from sys import exit`` in the main module; the ``sys.exit`` of ``sys.exit(main())``,
which Python looks up before it calls ``main()``) is followed by other means, see `_rebind` and
`_Wire`. A ``raise SystemExit(…)`` of the program itself cannot be seen.
"""

from __future__ import annotations

import builtins
import functools
import itertools
import sys
import threading
import weakref
from collections.abc import Callable
from types import BuiltinFunctionType
from typing import Any

__all__ = ["UNSEEN", "Exits", "fell_off_the_end"]

UNSEEN: Any = object()
_LINES = 5
_CALLS = 50
_KEPT = 8
_system_exit: Any = sys.exit


class _Token:
    """Rides on a SystemExit, so that its end tells where the exception ended."""

    __slots__ = ("__weakref__",)

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return type(None), ()


class Exits:
    """Follow SystemExit to where it ends, while an experiment is open.

    Attributes:
        active: whether anything is followed.
        frames: of the modules that run as ``__main__``, the innermost first: more than one when a
            profiler or the like runs the program. They tell how they ended also when they have.
    """

    def __init__(self) -> None:
        self.frames = _main_frames()
        self._code: Any = UNSEEN
        self.active = True
        self._tokens: dict[weakref.ref[_Token], tuple[Any, list[tuple[Any, int]]]] = {}

    def install(self) -> Callable[[], None]:
        """Chain the functions that exit; returns what undoes it."""
        undo: list[Callable[[], None]] = []
        system_exit: Any = sys.exit
        chained = _chained(system_exit, self.carry)
        sys.exit = chained
        undo.append(lambda: _put_back(sys, "exit", chained, system_exit))
        if self.frames:
            undo += _rebind(self.frames[0].f_globals, system_exit, chained)
        for name in ("exit", "quit"):
            original = getattr(builtins, name, None)
            if original is not None:  # python -S, frozen programs
                quitter = _chained(original, self.carry)
                setattr(builtins, name, quitter)
                undo.append(_undo(builtins, name, quitter, original))
        _lay_wires(self)

        def remove() -> None:
            self.active = False
            for step in reversed(undo):
                step()

        return remove

    def carry(self, error: SystemExit) -> None:
        """Hang a token on a SystemExit of the main thread.

        The token dies with the exception. When that happens with no Python frame below, the
        interpreter itself has dropped it, which it does when it ends with its code; a caught one
        is dropped in the frame that caught it. The exception stays a plain SystemExit.
        """
        if not (self.active and _in_main_thread() and self._is_running()):
            return
        token = _Token()
        code = error.code

        def gone(reference: weakref.ref[_Token]) -> None:
            self._tokens.pop(reference, None)
            if _in_main_thread() and self._is_left():
                self._code = code

        way = [(frame, frame.f_lasti) for frame in _stack() if not _is_ours(frame)]
        self._tokens[weakref.ref(token, gone)] = code, way
        error.__dict__.setdefault("_meticulous", token)

    def _is_running(self) -> bool:
        """Whether the program is still at it, rather than an exit handler."""
        return not self.frames or any(frame in self.frames for frame in _stack())

    def _is_left(self) -> bool:
        """Whether a SystemExit that ends here has left the program."""
        stack = _stack()[1:]
        if not stack:
            return True
        runners = self.frames[1:]
        return self.frames[0] not in stack and any(frame in stack for frame in runners)

    def code(self) -> Any:
        """The code that the program was left with, UNSEEN when nobody saw it."""
        if self._code is UNSEEN and self.frames:
            # One that something still holds, an asyncio task or a frame of its own traceback.
            for code, way in reversed(list(self._tokens.values())):
                if all(_left_by_it(frame, at) for frame, at in way):
                    return code
        return self._code


def _left_by_it(frame: Any, at: int) -> bool:
    """Whether a frame was left where an exception came in, or by raising that one again."""
    if frame.f_lasti == at:
        return True
    name = _name_of(frame, frame.f_lasti)
    again = name == "RAISE_VARARGS" and frame.f_code.co_code[frame.f_lasti + 1] == 0
    return again or name == "RERAISE"


class _Shown(type):
    """What a chained function looks like: the one that it stands for."""

    original: Any

    def __repr__(cls) -> str:
        return repr(cls.original)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.original, name)


class _Raise:
    """Raise what a `_Shown` has caught, from C code, so that no frame of ours is in the traceback.

    ``type.__call__`` of C code calls our ``__new__``, which catches, and then what is looked up as
    ``__init__``, with the same arguments: ``next(iterator, status)``, whose iterator calls
    ``sys.exit(error)``, which raises its very argument.
    """

    def __get__(self, instance: Any, owner: Any) -> Any:
        error, instance.error = instance.error, None
        return functools.partial(next, map(_system_exit, (error,)))


def _chained(original: Any, carry: Callable[[SystemExit], None]) -> Any:
    """A function like the original, whose SystemExit is carried; the caller sees no difference."""

    def catch(cls: Any, /, *status: Any, **named: Any) -> Any:
        try:
            return original(*status, **named)
        except SystemExit as error:
            carry(error)
            if not isinstance(_system_exit, BuiltinFunctionType) or len(status) > 1 or named:
                raise
            instance = object.__new__(cls)
            trace = error.__traceback__
            instance.error = error.with_traceback(trace and trace.tb_next)
            return instance

    names = {"__new__": catch, "__init__": _Raise(), "original": original}
    names["__doc__"] = original.__doc__
    names["__module__"] = getattr(original, "__module__", "sys")
    return _Shown(getattr(original, "__name__", "exit"), (), names)


class _Wire:
    """Lies in the frame of a call that is under way, and so learns when it is over.

    ``f_trace`` is where it lies: Python looks there only while a debugger traces. When the call is
    over, the function that made it is traced for a few lines, to see whether a SystemExit passes.
    """

    def __init__(self, exits: Exits, caller: Any, lines: int = _LINES) -> None:
        self.exits = exits
        self.caller = caller
        self.lines = lines

    def __call__(self, frame: Any, event: str, arg: Any) -> None:
        """A debugger has come, so we keep out."""

    def __del__(self) -> None:
        try:
            if sys._getframe(1) is self.caller and _in_main_thread() and sys.gettrace() is None:
                _Trace(self)
        except Exception:  # at the very end of the process anything may be gone
            return


_borrowed: list[Any] = []


class _Trace:
    """Trace one frame until a SystemExit or a few lines on.

    What it calls meanwhile is not traced, but Python asks at each call; so a call that makes many
    others gets a wire instead.
    """

    def __init__(self, wire: _Wire) -> None:
        self.exits, self.frame, self.lines = wire.exits, wire.caller, wire.lines
        self.calls = _CALLS
        if self.exits.active and self.lines > 0 and self.frame.f_trace is None:
            self.frame.f_trace = self.here
            called = self.called
            # Python borrows it while it makes the frame of a call. If garbage is collected then,
            # and a call in that ends the tracing, Python goes on with what must still be there.
            _borrowed[:] = [*_borrowed[-_KEPT:], called]
            sys.settrace(called)

    def stop(self) -> Any:
        """End it; gives the frame, and lets it go."""
        frame, self.frame = self.frame, None
        sys.settrace(None)
        frame.f_trace = None
        return frame

    def called(self, frame: Any, event: str, arg: Any) -> Any:
        self.calls -= 1
        if self.calls > 0 or self.frame is None:
            return None
        caller = self.stop()
        wire = _Wire(self.exits, caller, self.lines)
        if frame.f_back is caller:
            return wire
        while frame.f_back is not None and frame.f_back is not caller:
            frame = frame.f_back
        if frame.f_back is not None and frame.f_trace is None:
            frame.f_trace = wire
        return None

    def here(self, frame: Any, event: str, arg: Any) -> Any:
        if self.frame is None:
            return None
        self.lines -= 1
        if event == "exception" and isinstance(arg[1], SystemExit):
            self.exits.carry(arg[1])
        elif event != "return" and self.lines > 0:
            return self.here
        self.stop()
        return None


def _lay_wires(exits: Exits) -> None:
    """Lay one in each call that is under way and whose result is used within an expression."""
    if sys.gettrace() is not None or not _in_main_thread():
        return
    stack = _stack()
    for frame, caller in itertools.pairwise(stack):
        if frame.f_trace is not None or _is_ours(caller):
            continue
        after = _next_instruction(caller)
        if after not in ("POP_TOP", "RETURN_VALUE") and not after.startswith("STORE_"):
            frame.f_trace = _Wire(exits, caller)


def _is_ours(frame: Any) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith(__package__ + ".")


def _rebind(names: dict[str, Any], original: Any, chained: Any) -> list[Callable[[], None]]:
    """Let ``from sys import exit`` in the main module be the chained one, too."""
    bound = [name for name, value in list(names.items()) if value is original]
    for name in bound:
        names[name] = chained

    def put_back(name: str) -> Callable[[], None]:
        def undo() -> None:
            if names.get(name) is chained:
                names[name] = original

        return undo

    return [put_back(name) for name in bound]


def _undo(module: Any, name: str, ours: Any, original: Any) -> Callable[[], None]:
    return lambda: _put_back(module, name, ours, original)


def _put_back(module: Any, name: str, ours: Any, original: Any) -> None:
    # If somebody chained to ours in the meantime, theirs stays: ours only passes on from now on.
    if getattr(module, name, None) is ours:
        setattr(module, name, original)


def _in_main_thread() -> bool:
    return threading.get_ident() == threading.main_thread().ident


def _stack() -> list[Any]:
    """The frames of the calling function's callers, the innermost first."""
    frames = []
    frame = sys._getframe(1).f_back
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _main_frames() -> list[Any]:
    """The frames of the main thread's modules that run as ``__main__``, the innermost first."""
    ident = threading.main_thread().ident
    frame = sys._getframe() if _in_main_thread() else sys._current_frames().get(ident or 0)
    found = []
    while frame is not None:
        if frame.f_globals.get("__name__") == "__main__" and frame.f_code.co_name == "<module>":
            found.append(frame)
        frame = frame.f_back
    return found


def fell_off_the_end(frame: Any) -> bool:
    """Whether a frame that has ended stands on a return (CPython's own opcodes, 3.11 to 3.14)."""
    return _name_of(frame, frame.f_lasti).startswith("RETURN_")


def _next_instruction(frame: Any) -> str:
    """Name of the instruction after the one that a frame stands on; inline caches are passed."""
    code, at = frame.f_code.co_code, frame.f_lasti + 2
    while at < len(code) and code[at] == 0:
        at += 2
    return _name_of(frame, at)


def _name_of(frame: Any, at: int) -> str:
    import opcode

    code = frame.f_code.co_code
    name: str = opcode.opname[code[at]] if 0 <= at < len(code) else ""
    return name
