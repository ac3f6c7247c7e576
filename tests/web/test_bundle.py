"""The built page: small at first, the rest when it is needed, and the same from every build."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from meticulous.web._sending import static_files
from meticulous.web.server import static_folder
from read.records import write_record
from web.browsing import FRONTEND, PATIENCE_MS, chromium, need
from web.serving import serving

NODE = shutil.which("node") or ""
VITE = Path("node_modules") / "vite" / "bin" / "vite.js"
EAGER_BYTES = 150_000
"""Of scripts and styles that the first view needs, before compression. Issue 5 has this number."""
REST = "**/assets/rest-*.js"


@pytest.fixture
def static():
    need(static_folder(), "the page is not built: make page")
    return Path(static_folder())


def test_what_the_first_view_needs_stays_within_its_budget(static):
    markup = (static / "index.html").read_text()
    named = re.findall(r'(?:src|href)="\./([^"]+)"', markup)
    assert {Path(name).suffix for name in named} == {".js", ".css"}
    assert sum((static / name).stat().st_size for name in named) <= EAGER_BYTES
    lazy = {path.name for path in (static / "assets").iterdir()} - {Path(n).name for n in named}
    assert [name for name in lazy if name.startswith("rest-")], "nothing is left for later"
    assert not re.search(r"<script(?![^>]* src=)", markup), "the server forbids inline scripts"


def test_what_exported_pages_are_made_of_is_one_script_and_is_not_served(static):
    assert [path.suffix for path in (static / "export" / "assets").glob("*.js")] == [".js"]
    script = next((static / "export" / "assets").glob("*.js")).read_text()
    assert "import(" not in script and "EventSource" in script
    served = static_files(str(static))
    assert "index.html" in served and not [name for name in served if "export" in name]


def build(place):
    """Build a copy of the page's sources; gives the process, which goes on."""
    shutil.copytree(FRONTEND, place / "frontend", ignore=shutil.ignore_patterns("node_modules"))
    os.symlink(FRONTEND / "node_modules", place / "frontend" / "node_modules")
    both = f'"{NODE}" {VITE} build && "{NODE}" {VITE} build --mode export'
    return subprocess.Popen(["sh", "-c", both], cwd=place / "frontend", stdout=subprocess.DEVNULL)


def test_two_builds_are_the_same_byte_for_byte(tmp_path):
    need(NODE and (FRONTEND / VITE).exists(), "the page's tools are not installed: make page")
    places = [tmp_path / "one", tmp_path / "deeper" / "and of another name"]
    for process in [build(place) for place in places]:
        assert process.wait(300) == 0
    first, second = (static_of(place) for place in places)
    assert first == second
    assert {name.partition("/")[0] for name in first} == {"assets", "export", "index.html"}


def static_of(place):
    static = place / "src" / "meticulous" / "web" / "static"
    files = [path for path in static.rglob("*") if path.is_file()]
    return {str(path.relative_to(static)): path.read_bytes() for path in files}


def test_a_part_that_does_not_come_is_told_and_fetched_again(static, tmp_path):
    root = tmp_path / "experiments"
    write_record(root, "1")
    with chromium() as browser:
        context = browser.new_context()
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        with serving(root, static=str(static)) as server:
            page.goto(server.server.url)
            expect(page.locator(".grid-body .row")).to_have_count(1)
            assert not [url for url in resources(page) if "/rest-" in url]
            held = []
            page.route(REST, lambda route: held.append(route))
            page.get_by_role("link", name="Explore").click()
            expect(page.get_by_text("Fetching this part of the page…")).to_be_visible()
            held[0].abort()
            expect(page.get_by_text("the server is there, but did not send it")).to_be_visible()
            page.unroute(REST)
            port, token = server.server.port, server.token
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_text("The server does not answer")).to_be_visible()
        with serving(root, static=str(static), port=port, token=token):
            page.get_by_role("button", name="Try again").click()
            expect(page.get_by_text("there is nothing to plot")).to_be_visible()
            assert page.url.endswith("#/explore")
        context.close()


def resources(page):
    return page.evaluate("performance.getEntriesByType('resource').map(({name}) => name)")
