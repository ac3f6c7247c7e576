"""A real browser, and pages in it that must say nothing and ask nobody else."""

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from meticulous.web.server import static_folder

FRONTEND = Path(__file__).parent.parent.parent / "frontend"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), "")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 30_000


def need(path, what):
    """Skip a test where something is missing; in continuous integration it fails."""
    if path:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{what}; continuous integration needs it")
    pytest.skip(what)


@contextlib.contextmanager
def chromium():
    """Start the browser; both it and the built page have to be there."""
    need(static_folder(), "the page is not built: make page")
    need(CHROMIUM, "chromium is not installed")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)  # a machine may be busy with other tests
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextlib.contextmanager
def quiet_page(browser, *allowed, **options):
    """A page of its own; at the end it must have said nothing, and asked only `allowed` places."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("popup", lambda popup: said.append(f"popup: {popup.url}"))
    context.on("request", lambda request: asked.append(request.url))
    page.said = said
    try:
        yield page
        foreign = [url for url in asked if not url.startswith((*allowed, "data:", "blob:"))]
        assert (said, foreign) == ([], [])
    finally:
        context.close()


def faults(page):
    """The serious faults that axe finds in a page, a line each."""
    place = FRONTEND / "node_modules" / "axe-core" / "axe.min.js"
    need(place.exists(), "axe-core is not installed: make page")
    page.evaluate(place.read_text("utf-8"))  # not a script element, which the page forbids
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
