"""Meet a signal in one of many situations: ``python signalled.py CASE``, see test_signals.py.

Prints "ready" when the signal may come from outside; other cases send it themselves.
"""

import asyncio
import ctypes
import faulthandler
import hashlib
import mmap
import os
import resource
import select
import signal
import struct
import sys
import threading
import time

from meticulous import Experiment

case = sys.argv[1]
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
libc = ctypes.CDLL(None)
nowhere = os.open(os.devnull, os.O_WRONLY)
TERM = signal.SIGTERM


def start(**options):
    return Experiment({"case": case}, experiment_id=case, **options)


def ready():
    print("ready", flush=True)


def kill(number=TERM):
    os.kill(os.getpid(), number)
    time.sleep(0.01)  # Python gets to its handlers


def polite(number, frame):
    print("asked to end by", signal.Signals(number).name, flush=True)
    sys.exit(7)


# Handlers of the program win.


def handler_before():
    signal.signal(TERM, polite)
    start()
    kill()


def handler_after():
    start()
    signal.signal(TERM, polite)
    kill()


def handler_goes_on():
    start()
    signal.signal(signal.SIGUSR1, lambda number, frame: print("noted", flush=True))
    kill(signal.SIGUSR1)
    print("goes on")


def chaining_handler():
    """As torch and others do: call whoever was there, or let the default happen."""
    start()
    before = signal.getsignal(TERM)

    def chained(number, frame):
        print("saving", before, flush=True)
        if callable(before):
            before(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    told = signal.signal(TERM, chained)
    print(told, signal.getsignal(TERM) is chained)
    kill()


def default_put_back():
    start()
    print(signal.signal(TERM, polite), signal.signal(TERM, signal.SIG_DFL) is polite)
    print(signal.getsignal(TERM), signal.set_wakeup_fd(-1))
    kill()


def ignored():
    start()
    print(signal.signal(TERM, signal.SIG_IGN))
    kill()
    print(signal.getsignal(TERM))


def ignored_before():
    start()
    print(signal.getsignal(signal.SIGHUP))
    kill(signal.SIGHUP)
    print("goes on")


def default_interrupt():
    """So that Ctrl-C ends a program at once."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    start()
    kill(signal.SIGINT)


def event_loop():
    start()

    async def main():
        loop = asyncio.get_running_loop()
        told = asyncio.Event()
        loop.add_signal_handler(TERM, told.set)
        loop.call_later(0.01, os.kill, os.getpid(), TERM)
        await told.wait()
        print("the loop was told", flush=True)
        loop.remove_signal_handler(TERM)

    asyncio.run(main())
    print(signal.getsignal(TERM), signal.set_wakeup_fd(-1), flush=True)
    in_c()


def event_loop_default():
    start()

    async def main():
        asyncio.get_running_loop().call_later(0.01, os.kill, os.getpid(), TERM)
        await asyncio.sleep(60)

    asyncio.run(main())


def faulthandler_before():
    faulthandler.register(signal.SIGUSR1, file=nowhere)
    with start():
        kill(signal.SIGUSR1)
        print("goes on")
    kill(signal.SIGUSR1)
    print("still")


def faulthandler_after():
    with start():
        faulthandler.register(signal.SIGUSR1, file=nowhere)
        kill(signal.SIGUSR1)
        print("goes on")
    kill(signal.SIGUSR1)
    print("still")


def after_finish():
    start().finish()
    print(signal.getsignal(TERM), signal.set_wakeup_fd(-1), flush=True)
    kill()


def finished_in_a_thread():
    """Only the main thread may take handlers back; the next start in it does."""
    first = Experiment({}, experiment_id="first")
    thread = threading.Thread(target=first.finish)
    thread.start()
    thread.join()
    print(signal.getsignal(TERM))
    start()
    kill()


def finished_in_a_thread_then_killed():
    first = start()
    thread = threading.Thread(target=first.finish)
    thread.start()
    thread.join()
    kill()


def started_in_a_thread():
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    kill()


# Long calls of C code that have given the interpreter away.


def in_c():
    ready()
    hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 2_000_000_000)


def long_c_call():
    start()
    in_c()


def long_sleep_of_c():
    start()
    ready()
    libc.sleep(600)


def long_select():
    start()
    ready()
    select.select([], [], [], 600)


def long_join():
    start()
    thread = threading.Thread(target=time.sleep, args=(600,), daemon=True)
    thread.start()
    ready()
    thread.join()


def long_loop():
    start()
    ready()
    while True:
        pass


def non_daemon_thread():
    """The main thread is at its end and waits."""
    start()
    threading.Thread(target=time.sleep, args=(600,)).start()
    ready()


# While we are at work.


def busy_logging():
    """The count of what log() has taken is in a file that survives."""
    experiment = start()
    with open(sys.argv[2], "r+b") as file, mmap.mmap(file.fileno(), 8) as count:
        ready()
        row = {"a": 1.5, "b": 2.25, "c": 3.125, "d": 0.1, "e": 4}
        for step in range(10**9):
            experiment.log(row, step=step)
            struct.pack_into("q", count, 0, step + 1)


def busy_printing():
    start()
    while True:
        print("x" * 1000)


def slow_end():
    """Hashing a large file keeps the end waiting for a second or so."""
    start().record_input(sys.argv[2])
    print("at the end", flush=True)


def slow_end_by_exception():
    start().record_input(sys.argv[2])
    raise ValueError("wrong")


def slow_finish():
    experiment = start()
    experiment.record_input(sys.argv[2])
    print("at the end", flush=True)
    try:
        experiment.finish()
    except KeyboardInterrupt:
        print("interrupted")


def slow_block():
    with start() as experiment:
        experiment.record_input(sys.argv[2])
        ready()
        time.sleep(600)


def each_line_of_ours():
    """Get the signal at a given line of the code that hands over, as often as it takes."""
    wanted = int(sys.argv[2])
    experiment = start()
    seen = 0

    def trace(frame, event, argument):
        nonlocal seen
        callers = (frame, frame.f_back, frame.f_back and frame.f_back.f_back)
        if not any(one and one.f_code.co_filename.endswith("_writer.py") for one in callers):
            return None
        if event == "line":
            seen += 1
            if seen == wanted:
                os.kill(os.getpid(), TERM)
        return trace

    sys.settrace(trace)
    for step in range(10**9):
        experiment.log({"loss": 1.0, "image": b"x" * (1 << 17)} if step % 2 else {"loss": 2.0})
        if step == 4:
            experiment.summary({"acc": 1})
            print("a line", flush=True)


# Children.


def children_killed_at_birth():
    start()
    for _ in range(300):
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        os.kill(pid, TERM)
        assert os.waitpid(pid, 0)[1] == TERM
    print("all children are gone")


def children_killed_at_birth_by_a_thread():
    thread = threading.Thread(target=children_killed_at_birth)
    Experiment({}, experiment_id="outer")
    thread.start()
    thread.join()


def processes_terminated_at_birth():
    import multiprocessing

    start()
    context = multiprocessing.get_context("fork")
    for _ in range(20):
        process = context.Process(target=time.sleep, args=(60,))
        process.start()
        process.terminate()
        process.join(60)
        assert process.exitcode == -TERM
    print("all children are gone")


def mask_and_handlers_of_children():
    start()
    pid = os.fork()
    if pid == 0:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        print(mask, signal.getsignal(TERM), signal.signal.__module__, flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    print(signal.pthread_sigmask(signal.SIG_BLOCK, []))


def stopped():
    start()
    ready()
    os.kill(os.getpid(), signal.SIGSTOP)
    print("goes on")


globals()[case]()
