"""Work that would hold up the server, done in threads that do not hold up its end.

Those of `asyncio.to_thread` are waited for before a program ends: a question that takes a minute,
or a storage that does not answer, would keep Ctrl-C waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["in_thread"]

_T = TypeVar("_T")


async def in_thread(call: Callable[..., _T], *args: Any) -> _T:
    """Give what a call gives, or raise what it raises; others go on meanwhile."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def settle(put: Callable[[Any], None], value: Any) -> None:
        if not done.done():  # nobody waits any longer
            put(value)

    def work() -> None:
        try:
            put, value = done.set_result, call(*args)
        except BaseException as error:
            put, value = done.set_exception, error  # type: ignore[assignment]
        with contextlib.suppress(RuntimeError):  # the server has ended
            loop.call_soon_threadsafe(settle, put, value)

    threading.Thread(target=work, name="meticulous-answer", daemon=True).start()
    return await done
