"""A small recorded program that tells which files below the experiments folder it wrote to."""

import json
import os
import sys

root, report = sys.argv[1:3]
writes = set()


def listen(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[2] & os.O_ACCMODE:
        writes.add((arguments[0], bool(arguments[2] & os.O_EXCL)))
    elif event == "os.rename":
        writes.add((os.fsdecode(arguments[1]), False))


sys.addaudithook(listen)

from meticulous import Experiment  # noqa: E402

with Experiment({"report": os.path.basename(report)}) as experiment:
    experiment.log({"loss": 1.0})
    print("hello")
mine = sorted((path, exclusive) for path, exclusive in writes if path.startswith(root))
with open(report, "w") as file:
    json.dump({"folder": experiment.curexpdir, "pid": os.getpid(), "writes": mine}, file)
