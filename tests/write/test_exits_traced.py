"""Looking for the end of a program does it no harm, also where Python is at its most delicate."""

from __future__ import annotations

# Garbage is collected while the frame of a call is made, and what is called then is the last
# call that we are asked about. What is freed is overwritten, so that its use ends the program.
DELICATE = """
import gc, sys
from meticulous import Experiment

def small(number):
    return number

def collected(phase, info):
    global times
    times += 1
    for number in range(times % 5):
        small(number)

times = 0
gc.callbacks.append(collected)

def start(number):
    return Experiment({"number": number}, dirty="allow", sample_seconds=0, capture="off")

def use(experiment):
    limit, count = gc.set_threshold, gc.get_count
    for number in range(80):
        limit(count()[0] or 1)
        small(number)
    return experiment

for number in range(int(sys.argv[1])):
    experiment = use(start(number))
    gc.set_threshold(700)
    experiment.finish()
gc.callbacks.clear()
print("ok")
"""


def test_garbage_that_is_collected_while_we_look_for_the_end_does_no_harm(repository):
    program = repository.write("delicate.py", DELICATE)
    environment = {"PYTHONMALLOC": "debug", "PATH": ""}
    done = repository.run(program.name, "400", env=environment, timeout=240)
    assert (done.returncode, done.stdout) == (0, b"ok\n"), done.stderr.decode()[-3000:]
