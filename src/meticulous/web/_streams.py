"""Pages that follow what changes: one look at the store for all of them, and none waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from ..errors import MeticulousError
from ._threads import in_thread

__all__ = ["MOST_STREAMS", "Streams"]

MOST_STREAMS = 64
BEAT_SECONDS = 15.0
LOOK_SECONDS = 1.0


class _Stream:
    """One page that follows what changes. What it was not sent yet is joined to one change."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.newest: dict[str, Any] = {}
        self.changed: dict[str, None] = {}
        self.trouble = ""

    def put(self, change: Mapping[str, Any]) -> None:
        self.newest = dict(change)
        self.changed.update(dict.fromkeys(change["changed"]))
        self.wake.set()

    def take(self) -> dict[str, Any] | None:
        self.wake.clear()
        if not self.newest:
            return None
        found = {**self.newest, "changed": list(self.changed)}
        self.newest, self.changed = {}, {}
        return found


class Streams:
    """The pages that follow; looks at the store only while there are any.

    Args:
        look: gives what changed since it was called last, None for nothing; in another thread.
        seconds: between two looks.
    """

    def __init__(
        self, look: Callable[[], dict[str, Any] | None], seconds: float = LOOK_SECONDS
    ) -> None:
        self._look = look
        self._seconds = seconds
        self._streams: set[_Stream] = set()
        self._poller: asyncio.Task[None] | None = None
        self._is_stopped = False

    def __len__(self) -> int:
        return len(self._streams)

    def stop(self) -> None:
        """End them all."""
        self._is_stopped = True
        for stream in self._streams:
            stream.wake.set()
        if self._poller is not None:
            self._poller.cancel()

    async def changes(self) -> AsyncIterator[bytes]:
        """What one page is sent, as server-sent events, until it goes away."""
        stream = _Stream()
        self._streams.add(stream)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        told = ""
        try:
            yield b": meticulous\nretry: 2000\n\n"
            while not self._is_stopped:
                try:
                    await asyncio.wait_for(stream.wake.wait(), BEAT_SECONDS)
                except TimeoutError:
                    yield b": still here\n\n"
                if stream.trouble != told:
                    told = stream.trouble
                    yield f"event: trouble\ndata: {json.dumps(told)}\n\n".encode()
                change = stream.take()
                if change is not None:
                    data = json.dumps(change, separators=(",", ":"))
                    yield f"event: change\nid: {change['version']}\ndata: {data}\n\n".encode()
        finally:
            self._streams.discard(stream)

    async def _poll(self) -> None:
        """Look at the store as long as a page follows it. One for all pages, and none waits for
        it: a slow one is told of all changes together when it takes more.
        """
        while self._streams:
            pause, trouble = self._seconds, ""
            started = asyncio.get_running_loop().time()
            try:
                change = await in_thread(self._look)
            except (MeticulousError, OSError) as error:  # the storage may come back
                change, trouble = None, str(error)
                pause *= 5
            for stream in self._streams:
                if change is not None:
                    stream.put(change)
                if stream.trouble != trouble:
                    stream.trouble = trouble
                    stream.wake.set()
            took = asyncio.get_running_loop().time() - started
            # A store that takes long to look at is looked at less often.
            await asyncio.sleep(max(pause - took, 3 * took))
