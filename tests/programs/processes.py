"""What children of a recorded program do: ``python processes.py CASE``, see test_processes.py.

With the start method in METHOD where multiprocessing is used.
"""

import asyncio
import concurrent.futures
import copy
import hashlib
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from meticulous import Experiment

case = sys.argv[1] if len(sys.argv) > 1 else ""
method = os.environ.get("METHOD", "fork")
context = multiprocessing.get_context(method)


def start(name=case, **options):
    return Experiment({"case": case}, experiment_id=f"{name}-{method}", **options)


def hashes(experiment):
    """Of all files but those that the program itself still writes."""
    folder = Path(experiment.curexpdir)
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


def use(experiment):
    """Call everything; nothing of it may do anything here."""
    experiment.log({"loss": -1.0}, step=-1)
    experiment.summary({"acc": -1})
    experiment.tag("child")
    experiment.note("child")
    experiment.record_input(__file__)
    experiment.finish("CHILD")
    with experiment:
        experiment.log({"loss": -1.0})
    return experiment.norecord, experiment.inert_reason != ""


def own():
    """Start an experiment in a child."""
    experiment = Experiment({"in": "a child"})
    use(experiment)
    return experiment.norecord, experiment.curexpdir


def worker(experiment, queue):
    print("printed by the child", flush=True)
    queue.put([use(experiment), own()])
    sys.exit(3)


def failing_worker():
    own()
    raise ValueError("in a child")


def children():
    with start() as experiment:
        experiment.log({"loss": 1.0})
        queue = context.Queue()
        for target, arguments in ((worker, (experiment, queue)), (failing_worker, ())):
            process = context.Process(target=target, args=arguments, name=target.__name__)
            process.start()
            if arguments:
                print(queue.get(timeout=60))
            process.join(60)
            print(process.exitcode)
        experiment.log({"loss": 2.0})


def pools():
    with start() as experiment:
        with context.Pool(2) as pool:
            print(pool.map(use, [experiment] * 4))
            print(pool.apply(own))
        executor = concurrent.futures.ProcessPoolExecutor(2, mp_context=context)
        with executor:
            print(list(executor.map(use, [experiment] * 4)), executor.submit(own).result())
        experiment.log({"loss": 1.0})


def load(experiment, requests, batches):
    for request in iter(requests.get, None):
        experiment.log({"worker": request})
        batches.put(request * 2)


def loader():
    """As data loaders work: long-lived children that are fed while the parent logs."""
    with start() as experiment:
        requests, batches = context.SimpleQueue(), context.SimpleQueue()
        workers = [
            context.Process(target=load, args=(experiment, requests, batches), daemon=True)
            for _ in range(3)
        ]
        for one in workers:
            one.start()
        for step in range(60):
            requests.put(step)
            experiment.log({"batch": batches.get()}, step=step)
        for _ in workers:
            requests.put(None)
        for one in workers:
            one.join(60)
            print(one.exitcode)


def record_own():
    with Experiment({"in": "a child"}) as experiment:
        experiment.log({"loss": 1.0})


def run_in_child(function):
    process = context.Process(target=function)
    process.start()
    process.join(60)
    print(process.exitcode)


def none_open():
    """The children of a program without an experiment record their own."""
    run_in_child(record_own)


def none_open_any_more():
    start().finish()
    run_in_child(record_own)


def none_open_after_children():
    """A server that forks was started while one was open."""
    with start():
        run_in_child(use_nothing)
    run_in_child(record_own)


def use_nothing():
    own()


def outlived():
    """The child goes on when the parent has ended, and tells then what it saw."""
    experiment = start()
    experiment.log({"loss": 1.0})
    parent = os.getpid()
    if os.fork() == 0:
        while os.getppid() == parent:
            time.sleep(0.01)
        before = hashes(experiment)
        use(experiment)
        own()
        print("from the child")
        Path(sys.argv[2]).write_text(json.dumps(before == hashes(experiment)))
        raise SystemExit(5)


def forks():
    """Fork again and again while threads log; each child uses what it inherits."""
    experiment = start()
    count = int(sys.argv[2])
    running = True

    def log(thread):
        step = 0
        while running:
            experiment.log({f"loss-{thread}": step}, step=step)
            step += 1
            time.sleep(0.0005)
        rows[thread] = step

    rows = {}
    threads = [threading.Thread(target=log, args=(number,), daemon=True) for number in range(3)]
    for thread in threads:
        thread.start()
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            signal.alarm(30)  # a child that hangs is killed by it
            if number % 10 == 0:
                use(experiment)
                own()
                print("a child", file=sys.stderr, flush=True)
            else:
                experiment.log({"loss": -1.0})
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        assert status == 0, (number, status)
    running = False
    for thread in threads:
        thread.join()
    print(json.dumps(rows))


def threads():
    experiment = start()

    def log(thread):
        for step in range(2000):
            experiment.log({"thread": thread}, step=step)

    everyone = [threading.Thread(target=log, args=(number,)) for number in range(8)]
    for thread in everyone:
        thread.start()
    for thread in everyone:
        thread.join()


def tasks():
    experiment = start()

    async def log(task):
        for step in range(20):
            experiment.log({"task": task}, step=step)
            await asyncio.sleep(0)

    async def main():
        await asyncio.gather(*(log(task) for task in range(50)))

    asyncio.run(main())


def copies():
    with start() as experiment:
        print(copy.deepcopy(experiment) is experiment, copy.copy(experiment) is experiment)
        print(copy.deepcopy({"config": [experiment]})["config"][0] is experiment)
        loaded = pickle.loads(pickle.dumps(experiment))
        print(loaded.norecord, loaded.inert_reason, loaded.curexpdir == experiment.curexpdir)
        print(use(loaded))
        with loaded.open("note.txt", "w") as file:
            file.write("kept in the folder of the experiment")
        experiment.log({"loss": 1.0})


def before_exec():
    pass


def other_program():
    """subprocess forks, too, and os.execv keeps the process; neither is our child."""
    with start() as experiment:
        subprocess.run(["true"], check=True)
        subprocess.run(["true"], check=True, preexec_fn=before_exec)
        subprocess.run(["true"], check=True, start_new_session=True)
        os.system("true")
        experiment.log({"loss": 1.0})
        pid = os.fork()
        if pid == 0:
            os.execv(sys.executable, [sys.executable, "-c", "import sys; sys.exit(6)"])
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    globals()[case]()
