"""Completion, asked as a shell asks, and by the shells themselves."""

import os
import shutil
import subprocess
import sys

import pytest

from cli import command
from meticulous.cli import COMMANDS
from read.records import write_record


@pytest.mark.parametrize(
    ("words", "among"),
    [
        (["sh"], ["show"]),
        (["list", "--so"], ["--sort", "--sort_reverse", "--sort-reverse"]),
        (["ls", "--norm"], ["--normalize_json_values", "--normalize-json-values"]),
        (["list", "--columns", "args."], ["args.lr", "args.layers"]),
        (["list", "--columns", "args.lr", "summ"], ["summary.loss", "summary.lr"]),
        (["show", ""], ["1", "2", "9", "10", "named", "last"]),
        (["show", "n"], ["named"]),
        (["logs", "--follow", "n"], ["named"]),
        (["list", "--status", "E"], ["ERROR"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["list", "--tail", ""], []),
        (["list", "--columns", "args.lr,summary.lo"], ["args.lr,summary.loss"]),
        (["list", "--args", "n"], ["none", "non-default"]),
        (["list", "--tag", ""], ["best"]),
        (["list", "--metrics", "tr"], ["train/loss"]),
        (["list", "-i", "n"], ["named"]),
        (["tag", "1", "b"], ["best"]),
        (["tag", "n"], ["named"]),
        (["plot", "t"], ["train/loss"]),
        (["plot", "--log", "y", "t"], ["train/loss"]),
        (["plot", "--watch", "t"], ["train/loss"]),
        (["plot", "--band", "s"], ["std", "sem"]),
        (["plot", "acc", "-i", "n"], ["named"]),
        (["stats", "summary.lo"], ["summary.loss"]),
        (["stats", "loss", "--ids", "1"], ["1", "10"]),
        (["logs", "-f", "n"], ["named"]),
        (["show", "--json", "n"], ["named"]),
        (["show", "--experiments-directory", "other", ""], ["7", "last"]),
        (["list", "other", "--columns", "args.o"], ["args.only"]),
        (["nonsense", "\x1b["], []),
    ],
)
def test_what_could_follow(store, monkeypatch, capfd, words, among):
    monkeypatch.chdir(store.parent)
    (store / "1" / "annotations.json").write_text('{"tags": ["best"]}')
    (store / "10" / "metrics.jsonl").write_text('{"step": 0, "time": 1.0, "train/loss": 1}\n')
    write_record(store.parent / "other", "7", args={"only": 1})
    code, out, err = command.run(capfd, "completion", "--words", *words)
    assert (code, err) == (0, "")
    assert out.split() == among


def test_nothing_fails_where_no_experiment_is(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert command.run(capfd, "completion", "--words", "show", "") == (0, "", "")
    assert command.run(capfd, "completion", "--words")[0] == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_every_command_are_known(name, capfd):
    _, out, _ = command.run(capfd, "completion", "--words", name, "--help")
    assert out == "--help\n"


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes_commands_ids_and_files(store, tmp_path):
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "meticulous"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m meticulous "$@"\n')
    program.chmod(0o755)
    (store.parent / "a file.csv").write_text("")
    ask = """
        eval "$(meticulous completion bash)"
        complete_now() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _meticulous
            printf '%s;' "${COMPREPLY[@]}"; echo
        }
        complete_now meticulous gre
        complete_now meticulous show na
        complete_now meticulous export --to 'a fi'
    """
    done = subprocess.run(
        ["bash", "-c", ask],
        cwd=store.parent,
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("grep;\nnamed;\na file.csv;\n", "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_script_is_legal_in_its_shell(shell, capfd, tmp_path):
    code, out, _ = command.run(capfd, "completion", shell)
    assert code == 0
    assert "completion --words" in out
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(out)
        subprocess.run([shell, "-n", script], check=True)


def test_an_unknown_shell_is_a_wrong_usage(capfd):
    code, _, err = command.run(capfd, "completion", "cmd")
    assert code == 2
    assert "bash" in err
