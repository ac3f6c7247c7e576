"""Tracked programs inside ``meticulous run``: ``python attached.py CASE``."""

import argparse
import os
import signal
import subprocess
import sys
import time

from meticulous import Experiment


def two():
    """The first experiment is that of the run, the second one its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("--lr", type=float, default=1.0)
    parser.add_argument("--token", default="")
    Experiment.add_argument_group(parser)
    with Experiment.from_parser(parser, name="inner", tags=["t"]) as experiment:
        print("folder", experiment.curexpdir, flush=True)
        assert "METICULOUS_ATTACH" not in os.environ
        assert experiment.metadata["command"][1:3] == sys.argv[:2]
        experiment.log({"loss": 0.5})
        experiment.summary({"accuracy": 0.9})
        experiment.note("inside")
        experiment.record_output("attached.py")
        with experiment.open("model.txt", "w") as file:
            file.write("weights")
        subprocess.run([sys.executable, __file__, "one", "child"], check=True)
    one("second")


def one(word="one"):
    with Experiment({"word": word}, description=f"a {word}"):
        pass


def plain():
    Experiment()


def fails():
    with Experiment({}):
        raise ValueError("too big a step")


def swallowed():
    with Experiment({}, continue_on_error=True):
        raise ValueError("too big a step")


def exits():
    with Experiment({}):
        pass
    sys.exit(4)


def finished():
    Experiment({}).finish("EARLY")


def killed():
    Experiment({})
    os.kill(os.getpid(), signal.SIGTERM)


def resumed():
    with Experiment({"a": 1}, resume=True, experiment_id="mine") as experiment:
        print(os.path.basename(experiment.curexpdir))


def loop():
    experiment = Experiment({})
    for step in range(10_000):
        experiment.log({"step-of-loop": step})
        with open("alive", "w") as file:
            file.write(str(step))
        time.sleep(0.01)


def imports():
    import untracked  # noqa: F401

    with Experiment({}):
        pass


globals()[sys.argv[1]](*sys.argv[2:] if sys.argv[1] == "one" else ())
