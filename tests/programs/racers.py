"""Start many processes at once that each claim a folder: ``python racers.py ROOT COUNT``.

Prints one JSON object: exit codes, numbers, and what each process wrote to below the root.
"""

import json
import os
import sys

from meticulous import _folder

root, count = sys.argv[1], int(sys.argv[2])
READ = os.O_ACCMODE


def race(starting_shot, results):
    writes = []

    def listen(event, arguments):
        if event == "open" and str(arguments[0]).startswith(root) and arguments[2] & READ:
            writes.append([str(arguments[0]), bool(arguments[2] & os.O_EXCL)])

    sys.addaudithook(listen)
    os.read(starting_shot, 1)
    _folder.prepare_root(root)
    folder = _folder.claim(root)
    folder.begin({"args.json": {}}, None, "RUNNING")
    line = json.dumps({"id": folder.id, "writes": writes}) + "\n"
    os.write(results, line.encode())


starting_shot, fire = os.pipe()
reading, results = os.pipe()
pids = []
for _ in range(count):
    pid = os.fork()
    if pid == 0:
        os.close(fire)
        code = 1
        try:
            race(starting_shot, results)
            code = 0
        finally:
            os._exit(code)
    pids.append(pid)
os.close(fire)
os.close(results)
with os.fdopen(reading) as file:
    told = [json.loads(line) for line in file]
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
print(json.dumps({"codes": codes, "told": told}))
