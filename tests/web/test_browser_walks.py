"""The page in a real browser over what people have: real trainings, one of them live, and ten
thousand experiments.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from meticulous.web.server import static_folder
from web.browsing import PATIENCE_MS, chromium, quiet_page
from web.serving import serving
from web.test_browser import first_id, make_store, rows, write_filter

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
COUNT = 10_000


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """What ``make demo`` leaves: three trainings, the third of which failed."""
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("walk") / "demo"
    command = [sys.executable, EXAMPLES / "demo.py", folder]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder


def test_the_digits_demo_is_walked_from_the_table_to_what_explains_the_difference(browser, demo):
    with (
        serving(demo / "experiments", static=static_folder()) as server,
        quiet_page(browser, server.url, viewport={"width": 1200, "height": 800}) as page,
    ):
        page.goto(server.server.url)
        expect(rows(page)).to_have_count(3, timeout=PATIENCE_MS)
        expect(rows(page).first).to_contain_text("ERROR")
        # Why the third one failed: its traceback comes first.
        first_id(page).click()
        expect(page.locator(".traceback, .card").first).to_contain_text("Error")
        expect(page.locator("#main")).to_contain_text("meticulous reproduce 3")
        page.get_by_role("tab", name="Console").click()
        expect(page.locator(".console-list .line").first).to_be_visible()
        page.get_by_role("tab", name="Code").click()
        expect(page.locator("#main")).to_contain_text("It ran as committed")
        # What made the second one another than the first.
        page.goto(f"{server.url}/#/compare?selected=1,2")
        expect(page.get_by_role("row", name="hidden 64")).to_contain_text("32")
        page.goto(f"{server.url}/#/curves?selected=1,2")
        expect(page.locator("figure.panel canvas").first).to_be_visible()
        page.goto(f"{server.url}/#/")
        write_filter(page, "status == 'SUCCESS'")
        expect(rows(page)).to_have_count(2)


def test_a_training_that_is_started_meanwhile_is_followed_to_its_end(browser, demo):
    with (
        serving(demo / "experiments", static=static_folder()) as server,
        quiet_page(browser, server.url, viewport={"width": 1200, "height": 800}) as page,
    ):
        page.goto(server.server.url)
        expect(rows(page).first).to_be_visible(timeout=PATIENCE_MS)
        before = rows(page).count()
        command = [sys.executable, "train.py", "--epochs", "600", "--hidden", "16"]
        training = subprocess.Popen(
            command,
            cwd=demo,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            expect(rows(page)).to_have_count(before + 1, timeout=PATIENCE_MS)
            number = first_id(page).text_content()
            page.goto(f"{server.url}/#/experiment/{number}/curves")
            expect(page.locator("figure.panel canvas").first).to_be_visible()
            drawn = "document.querySelector('figure.panel canvas').toDataURL()"
            seen = page.evaluate(drawn)
            page.wait_for_function(f"before => {drawn} !== before", arg=seen)
            page.goto(f"{server.url}/#/")
            expect(rows(page).first).to_contain_text("SUCCESS", timeout=120_000)
            assert training.wait(60) == 0, training.stderr.read().decode()
        finally:
            training.kill()
            training.communicate()


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    root = tmp_path_factory.mktemp("walk") / "experiments"
    make_store.make(COUNT, str(root))
    return root


def test_ten_thousand_rows_are_scrolled_sorted_filtered_grouped_and_compared(browser, many):
    with (
        serving(many, static=static_folder()) as server,
        quiet_page(browser, server.url, viewport={"width": 1200, "height": 800}) as page,
    ):
        page.goto(server.server.url)
        expect(first_id(page)).to_have_text(str(COUNT), timeout=PATIENCE_MS)
        page.locator(".grid").focus()
        page.keyboard.press("End")
        expect(page.locator(".grid-body .row .link").last).to_have_text("1")
        page.keyboard.press("Home")
        expect(first_id(page)).to_have_text(str(COUNT))
        # In the order of a result; the best three are chosen and compared.
        page.goto(f"{server.url}/#/?sort=-summary.test_accuracy&columns=summary.test_accuracy")
        expect(first_id(page)).not_to_have_text(str(COUNT), timeout=PATIENCE_MS)
        expect(rows(page).first).to_contain_text("0.999")
        page.locator(".grid").focus()
        for key in ("x", "j", "x", "j", "x"):
            page.keyboard.press(key)
        expect(page.get_by_text("3 selected")).to_be_visible()
        chosen = page.evaluate("new URLSearchParams(location.hash.split('?')[1]).get('selected')")
        page.goto(f"{server.url}/#/compare?selected={chosen}")
        expect(page.locator(".verdict")).to_contain_text("differ in")
        page.goto(f"{server.url}/#/curves?selected={chosen}")
        expect(page.locator("figure.panel canvas").first).to_be_visible()
        page.goto(f"{server.url}/#/")
        write_filter(page, "summary.test_accuracy > 0.99")
        expect(page.locator(".counts")).to_contain_text("of 10,000", timeout=PATIENCE_MS)
        page.goto(f"{server.url}/#/?groupby=status")
        expect(rows(page).first).to_contain_text("±", timeout=PATIENCE_MS)
        # Only what is looked at is in the page.
        page.goto(f"{server.url}/#/")
        expect(first_id(page)).to_have_text(str(COUNT))
        assert page.locator(".grid-body .row").count() < 80
