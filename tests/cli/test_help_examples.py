"""Every example in a command's --help does something in a store that has the names it uses."""

import json
import re
import shlex
from datetime import UTC, datetime

import pytest

from cli.command import run
from meticulous.cli import COMMANDS
from read.records import write_record

# Examples that are tested elsewhere: they need a terminal, git, other programs or a question.
ELSEWHERE = re.compile(r"--watch| -f\b| < |> ~|--fix|note 17   ")
# The command: until a pipe, or two spaces and what it does; neither within quotes.
WORDS = re.compile(r"""((?:'[^']*'|"[^"]*"|[^'" ]| (?! |\| |> ))*)""")
OURS = [
    "list", "show", "diff", "logs", "plot", "stats", "table", "grep", "tag", "note", "rename",
    "lock", "rm", "restore", "purge", "export",
]  # fmt: skip


def examples(capfd, command):
    code, out, _ = run(capfd, command, "--help")
    assert code == 0
    text = out.partition("\nexamples:\n")[2]
    lines = [line.strip() for line in text.split("\n\n")[0].splitlines()]
    return [line for line in lines if line.startswith("meticulous") and not ELSEWHERE.search(line)]


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    root = tmp_path / "experiments"
    for number in range(1, 24):
        model = ("linear", "mlp", "cnn")[number % 3]
        args = {"lr": 0.1, "epochs": 10, "model": model, "dataset": "d", "seed": number // 3}
        args["lr"] = 0.1 if number % 2 else 0.3
        values = {"acc": 0.8 + number / 100, "accuracy": 0.95, "loss": 0.1, "fid": 3.0}
        folder = write_record(
            root, str(number), args=args, default_args={**args, "lr": 1.0},
            summary={**values, "accuracy": 0.9 + number / 1000},
            annotations={"tags": ["seeds", "paper", "test"]},
        )  # fmt: skip
        line = {"loss": 0.1, "acc": 0.5, "val/acc": 0.4, "val/loss": 0.2}
        lines = ({"step": step, "time": 1.0 + step, **line} for step in range(3))
        (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        (folder / "stdout").write_text("CUDA out of memory\nnan\n[0]\nWarning\n")
    write_record(root, "0", status="ERROR", start_time=datetime.now(UTC).isoformat())
    return root


@pytest.mark.parametrize("command", OURS)
def test_the_examples_of_help_work(store, capfd, command):
    tried = examples(capfd, command)
    assert len(tried) >= 2, command
    if command == "restore":
        write_record(store, "baseline")
    for line in tried:
        words = shlex.split(WORDS.match(line)[1])[1:]
        if command == "restore":
            run(capfd, "rm", "baseline" if "baseline" in words else "3-7,9,17")
        code, out, err = run(capfd, *words)
        assert code == 0 and "No experiments match" not in out, (line, out, err)


def test_every_command_has_examples(capfd):
    for command in COMMANDS:
        _, out, _ = run(capfd, command, "--help")
        assert f"\n  meticulous {command}" in out.partition("\nexamples:\n")[2], command
