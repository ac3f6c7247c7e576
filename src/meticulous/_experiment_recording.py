"""What runs while an experiment is open: the threads that write, the taps that listen."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import Any

from . import (
    _capped,
    _console,
    _environment,
    _environment_system,
    _files,
    _folder,
    _json,
    _lifecycle,
    _redact,
    _series,
)
from ._writer import HEARTBEAT, Channel, Writer
from .errors import StorageError

__all__ = ["Recording"]

SETTLE_SECONDS = 0.05
PATIENCE_SECONDS = 1.0
PATIENCE_SHARE = 0.1
DOCUMENT_SECONDS = 1.0
_CONSOLE_QUEUE = 512
_LARGE = 1 << 16


class Recording:
    """The moving parts of one open experiment.

    Two threads write: one appends streams, one replaces documents and beats the heart, so that a
    stream whose storage hangs does not hold up STATUS.

    Args:
        folder: of the experiment.
        settings: as `_settings.resolve` gives them.
        session: number of the session, 1 for the first.
        earlier: the `problems` of earlier sessions.
    """

    is_program = True
    """Whether this process is the program that is recorded."""

    def __init__(
        self, folder: _folder.Folder, settings: dict[str, Any], session: int, earlier: Any = None
    ) -> None:
        self.folder = folder
        self._earlier = earlier if isinstance(earlier, dict) else {}
        self._settings = settings
        self._unsaid = [True]
        name = f"meticulous-{folder.id}"
        self.streams = Writer(f"{name}-streams", on_error=self._warn)
        self.documents = Writer(f"{name}-documents", beat=folder.beat, on_error=self._warn)
        first = _series.session_line(session, time.time()) if session > 1 else b""
        self.metrics = self._channel(_series.METRICS, _series.Encoder(first))
        self.files = self._channel(_folder.FILES, _encode_lines)
        self.system = self._channel(_folder.SYSTEM, _encode_lines)
        self.out: Channel | None = None
        self.err: Channel | None = None
        self._tap: Any = None
        self._sampler: _environment_system.Sampler | None = None
        self._described = threading.Event()
        self._patience = PATIENCE_SECONDS
        self._settled = time.monotonic()
        self.totals: dict[str, Any] = {}

    def _channel(self, name: str, encode: Any) -> Channel:
        return self.streams.add(Channel(_files.Appender(self.folder.file(name)), encode))

    def start(self) -> None:
        """Start the threads and begin to listen."""
        self.streams.start()
        self.documents.start()
        if self._settings["capture"] == "sys":
            self.out = self._console_channel(_folder.STDOUT)
            self.err = self._console_channel(_folder.STDERR)
            self._tap = self._listen(_sink(self.out), _sink(self.err))
        elif self._settings["capture"] == "fd":
            self._tap = _descriptors(self.folder)
        if self._tap is not None:
            self._tap.start()
        self._sampler = _environment_system.Sampler(
            self.system.put, self._settings["sample_seconds"]
        )
        self._sampler.start()

    def _listen(self, out: Any, err: Any) -> Any:
        return _console.Tap(out, err, self._settle)

    def _console_channel(self, name: str) -> Channel:
        appender = _capped.CappedAppender(self.folder.file(name), self._settings["capture_limit"])
        return self.streams.add(Channel(appender, b"".join, _CONSOLE_QUEUE, lines=False))

    def _settle(self) -> None:
        """Wait until what the program has flushed is in the file, within a budget of time.

        It may take PATIENCE_SECONDS, and a tenth of the time that passes. So a slow storage, or
        thousands of flushed lines a second, slow the program down by a tenth at most; then a
        kill -9 may lose the last BATCH_SECONDS of what it printed.
        """
        now = time.monotonic()
        self._patience += (now - self._settled) * PATIENCE_SHARE
        self._patience = min(self._patience, PATIENCE_SECONDS)
        self._settled = now
        if self._patience > 0:
            self.streams.settle(SETTLE_SECONDS)
            self._settled = time.monotonic()
            self._patience -= self._settled - now

    def store(self, name: str, value: Any, *, wait: bool = True) -> None:
        """Put a JSON document in its place, waiting a bounded time until it is there.

        The value may be a function, which puts it there itself.
        """
        data = value if callable(value) else _json.encode(value)
        self.documents.store(self.folder.file(name), data)
        if wait:
            self.documents.settle(DOCUMENT_SECONDS)

    def store_end(self, metadata: dict[str, Any], status: str, ending: _lifecycle.Ending) -> None:
        """Hand over how it ended; metadata before STATUS."""
        self.store(_folder.METADATA, metadata, wait=False)
        self.documents.store(
            self.folder.file(_folder.STATUS), status.encode("utf-8", "backslashreplace")
        )

    def note_error_output(self, text: str) -> None:
        """Put text into the record of stderr that the terminal shows by another way."""
        data = text.encode("utf-8", "backslashreplace")
        if self.err is not None:
            self.err.put(data)
        elif self._settings["capture"] == "fd":
            with contextlib.suppress(OSError), open(self.folder.file(_folder.STDERR), "ab") as file:
                file.write(data)

    def stop_listening(self) -> None:
        """Give the streams of the program back, and stop sampling."""
        if self._sampler is not None:
            self.totals = self._sampler.stop()
        if self._tap is not None:
            self._tap.stop()

    def settle(self, deadline: float) -> None:
        """Wait until what the streams hold has been offered to the storage."""
        self.streams.settle(max(0.0, deadline - time.monotonic()), final=True)

    def close_streams(self, deadline: float) -> None:
        """End the thread that appends, or leave it behind at the deadline."""
        self.streams.close(max(0.05, deadline - time.monotonic()))

    def close(self, deadline: float) -> None:
        """End the threads, or leave them behind at the deadline."""
        self.documents.close(max(0.05, deadline - time.monotonic()))
        self.close_streams(deadline)
        if self.documents.pending():
            self._say(f"cannot write {self.folder.path}: how this ended is not recorded")
        if self._settings["capture"] == "fd" and self._settings["capture_limit"]:
            for name in (_folder.STDOUT, _folder.STDERR):
                with contextlib.suppress(OSError):
                    _capped.compact(self.folder.file(name), self._settings["capture_limit"])

    def is_feeding(self) -> bool:
        """Whether this thread, interrupted by a signal, holds up what the threads write."""
        return self.streams.is_fed_here()

    def problems(self) -> dict[str, Any]:
        """What went wrong with the record itself: what is lost, which errors, how often."""
        lost = dict(self._earlier.get("lost") or {})
        for channel in (self.metrics, self.out, self.err, self.system, self.files):
            if channel is not None and (count := channel.lost + channel.unwritten()):
                lost[channel.name] = lost.get(channel.name, 0) + count
        errors = dict(self._earlier.get("errors") or {})
        for name, (why, times) in {**self.streams.errors, **self.documents.errors}.items():
            errors[name] = f"{why} ({times}x)"
        notes = [*(self._earlier.get("notes") or ()), *getattr(self._tap, "problems", ())]
        found = {"lost": lost, "errors": errors, "notes": list(dict.fromkeys(notes))}
        return {name: value for name, value in found.items() if value}

    def check(self) -> None:
        """Raise what could not be written; for ``strict``.

        Raises:
            StorageError: the first file that failed, and why.
        """
        for errors in (self.streams.errors, self.documents.errors):
            for name, (why, _) in errors.items():
                raise StorageError(
                    f"Cannot write {self.folder.file(name)}: {why}.",
                    "Free space or mend the storage; strict=False goes on and counts what is lost.",
                    path=self.folder.file(name),
                )

    def _warn(self, name: str, error: Exception) -> None:
        """Say once on the terminal that the record suffers; called in a writer's thread."""
        reason = getattr(error, "strerror", None) or type(error).__name__
        path = self.folder.path if name == HEARTBEAT else self.folder.file(name)
        self._say(
            f"cannot write {path}: {reason}; the program goes on, "
            "what is lost is counted in metadata.json"
        )

    def _say(self, text: str) -> None:
        """Say one thing on the terminal, and no second one."""
        with contextlib.suppress(Exception):  # it is said, or the terminal is gone, too
            self._unsaid.pop()
            sys.stderr.write(f"meticulous: {text}\n")

    def record_environment(self, redactor: _redact.Redactor, number: int) -> None:
        """Write environment.json in the background: collecting it need not delay the program.

        A later session adds only what differs from the first one's.
        """
        threading.Thread(
            target=self._write_environment,
            args=(redactor, number),
            name=f"meticulous-{self.folder.id}-facts",
            daemon=True,
        ).start()

    def _write_environment(self, redactor: _redact.Redactor, number: int) -> None:
        facts = _environment.facts()
        self._store_environment(facts, redactor, number)
        try:
            self.folder.sync()
        except OSError as error:
            self._warn(_folder.METADATA, error)
        self._described.set()
        devices = _environment.devices()  # may hang, so what is known is stored before
        if devices:
            self._store_environment({**facts, "devices": devices}, redactor, number)

    def _store_environment(
        self, facts: dict[str, Any], redactor: _redact.Redactor, number: int
    ) -> None:
        facts = redactor.mapping(facts, "environment")
        if number > 1:
            facts = self._with_first(facts, number)
        self.documents.store(self.folder.file(_folder.ENVIRONMENT), _json.encode(facts), sync=False)

    def _with_first(self, facts: dict[str, Any], number: int) -> dict[str, Any]:
        try:
            first = self.folder.read_json(_folder.ENVIRONMENT)
        except StorageError:
            return facts
        if not isinstance(first, dict):
            return facts
        changed = {key: value for key, value in facts.items() if first.get(key) != value}
        later = first.get("later-sessions")
        first["later-sessions"] = {
            **(later if isinstance(later, dict) else {}),
            str(number): changed,
        }
        return first

    def finish_environment(self, deadline: float) -> None:
        """Wait for environment.json, as a short program would end before it."""
        self._described.wait(max(0.0, deadline - time.monotonic()))


def _descriptors(folder: _folder.Folder) -> Any:
    from . import _console_fd

    out, err = folder.open_append(_folder.STDOUT), folder.open_append(_folder.STDERR)
    return _console_fd.Descriptors(out, err)


def _sink(channel: Channel) -> Any:
    put = channel.put

    def sink(data: bytes) -> None:
        put(data)
        if len(data) > _LARGE:  # the queue is bounded by count; large pieces are counted in bytes
            channel.relieve()

    return sink


def _encode_lines(items: list[Any]) -> bytes:
    return b"".join(map(_json.encode_line, items))
