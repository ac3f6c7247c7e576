"""The page as one file: it shows what the records hold, and nothing in them can act."""

import base64
import json
import re

import pytest
from playwright.sync_api import expect

from cli.command import run
from meticulous.web import _export_answers
from meticulous.web.server import static_folder
from read.records import write_record
from web.browsing import chromium, need, quiet_page

EVIL = (
    "</script><script>document.title='hurt';alert(1)</script><!--<script>"
    "<img src=http://evil.example/x onerror=alert(1)>"
)
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


def metrics(points, *, odd=-1):
    rows = [
        {"step": step, "time": 1.6e9 + step, "loss": 1 / (step + 1), "val/acc": step / points}
        for step in range(points)
    ]
    if odd >= 0:
        rows[odd]["loss"] = "NaN"
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def store(tmp_path):
    """Six experiments with a script in every text and file name."""
    root = tmp_path / "project" / "experiments"
    for number in range(1, 7):
        failed = f"ERROR\nTraceback (most recent call last):\nValueError: {EVIL}"
        folder = write_record(
            root,
            str(number),
            status=failed if number == 5 else "SUCCESS",
            args={"lr": number / 8, "text": EVIL, EVIL: number},
            summary={"acc": number / 16, EVIL: EVIL},
            annotations={"name": EVIL, "tags": [EVIL], "notes": [{"text": EVIL, "time": EVIL}]},
            description=EVIL,
            command=["train.py", EVIL],
            git={"branch": EVIL},
        )
        (folder / "metrics.jsonl").write_text(metrics(3000, odd=700 if number == 2 else -1))
        (folder / "stdout").write_text(f"first\n\x1b[31mred\x1b[0m {EVIL}\n" * 200)
        (folder / "stderr").write_text(f"Traceback (most recent call last):\nValueError: {EVIL}\n")
        (folder / "environment.json").write_text(
            json.dumps({"host": EVIL, "packages": {EVIL: EVIL}})
        )
        (folder / "plot.png").write_bytes(PIXEL)
        (folder / "drawing.svg").write_text(SVG)
        (folder / "<script>alert(1)<!--.html").write_text(EVIL)
        (folder / "notes.md").write_text(
            f"# {EVIL}\n[x](javascript:alert(1)) ![x](http://evil.example/y)"
        )
        (folder / "table.csv").write_text(f"a,{EVIL}\n1,{EVIL}\n")
    return root


@pytest.fixture
def built():
    need(static_folder(), "the page is not built: make page")


def export(capfd, store, *argv):
    code, out, err = run(capfd, "ui", "--experiments-directory", store, *argv)
    assert (code, err) == (0, "")
    return out


def test_a_file_from_disk_shows_all_of_it_and_lets_nothing_act(capfd, store, tmp_path):
    file = tmp_path / "report.html"
    with chromium() as browser, quiet_page(browser, file.as_uri()) as page:
        export(capfd, store, "--export", file)

        def go(address):
            page.goto("about:blank")
            page.goto(f"{file.as_uri()}{address}")

        def sees(text):
            page.get_by_text(text).first.wait_for()

        go("#/")
        sees("exported")
        expect(page.locator(".grid-body .row")).to_have_count(6)
        page.get_by_role("button", name="args lr").click()
        page.get_by_role("button", name="args lr").click()
        expect(page.locator(".row .link").first).to_have_text("1")
        page.get_by_label("Filter").fill("lr > 0.3 and acc < 0.3")
        page.keyboard.press("Enter")
        expect(page.locator(".grid-body .row")).to_have_count(2)
        for tab in ("", "/curves", "/code", "/console", "/images", "/environment"):
            go(f"#/experiment/5{tab}")
            page.locator("#tab-panel, [role=tabpanel]").first.wait_for()
        go("#/experiment/5")
        sees("How it failed")
        go("#/experiment/5/console?part=stdout")
        sees("red")
        for part in (
            "drawing.svg",
            "plot.png",
            "notes.md",
            "table.csv",
            "%3Cscript%3Ealert(1)%3C!--.html",
        ):
            go(f"#/experiment/5/files?part={part}")
            page.locator(".preview, .file-text, table.values, img").first.wait_for()
        go("#/curves?selected=1-3")
        page.locator("figure.panel canvas").first.wait_for()
        expect(page.locator("figure.panel")).to_have_count(2)
        go("#/curves?selected=1-3&x=relative")
        page.locator("figure.panel canvas").first.wait_for()
        go("#/compare?selected=2,4")
        sees("2 and 4 differ in")
        assert page.title() != "hurt"
        assert not page.said


def test_it_cannot_be_broken_out_of_whatever_the_records_hold(capfd, built, store, tmp_path):
    file = tmp_path / "report.html"
    export(capfd, store, "--export", file)
    text = file.read_text("utf-8")
    assert re.findall(r"<script[^>]*>", text) == [
        '<script type="application/json" id="data">',
        '<script type="module">',
    ]
    assert text.count("</script") == 2
    assert "<!--" not in text
    assert "<img" not in re.sub(r'<script type="module">.*', "", text, flags=re.S)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy and "http" not in policy
    data = re.search(r'id="data">(.*?)</script>', text, re.S)[1]
    answers = json.loads(data)["responses"]
    assert answers["/api/rows"]["rows"]["ids"] == ["6", "5", "4", "3", "2", "1"]
    assert answers["/api/experiments/3/file?path=plot.png"].startswith("data:image/png;base64,")
    assert answers["/api/experiments/3/code?against=base"]["schema"] == 1


def test_it_is_no_larger_than_asked_for_and_says_what_is_missing(capfd, built, store, tmp_path):
    sizes = []
    for most in ("20", "0.5", "0.25"):
        file = tmp_path / f"{most}.html"
        out = export(capfd, store, "--export", file, "--max-size", most)
        assert file.stat().st_size <= float(most) * 1e6
        assert "6 experiments" in out
        points = int(re.search(r"about (\d+) points", out)[1])
        sizes.append((file.stat().st_size, points))
        assert ("Left out" in out) == (most != "20")
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0][1] == 600
    out = export(capfd, store, "--export", file, "2-3", "--filter", "args.lr > 0.3", "--points", 50)
    assert "1 experiment," in out
    assert "about 50 points" in out
    answers = json.loads(re.search(r'id="data">(.*?)</script>', file.read_text(), re.S)[1])
    (curve,) = answers["responses"]["/api/curves?metric=loss&x=step"]["curves"]
    assert (curve["id"], curve["points"]) == ("3", 3000)
    assert 50 * 2 / 3 <= len(curve["x"]) <= 102
    assert max(curve["high"]) == 1  # the spike of the first step is there


def test_it_is_written_whole_or_not_at_all(capfd, built, store, tmp_path):
    file = tmp_path / "report.html"
    file.write_text("before")
    ask = ("ui", "--experiments-directory", store, "--export", file)
    for argv, problem in (
        (("--max-size", "0.16"), "Not even the table"),
        (("--max-size", "-1"), "--max-size"),
        (("--points", "-1"), "--points"),
        (("99",), "no experiment '99'"),
        (("--filter", "args.lr > 9"), "nothing to export"),
        (("--filter", "args.lx > 9"), "lx"),
    ):
        code, out, err = run(capfd, *ask, *argv)
        assert (code != 0, out) == (True, "")
        assert problem in err
        assert file.read_text() == "before"
    assert run(capfd, *ask, "--filter", "args.lr > 9", "--fail-empty")[0] == 3
    code, _, err = run(capfd, *ask[:-1], tmp_path / "nowhere" / "report.html")
    assert (code, "nowhere" in err) == (1, True)
    code, _, err = run(capfd, "ui", "--experiments-directory", store, "3")
    assert (code, "only for --export" in err) == (2, True)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["report.html"]


def test_each_answer_is_found_by_the_key_that_the_page_makes():
    question = _export_answers._question
    assert question("/api/curves", x="step", metric="val/a b") == (
        "/api/curves?metric=val%2Fa%20b&x=step"
    )
    assert _export_answers._one("a b'(1)", "code") == "/api/experiments/a%20b'(1)/code"
