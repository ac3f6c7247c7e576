"""What a notebook shows of experiments: text, whatever they hold."""

import html.parser
import json

import meticulous
from meticulous import Experiment, Experiments
from meticulous.web.server import static_folder
from read.records import write_record
from web.browsing import chromium, need, quiet_page

EVIL = "</td></table><script>alert(1)</script><img src=x onerror=alert(1)>"
ELEMENTS = {"h4", "h5", "p", "table", "thead", "tbody", "tr", "th", "td", "svg", "path"}
ATTRIBUTES = {"scope", "style", "xmlns", "width", "height", "viewbox", "role", "aria-label"}
ATTRIBUTES |= {"d", "fill", "stroke", "stroke-width"}


class Markup(html.parser.HTMLParser):
    """The elements and attributes of a piece of markup, and its text; whether all were closed."""

    def __init__(self, markup):
        super().__init__()
        self.elements, self.attributes, self.text, self.open = set(), set(), "", []
        self.feed(markup)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += f"{data}\n"


def store(tmp_path, count=40):
    root = tmp_path / "experiments"
    for number in range(1, count + 1):
        folder = write_record(
            root,
            str(number),
            status=f"ERROR\n{EVIL}" if number == 39 else "SUCCESS",
            args={"lr": number / 8, "model": {"width": 64, EVIL: EVIL}, "odd": [EVIL] * number},
            summary={"acc": number / 16, EVIL: EVIL, "nan": "NaN"},
            annotations={"name": EVIL, "tags": [EVIL]},
            description=EVIL,
        )
    rows = [{"step": step, "time": step, "loss": 1 / (step + 1), EVIL: step} for step in range(300)]
    rows[7]["loss"] = "NaN"
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Experiments("", root)


def test_experiments_are_a_table_of_the_newest_with_the_args_that_differ(tmp_path):
    found = Markup(store(tmp_path)._repr_html_())
    assert found.elements <= ELEMENTS
    assert found.attributes <= ATTRIBUTES
    words = found.text.splitlines()
    assert "; the newest 30" in found.text
    assert {"40", "11", "args.lr", "summary.acc", "ERROR", "5", "2.5"} <= set(words)
    assert not {"10", "args.model.width"} & set(words)
    assert "<script>alert(1)</script>" in found.text


def test_one_experiment_shows_its_facts_and_small_curves(tmp_path):
    reader = store(tmp_path)["40"]
    found = Markup(reader._repr_html_())
    assert {"svg", "path"} <= found.elements <= ELEMENTS
    assert found.attributes <= ATTRIBUTES
    assert {"Experiment 40", "args", "summary", "metrics", "loss", "10m00s"} <= set(
        found.text.splitlines()
    )
    folder = tmp_path / "experiments" / "41"
    folder.mkdir()
    assert "41" in Markup(Experiments("", folder.parent)["41"]._repr_html_()).text


def test_an_experiment_that_is_recorded_shows_where(repository, monkeypatch):
    monkeypatch.chdir(repository.path)
    with Experiment({"lr": 1}, description=EVIL) as experiment:
        found = Markup(experiment._repr_html_())
        assert found.elements <= ELEMENTS
        assert "Experiment 1\n" in found.text
        assert experiment.curexpdir in found.text
        assert EVIL in found.text
    assert "nothing" in Experiment(norecord=True)._repr_html_()


def test_the_page_is_in_a_frame_that_reaches_nothing(tmp_path):
    store(tmp_path, 3)
    shown = meticulous.ui("", tmp_path / "experiments", height=500)
    assert repr(shown).startswith("<page of 3 experiments")
    need(static_folder(), "the page is not built: make page")
    notebook = tmp_path / "notebook.html"
    text = f"<!doctype html><meta charset=utf-8><title>notebook</title>{shown._repr_html_()}"
    notebook.write_text(text, "utf-8")
    assert 'sandbox="allow-scripts allow-downloads"' in text
    with chromium() as browser, quiet_page(browser, notebook.as_uri(), "about:srcdoc") as page:
        page.goto(notebook.as_uri())
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="3", exact=True).click()
        frame.get_by_role("tab", name="Curves").click()
        frame.locator("figure.panel canvas").first.wait_for()
        frame.get_by_role("link", name="Experiments").click()
        frame.locator(".grid-body .row").nth(2).wait_for()
        assert page.title() == "notebook"


def test_without_experiments_it_is_a_plain_table(tmp_path):
    (tmp_path / "experiments").mkdir()
    shown = meticulous.ui(tmp_path)
    assert Markup(shown._repr_html_()).elements <= ELEMENTS
