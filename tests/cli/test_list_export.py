"""Tables for other programs hold what was recorded, and nothing that harms them."""

import csv
import io
import json
import os
import re

import pytest

from cli.command import process, run
from read.records import write_record

NASTY = "=1+1\x1b[31m\x9b2J|_&%$#{}~^\\<b>[x](y)`*\"'\x07"


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = tmp_path / "experiments"
    write_record(root, "1", args={"lr": 0.1, "name": NASTY}, summary={"x": 1e-300, "y": "NaN"})
    write_record(
        root,
        "2",
        args={"lr": -5, "name": "two\nlines", NASTY: "+1", "list": [1, {"a": None}], "no": None},
        summary={"x": 0.30000000000000004, "b": True, "d": "2.50.0", "e": {"f": "-1", "g": "@x"}},
    )
    monkeypatch.chdir(tmp_path)
    return root


def test_values_are_written_as_recorded(root, capfd):
    for form, delimiter in (("csv", ","), ("tsv", "\t")):
        code, out, err = run(capfd, "list", f"--{form}")
        assert (code, err) == (0, "")
        first, second = csv.DictReader(io.StringIO(out, newline=""), delimiter=delimiter)
        assert first["expid"] == "1" and first["args.lr"] == "0.1"
        assert first["summary.x"] == "1e-300" and first["summary.y"] == "NaN"
        assert first["summary.b"] == "" and second["summary.b"] == "True"
        assert second["args.lr"] == "-5" and second["args.list"] == '[1,{"a":null}]'
        assert second["args.no"] == "None" and second["summary.d"] == "2.50.0"
        assert second["summary.x"] == "0.30000000000000004"
        assert second["args.name"] == ("two\nlines" if form == "csv" else "two lines")


def test_no_cell_is_a_formula_or_a_terminal_escape(root, capfd):
    for form, delimiter in (("csv", ","), ("tsv", "\t")):
        out = run(capfd, "list", f"--{form}")[1]
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", out)
        rows = list(csv.reader(io.StringIO(out, newline=""), delimiter=delimiter))
        cells = [cell for row in rows for cell in row]
        assert not [cell for cell in cells if cell[:1] in tuple("=+@-") and cell != "-5"]
        assert {"'+1", "'-1", "'@x"} <= set(cells)


def test_markdown_has_one_line_a_row_and_no_markup(root, capfd):
    out = run(capfd, "list", "--md")[1]
    lines = out.splitlines()
    assert len(lines) == 4
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert "<b>" not in out and r"\[x\](y)" in out and "| 0.3 |" in out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", out)


def test_latex_has_no_special_character_that_is_not_escaped(root, capfd):
    lines = run(capfd, "list", "--latex")[1].splitlines()
    assert lines[0].startswith("\\begin{tabular}{") and lines[-1] == "\\end{tabular}"
    assert lines[1::2][:2] == ["\\toprule", "\\midrule"] and lines[-2] == "\\bottomrule"
    columns = len(lines[0].split("{")[2].rstrip("}"))
    for line in [lines[2], *lines[4:-2]]:
        cells = line.removesuffix(" \\\\").split(" & ")
        assert len(cells) == columns
        for cell in cells:
            plain = re.sub(r"\\(text[a-z]+|char34)\{\}|\\[{}$&#%_]|\{[\[*]\}", "", cell)
            plain = re.sub(r"^\$-\$(?=[0-9])", "", plain)
            assert not re.search(r"[\\{}$&#%_~^<>|\[*\x00-\x1f]", plain), cell


def test_latex_has_minus_signs_and_quotes_that_every_font_has(tmp_path, capfd):
    write_record(tmp_path, "1", args={"x": -0.5, "y": "-a", "z": {"k": []}, "q": 'a"b'})
    out = run(capfd, "list", tmp_path, "--columns", "args.x", "y", "q", "--latex")[1]
    assert out.splitlines()[4] == r"1 & $-$0.5 & -a & a\char34{}b \\"


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "md", "tex"])
def test_a_file_holds_the_table_that_is_shown(root, capfd, suffix):
    name = f"table.{suffix.upper() if suffix == 'csv' else suffix}"
    code, out, err = run(capfd, "list", "--sort", "lr", "--columns", "lr,x", "--export", name)
    assert (code, err) == (0, "") and out.endswith(f"\nWritten to {name}.\n")
    text = (root.parent / name).read_text()
    if suffix == "json":
        assert json.loads(text) == {
            "args.lr": {"1": 0.1, "2": -5},
            "summary.x": {"1": 1e-300, "2": 0.30000000000000004},
        }
    else:
        form = {"tex": "latex"}.get(suffix, suffix)
        assert text == run(capfd, "list", "--sort", "lr", "--columns", "lr,x", f"--{form}")[1]
    assert sorted(path.name for path in root.parent.iterdir()) == ["experiments", name]


def test_json_is_everything_of_what_is_asked_or_the_columns(root, capfd):
    answer = json.loads(run(capfd, "list", "--filter", "lr < 0", "--json")[1])
    assert [row["expid"] for row in answer["experiments"]] == ["2"]
    answer = json.loads(run(capfd, "list", "--columns", "lr,y", "--json")[1])
    assert answer == {
        "schema": 1,
        "rows": [{"expid": "1", "args.lr": 0.1, "summary.y": "NaN"}, {"expid": "2", "args.lr": -5}],
    }
    answer = json.loads(run(capfd, "list", "--groupby", "status", "--columns=x", "--json")[1])
    assert answer["rows"][0]["status"] == "SUCCESS" and len(answer["rows"][0]) == 3


def test_frames_of_pandas_can_be_written(root, capfd):
    pandas = pytest.importorskip("pandas")
    code, _, err = run(capfd, "list", "--sort", "lr", "--columns", "lr,x", "--export", "t.pd")
    assert (code, err) == (0, "")
    frame = pandas.read_pickle(root.parent / "t.pd")
    assert list(frame.index) == ["1", "2"] and frame[("args", "lr")].tolist() == [0.1, -5]
    run(capfd, "list", "--columns", "lr", "--flat_cols", "--export", "t.pkl")
    assert list(pandas.read_pickle(root.parent / "t.pkl").columns) == ["args.lr"]
    for options in (["--columns", "duration"], ["--groupby", "status"]):
        code, out, err = run(capfd, "list", *options, "--export", "not.pd")
        assert code in (1, 2) and out == "" and err.startswith("meticulous: ")
    assert not (root.parent / "not.pd").exists()


def test_without_pandas_only_its_own_files_cannot_be_written(root, tmp_path):
    hidden = tmp_path / "without"
    hidden.mkdir()
    for name in ("pandas", "polars", "pyarrow"):
        (hidden / f"{name}.py").write_text("raise ImportError\n")
    path = os.pathsep.join([str(hidden), os.environ["PYTHONPATH"]])
    for name, code in (("t.pd", 1), ("t.parquet", 1), ("t.csv", 0), ("t.tex", 0)):
        done = process("list", "--export", name, env={**os.environ, "PYTHONPATH": path})
        assert done.returncode == code, done.stderr
        assert (root.parent / name).exists() is (code == 0)
        if code:
            assert (
                done.stdout == b""
                and b", which is not installed. Install it with: pip install" in done.stderr
            )


def test_a_file_that_cannot_be_written_is_an_error(root, capfd):
    code, out, err = run(capfd, "list", "--export", "none/table.csv")
    assert (code, out) == (1, "")
    assert err == "meticulous: Cannot write none/table.csv: No such file or directory.\n"
