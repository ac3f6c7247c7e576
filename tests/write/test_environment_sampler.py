"""Sampling the machine: what rows and totals say, and that the program never notices."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from meticulous import _environment_counters as counters
from meticulous._environment_system import Sampler

MIB = 1 << 20
LINUX = sys.platform == "linux"
WAIT = """
import json, os, sys, threading, time
from meticulous._environment_system import Sampler
def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
rows = []
"""


def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def child(code, **options):
    done = subprocess.run(
        [sys.executable, "-c", WAIT + code],
        capture_output=True,
        check=False,
        timeout=120,
        **options,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return json.loads(done.stdout)


def threads():
    return [each for each in threading.enumerate() if each.name == "meticulous-system"]


def test_rows_are_strict_json_and_plausible():
    rows = []
    sampler = Sampler(rows.append, 0.1)
    before = datetime.datetime.now(datetime.UTC)
    sampler.start()
    sampler.start()
    assert len(threads()) == 1 and threads()[0].daemon
    until(lambda: len(rows) >= 3)
    totals = sampler.stop()
    assert not threads()
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    for row in rows:
        when = datetime.datetime.fromisoformat(row["time"])
        assert when.utcoffset() == datetime.timedelta(0)
        assert before - datetime.timedelta(seconds=1) <= when <= datetime.datetime.now(datetime.UTC)
        assert row["disk"]["free"] > 0
        if LINUX:
            assert set(row) == {"time", "cpu", "memory", "process", "disk", "network"}
            assert 0 <= row["cpu"] <= 100
            assert MIB < row["process"]["memory"] < row["memory"]
            assert row["process"]["threads"] >= 2 and row["process"]["processes"] >= 1
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert totals["samples"] == len(rows)
    assert totals["peak-memory"] >= max(row["process"]["memory"] for row in rows)
    assert "failed-samples" not in totals and "gpu-hours" not in totals
    assert sampler.stop() == totals
    assert len(rows) == totals["samples"]


def test_a_short_run_has_one_sample_and_ends_at_once():
    rows = []
    sampler = Sampler(rows.append, 10.0)
    sampler.start()
    begin = time.monotonic()
    totals = sampler.stop(timeout=30)
    assert time.monotonic() - begin < 10  # the interval; in truth about a millisecond
    assert len(rows) == 1 and totals["samples"] == 1
    assert totals["peak-memory"] > 0


def test_the_first_sample_does_not_wait_for_the_interval():
    rows = []
    sampler = Sampler(rows.append, 3600.0)
    sampler.start()
    until(lambda: rows)
    sampler.stop()


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_memory_and_work_of_children_count_while_they_live_and_after():
    """A child that holds 100 MB and works shows in rows; its end does not lower the totals."""
    seen = child(
        """
import subprocess
sampler = Sampler(rows.append, 0.1)
sampler.start()
until(lambda: len(rows) >= 2)
idle = rows[-1]["process"]
code = '''
import time
ballast = bytearray(100 << 20)
end = time.process_time() + 1.0
print("ready", flush=True)
while time.process_time() < end: pass
print("done", flush=True)
input()
'''
busy = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True)
busy.stdout.readline()
begin = len(rows)
busy.stdout.readline()
until(lambda: len(rows) > begin + 2)
during = [row["process"] for row in rows[begin:]]
alive = dict(during[-1])
busy.communicate("\\n")
count = len(rows)
until(lambda: len(rows) >= count + 2)
print(json.dumps([idle, during, alive, rows[-1]["process"], sampler.stop()]))
"""
    )
    idle, during, alive, after, totals = seen
    assert idle["processes"] == after["processes"] == 1
    assert alive["processes"] == 2
    assert alive["memory"] > idle["memory"] + 100 * MIB
    assert after["memory"] < alive["memory"] - 90 * MIB
    assert max(row.get("cpu", 0) for row in during) > idle.get("cpu", 0)
    assert totals["peak-memory"] >= alive["memory"]
    assert 1.0 <= totals["cpu-seconds"] < 60


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_a_peak_between_two_samples_is_not_missed_and_an_earlier_one_not_counted():
    first, second, third = child(
        """
import subprocess
bytearray(300 << 20)
totals = []
for action in ("", "bytearray(400 << 20)", "bytearray(500 << 20)"):
    sampler = Sampler(rows.append, 3600)
    sampler.start()
    if len(totals) < 2:
        exec(action)
    else:
        subprocess.run([sys.executable, "-c", action], check=True)
    totals.append(sampler.stop(30))
print(json.dumps(totals))
"""
    )
    assert first["peak-memory"] < 200 * MIB
    assert 400 * MIB <= second["peak-memory"] < 480 * MIB
    assert third["peak-memory"] >= 500 * MIB


def test_an_interval_of_zero_takes_no_sample_and_still_gives_totals():
    rows = []
    sampler = Sampler(rows.append, 0)
    sampler.start()
    assert not threads()
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    totals = sampler.stop()
    assert rows == [] and totals["samples"] == 0
    assert totals["peak-memory"] > MIB
    assert totals["cpu-seconds"] >= 0.1


def test_before_the_start_there_is_nothing_to_stop():
    assert Sampler(print).stop() == {}


def test_a_thousand_samplers_leave_no_thread_and_no_descriptor():
    rows = []
    for round_ in range(1000):
        sampler = Sampler(rows.append, 10)
        sampler.start()
        assert sampler.stop(30)["samples"] == 1
        if round_ == 10:
            descriptors = len(os.listdir("/proc/self/fd")) if LINUX else 0
    assert len(rows) == 1000
    assert not threads()
    if LINUX:
        assert len(os.listdir("/proc/self/fd")) <= descriptors


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_has_no_sampler_and_its_stop_does_nothing():
    """Also when the fork comes while the thread holds a lock: many forks at full speed."""
    counts = child(
        """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
sampler = Sampler(lambda row: rows.append(os.getpid()), 0.001)
sampler.start()
for _ in range(100):
    pid = os.fork()
    if not pid:
        code = 7
        try:
            before = len(rows)
            good = sampler.stop() == {} and len(threading.enumerate()) == 1
            code = 0 if good and len(rows) == before else 1
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
count = len(rows)
until(lambda: len(rows) > count)
totals = sampler.stop()
print(json.dumps([totals["samples"], len(rows), len(set(rows))]))
"""
    )
    assert counts[0] == counts[1] > 0
    assert counts[2] == 1


def test_what_emit_raises_is_counted_and_sampling_goes_on():
    rows = []

    def emit(row):
        rows.append(row)
        if len(rows) < 3:
            raise OSError(28, "No space left on device")

    sampler = Sampler(emit, 0.06)
    sampler.start()
    until(lambda: len(rows) >= 4)
    totals = sampler.stop()
    assert totals["failed-samples"] == 2
    assert totals["samples"] == len(rows) - 2


def test_a_hanging_emit_does_not_hold_up_the_end_and_later_rows_are_dropped():
    rows, inside, go = [], threading.Event(), threading.Event()

    def emit(row):
        inside.set()
        go.wait(60)
        rows.append(row)

    sampler = Sampler(emit, 0.05)
    sampler.start()
    assert inside.wait(30)
    begin = time.monotonic()
    totals = sampler.stop(timeout=0.1)
    assert time.monotonic() - begin < 30
    assert totals["failed-samples"] == 1 and totals["peak-memory"] > 0
    go.set()
    until(lambda: not threads())
    assert len(rows) == 1
    assert sampler.stop() == totals


def test_stop_may_be_called_from_emit():
    totals = []
    sampler = Sampler(lambda row: totals.append(sampler.stop()), 0.05)
    sampler.start()
    until(lambda: totals and not threads())
    assert totals[0]["peak-memory"] > 0


def test_the_program_ends_promptly_and_silently_with_a_sampler_at_work():
    """Not stopped at all, at the end of the main thread, by sys.exit and by an exception."""
    for ending, code in (("", 0), ("sys.exit(3)", 3)):
        done = subprocess.run(
            [sys.executable, "-c", f"{WAIT}\nSampler(rows.append, 0.001).start()\n{ending}"],
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


@pytest.mark.skipif(not LINUX, reason="sets a limit of Linux")
def test_no_thread_to_be_had_costs_the_samples_only():
    totals = child(
        """
import resource
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
threading.stack_size(1 << 31)
sampler = Sampler(rows.append, 0.1)
sampler.start()
print(json.dumps(sampler.stop()))
"""
    )
    assert totals["samples"] == 0 and totals["failed-samples"] == 1
    assert totals["cpu-seconds"] >= 0


# The sources of the numbers


def lay(root, **files):
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_numbers_of_the_machine_are_those_of_proc(tmp_path):
    pid = os.getpid()
    lay(
        tmp_path,
        proc__stat="cpu  100 10 50 800 40 5 5 10 30 0\ncpu0 1 2\nintr 5\n",
        proc__meminfo="MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 600 kB\n",
        proc__diskstats=(
            "   8 0 sda 1 2 100 4 5 6 200 8 9 10 11\n   8 1 sda1 1 2 90 4 5 6 190 8 9 10 11\n"
            " 253 0 dm-0 1 2 100 4 5 6 200 8 9 10 11\nbroken\n"
        ),
        sys__block__sda__device__model="x",
        proc__net__dev=(
            "Inter-| Receive\n face |bytes\n    lo: 5 0 0 0 0 0 0 0 5 0\n"
            "  eth0: 1000 1 0 0 0 0 0 0 2000 1\n docker0:77 1 0 0 0 0 0 0 77 1\n"
        ),
    )
    proc = counters.ProcCounters(str(tmp_path))
    assert proc.machine() == {"ticks": 1020, "busy": 180, "memory": 400 * 1024}
    assert proc.disk() == {"read": 100 * 512, "written": 200 * 512}
    assert proc.network() == {"received": 1077, "sent": 2077}  # as in a container: no hardware
    (tmp_path / "sys/class/net/eth0/device").mkdir(parents=True)
    assert counters.ProcCounters(str(tmp_path)).network() == {"received": 1000, "sent": 2000}
    assert proc.process()["processes"] == 0
    fields = " ".join(["0"] * 10 + ["150", "50", "25", "75", "0", "0", "3", "0", "9", "0", "7"])
    for number, children in ((pid, "17 18"), (17, "17 19"), (19, "")):
        lay(tmp_path, **{f"proc__{number}__stat": f"{number} (a ) b) S {fields} 0 0\n"})
        lay(tmp_path, **{f"proc__{number}__task__{number}__children": children})
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    reading = proc.process()
    assert sorted(set(proc.pids)) == sorted({pid, 17, 19})  # 18 has ended
    count = len(proc.pids)
    assert reading == {
        "seconds": count * 300 / tick,
        "memory": count * 7 * page,
        "threads": count * 3,
        "processes": count,
    }


@pytest.mark.parametrize("text", ["", "cpu", "cpu a b c d e f g h", "\0\0", "9" * 5000])
def test_a_proc_that_makes_no_sense_costs_its_part_only(tmp_path, text):
    lay(
        tmp_path,
        proc__self__stat="1",
        proc__stat=text,
        proc__diskstats="8 0 sda a b c d e f g h",
        sys__block__sda__device__x="",
        proc__net__dev=f"eth0: {text}",
        proc__meminfo="MemTotal: lots\nMemAvailable: 7 kB\n",
    )
    rows = []
    sampler = Sampler(rows.append, 0.06, root=str(tmp_path))
    sampler.start()
    until(lambda: len(rows) >= 2)
    totals = sampler.stop()
    assert totals["failed-samples"] >= 2
    assert rows[-1]["disk"]["free"] > 0 and "memory" not in rows[-1]


@pytest.mark.skipif(not LINUX, reason="makes 200 children by fork")
def test_of_a_large_process_tree_a_bounded_number_is_looked_at():
    reading, seconds = child(
        """
import signal
from meticulous._environment_counters import ProcCounters
pids = []
for _ in range(200):
    pid = os.fork()
    if not pid:
        signal.pause()
    pids.append(pid)
counters = ProcCounters()
times = []
for _ in range(20):
    begin = time.thread_time()
    reading = counters.process()
    times.append(time.thread_time() - begin)
for pid in pids:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
print(json.dumps([reading, min(times)]))
"""
    )
    assert reading["processes"] == 64
    assert seconds < 0.1  # in truth one or two milliseconds


def test_psutil_tells_the_same_as_proc_where_both_are():
    pytest.importorskip("psutil")
    if not LINUX:
        pytest.skip("no /proc")
    proc, psutil = counters.ProcCounters(), counters.PsutilCounters()
    for part in ("machine", "process", "disk", "network"):
        ours, theirs = getattr(proc, part)(), getattr(psutil, part)()
        assert not ours or set(ours) == set(theirs), part
    ours, theirs = proc.process(), psutil.process()
    assert ours["processes"] == theirs["processes"] == len(psutil.pids)
    assert abs(ours["memory"] - theirs["memory"]) < 50 * MIB
    assert abs(ours["seconds"] - theirs["seconds"]) < 5
    tick = os.sysconf("SC_CLK_TCK")
    assert abs(proc.machine()["ticks"] / tick - psutil.machine()["ticks"]) < 10


@pytest.mark.parametrize("psutil", [True, False])
def test_without_proc_psutil_is_used_and_without_both_python_alone(tmp_path, psutil):
    if psutil:
        pytest.importorskip("psutil")
    tmp_path.joinpath("root").mkdir()
    tmp_path.joinpath("psutil.py").write_text("raise RuntimeError('built for another system')")
    path = os.environ["PYTHONPATH"]
    seen = child(
        f"""
names = set()
def hook(event, arguments):
    if event == "import" and arguments[0] == "psutil":
        names.add(threading.current_thread().name)
sys.addaudithook(hook)
sampler = Sampler(rows.append, 0.1, root={str(tmp_path / "root")!r})
sampler.start()
until(lambda: len(rows) >= 2)
print(json.dumps([rows[-1], sampler.stop(), sorted(names)]))
""",
        env={**os.environ, "PYTHONPATH": path if psutil else f"{tmp_path}:{path}"},
    )
    row, totals, names = seen
    assert names == ["meticulous-system"], "an import must not hold up the program"
    assert ("memory" in row, "network" in row, "memory" in row["process"]) == (psutil,) * 3
    assert row["process"]["cpu"] >= 0 and row["disk"]["free"] > 0
    assert totals["peak-memory"] > MIB and totals["cpu-seconds"] >= 0
    assert "failed-samples" not in totals
