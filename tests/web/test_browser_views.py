"""Curves and comparisons looked at closely: what ends, lies far out, or has a long name."""

import json
import re

import pytest
from playwright.sync_api import expect

from meticulous.web.server import static_folder
from read.records import write_record
from web.browsing import chromium, quiet_page
from web.serving import serving

START = 1_767_225_600  # midnight in UTC, seven in the evening before in New York
LONG = "model-" + "x" * 200


def record(root, expid, points, **args):
    folder = write_record(root, expid, args={"seed": int(expid), "model": LONG, **args})
    lines = ({"step": step, "time": START + step / 100, "loss": value} for step, value in points)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(browser, tmp_path_factory):
    root = tmp_path_factory.mktemp("views") / "experiments"
    record(root, "1", [(step, step / 100) for step in range(0, 201, 10)])
    record(root, "2", [(step, 1) for step in range(5)], model=f"{LONG}2")
    spiky = [(step, 30 if step == 777 else 0.5) for step in range(1500)]
    record(root, "3", spiky, group="a")
    record(root, "4", [(step + 0.5, 0.5) for step, _ in spiky[:1400]], group="a")
    with serving(root, static=static_folder()) as server:
        yield server


@pytest.fixture
def page(browser, server):
    options = {"viewport": {"width": 1000, "height": 800}, "timezone_id": "America/New_York"}
    with quiet_page(browser, server.url, **options) as page:
        page.goto(server.server.url)
        expect(page.locator(".grid-body .row")).to_have_count(4)
        page.go = lambda address: page.goto(f"{server.url}/{address}")
        yield page


def first_plot(page):
    """The first panel, its curves drawn."""
    plot = page.locator(".plot").first
    expect(plot).to_have_attribute("aria-busy", "false")
    expect(plot.locator("canvas")).to_be_visible()
    return plot


def point_at_the_middle(page):
    plot = first_plot(page)
    box = plot.bounding_box()
    page.mouse.move(box["x"] + (58 + box["width"] - 10) / 2, box["y"] + 100)
    return page.locator(".readout").first


def drawn_pixels(page):
    """How many pixels of the first panel have the colour of a curve."""
    return page.locator(".plot canvas").first.evaluate(
        """canvas => {
          const {width, height} = canvas;
          const copy = new OffscreenCanvas(width, height)
            .getContext('2d', {willReadFrequently: true});
          copy.drawImage(canvas, 0, 0);
          const {data} = copy.getImageData(60, 0, width - 60, height - 30);
          let found = 0;
          for (let at = 0; at < data.length; at += 4) {
            const [r, g, b] = data.slice(at, at + 3);
            if (data[at + 3] > 100 && Math.max(r, g, b) - Math.min(r, g, b) > 80) found++;
          }
          return found;
        }"""
    )


def test_a_run_that_ended_before_is_not_read_out_and_long_names_stay_in_the_panel(page):
    page.go("#/curves?selected=1,2")
    readout = point_at_the_middle(page)
    expect(readout).to_contain_text("step 100")
    expect(readout.locator("b")).to_have_text(["1"])
    inner = readout.evaluate("node => node.scrollWidth - node.clientWidth")
    assert inner <= 0
    assert readout.evaluate("node => node.scrollHeight <= node.clientHeight + 2")


def test_a_date_is_told_to_the_second_on_the_clock_of_who_looks(page):
    page.go("#/curves?selected=1&x=wall")
    readout = point_at_the_middle(page)
    expect(readout).to_contain_text("2025-12-31 19:00:01")
    # Over another x the place would mean something else.
    page.locator(".tools select").first.select_option("step")
    expect(readout).to_have_text("")


def test_a_zoom_between_two_points_shows_the_line_that_crosses_it(page):
    page.go("#/curves?selected=1&zoom=92..98")
    readout = point_at_the_middle(page)
    expect(readout.locator("b")).to_have_text(re.compile("^(0.9|1)$"))
    assert drawn_pixels(page) > 300
    page.go("#/curves?selected=1&zoom=0..50&logx=1")
    expect(point_at_the_middle(page).locator("b")).to_have_text(re.compile(r"^\d"))
    assert drawn_pixels(page) > 300


def test_a_spike_of_one_seed_is_in_the_band_and_in_what_is_saved(page):
    page.go("#/curves?selected=3,4&band=args.group")
    expect(page.locator(".legend")).to_contain_text("group=a (2)")
    expect(page.locator(".plot canvas").first).to_be_visible()
    point_at_the_middle(page)
    expect(page.locator(".readout b").first).to_have_text(re.compile(r"\d"))
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save loss as csv").click()
    lines = waiting.value.path().read_text().splitlines()[1:]
    assert max(float(line.rsplit(",", 2)[1]) for line in lines) == 30
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save loss as svg").click()
    drawing = waiting.value.path().read_text()
    assert ">30<" in drawing and "group=a (2)" in drawing


def test_curves_are_read_and_zoomed_by_keys_alone(page):
    page.go("#/curves?selected=1")
    plot = first_plot(page)
    x = page.locator(".tools select").first
    x.focus()
    page.keyboard.press("Escape")
    expect(x).not_to_be_focused()
    page.keyboard.press("p")
    expect(plot).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".readout b").first).to_have_text("1")
    with page.expect_request(lambda request: "low=" in request.url and "high=" in request.url):
        page.keyboard.press("+")
    expect(page).to_have_url(re.compile(r"zoom=\d+"))
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile("zoom="))
    page.keyboard.press("Escape")
    expect(page.locator(".grid")).to_be_visible()


def test_what_a_link_names_and_nobody_logged_is_said_and_stays_chosen(page):
    page.go("#/curves?selected=1&x=nothing")
    expect(page.locator("figure.panel")).to_contain_text("logged together with nothing")
    expect(page.locator(".tools select").first).to_have_value("nothing")
    page.go("#/?groupby=args.group")
    expect(page.locator(".counts")).to_have_text("2 groups")


def test_a_column_is_made_wider_by_keys(page):
    head = page.locator(".row-head").get_by_role("columnheader").filter(has_text="duration")
    before = head.bounding_box()["width"]
    head.get_by_role("button").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("duration;"))
    assert head.bounding_box()["width"] == pytest.approx(before + 40, abs=2)
