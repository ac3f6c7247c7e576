"""``meticulous logs``: the console of an experiment, also while it runs."""

import json
import os
import re
import signal
import subprocess
import time

import pexpect

from cli.command import COMMAND, process, run
from read.records import write_record

HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m\x1bPq\x1b\\\u202eok\x00\x08\n"


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_console_is_printed_as_a_terminal_would_show_it(store, capfd):
    (store / "2" / "stdout").write_bytes(b" 10%\r100%\r\n\x1b[32mdone\x1b[0m")
    (store / "2" / "stderr").write_bytes(b"a\nb\nc\n")
    assert run(capfd, "logs", store / "2") == (0, "100%\ndone\n", "")
    assert run(capfd, "logs", store / "2", "--stderr", "--tail", 2) == (0, "b\nc\n", "")
    assert run(capfd, "logs", store / "2", "--stderr", "--tail", 0) == (0, "", "")
    code, out, _ = run(capfd, "logs", store / "2", "--json", "--tail", 1)
    facts = {"expid": "2", "stream": "stdout", "lines": ["done"]}
    assert (code, json.loads(out)) == (0, {"schema": 1, "logs": facts})
    code, out, _ = run(capfd, "logs", store / "2", "--raw", "--stderr", "--tail", 2)
    assert out == "b\nc\n"


def test_the_newest_is_shown_and_the_traceback_of_a_failed_one_is_pointed_to(store, capfd):
    (store / "10" / "stdout").write_text("newest\n")
    assert run(capfd, "logs", "--experiments-directory", store)[:2] == (0, "newest\n")
    (store / "9" / "stderr").write_text("Traceback\n")
    code, out, err = run(capfd, "logs", store / "9")
    assert (code, out) == (0, "")
    assert err == (
        "meticulous: 9 is ERROR (sys.exit(3)). 'meticulous logs 9 --stderr' shows what it wrote "
        "there.\n"
    )
    assert run(capfd, "logs", store / "9", "--stderr") == (0, "Traceback\n", "")


def test_escapes_reach_a_pipe_or_terminal_only_with_raw(store, capfd):
    (store / "2" / "stdout").write_text(HOSTILE)
    assert run(capfd, "logs", store / "2")[1] == "ok\n"
    assert run(capfd, "logs", store / "2", "-f")[1] == "ok\n"
    assert run(capfd, "logs", store / "2", "--raw")[1] == HOSTILE
    assert process("logs", store / "2", "--raw").stdout == HOSTILE.encode()
    assert process("logs", store / "2", "--raw", "-f").stdout == HOSTILE.encode()


def test_what_is_no_file_is_said_and_nothing_waits(store, capfd):
    stdout = store / "2" / "stdout"
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.mkdir()):
        stdout.unlink()
        make(stdout)
        for options in ((), ("--raw",), ("--json",), ("-f",), ("--tail", 3)):
            code, out, err = run(capfd, "logs", store / "2", *options)
            assert (code, out) == (1, "")
            assert re.match(r"meticulous: Cannot read \S+stdout: (not a reg|a link|is a dir)", err)
    stdout.rmdir()
    assert run(capfd, "logs", store / "2") == (0, "", "meticulous: Experiment 2 has no stdout.\n")
    code, _, err = run(capfd, "logs", store / "2", "-f")
    assert (code, err) == (0, "meticulous: 2 is SUCCESS after 10m00s\n")
    assert run(capfd, "logs", store / "2", "--json", "-f")[0] == 2
    assert run(capfd, "logs", store / "2", "--tail", "-1")[0] == 2


FOLLOWED = """
    import os, sys, time
    from meticulous import Experiment

    with Experiment({}) as experiment:
        print("first", flush=True)
        print("\\x1b[31m 10%", end="\\r", flush=True)
        while not os.path.exists("go"):
            time.sleep(0.02)
        print("100%\\x1b[0m\\nlast", flush=True)
        raise ValueError("boom")
"""


def test_a_running_experiment_is_followed_until_it_ends(repository):
    program = repository.program(FOLLOWED)
    running = repository.start(program)
    wait_for(lambda: (repository.root / "1" / "stdout").exists())
    command = [*COMMAND, "logs", "-f", "1"]
    with subprocess.Popen(
        command, cwd=repository.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as following:
        assert following.stdout.readline() == b"first\n"
        assert following.poll() is None
        repository.write("go", "")
        out, err = following.communicate(timeout=60)
    running.communicate(timeout=60)
    assert (following.returncode, out) == (0, b"100%\nlast\n")
    assert re.fullmatch(rb"meticulous: 1 is ERROR after [\d.ms]+: ValueError: boom\n", err)


def test_ctrl_c_ends_following_quietly_and_bars_are_drawn_in_place(repository):
    program = repository.program(FOLLOWED)
    running = repository.start(program)
    try:
        wait_for(lambda: (repository.root / "1" / "stdout").exists())
        terminal = pexpect.spawn(
            COMMAND[0],
            [*COMMAND[1:], "logs", "-f"],
            cwd=repository.path,
            dimensions=(10, 40),
            env={**os.environ, "TERM": "xterm"},
        )
        terminal.expect(r"first\r\n\x1b\[0;31m 10%\x1b\[0m\r\n")
        repository.write("go", "")
        terminal.expect(r"\x1b\[1A\r\x1b\[J\x1b\[0;31m100%\x1b\[0m\r\nlast\r\n")
        terminal.expect("ValueError: boom")
        terminal.expect(pexpect.EOF)
        terminal.close()
    finally:
        running.communicate(timeout=60)
    folder = write_record(repository.root, "2", status="RUNNING")
    with subprocess.Popen(
        [*COMMAND, "logs", str(folder), "-f"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as following:
        (folder / "stdout").write_text("line\n")
        assert following.stdout.readline() == b"line\n"
        following.send_signal(signal.SIGINT)
        assert following.communicate(timeout=60) == (b"", b"")
    assert following.returncode == 130


def test_a_file_that_is_replaced_or_made_shorter_is_followed_on(store):
    folder = write_record(store, "20", status="RUNNING")
    stdout = folder / "stdout"
    first = [f"line number {n}" for n in range(40)]
    stdout.write_text("\n".join(first) + "\n")
    with subprocess.Popen(
        [*COMMAND, "logs", str(folder), "-f"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:

        def comes(*lines):
            assert [following.stdout.readline() for _ in lines] == [f"{line}\n" for line in lines]

        comes(*first)
        new = folder / "new"  # as when it is cut to its limit
        new.write_text("\n".join([first[0], "[left out]", *first[20:], "more"]) + "\n")
        new.replace(stdout)
        comes("more")
        stdout.write_text("other\n")
        comes("other")
        stdout.unlink()
        new.write_text("begun anew\nend\n")
        new.replace(stdout)
        comes("begun anew", "end")
        (folder / "STATUS").write_text("SUCCESS")
        assert following.communicate(timeout=60)[0] == ""


def test_a_pipe_that_closes_early_is_no_error(store):
    (store / "2" / "stdout").write_bytes(b"a line\n" * 500_000)
    for options in ((), ("--raw",), ("-f",)):
        command = [*COMMAND, "logs", str(store / "2"), *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            assert child.stdout.readline() == b"a line\n"
            child.stdout.close()
            assert child.stderr.read() == b""
            assert child.wait(60) == 0
