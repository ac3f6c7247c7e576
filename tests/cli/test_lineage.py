"""`meticulous lineage`: whose output is whose input, whatever the paths are called."""

from __future__ import annotations

import hashlib
import json
import time

import pytest

from cli.command import run
from read.records import write_record


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def note(folder, role, path, text, *, at="10", base="project", **more):
    line = {"time": f"2021-11-23T{at}:00:00+00:00", "role": role, "base": base, "path": path}
    line |= {"size": len(text), "sha256": digest(text), **more}
    with open(folder / "files.jsonl", "a") as file:
        file.write(json.dumps(line) + "\n")


@pytest.fixture
def root(tmp_path):
    """1 -> 2 -> 4 by files, 3 beside 2, 5 from 4's folder, 6 started by 2, 7 runs 4 again."""
    root = tmp_path / "project" / "experiments"
    folders = {str(number): write_record(root, str(number)) for number in range(1, 6)}
    note(folders["1"], "output", "clean.csv", "data", at="10", base="experiment")
    note(folders["2"], "input", "data/renamed.csv", "data", at="11")
    note(folders["3"], "arg", "/far/clean.csv", "data", at="11", base="machine", arg="data.path")
    note(folders["2"], "output", "m.pt", "model", at="12")
    note(folders["3"], "output", "m.pt", "model", at="18")  # the same bytes, but too late
    note(folders["4"], "input", "m.pt", "model", at="13")
    note(folders["4"], "input", "empty", "", at="13")
    note(folders["1"], "output", "empty", "", at="10")
    note(folders["5"], "arg", "experiments/4/curve.bin", "curve", at="14", arg="start")
    write_record(root, "6", parent={"id": "2", "folder": "../2"}, annotations={"name": "child"})
    write_record(root, "7", reproduces={"id": "4"}, summary={"acc": 0.5, "x\x1b[31m": "y\x1b[0m"})
    return root


def test_the_tree_shows_both_directions_and_by_which_file(root, capfd):
    code, out, err = run(capfd, "lineage", "2", "--experiments-directory", root)
    assert (code, err) == (0, "")
    data, model, curve = (digest(text)[:8] for text in ("data", "model", "curve"))
    assert out.splitlines() == [
        "2  SUCCESS",
        "",
        "came from:",
        f"`- 1  SUCCESS  <data/renamed.csv {data}>",
        "",
        "led to:",
        f"|- 4  SUCCESS  <m.pt {model}>",
        f"|  |- 5  SUCCESS  <--start experiments/4/curve.bin {curve} in its folder>",
        "|  `- 7  SUCCESS  acc=0.5, x=y  <run again>",
        "`- 6  SUCCESS  child  <started by it>",
    ]
    code, out, _ = run(capfd, "lineage", "2", "--depth", "1", "--experiments-directory", root)
    assert "5  SUCCESS" not in out and "4  SUCCESS" in out
    code, out, _ = run(capfd, "lineage", "3", "--json", "--experiments-directory", root)
    told = json.loads(out)["lineage"]
    assert told["downstream"] == []
    (link,) = told["upstream"]
    assert (link["source"], link["kind"], link["arg"]) == ("1", "file", "data.path")
    assert [one["expid"] for one in told["experiments"]] == ["3", "1"]
    _, out, _ = run(
        capfd, "lineage", "4", "--depth", "1", "--json", "--experiments-directory", root
    )
    assert [one["source"] for one in json.loads(out)["lineage"]["upstream"]] == ["2"]


def test_ids_in_the_record_of_an_imported_experiment_are_those_of_its_bundle(root, capfd):
    origin = {"imported": {"id": "5", "sha256": "b"}}
    came = write_record(root, "21", parent={"id": "2"}, annotations=origin)
    note(came, "arg", "experiments/4/curve.bin", "curve", at="14", arg="start")
    write_record(root, "22", annotations={"imported": {"id": "4", "sha256": "b"}})
    _, out, _ = run(capfd, "lineage", "21", "--json", "--experiments-directory", root)
    assert [(it["source"], it["kind"]) for it in json.loads(out)["lineage"]["upstream"]] == [
        ("22", "folder")
    ]


def test_circles_torn_lines_and_hostile_records_end(root, capfd, monkeypatch):
    eighth, ninth = write_record(root, "8"), write_record(root, "9", parent={"id": ["a"]})
    for mine, its in ((eighth, "one"), (ninth, "two")):
        other = {"one": "two", "two": "one"}[its]
        note(mine, "output", its, its, at="10")
        note(mine, "input", other, other, at="11")
        note(mine, "input", its, its, at="11")
    with open(eighth / "files.jsonl", "a") as file:
        file.write('{"role": 3}\n{"role": "output", "path": "x", "sha256": ["a"]}\n{"torn')
    note(ninth, "arg", "../../../etc\0/passwd", "etc", base="project")
    write_record(root, "10", parent={"id": "absent\x1b[2J"})
    monkeypatch.setenv("COLUMNS", "60")
    code, out, _ = run(capfd, "lineage", "8", "--experiments-directory", root)
    assert code == 0
    assert "8  SUCCESS  (see above)" in out
    assert "note: 8: files.jsonl: 2 broken lines" in out
    assert max(map(len, out.splitlines())) <= 60
    code, out, _ = run(capfd, "lineage", "10", "--experiments-directory", root)
    assert "`- absent  (not here)  <started by it>" in out
    code, _, err = run(capfd, "lineage", "10", "--depth", "0", "--experiments-directory", root)
    assert code == 2 and "from 1" in err
    code, out, _ = run(capfd, "lineage", "1-3", "--experiments-directory", root)
    assert code == 2


def test_very_many_experiments_take_one_pass(tmp_path, capfd):
    root = tmp_path / "experiments"
    for number in range(1, 401):
        folder = write_record(root, str(number))
        note(folder, "output", "x", f"{number}", at="10")
        note(folder, "input", "x", f"{number - 1}", at="11")
    began = time.monotonic()
    code, out, _ = run(
        capfd, "lineage", "400", "--depth", "1000", "--json", "--experiments-directory", root
    )
    assert len(json.loads(out)["lineage"]["upstream"]) == 399
    assert time.monotonic() - began < 30
    code, out, _ = run(capfd, "lineage", "400", "--depth", "1000", "--experiments-directory", root)
    assert code == 0
    assert "... and 199 more: --json has all" in out
