"""The attributes that `_console` lays over a stream, and takes away again.

A text stream's C code hands its text to the buffer by calling ``buffer.write`` as an attribute,
thus ours. That text was recorded when it was written; it is told from bytes that the program
itself writes to the buffer by where the call comes from: straight from our ``write``, or under a
mark of the thread. No lock is held anywhere, so signal handlers may print at any moment.
"""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from collections.abc import Callable
from types import BuiltinMethodType, CodeType
from typing import Any

__all__ = ["Hook", "Settle", "Sink"]

Sink = Callable[[bytes], object]
Settle = Callable[[], object]

_ABSENT: Any = object()
_NEWLINE, _RETURN = b"\n\r"


class _Mark(threading.local):
    """What our functions are about, in this thread."""

    writer: Any = None  # the guarded write that has a piece of text in hand
    flushing = False  # what the text stream now hands to its buffer was recorded before


class Hook:
    """Our attributes over one stream, shared by all taps that record it.

    Attributes:
        record, settle: None while nothing is recorded: our functions then only pass on.
        fresh: something was recorded since the last `settle`.
        layered: a function that is not the stream's own may lie between two of ours, so that one
            piece of text may come by twice: then a mark of the thread tells.
        unbuffered: text goes straight to the descriptor, as with ``python -u``.
        code: of our ``write``, from which C code calls the buffer's.
        patches: object, name, our function and what was there before, oldest first.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.unbuffered = _has_raw_buffer(stream)
        self.record: Sink | None = None
        self.settle: Settle | None = None
        self.fresh = False
        self.layered = False
        self.code: CodeType | None = None
        self.mark = _Mark()
        self.patches: list[tuple[Any, str, Any, Any]] = []
        self._taps: dict[Any, tuple[Sink, Settle]] = {}

    def enter(self, tap: object, sink: Sink, settle: Settle) -> None:
        """Hand on to one more tap."""
        self._share({**self._taps, tap: (sink, settle)})

    def leave(self, tap: object) -> None:
        """Hand on to one tap less; after the last one take away what is on top."""
        self._share({key: value for key, value in self._taps.items() if key is not tap})
        if not self._taps:
            self._lift()

    def forget(self) -> None:
        """Hand on to nobody."""
        self._share({})

    def _share(self, taps: dict[Any, tuple[Sink, Settle]]) -> None:
        self._taps = taps
        self.record = _each([sink for sink, _ in taps.values()])
        self.settle = _each([settle for _, settle in taps.values()])

    def settle_now(self) -> None:
        self.fresh = False
        settle = self.settle
        if settle is not None:
            settle()

    def lay(self) -> bool:
        """Put our attributes on top, unless they are; False when the stream cannot have them."""
        stream = self.stream
        known = len(self.patches)
        own = isinstance(stream, io.TextIOWrapper)
        write = _text_write if own else _guarded_write
        fits = self._patch(stream, "write", write) and self._patch(stream, "flush", _text_flush)
        if fits and own:
            self._patch(stream, "tell", _text_tell)
            with contextlib.suppress(ValueError):  # detached: text cannot be written either
                self._patch(stream.buffer, "write", _buffer_write)
                self._patch(stream.buffer, "flush", _buffer_flush)
        if not fits:
            self._lift(known)
        return fits

    def heal(self) -> bool:
        """Lay ours again when somebody has put the stream's own ``write`` in its place.

        As other recorders do that were there before us and end before us.
        """
        top = vars(self.stream).get("write")
        if self.record is None or not (top is None or _is_own(top, self.stream)):
            return False
        return self.lay()

    def _patch(self, thing: Any, name: str, make: Callable[[Hook, Any], Any]) -> bool:
        original = getattr(thing, name, None)
        if original is None:
            return name != "write"
        if any(original is ours for _, _, ours, _ in self.patches):
            return True
        try:
            # Not by setattr: a proxy may put the attribute elsewhere, and then call in a circle.
            attributes = vars(thing)
            before = attributes.get(name, _ABSENT)
            ours = make(self, original)
            attributes[name] = ours
        except Exception:  # a stranger's class may refuse with anything; then it is not recorded
            return False
        if before is _ABSENT or _is_own(before, thing):  # somebody threw ours away
            self.patches = [p for p in self.patches if p[0] is not thing or p[1] != name]
        self.patches.append((thing, name, ours, before))
        if thing is self.stream and name == "write":
            self.layered = not _is_own(original, thing)
        return bool(getattr(thing, name, None) is ours)

    def _lift(self, keep: int = 0) -> None:
        """Take away those of our attributes that are on top."""
        kept = self.patches[:keep]
        for patch in reversed(self.patches[keep:]):
            thing, name, ours, before = patch
            if vars(thing).get(name) is not ours:
                kept.insert(keep, patch)
                continue
            if before is _ABSENT:
                vars(thing).pop(name, None)
            else:
                vars(thing)[name] = before
        self.patches = kept


def _is_own(function: Any, stream: Any) -> bool:
    return type(function) is BuiltinMethodType and function.__self__ is stream


def _has_raw_buffer(stream: Any) -> bool:
    with contextlib.suppress(Exception):  # a stranger's class may refuse with anything
        return isinstance(stream.buffer, io.RawIOBase)
    return False


def _each(functions: list[Any]) -> Any:
    if len(functions) < 2:
        return functions[0] if functions else None

    def each(*arguments: Any) -> None:
        for function in functions:
            function(*arguments)

    return each


def _text_write(hook: Hook, original: Any) -> Any:
    """For text streams of the standard library with nobody between: as few steps as possible.

    The stream has taken the text also when the write ends in an error of the terminal or in a
    KeyboardInterrupt; so then it is recorded, too.
    """
    stream = hook.stream
    encode = str.encode
    unbuffered = hook.unbuffered
    guarded = _guarded_write(hook, original)

    def write(text: Any, /) -> Any:
        record = hook.record
        if record is None:
            return original(text)
        if hook.layered:
            return guarded(text)
        try:
            data = encode(text)
        except (TypeError, UnicodeEncodeError):
            data = _bytes_of(text)
        try:
            result = original(text)
        except BaseException as error:
            if _was_accepted(error):
                record(data)
            raise
        record(data)
        hook.fresh = True
        if ("\n" in text or "\r" in text) and (unbuffered or stream.line_buffering):
            hook.settle_now()
        return result

    hook.code = write.__code__
    return write


def _guarded_write(hook: Hook, original: Any) -> Any:
    """For streams of any make, and with others' functions between two of ours."""
    mark = hook.mark

    def write(text: Any, /, *rest: Any, **named: Any) -> Any:
        record = hook.record
        outer = mark.writer
        # The same function again is a new text: of a signal handler, or of the stream itself.
        if record is None or (outer is not None and outer is not write):
            return original(text, *rest, **named)
        data = _bytes_of(text)
        mark.writer = write
        try:
            result = original(text, *rest, **named)
        except BaseException as error:
            if _was_accepted(error):
                record(data)
            raise
        finally:
            mark.writer = outer
        record(data)
        hook.fresh = True
        flushed = hook.unbuffered or getattr(hook.stream, "line_buffering", False)
        if flushed and (_NEWLINE in data or _RETURN in data):
            hook.settle_now()
        return result

    return write


def _text_flush(hook: Hook, original: Any) -> Any:
    mark = hook.mark

    def flush(*rest: Any, **named: Any) -> Any:
        outer = mark.flushing
        mark.flushing = not hook.heal()
        try:
            result = original(*rest, **named)
        except BaseException as error:
            _was_accepted(error)
            raise
        finally:
            mark.flushing = outer
        if hook.fresh:
            hook.settle_now()
        return result

    return flush


def _text_tell(hook: Hook, original: Any) -> Any:
    """The only method that hands text to the buffer without calling ``flush`` first."""
    mark = hook.mark

    def tell() -> Any:
        outer = mark.flushing
        mark.flushing = True
        try:
            return original()
        finally:
            mark.flushing = outer

    return tell


def _buffer_write(hook: Hook, original: Any) -> Any:
    mark = hook.mark
    caller = sys._getframe

    def write(data: Any, /) -> Any:  # the first three lines are counted in _was_accepted
        record = hook.record
        if record is None or mark.flushing or mark.writer or caller(1).f_code is hook.code:
            return original(data)
        hook.heal()
        count = original(data)
        data = bytes(memoryview(data))
        record(data[:count] if isinstance(count, int) else b"")
        hook.fresh = True
        return count

    return write


def _buffer_flush(hook: Hook, original: Any) -> Any:
    mark = hook.mark
    caller = sys._getframe

    def flush() -> Any:
        result = original()
        if hook.fresh and not (mark.flushing or mark.writer or caller(1).f_code is hook.code):
            hook.settle_now()
        return result

    return flush


def _was_accepted(error: BaseException) -> bool:
    """Tell whether a stream has taken the text of a write that ended in this error.

    When a signal handler raises just where our function takes the text for the buffer, the C code
    of the text stream drops that text; so it is handed over here.
    """
    trace = error.__traceback__
    inner = trace.tb_next if trace else None
    refused = inner is None and isinstance(error, (TypeError, ValueError))
    while inner is not None:
        frame = inner.tb_frame
        if frame.f_code is _TAKING and inner.tb_lineno < frame.f_code.co_firstlineno + 3:
            with contextlib.suppress(OSError, ValueError):
                frame.f_locals["original"](frame.f_locals["data"])
            break
        inner = inner.tb_next
    return not refused


def _code_of(function: Any, name: str) -> CodeType:
    constants = function.__code__.co_consts
    return next(c for c in constants if isinstance(c, CodeType) and c.co_name == name)


_TAKING = _code_of(_buffer_write, "write")


def _bytes_of(text: Any) -> bytes:
    """UTF-8; bytes that became text by surrogateescape are bytes again; never raises."""
    if not isinstance(text, str):
        return bytes(text) if isinstance(text, (bytes, bytearray)) else b""
    try:
        return str.encode(text, "utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return "".join(map(_legal, text)).encode("utf-8", "surrogateescape")


def _legal(character: str) -> str:
    code = ord(character)
    lone = 0xD800 <= code <= 0xDFFF and not 0xDC80 <= code <= 0xDCFF
    return f"\\u{code:04x}" if lone else character
