"""A recorded program that starts recorded programs: ``python chain.py DEPTH``."""

import multiprocessing
import os
import subprocess
import sys

from meticulous import Experiment

NAME = "METICULOUS_PARENT"


def run(depth, *more):
    subprocess.run([sys.executable, __file__, str(depth), *more], check=True)


def chain(depth):
    with Experiment({"depth": depth}, experiment_id=f"depth-{depth}"):
        if depth:
            run(depth - 1)
    assert (NAME in os.environ) == (depth < 3)


def one(name, inner=None):
    with Experiment({"name": name}, experiment_id=name):
        if inner is not None:
            inner()


def sequence():
    """Nothing of an experiment that has ended leaks into what comes after it."""
    one("first", lambda: run(0, "in-first"))
    run(0, "after-first")
    outer = Experiment({}, experiment_id="outer")
    inner = Experiment({}, experiment_id="inner")
    run(0, "in-inner")
    outer.finish()
    run(0, "still-in-inner")
    inner.finish()
    run(0, "after-all")
    last = Experiment({}, experiment_id="last")
    os.environ.pop(NAME)
    run(0, "hidden")
    last.finish()
    assert NAME not in os.environ
    run(0, "at-the-end")


def in_children():
    """A child that multiprocessing made starts a program; so does one that was forked."""
    with Experiment({}, experiment_id="outer"):
        for method in ("fork", "spawn", "forkserver"):
            context = multiprocessing.get_context(method)
            process = context.Process(target=run, args=(0, f"in-{method}"))
            process.start()
            process.join()
            assert process.exitcode == 0
    subprocess.run([sys.executable, __file__, "0", "in-a-shell"], check=True)


if __name__ == "__main__":
    what = sys.argv[1]
    if len(sys.argv) > 2:
        one(sys.argv[2])
    elif what.isdigit():
        chain(int(what))
    else:
        globals()[what]()
