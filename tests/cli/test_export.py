"""``meticulous export``: tables, curves and folders, and the store stays as it is."""

import csv
import io
import json
import os
import tarfile
import zipfile

import pytest

from cli import command
from read.records import snapshot, write_record

STAMP = "2026-11-24T06:35:23.000000+00:00"


@pytest.fixture
def curves(tmp_path, monkeypatch):
    root = tmp_path / "experiments"
    for expid in ("1", "2"):
        folder = write_record(root, expid, summary={"acc": 0.5})
        rows = [{"step": s, "time": STAMP, "loss": 1 / (s + int(expid))} for s in range(3)]
        if expid == "2":
            rows[1] = {"step": 1, "time": STAMP, "val/acc": "NaN", "note": "=1+1"}
        (folder / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        (folder / "models").mkdir()
        (folder / "models" / "weights.bin").write_bytes(os.urandom(100))
        (folder / "out").symlink_to("/etc/passwd")
        os.mkfifo(folder / "pipe")
    monkeypatch.chdir(tmp_path)
    return root


def exported(capfd, *argv):
    code, out, err = command.run(capfd, "export", *argv)
    assert (code, err) == (0, "")
    return out


def test_a_table_has_facts_args_and_summary(curves, capfd, tmp_path):
    out = exported(capfd, "--to", "all.csv")
    assert out == "2 experiments written to all.csv as table.\n"
    rows = list(csv.DictReader(io.StringIO((tmp_path / "all.csv").read_text())))
    assert [row["expid"] for row in rows] == ["1", "2"]
    assert rows[0]["args.lr"] == "0.1"
    assert rows[0]["summary.acc"] == "0.5"
    assert rows[0]["status"] == "SUCCESS"
    answer = json.loads(exported(capfd, "2", "--to", "two.json", "--json"))
    assert answer["export"] == {"to": "two.json", "kind": "table", "experiments": ["2"]}
    assert json.loads((tmp_path / "two.json").read_text())["summary.acc"] == {"2": 0.5}
    exported(capfd, "--to", "all.parquet")
    import pandas

    frame = pandas.read_parquet(tmp_path / "all.parquet")
    assert list(frame["expid"]) == ["1", "2"]


def test_curves_are_one_line_for_each_step_and_no_formula(curves, capfd, tmp_path):
    exported(capfd, "--to", "curves.csv", "--metrics")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "curves.csv").read_text())))
    assert [(line["expid"], line["step"]) for line in lines] == [
        *(("1", str(step)) for step in range(3)),
        *(("2", str(step)) for step in range(3)),
    ]
    assert float(lines[1]["loss"]) == 0.5
    assert lines[4]["loss"] == ""
    assert lines[4]["val/acc"].lower() == "nan"
    assert lines[4]["note"] == "'=1+1"
    exported(capfd, "2", "--to", "some.jsonl", "--metrics", "val/*")
    found = [json.loads(line) for line in (tmp_path / "some.jsonl").read_text().splitlines()]
    assert [line.get("val/acc") for line in found] == ["NaN"]


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.zip"])
def test_an_archive_holds_the_folders_and_nothing_that_links_lead_to(curves, capfd, tmp_path, name):
    before = snapshot(curves)
    exported(capfd, "2", "--to", name)
    if name.endswith("zip"):
        with zipfile.ZipFile(tmp_path / name) as packed:
            found = {info.filename: packed.read(info) for info in packed.infolist()}
    else:
        with tarfile.open(tmp_path / name) as packed:
            found = {member.name: packed.extractfile(member).read() for member in packed}
    there = {f"2/{path.relative_to(curves / '2')}" for path in (curves / "2").rglob("*")}
    assert set(found) == there - {"2/out", "2/pipe", "2/models"}
    weights = (curves / "2" / "models" / "weights.bin").read_bytes()
    assert found["2/models/weights.bin"] == weights
    assert snapshot(curves) == before


def test_a_folder_of_folders_lists_like_the_store(curves, capfd, tmp_path):
    exported(capfd, "--to", "copies")
    _, listed = command.listed(capfd, "list", "copies")
    assert set(listed) == {"1", "2"}
    assert (tmp_path / "copies" / "1" / "STATUS").stat().st_mtime == pytest.approx(
        (curves / "1" / "STATUS").stat().st_mtime
    )
    code, _, err = command.run(capfd, "export", "2", "--to", "copies")
    assert code == 1
    assert "already holds 2" in err


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["--to", "x.docx"], 2, "not known"),
        (["--to", "-"], 2, "not to standard output"),
        (["--to", "x.png", "--metrics"], 2, ".csv, .tsv or .jsonl"),
        (["--to", "x.csv", "--metrics", "los"], 2, "Did you mean 'loss'?"),
        (["--to", "x.csv", "--metrics", "loss", "1"], 2, "Ids stand before the options."),
        (["--to", "x.csv", "--metrics", "loss", "1-2"], 2, "Ids stand before the options."),
        (["--to", "x.csv", "--metrics", "loss,acd"], 2, "There is no metric 'acd'."),
        (["7", "--to", "x.csv"], 2, "There is no experiment '7'"),
        (["--to", "no/where.csv"], 1, "No such file"),
        (["--to", "no/where.tar"], 1, "No such file"),
        ([], 2, "--to"),
        (["--filter", "lr > 5", "--to", "x.csv", "--fail-empty"], 3, ""),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(
    curves, capfd, tmp_path, argv, code, says
):
    before = set(os.listdir(tmp_path))
    found, _, err = command.run(capfd, "export", *argv)
    assert found == code
    assert says in err
    assert len(err.splitlines()) <= 1
    assert set(os.listdir(tmp_path)) == before


def test_metrics_may_stand_in_a_list_with_commas(curves, capfd, tmp_path):
    lines = (json.loads(line) for line in (curves / "1" / "metrics.jsonl").read_text().splitlines())
    text = "".join(json.dumps({**line, "a,b": 1}) + "\n" for line in lines)
    (curves / "1" / "metrics.jsonl").write_text(text)
    exported(capfd, "--to", "some.csv", "--metrics", "loss,val/*", "a,b")
    header = (tmp_path / "some.csv").read_text().splitlines()[0]
    assert header == 'expid,session,step,time,loss,val/acc,"a,b"'


@pytest.mark.parametrize("name", ["x.pd", "x.parquet"])
def test_a_frame_holds_what_is_no_unicode_and_keys_that_are_empty(
    tmp_path, capfd, name, monkeypatch
):
    pandas = pytest.importorskip("pandas")
    write_record(tmp_path / "experiments", "1", args={"": 1, "lone": "\ud800", "deep": {"": 2}})
    monkeypatch.chdir(tmp_path)
    exported(capfd, "--to", name)
    read = pandas.read_pickle if name == "x.pd" else pandas.read_parquet
    frame = read(tmp_path / name)
    assert frame["args."].tolist() == [1] and frame["args.deep."].tolist() == [2]
    assert frame["args.lone"].tolist() == ["\\ud800"]
