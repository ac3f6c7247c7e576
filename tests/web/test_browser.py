"""The page in a real browser, on the paths that people take: no error, no foreign request."""

import importlib.util
import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from conftest import Repository
from meticulous.web.server import static_folder
from read.records import write_record
from web.browsing import PATIENCE_MS, chromium, faults, quiet_page
from web.serving import serving

_SPEC = importlib.util.spec_from_file_location(
    "make_store", Path(__file__).parent.parent.parent / "benchmarks" / "make_store.py"
)
make_store = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_store)

TRAIN = """\
    import os, sys, time
    from meticulous import Experiment

    def wait_for(name):
        while not os.path.exists(name):
            time.sleep(0.05)

    with Experiment({"lr": 0.5, "model": "live"}, dirty="snapshot") as experiment:
        print("\\x1b[32mgreen\\x1b[0m line")
        for part in range(2):
            for step in range(100 * part, 100 * part + 100):
                experiment.log({"loss": 1 / (step + 1)}, step=step)
            print(f"part {part} done", flush=True)
            wait_for(f"part-{part}")
    """
# Each view, and what is there when it is complete.
VIEWS = {
    "#/": ".grid-body .row .tag, .grid-body .sparkline, .grid-body svg",
    "#/experiment/5": "text=Run it again",
    "#/experiment/5/curves": "figure.panel canvas",
    "#/experiment/5/code": "text=commit",
    "#/experiment/5/console": ".console-list .line",
    "#/experiment/5/files?part=page.html": ".file-text",
    "#/experiment/5/environment": "#tab-panel",
    "#/curves?selected=1-3": "figure.panel canvas",
    "#/compare?selected=1,2": "tr.differs",
    "#/explore": "canvas",
    "#/paper?rows=args.model&cells=summary.acc": "table.values",
}
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Seven recorded experiments."""
    project = Repository(tmp_path_factory.mktemp("browser") / "digits")
    sha = project.git("rev-parse", "HEAD")
    for number in range(1, 8):
        failed = "ERROR\nTraceback (most recent call last):\nValueError: too big a step"
        folder = write_record(
            project.root,
            str(number),
            status=failed if number == 5 else "SUCCESS",
            args={
                "lr": number / 8,
                "model": "mlp" if number % 2 else "cnn",
                "seed": number % 3,
                "data": "/long" * 60,
            },
            summary={"acc": number / 16, "text": EVIL},
            annotations={"name": f"try {number}"},
            githead_sha=sha,
        )
        rows = [
            {"step": step, "time": 1.6e9 + step, "loss": 8 / (step + number), "val/acc": step / 500}
            for step in range(500)
        ]
        rows[250]["loss"] = "NaN" if number == 3 else 1
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / "stdout").write_text("".join(f"epoch {n}\n" for n in range(5000)))
        trace = (
            'Traceback (most recent call last):\n  File "train.py", line 7\nValueError: too big\n'
        )
        (folder / "stderr").write_text(f"warming up\n{trace}" if number == 5 else "")
        (folder / "page.html").write_text("<script>alert(1)</script>")
        data = {"role": "input", "base": "project", "path": "data.csv", "sha256": "ab" * 32}
        (folder / "files.jsonl").write_text(json.dumps({**data, "size": 1234}) + "\n")
    return project


@pytest.fixture(scope="module")
def server(project, browser):
    with serving(project.root, static=static_folder()) as server:
        yield server


@pytest.fixture
def page(browser, server):
    with quiet_page(browser, server.url, viewport={"width": 1200, "height": 800}) as page:
        page.goto(server.server.url)
        expect(rows(page)).to_have_count(7, timeout=PATIENCE_MS)
        page.go = lambda address: page.goto(f"{server.url}/{address}")
        yield page


def rows(page):
    return page.locator(".grid-body .row:not([aria-busy])")


def first_id(page):
    return page.locator(".grid-body .row .link").first


def write_filter(page, text):
    page.get_by_label("Filter").fill(text)
    page.keyboard.press("Escape")  # the names that are offered
    page.get_by_label("Filter").press("Enter")


def test_the_table_is_sorted_filtered_chosen_and_kept_in_the_address(page, server):
    assert server.token not in page.url
    expect(first_id(page)).to_have_text("7")
    page.get_by_role("button", name="args lr").click()
    page.get_by_role("button", name="args lr").click()
    expect(first_id(page)).to_have_text("1")
    write_filter(page, "lr > 0.3 and modle == 'mlp'")
    expect(page.locator(".filter-problem")).to_contain_text("model")
    # The browser itself notes every refusal.
    assert all("status of 400" in line for line in page.said)
    page.said.clear()
    write_filter(page, "lr > 0.3 and model == 'mlp'")
    expect(rows(page)).to_have_count(3)
    page.locator(".grid").focus()
    for key in ("x", "j", "x"):
        page.keyboard.press(key)
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.reload()
    expect(rows(page)).to_have_count(3)
    expect(page.get_by_text("2 selected")).to_be_visible()
    expect(first_id(page)).to_have_text("3")
    write_filter(page, "")
    page.get_by_label("Group").select_option("args.model")
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("±")
    page.locator(".grid").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next row")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_one_experiment_shows_how_it_failed_its_console_and_its_files(page):
    page.get_by_role("button", name="5", exact=True).click()
    expect(page.locator(".traceback, .card").first).to_contain_text("ValueError")
    expect(page.get_by_role("heading", name="5 try 5")).to_be_visible()
    expect(page.get_by_role("region", name="Inputs and outputs")).to_contain_text(
        "inputdata.csv1.2 kBabababababab"
    )
    page.get_by_role("tab", name="Console").click()
    page.get_by_role("button", name="stdout").click()  # it failed: stderr comes first
    expect(page.locator(".console-list")).to_contain_text("epoch 0")
    page.get_by_label("Search the console").fill("epoch 4321")
    page.keyboard.press("Enter")
    expect(page.locator(".console-list")).to_contain_text("epoch 4321")
    page.get_by_role("button", name="stderr").click()
    expect(page.locator(".console-list .error")).to_contain_text("Traceback")
    page.get_by_role("tab", name="Files").click()
    page.get_by_text("page.html").first.click()
    expect(page.locator(".file-text")).to_contain_text("<script>alert(1)</script>")
    page.get_by_role("tab", name="Code").click()
    expect(page.locator("#main")).to_contain_text("commit")


def test_curves_mark_what_is_no_number_and_zoom(page):
    page.go("#/curves?selected=1-4")
    expect(page.locator("figure.panel")).to_have_count(2)
    drawing = ""
    while "NaN" not in drawing:  # until the curves have come
        with page.expect_download() as download:
            page.get_by_label("Save loss as svg").click()
        drawing = download.value.path().read_text()
    assert drawing.count("<title>NaN</title>") == 1
    assert drawing.count('stroke-width="1.6"') == 4
    plot = page.locator("figure.panel", has_text="loss").locator(".plot")
    with page.expect_response(lambda response: "low=" in response.url) as finer:
        box = plot.bounding_box()
        page.mouse.move(box["x"] + 150, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 300, box["y"] + 60, steps=4)
        page.mouse.up()
    assert all(curve["points"] < 400 for curve in finer.value.json()["curves"])
    expect(page.locator(".readout").first).to_contain_text("step")


def test_a_comparison_shows_what_differs(page):
    page.go("#/compare?selected=1,2")
    expect(page.locator(".verdict")).to_contain_text("1 and 2 differ in: args (3)")
    row = page.locator("tr.differs", has_text="lr")
    expect(row).to_contain_text("0.125")
    expect(row).to_contain_text("0.25")
    page.go("#/paper?rows=args.model&cells=summary.acc")
    expect(page.locator("table.values")).to_contain_text("mlp")


def test_what_runs_appears_and_grows_without_a_reload(browser, repository):
    repository.program(TRAIN)
    repository.write("train.py", TRAIN + "\n    # the change\n")
    write_record(repository.root)
    with (
        serving(repository.root, static=static_folder()) as server,
        quiet_page(browser, server.url) as page,
    ):
        page.goto(server.server.url)
        expect(rows(page)).to_have_count(1, timeout=PATIENCE_MS)
        child = repository.start("train.py")
        try:
            follow(page, repository, server.url)
            assert child.wait(60) == 0
            page.goto(f"{server.url}/#/")
            expect(rows(page).first).to_contain_text("SUCCESS", timeout=PATIENCE_MS)
        finally:
            child.kill()
            said = child.communicate()[1]
            assert b"Traceback" not in said, said.decode()


def follow(page, repository, url):
    """Look at the running experiment 2 while it goes on."""
    expect(rows(page)).to_have_count(2, timeout=PATIENCE_MS)
    expect(rows(page).first).to_contain_text("RUNNING")
    page.goto(f"{url}/#/experiment/2/curves")
    canvas = page.locator("figure.panel canvas")
    expect(canvas).to_be_visible()
    before = canvas.evaluate("node => node.toDataURL()")
    with page.expect_response(
        lambda r: "/api/curves" in r.url and r.json()["curves"][0]["points"] == 200
    ):
        repository.write("part-0", "")
    page.wait_for_function(
        "before => document.querySelector('figure.panel canvas').toDataURL() !== before",
        arg=before,
    )
    page.goto(f"{url}/#/experiment/2/console")
    expect(page.locator(".console-list")).to_contain_text("part 1 done")
    expect(page.locator(".console-list .line").first).to_have_text("green line")
    page.goto(f"{url}/#/experiment/2/code")
    expect(page.locator("#main")).to_contain_text("# the change")
    repository.write("part-1", "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_and_fits_a_phone(browser, server, scheme):
    with quiet_page(browser, server.url, color_scheme=scheme) as page:
        page.goto(server.server.url)
        expect(rows(page).first).to_be_visible(timeout=PATIENCE_MS)
        found = {}
        for view, content in VIEWS.items():
            page.goto(f"{server.url}/{view}")
            expect(page.locator(content).first).to_be_visible()
            found[view] = faults(page)
        assert not {view: told for view, told in found.items() if told}
        page.set_viewport_size({"width": 400, "height": 700})
        for view, content in VIEWS.items():
            page.goto(f"{server.url}/{view}")
            expect(page.locator(content).first).to_be_visible()
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 400, view
            assert not faults(page), view
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        shades = [int(part) for part in back[back.index("(") + 1 : -1].split(",")[:3]]
        assert (max(shades) < 80) == (scheme == "dark")


def test_thousands_of_rows_are_scrolled_sorted_and_filtered(browser, tmp_path):
    make_store.make(2000, str(tmp_path / "experiments"))
    with (
        serving(tmp_path / "experiments", static=static_folder()) as server,
        quiet_page(browser, server.url) as page,
    ):
        page.goto(server.server.url)
        expect(first_id(page)).to_have_text("2000", timeout=PATIENCE_MS)
        page.locator(".grid").focus()
        page.keyboard.press("End")
        last = page.locator(".grid-body .row .link", has_text="1").last
        expect(last).to_have_text("1")
        page.keyboard.press("Home")
        expect(first_id(page)).to_have_text("2000")
        asked = []
        page.on("request", lambda request: asked.append(request.url.partition("/api/")[2]))
        with page.expect_request("**/main?*"):
            page.goto(f"{server.url}/#/?sort=summary.test_accuracy")
        expect(first_id(page)).not_to_have_text("2000")
        # What is looked at comes first.
        found = next(question for question in asked if question.startswith("rows?sort="))
        assert "offset=0&" in found and int(found.partition("limit=")[2]) <= 60
        held, let_on = [], []
        page.route(
            "**/rows?filter=*", lambda route: let_on[0](route) if let_on else held.append(route)
        )
        write_filter(page, "summary.test_accuracy > 0.99")
        page.wait_for_timeout(300)
        assert held and not [question for question in asked if "columns?filter=" in question]
        with page.expect_request("**/columns?filter=*"):
            let_on.append(lambda route: route.continue_())
            for route in held:
                route.continue_()
        expect(page.locator(".counts")).to_contain_text("of 2,000")
        assert 0 < rows(page).count() < 60


def test_a_table_without_rows_shows_those_that_come(browser, tmp_path):
    (tmp_path / "experiments").mkdir()
    with (
        serving(tmp_path / "experiments", static=static_folder()) as server,
        quiet_page(browser, server.url) as page,
    ):
        page.goto(server.server.url)
        expect(page.locator("#main")).to_contain_text("There is no experiment in")
        write_record(tmp_path / "experiments", "1")
        expect(rows(page)).to_have_count(1)
        write_filter(page, "expid > 1")
        page.get_by_role("button", name="Show all").click()
        expect(rows(page)).to_have_count(1)
