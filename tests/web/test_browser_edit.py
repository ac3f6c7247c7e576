"""Tags, notes and names edited on the page in a real browser: in the cell, and never lost."""

import contextlib
import json
import re
import time

import pytest
from playwright.sync_api import expect

from cli.command import run
from meticulous.web.server import static_folder
from read.records import write_record
from web.browsing import PATIENCE_MS, chromium, faults, quiet_page
from web.serving import serving

COLUMNS = "annotations.name,annotations.tags,annotations.notes,summary.acc"
HIDDEN = "summary.acc"
LONG = "n" * 300  # with no place to break a line
NOTE = {"time": "2024-05-06T07:08:09+00:00", "text": "first"}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def root(tmp_path):
    """Six experiments with names, tags and notes; with one tag of two words."""
    root = tmp_path / "experiments"
    for number in range(1, 7):
        newest = {**NOTE, "text": f"newest of {number}"}
        record(root, number, name=f"try {number}", tags=["two words", "b"], notes=[NOTE, newest])
    return root


def record(root, number, **annotations):
    summary = {"acc": number / 8}
    return write_record(root, str(number), summary=summary, annotations=annotations)


@contextlib.contextmanager
def table(browser, root, columns=COLUMNS, *, query="", read_only=False, **options):
    """The table with these columns, its keys ready; `page.server` is what answers it."""
    with (
        serving(root, static=static_folder(), read_only=read_only) as server,
        quiet_page(browser, server.url, **options) as page,
    ):
        page.server = server
        page.go = lambda address: page.goto(f"{server.url}/{address}")
        page.goto(f"{server.server.url}#/?columns={columns}{query}")
        expect(row(page, "1").or_(page.locator(".row .link").first).first).to_be_visible(
            timeout=PATIENCE_MS
        )
        page.locator(".grid").focus()
        yield page


def row(page, expid):
    link = page.locator(".link", has_text=re.compile(f"^{expid}$"))
    return page.locator(".grid-body .row", has=link)


def cell(page, expid, column):
    return row(page, expid).get_by_role("gridcell").nth(column)


def field(page):
    return page.locator("#editor")


def stored(root, expid):
    path = root / expid / "annotations.json"
    return json.loads(path.read_text()) if path.exists() else {}


def replace_summary(root, expid, value):
    new = root / expid / "summary.json~"
    new.write_text(json.dumps({"acc": value}))
    new.replace(root / expid / "summary.json")


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def place_of(page):
    return field(page).bounding_box()["y"]


def refuse(page):
    """Let nothing be saved until `page.unroute_all`."""
    page.route("**/annotations", lambda route: route.abort())


def test_a_row_is_annotated_in_its_cells_with_keys_alone(browser, root):
    with table(browser, root) as page:
        page.keyboard.press("j")
        page.keyboard.press("e")
        expect(field(page)).to_be_focused()
        expect(field(page)).to_have_value("try 5")
        expect(page.get_by_role("dialog")).to_have_count(0)
        box, under = field(page).bounding_box(), cell(page, "5", 1).bounding_box()
        assert abs(box["y"] - under["y"]) < 6
        assert abs(box["x"] - under["x"]) < 12
        page.keyboard.type(" again")
        page.keyboard.press("Tab")
        expect(page.get_by_label("Tags of 5")).to_be_focused()
        page.keyboard.type("paper best, paper")
        page.keyboard.press("Tab")
        expect(page.get_by_label("Note of 5")).to_be_focused()
        expect(field(page)).to_have_value("")
        expect(page.locator("#editor-words")).to_contain_text("Added to the notes before")
        page.keyboard.type("one line")
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("and another")
        page.keyboard.press("Enter")
        expect(field(page)).to_have_count(0)
        expect(cell(page, "5", 1)).to_have_text("try 5 again")
        expect(cell(page, "5", 2)).to_have_text("two wordsbpaperbest")
        expect(cell(page, "5", 3)).to_have_text("one line\nand another")
        page.keyboard.press("k")  # the keys are those of the table again
        page.keyboard.press("F2")
        expect(field(page)).to_have_value("try 6")
        page.keyboard.press("Shift+Tab")
        expect(field(page)).to_have_count(0)
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("save, and edit the next cell")
    found = stored(root, "5")
    assert found["name"] == "try 5 again"
    assert found["tags"] == ["two words", "b", "paper", "best"]
    texts = [note["text"] for note in found["notes"]]
    assert texts == ["first", "newest of 5", "one line\nand another"]
    assert "history" not in stored(root, "6")


def test_a_double_click_edits_and_an_empty_name_takes_the_name_away(browser, root):
    with table(browser, root) as page:
        cell(page, "3", 1).dblclick()
        expect(page.get_by_label("Name of 3")).to_be_focused()
        field(page).fill("")
        page.keyboard.press("Enter")
        expect(cell(page, "3", 1)).to_have_text("–")
        assert "name" not in stored(root, "3")
        cell(page, "4", 1).dblclick()
        field(page).fill("not this")
        page.keyboard.press("Escape")
        expect(field(page)).to_have_count(0)
        cell(page, "4", 3).dblclick()
        field(page).fill("kept by a click elsewhere")
        cell(page, "6", 1).click()
        expect(cell(page, "4", 3)).to_have_text("kept by a click elsewhere")
    assert stored(root, "4")["name"] == "try 4"


def test_a_tag_is_removed_and_those_that_others_gave_meanwhile_stay(browser, root):
    with table(browser, root) as page:
        page.keyboard.press("t")
        page.get_by_role("button", name="Remove two words").click()
        expect(field(page)).to_be_focused()
        page.keyboard.type("mine")
        page.server.tell("6", "tag", ["the others"])
        expect(page.get_by_role("button", name="Remove the others")).to_be_visible()
        expect(field(page)).to_have_value("mine")
        page.keyboard.press("Enter")
        expect(field(page)).to_have_count(0)
        assert stored(root, "6")["tags"] == ["b", "the others", "mine"]
        page.keyboard.press("t")
        expect(page.get_by_role("button", name="Remove mine")).to_be_visible()
        page.keyboard.press("Backspace")
        page.keyboard.press("Shift+Tab")
        expect(page.get_by_role("button", name="Remove the others")).to_be_focused()
        page.keyboard.press("x")  # no key of the table here
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        wait_until(lambda: stored(root, "6")["tags"] == ["b"])
        expect(page.get_by_text("1 selected")).to_have_count(0)


def test_a_name_that_somebody_else_gave_meanwhile_is_told_before_it_is_replaced(browser, root):
    with table(browser, root) as page:
        page.keyboard.press("e")
        page.server.tell("6", "name", "theirs")
        expect(field(page)).to_have_value("theirs")
        page.keyboard.type(" and mine")
        page.server.tell("6", "name", "theirs again")
        expect(page.locator(".editor").get_by_role("alert")).to_contain_text("theirs again")
        page.locator(".counts").click()  # elsewhere, which does not replace it
        expect(field(page)).to_have_value("theirs and mine")
        assert stored(root, "6")["name"] == "theirs again"
        field(page).press("Enter")
        expect(field(page)).to_have_count(0)
        assert stored(root, "6")["name"] == "theirs and mine"


def test_what_cannot_be_saved_stays_with_the_reason_wherever_one_goes(browser, root):
    with table(browser, root) as page:
        refuse(page)
        page.keyboard.press("n")
        page.keyboard.type("a long thought")
        page.keyboard.press("Enter")
        alert = page.locator(".editor").get_by_role("alert")
        expect(alert).to_contain_text("not saved: The server does not answer")
        expect(field(page)).to_have_value("a long thought")
        cell(page, "2", 1).dblclick()
        expect(page.locator(".notice")).to_contain_text("Not saved yet: note of 6")
        expect(field(page)).to_be_focused()
        asks = "() => !dispatchEvent(new Event('beforeunload', {cancelable: true}))"
        assert page.evaluate(asks)
        page.get_by_role("link", name="Explore").click()
        expect(page.get_by_role("dialog", name="Note of 6")).to_be_visible()
        expect(field(page)).to_be_focused()
        expect(field(page)).to_have_value("a long thought")
        page.unroute_all()
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".notice")).to_contain_text("Saved the note of 6")
        assert stored(root, "6")["notes"][-1]["text"] == "a long thought"
        assert not page.evaluate(asks)
        page.said.clear()  # the browser itself notes every refusal


def test_rows_that_come_move_and_go_leave_the_editor_where_it_is(browser, tmp_path):
    root = tmp_path / "experiments"
    for number in range(1, 301):
        record(root, number, name=f"try {number}")
    with table(browser, root, query="&sort=-summary.acc") as page:
        for _ in range(40):
            page.keyboard.press("j")
        expect(row(page, "260")).to_be_visible()
        page.keyboard.press("n")
        page.keyboard.type("before, ")
        place = place_of(page)
        for number in range(301, 321):
            record(root, number, name="new")
        expect(page.locator(".counts")).to_contain_text("320 rows", timeout=PATIENCE_MS)
        expect(field(page)).to_be_focused()
        assert abs(place_of(page) - place) < 2
        page.keyboard.type("while, ")
        replace_summary(root, "260", 27.6)
        page.wait_for_function("() => document.querySelector('.edit-row').ariaRowIndex > 90")
        assert abs(place_of(page) - place) < 2
        expect(row(page, "260")).to_be_visible()
        replace_summary(root, "260", 1.5)  # among rows that are not here
        expect(page.locator(".editor")).to_contain_text("The row of 260 is elsewhere")
        assert abs(place_of(page) - place) < 2
        page.locator(".grid").evaluate("node => (node.scrollTop = 0)")
        expect(row(page, "320")).to_be_visible()
        expect(row(page, "260")).to_have_count(0)
        page.keyboard.type("after")
        page.keyboard.press("Enter")
        expect(field(page)).to_have_count(0)
    assert stored(root, "260")["notes"][0]["text"] == "before, while, after"


def test_an_experiment_that_leaves_the_filter_can_still_be_edited(browser, root):
    with table(browser, root, query="&filter=summary.acc == 0.75") as page:
        page.keyboard.press("e")
        page.keyboard.type(" more")
        replace_summary(root, "6", 0)
        expect(page.locator(".editor")).to_contain_text("filtered out")
        expect(field(page)).to_be_focused()
        page.keyboard.type(" and more")
        page.keyboard.press("Enter")
        expect(page.get_by_text("No experiment is matched")).to_be_visible()
    assert stored(root, "6")["name"] == "try 6 more and more"


def test_without_a_cell_the_same_editor_is_a_dialog(browser, root):
    with table(browser, root, columns=HIDDEN) as page:
        page.keyboard.press("e")
        dialog = page.get_by_role("dialog", name="Name of 6")
        expect(field(page)).to_be_focused()
        expect(field(page)).to_have_value("try 6")
        page.keyboard.type("!")
        page.keyboard.press("Enter")
        expect(dialog).to_have_count(0)
        expect(page.locator(".grid")).to_be_focused()
        expect(page.locator(".notice")).to_contain_text("Saved the name of 6")
        assert stored(root, "6")["name"] == "try 6!"
        page.go("#/experiment/5")
        page.get_by_role("button", name="note").click()
        field(page).fill("not this")
        page.get_by_role("button", name="Close").focus()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.keyboard.press("t")
        field(page).fill("paper")
        page.get_by_role("button", name="Close").click()  # leaves it, and loses nothing
        expect(page.locator(".facts")).to_contain_text("two words, b, paper")
        expect(page.locator(".facts")).to_contain_text("newest of 5")
        assert len(stored(root, "5")["notes"]) == 2


def test_a_page_to_be_read_only_says_so_and_opens_no_editor(browser, root, capfd, tmp_path):
    with table(browser, root, read_only=True) as page:
        for key in "etn":
            page.keyboard.press(key)
            expect(page.locator(".notice")).to_contain_text("This page is read only")
        cell(page, "2", 1).dblclick()
        expect(field(page)).to_have_count(0)
        page.go("#/experiment/5")
        expect(page.get_by_role("button", name="select")).to_be_visible()
        expect(page.get_by_role("button", name="note")).to_have_count(0)
    file = tmp_path / "report.html"
    assert run(capfd, "ui", "--experiments-directory", root, "--export", file)[0] == 0
    with quiet_page(browser, file.as_uri()) as page:
        page.goto(file.as_uri())
        expect(row(page, "6")).to_be_visible()
        page.keyboard.press("t")
        expect(page.locator(".notice")).to_contain_text("This page is read only")
        expect(field(page)).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_editors_are_accessible_and_fit_a_phone(browser, root, scheme):
    size = {"width": 1000, "height": 700}
    with table(browser, root, color_scheme=scheme, viewport=size) as page:
        for width in (1000, 360):
            page.set_viewport_size({**size, "width": width})
            for key in "etn":
                page.keyboard.press(key)
                box = page.locator(".edit-cell").bounding_box()
                assert box["x"] >= 90
                assert box["x"] + box["width"] <= width
                assert not faults(page)
                page.keyboard.press("Escape")
                expect(field(page)).to_have_count(0)
        page.go(f"#/?columns={HIDDEN}")
        expect(row(page, "6")).to_be_visible()
        page.keyboard.press("t")
        expect(page.get_by_role("dialog")).to_be_visible()
        expect(field(page)).to_be_focused()
        assert not faults(page)


def test_no_page_scrolls_sideways_on_a_phone_however_long_a_name_is(browser, tmp_path):
    root = tmp_path / "experiments"
    for number in range(1, 4):
        folder = write_record(
            root,
            str(number),
            status=f"ERROR\n{LONG}" if number == 1 else "SUCCESS",
            args={"lr": number, "text": LONG + str(number), LONG: number},
            summary={"acc": number, LONG: LONG},
            annotations={"name": LONG, "tags": [LONG], "notes": [{**NOTE, "text": LONG}]},
            description=LONG,
            command=["train.py", LONG],
        )
        rows = [{"step": step, "loss": step * number, LONG: step} for step in range(9)]
        (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in rows))
        (folder / f"{LONG[:200]}.txt").write_text(LONG)
    views = {
        f"#/?columns=status,{COLUMNS},args.text": ".row .tag",
        f"#/?filter=args.{LONG} > 9 and": ".filter-problem",
        "#/?groupby=args.text": ".chip",
        "#/curves?selected=1-3": "figure.panel canvas",
        "#/curves?selected=1-3&band=args.text": "figure.panel canvas",
        "#/compare?selected=1-3": "tr.differs",
        f"#/explore?axes=args.{LONG},args.text": "canvas",
        "#/paper?rows=args.text&cells=summary.acc": "table.values",
        f"#/experiment/{LONG}": ".failure",
        "#/experiment/1": ".wide-card",
        "#/experiment/1/curves": "figure.panel canvas",
        "#/experiment/1/code": "text=commit",
        "#/experiment/1/console": "#tab-panel",
        f"#/experiment/1/files?part={LONG[:200]}.txt": ".file-text",
        "#/experiment/1/environment": "#tab-panel",
    }
    widest = """() => Math.max(...['html', 'main', '.tab-panel'].map(
        (name) => document.querySelector(name)?.scrollWidth ?? 0))"""
    with table(browser, root) as page:
        for width in (400, 360):
            page.set_viewport_size({"width": width, "height": 700})
            for view, content in views.items():
                page.go(view)
                expect(page.locator(content).first).to_be_visible()
                assert page.evaluate(widest) <= width, (view, width)
        page.said.clear()  # the browser itself notes every refusal
