"""An experiment at the top of the main module, which spawned children import again."""

import multiprocessing
import os

from meticulous import Experiment

experiment = Experiment({"method": os.environ["METHOD"]})


def square(number):
    experiment.log({"number": number})
    return number**2, experiment.norecord


if __name__ == "__main__":
    context = multiprocessing.get_context(os.environ["METHOD"])
    with context.Pool(2) as pool:
        print(pool.map(square, range(3)))
    experiment.log({"done": 1})
