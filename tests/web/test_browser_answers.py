"""What the page says of experiments that diverged, failed, lack a value or are gone."""

import re

import pytest
from playwright.sync_api import expect

from cli.command import run
from meticulous.web.server import static_folder
from read.records import write_record
from web.browsing import chromium, faults, need, quiet_page
from web.serving import serving


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Of each rate three seeds, of which one diverged at the higher; one that failed."""
    root = tmp_path_factory.mktemp("answers") / "experiments"
    for number in range(1, 7):
        args = {"lr": 0.1 if number < 4 else 0.2, "seed": number % 3, "flag": number % 2 == 0}
        loss = "NaN" if number == 6 else number / 10
        summary = {"loss": loss, "tiny": number * 1.5e-13, "flag": number > 2, "odd": number}
        folder = write_record(root, str(number), args=args, summary=summary)
        (folder / "stdout").write_text("it goes well\n")
        (folder / "stderr").write_text("a warning\n")
    folder = write_record(root, "7", status="ERROR\nnope", args={"lr": 0.3}, summary={"tiny": 1})
    (folder / "stdout").write_text("epoch 1\n")
    (folder / "stderr").write_text("Traceback (most recent call last):\nValueError: nope\n")
    folder = write_record(
        root, "8", status="ERROR\nsilently", args={"lr": 0.3}, summary={"tiny": 2}
    )
    (folder / "stdout").write_text("epoch 1\n")
    return root


@pytest.fixture(scope="module")
def server(root):
    with serving(root, static=static_folder()) as server:
        yield server


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser, server):
    with quiet_page(browser, server.url) as page:

        def go(address):
            page.goto("about:blank")
            page.goto(f"{server.server.url}{address}")

        page.go = go
        yield page


@pytest.fixture
def exported(browser, root, tmp_path, capfd):
    need(static_folder(), "the page is not built: make page")
    file = tmp_path / "report.html"
    code, _, err = run(capfd, "ui", "--experiments-directory", root, "--export", file)
    assert (code, err) == (0, "")
    with quiet_page(browser, file.as_uri(), offline=True) as page:

        def go(address):
            page.goto("about:blank")
            page.goto(f"{file.as_uri()}{address}")

        page.go = go
        yield page


@pytest.fixture(params=["page", "exported"])
def either(request):
    return request.getfixturevalue(request.param)


def forget_refusals(page):
    """The browser itself notes every answer that is a refusal."""
    page.said[:] = [line for line in page.said if "status of 400" not in line]


def test_a_mean_says_that_some_of_its_group_diverged(either):
    either.go("#/table?groupby=args.lr&columns=args.lr,summary.loss,summary.tiny")
    rows = either.locator(".grid-body .row")
    expect(rows.nth(0)).to_contain_text("× 3")
    expect(rows.nth(0).get_by_title("summary.loss: mean")).to_have_text("0.20 ± 0.25")
    expect(rows.nth(0).get_by_title("summary.tiny: mean")).to_have_text("(3.0 ± 3.7)e-13")
    expect(rows.nth(1)).to_contain_text("× 3")
    expect(rows.nth(1).get_by_title("summary.loss: mean")).to_have_text("0.45 (2 of 3)")


@pytest.mark.parametrize(
    "written, told",
    [
        ("lrr", "There is no 'lrr'.*Did you mean 'args.lr'?"),
        ("flag", "'flag' can mean 'args.flag' or 'summary.flag'."),
        ("cnn", "There is no 'cnn'.*Columns (C) of the table shows the names"),
    ],
)
def test_a_filter_that_means_nothing_is_told_where_it_stands(either, written, told):
    either.go("#/table")
    either.get_by_label("Filter").fill(written)
    either.keyboard.press("Enter")
    sentence = re.escape(told).replace(r"\.\*", ".*")
    expect(either.get_by_role("alert")).to_have_text(re.compile(sentence))
    expect(either.get_by_role("alert").locator("mark")).to_have_text(written[0])
    assert "list_columns" not in either.get_by_role("alert").text_content()
    either.go(f"#/explore?filter={written}")
    expect(either.locator("#filter-problem")).to_have_text(re.compile(sentence))
    forget_refusals(either)


def test_columns_that_nothing_has_are_looked_for_on_the_page(page):
    page.go("#/table?sort=zzz")
    expect(page.get_by_role("alert")).to_contain_text("Columns (C) of the table shows the names.")
    forget_refusals(page)


def test_experiments_that_are_gone_are_named_and_have_no_column(either):
    either.go("#/compare?selected=1,5,99")
    expect(either.get_by_text("99 is not here any more.", exact=True)).to_be_visible()
    expect(either.get_by_text(re.compile("^1 and 5 differ in"))).to_be_visible()
    for table in either.locator("table.side-by-side").all():
        expect(table.locator("thead th")).to_have_text(["1", "5"])
    assert not faults(either)
    either.go("#/compare?selected=1,98,99")
    expect(either.get_by_text("98 and 99 are not here any more.", exact=True)).to_be_visible()
    expect(either.get_by_text("Select two to ten experiments")).to_be_visible()
    expect(either.get_by_role("alert")).to_have_count(0)


def test_explore_tells_how_many_have_a_value_on_every_axis(page):
    page.go("#/explore?axes=args.lr,summary.loss")
    told = page.get_by_role("status").first
    expect(told).to_have_text("5 of 8 have a value on every axis.")
    page.go("#/explore?axes=args.lr,summary.tiny")
    expect(told).to_have_text("8 experiments.")


def test_the_axes_of_the_dots_are_kept_in_the_address(page):
    page.go("#/explore?axes=args.lr,summary.loss,summary.tiny")
    x, y = (page.locator(".canvas-box select").nth(place) for place in (0, 1))
    expect(x).to_have_value("args.lr")
    x.select_option("summary.tiny")
    y.select_option("summary.loss")
    page.reload()
    expect(x).to_have_value("summary.tiny")
    expect(y).to_have_value("summary.loss")
    page.go_back()
    expect(y).to_have_value("summary.tiny")
    page.go_back()
    expect(x).to_have_value("args.lr")


def test_the_paper_table_names_no_options_of_the_command(page):
    page.go("#/paper?rows=args.lr&cells=summary.odd")
    left_out = "left out, since they did not end well: 7, 8."
    expect(page.get_by_text(left_out, exact=True)).to_be_visible()
    no_best = "the name does not tell whether small or large is better."
    expect(page.get_by_text(no_best)).to_be_visible()
    assert "--" not in page.locator(".paper .hint").first.text_content()


def test_the_console_of_one_that_failed_opens_where_it_says_why(either):
    stream = either.get_by_role("group", name="Which output")
    pressed = stream.locator("[aria-pressed=true]")
    either.go("#/experiment/7/console")
    expect(pressed).to_have_text("stderr")
    expect(either.get_by_role("log")).to_contain_text("ValueError: nope")
    stream.get_by_text("stdout").click()
    expect(either.get_by_role("log")).to_contain_text("epoch 1")
    for expid in ("8", "1"):  # nothing in stderr; nothing went wrong
        either.go(f"#/experiment/{expid}/console")
        expect(pressed).to_have_text("stdout")
        expect(either.get_by_role("log")).to_be_visible()


def test_what_is_not_found_in_one_stream_is_looked_for_in_the_other(either):
    either.go("#/experiment/7/console?part=stdout")
    either.get_by_label("Search the console").fill("valueerror")
    either.keyboard.press("Enter")
    expect(either.get_by_text("not found in stdout")).to_be_visible()
    either.get_by_role("button", name="Look in stderr").click()
    expect(either.get_by_text("1 of 1 lines")).to_be_visible()
    expect(either.get_by_label("Search the console")).to_have_value("valueerror")
