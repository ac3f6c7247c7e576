"""What a program may do around an experiment: ``python hooks.py CASE``, see test_status.py."""

import atexit
import builtins
import contextlib
import os
import signal
import sys
import threading
from sys import exit as bound_before

from meticulous import Experiment

case = sys.argv[1]


def start(name=case, **options):
    return Experiment({"case": case}, experiment_id=name, **options)


def excepthook_before():
    sys.excepthook = lambda kind, error, trace: print("mine:", error, file=sys.stderr)
    start()
    raise ValueError("wrong")


def excepthook_that_fails():
    start()
    sys.excepthook = lambda kind, error, trace: 1 / 0
    raise ValueError("wrong")


def excepthook_after_finish():
    start().finish()
    raise ValueError("wrong")


def exit_replaced_before():
    original = sys.exit

    def mine(code=7):
        print("leaving with", code)
        original(code)

    sys.exit = mine
    start()
    sys.exit()


def exit_mocked_before():
    sys.exit = lambda code: print("not leaving with", code)
    start()
    sys.exit(3)


def exit_replaced_after():
    experiment = start()
    inner = sys.exit

    def mine(code):
        print("leaving with", code)
        inner(code)

    sys.exit = mine
    experiment.finish()
    print(sys.exit is mine)
    sys.exit(3)


def everything_put_back():
    names = ("exit", "quit")
    before = [sys.exit, *(getattr(builtins, name) for name in names), signal.signal]
    before += [signal.getsignal, signal.set_wakeup_fd, bound_before, sys.excepthook]
    start().finish()
    after = [sys.exit, *(getattr(builtins, name) for name in names), signal.signal]
    after += [signal.getsignal, signal.set_wakeup_fd, bound_before, sys.excepthook]
    print([one is other for one, other in zip(before, after, strict=True)])
    print(repr(exit), exit.__class__, "METICULOUS_PARENT" in os.environ)


def looks_the_same():
    """While it is open."""
    start()
    print(repr(exit), repr(quit), sys.exit.__name__, sys.exit.__module__, sys.exit.__doc__)
    with contextlib.suppress(TypeError):
        sys.exit(1, 2)
    with contextlib.suppress(TypeError):
        sys.exit(code=3)
    try:
        sys.exit((1, 2))
    except SystemExit as error:
        print(type(error), error.args, error.code)
    try:
        sys.exit()
    except SystemExit as error:
        import pickle

        print(error.args, error.code, pickle.loads(pickle.dumps(error)).code)
    try:
        raise ValueError("first")
    except ValueError as first:
        try:
            sys.exit(3)
        except SystemExit as error:
            print(error.__context__ is first, error.__cause__, error.__suppress_context__)


def exit_handlers():
    atexit.register(print, "registered before")
    start()
    atexit.register(print, "registered after")
    print("the end")


def exit_handler_that_logs():
    holder = []
    atexit.register(lambda: [one.log({"loss": 1}) for one in holder])
    holder.append(start())


def thread_at_the_end():
    """Python waits for it before exit handlers run, and so what it logs is kept."""
    experiment = start()
    end = threading.Event()
    threading.Timer(0.05, end.set).start()

    def work():
        end.wait()
        for step in range(100):
            experiment.log({"loss": step}, step=step)

    threading.Thread(target=work).start()


def three_open_exception():
    for name in ("a", "b", "c"):
        start(f"{case}_{name}")
    raise ValueError("wrong")


def three_open_exit():
    for name in ("a", "b", "c"):
        start(f"{case}_{name}")
    sys.exit(3)


def three_open_signal():
    for name in ("a", "b", "c"):
        start(f"{case}_{name}")
    os.kill(os.getpid(), signal.SIGTERM)


def three_open_end():
    a, _, c = (start(f"{case}_{name}") for name in ("a", "b", "c"))
    a.finish()
    print("between")
    c.finish()


def nested_blocks():
    with start(f"{case}_a"):
        with contextlib.suppress(ValueError), start(f"{case}_b"):
            raise ValueError("inner")
        with start(f"{case}_c"):
            print("fine")
        raise KeyError("outer")


def finish_twice():
    experiment = start()
    experiment.finish("DONE")
    experiment.finish("AGAIN")
    with experiment:
        print("late")
    raise ValueError("after the end")


def finish_in_a_block():
    with start() as experiment:
        experiment.finish()
        raise ValueError("after the end")


def finish_in_a_thread():
    experiment = start()
    thread = threading.Thread(target=experiment.finish)
    thread.start()
    thread.join()
    raise ValueError("after the end")


def start_in_a_thread():
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    raise ValueError("wrong")


def start_in_a_thread_exit():
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    sys.exit(3)


def threads_start_and_finish():
    def work(number):
        for _ in range(3):
            with Experiment({"number": number}, experiments_directory="threads"):
                pass

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    start()
    sys.exit(3)


def block_before_failure():
    with start():
        pass
    raise ValueError("later")


def generator_closed():
    def steps():
        with start():
            yield 1
            yield 2

    for step in steps():
        print(step)
        break


def shadowed_module():
    """A name of ours for a module of theirs, and a changed working directory."""
    start()
    sys.modules["threading"] = None
    sys.modules["traceback"] = None
    os.chdir("/")
    raise ValueError("wrong")


globals()[case]()
