"""A recorded program that is launched in many ways: ``launched.py NAME ENDING``."""

import sys

from meticulous import Experiment

name, ending = sys.argv[1:3]
experiment = Experiment({"ending": ending}, experiment_id=name)
print("working")
if ending.startswith("exit"):
    sys.exit(int(ending[-1]))
if ending == "raise":
    raise ValueError("wrong")
