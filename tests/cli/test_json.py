"""What programs get: strict JSON with the documented keys, also when there is nothing to tell."""

import json
import re
from pathlib import Path

import pytest

from cli.command import run
from read.records import write_record

GUIDE = Path(__file__).parent.parent.parent / "docs" / "guides" / "reading.md"


def documented():
    """Command to the words in backticks of its rows."""
    rows = re.findall(r"^\| (`.*?) \| (.*) \| (.*) \|$", GUIDE.read_text("utf-8"), re.M)
    found = {}
    for commands, keys, held in rows:
        for command in re.findall(r"`([a-z]+)[ `]", commands):
            found.setdefault(command, set()).update(re.findall(r"`([a-z_]+)`", keys + held))
    return found


@pytest.fixture
def store(tmp_path, monkeypatch):
    root = tmp_path / "experiments"
    for number, lr in ((1, 0.1), (2, 0.1), (3, 0.2)):
        folder = write_record(
            root, str(number), args={"lr": lr, "seed": number}, summary={"acc": lr}
        )
        lines = ({"step": step, "time": 1.0 + step, "loss": 1 / step} for step in (1, 2))
        (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        (folder / "stdout").write_text("hello\n")
    monkeypatch.chdir(tmp_path)
    root.joinpath(".trash").mkdir()
    write_record(root / ".trash", "20260101T000000.000000Z.4")


def answer(capfd, *argv):
    code, out, err = run(capfd, *argv, "--json")
    assert code in (0, 1) and (err == "" or "No match" in err), argv
    value = json.loads(out, parse_constant=pytest.fail)
    assert value.pop("schema") == 1 and len(value) == 1, argv
    return value


ASKED = {
    "list": [[], ["--columns", "lr"], ["--list_columns"]],
    "show": [["1"]],
    "diff": [["1", "3"]],
    "logs": [["1"]],
    "plot": [["loss", "--smooth", "0.5"], ["loss", "-i", "1-3", "--groupby", "lr"]],
    "stats": [["acc", "--groupby", "lr", "--baseline", "0.1"]],
    "table": [["--rows", "lr", "--cell", "acc"]],
    "grep": [["hello"], ["hello", "-l"], ["hello", "-c"]],
    "tag": [["1", "x"], ["1"]],
    "note": [["1", "x"]],
    "rename": [["1", "x"]],
    "lock": [["1"], ["1", "--unlock"]],
    "rm": [["2", "--dry-run"], ["2"]],
    "restore": [[], ["4"]],
    "purge": [[]],
    "verify": [[]],
    "export": [["--to", "x.csv"]],
    "completion": [["bash"]],
    "doctor": [[]],
}


def keys_of(command, value, words):
    """The keys that a command prints, down to where the record begins or an own name is a key."""
    if isinstance(value, list):
        return {key for item in value for key in keys_of(command, item, words)}
    if not isinstance(value, dict):
        return set()
    found = set(value)
    for key, inner in value.items():
        if key in ("panels", "curves", "groups", "comparisons", "cells", "matches", "checks"):
            found |= keys_of(command, inner, words)
    return found


@pytest.mark.parametrize("command", ASKED)
def test_what_json_holds_is_what_the_guide_says(store, capfd, command):
    words = documented()
    own = {"args.lr", "header.expid"}
    if command in ("list", "show"):  # a row's keys have a table of their own
        own |= documented_row()
    for argv in ASKED[command]:
        ((key, held),) = answer(capfd, command, *argv).items()
        assert key in words[command], argv
        if command not in ("diff", "verify", "completion"):
            assert not keys_of(command, held, words) - words[command] - own, argv


def documented_row():
    return set(re.findall(r"`([a-z_]+)`", GUIDE.read_text("utf-8")))


@pytest.mark.parametrize(
    "argv",
    [
        ["list"],
        ["plot", "loss"],
        ["stats", "acc", "--groupby", "lr"],
        ["table", "--rows", "lr", "--cell", "acc"],
        ["grep", "hello"],
        ["tag", "all"],
        ["note", "all"],
        ["lock", "all"],
        ["rm", "all", "--yes"],
        ["verify"],
        ["export", "--to", "x.csv"],
    ],
)
def test_nothing_is_an_answer_of_the_same_keys(store, capfd, argv):
    ((key, everything),) = answer(capfd, *argv).items()
    if argv[0] == "rm":
        run(capfd, "restore", "1-3")
    ((same, nothing),) = answer(capfd, *argv, "--filter", "lr > 7").items()
    assert same == key and type(nothing) is type(everything)
    if isinstance(everything, dict):
        assert set(nothing) == set(everything)
    assert run(capfd, *argv, "--filter", "lr > 7", "--fail-empty", "--json")[0] == 3


def test_a_long_list_has_a_line_for_each_item_and_is_as_strict(tmp_path, capfd, monkeypatch):
    odd = {
        "nan": float("nan"),
        "lone": "\ud800",
        "pair": "\U0001f600",
        "big": 2**80,
        "\x7f": "\x7f",
    }
    for number in range(120):
        write_record(tmp_path, str(number), summary={"n": number, **(odd if number == 7 else {})})
    (tmp_path / "8" / "summary.json").write_text('{"x": ' + "[" * 900 + "]" * 900 + "}")
    out = run(capfd, tmp_path, "--json")[1]
    assert out.isascii() and not re.search(r"[\x00-\x09\x7f]", out)
    assert len(out.splitlines()) == 120 + 5
    rows = json.loads(out, parse_constant=pytest.fail)["experiments"]
    few = json.loads(run(capfd, tmp_path, "--json", "--filter", "id < 60")[1])["experiments"]
    assert rows[:60] == few and [row["expid"] for row in rows] == [str(n) for n in range(120)]
    assert rows[7]["summary"] == {"n": 7, **odd, "nan": "NaN", "lone": "\\ud800"}
