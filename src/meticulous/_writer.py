"""Everything slow that happens to the record after the start, in threads nobody waits for.

A storage that is full, gone or hangs must not stop the program, so the program only appends to
queues in memory. A `Writer` owns one thread, which owns files: it appends what `Channel`s
collect, replaces documents, and beats the heart. What fails is kept, within bounds, and tried
again; what the bounds then make it give up is counted.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from . import _files

__all__ = ["HEARTBEAT", "Channel", "Writer"]

BATCH_SECONDS = 0.1
"""How long the thread collects before it writes; half of what a row may take to the disk."""
RETRY_SECONDS = 1.0
HEARTBEAT = "heartbeat"
"""The name under which failures of the heartbeat are counted."""
BUFFER_BYTES = 32 << 20
"""What a channel keeps for a storage that does not take it."""
LOCK_SECONDS = 0.2
"""How long a thread waits for another one that encodes a heavy item."""
CATCH_UP_SECONDS = 0.2
"""How long a thread that has filled half the buffer waits for a storage that moves."""


class Channel:
    """An append-only file that any thread may feed without ever waiting for the storage.

    Args:
        appender: the file, owned by the writer's thread from now on.
        encode: makes bytes of a list of items; called by whoever holds the channel's lock.
        soft_limit: items in the queue above which the feeding thread encodes some itself, so that
            a loop that outruns the writer pays for itself instead of filling the memory.
        buffer: the most bytes that are kept for a storage that does not take them.
        lines: each item is a line, and losses are counted in lines; otherwise in bytes.
    """

    RELIEF = 8
    PORTION = 64

    def __init__(
        self,
        appender: _files.Appender,
        encode: Callable[[list[Any]], bytes],
        soft_limit: int = 4096,
        *,
        buffer: int = BUFFER_BYTES,
        lines: bool = True,
    ) -> None:
        self.appender = appender
        self.lost = 0
        self._buffer = buffer
        self._lines = lines
        self._encode = encode
        self._soft_limit = soft_limit
        self._queue: deque[Any] = deque()
        self._lock = threading.Lock()
        self._feeders: set[int] = set()  # threads that hold the lock, or are about to
        self._encoded: list[bytes] = []
        self._bytes = 0
        self._rest = b""
        self.writer: Writer | None = None

    @property
    def name(self) -> str:
        return os.path.basename(self.appender.path)

    def put(self, item: Any) -> None:
        """Hand over one item; about a quarter of a microsecond while the writer keeps up."""
        queue = self._queue
        queue.append(item)
        if len(queue) > self._soft_limit:
            self.relieve()
        writer = self.writer
        if writer is not None and not writer.awake:
            writer.wake()

    def put_heavy(self, item: Any) -> None:
        """Hand over an item that is large or slow to encode, and encode it here and now.

        The queue is bounded by the number of its items, so a heavy one must not wait in it.
        """
        self._queue.append(item)
        me = threading.get_ident()
        self._feeders.add(me)
        # Not for ever: a signal handler may stand on top of the frame that holds the lock.
        try:
            if self._lock.acquire(timeout=LOCK_SECONDS):
                try:
                    self._take(len(self._queue))
                finally:
                    self._lock.release()
        finally:
            self._feeders.discard(me)
        if self.writer is not None:
            self.writer.wake()
        self._let_catch_up()

    def relieve(self) -> None:
        """Encode some of the queue in the calling thread, unless another one is at it."""
        # Far above the limit the thread that encodes needs the interpreter more than we do.
        patience = 0.002 if len(self._queue) > 2 * self._soft_limit else 0
        me = threading.get_ident()
        self._feeders.add(me)
        try:
            if self._lock.acquire(patience > 0, patience or -1):
                try:
                    self._take(self.RELIEF)
                finally:
                    self._lock.release()
        finally:
            self._feeders.discard(me)
        self._let_catch_up()

    def _let_catch_up(self) -> None:
        if self._bytes + len(self._rest) > self._buffer / 2 and self.writer is not None:
            self.writer.settle(CATCH_UP_SECONDS)

    def is_fed_here(self) -> bool:
        """Whether this thread, interrupted by a signal, may hold what the writer waits for."""
        return threading.get_ident() in self._feeders

    def _take(self, most: int) -> int:
        """Move items from the queue to the encoded bytes; the lock is held."""
        queue = self._queue
        items = []
        with contextlib.suppress(IndexError):
            for _ in range(most):
                items.append(queue.popleft())
        if not items:
            return 0
        try:
            data = self._encode(items)
        except Exception:  # an item that cannot be encoded must not take the others with it
            data = b"".join(map(self._encode_alone, items))
        except BaseException:  # Ctrl-C, in the thread of the program
            queue.extendleft(reversed(items))
            raise
        held = self._bytes + len(self._rest)
        if held and held + len(data) > self._buffer:
            self.lost += self._count(data)
        else:
            self._encoded.append(data)
            self._bytes += len(data)
        return len(items)

    def _encode_alone(self, item: Any) -> bytes:
        try:
            return self._encode([item])
        except Exception:  # see above
            self.lost += 1
            return b""

    def _count(self, data: bytes) -> int:
        return data.count(b"\n") if self._lines else len(data)

    def drain(self, hurry: Callable[[], bool], final: Callable[[], bool]) -> None:
        """Write what is there. Only the writer's thread calls this.

        Args:
            hurry: whether somebody waits for it.
            final: whether the program ends. Then a lock that is not given back is passed over:
                its owner lies beneath the signal handler that ends the program.

        Raises:
            OSError: the storage did not take it; it is kept.
        """
        waiting = len(self._queue)  # not what comes meanwhile: others wait for the thread, too
        while True:
            locked = self._lock.acquire(timeout=LOCK_SECONDS)
            if not locked and not final():
                return  # the owner wakes us
            try:
                taken = self._take(self.PORTION)
                encoded, self._encoded = self._encoded, []
                self._rest += b"".join(encoded)
                self._bytes = 0
            finally:
                if locked:
                    self._lock.release()
            if self._rest:
                written = self.appender.append(self._rest)
                self._rest = self._rest[written:]
            if self._rest:
                continue  # the storage took a part; the next attempt goes on or says why not
            waiting -= taken
            if not taken or waiting <= 0:
                return
            if not hurry():
                time.sleep(0)  # a busy program gets the interpreter back now, not 5 ms later

    def unwritten(self) -> int:
        """Lines or bytes that were handed over and are not in the file; exact once nobody feeds."""
        waiting = list(self._queue)
        queued = len(waiting) if self._lines else sum(map(len, waiting))
        return queued + sum(map(self._count, [self._rest, *self._encoded]))


class _Bell:
    """Wake a thread; also from a signal handler that interrupts the ringing of the same bell."""

    def __init__(self) -> None:
        self._rings: queue.SimpleQueue[None] = queue.SimpleQueue()  # threading.Event would deadlock

    def ring(self) -> None:
        self._rings.put(None)

    def wait(self, timeout: float | None) -> None:
        """Wait for a ring; those so far are then over."""
        with contextlib.suppress(queue.Empty):
            self._rings.get(timeout=timeout)
            while True:
                self._rings.get_nowait()


class Writer:
    """A daemon thread that writes channels and documents and beats the heart.

    Args:
        name: of the thread.
        beat: called every `interval` seconds; errors are counted.
        on_error: called once for each file that fails first, with its name and the error.
    """

    def __init__(
        self,
        name: str,
        *,
        beat: Callable[[], None] | None = None,
        interval: float = 15.0,
        on_error: Callable[[str, Exception], None] | None = None,
    ) -> None:
        self.awake = False
        self.errors: dict[str, list[Any]] = {}
        self._channels: list[Channel] = []
        self._documents: dict[str, tuple[bytes | Callable[[], bytes | None], bool]] = {}
        self._waiters: deque[threading.Event] = deque()
        self._bell = _Bell()
        self._hurry = _Bell()
        self._closing = False
        self._final = False
        self._cycles = 0
        self._stuck_at = -1
        self._beat = beat
        self._interval = interval
        self._on_error = on_error
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def add(self, channel: Channel) -> Channel:
        """Take over a channel."""
        channel.writer = self
        self._channels.append(channel)
        return channel

    def store(
        self, path: str, data: bytes | Callable[[], bytes | None], *, sync: bool = True
    ) -> None:
        """Put data in the place of a file soon; of several for one file the last wins.

        Args:
            path: the file.
            data: its content, or what makes it in the thread, since reading may hang, too; what
                gives None has put it there itself.
            sync: see `_files.replace`.
        """
        self._documents[path] = (data, sync)
        self.wake()

    def wake(self) -> None:
        self.awake = True
        self._bell.ring()

    def settle(self, timeout: float, *, final: bool = False) -> bool:
        """Wait until all that was handed over so far has been offered to the storage.

        A storage that let one caller wait in vain is not waited for again until it moves.

        Args:
            timeout: seconds.
            final: the program ends; see `Channel.drain`.

        Returns:
            Whether it was done in time.
        """
        self._final = self._final or final
        thread = self._thread
        if self._stuck_at == self._cycles or not thread.is_alive():
            return False
        if threading.current_thread() is thread:
            return False
        done = threading.Event()
        self._waiters.append(done)
        self._hurry.ring()
        self.wake()
        if done.wait(timeout):
            return True
        self._stuck_at = self._cycles
        return False

    def close(self, timeout: float) -> bool:
        """Write what is there and end the thread, or leave it behind when time is up.

        Returns:
            Whether the thread has ended.
        """
        self._closing = True
        self._hurry.ring()
        self.wake()
        if threading.current_thread() is not self._thread and self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def is_fed_here(self) -> bool:
        """Whether this thread, interrupted by a signal, may hold up the writer."""
        return any(channel.is_fed_here() for channel in self._channels)

    def pending(self) -> int:
        """Documents that are not stored yet."""
        return len(self._documents)

    def _run(self) -> None:
        next_beat = time.monotonic() + self._interval
        failing = False
        while True:
            idle = max(0.0, next_beat - time.monotonic()) if self._beat else None
            if failing:
                idle = RETRY_SECONDS if idle is None else min(idle, RETRY_SECONDS)
            self._bell.wait(idle)
            closing = self._closing
            self._hurry.wait(0 if closing else BATCH_SECONDS)
            self.awake = False
            failing = self._cycle()
            if self._beat is not None and time.monotonic() >= next_beat:
                next_beat = time.monotonic() + self._interval
                self._attempt(HEARTBEAT, self._beat)
            if closing:
                break
        for channel in self._channels:
            channel.appender.close()

    def _cycle(self) -> bool:
        """Try everything once; True when something failed."""
        waiters = list(self._waiters)
        failed = False
        hurry = self._hurried
        for channel in self._channels:
            failed |= not self._attempt(channel.name, channel.drain, hurry, self._ending)
        for path in list(self._documents):
            failed |= not self._attempt(os.path.basename(path), self._replace, path)
        self._cycles += 1
        for waiter in waiters:
            self._waiters.popleft()
            waiter.set()
        return failed

    def _hurried(self) -> bool:
        return self._closing or bool(self._waiters)

    def _ending(self) -> bool:
        return self._closing or self._final

    def _replace(self, path: str) -> None:
        document = self._documents[path]
        data = document[0] if isinstance(document[0], bytes) else document[0]()
        if data is not None:
            _files.replace(path, data, sync=document[1])
        if self._documents[path] is document:
            del self._documents[path]

    def _attempt(self, name: str, action: Callable[..., object], *arguments: Any) -> bool:
        try:
            action(*arguments)
        except Exception as error:  # this thread writes how the program ends: it must go on
            self._note(name, error)
            return False
        return True

    def _note(self, name: str, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or type(error).__name__
        first = name not in self.errors
        count = 0 if first else self.errors[name][1]
        self.errors[name] = [reason, count + 1]
        if first and self._on_error is not None:
            self._on_error(name, error)
