"""End in one of many ways: ``python endings.py FORM CASE``, see test_exit_codes.py.

The experiment is the whole program (plain), or a block (with, continue).
"""

import asyncio
import builtins
import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import warnings
from sys import exit as bound_before

import other_module

from meticulous import Experiment

form, case = sys.argv[1:3]
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no core files


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError("no text for you")

    __repr__ = __str__


class Unprintable:
    def __str__(self):
        raise RuntimeError("no text for you")


class OwnExit(SystemExit):
    pass


def kill(number):
    os.kill(os.getpid(), number)
    signal.pause()


def chained():
    try:
        raise KeyError("first")
    except KeyError as error:
        raise ValueError("second") from error


def group():
    raise ExceptionGroup("both", [ValueError("one"), TypeError("two")])


def raised(error):
    raise error


def deep():
    deep()


def argparse_error():
    import argparse

    parser = argparse.ArgumentParser(prog="endings")
    parser.add_argument("--lr", type=float)
    parser.parse_args(["--lr", "high"])


def caught(exception, action):
    with contextlib.suppress(exception):
        action()


def caught_then_exit():
    caught(SystemExit, lambda: sys.exit(0))
    sys.exit(4)


def caught_then_raise():
    caught(SystemExit, lambda: sys.exit(0))
    raise SystemExit(4)


def kept_then_raise():
    """The caught one lives on, in a circle."""

    def inner():
        try:
            sys.exit(0)
        except SystemExit as error:
            return error

    kept = inner()
    kept.circle = [kept]
    raise SystemExit(4)


def raised_again():
    """The exit itself lives on, in a circle with the frame."""
    try:
        sys.exit(3)
    except SystemExit as error:
        kept = error
        assert kept
        raise


def through_finally():
    try:
        sys.exit(3)
    finally:
        print("finally")


def through_with():
    with contextlib.ExitStack() as stack:
        stack.callback(print, "closing")
        stack.enter_context(open(os.devnull))
        sys.exit(3)


def in_thread(action):
    thread = threading.Thread(target=action, name="worker")
    thread.start()
    thread.join()


async def exit_in_coroutine(code):
    await asyncio.sleep(0)
    sys.exit(code)


async def failing():
    await asyncio.sleep(0)
    raise ValueError("in a task")


async def wait_for_failing():
    await asyncio.create_task(failing())


async def forget_failing():
    task = asyncio.create_task(failing(), name="forgotten")
    while not task.done():
        await asyncio.sleep(0)
    del task


def replaced_exit(code):
    """As mocks and some launchers do, after the start."""
    original = sys.exit
    sys.exit = lambda status=0: original(status + 1)
    sys.exit(code)


def own_hook():
    sys.excepthook = lambda kind, error, trace: print("mine:", error, file=sys.stderr)
    raise ValueError("wrong")


def fault():
    import ctypes

    ctypes.string_at(0)


def exec_other():
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-S", "-c", "raise SystemExit(5)"])


def unraisable():
    class Bad:
        def __del__(self):
            raise ValueError("in a destructor")

    Bad()


def failing_at_exit():
    import atexit

    atexit.register(sys.exit, 0)
    atexit.register(lambda: 1 / 0)
    raise SystemExit(4)


def warned():
    warnings.simplefilter("error")
    warnings.warn("too hot", stacklevel=1)


CASES = {
    "end": lambda: None,
    "exit": lambda: sys.exit(),
    "exit 0": lambda: sys.exit(0),
    "exit None": lambda: sys.exit(None),
    "exit False": lambda: sys.exit(False),
    "exit 3": lambda: sys.exit(3),
    "exit -1": lambda: sys.exit(-1),
    "exit 256": lambda: sys.exit(256),
    "exit huge": lambda: sys.exit(10**5000),
    "exit text": lambda: sys.exit("no data"),
    "exit empty text": lambda: sys.exit(""),
    "exit tuple": lambda: sys.exit((1, 2)),
    "exit exit": lambda: sys.exit(SystemExit(3)),
    "exit unprintable": lambda: sys.exit(Unprintable()),
    "exit in another module": lambda: other_module.leave(3),
    "exit bound before elsewhere 0": lambda: other_module.leave_as_bound(0),
    "exit bound before elsewhere 3": lambda: other_module.leave_as_bound(3),
    "exit bound before 0": lambda: bound_before(0),
    "exit bound before 3": lambda: bound_before(3),
    "builtin exit 0": lambda: builtins.exit(0),
    "builtin exit 3": lambda: exit(3),
    "builtin quit text": lambda: quit("stop"),
    "replaced exit": lambda: replaced_exit(2),
    "raise SystemExit": lambda: raised(SystemExit()),
    "raise SystemExit 0": lambda: raised(SystemExit(0)),
    "raise SystemExit 3": lambda: raised(SystemExit(3)),
    "raise own SystemExit": lambda: raised(OwnExit(3)),
    "argparse error": argparse_error,
    "caught exit": lambda: caught(SystemExit, lambda: sys.exit(3)),
    "caught exit, then exit 4": caught_then_exit,
    "caught exit, then raise 4": caught_then_raise,
    "kept exit, then raise 4": kept_then_raise,
    "exit raised again": raised_again,
    "exit through finally": through_finally,
    "exit through with": through_with,
    "exit in a thread": lambda: in_thread(lambda: sys.exit(3)),
    "exit in a coroutine 0": lambda: asyncio.run(exit_in_coroutine(0)),
    "exit in a coroutine 3": lambda: asyncio.run(exit_in_coroutine(3)),
    "exception": lambda: raised(ValueError("wrong")),
    "exception without text": lambda: raised(ValueError()),
    "chained": chained,
    "group": group,
    "unprintable": lambda: raised(UnprintableError()),
    "recursion": deep,
    "syntax": lambda: compile("a b", "made up", "exec"),
    "base exception": lambda: raised(BaseException("odd")),
    "generator exit": lambda: raised(GeneratorExit()),
    "child fails": lambda: subprocess.run(["false"], check=True),
    "warning": warned,
    "own excepthook": own_hook,
    "caught exception": lambda: caught(ValueError, lambda: raised(ValueError("wrong"))),
    "exception in a thread": lambda: in_thread(lambda: raised(ValueError("in a thread"))),
    "exception in a task": lambda: asyncio.run(wait_for_failing()),
    "exception in a forgotten task": lambda: asyncio.run(forget_failing()),
    "exception in a destructor": unraisable,
    "failing exit handlers": failing_at_exit,
    "Ctrl-C": lambda: kill(signal.SIGINT),
    "Ctrl-C in a coroutine": lambda: asyncio.run(interrupted()),
    "caught Ctrl-C": lambda: caught(KeyboardInterrupt, lambda: kill(signal.SIGINT)),
    "raise KeyboardInterrupt": lambda: raised(KeyboardInterrupt()),
    "SIGTERM": lambda: kill(signal.SIGTERM),
    "SIGHUP": lambda: kill(signal.SIGHUP),
    "SIGUSR1": lambda: kill(signal.SIGUSR1),
    "SIGUSR2": lambda: kill(signal.SIGUSR2),
    "SIGQUIT": lambda: kill(signal.SIGQUIT),
    "SIGXCPU": lambda: kill(signal.SIGXCPU),
    "SIGALRM": lambda: kill(signal.SIGALRM),
    "SIGKILL": lambda: kill(signal.SIGKILL),
    "_exit 0": lambda: os._exit(0),
    "_exit 3": lambda: os._exit(3),
    "abort": os.abort,
    "fault": fault,
    "exec": exec_other,
}


async def interrupted():
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(60)


def options(**more):
    return {"experiment_id": f"{form} {case}".replace(",", ""), **more}


if form == "plain":
    Experiment({"case": case}, **options())
    CASES[case]()
else:
    with Experiment({"case": case}, **options(continue_on_error=form == "continue")) as experiment:
        CASES[case]()
print("the last line")
