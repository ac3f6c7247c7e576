"""`meticulous run`: programs in any language, recorded from outside, run as they would without."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest
from lifecycle_tools import PROGRAMS, Project, wait_for

RUN = (sys.executable, "-m", "meticulous", "run")
PYTHON = sys.executable


class Runs(Project):
    """A project with a program written in C, and its experiments, the newest last."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        source = str(PROGRAMS / "simulate.c")
        subprocess.run(["gcc", "-O1", "-w", "-o", str(path / "simulate"), source], check=True)
        self.write(".gitignore", "simulate\n")
        self.commit("ignore what is built")

    def run(self, *words: str, **options) -> subprocess.CompletedProcess:
        options.setdefault("stdin", subprocess.DEVNULL)
        env = self.environment(**options.pop("env", {}))
        return subprocess.run(
            list(map(str, words)),
            cwd=self.path,
            env=env,
            capture_output=True,
            timeout=120,
            **options,
        )

    def shell(self, text: str, **options) -> subprocess.CompletedProcess:
        """Run a line of bash in which ``run`` is the command."""
        return self.run("bash", "-c", f'run() {{ {" ".join(RUN)} "$@"; }}; {text}', **options)

    def spawn(self, *words: str, **options) -> pexpect.spawn:
        env = {"TERM": "xterm", **options.pop("env", {})}
        return pexpect.spawn(
            words[0],
            list(words[1:]),
            cwd=str(self.path),
            env=self.environment(**env),
            timeout=60,
            **{"dimensions": (30, 100), **options},
        )

    @property
    def last(self) -> str:
        return self.ids()[-1]

    def bytes(self, name: str) -> bytes:
        return (self.root / self.last / name).read_bytes()

    def ending(self, name: str = "") -> dict:
        return self.metadata(name or self.last)["sessions"][-1]["ending"]

    def args(self) -> dict:
        return json.loads(self.text(self.last, "args.json"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs") / "project")


def test_a_c_program_runs_as_without_and_is_recorded_whole(runs):
    words = ("./simulate", "--steps", "10", "--rate=1e-3", "-v", "seed=007", "version=2.50.0")
    words = (*words, "layers=[1, 2]", "--api-key", "hunter2hunter2", "fail=3")
    without = runs.run(*words)
    done = runs.run(
        *RUN, "--name", "base", "--tag", "a", "--tag", "b", "--description", "d", *words
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, without.stdout, without.stderr)
    assert done.stdout == b"terminal: 000\n"
    assert (runs.bytes("stdout"), runs.bytes("stderr")) == (done.stdout, done.stderr)
    assert runs.args() == {
        "steps": 10,
        "rate": 0.001,
        "v": True,
        "seed": "007",
        "version": "2.50.0",
        "layers": "[1, 2]",
        "api_key": "***",
        "fail": 3,
    }
    assert json.loads(runs.text(runs.last, "default_args.json")) is None
    metadata = runs.metadata(runs.last)
    hidden = [word if word != "hunter2hunter2" else "***" for word in words]
    assert metadata["command"] == metadata["sessions"][0]["argv"] == hidden
    assert metadata["description"] == "d"
    assert metadata["githead-sha"] == runs.git("rev-parse", "HEAD")
    assert "hunter2" not in "".join(
        path.read_text() for path in (runs.root / runs.last).rglob("*") if path.is_file()
    )
    assert runs.ending() == {"kind": "error", "exit-code": 3}
    assert runs.text(runs.last) == "ERROR\nexit code 3"
    annotations = json.loads(runs.text(runs.last, "annotations.json"))
    assert annotations == {"name": "base", "tags": ["a", "b"]}
    environment = json.loads(runs.text(runs.last, "environment.json"))
    assert environment["program"] == "./simulate"
    assert "packages" not in environment and environment["recorder"]["packages"]
    assert runs.reader(runs.last).status == "ERROR"
    assert not [name for name in os.listdir(runs.root / runs.last) if name.startswith(".")]


def test_a_pipeline_of_a_shell_succeeds_and_takes_standard_input(runs):
    text = "run -- sh -c 'tr a-z A-Z | rev; exit 0'; echo $?"
    done = runs.shell(text, input=b"abc\ndef", stdin=None)
    assert (done.stdout, done.stderr) == (b"CBA\nFED0\n", b"")
    assert (runs.text(runs.last), runs.args()) == ("SUCCESS", {})


def test_a_program_in_the_same_python_keeps_its_packages(runs):
    done = runs.run(*RUN, PYTHON, "-c", "print(1)", "--x", "1")
    assert (done.returncode, done.stdout) == (0, b"1\n")
    assert runs.args() == {"x": 1}
    assert json.loads(runs.text(runs.last, "environment.json"))["packages"]


@pytest.mark.parametrize(
    ("words", "shown", "kind"),
    [
        (("./simulate", "crash=1"), "SIGSEGV", "terminated"),
        (("sh", "-c", "kill -TERM $$"), "SIGTERM", "terminated"),
        (("sh", "-c", "kill -KILL $$"), "SIGKILL", "terminated"),
        (("sh", "-c", "kill -INT $$"), "SIGINT", "interrupted"),
    ],
)
def test_a_program_killed_by_a_signal_makes_the_command_die_by_it(runs, words, shown, kind):
    done = runs.run(*RUN, "--", *words)
    assert done.returncode == -getattr(signal, shown)
    assert (runs.ending()["kind"], runs.ending()["signal"]) == (kind, shown)
    assert runs.text(runs.last) == f"ERROR\n{shown}"
    assert runs.reader(runs.last).status == kind.upper()


def test_the_resources_are_those_of_the_whole_tree(runs):
    busy = "import time\nx = b'x' * (300 << 20)\nwhile time.process_time() < 0.4: pass"
    done = runs.run(*RUN, "sh", "-c", f'{PYTHON} -c "{busy}"; true')
    assert done.returncode == 0
    resources = runs.metadata(runs.last)["sessions"][0]["resources"]
    assert resources["peak-memory"] > 300 << 20 and resources["cpu-seconds"] >= 0.4


def test_limits_are_recorded_as_facts(runs):
    program = f"{PYTHON} -c 'bytearray(1 << 33)'"
    done = runs.shell(f"ulimit -v 4000000; run -- {program}")
    assert done.returncode == 1 and b"MemoryError" in done.stderr
    assert runs.ending()["limits"]["address-space"] == 4000000 * 1024
    assert runs.text(runs.last) == "ERROR\nexit code 1"
    end = int(time.time()) + 30
    env = {"SLURM_JOB_ID": "17", "SLURM_JOB_END_TIME": str(end)}
    done = runs.shell(
        "timeout 0.5 run 2>&1 || timeout 1 $0 -m meticulous run -- sleep 60".replace(
            "timeout 0.5 run 2>&1 || ", ""
        ).replace("$0", PYTHON),
        env=env,
    )
    assert done.returncode == 124
    ending = runs.ending()
    assert (ending["signal"], {*ending["received"]}) == ("SIGTERM", {"SIGTERM"})
    assert 0 < ending["seconds-to-job-end"] < 31
    done = runs.run(*RUN, "timeout", "0.2", "sleep", "60")
    assert done.returncode == 124 and runs.ending()["exit-code"] == 124


CGROUP = Path("/sys/fs/cgroup/memory")


@pytest.fixture
def memory_group():
    """A control group with little memory, of either version; skips where none can be made."""
    own = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        own[controllers] = path.strip("/")
    name = f"meticulous-{os.getpid()}"
    try:
        if CGROUP.is_dir():
            group, limit = CGROUP / own.get("memory", "") / name, "memory.limit_in_bytes"
        else:
            group, limit = CGROUP.parent / own.get("", "") / name, "memory.max"
        group.mkdir()
        (group / limit).write_text(str(150 << 20))
        with contextlib.suppress(OSError):
            (group / "memory.swap.max").write_text("0")
    except OSError:
        pytest.skip("no control group can be made here")
    yield group
    wait_for(lambda: not (group / "cgroup.procs").read_text(), "the control group to be empty")
    group.rmdir()


def test_a_kill_for_want_of_memory_is_counted_by_the_kernel(runs, memory_group):
    eat = "x = []\nwhile True: x.append(bytearray(1 << 24))"
    done = runs.shell(f"echo $$ > {memory_group}/cgroup.procs; run -- {PYTHON} -c '{eat}'; exit $?")
    assert done.returncode == 137
    assert runs.ending() == {"kind": "terminated", "signal": "SIGKILL", "oom-kills": 1}


def test_a_daemon_lives_on_and_holds_nothing_up(runs):
    daemon = "import os, time\nif os.fork() == 0:\n os.setsid()\n time.sleep(0.5)\n"
    daemon += " print('from the daemon', flush=True)\n"
    daemon += " open('lived', 'w').write(str(os.getpid()))\n time.sleep(60)"
    runs.write("daemon.py", daemon)
    runs.commit()
    process = runs.popen(*RUN, PYTHON, "daemon.py", start_new_session=True)
    try:
        assert process.wait(30) == 0
        assert runs.text(runs.last) == "SUCCESS"
        lived = runs.path / "lived"
        wait_for(lambda: lived.exists() and lived.read_text(), "the daemon")
        assert process.stdout.readline() == b"from the daemon\n"
    finally:
        os.kill(int((runs.path / "lived").read_text()), signal.SIGKILL)
        process.communicate(timeout=30)


def test_a_hundred_megabytes_arrive_byte_for_byte(runs, tmp_path):
    want = tmp_path / "want"
    want.write_bytes(os.urandom(1 << 20) * 100)
    done = runs.shell(f"run -- cat {want} | cmp - {want} && run -- cat {want} > {want}.too", env={})
    assert (done.returncode, done.stderr) == (0, b"")
    assert subprocess.run(["cmp", f"{want}.too", str(want)], check=False).returncode == 0
    for name in (runs.last, str(int(runs.last) - 1)):
        recorded = runs.root / name / "stdout"
        assert subprocess.run(["cmp", str(recorded), str(want)], check=False).returncode == 0
        shutil.rmtree(runs.root / name)


def test_output_is_passed_on_at_once_and_capped_like_any(runs):
    process = runs.popen(*RUN, "sh", "-c", "echo one; read x; echo $x", stdin=subprocess.PIPE)
    assert process.stdout.readline() == b"one\n"
    assert process.communicate(b"two\n", timeout=60) == (b"two\n", b"")
    done = runs.run(*RUN, "seq", "20000", env={"METICULOUS_CAPTURE_LIMIT": "4096"})
    assert done.stdout.count(b"\n") == 20000
    assert len(runs.bytes("stdout")) < 5000 and b"left out" in runs.bytes("stdout")


def test_a_reader_that_goes_away_ends_the_program_as_without(runs):
    done = runs.shell("set -o pipefail; run -- yes | head -n 1")
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGPIPE, b"y\n", b"")
    assert runs.text(runs.last) == "ERROR\nSIGPIPE"


def test_capture_off_and_fd(runs):
    done = runs.run(*RUN, "--capture", "off", "./simulate", "fail=4")
    assert (done.returncode, done.stdout) == (4, b"terminal: 000\n")
    assert (runs.bytes("stdout"), runs.bytes("stderr")) == (b"", b"")
    done = runs.run(*RUN, "--capture=fd", "--", "./simulate", "fail=5")
    assert (done.returncode, done.stdout, done.stderr) == (5, b"terminal: 000\n", b"to stderr\n")
    assert (runs.bytes("stdout"), runs.bytes("stderr")) == (done.stdout, done.stderr)


def test_what_cannot_be_run_leaves_nothing(runs):
    before = runs.ids()
    for words, code, said in (
        (("no-such-program",), 127, b"not found"),
        (("./README",), 126, b"cannot be run"),
        (("./no/such",), 127, b"not found"),
        ((), 2, b"no command"),
        (("--nmae", "x", "--", "true"), 2, b"--nmae"),
        (("--capture", "all", "true"), 2, b"capture"),
    ):
        done = runs.run(*RUN, *words)
        assert (done.returncode, done.stdout) == (code, b"")
        assert said in done.stderr and done.stderr.count(b"\n") == 1
    done = runs.shell("mkdir gone && cd gone && rmdir ../gone && run -- true")
    assert done.returncode == 1 and b"The working directory is gone." in done.stderr
    assert runs.ids() == before


def test_norecord_and_other_ranks_leave_no_trace(runs):
    before = runs.ids()
    show = ("sh", "-c", "echo $PPID $METICULOUS_ATTACH$METICULOUS_PARENT; kill -USR1 $$")
    for words, env in (
        (("--norecord",), {}),
        ((), {"METICULOUS_NORECORD": "1"}),
        ((), {"SLURM_PROCID": "3"}),
    ):
        done = runs.run(*RUN, *words, "--", *show, env=env)
        assert (done.returncode, done.stdout) == (-signal.SIGUSR1, b"%d\n" % os.getpid())
    assert runs.ids() == before


def test_code_that_is_not_committed_is_refused_as_elsewhere(runs):
    runs.write("fit.R", "cat('hi')\n")
    runs.write("data.csv", "1\n")
    before = runs.ids()
    try:
        done = runs.run(*RUN, "cat", "data.csv")
        assert done.returncode == 0
        done = runs.run(*RUN, "cat", "fit.R")
        assert done.returncode == 1 and b"fit.R" in done.stderr and done.stdout == b""
        assert len(runs.ids()) == len(before) + 1
        done = runs.run(*RUN, "--dirty", "snapshot", "cat", "fit.R")
        assert (done.returncode, done.stdout) == (0, b"cat('hi')\n")
        git = runs.metadata(runs.last)["git"]
        assert (git["policy"], git["dirty"]) == ("snapshot", True)
        assert "fit.R" in runs.text(runs.last, "code.patch")
    finally:
        (runs.path / "fit.R").unlink()
        (runs.path / "data.csv").unlink()


def test_a_signal_reaches_the_program_once_whoever_is_meant(runs):
    for group in (False, True):
        process = runs.popen(*RUN, "./simulate", "stop=1", start_new_session=True)
        while process.stdout.readline() != b"ready\n":
            pass
        send = os.killpg if group else os.kill
        for number in (signal.SIGUSR1, signal.SIGTERM):
            time.sleep(0.3)  # two at once could arrive as one, also without us
            send(process.pid, number)
        assert process.communicate(timeout=60)[0] == b"saved 1 times\n"
        assert process.returncode == 7
        assert runs.ending()["received"] == ["SIGUSR1", "SIGTERM"]


def test_hangup_is_passed_on_and_stays_ignored_under_nohup(runs):
    process = runs.popen(*RUN, "sh", "-c", "echo ready; exec sleep 60")
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGHUP)
    process.wait(60)
    process.communicate()
    assert (process.returncode, runs.ending()["signal"]) == (-signal.SIGHUP, "SIGHUP")
    done = runs.shell("trap '' HUP; run -- sh -c 'kill -HUP $PPID; kill -HUP $$; echo still'")
    assert (done.returncode, done.stdout) == (0, b"still\n")


def test_killed_itself_it_is_lost_and_with_fd_the_program_loses_nothing(runs):
    script = "import os\nprint(os.getpid(), flush=True)\ninput()\nprint('b', flush=True)\n"
    script += "open('end', 'w')"
    for capture in ("sys", "fd"):
        with contextlib.suppress(FileNotFoundError):
            (runs.path / "end").unlink()
        process = runs.popen(
            *RUN, "--capture", capture, PYTHON, "-c", script, stdin=subprocess.PIPE
        )
        pid = process.stdout.readline()
        wait_for(lambda pid=pid: runs.bytes("stdout") == pid, "the record")
        process.kill()
        process.wait(60)
        assert runs.reader(runs.last).status == "LOST"
        process.stdin.write(b"\n")
        process.communicate(timeout=60)
        wait_for(lambda pid=pid: not Path("/proc", pid.decode().strip()).exists(), "the program")
        assert (runs.path / "end").exists() == (capture == "fd")
        assert runs.bytes("stdout") == pid + (b"b\n" if capture == "fd" else b"")


def test_a_storage_that_fails_after_the_start_disturbs_nothing(runs):
    text = 'rm -r "$0"/experiments/[0-9]*; for i in 1 2 3; do echo $i; sleep 0.1; done; exit 5'
    done = runs.run(*RUN, "sh", "-c", text, runs.path)
    assert (done.returncode, done.stdout) == (5, b"1\n2\n3\n")
    assert done.stderr.count(b"meticulous: cannot write") == 1


# ---------------------------------------------------------------------------- on a terminal


def test_on_a_terminal_the_program_has_one_with_its_size(runs):
    child = runs.spawn(*RUN, "--", "./simulate", "fail=6")
    child.expect_exact("terminal: 111\r\n")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 6
    assert (runs.bytes("stdout"), runs.bytes("stderr")) == (b"terminal: 111\n", b"to stderr\n")
    script = """
import os, signal, sys
def size(*_):  # past the stream's buffer, which may be busy when the signal comes
    words = "size", *os.get_terminal_size(1), *os.get_terminal_size(2)
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
size()
signal.signal(signal.SIGWINCH, size)
print("\\x1b[31mred\\x1b[0m\\rbar", flush=True)
print("got", input("name? "))
"""
    child = runs.spawn(*RUN, "--", PYTHON, "-c", script)
    child.expect_exact("size 100 30 100 30\r\n")
    child.expect_exact("\x1b[31mred\x1b[0m\rbar\r\n")
    child.setwinsize(40, 77)
    child.expect_exact("size 77 40 77 40")
    child.sendline("Ada")
    child.expect_exact("got Ada")
    child.expect(pexpect.EOF)
    assert b"\x1b[31mred\x1b[0m\rbar\n" in runs.bytes("stdout")
    assert b"\r\n" not in runs.bytes("stdout")


def test_only_what_is_a_terminal_becomes_one(runs):
    child = runs.spawn("bash", "-c", f"{' '.join(RUN)} ./simulate > out")
    child.expect_exact("to stderr")
    child.expect(pexpect.EOF)
    assert (runs.path / "out").read_text() == "terminal: 101\n"


def test_ctrl_c_is_the_programs_to_answer(runs):
    script = "import time\ntry:\n print('go', flush=True)\n time.sleep(60)\n"
    script += "except KeyboardInterrupt:\n print('saved', flush=True)\n raise SystemExit(9)"
    child = runs.spawn(*RUN, "--", PYTHON, "-c", script)
    child.expect_exact("go")
    child.sendintr()
    child.expect_exact("saved")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 9
    assert runs.ending()["received"] == ["SIGINT"]
    child = runs.spawn(*RUN, "--", "sh", "-c", "echo go; sleep 60")
    child.expect_exact("go")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.signalstatus == signal.SIGINT
    assert runs.reader(runs.last).status == "INTERRUPTED"


def test_ctrl_z_and_fg_in_a_shell_and_the_terminal_stays_as_it_was(runs):
    shell = runs.spawn("bash", "--norc", "--noprofile", "-i", env={"PS1": "ready> "})
    shell.expect_exact("ready> ")
    shell.sendline("stty -a > ../before")
    script = "import sys\nfor line in sys.stdin: print('got', line, end='', flush=True)"
    runs.write("echo.py", script)
    runs.commit("echo")
    shell.expect_exact("ready> ")
    shell.sendline(f"{' '.join(RUN)} {PYTHON} echo.py")
    shell.sendline("one")
    shell.expect_exact("got one")
    shell.sendcontrol("z")
    shell.expect("Stopped.*ready> ")
    shell.sendline("echo $((6*7))")
    shell.expect("42.*ready> ")
    shell.sendline("fg")
    shell.expect_exact("echo.py")
    shell.sendline("two")
    shell.expect_exact("got two")
    shell.sendcontrol("d")
    shell.expect_exact("ready> ")
    shell.sendline("echo code $?; stty -a | diff - ../before && echo same")
    shell.expect("code 0.*same")
    shell.sendline("exit")
    shell.expect(pexpect.EOF)
    assert runs.bytes("stdout") == b"got one\ngot two\n"
    assert runs.text(runs.last) == "SUCCESS"


def test_the_help_has_an_example_and_every_option(runs):
    done = runs.run(*RUN, "--help")
    assert done.returncode == 0
    assert re.search(rb"meticulous run --name .* -- ", done.stdout)
