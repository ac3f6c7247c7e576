"""How fast the page of ``meticulous ui`` is, in Chromium: ``python -m benchmarks.page 10000``.

Not part of ``make bench``, since it takes minutes and needs a browser.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from meticulous import _series

from . import make_store
from .measure import environment, show

_UNTIL = """async () => {
  const start = performance.now();
  while (!(%s)) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""
_SCROLL = """async () => {
  const grid = document.querySelector('.grid'), steps = [];
  let last = await new Promise(requestAnimationFrame);
  for (let step = 0; step < 180; step++) {
    grid.scrollTop += 400;
    const now = await new Promise(requestAnimationFrame);
    steps.push(now - last);
    last = now;
  }
  return steps;
}"""
_ASKED = "performance.getEntriesByType('resource').filter(e => e.name.includes('%s')).length"
# From the change of the address until the canvas has shown an answer about all of them: any, and
# one that is no sketch.
_CURVES_SHOWN = """async ([address, count, part]) => {
  const start = performance.now(), drawn = [];
  const watch = new MutationObserver(() => drawn.push(performance.now()));
  watch.observe(document.body, { subtree: true, attributeFilter: ['width'] });
  location.hash = address;
  const answered = () => performance.getEntriesByType('resource').find(
    e => e.startTime >= start && e.name.includes('curves?') && e.name.includes(part)
      && e.name.split('%2C').length === count)?.responseEnd;
  const until = async isSo => {
    while (!isSo()) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return performance.now() - start;
  };
  return [
    await until(() => drawn.some(time => time > answered())),
    await until(() => document.querySelector('.plot:not(.sketch)')),
  ];
}"""
_FIRST_ID = "document.querySelector('.grid-body .row .link')?.textContent"
# From the change of the address, or from the key, until other rows are complete and drawn.
_OTHER_ROWS = """async address => {
  const body = document.querySelector('.grid-body');
  const ids = () => Array.from(body.querySelectorAll('.link'), n => n.textContent).join();
  const isBusy = () => body.querySelector('[aria-busy=true]');
  const before = ids();
  let start = performance.now();
  if (address) location.hash = address;
  else start = await new Promise(resolve => {
    addEventListener('keydown', event => resolve(event.timeStamp), { capture: true, once: true });
  });
  while (ids() === before || isBusy()) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""
_SORTS = (
    *("summary.test_accuracy", "-summary.train_loss", "summary.test_f1", "-summary.test_recall"),
    *("-args.epochs_2", "args.clip_9", "args.width_3", "duration", "start_time", "-status"),
)
_FILTERS = (
    "summary.test_loss < 0.1",
    "summary.test_accuracy > 0.5 and summary.train_loss < 0.2",
    "status == 'ERROR'",
    "duration > 5000",
    "'best' in tags",
    "args.width_3 == 'cosine' or summary.train_f1 > 0.9",
    "not (summary.test_recall < 0.9)",
    "expid.contains('7') and summary.train_recall >= 0.5",
)
_LOGGER = """
import sys, time
from meticulous import Experiment
with Experiment({"lr": 1}, experiments_directory=sys.argv[1], dirty="allow") as experiment:
    for step in range(12):
        experiment.log({"loss": step}, step=step)
        print(time.time(), flush=True)
        sys.stdin.readline()
"""
_HOUR = """
import sys
from meticulous.experiments import Experiments
from meticulous.web.api import Api
def rss():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1000
api = Api(Experiments("", sys.argv[1]))
api.rows(), api.refresh()
expid = api.rows()["ids"][0]
path = f"{sys.argv[1]}/{expid}/metrics.jsonl"
before = rss()
for second in range(3600):
    with open(path, "a") as file:
        file.write('{"step": %d, "time": %d, "loss": 1}\\n' % (100 + second, second))
    api.refresh()
    if second % 2 == 0:
        api.curves(expid, "loss"), api.rows(), api.main(expid)
print(before, rss())
"""


@contextlib.contextmanager
def server(store: str) -> Iterator[tuple[str, int]]:
    """A running `meticulous ui`: the address with the token, and the process."""
    command = [sys.executable, "-m", "meticulous", "ui", "--no-browser"]
    child = subprocess.Popen(
        [*command, "--experiments-directory", store],
        env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout
        address = next(
            found[0] for line in child.stdout if (found := re.search(r"http://\S+", line))
        )
        yield address, child.pid
    finally:
        child.terminate()
        child.wait()


def until(page: Any, ready: str) -> float:
    """Milliseconds until a page is so, and has drawn it."""
    taken: float = page.evaluate(_UNTIL % ready)
    return taken


def other_rows(page: Any, address: str = "", text: str = "") -> float:
    """Milliseconds from an address, or from the Enter after a text in the filter box, until other
    rows are drawn."""
    page.wait_for_timeout(500)  # as people do; what is fetched ahead has come
    if address:
        return page.evaluate(_OTHER_ROWS, address)  # type: ignore[no-any-return]
    page.get_by_label("Filter").fill(text)
    page.evaluate(f"window.rows = ({_OTHER_ROWS})(''), 0")
    page.keyboard.press("Enter")
    return page.evaluate("window.rows")  # type: ignore[no-any-return]


def milliseconds(taken: list[float]) -> str:
    return f"{statistics.median(taken):.0f} ms, worst {max(taken):.0f} ms"


def memory(pid: int) -> str:
    text = Path(f"/proc/{pid}/status").read_text()
    return f"{int(text.partition('VmRSS:')[2].split()[0]) / 1000:.0f} MB"


def table(browser: Any, number: int, folder: str) -> list[list[str]]:
    """First rows, order, filter and scrolling, of a store of a size; without a cache, then with.

    Every order and filter is a new one, also for the server.
    """
    store = os.path.join(folder, "many")
    make_store.make(number, store)
    rows = []
    for name in ("first time", "again"):
        with server(store) as (address, pid):
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            start = time.perf_counter()
            page.goto(address)
            page.locator(".grid-body .row .link").first.wait_for(timeout=300_000)
            first = time.perf_counter() - start
            page.evaluate("fetch('/api/columns').then(answer => answer.text())")  # all is read
            sorts = [other_rows(page, f"#/?sort={name}") for name in _SORTS]
            filters = [other_rows(page, f"#/?filter={quote_plus(text)}") for text in _FILTERS]
            page.evaluate("location.hash = '#/?sort=id'")
            entered = [other_rows(page, text=f"{text} and expid > 1") for text in _FILTERS]
            page.evaluate("location.hash = '#/'")
            until(page, f"{_FIRST_ID} === '{number}'")
            steps = page.evaluate(_SCROLL)
            taken = map(milliseconds, (sorts, filters, entered, steps))
            rows.append([name, f"{first:.2f} s", *taken, memory(pid)])
            page.close()
    return rows


def curves(browser: Any, folder: str, count: int = 100, points: int = 100_000) -> list[list[str]]:
    """Many long curves, and a zoom into them."""
    store = Path(folder, "long", "experiments")
    chance = random.Random(1)
    lines = [
        json.dumps(
            {
                "step": step,
                "time": _series.utc(1.7e9 + step),
                "loss": chance.random() + 9e4 / (step + 9e4),
            },
            separators=(",", ":"),  # as the record has it
        )
        for step in range(points)
    ]
    text = "\n".join(lines) + "\n"
    names = make_store._arg_names(chance)
    for expid in range(1, count + 1):
        path = store / str(expid)
        path.mkdir(parents=True)
        make_store.write_experiment(str(path), chance, names, time.time() - 9e5)
        (path / "metrics.jsonl").write_text(text)
        os.utime(path / "metrics.jsonl", (time.time() - 9e4,) * 2)  # ended a day ago
    rows = []
    for name in ("first time", "again"):
        with server(str(store)) as (address, pid):
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(address)
            page.locator(".grid-body .row .link").first.wait_for()
            address = f"#/curves?selected=1-{count}&metrics=loss"
            drawn, whole = page.evaluate(_CURVES_SHOWN, [address, count, ""])
            zooms = []
            for part in range(1, 10):
                page.wait_for_timeout(500)
                zoomed = f"{address}&zoom={points * part // 20}..{points * (part + 2) // 20}"
                zooms.append(page.evaluate(_CURVES_SHOWN, [zoomed, count, "low="])[1])
            taken = (f"{drawn:.0f} ms", f"{whole:.0f} ms", milliseconds(zooms))
            rows.append([name, *taken, memory(pid)])
            page.close()
    return rows


def latency(browser: Any, folder: str) -> str:
    """Seconds from log() to the point that is drawn."""
    store = os.path.join(folder, "live")
    os.mkdir(store)
    child = subprocess.Popen(
        [sys.executable, "-c", _LOGGER, store],
        cwd=folder,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin and child.stdout
    child.stdout.readline()
    taken = []
    with server(store) as (address, _):
        page = browser.new_page()
        page.goto(address)
        page.evaluate("location.hash = '#/experiment/1/curves'")
        page.locator("figure.panel canvas").wait_for()
        page.wait_for_timeout(2000)
        for _ in range(10):
            asked = page.evaluate(_ASKED % "curves?")
            child.stdin.write("\n")
            child.stdin.flush()
            logged = float(child.stdout.readline())
            until(page, f"{_ASKED % 'curves?'} > {asked}")
            taken.append(time.time() - logged)
            page.wait_for_timeout(300 * random.random())
        page.close()
    child.communicate("\n")
    return f"{statistics.median(taken):.2f} s, worst {max(taken):.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", type=int, nargs="?", default=10_000)
    parser.add_argument("--only-table", action="store_true")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        os.environ["HOME"] = os.environ["XDG_CACHE_HOME"] = folder
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        head = ["", "first rows", "sort", "filter", "Enter in the filter box", "scroll step"]
        head.append("memory of the server")
        found = table(browser, options.number, folder)
        show(f"The table of {options.number} experiments", [head, *found])
        if options.only_table:
            return
        head = ["", "drawn", "all points drawn", "zoom", "memory of the server"]
        show("100 curves of 100,000 points", [head, *curves(browser, folder)])
        show("From log() to the drawn point", [["", "time"], ["", latency(browser, folder)]])
        store = os.path.join(folder, "hour")
        make_store.make(1000, store)
        done = subprocess.check_output([sys.executable, "-c", _HOUR, store], env=environment())
        before, after = map(float, done.split())
        show(
            "The server's memory over an hour of a live page of 1000 experiments",
            [["before", "after"], [f"{before:.0f} MB", f"{after:.0f} MB"]],
        )
        browser.close()


if __name__ == "__main__":
    main()
