"""Many experiments as lines and dots: limits and dots by mouse and by keys."""

import re

import pytest
from playwright.sync_api import expect

from meticulous.web.server import static_folder
from read.records import write_record
from web.browsing import chromium, faults, quiet_page
from web.serving import serving

AXES = "#/explore?axes=args.lr,args.optim,summary.acc&colour=summary.acc"
OPTIMS = ("adam", "lamb", "sgd")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Of each optimiser four: rates 1 to 4, and the accuracy a tenth of the id."""
    root = tmp_path_factory.mktemp("explore") / "experiments"
    for number in range(12):
        args = {"lr": 1 + number % 4, "optim": OPTIMS[number // 4]}
        write_record(root, str(number + 1), args=args, summary={"acc": (number + 1) / 10})
    with serving(root, static=static_folder()) as server:
        yield server


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser, server):
    with quiet_page(browser, server.url, viewport={"width": 1000, "height": 900}) as page:
        page.goto(f"{server.server.url}{AXES}")
        expect(page.locator(".canvas-box canvas")).to_have_count(2)
        yield page


def limits(page):
    return page.get_by_role("group", name="Limits")


def test_a_limit_is_set_changed_and_removed_by_keys(page):
    axis = limits(page).get_by_label("Limit an axis")
    axis.focus()
    axis.select_option("args.lr")
    low = page.get_by_label("Lowest args.lr")
    expect(low).to_have_value("1")
    expect(page.get_by_label("Highest args.lr")).to_have_value("4")
    low.fill("2.5")
    low.press("Enter")
    expect(page.get_by_role("status").first).to_have_text("6 of 12 are inside.")
    axis.select_option("args.optim")
    page.get_by_label("Lowest args.optim").select_option("lamb")
    expect(page.get_by_role("status").first).to_have_text("4 of 12 are inside.")
    page.get_by_label("Highest args.optim").select_option("adam")  # below the lowest: it follows
    expect(page.get_by_label("Lowest args.optim")).to_have_value("0")
    expect(page.get_by_role("status").first).to_have_text("2 of 12 are inside.")
    assert not faults(page)
    page.reload()  # the address holds them
    expect(page.get_by_role("status").first).to_have_text("2 of 12 are inside.")
    page.get_by_role("button", name="No limit of args.lr").press("Enter")
    expect(page.get_by_role("status").first).to_have_text("4 of 12 are inside.")
    page.get_by_role("button", name="Select the 4 inside").press("Enter")
    expect(page.get_by_text("4 selected")).to_be_visible()
    assert re.search(r"selected=(1,2,3,4|4,3,2,1)\b", page.url.replace("%2C", ","))


def test_a_drag_along_an_axis_is_a_limit_and_a_click_on_it_none(page):
    box = page.locator(".canvas-box canvas").first.bounding_box()
    x = box["x"] + 70  # the first axis
    page.mouse.move(x, box["y"] + 34)
    page.mouse.down()
    page.mouse.move(x, box["y"] + 160, steps=4)
    page.mouse.up()
    expect(page.get_by_role("status").first).to_have_text("6 of 12 are inside.")
    expect(page.get_by_label("Highest args.lr")).to_have_value("4")
    page.mouse.click(x, box["y"] + 60)
    expect(page.get_by_role("status").first).to_have_text("12 experiments.")
    page.go_back()
    expect(page.get_by_role("status").first).to_have_text("6 of 12 are inside.")
    page.get_by_role("button", name="Remove the limits").click()
    expect(page.get_by_role("status").first).to_have_text("12 experiments.")


def test_the_dots_are_walked_along_and_opened_by_keys(page):
    dots = page.locator(".canvas-box canvas").last
    told = page.locator(".canvas-box").get_by_role("status")
    dots.focus()
    page.keyboard.press("ArrowRight")
    expect(told).to_have_text("1: 1, 0.1")
    page.keyboard.press("ArrowRight")
    expect(told).to_have_text("5: 1, 0.5")
    page.keyboard.press("End")
    expect(told).to_have_text("12: 4, 1.2")
    page.keyboard.press("ArrowLeft")
    expect(told).to_have_text("8: 4, 0.8")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(told).to_have_text("1: 1, 0.1")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/experiment/1"))


def test_a_dot_is_told_when_pointed_at_and_opened_by_a_click(page):
    dots = page.locator(".canvas-box canvas").last
    box = dots.bounding_box()
    right, top = box["x"] + box["width"] - 16, box["y"] + 12  # the largest of both
    page.mouse.move(right - 3, top + 3)
    expect(page.locator(".canvas-box").get_by_role("status")).to_have_text("12: 4, 1.2")
    page.mouse.click(right - 3, top + 3)
    expect(page).to_have_url(re.compile("#/experiment/12"))


def test_limits_fit_a_phone(page):
    page.set_viewport_size({"width": 360, "height": 700})
    for name in ("args.lr", "args.optim"):
        limits(page).get_by_label("Limit an axis").select_option(name)
    expect(page.get_by_label("Highest args.optim")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_an_axis_that_is_not_there_is_told_in_words_of_the_page(page):
    page.evaluate("location.hash = '#/explore?axes=zzzzqqqq,args.lr'")
    expect(page.get_by_text("Columns (C) of the table shows the names.")).to_be_visible()
    page.said.clear()  # the browser itself notes every refusal
