"""Pages that follow what changes, and the end of the server."""

import asyncio
import itertools
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from meticulous.web._streams import Streams
from meticulous.web.server import static_folder
from read.records import snapshot, write_record
from web.serving import serving

PROGRAM = """
    import os, time
    from meticulous import Experiment
    with Experiment({"lr": 0.5}) as experiment:
        for step in range(3):
            experiment.log({"loss": 1 / (step + 1)}, step=step)
            time.sleep(0.3)
        while not os.path.exists("go on"):
            time.sleep(0.05)
        experiment.summary({"acc": 0.9})
"""


class Follower:
    """What one page is told."""

    def __init__(self, page):
        self.changes = queue.Queue()
        self.is_open = threading.Event()
        self._page = page
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        assert self.is_open.wait(20)

    def _follow(self):
        headers = {"X-Meticulous-Token": self._page.token}
        try:
            with httpx.stream(
                "GET", f"{self._page.url}/api/events", headers=headers, timeout=None
            ) as response:
                for line in response.iter_lines():
                    self.is_open.set()
                    if line.startswith("data: "):
                        self.changes.put(json.loads(line[6:]))
        except httpx.HTTPError:
            pass
        self.changes.put(None)

    def until(self, wanted, seconds=20):
        """The first change for which a function is true; every one is newer than the last."""
        end, version = time.monotonic() + seconds, 0
        while True:
            change = self.changes.get(timeout=max(0.01, end - time.monotonic()))
            assert change["version"] > version
            version = change["version"]
            if wanted(change):
                return change


def test_a_page_learns_of_a_real_experiment_while_it_runs(repository):
    program = repository.program(PROGRAM)
    write_record(repository.root, "1")
    with serving(repository.root) as page:
        follower = Follower(page)
        child = repository.start(program)
        change = follower.until(lambda change: "2" in change["changed"])
        assert change["count"] == 2 and page.ask("rows")["ids"] == ["2", "1"]
        while "2" not in change["running"]:
            change = follower.until(lambda change: True)
        repository.write("go on", "")
        child.communicate(timeout=60)
        follower.until(lambda change: change["running"] == [])
        rows = page.ask("rows", ids="2", columns="status,summary.acc")
        assert rows["cells"] == [["SUCCESS", 0.9]]
        (curve,) = page.ask("curves", ids="2", metric="loss")
        assert curve["x"] == [0, 1, 2]


def test_all_pages_learn_what_one_of_them_changed_and_what_came_at_the_same_time(tmp_path):
    write_record(tmp_path, "1")
    with serving(tmp_path) as page:
        page.ask("rows")  # what is there by now is no news
        follower, told = Follower(page), set()
        write_record(tmp_path, "2")
        assert page.tell("1", "name", "theirs").status_code == 200
        follower.until(lambda change: told.update(change["changed"]) or {"1", "2"} <= told)


def test_a_page_that_does_not_read_holds_up_nobody_and_is_told_all_at_once():
    versions = itertools.count(1)

    def look():
        version = next(versions)
        running = [f"{version}" * 10_000]  # more than any buffer on the way holds for long
        return {"version": version, "count": 1, "changed": [str(version)], "running": running}

    async def follow():
        streams = Streams(look, 0.01)
        slow, quick = streams.changes(), streams.changes()
        await anext(slow)
        await anext(quick)
        told = [data_of(await anext(quick)) for _ in range(20)]
        late = data_of(await anext(slow))
        streams.stop()
        assert [part async for part in slow if b"data" in part] == []
        await quick.aclose()
        await slow.aclose()
        return told, late

    def data_of(event):
        return json.loads(event.decode().partition("data: ")[2])

    told, late = asyncio.run(follow())
    ids = [expid for change in told for expid in change["changed"]]
    assert ids == [str(number) for number in range(1, len(ids) + 1)]
    assert late["version"] >= told[-1]["version"] and set(ids) <= set(late["changed"])


def test_looking_changes_nothing_in_the_store(tmp_path):
    root = tmp_path / "experiments"
    for number in range(1, 4):
        write_record(root, str(number), status="RUNNING" if number == 3 else "SUCCESS")
    before = snapshot(root)
    with serving(root, read_only=True) as page:
        for question in ("store", "columns", "rows", "experiments/1", "experiments/1/files",
                         "experiments/1/console", "experiments/1/code"):  # fmt: skip
            page.ask(question)
        for question in ("main", "metrics", "compare"):
            page.ask(question, ids="1,2,3")
    assert snapshot(root) == before


def test_a_closed_server_ends_its_streams(tmp_path):
    root = tmp_path / "experiments"
    write_record(root, "1")
    with serving(root) as page:
        follower = Follower(page)
    assert follower.changes.get(timeout=20) is None


@pytest.mark.skipif(not static_folder(), reason="the page is not built: make page")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_command_also_with_open_streams(tmp_path, number):
    root = tmp_path / "experiments"
    write_record(root, "1")
    words = ["ui", "--no-browser", "--experiments-directory", root]
    with subprocess.Popen(
        [sys.executable, "-m", "meticulous", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as child:
        lines = [child.stdout.readline().decode() for _ in range(8)]
        url, token = re.search(r"(http://127\.0\.0\.1:\d+)/\?token=(\S+)", "".join(lines)).groups()
        port = url.rpartition(":")[2]
        assert any(re.search(rf"ssh -N -L {port}:127\.0\.0\.1:{port} \S+", line) for line in lines)
        headers = {"X-Meticulous-Token": token}
        with httpx.stream("GET", f"{url}/api/events", headers=headers) as response:
            next(response.iter_lines())
            child.send_signal(number)
            _, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (0, b"")
