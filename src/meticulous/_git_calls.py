"""Ask the git program: several questions at once, bounded in time, leaving nothing behind.

Every call runs without a terminal, a prompt, the network, the user's hooks or file monitor, and
takes no optional lock, so that it can neither wait for anybody nor disturb a command of the
user's that runs at the same time.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import GitError

if TYPE_CHECKING:
    import subprocess
    import threading

# Settings of git that only say where its own configuration and programs are. Every other GIT_
# variable is dropped: GIT_DIR and its like (`git rev-parse --local-env-vars`) would make git look
# at another repository than the project's, GIT_TRACE would fill our pipes.
_KEPT = (
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_KEY_",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_VALUE_",
    "GIT_EXEC_PATH",
)
_SET = {
    "GCM_INTERACTIVE": "never",
    "GIT_ALLOW_PROTOCOL": "none",  # a partial clone must not reach for its remote
    "GIT_ASKPASS": "true",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "SSH_ASKPASS": "true",
}
# An empty core.fsmonitor means "none" to every version; "false" is a program's name to old ones.
_CONFIG = (
    "core.fsmonitor=",
    f"core.hooksPath={os.devnull}",
    "core.logAllRefUpdates=false",
    "core.filesRefLockTimeout=1000",
    "core.splitIndex=false",  # else a copy of the index would leave a shared part in .git
    "i18n.commitEncoding=UTF-8",
)
_PROGRAM = (
    "git",
    "--no-pager",
    "--no-replace-objects",  # a clone lacks them: the commit's own tree is what counts
    *(part for setting in _CONFIG for part in ("-c", setting)),
)
PACKAGES = ("site-packages", "dist-packages")
_HINTS = {
    "no-git": "Install git or put it on PATH",
    "no-repository": "Run 'git init' there and commit the code",
    "no-commit": "Commit the code, take a snapshot (dirty='snapshot', --dirty snapshot)",
    "unsafe": "Trust it with 'git config --global --add safe.directory DIRECTORY'",
    "timeout": "See what 'git status' does there",
    "failed": "See what 'git status' and 'git fsck' say there",
}
SUBMODULE = "160000"


class Question(NamedTuple):
    """What git is asked, the folder it is asked in, and what it reads from standard input."""

    folder: str
    arguments: tuple[str, ...]
    data: bytes = b""
    variables: Mapping[str, str] = {}


class Answer(NamedTuple):
    """How git ended (None: it was given up) and what it wrote."""

    question: Question
    code: int | None
    out: bytes
    error: str

    def must(self) -> bytes:
        """The output of a call that succeeded.

        Raises:
            GitError: it did not.
        """
        # A program that ignores SIGCHLD sees every child end with 0: what git says decides, too.
        if self.code != 0 or re.search("^fatal:", self.error, re.MULTILINE):
            raise self.failure()
        return self.out

    def failure(self) -> GitError:
        """What a failed call means for the user, in one line."""
        folder = shown(self.question.folder)
        if self.code is None:
            doing = f"'git {self.question.arguments[0]}'"
            return trouble("timeout", f"{doing} in {folder} did not answer in time.")
        if "dubious ownership" in self.error or "unsafe repository" in self.error:
            text = f"Git does not trust the repository {folder}: it belongs to another user."
            return trouble("unsafe", text)
        if "does not have any commits yet" in self.error:
            return trouble("no-commit", f"The repository {folder} has no commit yet.")
        lines = [line for line in self.error.splitlines() if line.strip()]
        telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
        telling.sort(key=lambda line: not line.startswith("fatal:"))
        reason = telling[0].strip() if telling else f"exit code {self.code}"
        return trouble("failed", f"Git failed in {folder}: {shown(clean_url(reason))}.")


def trouble(reason: str, message: str) -> GitError:
    """An error whose hint names the ways on."""
    without = "record without the code's state (dirty='allow', --dirty allow)"
    hint = f"{_HINTS[reason]}, or {without}."
    return GitError(message, hint, reason=reason)


def shown(text: str) -> str:
    """Text for a message: control characters and bytes that are no text as escapes."""
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("GIT_") or name.upper().startswith(_KEPT)
    }
    return {**kept, **_SET, **variables}


def ask(questions: Sequence[Question], until: float) -> list[Answer]:
    """Ask git several questions at the same time.

    Args:
        questions: what to ask.
        until: the moment (`time.monotonic`) at which calls that still run are ended, with all
            that they started.

    Returns:
        One answer for each, in order; its code is None when the call was given up.

    Raises:
        GitError: git could not be started.
    """
    if not questions:
        return []
    import threading

    starter = _Starter(questions, [], [], threading.Event(), threading.Event())
    answers: list[Answer] = []
    try:
        threading.Thread(target=starter.run, daemon=True).start()
        for process, question in zip(starter.wait(until), questions, strict=True):
            answers.append(_collect(process, question, until))
        return answers
    except RuntimeError as error:
        raise trouble("failed", f"Git cannot be started: {error}.") from error
    finally:
        # On any way out: what did not end by itself does not stay.
        if not starter.done.wait(1):
            starter.given_up.set()
        done = {index for index, answer in enumerate(answers) if answer.code is not None}
        _end([process for index, process in enumerate(starter.running) if index not in done])


class _Starter(NamedTuple):
    """Start calls in a thread: a Ctrl-C amid a start would lose the process that is started."""

    questions: Sequence[Question]
    running: list[subprocess.Popen[bytes]]
    failures: list[GitError]
    done: threading.Event
    given_up: threading.Event

    def run(self) -> None:
        try:
            for question in self.questions:
                self.running.append(_start(question))
        except GitError as error:
            self.failures.append(error)
        finally:
            self.done.set()
            if self.given_up.is_set():
                _end(self.running)

    def wait(self, until: float) -> list[subprocess.Popen[bytes]]:
        """Wait for the calls to be started; it may take long when git's own file is far away."""
        if not self.done.wait(max(0.1, until - time.monotonic())):
            raise trouble("timeout", "The git program could not be started in time.")
        if self.failures:
            raise self.failures[0]
        return self.running


def _start(question: Question) -> subprocess.Popen[bytes]:
    import subprocess

    options: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        options = {"creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0)}
    try:
        return subprocess.Popen(
            [*_PROGRAM, *question.arguments],
            cwd=question.folder,
            env=_environment(question.variables),
            stdin=subprocess.PIPE if question.data else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )
    except OSError as error:
        absent = isinstance(error, (FileNotFoundError, PermissionError, NotADirectoryError))
        if absent and os.access(question.folder, os.X_OK):
            raise trouble("no-git", "The git program was not found.") from error
        text = f"Git cannot be started in {shown(question.folder)}: {error.strerror}."
        raise trouble("failed", text) from error


def _collect(process: subprocess.Popen[bytes], question: Question, until: float) -> Answer:
    import subprocess

    # A call that ended in time is read even when another one used up the time.
    patience = max(0.1, until - time.monotonic())
    try:
        out, error = process.communicate(question.data or None, timeout=patience)
    except subprocess.TimeoutExpired:
        return Answer(question, None, b"", "")
    return Answer(question, process.returncode, out, error.decode("utf-8", "replace"))


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """End calls with all that they started: first so that git removes its temporary files."""
    import signal
    import subprocess

    if not processes:
        return
    for process in processes:
        _signal(process, signal.SIGTERM)
    time.sleep(0.1)
    for process in processes:
        _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        # A process that hangs in the kernel (a dead network file system) cannot be waited for.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(OSError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, number)


def git_folders(root: str) -> tuple[str, str]:
    """The folder that holds a work tree's HEAD and index, and the one that holds its refs.

    They differ in a linked work tree. Read from disk, since a call would cost as much as
    everything else that is asked at start.
    """
    folder = os.path.join(root, ".git")
    if text := first_line(folder):
        folder = os.path.join(root, text.removeprefix("gitdir:").strip())
    common = os.path.join(folder, first_line(os.path.join(folder, "commondir")) or "")
    return os.path.normpath(folder), os.path.normpath(common)


def first_line(path: str) -> str:
    """The first line of a small file; empty when there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.readline(1 << 16).strip()
    except OSError:
        return ""


def below(path: str, folder: str) -> str | None:
    """The path relative to a folder that holds it, as git writes it; None when it does not."""
    if path == folder:
        return ""
    start = folder if folder.endswith(os.sep) else folder + os.sep
    return path[len(start) :].replace(os.sep, "/") if path.startswith(start) else None


def environment_of(top: str, folder: str, known: dict[str, str | None]) -> str | None:
    """The virtual environment or folder of packages that holds a folder of a work tree.

    Args:
        top: the top of the work tree.
        folder: relative to it, as git writes it.
        known: what earlier calls found; it belongs to one work tree.
    """
    if not folder:
        return None
    if folder not in known:
        parent, _, name = folder.rpartition("/")
        known[folder] = environment_of(top, parent, known)
        if known[folder] is None and (
            name in PACKAGES or os.path.exists(os.path.join(top, folder, "pyvenv.cfg"))
        ):
            known[folder] = folder
    return known[folder]


_AUTHORITY = re.compile(r"([A-Za-z][\w+.-]*://)([^/?#\s]*)@")
# A password with a slash in it is no legal URL, yet it must not be shown.
_BROKEN = re.compile(r"(://)[^/?#\s@]*:(?:[^/?#\s@]*[^/?#\s@\d][^/?#\s@]*/|[^/?#\s@]*[?#])\S*@")
_QUERY = re.compile(r"([A-Za-z][\w+.-]*://[^?#\s]*)[?#]\S*")
_SCP = re.compile(r"^[^/\s:]*(?::[^/\s]*)?@(?=[^/\s]+:)")


def clean_url(text: str) -> str:
    """Remove user names, passwords, queries and fragments from the URLs in a text.

    The account ``git`` of ``ssh://git@host/`` and ``git@host:path`` stays: it is no secret, and
    without it the address does not work.
    """
    text = _AUTHORITY.sub(lambda found: found[1] + ("git@" if found[2] == "git" else ""), text)
    text = _QUERY.sub(r"\1", _BROKEN.sub(r"\1", text))
    if "://" not in text and not text.startswith("git@"):
        text = _SCP.sub("", text)
    return text
