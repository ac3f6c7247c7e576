"""Record a program of any kind from outside: ``meticulous run``.

The program is started with its output led past us, and waited for. What only a kernel or a
scheduler can know of its end is recorded beside how it ended, as facts.
"""

from __future__ import annotations

import functools
import os
import sys
import time
from typing import Any

from . import (
    _arguments_words,
    _console_relay,
    _environment_limits,
    _environment_scheduler,
    _experiment_attach,
    _experiment_code,
    _experiment_end,
    _experiment_files,
    _experiment_recording,
    _experiment_start,
    _folder,
    _lifecycle,
    _lifecycle_program,
)
from ._experiment_options import Request
from ._lifecycle_program import NOT_EXECUTABLE, die_like, find, replace, started, unwinding

__all__ = ["NOT_EXECUTABLE", "die_like", "find", "record", "replace", "started", "unwinding"]

_OF_PYTHON = ("python", "frameworks", "packages", "conda-packages")
_SECONDS = 0.5
_PATIENCE = 1.0  # for a storage that takes nothing


def record(
    path: str,
    request: Request,
    settings: dict[str, Any],
    project: str,
    root: str,
    more: dict[str, str],
) -> tuple[int, Outside]:
    """Start a program and record it to its end.

    Everything that stands in the way of recording is an error before the program starts; after
    that nothing keeps it from running.

    Args:
        path: the program.
        request: what was asked for; its `command` is the program's, its args are told from that.
        settings: as `_settings.resolve` gives them.
        project: the project directory.
        root: the experiments folder.
        more: environment variables that the program gets, too.

    Returns:
        How it ended, as `os.waitstatus_to_exitcode`, and what is left to do then.

    Raises:
        MeticulousError: as `Experiment`.
        OSError: the program cannot be run; the experiment says so.
    """
    command = request.command
    assert command is not None
    _console_relay.hold_standard()
    witness = _lifecycle_program.Witness()
    try:
        sources = _arguments_words.scripts_of(command)
        asked = _experiment_code.Asked(project, root, settings, sources)
        started = time.monotonic()
        request = request._replace(args=_arguments_words.args_of(command), default_args=None)
        start = _experiment_start.begin(request, settings, project, root, asked)
        outside = Outside(request, start, settings, project, started)
        return outside.run(path, command, witness, more), outside
    finally:
        witness.end()


class _Recording(_experiment_recording.Recording):
    """A `Recording` of what passes through a relay, and of another program's surroundings."""

    is_program = False
    relay: _console_relay.Relay | None = None
    program = ""
    more: dict[str, str] = {}  # noqa: RUF012
    _told: dict[str, Any] = {}  # noqa: RUF012  (replaced, never changed)
    _found: tuple[Any, ...] = ()

    def _listen(self, out: Any, err: Any) -> Any:
        self.relay = _console_relay.Relay(out, err)
        return self.relay

    def _store_environment(self, facts: dict[str, Any], *more: Any) -> None:
        self._found = (facts, *more)
        told = {
            name: it for name, it in self.more.items() if name in _environment_scheduler.VARIABLES
        }
        variables = {**facts.get("variables", {}), **told}
        facts = {**facts, "program": self.program, "variables": variables}
        if not self._told and os.path.dirname(self.program) != os.path.dirname(sys.executable):
            # Our own Python need not be that of the program, if it is one of Python at all.
            ours = {name: facts.pop(name) for name in _OF_PYTHON if name in facts}
            facts["recorder"] = ours
        super()._store_environment({**facts, **self._told}, *more)

    def drain(self) -> None:
        """Write what still waits for as long as the storage takes it: no program waits for us."""
        channels = [channel for channel in (self.out, self.err) if channel is not None]
        left = sum(channel.unwritten() for channel in channels)
        while left:
            self.streams.settle(_PATIENCE)
            before, left = left, sum(channel.unwritten() for channel in channels)
            if left >= before:  # it hangs, or fails: what is lost is counted
                return

    def add_told(self, environment: dict[str, Any], problems: dict[str, Any]) -> None:
        """Add what the attached program knows of itself."""
        lost = dict(self._earlier.get("lost") or {})
        for name, count in problems.get("lost", {}).items():
            lost[name] = lost.get(name, 0) + count
        errors = {**(self._earlier.get("errors") or {}), **problems.get("errors", {})}
        notes = [*(self._earlier.get("notes") or ()), *problems.get("notes", ())]
        self._earlier = {"lost": lost, "errors": errors, "notes": notes}
        self._told = environment
        self.finish_environment(time.monotonic() + _SECONDS)
        if environment and self._found:
            self._store_environment(*self._found)


class Outside:
    """An experiment that is open, and its program."""

    def __init__(
        self,
        request: Request,
        start: _experiment_start.Start,
        settings: dict[str, Any],
        project: str,
        started: float,
    ) -> None:
        self._folder = start.folder
        self._metadata = start.metadata
        self._redactor = start.redactor
        self._started = started
        self._recording = _Recording(
            start.folder, settings, start.number, start.metadata.get("problems")
        )
        # Until it is sure that no attached program writes the same file they are only kept.
        self._inputs: list[dict[str, Any]] = []
        self._files = start.files(project, settings, self._inputs.append)
        self._number = start.number
        if not start.is_new:
            said = request.annotations().items()
            changes = [_experiment_files.change(what.removesuffix("s"), it) for what, it in said]
            put = functools.partial(_experiment_files.annotate, start.folder, changes)
            self._recording.store(_folder.ANNOTATIONS, put, wait=False)

    def run(
        self,
        path: str,
        command: tuple[str, ...],
        witness: _lifecycle_program.Witness,
        more: dict[str, str],
    ) -> int:
        recording = self._recording
        limits = _environment_limits.Limits()
        program = _lifecycle_program.Program(witness, self._resize)
        ending = _lifecycle.SUCCESS
        try:
            _experiment_attach.invite(self._folder)
            recording.program, recording.more = path, more
            recording.start()
            recording.record_environment(self._redactor, self._number)
            name = f"{os.getpid()}:{self._folder.path}"
            environment = _experiment_attach.environment_for(self._folder, name, more)
            outputs = recording.relay.outputs if recording.relay else {}
            program.start(path, command, environment, outputs)
        except BaseException as error:
            self._finish(_lifecycle.ending_of(error)._replace(reason=f"not started: {error}"))
            raise
        try:
            self._follow(program)
            ending = program.ending()
            facts = {**ending.facts, **limits.facts(failed=ending.kind != "success")}
            self._finish(ending._replace(facts=facts))
        finally:
            program.close()
        assert program.code is not None
        return program.code

    def _resize(self) -> None:
        if self._recording.relay:
            self._recording.relay.resize()

    def _follow(self, program: _lifecycle_program.Program) -> None:
        relay = self._recording.relay
        if relay:
            relay.started()
            relay.resize()  # what changed before we listened
        wait = 0.0
        while program.code is None:
            if relay:
                relay.step(program.descriptors, wait)
            else:
                program.rest(wait)
            wait = program.attend()

    def leave(self) -> None:
        """Carry on what outlives the program; see `Relay.leave`."""
        if self._recording.relay:
            self._recording.relay.leave()

    def _finish(self, ending: _lifecycle.Ending) -> None:
        recording, metadata = self._recording, self._metadata
        if recording.relay:
            recording.relay.stop()  # first, since the attached program's end is older than this
            recording.drain()
        told = _experiment_attach.take(self._folder)
        try:
            ending = self._merge(told, ending) if told else ending
        except Exception:  # another process wrote that: whatever it is, the end must be written
            self._recording.add_told({}, {"notes": ["what the attached program told is broken"]})
        ending = _experiment_end.redacted(ending, self._redactor, metadata)
        if told.get("redacted"):
            metadata["redacted"] = sorted({*metadata.get("redacted", ()), *told["redacted"]})
        self._files.finish(time.monotonic() + _SECONDS)
        for line in self._inputs if not told else ():
            recording.files.put(line)
        _experiment_end.finish(recording, self._files, metadata, ending, self._started)

    def _merge(self, told: dict[str, Any], ending: _lifecycle.Ending) -> _lifecycle.Ending:
        """Take what the attached program has told into metadata, environment and ending."""
        metadata = self._metadata
        session = metadata["sessions"][-1]
        names = ("pid", "argv", "ignored")
        session["attached"] = {name: told[name] for name in names if name in told}
        if told.get("description") and not metadata["description"]:
            metadata["description"] = told["description"]
        if told.get("sha") == metadata["githead-sha"]:
            metadata["git"] = {**metadata["git"], **told.get("git", {})}
        else:  # another repository, or another commit by now
            session["attached"].update(sha=told.get("sha"), git=told.get("git"))
        self._recording.add_told(told.get("environment") or {}, told.get("problems") or {})
        return _of_both(ending, told.get("ending"))


def _of_both(outside: _lifecycle.Ending, told: Any) -> _lifecycle.Ending:
    """How it ended: the exit status as the kernel told it, the reason as the program did.

    What the program counts as a failure stays one, though it may have exited with 0; what it
    counts as a success is none when it then exits with something else.
    """
    if not (isinstance(told, list) and len(told) == 3 and isinstance(told[2], dict)):
        return outside
    kind, reason, facts = str(told[0]), str(told[1]), told[2]
    if kind in ("error", "interrupted") or (kind == "finished" and outside.kind == "success"):
        return _lifecycle.Ending(kind, reason, {**facts, **outside.facts})
    return outside
