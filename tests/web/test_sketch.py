"""A first look at long curves while they are read: quick, of what was logged, and told apart."""

import contextlib
import json
import os
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from records import write_record

from meticulous import Experiments
from meticulous.web.api import Api
from meticulous.web.server import static_folder
from read.test_history_cache import read_bytes_by
from web.browsing import chromium, quiet_page
from web.serving import serving

POINTS = 60_000
START = datetime(2026, 11, 24, tzinfo=UTC)
IDS = "1,2,3"


def line(step, **metrics):
    when = START + timedelta(seconds=step)
    return json.dumps({"step": step, "time": when.isoformat(timespec="microseconds"), **metrics})


def long_lines():
    """Values that tell their step; a metric that ends early, and one that is rare."""
    for step in range(POINTS):
        more = {"early": step} if step < 100 else {}
        yield line(step, loss=2 * step, **more)


def write(folder, lines):
    path = folder / "metrics.jsonl"
    path.write_bytes("".join(f"{one}\n" for one in lines).encode())
    moment = time.time() - 900
    os.utime(path, (moment, moment))
    return path


@pytest.fixture(scope="module")
def text():
    return list(long_lines())


@pytest.fixture
def root(tmp_path, monkeypatch, text):
    """Two long curves, and a short one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "experiments"
    for number in (1, 2):
        start = START.isoformat(timespec="microseconds")
        write(write_record(root, str(number), start_time=start), text)
    write(write_record(root, "3"), [line(step, loss=2 * step, other=1) for step in range(5)])
    return root


@pytest.fixture
def api(root):
    with contextlib.closing(Api(Experiments("", str(root)))) as api:
        yield api


def test_little_is_read_for_a_sketch(root, api):
    size = (root / "1" / "metrics.jsonl").stat().st_size
    api.rows()
    assert size > 4e6
    assert read_bytes_by(lambda: api.metrics("1", sketch=True)) < size / 20
    assert read_bytes_by(lambda: api.curves("1", "loss", sketch=True, points=100)) < size / 10


def test_a_sketch_has_what_was_logged_from_the_first_point_to_the_last(api):
    one, other, short = api.curves(IDS, "loss", points=100, sketch=True)
    assert one["sketch"] and other["sketch"] and "sketch" not in short
    assert 67 <= len(one["x"]) <= 202
    assert one["low"][0] == 0
    assert one["high"][-1] == 2 * (POINTS - 1)
    assert one["x"] == sorted(one["x"])
    columns = (one[name] for name in ("x", "low", "mean", "high"))
    for place, low, mean, high in zip(*columns, strict=True):
        assert low <= mean <= high
        assert mean / 2 == pytest.approx(place)
    assert one["points"] < POINTS / 10
    assert short["mean"] == [0, 2, 4, 6, 8]
    (timed,) = api.curves("1", "loss", x="relative", points=100, sketch=True)
    assert timed["x"] == pytest.approx(one["x"])
    (wall,) = api.curves("1", "loss", x="wall", points=100, sketch=True)
    assert wall["x"][-1] == pytest.approx(START.timestamp() + one["x"][-1])


def test_the_names_of_a_sketch_are_those_of_some_lines(api):
    names = api.metrics(IDS, sketch=True)
    assert names == {"loss": ["1", "2", "3"], "early": ["1", "2"], "other": ["3"]}
    assert api.metrics(IDS) == names


def test_once_it_is_read_a_curve_is_no_sketch_any_more(api):
    whole = api.curves(IDS, "loss", points=100)
    assert [curve["points"] for curve in whole] == [POINTS, POINTS, 5]
    assert api.curves(IDS, "loss", points=100, sketch=True) == whole
    assert api.curves(IDS, "loss", x="early", sketch=True) == api.curves(IDS, "loss", x="early")


@pytest.mark.parametrize("name", ["early", "nothing"])
def test_who_has_no_point_of_a_metric_in_those_lines_is_left_out(api, name):
    sketched = api.curves("1,2", name, sketch=True)
    assert [curve["id"] for curve in sketched] == (["1", "2"] if name == "early" else [])


LONG = "x" * 300_000


@pytest.mark.parametrize(
    ("odd", "groups"),
    [
        pytest.param([LONG] * 20, 0, id="long lines that are no JSON"),
        pytest.param([line(7, loss=5, text=LONG)] * 20, 5, id="long lines of metrics"),
        pytest.param(["\0" * 100_000] * 50, 0, id="zeros"),
        pytest.param([""] * 3_000_000, 0, id="empty lines"),
        pytest.param(['{"step":"NaN","time":"?","loss":"NaN"}'] * 40_000, 0, id="no place"),
        pytest.param([line(3, loss="Infinity")] * 40_000, 600, id="nothing finite"),
        pytest.param([line(3, loss=1, session=n) for n in range(40_000)], 600, id="sessions"),
        pytest.param([line(3, **{f"m{n}": 1}) for n in range(40_000)], 0, id="names without end"),
    ],
)
def test_no_file_keeps_others_from_being_sketched(root, api, odd, groups):
    write(root / "2", odd)
    before, after, short = (api.curves(one, "loss", sketch=True) for one in ("1", "2", "3"))
    assert before and short
    assert sum(len(curve["x"]) for curve in after) == pytest.approx(groups, abs=groups / 2)
    for curve in after:
        assert {len(curve[name]) for name in ("x", "low", "mean", "high")} == {len(curve["x"])}
    assert "loss" in api.metrics(IDS, sketch=True)
    path = root / "1" / "metrics.jsonl"
    path.write_bytes(path.read_bytes() + "\n".join(odd).encode()[:3_000_000])  # an end without one
    assert api.curves("1", "loss", sketch=True)


def test_a_page_shows_a_sketch_says_so_and_then_all_points(root):
    held = []
    with (
        chromium() as browser,
        serving(root, static=static_folder()) as server,
        quiet_page(browser, server.url) as page,
    ):
        page.route(
            lambda url: "/api/curves" in url and "sketch" not in url,
            lambda route: held.append(route),
        )
        page.goto(f"{server.server.url}#/curves?selected=1,2,3&metrics=^loss")
        panel = page.locator("figure.panel").first
        expect(panel.get_by_role("status")).to_have_text("a sketch; reading all points…")
        expect(panel.locator(".plot")).to_have_class("plot sketch")
        expect(page.get_by_role("button", name="Save loss as csv")).to_be_disabled()
        panel.locator(".plot").focus()
        page.keyboard.press("ArrowRight")
        expect(panel.locator(".readout b").first).to_be_visible()
        for route in held:
            route.continue_()
        page.unroute_all()
        expect(panel.locator(".plot")).to_have_class("plot")
        expect(panel.get_by_role("status")).to_have_count(0)
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Save loss as csv").click()
        assert len(waiting.value.path().read_text().splitlines()) > 300
        # What has been read is not sketched again.
        with page.expect_response(lambda response: "/api/curves" in response.url) as answered:
            page.reload()
        assert not any("sketch" in curve for curve in answered.value.json()["curves"])
        expect(panel.locator(".plot")).to_have_attribute("aria-busy", "false")


def test_many_panels_are_sketched_though_few_long_questions_are_asked_at_once(root):
    held, free = [], []
    names = [f"m{number}" for number in range(9)]
    row = dict.fromkeys(names, 1)
    write(root / "1", [line(step, **row) for step in range(12_000)])
    with (
        chromium() as browser,
        serving(root, static=static_folder()) as server,
        quiet_page(browser, server.url, viewport={"width": 1200, "height": 3000}) as page,
    ):
        page.route(
            lambda url: "/api/curves" in url and "sketch" not in url,
            lambda route: route.continue_() if free else held.append(route),
        )
        page.goto(f"{server.server.url}#/curves?selected=1&metrics=^m")
        expect(page.locator(".plot.sketch")).to_have_count(len(names))
        assert len(held) == 2
        free.append(True)
        for route in held:
            route.continue_()
        expect(page.locator(".plot[aria-busy=false]:not(.sketch)")).to_have_count(len(names))
