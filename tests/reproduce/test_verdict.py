"""The verdict on two experiments that are there: ``meticulous reproduce ID --compare OTHER``."""

from __future__ import annotations

import json

import pytest

from read.records import write_record


@pytest.fixture
def pair(repository, meticulous, monkeypatch):
    """Write experiments and give the verdict on the first two."""

    def write(expid, curve=(), stdout="", files=None, **options):
        folder = write_record(repository.root, expid, **options)
        lines = [
            {"step": step, "time": "2026-11-24T06:35:23+00:00", "loss": value}
            for step, value in enumerate(curve)
        ]
        if lines:
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (folder / "metrics.jsonl").write_text(text)
        (folder / "stdout").write_text(stdout)
        for name, content in (files or {}).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(content)
        return folder

    def verdict(*words):
        code, out, err = meticulous("reproduce", "1", "--compare", "2", "--json", *words)
        assert err == ""
        answer = json.loads(out)["reproduction"]
        text = meticulous("reproduce", "1", "--compare", "2", *words)[1]
        assert f"\n{answer['verdict']}: {answer['reason']}\n" in text
        return code, answer["verdict"], answer

    write.verdict = verdict
    return write


def test_identical_means_every_bit_but_times_and_nothing_is_recorded_for_strangers(
    pair, repository
):
    values = {"acc": 0.5, "nan": "NaN", "deep": {"list": [1, {"x": True}], "wall_time": 3}}
    pair("1", (0.5, "NaN", 0.25), summary=values)
    pair("2", (0.5, "NaN", 0.25), summary={**values, "deep": {**values["deep"], "wall_time": 4}})
    code, word, answer = pair.verdict()
    assert (code, word) == (0, "IDENTICAL")
    assert answer["compared"] == {"summary values": 4, "curves": 1}
    assert answer["left_out"] == ["deep.wall_time"]
    assert "reproduces" not in json.loads((repository.root / "2" / "metadata.json").read_text())
    assert not (repository.root / "1" / "annotations.json").exists()
    summary = repository.root / "2" / "summary.json"
    summary.write_text(json.dumps({**values, "acc": 0.5000000000000001}))
    code, word, answer = pair.verdict()
    assert (code, word) == (4, "DIFFERENT") and answer["differences"][0]["what"] == "summary acc"
    assert pair.verdict("--rtol", "1e-12")[:2] == (0, "WITHIN TOLERANCE")
    assert pair.verdict("--ignore", "ac*")[:2] == (0, "IDENTICAL")
    summary.write_text(json.dumps({**values, "acc": True}))
    assert pair.verdict("--atol", "9")[:2] == (4, "DIFFERENT")


def test_the_first_step_at_which_curves_part_is_told_and_how_far_they_get(pair):
    pair("1", (1.0, 0.5, 0.25, 0.125))
    pair("2", (1.0, 0.5, 0.35, 0.1255))
    code, word, answer = pair.verdict("--atol", "0.01")
    (curve,) = answer["differences"]
    assert (code, word, curve["step"], curve["largest-step"]) == (4, "DIFFERENT", 2, 2)
    assert abs(curve["largest"] - 0.1) < 1e-12 and (curve["old"], curve["new"]) == (0.25, 0.35)
    assert pair.verdict("--rtol", "0.5")[1] == "WITHIN TOLERANCE"


def test_a_shorter_curve_differs_where_it_ends(pair):
    pair("1", (1.0, 0.5, 0.25))
    pair("2", (1.0, 0.5))
    code, _, answer = pair.verdict("--atol", "100")
    (curve,) = answer["differences"]
    assert (code, curve["step"], curve["old"], curve["new"]) == (4, 2, 0.25, None)


def test_of_an_experiment_that_was_killed_what_it_got_to_is_compared(pair):
    session = {"ending": {"kind": "terminated", "signal": "SIGKILL"}}
    pair("1", (1.0, 0.5), status="ERROR\nSIGKILL", session=session)
    pair("2", (1.0, 0.5, 0.25), summary={"acc": 1})
    code, word, answer = pair.verdict()
    assert (code, word) == (0, "IDENTICAL")
    assert any("did not end by itself (TERMINATED)" in note for note in answer["notes"])


def test_files_count_and_no_tolerance_can_tell_of_them(pair):
    pair("1", (1.0,), files={"model.bin": "a", "log.txt": "10:30", "out/x": "1"})
    pair("2", (1.0,), files={"model.bin": "b", "log.txt": "10:31"})
    code, word, answer = pair.verdict("--ignore", "log*")
    names = [each["what"] for each in answer["differences"]]
    assert (code, word, names) == (4, "DIFFERENT", ["file model.bin", "file out/x"])
    code, word, answer = pair.verdict("--atol", "1")
    assert (code, word) == (0, "WITHIN TOLERANCE")
    assert "3 files differ, of which no tolerance can tell" in answer["notes"]
    assert pair.verdict("--ignore", "*[!s]")[1] == "IDENTICAL"


def test_recorded_outputs_are_compared_by_their_hashes(pair):
    line = {"role": "output", "base": "project", "path": "out.bin", "sha256": "a" * 64}
    for expid in "12":
        pair(expid, files={"files.jsonl": json.dumps(line) + "\n"})
        line["sha256"] = "b" * 64
    code, _, answer = pair.verdict()
    assert code == 4 and answer["differences"][0]["what"] == "file out.bin"


def test_what_was_printed_counts_only_without_anything_else(pair, repository):
    pair("1", (1.0,), stdout="a\nb\n")
    pair("2", (1.0,), stdout="a\n\x1b[2Jc\n")
    assert pair.verdict()[1] == "IDENTICAL"
    (repository.root / "2" / "stdout").write_text("a\nb\n")
    code, word, answer = pair.verdict("--ignore", "loss")
    assert (code, word) == (0, "IDENTICAL")
    assert answer["reason"] == "it printed the same, and nothing else counts"
    (repository.root / "2" / "stdout").write_text("a\n\x1b[2Jc\n")
    for expid in "12":
        (repository.root / expid / "metrics.jsonl").unlink()
    code, word, answer = pair.verdict()
    assert (code, word) == (4, "DIFFERENT")
    (line,) = answer["differences"]
    assert line["what"] == "output, line 2" and line["old"] == "b" and "\x1b" not in line["new"]


def test_the_same_failure_is_the_same_and_another_one_is_not(pair, repository):
    pair("1", status="ERROR\nsys.exit(3)")
    pair("2", status="ERROR\nsys.exit(3)")
    assert pair.verdict()[:2] == (0, "IDENTICAL")
    (repository.root / "2" / "STATUS").write_text("ERROR\nValueError: x")
    code, word, answer = pair.verdict()
    assert (code, word) == (1, "FAILED") and "ValueError: x, 1 with ERROR" in answer["reason"]
    (repository.root / "2" / "STATUS").write_text("SUCCESS")
    assert pair.verdict()[:2] == (4, "DIFFERENT")


def test_the_verdict_of_a_reproduction_that_lost_its_own_is_recorded_once(pair, repository):
    pair("1", (1.0,))
    pair("2", (1.0,), reproduces={"id": "1"})
    assert pair.verdict()[1] == "IDENTICAL"
    pair.verdict()
    facts = json.loads((repository.root / "2" / "metadata.json").read_text())["reproduces"]
    assert (facts["id"], facts["verdict"], facts["compared"]) == ("1", "IDENTICAL", {"curves": 1})
    history = json.loads((repository.root / "1" / "annotations.json").read_text())["history"]
    assert [line["value"] for line in history] == [{"id": "2", "verdict": "IDENTICAL"}]


def test_seeds_say_what_is_usual_when_there_are_three(pair, repository):
    for expid, seed, loss in (("1", 1, 0.5), ("3", 2, 0.6), ("4", 3, 0.7)):
        args = {"lr": 0.1, "model": {"random_seed": seed}}
        pair(expid, (9.0, loss), args=args, summary={"loss": loss})
    args = {"lr": 0.1, "model": {"random_seed": 1}}
    pair("2", (7.0, 0.6875), args=args, summary={"loss": 0.6875}, reproduces={"id": "x"})
    code, word, answer = pair.verdict()
    assert (code, word) == (0, "WITHIN TOLERANCE")
    assert "3 experiments that differ in model.random_seed" in answer["tolerance"]
    assert pair.verdict("--seed", "args.model.random_seed")[1] == word
    (repository.root / "2" / "summary.json").write_text('{"loss": 0.71}')
    assert pair.verdict()[:2] == (4, "DIFFERENT")
    (repository.root / "2" / "summary.json").write_text('{"loss": 0.6875}')
    (repository.root / "4" / "args.json").write_text('{"lr": 0.2, "model": {"random_seed": 3}}')
    assert pair.verdict()[:2] == (4, "DIFFERENT")


def test_wrong_usage_is_a_line(pair, meticulous):
    pair("1")
    for words, message in (
        (["--rtol", "-1"], "--rtol cannot be -1.0"),
        (["--set", "lr"], "'lr' is not NAME=VALUE"),
        (["--seed", "nothing"], "no arg 'nothing'"),
        (["--inputs", "maybe"], "invalid choice"),
    ):
        code, out, err = meticulous("reproduce", "1", "--compare", "1", *words)
        assert (code, out) == (2, "") and message in err and err.count("\n") == 1
