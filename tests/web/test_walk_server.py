"""What a demanding user met who walked through one experiment's page and the server's life."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import httpx
import pytest

from meticulous.web import _console
from meticulous.web.server import static_folder
from web.browsing import PATIENCE_MS, chromium, quiet_page
from web.serving import serving

POINTS = 600_000


def record(root, expid="1"):
    folder = root / expid
    folder.mkdir(parents=True)
    (folder / "STATUS").write_text("SUCCESS")
    (folder / "metadata.json").write_text('{"start-time": "2024-05-01T10:00:00"}')
    (folder / "args.json").write_text('{"lr": 0.1}')
    return folder


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@contextlib.contextmanager
def plain_page(browser):
    """A page that may say that a server does not answer."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    page.close()


def command(root, *options):
    """Start the command; gives its process, its address without the token, and the token."""
    words = ["--no-browser", "--experiments-directory", str(root), *options]
    process = subprocess.Popen(
        [sys.executable, "-m", "meticulous", "ui", *words], stdout=subprocess.PIPE, text=True
    )
    said = ""
    while "Ctrl-C" not in said and (line := process.stdout.readline()):
        said += line
    found = re.search(r"(http://\S+)/\?token=(\S+)", said)
    return process, found[1], found[2], said


def children(process):
    done = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True
    )
    return [int(word) for word in done.stdout.split()]


def lives(number):
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ctrl_c_ends_at_once_and_leaves_no_process_whatever_is_being_read(tmp_path, monkeypatch):
    """Long curves take seconds to read, a comparison of them too: nobody waits for either."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "experiments"
    line = (
        json.dumps({"step": 1, "time": "2024-05-01T10:00:00+00:00", "loss": 0.5, "acc": 1}) + "\n"
    )
    for expid in "12":
        (record(root, expid) / "metrics.jsonl").write_text(line * POINTS)
    process, url, token, _ = command(root)
    try:
        with pytest.raises(httpx.ReadTimeout):
            asked = {"headers": {"X-Meticulous-Token": token}, "timeout": 1.5}
            httpx.get(f"{url}/api/compare?ids=1,2", **asked)
        busy = children(process)
        assert busy
        process.send_signal(signal.SIGTERM)  # to the command alone, as a scheduler sends it
        began = time.monotonic()
        assert process.wait(20) == 0
        assert time.monotonic() - began < 3
        deadline = time.monotonic() + 1
        while (left := list(filter(lives, busy))) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert left == []
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_printed_tunnel_leads_to_where_the_server_listens(tmp_path):
    record(tmp_path / "experiments")
    process, url, _, said = command(
        tmp_path / "experiments", "--host", "127.0.0.2", "--allow-host", "lab.example.org"
    )
    process.kill()
    process.wait()
    process.stdout.close()
    port = url.rpartition(":")[2]
    assert f"ssh -N -L {port}:127.0.0.2:{port} " in said


def test_a_large_console_is_searched_to_its_end(tmp_path, browser, monkeypatch):
    """One answer has little time: the page goes on from where it stopped."""
    monkeypatch.setattr(_console, "_SECONDS", 0.002)
    root = tmp_path / "experiments"
    block = b"".join(b"line %07d of nothing\n" % number for number in range(50_000))
    with open(record(root) / "stdout", "wb") as file:
        for _ in range(40):
            file.write(block)
        file.write(b"the needle\n")
    with serving(root, static=static_folder()) as page, quiet_page(browser, page.url) as shown:
        found, start, asked = [], 0, 0
        while start is not None:
            answer = page.ask(
                "experiments/1/console", stream="stdout", start=start, search="0049999"
            )
            found += answer["numbers"]
            assert answer["next"] is None or answer["next"] >= start
            start, asked = answer["next"], asked + 1
            assert asked < 1000
        shown.goto(page.server.url)
        shown.goto(f"{page.url}/#/experiment/1/console")
        search = shown.get_by_label("Search the console")
        search.fill("the needle")
        search.press("Enter")
        shown.get_by_text("1 of 1 lines").wait_for()
        shown.get_by_role("log").get_by_text("the needle").wait_for()
    assert found == [50_000 * turn + 49_999 for turn in range(40)]
    assert asked > 1


def test_tables_have_their_head_and_json_of_any_depth_is_folded(tmp_path, browser):
    root = tmp_path / "experiments"
    folder = record(root)
    (folder / "table.csv").write_text("name,accuracy\nfirst,0.5\nsecond,0.75\n")
    (folder / "deep.json").write_text("[" * 20_000 + "]" * 20_000)
    (folder / "wide.json").write_text(json.dumps([[list(range(20))] * 100] * 100))
    with serving(root, static=static_folder()) as page, quiet_page(browser, page.url) as shown:
        shown.goto(page.server.url)
        shown.goto(f"{page.url}/#/experiment/1/files")
        shown.get_by_role("button", name="table.csv").click()
        table = shown.get_by_role("table")
        table.get_by_role("columnheader", name="accuracy").wait_for()
        assert table.get_by_role("columnheader").all_inner_texts() == ["name", "accuracy"]
        assert table.get_by_role("row").count() == 3
        for name in ("deep.json", "wide.json"):
            shown.get_by_role("button", name=name).click()
            shown.locator(".preview").get_by_role("heading", name=name).wait_for()
            shown.locator(".preview details").first.wait_for()
            assert shown.locator(".preview details").count() < 20_000
        inner = shown.locator(".preview details details").first
        inner.locator("details summary").first.click()
        assert inner.locator("details").first.locator(".json-leaf").count() == 20


def test_a_page_says_that_it_is_not_live_until_it_is(tmp_path, browser):
    """A store that went away, and a server that was started anew with another token."""
    root = tmp_path / "experiments"
    record(root)
    with plain_page(browser) as shown:
        with serving(root, static=static_folder()) as page:
            shown.goto(page.server.url)
            shown.get_by_text("1 experiment", exact=True).wait_for()
            told = shown.locator(".stale")
            assert told.count() == 0
            os.rename(root, tmp_path / "moved")
            told.wait_for()
            assert str(root) in told.inner_text()
            os.rename(tmp_path / "moved", root)
            told.wait_for(state="detached")
            port = page.server.port
        told.wait_for()
        with serving(root, static=static_folder(), port=port):
            shown.locator(".stale", has_text="token").wait_for()
