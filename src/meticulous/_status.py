"""What became of an experiment, derived from facts whenever it is read.

On disk stand the three words of 2020 (or the text that ``finish`` was given) and each session's
ending. Whether an experiment that says it is running still does is nowhere written down: that is
found out by looking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ._process import SILENT_AFTER, owner_state
from ._table import clean, duration_text

__all__ = [
    "ERROR",
    "INTERRUPTED",
    "LOST",
    "RUNNING",
    "SILENT",
    "SUCCESS",
    "TERMINATED",
    "UNKNOWN",
    "derive",
]

SUCCESS = "SUCCESS"
ERROR = "ERROR"
RUNNING = "RUNNING"
INTERRUPTED = "INTERRUPTED"
TERMINATED = "TERMINATED"
LOST = "LOST"
SILENT = "SILENT"
UNKNOWN = "UNKNOWN"

_BY_ENDING = {
    "success": SUCCESS,
    "error": ERROR,
    "interrupted": INTERRUPTED,
    "terminated": TERMINATED,
    "unknown": ERROR,  # left by a SystemExit whose code could not be known
}
_SIGNAL = re.compile(r"SIG[A-Z0-9+-]+")
_FRAME_OF_A_GROUP = re.compile(r"[\s|+-]*")
_MARGIN_OF_A_GROUP = re.compile(r"[\s|]+")


def derive(
    text: str, session: Mapping[str, Any], silent_for: Callable[[], float]
) -> tuple[str, str]:
    """Tell an experiment's status and, in one line, the reason.

    A word of an ending on disk always wins. Only for RUNNING it is asked whether the owner lives:
    provably dead is LOST; not to be found out and without a heartbeat is SILENT.

    Args:
        text: what the status file holds; empty when it cannot be read.
        session: the last session, empty for records that know none.
        silent_for: gives the seconds since the last heartbeat.

    Returns:
        The word and the message, both without control characters; the message may be empty.
    """
    lines = [clean(line) for line in text.rstrip().splitlines()]
    word, reason = lines[0].strip() if lines else "", _last_line(lines[1:])
    if not word:
        return UNKNOWN, reason
    ending = session.get("ending")
    ending = ending if isinstance(ending, Mapping) else {}
    if word.startswith("Traceback"):  # the version of 2020-11 wrote nothing before it
        word, reason = ERROR, _last_line(lines)
    if word == RUNNING:
        # Killed between writing why it ended and the word for it?
        ended = _BY_ENDING.get(str(ending.get("kind"))) or clean(str(ending.get("status") or ""))
        return (ended, _fact(ending)) if ended else _running(session, silent_for())
    if word == ERROR:
        # The last line of a framed traceback tells of one exception of a group.
        framed = lines[-1].lstrip().startswith("+-")
        return _error((framed and _fact(ending)) or reason, ending)
    return word, reason


def _last_line(lines: list[str]) -> str:
    """The last line that says something, without the frame around exception groups."""
    for line in reversed(lines):
        if not _FRAME_OF_A_GROUP.fullmatch(line):
            margin = _MARGIN_OF_A_GROUP.match(line)
            return line[margin.end() :].rstrip() if margin else line.rstrip()
    return ""


def _error(reason: str, ending: Mapping[str, Any]) -> tuple[str, str]:
    word = _BY_ENDING.get(str(ending.get("kind")), "")
    if word not in (ERROR, INTERRUPTED, TERMINATED):  # the reason on disk says it as well
        word = ERROR
        if reason == "KeyboardInterrupt":
            word = INTERRUPTED
        elif _SIGNAL.fullmatch(reason):
            word = TERMINATED
    fact = _fact(ending)
    if word == TERMINATED and fact and fact not in reason:
        return word, fact
    return word, reason or fact


def _fact(ending: Mapping[str, Any]) -> str:
    """What an ending says about itself: a signal's name, an exit code, or an exception."""
    signal, code, exception = (ending.get(name) for name in ("signal", "exit-code", "exception"))
    if isinstance(signal, int):
        return _signal_name(signal)
    if isinstance(signal, str) and signal:
        return clean(signal)
    if code not in (None, 0):
        return f"exit code {clean(str(code))}"
    return (
        _last_line([clean(line) for line in exception.splitlines()])
        if isinstance(exception, str)
        else ""
    )


def _signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _running(session: Mapping[str, Any], silent_for: float) -> tuple[str, str]:
    state = owner_state(session, silent_for)
    host = session.get("host")
    host = clean(host) if isinstance(host, str) else ""
    if state == "dead":
        return LOST, f"process {session.get('pid')} on {host} is gone"
    if state == "unknown" and silent_for > SILENT_AFTER:
        place = f" from {host}" if host else ""
        since = duration_text(silent_for)
        return SILENT, f"no sign of life{place} for {since}" if since else f"no sign of life{place}"
    return RUNNING, ""
