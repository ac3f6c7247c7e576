"""The listing: what it shows of good, broken and hostile records, and that it fits."""

import json
import os
import re
from datetime import UTC, datetime, timedelta

import pytest

from cli.command import listed, process, run
from meticulous._table import width_of
from read.records import OLD_STORE, snapshot, write_record

NASTY = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202e\r\n\x7f\t世界"


# ------------------------------------------------------------------------------ the listing


def test_the_listing_tells_what_ran_and_how_it_ended(store, capfd):
    code, out, err = run(capfd, store)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("5 experiments in ")
    header, rows = listed(capfd, store)
    assert header == [
        "id",
        "status",
        "started",
        "time",
        "commit",
        "lr",
        "loss",
        "lr",
        "description",
        "message",
    ]
    assert list(rows) == ["1", "2", "9", "10", "named"]
    assert re.fullmatch(r"1 +SUCCESS +\d\S+( ago)? +10m00s +0123456 +0.1 +0.5", rows["1"])
    assert re.search(r" 0.2 +0.25 +1$", rows["2"])
    assert re.search(r"^9 +ERROR .* a bold try +sys.exit\(3\)$", rows["9"])
    assert re.search(r"^10 +UNKNOWN ! .* nothing is recorded in the folder$", rows["10"])
    assert re.search(r"^named +SUCCESS ! .* not recorded: 12 of metrics.jsonl$", rows["named"])


@pytest.mark.parametrize("name", ["documented", "newest"])
def test_stores_of_2020_are_listed(name, capfd):
    header, rows = listed(capfd, OLD_STORE / name / "experiments")
    names = [
        "lr",
        "seed",
        "optimizer",
        "layers",
        "crash",
        "stop_with",
        "hang",
        "loss",
        "step",
        "note",
    ]
    assert header[5:-2] == names
    assert list(rows) == ["1", "2", "3", "4", "5", "6", "7", "8", "baseline"]
    assert "ed8f367" in rows["1"] and "ff773e8" in rows["8"]
    assert rows["3"].endswith("ValueError: loss is not finite")
    assert "[16, 16]" in rows["7"] and "wider net" in rows["7"]
    assert "UNKNOWN !" in rows["6"]


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ([], ["lr"]),
        (["--args", "truncated"], ["lr"]),
        (["--args", "none"], []),
        (["--args", "non-default"], ["lr", "model.width"]),
        (["--args", "all"], ["lr", "same", "model.width", "nan"]),
        (["--args", "all", "--summary"], ["lr", "same", "model.width", "nan"]),
        (["--args=all", "--no_summary"], ["lr", "same", "model.width", "nan"]),
    ],
)
def test_which_args_are_shown(tmp_path, capfd, options, shown):
    for number in range(3):
        args = {"lr": number, "same": 1, "model": {"width": 3}, "nan": float("nan")}
        defaults = {"lr": 0, "same": 1, "model": {"width": 9}, "nan": float("nan")}
        write_record(tmp_path, str(number), args=args, default_args=defaults, summary={"loss": 1})
    tmp_path.joinpath("9").mkdir()  # one without any args does not make every arg differ
    header, _ = listed(capfd, tmp_path, *options)
    summary = [] if "--no_summary" in options else ["loss"]
    assert header == ["id", "status", "started", "time", "commit", *shown, *summary, "message"]


def test_args_that_are_not_the_same_are_those_of_another_type_or_absent(tmp_path, capfd):
    args = [{"a": 1, "b": [1], "c": "1"}, {"a": 1.0, "b": [1], "c": 1}, {"a": 1, "b": [1], "d": 0}]
    for number, values in enumerate(args):
        write_record(tmp_path, str(number), args=values)
    assert listed(capfd, tmp_path)[0][5:] == ["a", "c", "d"]


def test_old_flags_and_places_mean_what_they_did(store, capfd, monkeypatch):
    everything = listed(capfd, store)
    project = store.parent
    project.joinpath(".git").mkdir()
    project.joinpath("src").mkdir()
    assert listed(capfd, "list", store) == everything
    assert listed(capfd, "ls", f"{store}/", "--summary") == everything
    assert listed(capfd, "--project-directory", project) == everything
    assert listed(capfd, "experiments", "--project-directory", project) == everything
    monkeypatch.chdir(project)
    assert listed(capfd, "experiments/") == everything
    monkeypatch.chdir(project / "src")
    assert listed(capfd) == everything
    assert listed(capfd, "list") == everything


def test_a_folder_named_like_a_command_can_be_given(store, capfd, monkeypatch):
    monkeypatch.chdir(store.parent)
    store.rename("list")
    assert list(listed(capfd, "./list")[1]) == list(listed(capfd, "list", "list")[1])


def test_an_empty_store_is_said_to_be_empty(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("experiments").mkdir()
    assert run(capfd) == (0, "No experiments in experiments/.\n", "")
    assert json.loads(run(capfd, "--json")[1]) == {"schema": 1, "experiments": []}


# ------------------------------------------------------------------------------ for programs


def test_json_holds_everything_strictly(store, capfd):
    write_record(store, "nan", args={"lr": float("nan")}, summary={"a": float("-inf")})
    code, out, err = run(capfd, "list", store, "--json")
    assert (code, err) == (0, "")

    def refuse(word):
        raise AssertionError(word)

    answer = json.loads(out, parse_constant=refuse)
    assert answer["schema"] == 1
    rows = {row["expid"]: row for row in answer["experiments"]}
    assert list(rows) == ["1", "2", "9", "10", "named", "nan"]
    assert rows["nan"]["args"] == {"lr": "NaN"} and rows["nan"]["summary"] == {"a": "-Infinity"}
    assert rows["9"]["status_message"] == "sys.exit(3)"
    assert rows["10"]["problems"] == ["nothing is recorded in the folder"]
    assert rows["1"]["metadata"]["command"] == ["train.py", "--lr", "0.1"]
    assert sorted(rows["1"]) == sorted(
        [
            "expid",
            "curexpdir",
            "status",
            "status_message",
            "sha",
            "start_time",
            "duration",
            "description",
            "args",
            "default_args",
            "summary",
            "annotations",
            "metadata",
            "problems",
        ]
    )


def test_json_in_a_narrow_locale_is_the_same(tmp_path):
    write_record(tmp_path, args={"name": NASTY})
    env = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    narrow = process(tmp_path, "--json", env=env)
    wide = process(tmp_path, "--json")
    assert narrow.stdout == wide.stdout and narrow.returncode == 0
    assert json.loads(narrow.stdout)["experiments"][0]["args"]["name"] == NASTY
    table = process(tmp_path, "--args", "all", env=env)
    assert (table.returncode, table.stderr) == (0, b"")
    assert re.search(rb"red +\\u4e16\\u754c", table.stdout)


# ------------------------------------------------------------------------------ hostile records


def nasty_store(root):
    write_record(
        root,
        "1",
        status=f"ERROR\n{NASTY}",
        args={NASTY: 1, "a": NASTY, "b": [NASTY], "c": {NASTY: NASTY}},
        summary={NASTY: NASTY, "s": {NASTY: [NASTY]}},
        description=NASTY,
        githead_sha=NASTY,
        start_time=NASTY,
        problems={"lost": {NASTY: NASTY}},
        sessions=[{"host": NASTY, "ending": {"kind": NASTY, "signal": NASTY}}, NASTY],
    )
    write_record(root, "2", status=NASTY, args={"a": 2})
    write_record(root, "3", status="RUNNING", session={"host": NASTY}, silent=999)
    write_record(root, f"odd{NASTY[:6]}\x9b\x7f\n\u202e")


@pytest.mark.parametrize("columns", [None, 40, 100])
def test_no_field_of_a_record_reaches_the_terminal_raw(tmp_path, capfd, monkeypatch, columns):
    root = tmp_path / f"store{NASTY[:4]}"
    nasty_store(root)
    if columns:
        monkeypatch.setenv("COLUMNS", str(columns))
    for options in ([], ["--args", "all"], ["--args", "non-default"], ["--json"]):
        code, out, err = run(capfd, root, *options)
        assert (code, err) == (0, "")
        assert out.replace("\n", "").isprintable()
        assert "red" in out
    for argv in ([root, f"--{NASTY}"], [f"none{NASTY}"], [root, "--args", NASTY]):
        code, out, err = run(capfd, *argv)
        assert code in (1, 2) and out == ""
        assert err.endswith("\n") and err[:-1].isprintable()


@pytest.mark.parametrize("columns", [40, 47, 61, 80, 100, 133, 200, 300])
def test_every_width_is_kept_and_no_id_is_cut(tmp_path, capfd, monkeypatch, columns):
    ids = ["1", "2000000000", "a-name-of-some-length"]
    for expid in ids:
        args = {f"option_{n}": f"{expid}{n}" * n for n in range(12)}
        write_record(
            tmp_path,
            expid,
            status="ERROR\nValueError: " + "very long 世界 " * 20,
            args=args,
            summary={"loss": 0.123456789, "accuracy": 12345678901234},
            description="describes " * 9,
        )
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = run(capfd, tmp_path, "--args", "all")
    lines = out.splitlines()
    assert code == 0
    assert max(map(width_of, lines[1:])) <= columns
    for expid in ids:
        assert any(line.split()[:2] == [expid, "ERROR"] for line in lines)
    assert ("not shown for want of width: " in out) is (columns < 300)
    for line in lines[4:7]:  # a number is shown whole or not at all
        assert "0.123" not in line or " 0.12345679 " in line
        assert "123456789" not in line or " 12345678901234 " in line


def test_reading_changes_nothing(store, capfd):
    before = snapshot(store)
    for options in ([], ["--json"], ["--args", "all"]):
        run(capfd, store, *options)
    assert snapshot(store) == before


# ------------------------------------------------------------------------------ the best, the age


def test_the_best_value_is_marked_for_people_and_numbers_stay_aligned(tmp_path, capfd, monkeypatch):
    for number, (loss, accuracy) in enumerate([(0.5, 1), (float("nan"), 99), (0.25, "Infinity")]):
        summary = {"loss": loss, "accuracy": accuracy, "same_loss": 1, "steps": number, "text": "x"}
        write_record(tmp_path, str(number), summary=summary)
    assert "*" not in run(capfd, tmp_path)[1], "what reads a pipe gets nothing but values"
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    header, rows = listed(capfd, tmp_path)
    assert header[-5:] == ["loss", "accuracy", "same_loss", "steps", "text"]
    assert [line.split()[5:7] for line in rows.values()] == [
        ["0.5", "1"],
        ["nan", "99*"],
        ["0.25*", "Infinity"],
    ]
    texts = [(line, line.split()[5].rstrip("*")) for line in rows.values()]
    ends = {line.index(text) + len(text) for line, text in texts}
    assert len(ends) == 1, "the digits end below each other"
    write_record(tmp_path, "3", summary={"loss": 0.25})
    out = run(capfd, tmp_path, "--columns", "loss,steps")[1]
    assert out.count("0.25*") == 2 and out.count("*") == 2
    assert "*" not in run(capfd, tmp_path, "--filter", "steps == 2")[1], "one alone is not the best"
    assert "*" not in run(capfd, tmp_path, "--csv")[1] + run(capfd, tmp_path, "--json")[1]


def test_the_status_says_how_long_it_runs_or_is_silent(tmp_path, capfd):
    start = datetime.now(UTC) - timedelta(minutes=3, seconds=20)
    write_record(
        tmp_path,
        "1",
        status="RUNNING",
        session={"host": "elsewhere", "start": start.isoformat()},
        start_time=start.isoformat(),
        end_time=None,
    )
    gone = {"host": "elsewhere", "start": "2021-11-23T16:31:56+00:00"}
    write_record(tmp_path, "2", status="RUNNING", session=gone, silent=7250, end_time=None)
    write_record(tmp_path, "3", status="RUNNING", session=gone, silent=3.5 * 86400, end_time=None)
    _, rows = listed(capfd, tmp_path)
    assert re.match(r"1 +RUNNING 3m +3m ago ", rows["1"])
    assert re.match(r"2 +SILENT 2h +2021", rows["2"])
    assert re.match(r"3 +SILENT 3d +2021", rows["3"])


def test_a_status_of_any_length_does_not_widen_the_table(tmp_path, capfd, monkeypatch):
    write_record(tmp_path, "1", status="9" * 100_000)
    write_record(tmp_path, "2")
    assert max(map(len, run(capfd, tmp_path)[1].splitlines()[1:])) < 300
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, run(capfd, tmp_path)[1].splitlines()[1:])) <= 80


# ------------------------------------------------------------------------------ what was logged


@pytest.fixture
def logged(tmp_path, monkeypatch):
    root = tmp_path / "experiments"
    for number in range(1, 4):
        folder = write_record(root, str(number), args={"n": number})
        lines = [{"step": step, "loss": 1 / (step + number), "val/acc": step} for step in range(3)]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        folder.joinpath("metrics.jsonl").write_text(text)
    write_record(root, "4", args={"n": 4})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return root


def test_logged_values_are_columns_on_request(logged, capfd):
    out = run(capfd, "list", "--metrics", "loss,loss:max", "val/acc:count")[1]
    assert re.search(r"args +metrics\n", out) and "not shown" not in out
    header, rows = listed(capfd, "list", "--metrics", "loss,loss:max", "val/acc:count")
    assert header[5:] == ["n", "loss", "loss.max", "val/acc.count"]
    assert rows["1"].split()[5:] == ["1", "0.33333333", "1.0", "3"]
    assert rows["3"].split()[5:] == ["3", "0.2*", "0.33333333*", "3"]
    assert rows["4"].split()[5:] == ["4"]
    answer = json.loads(
        run(capfd, "list", "--columns", "metrics.loss.min,metrics.loss", "--json")[1]
    )
    assert answer["rows"][0]["metrics.loss.min"] == answer["rows"][0]["metrics.loss.last"] == 1 / 3
    words = ["--filter", "metrics.loss.min < 0.3", "--sort", "metrics.loss.min", "--columns", "n"]
    assert list(listed(capfd, "list", *words)[1]) == ["2", "3"]
    assert json.loads(run(capfd, "list", "--json")[1])["experiments"][0].get("metrics") is None


def test_metrics_cannot_be_grouped_here_and_what_groups_them_is_named(logged, capfd):
    for words in (["loss:min"], ["loss:min,acc", "--columns", "n"]):
        code, out, err = run(capfd, "list", "--groupby", "n", "--metrics", *words)
        said = "Metrics cannot be grouped here. See: meticulous stats loss:min --groupby n\n"
        assert (code, out, err) == (2, "", f"meticulous: {said}")
    assert run(capfd, "stats", "loss:min", "--groupby", "n")[0] == 0


def test_a_metric_whose_name_holds_a_comma_or_a_space_is_written_in_backticks(logged, capfd):
    line = {"step": 0, "a, b": 1, "my loss": 2}
    (logged / "1" / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    words = ["--metrics", "`a, b`,loss", "`a, b:min`", "my loss", "--json", "--columns", "id"]
    row = json.loads(run(capfd, "list", *words)[1])["rows"][0]
    keys = ["metrics.a, b.last", "metrics.a, b.min", "metrics.my loss.last"]
    assert [row[key] for key in keys] == [1, 1, 2]
    err = run(capfd, "list", "--metrics", "a,b")[2]
    assert "There is no metric 'a'. There are: `a, b`, `my loss`, loss, val/acc." in err


def test_an_unknown_metric_is_named_with_those_that_look_like_it(logged, capfd):
    for words, said in (
        (["--metrics", "los"], "There is no metric 'los'. Did you mean 'loss'?"),
        (["--metrics", "loss:mni"], "A metric has no 'mni'. Write loss:min or :max."),
        (["--metrics", "zzz"], "There is no metric 'zzz'. There are: loss, "),
        (["--columns", "metrics.los"], "There is no 'metrics.los'. Did you mean 'metrics.loss"),
        (["--sort", "loss"], "There is no value 'loss', but a metric. Write 'metrics.loss'."),
    ):
        code, out, err = run(capfd, "list", *words)
        assert (code, out) == (2, "") and err.count("\n") == 1
        assert said in err


def test_a_logged_value_is_spelled_alike_wherever_a_name_stands(logged, capfd):
    words = ["--columns", "loss:min", "--sort", "loss:min", "--filter", "n < 4"]
    code, out, err = run(capfd, "list", *words, "--json")
    assert (code, err) == (0, "")
    values = [row["metrics.loss.min"] for row in json.loads(out)["rows"]]
    assert values == sorted(values, reverse=True) and len(values) == 3


# ------------------------------------------------------------------------------ what people wrote


def test_names_and_tags_are_shown_where_there_are_any(tmp_path, capfd):
    write_record(tmp_path, "1", annotations={"name": "base", "tags": ["best", "paper"]})
    write_record(tmp_path, "2", annotations={"tags": [], "name": ""})
    header, rows = listed(capfd, tmp_path)
    assert header[:3] == ["id", "name", "status"] and header[-1] == "tags"
    assert re.search(r"^1 +base +SUCCESS .* best, paper$", rows["1"])
    write_record(tmp_path / "other", "1")
    assert "name" not in listed(capfd, tmp_path / "other")[0]


def test_notes_are_shown_as_what_they_say(tmp_path, capfd):
    notes = [{"time": "2026-11-30T00:00:00+00:00", "text": "too slow"}, {"text": "again"}, 5]
    write_record(tmp_path, "1", annotations={"notes": notes})
    assert listed(capfd, tmp_path, "--columns", "notes")[1]["1"] == "1   too slow; again"
    answer = json.loads(run(capfd, tmp_path, "--columns", "notes", "--json")[1])
    assert answer["rows"][0]["annotations.notes"] == notes


def test_columns_stay_straight_where_the_encoding_lacks_characters(tmp_path):
    for expid, name in (("1", "n\xe4me \u4e16"), ("2", "x")):
        write_record(tmp_path, expid, args={"name": name}, default_args={}, description="d")
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    out = process(tmp_path, "--columns", "name", "description", env=env).stdout.decode("ascii")
    lines = out.splitlines()[-2:]
    assert lines[0].startswith("1   n\\xe4me \\u4e16  d")
    assert lines[0].index("d") == lines[1].index("d")


def test_a_title_wraps_on_a_narrow_terminal(tmp_path, capfd, monkeypatch):
    write_record(tmp_path / "experiments", "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "40")
    lines = run(capfd, "list", "--filter", "lr > 0.01 and lr < 0.2 and status == 'SUCCESS'")[1]
    assert max(map(len, lines.splitlines())) <= 40
    assert lines.startswith("1 experiment in experiments/, filtered\nby lr > ")
