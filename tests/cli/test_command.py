"""The ``meticulous`` command itself: errors, pipes, terminals, help. As real processes, where the
promise is about them.
"""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from cli.command import COMMAND, process, run
from meticulous._table import width_of
from meticulous.cli import COMMANDS
from read.records import write_record

# ------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["nowhere"], 1, "There is no experiments folder {here}/nowhere. Record an experiment"),
        ([], 1, "There is no experiments folder {here}/experiments. Record an experiment first"),
        (["lits"], 2, "There is no command and no folder 'lits'. Did you mean 'meticulous list'?"),
        (["stor"], 2, "There is no command and no folder 'stor'. Did you mean 'meticulous store/'"),
        (["list", "--nope"], 2, "Unrecognized arguments: --nope. See 'meticulous list --help'."),
        (["list", "a", "b"], 2, "Unrecognized arguments: b. See 'meticulous list --help'."),
        (["--args", "some"], 2, "Argument --args: invalid choice: 'some'"),
        (
            ["list", "--fitler", "x"],
            2,
            "Unrecognized arguments: --fitler. Did you mean '--filter'",
        ),
        (["show", "--jsno=1"], 2, "Unrecognized arguments: --jsno=1. Did you mean '--json'?"),
        (["--args"], 2, "Argument --args: expected one argument. See"),
        (["file"], 1, "Cannot list {here}/file: Not a directory."),
        (["store/1"], 2, "{here}/store/1 is one experiment. Name the folder of all: {here}/store"),
        (["--project-directory", "store"], 1, "There is no experiments folder {here}/store/exp"),
    ],
)
def test_errors_are_one_line_that_says_what_to_do(
    tmp_path, capfd, monkeypatch, argv, code, message
):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("file").write_text("")
    write_record(tmp_path / "store")
    got, out, err = run(capfd, *argv)
    assert (got, out) == (code, "")
    assert err.startswith("meticulous: " + message.format(here=tmp_path))
    assert err.count("\n") == 1


def test_a_working_directory_that_is_gone_is_an_error_not_a_traceback(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        ["sh", "-c", f'rmdir "{gone}"; exec "$0" -m meticulous', sys.executable],
        cwd=gone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    said = "meticulous: The working directory is gone. Change into another one."
    assert done.stderr.splitlines()[-1] == said
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_an_error(store):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, store], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr == b"meticulous: Cannot write the output: No space left on device.\n"


# ------------------------------------------------------------------------------ pipes, terminals


def test_a_pipe_that_closes_early_ends_it_quietly(tmp_path):
    for number in range(60):
        write_record(tmp_path, str(number), summary={f"value{n}": "text" * 9 for n in range(40)})
    for options in ("", "--json"):
        script = f'"$0" -m meticulous "$1" {options} | head -1; echo "${{PIPESTATUS[0]}}"'
        done = subprocess.run(
            ["bash", "-c", script, sys.executable, tmp_path],
            env=dict(os.environ),  # without the COLUMNS that readline sets behind it
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stderr == ""
        assert done.stdout.splitlines() == [
            "{" if options else f"60 experiments in {tmp_path}/",
            "0",
        ]
    for words in ([tmp_path], ["--version"], ["list", "--help"]):
        child = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdout.close()  # nobody ever reads
        assert child.wait(60) == 0
        assert child.stderr.read() == b""
        child.stderr.close()


def test_closed_streams_are_survived(store):
    for redirection, code in ((">&-", 0), ("2>&-", 0), (">&- 2>&- <&-", 0)):
        script = f'"$0" -m meticulous "$1" {redirection}'
        done = subprocess.run(["sh", "-c", script, sys.executable, store], check=False)
        assert done.returncode == code


def on_a_terminal(columns, *argv, **environment):
    """Run the command on a terminal of that width; gives its output."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm", **environment}
    with subprocess.Popen(
        [*COMMAND, *map(str, argv)], stdin=theirs, stdout=theirs, stderr=theirs, env=env
    ) as child:
        os.close(theirs)
        data = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how Linux says that the other side has closed
                break
            if not part:
                break
            data += part
    os.close(ours)
    assert child.returncode == 0
    return data.decode().replace("\r\n", "\n")


def test_a_terminal_gets_its_width_and_colours_unless_it_wants_none(store):
    coloured = on_a_terminal(60, store)
    assert "\x1b[32mSUCCESS\x1b[0m" in coloured and "\x1b[31mERROR\x1b[0m" in coloured
    plain = re.sub(r"\x1b\[\d*m", "", coloured)
    assert "\x1b" not in plain
    assert max(map(width_of, plain.splitlines()[1:])) <= 60
    assert on_a_terminal(60, store, NO_COLOR="1") == plain
    assert on_a_terminal(60, store, TERM="dumb") == plain
    assert "\x1b" not in process(store).stdout.decode()


def test_a_home_that_cannot_be_written_does_not_matter(store, tmp_path):
    done = process(store, env={**os.environ, "HOME": "/nonexistent", "TMPDIR": "/nonexistent"})
    assert (done.returncode, done.stderr) == (0, b"")


# ------------------------------------------------------------------------------ help


def test_help_shows_commands_options_and_examples(capfd):
    code, out, err = run(capfd, "--help")
    assert (code, err) == (0, "") and run(capfd, "-h")[1] == out
    for word in (*COMMANDS, "DIRECTORY", "--version", "examples:"):
        assert word in out
    code, out, err = run(capfd, "list", "--help")
    assert (code, err) == (0, "")
    options = [
        "--args",
        "--summary",
        "--no_summary",
        "--json",
        "--project-directory",
        "--help",
        "examples:",
    ]
    assert all(option in out for option in options)
    assert run(capfd, "somewhere", "--help")[1] == out


def test_help_fits_a_narrow_terminal(capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    described = run(capfd, "list", "--help")[1].split("A mark")[0]
    assert max(map(len, described.splitlines())) <= 60


def test_the_version_is_that_of_the_package(capfd):
    import meticulous

    assert run(capfd, "--version") == (0, f"meticulous {meticulous.__version__}\n", "")
    answer = json.loads(run(capfd, "--version", "--json")[1])
    assert answer == {"schema": 1, "version": meticulous.__version__}


def test_help_is_also_a_word(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(capfd, "help") == run(capfd, "--help")
    assert run(capfd, "help", "show") == run(capfd, "show", "--help")
    write_record(tmp_path / "help")
    assert run(capfd, "help")[1].startswith("1 experiment in help/")


@pytest.mark.parametrize("words", [["--help"], ["list", "--help"], ["--version"], ["list", "."]])
def test_nothing_heavy_is_loaded(tmp_path, words):
    code = (
        "import sys; from meticulous.cli import main;"
        f"assert main({words!r}) == 0; sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True
    )
    loaded = set(done.stderr.decode().split())
    heavy = {"pandas", "numpy", "subprocess", "sqlite3", "shutil", "asyncio", "logging", "inspect"}
    assert not heavy & loaded
    ours = {name for name in loaded if name.startswith("meticulous.")}
    assert not {"meticulous.experiment", "meticulous._git", "meticulous._settings"} & ours
    assert ("meticulous.cli.list" in ours) is ("list" in words)
