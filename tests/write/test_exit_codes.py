"""A program ends as it would without us, and STATUS says how: tests/programs/endings.py."""

from __future__ import annotations

import sys

import pytest
from lifecycle_tools import PROGRAMS, Project, python_of_version

UNKNOWN = "ERROR\nSystemExit (exit code not known"
TRACE = "ERROR\nTraceback (most recent call last):\n"

# What STATUS holds: all of it, or its beginning and its end.
PLAIN = {
    "end": "SUCCESS",
    "exit": "SUCCESS",
    "exit 0": "SUCCESS",
    "exit None": "SUCCESS",
    "exit False": "SUCCESS",
    "exit 3": "ERROR\nsys.exit(3)",
    "exit -1": "ERROR\nsys.exit(-1)",
    "exit 256": "ERROR\nsys.exit(256)",
    "exit huge": "ERROR\nsys.exit(<int that cannot be printed>)",
    "exit text": "ERROR\nsys.exit(no data)",
    "exit empty text": "ERROR\nsys.exit()",
    "exit tuple": "ERROR\nsys.exit((1, 2))",
    "exit exit": "ERROR\nsys.exit(3)",
    "exit unprintable": "ERROR\nsys.exit(<Unprintable that cannot be printed>)",
    "exit in another module": "ERROR\nsys.exit(3)",
    "exit bound before elsewhere 0": (UNKNOWN, ")"),
    "exit bound before elsewhere 3": (UNKNOWN, ")"),
    "exit bound before 0": "SUCCESS",
    "exit bound before 3": "ERROR\nsys.exit(3)",
    "builtin exit 0": "SUCCESS",
    "builtin exit 3": "ERROR\nsys.exit(3)",
    "builtin quit text": "ERROR\nsys.exit(stop)",
    "replaced exit": "ERROR\nsys.exit(3)",
    "raise SystemExit": (UNKNOWN, ")"),
    "raise SystemExit 0": (UNKNOWN, ")"),
    "raise SystemExit 3": (UNKNOWN, ")"),
    "raise own SystemExit": (UNKNOWN, ")"),
    "argparse error": "ERROR\nsys.exit(2)",
    "caught exit": "SUCCESS",
    "caught exit, then exit 4": "ERROR\nsys.exit(4)",
    "caught exit, then raise 4": (UNKNOWN, ")"),
    "kept exit, then raise 4": (UNKNOWN, ")"),
    "exit raised again": "ERROR\nsys.exit(3)",
    "exit through finally": "ERROR\nsys.exit(3)",
    "exit through with": "ERROR\nsys.exit(3)",
    "exit in a thread": "SUCCESS",
    "exit in a coroutine 0": "SUCCESS",
    "exit in a coroutine 3": "ERROR\nsys.exit(3)",
    "exception": (TRACE, "\nValueError: wrong\n"),
    "exception without text": (TRACE, "\nValueError\n"),
    "chained": (TRACE, "\nValueError: second\n"),
    "group": ("ERROR\n  + Exception Group Traceback", "+------------------------------------\n"),
    "unprintable": (TRACE, "\nUnprintableError: <exception str() failed>\n"),
    "recursion": (TRACE, "maximum recursion depth exceeded\n"),
    "syntax": (TRACE, "\nSyntaxError: invalid syntax\n"),
    "base exception": (TRACE, "\nBaseException: odd\n"),
    "generator exit": (TRACE, "\nGeneratorExit\n"),
    "child fails": (TRACE, "returned non-zero exit status 1.\n"),
    "warning": (TRACE, "\nUserWarning: too hot\n"),
    "own excepthook": (TRACE, "\nValueError: wrong\n"),
    "caught exception": "SUCCESS",
    "exception in a thread": "SUCCESS",
    "exception in a task": (TRACE, "\nValueError: in a task\n"),
    "exception in a forgotten task": "SUCCESS",
    "exception in a destructor": "SUCCESS",
    "failing exit handlers": (UNKNOWN, ")"),
    "Ctrl-C": (TRACE, "\nKeyboardInterrupt\n"),
    "Ctrl-C in a coroutine": (TRACE, "\nKeyboardInterrupt\n"),
    "caught Ctrl-C": "SUCCESS",
    "raise KeyboardInterrupt": (TRACE, "\nKeyboardInterrupt\n"),
    "SIGTERM": "ERROR\nSIGTERM",
    "SIGHUP": "ERROR\nSIGHUP",
    "SIGUSR1": "ERROR\nSIGUSR1",
    "SIGUSR2": "ERROR\nSIGUSR2",
    "SIGQUIT": "ERROR\nSIGQUIT",
    "SIGXCPU": "ERROR\nSIGXCPU",
    "SIGALRM": "RUNNING",
    "SIGKILL": "RUNNING",
    "_exit 0": "RUNNING",
    "_exit 3": "RUNNING",
    "abort": "RUNNING",
    "fault": "RUNNING",
    "exec": "RUNNING",
}
# A block sees every exception itself.
WITH = {
    "exit bound before elsewhere 0": "SUCCESS",
    "exit bound before elsewhere 3": "ERROR\nsys.exit(3)",
    "raise SystemExit": "SUCCESS",
    "raise SystemExit 0": "SUCCESS",
    "raise SystemExit 3": "ERROR\nsys.exit(3)",
    "raise own SystemExit": "ERROR\nsys.exit(3)",
    "caught exit, then raise 4": "ERROR\nsys.exit(4)",
    "kept exit, then raise 4": "ERROR\nsys.exit(4)",
    "failing exit handlers": "ERROR\nsys.exit(4)",
    **{
        case: PLAIN[case]
        for case in (
            *("end", "exit 3", "exit text", "exit unprintable", "caught exit"),
            *("exception", "group", "unprintable", "caught exception", "exception in a thread"),
            *("Ctrl-C", "caught Ctrl-C", "SIGTERM", "SIGKILL"),
        )
    },
}
CONTINUED = ("exception", "chained", "group", "unprintable", "recursion", "syntax", "warning")
CONTINUE = {
    case: WITH.get(case, PLAIN[case])
    for case in (
        *CONTINUED,
        *("end", "exit 0", "exit 3", "raise SystemExit 3", "base exception", "generator exit"),
        *("Ctrl-C", "SIGTERM"),
    )
}
FORMS = {"plain": PLAIN, "with": WITH, "continue": CONTINUE}
ALL = [(form, case) for form, cases in FORMS.items() for case in cases]
SHOWN = {"SUCCESS": "SUCCESS", "RUNNING": "LOST"}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return Project(tmp_path_factory.mktemp("endings"), "endings.py", "other_module.py")


def check(project: Project, python: str, form: str, case: str) -> None:
    command = (python, "endings.py", form, case)
    recorded, bare = project.with_and_without(*command)
    assert recorded.code == bare.code
    if case != "failing exit handlers":  # the printed traceback of a SystemExit shows sys.exit
        assert recorded.err.decode() == bare.err.decode()
    assert recorded.out == bare.out
    name = f"{form} {case}".replace(",", "")
    status = project.text(name)
    expected = FORMS[form][case]
    if isinstance(expected, str):
        assert status == expected
    else:
        assert status.startswith(expected[0])
        assert status.endswith(expected[1])
    if recorded.code and form != "continue":
        assert status != "SUCCESS"
    assert project.reader(name).status == shown(status)


def shown(status: str) -> str:
    """What a reader makes of it."""
    if status.endswith("\nKeyboardInterrupt\n"):
        return "INTERRUPTED"
    if status.startswith("ERROR\nSIG"):
        return "TERMINATED"
    return SHOWN.get(status, "ERROR")


@pytest.mark.parametrize(("form", "case"), ALL, ids=[f"{form}: {case}" for form, case in ALL])
def test_a_program_ends_as_without_us_and_status_tells_how(project, form, case):
    check(project, sys.executable, form, case)
    if form == "continue" and case in CONTINUED:
        outcome = project.popen(sys.executable, "endings.py", form, case, record=False)
        assert outcome.communicate()[0] == b"the last line\n"
        assert outcome.returncode == 0


def test_the_cases_are_those_of_the_program():
    text = (PROGRAMS / "endings.py").read_text()
    for _, case in ALL:
        assert f'    "{case}": ' in text


IN_A_SHELL = {
    "end": 0,
    "exit 3": 3,
    "exit text": 1,
    "exit 256": 0,
    "exit -1": 255,
    "exit huge": 255,
    "exception": 1,
    "argparse error": 2,
    "Ctrl-C": 130,
    "SIGTERM": 143,
    "SIGHUP": 129,
    "SIGUSR1": 138,
    "abort": 134,
    "SIGKILL": 137,
    "exec": 5,
}


@pytest.mark.parametrize("form", ["plain", "with"])
def test_the_shell_sees_the_same_exit_status(form, tmp_path):
    project = Project(tmp_path / "endings", "endings.py", "other_module.py")
    script = '"$0" endings.py "$1" "$2"; echo "status $?"'
    running = {
        case: project.popen("sh", "-c", script, sys.executable, form, case) for case in IN_A_SHELL
    }
    for case, process in running.items():
        out, err = process.communicate(timeout=240)
        assert out.splitlines()[-1] == b"status %d" % IN_A_SHELL[case], (case, err)


OTHERS = [
    ("plain", case)
    for case in (
        *("end", "exit 0", "exit 3", "exit exit", "exit bound before 3", "builtin exit 3"),
        *("raise SystemExit 3", "caught exit, then raise 4", "kept exit, then raise 4"),
        *("exit raised again", "exit through finally", "exit in a coroutine 0"),
        *("exit in a coroutine 3", "exception", "group", "unprintable", "Ctrl-C", "caught Ctrl-C"),
        *("exception in a thread", "exception in a task", "SIGTERM", "SIGUSR1", "SIGKILL", "exec"),
    )
] + [("with", "raise SystemExit 3"), ("with", "exception"), ("continue", "exception")]


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_other_versions_of_python_end_as_without_us(version, tmp_path):
    """For each that is found: as ``python3.12`` and so on, or named in METICULOUS_TEST_PYTHONS."""
    if version == ".".join(map(str, sys.version_info[:2])):
        pytest.skip("the tests run on this one")
    python = python_of_version(version)
    if python is None:
        pytest.skip(f"no Python {version} here; METICULOUS_TEST_PYTHONS can name one")
    project = Project(tmp_path / "endings", "endings.py", "other_module.py")
    for form, case in OTHERS:
        check(project, python, form, case)
