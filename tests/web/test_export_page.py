"""An exported page from the disk, without network: it does what the page of a server does."""

import json
import re

import pytest
from playwright.sync_api import expect

from cli.command import run
from conftest import Repository
from meticulous.web import _export_answers
from meticulous.web.server import static_folder
from read.records import write_record
from web.browsing import chromium, faults, need, quiet_page


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Two models of three seeds each by one commit, and one experiment of a later commit."""
    project = Repository(tmp_path_factory.mktemp("export") / "digits")
    project.write("model.py", "WIDTH = 1\n")
    first = project.commit("a model")
    for number in range(1, 7):
        folder = write_record(
            project.root,
            str(number),
            args={"model": "mlp" if number % 2 else "cnn", "seed": (number + 1) // 2},
            summary={"acc": 0.5 + number / 64, "loss": 1 / number},
            githead_sha=first,
        )
        (folder / "stdout").write_text("".join(f"line {line}\n" for line in range(2500)))
    project.write("model.py", "WIDTH = 2\n")
    project.write("large.txt", "".join(f"{line}\n" for line in range(100_000)))
    second = project.commit("a wider model")
    write_record(project.root, "7", status="ERROR\nnope", args={"model": "mlp"}, githead_sha=second)
    return project


@pytest.fixture(scope="module")
def file(project, tmp_path_factory):
    need(static_folder(), "the page is not built: make page")
    return tmp_path_factory.mktemp("file") / "report.html"


@pytest.fixture
def page(project, file, capfd):
    with chromium() as browser:
        code, _, err = run(capfd, "ui", "--experiments-directory", project.root, "--export", file)
        assert (code, err) == (0, "")
        with quiet_page(browser, file.as_uri(), offline=True) as page:
            page.goto(file.as_uri())

            def go(address):
                page.goto("about:blank")
                page.goto(f"{file.as_uri()}{address}")

            page.go = go
            yield page


def answers_of(file):
    data = re.search(r'id="data">(.*?)</script>', file.read_text("utf-8"), re.S)[1]
    return json.loads(data)["responses"]


def test_rows_are_grouped_and_a_group_is_opened(page):
    page.get_by_label("Group by").select_option("args.model")
    rows = page.locator(".grid-body .row")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("cnn")
    expect(rows.first.get_by_title("summary.acc: mean")).to_have_text("0.563 ± 0.078")
    assert "groupby=args.model" in page.url
    page.get_by_label("Filter").fill("loss < 0.3 and (seed > 1 or seed == 0)")
    page.keyboard.press("Enter")
    expect(rows.first).to_contain_text("cnn")
    rows.first.locator(".link").click()
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("6")


def test_the_paper_table_is_made_in_the_file(page):
    page.go("#/paper?rows=args.model&cells=summary.acc,summary.loss")
    table = page.locator("table.values")
    expect(table.locator("tbody tr").last).to_have_text("mlp0.547 ± 0.0310.51 ± 0.43")
    expect(table.locator("strong")).to_have_count(2)
    caption = "mean ± standard deviation, n = 3; best per column in bold."
    expect(page.get_by_text(caption, exact=True)).to_be_visible()
    expect(page.get_by_text("Left out, since they did not end well: 7.")).to_be_visible()
    page.get_by_text("LaTeX", exact=True).click()
    expect(page.locator("pre.file-text")).to_contain_text("mlp & 0.547 $\\pm$ 0.031 & 0.51")
    assert not faults(page)
    page.get_by_label("Add to columns").select_option("args.seed")
    expect(page.locator("table.values tbody tr")).to_have_count(2)


def test_code_against_head_is_that_of_the_export_and_says_so(page, project, file):
    head = project.git("rev-parse", "HEAD")
    page.go("#/experiment/2/code?against=head")
    main = page.locator("#main")
    expect(main).to_contain_text(f"HEAD was {head[:10]} when this page was exported, 20")
    expect(main).to_contain_text("WIDTH = 2")
    expect(main).to_contain_text("The largest patches (1) are not in this file: 'git diff")
    expect(main).to_contain_text("large.txt added, without a patch")
    page.go("#/experiment/7/code?against=head")
    expect(main).to_contain_text("It is what was checked out when this page was exported")
    assert len([name for name in answers_of(file) if name.startswith("since/")]) == 2


def test_the_console_is_searched_in_the_lines_that_the_file_has(page):
    page.go("#/experiment/2/console")
    page.get_by_label("Search the console").fill("LINE 249")
    page.keyboard.press("Enter")
    held = "in the last 2,000 lines, which are all that this file holds"
    expect(page.get_by_text(f"1 of 10 lines {held}")).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text("line 2490")
    page.go("#/experiment/2/console")
    expect(page.get_by_role("log")).to_contain_text("(not in this file)")


def test_it_says_what_was_left_out_for_its_size(project, capfd, file):
    whole = run(capfd, "ui", "--experiments-directory", project.root, "--export", file)
    assert "Left out" not in whole[1]
    assert answers_of(file)["/api/exported"]["exported"]["lacking"] == {}
    size = file.stat().st_size
    argv = ("--experiments-directory", project.root, "--export", file)
    run(capfd, "ui", *argv, "--max-size", (size - 20_000) / 1e6)
    with chromium() as browser, quiet_page(browser, file.as_uri(), offline=True) as page:
        page.goto(file.as_uri())
        page.get_by_role("button", name="exported").click()
        expect(page.get_by_role("dialog")).to_contain_text("Left out")
        expect(page.get_by_role("dialog")).to_contain_text("consoles: ")
        assert not faults(page)


def test_the_largest_patches_are_left_out_first():
    files = [{"patch": "x" * size} for size in (10, 250_000, 100_000, 40_000)] + [{"patch": None}]
    assert _export_answers._thinned(files) == 1
    assert [len(file["patch"] or "") for file in files] == [10, 0, 100_000, 40_000, 0]
