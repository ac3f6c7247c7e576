"""What curves look like and say: smoothed ones, bands, odd steps, and axes that cannot show all."""

import json
import math
import re

import pytest
from playwright.sync_api import expect

from meticulous.web.server import static_folder
from read.records import write_record
from web.browsing import chromium, faults, quiet_page
from web.serving import serving

START = 1_767_225_600
LEFT, RIGHT = 58, 10  # what is beside the axis of a panel

# Pixels of the first panel with the strong colour of a curve, in columns.
STRONG = """canvas => {
  const {width, height} = canvas;
  const copy = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
  copy.drawImage(canvas, 0, 0);
  const {data} = copy.getImageData(60, 0, width - 70, height - 30);
  const columns = new Set();
  for (let at = 0; at < data.length; at += 4) {
    const [r, g, b] = data.slice(at, at + 3);
    if (data[at + 3] > 200 && Math.max(r, g, b) - Math.min(r, g, b) > 120) {
      columns.add((at / 4) % (width - 70));
    }
  }
  return columns.size / (width - 70);
}"""


def record(root, expid, metric, points, **args):
    folder = write_record(root, expid, args={"seed": int(expid), **args})
    lines = (
        {"step": step, "time": START + index, metric: value}
        for index, (step, value) in enumerate(points)
    )
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(browser, tmp_path_factory):
    root = tmp_path_factory.mktemp("curves") / "experiments"
    spiky = [(step, 1e4 if step == 137 else 0.05 + step / 1e4) for step in range(200)]
    record(root, "1", "loss", spiky)
    seeds = [(step, 1 + step / 100) for step in range(100)]
    record(root, "2", "loss", seeds, group="a")
    record(root, "3", "loss", seeds, group="a")
    record(root, "4", "loss", [(step, 5) for step in range(40)], group="a")
    record(root, "5", "loss", [(0.5, 1), (1.25, 2), (2, 3)])
    record(root, "6", "loss", [(step, -1) for step in range(20)])
    record(root, "7", "loss", [(step, step - 4) for step in range(20)])
    record(root, "8", "loss", [(20000 + step / 4, 2.302585 + step * 1e-8) for step in range(5)])
    long = [(step, 1 + step / 2e4 + 0.3 * math.sin(13 * step)) for step in range(20_001)]
    record(root, "9", "loss", long)
    with serving(root, static=static_folder()) as server:
        yield server


@pytest.fixture
def page(browser, server):
    with quiet_page(browser, server.url, viewport={"width": 1000, "height": 800}) as page:
        page.goto(server.server.url)
        expect(page.locator(".grid-body .row")).to_have_count(9)
        page.go = lambda address: page.goto(f"{server.url}/#/curves?{address}")
        yield page


def point_at(page, share):
    """Point at a place of the first panel, and return what it reads out."""
    plot = page.locator(".plot").first
    expect(plot).to_have_attribute("aria-busy", "false")
    box = plot.bounding_box()
    page.mouse.move(box["x"] + LEFT + share * (box["width"] - LEFT - RIGHT), box["y"] + 100)
    readout = page.locator(".readout").first
    expect(readout.locator("b").first).to_be_visible()
    return readout


def saved(page, form):
    with page.expect_download() as waiting:
        page.get_by_role("button", name=f"Save loss as {form}").click()
    return waiting.value.path().read_text()


def test_the_smoothed_line_is_in_the_panel_and_read_out_beside_the_raw_value(page):
    page.go("selected=1&smooth=0.9&zoom=142..197")
    readout = point_at(page, 0.3)
    expect(readout).to_contain_text(re.compile(r"0\.0\d+ smoothed \d{3}"))
    assert page.locator(".plot canvas").first.evaluate(STRONG) > 0.9


def test_what_is_smoothed_is_the_same_in_the_whole_view_and_zoomed(page):
    page.go("selected=1&smooth=0.9")
    whole = point_at(page, 158 / 199).locator("b").nth(1)
    expect(page.locator(".readout .place").first).to_have_text("step 158")
    expect(whole).to_have_text(re.compile(r"^\d"))
    value = float(whole.inner_text())
    page.go("selected=1&smooth=0.9&zoom=148..168")
    zoomed = point_at(page, 0.5).locator("b").nth(1)
    expect(page.locator(".readout .place").first).to_have_text("step 158")
    assert float(zoomed.inner_text()) == pytest.approx(value, rel=0.01)
    assert value == pytest.approx(0.1 * 1e4 * 0.9**21, rel=0.01)


def test_groups_of_points_are_smoothed_as_the_points_are(page):
    found = []
    for zoom in ("", "&zoom=9000..11000", "&zoom=9900..10100"):
        page.go(f"selected=9&smooth=0.9{zoom}")
        readout = point_at(page, 0.5)
        expect(readout.locator(".place")).to_have_text(re.compile(r"^step (99[89]\d|100[012]\d)$"))
        page.wait_for_load_state("networkidle")  # the part is fetched finer
        found.append(float(readout.locator("b").nth(1).inner_text()))
    assert found == pytest.approx([1.5 - 10 / 600] * 3, rel=0.02)


def test_a_band_says_where_a_seed_ended(page):
    page.go("selected=2,3,4&band=args.group")
    expect(point_at(page, 0.2)).not_to_contain_text("of 3")
    whole = page.locator(".plot canvas").first.evaluate(STRONG)
    expect(point_at(page, 0.8)).to_contain_text("2 of 3")
    assert whole < 0.95  # the dashes have gaps
    assert "stroke-dasharray" in saved(page, "svg")
    lines = saved(page, "csv").splitlines()
    assert lines[0] == "id,step,loss,low,high,n"
    assert (lines[40].endswith(",3"), lines[41].endswith(",2")) == (True, True)
    page.go("selected=2,3,4")
    expect(page.locator(".legend li")).to_have_count(3)
    assert saved(page, "csv").startswith("id,step,loss,low,high\n")


def test_a_step_that_is_no_whole_number_is_told_as_it_is(page):
    page.go("selected=5")
    readout = point_at(page, 0.02)
    expect(readout.locator(".place")).to_have_text("step 0.5")
    expect(point_at(page, 0.5).locator(".place")).to_have_text("step 1.25")
    expect(point_at(page, 0.98).locator(".place")).to_have_text("step 2")


def test_labels_of_an_axis_differ(page):
    page.go("selected=8")
    point_at(page, 0.5)
    drawing = saved(page, "svg")
    for anchor in ("middle", "end"):
        labels = re.findall(rf'text-anchor="{anchor}"[^>]*>([\d.]+)<', drawing)
        assert len(labels) > 2
        assert len(set(labels)) == len(labels)
    assert "20000.25" in drawing or "20000.2<" in drawing


def test_what_a_logarithmic_axis_cannot_show_is_said(page):
    page.go("selected=6&logy=1")
    panel = page.locator("figure.panel").first
    expect(panel).to_contain_text("Nothing of it is above zero: a logarithmic axis cannot show it.")
    page.go("selected=7&logy=1")
    expect(panel).to_contain_text("5 points at or below zero are not shown.")
    assert faults(page) == []
    page.go("selected=7&logx=1")
    expect(panel).to_contain_text("1 point at or below zero is not shown.")
    page.go("selected=7")
    expect(panel).not_to_contain_text("not shown")


def test_a_logarithmic_axis_has_the_first_steps_of_a_long_curve_each(page):
    page.go("selected=9&logx=1")
    point_at(page, 0.5)
    steps = [float(line.split(",")[1]) for line in saved(page, "csv").splitlines()[1:]]
    assert steps[:12] == [float(step) for step in range(12)]
    assert len(steps) < 1300
