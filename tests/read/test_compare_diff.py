"""Values of experiments side by side: told apart as they are written, whatever the records hold."""

import json
import os

import pytest

from meticulous import ExperimentReader, compare
from meticulous._table import MISSING
from read.records import snapshot, write_record


def compared(root, *ids, sections=compare.SECTIONS):
    return compare.compare([ExperimentReader(root / expid) for expid in ids], sections)


def different(section):
    return {line.name: line.values for line in section.lines if line.differs}


def test_values_are_told_apart_as_they_are_written(tmp_path):
    kinds = [1, 1.0, True, "1", "True", None, "None", 0.1, "0.10", [], {}, "", "NaN", -0.0, 0.0]
    for one in kinds:
        for other in kinds:
            same = type(one) is type(other) and repr(one) == repr(other)
            assert compare.differing([one, other]) is not same, (one, other)
    assert compare.differing([None, MISSING])
    assert not compare.differing([float("nan"), float("nan")])
    assert not compare.differing([{"a": 1, "b": [1]}, {"b": [1], "a": 1}])
    assert compare.differing([1e-300, 1.0000000000000002e-300])
    assert not compare.differing([10**5000, 10**5000])


def test_nested_args_and_differing_defaults_are_found_by_their_names(tmp_path):
    one = {"model": {"width": 8, "act": "relu"}, "a.b": 1, "gone": None, "empty": {}}
    other = {"model": {"width": 8.0, "act": "relu"}, "a": {"b": 1}, "empty": {}}
    write_record(tmp_path, "1", args=one, default_args={"lr": 0.1, "seed": 0})
    write_record(tmp_path, "2", args=other, default_args={"lr": 0.2, "seed": 0})
    section = compared(tmp_path, "1", "2", sections=["args"])["args"]
    assert [(line.name, line.values) for line in section.lines if line.differs] == [
        ("model.width", [8, 8.0]),
        ("a.b", [1, MISSING]),
        ("gone", [None, MISSING]),
        ("a.b", [MISSING, 1]),
        ("default_args.lr", [0.1, 0.2]),
    ]
    assert section.differs == 4
    write_record(tmp_path, "3", args=one).joinpath("default_args.json").write_text("null")
    section = compared(tmp_path, "1", "3", sections=["args"])["args"]
    assert (section.differs, section.notes) == (0, [])


def environment(folder, **facts):
    (folder / "environment.json").write_text(json.dumps(facts))


def test_packages_machines_and_variables_are_compared_but_not_what_always_differs(tmp_path):
    packages = [{"name": "numpy", "version": "2.0"}, {"name": "mine", "version": "1"}]
    one = write_record(tmp_path, "1")
    environment(
        one,
        host="a",
        packages=packages,
        disk={"free": 1, "total": 9},
        scheduler={"slurm": {"job_id": 1, "job_partition": "gpu"}},
        devices={"gpus": [{"index": 0, "name": "H100"}]},
    )
    packages = [
        {"name": "numpy", "version": "2.1"},
        {"name": "mine", "version": "1", "commit": "c"},
    ]
    environment(
        write_record(tmp_path, "2"),
        host="a",
        packages=[*packages, {"name": "new", "version": None}],
        disk={"free": 2, "total": 9},
        scheduler={"slurm": {"job_id": 2, "job_partition": "cpu"}},
        devices={"gpus": [{"index": 0, "name": "A100"}]},
        variables={"OMP_NUM_THREADS": "4"},
    )
    found = compared(tmp_path, "1", "2")
    assert different(found["environment"]) == {
        "packages.numpy": ["2.0", "2.1"],
        "packages.mine": ["1", {"version": "1", "commit": "c"}],
        "packages.new": [MISSING, None],
        "scheduler.slurm.job_partition": ["gpu", "cpu"],
        "devices.gpus.0.name": ["H100", "A100"],
        "variables.OMP_NUM_THREADS": [MISSING, "4"],
    }
    assert "packages (3), environment (3)" in compare.verdict(found, ["1", "2"])
    write_record(tmp_path, "3")
    section = compared(tmp_path, "1", "3")["environment"]
    assert (section.differs, section.notes) == (0, ["no environment is recorded of 3"])


def test_inputs_are_told_apart_by_their_hashes(tmp_path):
    def line(path, sha, **more):
        return {"role": "input", "base": "project", "path": path, "sha256": sha, **more}

    one = [line("same", "a"), line("data.csv", "old"), line("data.csv", "b"), line("only.txt", "d")]
    other = [line("same", "a"), line("data.csv", "c"), line("out", "e", role="output")]
    other.append({"role": "input", "base": "experiment", "path": "in.txt", "problem": "gone"})
    for expid, lines in (("1", one), ("2", other)):
        folder = write_record(tmp_path, expid)
        text = "".join(json.dumps(each) + "\n" for each in lines)
        (folder / "files.jsonl").write_text(text + '[]\n{"torn')
    section = compared(tmp_path, "1", "2")["inputs"]
    assert different(section) == {
        "data.csv": ["b", "c"],
        "only.txt": ["d", MISSING],
        "experiment: in.txt": [MISSING, "gone"],
    }
    assert different(compared(tmp_path, "1", "2")["outputs"]) == {"out": [MISSING, "e"]}
    assert section.notes == [f"{expid}: files.jsonl: 2 broken lines" for expid in "12"]


def metrics(folder, *rows):
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_step_is_found_at_which_two_curves_part(tmp_path):
    losses = [1.0, 0.5, "NaN", 0.25]
    rows = [{"step": n, "time": None, "loss": v, "acc": n} for n, v in enumerate(losses)]
    metrics(write_record(tmp_path, "1"), *rows)
    metrics(write_record(tmp_path, "2"), *rows[:3], {"step": 3, "loss": 0.125, "acc": 3})
    metrics(write_record(tmp_path, "3"), *rows[:2])
    metrics(write_record(tmp_path, "4"), *rows)
    found = compared(tmp_path, "1", "2")["metrics"]
    assert found.part == {"loss": 3}
    assert different(found) == {"loss.last": [0.25, 0.125], "loss.min": [0.25, 0.125]}
    assert found.differs == 1
    assert compared(tmp_path, "1", "3")["metrics"].part == {"loss": 2, "acc": 2}
    same = compared(tmp_path, "1", "4")["metrics"]
    assert (same.part, same.differs) == ({}, 0)
    assert compared(tmp_path, "1", "2", "4")["metrics"].part == {}


def test_when_nothing_differs_a_sentence_says_so(tmp_path):
    for expid in "12":
        write_record(tmp_path, expid, summary={"acc": 1})
    found = compared(tmp_path, "1", "2")
    assert compare.verdict(found, ["1", "2"]) == (
        "1 and 2 differ in nothing that was recorded: same code, args, environment, inputs, "
        "command, description, summary, metrics, outputs"
    )
    some = compared(tmp_path, "1", "2", sections=["args", "summary"])
    assert compare.verdict(some, ["1", "2"]) == "1 and 2 do not differ in: args, summary"


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"\xff\xfe\0{"),
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_text('["no object"]'),
        lambda path: path.write_text('{"packages": [1, {"name": 2}], "git": 3, "notes": 1}'),
        lambda path: path.mkdir(),
        lambda path: os.mkfifo(path),
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 1 << 33),
    ],
)
def test_whatever_is_in_a_folder_comparing_raises_nothing_and_changes_nothing(tmp_path, damage):
    names = ["STATUS", "args.json", "default_args.json", "metadata.json", "environment.json"]
    names += ["summary.json", "annotations.json", "metrics.jsonl", "files.jsonl"]
    write_record(tmp_path, "1", annotations={"tags": ["b", 1], "notes": [{"text": "x"}, 7]})
    broken = write_record(tmp_path, "2")
    for name in names:
        (broken / name).unlink(missing_ok=True)
        damage(broken / name)
    before = snapshot(tmp_path / "1")
    found = compared(tmp_path, "1", "2", "missing")
    assert different(found["status"])
    assert "missing: the folder does not exist" in found["status"].notes
    assert compare.verdict(found, ["1", "2", "missing"]).startswith("1, 2 and missing differ in: ")
    assert snapshot(tmp_path / "1") == before
