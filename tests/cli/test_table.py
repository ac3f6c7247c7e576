"""``meticulous table``: the paper's table in its forms, and nothing in it is markup by chance."""

import csv
import html.parser
import io
import json
import os
import re
import shutil
import subprocess

import pytest

from cli.command import process, run
from read.records import write_record

VALUES = {
    ("cnn", "mnist"): [0.991, 0.993, 0.992],
    ("cnn", "svhn"): [0.91, 0.93, 0.92],
    ("mlp", "mnist"): [0.981, 0.983, 0.9822],
    ("mlp", "svhn"): [0.925],
    ("knn", "mnist"): [0.97, 0.971, 0.972],
}
EVIL = [
    "--><script>alert(1)</script>",
    "--!><img src=x onerror=alert(1)>",
    "a --- b -- <!-- c -",
    "\\input{/etc/passwd} \\end{tabular} $x$ & # _ ~ ^ % { }",
    "50% & more \\\\ \\hline",
    "| a | b | `code` **bold** [x](javascript:alert) <b>",
    "line\nbreak\r\n\u2028\u2029\x85\x0b\x0cend",
    "\x1b[31mred\x1b]0;t\x07\u202e",
    "^^M\\write18{x}",
    "[1] * ]]> &lt; &amp;#60;",
    "=cmd|'/C calc'!A0",
    "",
]


@pytest.fixture
def results(tmp_path, monkeypatch):
    root = tmp_path / "experiments"
    expid = 0
    for (model, dataset), values in VALUES.items():
        for seed, value in enumerate(values):
            expid += 1
            write_record(
                root,
                str(expid),
                args={"model": model, "dataset": dataset, "seed": seed},
                summary={"acc": value, "loss": (1 - value) * 1e-5, "size": 5},
                githead_sha=f"{seed}bcdef0123",
            )
    write_record(root, "20", args={"model": "cnn", "dataset": "svhn"}, status="RUNNING", silent=600)
    monkeypatch.chdir(tmp_path)
    return root


ARGV = ("table", "--rows", "args.model", "--cols", "args.dataset", "--cell", "summary.acc")


def table(capfd, *argv):
    code, out, err = run(capfd, *ARGV, *argv)
    assert (code, err) == (0, ""), err
    return out


def test_the_terminal_shows_means_with_their_spread_and_the_best(results, capfd):
    lines = table(capfd).splitlines()
    assert lines == [
        "summary.acc by args.model and args.dataset: 13 experiments in experiments/",
        "",
        "model  mnist              svhn",
        "cnn    0.9920 ± 0.0010 *  0.920 ± 0.010",
        "knn    0.9710 ± 0.0010    -",
        "mlp    0.9821 ± 0.0010    0.925 (n = 1) *",
        "",
        "Mean ± standard deviation, n = 3 unless a cell says otherwise; * best per column.",
        "Left out: 1 SILENT (20); --all-statuses takes them in.",
        "Not only the seed differs between the experiments of a group: the commit.",
    ]


def test_a_terminal_without_the_sign_gets_another(results):
    done = process(*ARGV, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0 and b"0.9920 +/- 0.0010 *" in done.stdout
    assert b"Mean +/- standard deviation" in done.stdout and b"\\x" not in done.stdout


def test_markdown_has_bold_a_dash_and_a_comment_for_each_cell(results, capfd):
    lines = table(capfd, "--md").splitlines()
    assert lines[:5] == [
        "| model | mnist | svhn |",
        "| --- | ---: | ---: |",
        "| cnn | **0.9920 ± 0.0010** | 0.920 ± 0.010 |",
        "| knn | 0.9710 ± 0.0010 | — |",
        "| mlp | 0.9821 ± 0.0010 | **0.925 (n = 1)** |",
    ]
    assert lines[6].endswith("n = 3 unless a cell says otherwise; best per column in bold")
    comments = [line for line in lines if line.startswith("<!--")]
    assert comments[0] == "<!-- cnn / mnist: ids 1,2,3 commit 0bcdef0, 1bcdef0, 2bcdef0 -->"
    assert len(comments) == len(VALUES)


def test_latex_is_for_booktabs_with_one_or_two_lines_of_headers(results, capfd):
    lines = table(capfd, "--latex").splitlines()
    assert lines[1:8] == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"model & mnist & svhn \\",
        r"\midrule",
        r"cnn & \textbf{0.9920 $\pm$ 0.0010} & 0.920 $\pm$ 0.010 \\",
        r"knn & 0.9710 $\pm$ 0.0010 & --- \\",
        r"mlp & 0.9821 $\pm$ 0.0010 & \textbf{0.925} ($n = 1$) \\",
    ]
    assert r"\usepackage{booktabs}" in lines[0] and lines[0].startswith("% ")
    assert lines[10] == "% cnn / mnist: ids 1,2,3 commit 0bcdef0, 1bcdef0, 2bcdef0"
    two = table(capfd, "--cell", "loss", "--latex").splitlines()
    assert two[3:6] == [
        r"& \multicolumn{2}{c}{mnist} & \multicolumn{2}{c}{svhn} \\",
        r"\cmidrule(lr){2-3} \cmidrule(lr){4-5}",
        r"model & acc & loss & acc & loss \\",
    ]
    assert r"\textbf{(0.80 $\pm$ 0.10) $\times 10^{-7}$}" in two[7]
    if shutil.which("pdflatex"):
        text = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
        (results / "x.tex").write_text(text + "\n".join(two) + "\n\\end{document}\n")
        subprocess.run(["pdflatex", "-halt-on-error", "x.tex"], cwd=results, check=True)


def test_spread_digits_direction_and_the_place_of_the_best_can_be_said(results, capfd):
    assert "0.99 ± 0.00" in table(capfd, "--digits", "2")
    assert "±" not in table(capfd, "--spread", "none").split("\n\n")[1]
    sem = table(capfd, "--spread", "sem")
    assert "0.9920 ± 0.0006 *" in sem and "mean ± standard error".capitalize() in sem
    assert "0.9920 ± 0.0025 *" in table(capfd, "--spread", "ci")
    in_rows = table(capfd, "--best-in", "row", "--lower").splitlines()
    assert [line.count("*") for line in in_rows[3:6]] == [1, 0, 1]
    assert in_rows[3].endswith("0.9200 ± 0.0100 *")
    assert re.search(r"knn +0.9710 ± 0.0010 \*", table(capfd, "--lower"))
    code, out, _ = run(capfd, "table", "--rows", "model", "--cell", "size")
    assert code == 0 and "*" not in out
    assert "No best of summary.size: the name does not tell; say --lower or --higher." in out
    assert (
        "not only the seed differs between the experiments of a group: args.dataset" in out.lower()
    )


def test_json_and_csv_hold_everything_in_full(results, capfd):
    found = json.loads(table(capfd, "--json"))["table"]
    assert len(found["cells"]) == len(VALUES)
    cell = found["cells"][1]
    assert (cell["args.model"], cell["args.dataset"], cell["cell"]) == (
        "cnn",
        "svhn",
        "summary.acc",
    )
    assert (cell["n"], cell["mean"], cell["best"], cell["ids"]) == (3, 0.92, False, ["4", "5", "6"])
    assert cell["text"] == "0.920 ± 0.010" and len(cell["shas"]) == 3
    assert (found["spread"], found["n"]) == ("std", 3)
    rows = list(csv.DictReader(io.StringIO(table(capfd, "--csv"))))
    assert float(rows[1]["mean"]) == 0.92 and rows[1]["ids"] == "4 5 6"
    assert rows[3]["std"] == "" or float(rows[3]["std"]) > 0


def test_out_replaces_a_file_by_its_ending_or_by_the_form(results, capfd, tmp_path):
    for name, begins, argv in (
        ("t.tex", "% mean", ()),
        ("t.md", "| model", ()),
        ("t.html", "<table>", ()),
        ("t.csv", "args.model,", ()),
        ("t.inc", "% mean", ("--latex",)),
    ):
        (tmp_path / name).write_text("old")
        out = table(capfd, "--out", name, *argv)
        assert out.startswith(f"Written to {name}.\nLeft out: 1 ")
        assert (tmp_path / name).read_text("utf-8").startswith(begins)
    for argv, code in (
        (("--out", "t.xyz"), 2),
        (("--out", "no/where/t.md"), 1),
        (("--out", "t.md", "--json"), 2),
        (("--digits", "99"), 2),
        (("--cell", "acuracy"), 2),
        (("--rows", "modle"), 2),
        (("--md", "--csv"), 2),
    ):
        got, out, err = run(capfd, *ARGV, *argv)
        assert (got, out) == (code, "") and err.count("\n") == 1


def test_a_seed_that_ran_twice_counts_once(results, capfd):
    write_record(
        results,
        "21",
        args={"model": "cnn", "dataset": "mnist", "seed": 0},
        summary={"acc": 0.891},
    )
    assert "(n = 4)" in table(capfd)
    out = table(capfd, "--seed", "seed")
    assert "(n = 4)" not in out and "share a seed within cnn, mnist" in out
    assert "ids 1,2,3,21 commit 0bcdef0, 1bcdef0, 2bcdef0, 0123456" in table(capfd, "--md")


def test_no_experiments_is_an_answer(tmp_path, capfd):
    (tmp_path / "experiments").mkdir()
    argv = (
        "table",
        "--rows",
        "m",
        "--cell",
        "a",
        "--experiments-directory",
        tmp_path / "experiments",
    )
    assert run(capfd, *argv)[0] == 0
    code, out, _ = run(capfd, *argv, "--json", "--fail-empty")
    assert code == 3 and json.loads(out)["table"]["cells"] == []


def test_where_nothing_matches_the_document_is_a_table_without_rows(results, capfd, tmp_path):
    argv = (*ARGV, "--filter", "seed > 9")
    said = "meticulous: No experiments match in experiments/.\n"
    begins = {
        "md": "| model |\n| --- |\n\n",
        "latex": "% no experiments match; \\usepackage{booktabs}\n\\begin{tabular}{l}\n",
        "html": "<table>\n<caption>no experiments match</caption>\n",
        "csv": "args.model,cell,n,mean",
    }
    for form, begin in begins.items():
        code, out, err = run(capfd, *argv, f"--{form}")
        assert (code, err) == (0, said) and out.startswith(begin)
    file = tmp_path / "t.tex"
    file.write_text("old")
    code, out, err = run(capfd, *argv, "--out", file, "--fail-empty")
    assert (code, out, err) == (3, f"Written to {file}.\n", said)
    assert file.read_text().startswith(begins["latex"]) and "toprule" in file.read_text()
    assert run(capfd, *argv)[1:] == (said.removeprefix("meticulous: "), "")


# ---------------------------------------------------------------------------- nothing is markup


class Elements(html.parser.HTMLParser):
    """What a browser would see: tags, text, comments."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.comments = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))

    def handle_data(self, data):
        self.text.append(data)

    def handle_comment(self, data):
        self.comments.append(data)


@pytest.fixture
def evil(tmp_path, monkeypatch):
    for n, text in enumerate(EVIL):
        for seed in range(2):
            write_record(
                tmp_path / "experiments",
                f"{n}.{seed}--" if n % 2 else f"{n}_{seed}%",
                args={"a_r&<%|": text, "c": EVIL[-2 - n % 3], "seed": seed},
                summary={"acc_<b>--%&|": n + seed / 10},
                githead_sha=text,
            )
    monkeypatch.chdir(tmp_path)
    return ("table", "--rows", "`args.a_r&<%|`", "--cols", "c", "--cell", "`acc_<b>--%&|`")


def test_html_has_the_tags_of_a_table_and_no_others(evil, capfd):
    code, out, err = run(capfd, *evil, "--html")
    assert (code, err) == (0, "")
    seen = Elements(out)
    assert {tag for tag, _ in seen.tags} == {
        *("table", "caption", "thead", "tbody", "tr", "th", "td", "strong")
    }
    assert {name for _, attrs in seen.tags for name, _ in attrs} == {"scope"}
    assert len(seen.comments) == len(EVIL) and all("--" not in text for text in seen.comments)
    words = "".join(seen.text)
    assert "<script>alert(1)</script>" in words and "&lt; &amp;#60;" in words
    assert "\x1b" not in out and "\u202e" not in out


def test_rows_that_look_alike_are_told_apart(tmp_path, monkeypatch, capfd):
    for expid, (flag, other) in enumerate([(True, 1), ("True", "1"), ("", "x"), (None, "x")]):
        args = {"flag": flag, "other": other}
        write_record(tmp_path / "experiments", str(expid), args=args, summary={"acc": expid})
    write_record(tmp_path / "experiments", "9", args={"other": "x"}, summary={"acc": 9})
    monkeypatch.chdir(tmp_path)
    out = run(capfd, "table", "--rows", "flag", "--cell", "acc", "--md")[1]
    rows = [line.split("|")[1].strip() for line in out.splitlines() if line.startswith("|")][2:]
    assert sorted(rows) == ["''", "'True'", "-", "None", "True"]
    out = run(capfd, "table", "--rows", "flag", "--cols", "other", "--cell", "acc", "--md")[1]
    assert out.splitlines()[0] == "| flag | 1 | '1' | x |"
    assert "<!-- &#x27;True&#x27; / &#x27;1&#x27;: ids 1 commit 0123456 -->" in out


def test_a_caption_tells_of_no_spread_where_there_is_none(results, capfd):
    said = run(capfd, *ARGV, "--cell", "loss", "--filter", "seed == 0", "--md")[1]
    assert "\nmean, n = 1" in said and "±" not in said


def test_latex_of_nasty_values_is_a_table_of_as_many_cells(evil, capfd):
    """Read as TeX would: comments off, then no command but those of the table."""
    code, out, err = run(capfd, *evil, "--latex")
    assert (code, err) == (0, "")
    lines = out.split("\n")
    assert re.split(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", out) == lines
    body = [re.sub(r"(?<!\\)((?:\\\\)*)%.*", r"\1", line) for line in lines]
    assert [line for line in body if line.startswith(r"\end")] == [r"\end{tabular}"]
    start, end = body.index(r"\midrule"), body.index(r"\bottomrule")
    cells = [re.split(r"(?<!\\)&", line) for line in body[start + 1 : end]]
    assert len(cells) == len(EVIL) and {len(line) for line in cells} == {4}
    commands = set(re.findall(r"\\([A-Za-z]+|.)", "\n".join(body[start + 1 : end])))
    assert commands <= {
        *("textbf", "pm", "\\", "{", "}", "$", "&", "#", "%", "_"),
        *("textbackslash", "textasciitilde", "textasciicircum", "textbar", "textless"),
        *("textgreater", "char"),
    }
    for line in body[start + 1 : end]:
        assert line.count("{") - line.count(r"\{") == line.count("}") - line.count(r"\}")
        assert (line.count("$") - line.count(r"\$")) % 2 == 0
    after = body[body.index(r"\end{tabular}") + 1 :]
    assert set(after) == {""} and len(after) == len(EVIL) + 1


def test_markdown_of_nasty_values_keeps_its_columns_and_comments(evil, capfd):
    code, out, err = run(capfd, *evil, "--md")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(out.split("\n")) == len(lines) + 1
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == len(EVIL) + 2
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}
    outside = [line for line in lines if not line.startswith("<!--")]
    assert not any("<" in line or ">" in line for line in outside)
    comments = [line for line in lines if line.startswith("<!--")]
    assert len(comments) == len(EVIL)
    assert all(line.endswith(" -->") and "--" not in line[4:-4] for line in comments)


def test_terminal_and_csv_of_nasty_values_are_clean(evil, capfd, monkeypatch):
    for width in ("40", "80", "300"):
        monkeypatch.setenv("COLUMNS", width)
        code, out, err = run(capfd, *evil)
        assert (code, err) == (0, "") and out.replace("\n", "").isprintable()
    code, out, err = run(capfd, *evil, "--csv")
    rows = list(csv.reader(io.StringIO(out)))
    assert (code, err) == (0, "") and len(rows) == len(EVIL) + 1
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "@"))]
    assert json.loads(run(capfd, *evil, "--json")[1])["table"]["cells"]
