"""What a program prints comes out as without us, and is recorded: `capture="sys"`."""

from __future__ import annotations

import signal

import pytest
from console_tools import SYS, Run, both

ODD = (
    SYS
    + """
before = "before the start "
sys.stdout.write(before)
start()
print("\\x1b[31mred\\x1b[0m", "bar 10%\\r", end="")
sys.stdout.write("bar 99%\\rpartial")
sys.stdout.flush()
print(" line äöü \\N{SNOWMAN} \\U0001f600")
sys.stdout.writelines(["one\\n", "two\\r\\n", ""])
sys.stdout.flush()
sys.stdout.buffer.write(bytes(range(256)))
sys.stdout.buffer.write(memoryview(bytearray(b"view")))
sys.stdout.buffer.writelines([b"x", b"y"])
sys.stdout.buffer.flush()
print("names", b"caf\\xe9".decode("utf-8", "surrogateescape").encode("utf-8", "surrogateescape"))
sys.stderr.write("error ")
print("\\ud800 \\udc80 lone", file=sys.stderr)
sys.stderr.buffer.write(b"\\xff\\x00\\n")
sys.stderr.buffer.flush()
print("big", "x" * 100_000)
for i in range(2000):
    print("line", i)
    if i % 7 == 0:
        print("noise", i, file=sys.stderr)
print("no newline at the end", end="")
stop()
print("after the stop")
"""
)


@pytest.mark.parametrize("python", [(), ("-u",)], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("terminal", [False, True], ids=["piped", "terminal"])
def test_the_bytes_of_the_terminal_are_those_without_us_and_are_recorded(
    tmp_path, terminal, python
):
    code, out, err, record, record_err = both(tmp_path, ODD, terminal=terminal, python=python)
    assert code == 0
    assert b"after the stop" in out
    assert b"before the start" in out
    assert b"after the stop" not in record
    assert b"before the start" not in record
    assert bytes(range(256)) + b"viewxy" in record
    assert record.endswith(b"line 1999\nno newline at the end")
    assert record_err.startswith(b"error \\ud800 \x80 lone\n\xff\x00\nnoise 0\n")
    if not terminal:  # on a terminal the two streams are one
        assert out == b"before the start " + record + b"after the stop\n"
        assert err == record_err.replace(b"\x80", b"\\udc80", 1)


def test_the_record_is_live_while_the_pipe_waits_for_the_program_s_own_flush(tmp_path):
    text = (
        SYS
        + """
start()
print("first")
sys.stdin.readline()
print("second", len(settles))
sys.stdout.flush()
print("third", len(settles), flush=True)
sys.stdout.flush()
sys.stdout.buffer.write(b"raw\\n")
sys.stdout.buffer.flush()
sys.stdout.buffer.flush()
print("settled", len(settles), file=sys.stderr)
sys.stdin.readline()
print("never flushed")
sys.stdin.readline()
"""
    )
    with Run(tmp_path, text) as run:
        run.expect(b"first\n", "out")
        assert run.read() == b""
        run.say(b"\n")
        run.expect(b"first\nsecond 0\nthird 1\nraw\n")
        run.expect(b"settled 3\n", "err")
        run.say(b"\n")
        run.expect(b"never flushed\n", "out")
        run.kill()
        assert run.end()[1] == b"first\nsecond 0\nthird 1\nraw\n"


@pytest.mark.parametrize(
    "options", [{"terminal": True}, {"python": ("-u",)}], ids=["terminal", "unbuffered"]
)
def test_what_the_stream_itself_flushes_waits_for_the_record_line_by_line(tmp_path, options):
    text = (
        SYS
        + """
start()
counts = []
for text in ("a", "b\\n", "c", "d\\r", "e"):
    sys.stdout.write(text)
    counts.append(len(settles))
sys.stdout.flush()
sys.stdout.flush()
counts.append(len(settles))
print(*counts)
"""
    )
    _code, out, _, record, _ = both_recorded(tmp_path, text, **options)
    assert record == out == b"ab\ncd\re0 1 1 2 2 3\n"


def both_recorded(folder, text, **options):
    with Run(folder, text, **options) as run:
        return (*run.end(), run.record("out"), run.record("err"))


def test_the_stream_objects_and_their_attributes_stay_true(tmp_path):
    text = (
        SYS
        + """
import io, faulthandler, logging, subprocess, warnings
handler = logging.StreamHandler(sys.stdout)
logging.basicConfig(handlers=[handler], level="INFO", format="%(levelname)s %(message)s")
kept = sys.stdout
def facts():
    s = sys.stdout
    return [type(s), id(s), id(s.buffer), s.isatty(), s.fileno(), s.encoding, s.errors, s.name,
            s.mode, s.line_buffering, s.write_through, s.newlines, s.closed, s.writable(),
            s.readable(), s.seekable(), repr(s), isinstance(s, io.TextIOWrapper),
            sys.stdout is sys.__stdout__, s.buffer.raw.fileno()]
before = facts()
kept_attributes = sorted(vars(sys.stdout)), sorted(vars(sys.stdout.buffer))
start()
assert facts() == before, facts()
logging.info("through an older handler")
warnings.warn("beware", stacklevel=1)
faulthandler.enable()
subprocess.run(["true"], stdout=sys.stdout, check=True)
assert sys.stdout.write("four") == 4
assert sys.stdout.buffer.write(b"12345") == 5
for wrong in (3, None, b"x"):
    try:
        sys.stdout.write(wrong)
    except TypeError:
        pass
    else:
        raise AssertionError
    try:
        sys.stdout.buffer.write("text")
    except TypeError:
        pass
    else:
        raise AssertionError
sys.stdout.reconfigure(line_buffering=True)
print("reconfigured")
sys.stdout.reconfigure(line_buffering=before[9], errors="backslashreplace", encoding="ascii")
print("caf\\xe9")
sys.stdout.reconfigure(encoding="utf-8", errors=before[6])
try:
    sys.stdout.tell()
except OSError:
    pass
stop()
assert facts() == before
assert (sorted(vars(sys.stdout)), sorted(vars(sys.stdout.buffer))) == kept_attributes
assert sys.stdout is kept
logging.info("an older handler after the stop")
"""
    )
    code, out, err, record, record_err = both(tmp_path, text)
    assert code == 0, err
    assert record == b"INFO through an older handler\nfour12345reconfigured\ncaf\xc3\xa9\n"
    assert b"caf\\xe9\n" in out
    assert b"beware" in record_err


def test_a_file_as_output_is_recorded_once_whoever_asks_for_its_position(tmp_path):
    text = (
        SYS
        + """
sys.stdout = open("redirected", "w")
start()
print("some text", end="")
assert sys.stdout.tell() == 9
print("more", end="")
sys.stdout.seek(0, 2)
sys.stdout.truncate()
print("last")
raw = sys.stdout.detach()
raw.write(b"raw")
raw.close()
sys.stdout = sys.__stdout__
stop()
"""
    )
    code, _, err, record, _ = both(tmp_path, text)
    assert (code, err, record) == (0, b"", b"some textmorelast\nraw")
    assert (tmp_path / "on" / "redirected").read_bytes() == record


def test_a_stream_that_another_one_wraps_is_recorded_once(tmp_path):
    text = (
        SYS
        + """
import codecs, io
start()
print("old")
sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", line_buffering=True)
print("new")
sys.__stdout__.write("the old one again\\n")
sys.__stdout__.flush()
sys.stdout = codecs.getwriter("utf-8")(sys.stdout.detach())
print("codecs")
sys.stdout.flush()
stop()
"""
    )
    _, out, _, record, _ = both(tmp_path, text)
    assert record == b"old\nnew\nthe old one again\ncodecs\n"
    assert sorted(out) == sorted(record)


def test_errors_of_the_terminal_reach_the_program_and_its_words_are_kept(tmp_path):
    text = (
        SYS
        + """
import errno
start()
full = open("/dev/full", "w")
os.dup2(full.fileno(), 1)
for call in (lambda: print("no space", flush=True), lambda: sys.stdout.flush(),
             lambda: sys.stdout.write("y" * 100_000)):
    try:
        call()
    except OSError as error:
        print(errno.errorcode[error.errno], file=sys.stderr)
sys.stdout.reconfigure
stop()
os._exit(0)
"""
    )
    code, _, err, record, record_err = both(tmp_path, text)
    assert (code, err) == (0, b"ENOSPC\nENOSPC\nENOSPC\n")
    assert record == b"no space\n" + b"y" * 100_000
    assert record_err == err


def test_a_reader_that_goes_away_ends_the_program_as_without_us(tmp_path):
    text = (
        SYS
        + """
start()
sys.stdin.readline()
for i in range(100_000):
    print(i)
"""
    )
    codes = []
    for on in (False, True):
        with Run(tmp_path, text, on=on) as run:
            run.process.stdout.close()
            run.say(b"\n")
            err = run.process.stderr.read()
            codes.append((run.process.wait(60), b"BrokenPipeError: [Errno 32] Broken pipe" in err))
    assert codes == [(1, True), (1, True)]


def test_unencodable_text_is_refused_as_without_us_and_not_recorded(tmp_path):
    text = (
        SYS
        + """
start()
try:
    print("caf\\xe9")
except UnicodeEncodeError as error:
    print("refused", error.encoding)
"""
    )
    env = {"PYTHONIOENCODING": "ascii:strict"}
    _, out, _, record, _ = both(tmp_path, text, env=env)
    assert out == record == b"refused ascii\n"


def test_file_names_that_are_no_text_are_recorded_as_their_bytes(tmp_path):
    text = (
        SYS
        + """
start()
print(os.fsdecode(b"caf\\xe9 \\xc3\\xa9"))
"""
    )
    _, out, _, record, _ = both(tmp_path, text, env={"PYTHONIOENCODING": "utf-8:surrogateescape"})
    assert out == record == b"caf\xe9 \xc3\xa9\n"


def test_threads_neither_lose_nor_repeat_what_they_print(tmp_path):
    text = (
        SYS
        + """
import threading
sys.setswitchinterval(1e-5)
start()
def work(me):
    for i in range(2000):
        sys.stdout.write(f"{me}-{i}\\n")
        if i % 100 == 0:
            sys.stdout.flush()
        if i % 50 == 0:
            sys.stdout.buffer.write(b"raw-%d-%d\\n" % (me, i))
threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
[t.start() for t in threads]
[t.join() for t in threads]
stop()
"""
    )
    with Run(tmp_path, text) as run:
        _, out, err = run.end()
        assert err == b""
    lines = run.record().split(b"\n")
    assert sorted(lines) == sorted(out.split(b"\n"))
    assert len(lines) == len(set(lines)) == 6 * 2040 + 1


def test_a_signal_handler_that_prints_neither_blocks_nor_is_lost(tmp_path):
    # Line-buffered: in CPython before 3.12.4 a full chunk loses text to such a handler by itself.
    text = (
        SYS
        + """
import signal
count, refused = 0, []
def handler(*_):
    global count
    count = me = count + 1
    try:
        sys.stdout.write(f"signal {me}\\n")
    except RuntimeError:  # CPython's own: reentrant call inside <_io.BufferedWriter>
        refused.append(me)
signal.signal(signal.SIGALRM, handler)
os.dup2(file("printed"), 1)
sys.stdout.reconfigure(line_buffering=True)
start()
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
written = 0
while count < 300:
    sys.stdout.write(f"line {written}\\n")
    written += 1
signal.setitimer(signal.ITIMER_REAL, 0)
stop()
print(written, count, *refused, file=sys.stderr)
"""
    )
    with Run(tmp_path, text) as run:
        code, _, err = run.end()
        assert code == 0, err
        written, count, *refused = map(int, err.split())
        lines = run.record().split(b"\n")[:-1]
        printed = run.record("printed").split(b"\n")[:-1]
    wanted = {b"line %d" % n for n in range(written)}
    wanted |= {b"signal %d" % (n + 1) for n in range(count)}
    assert len(lines) == len(set(lines))
    assert set(lines) == wanted
    assert set(printed) == wanted - {b"signal %d" % n for n in refused}


@pytest.mark.parametrize("line_buffering", [True, False])
def test_text_is_not_lost_when_a_signal_handler_raises_while_it_is_flushed(
    tmp_path, line_buffering
):
    text = (
        SYS
        + f"""
import random, signal
class Tick(Exception):
    pass
def handler(*_):
    raise Tick
os.dup2(file("printed"), 1)
sys.stdout.reconfigure(line_buffering={line_buffering})
start()
signal.signal(signal.SIGALRM, handler)
done, hits, i = [], 0, 0
while hits < 300:
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 1e-3))
        while True:
            i += 1
            sys.stdout.write(f"part {{i}} \\n")
            done.append(i)
    except Tick:
        hits += 1
sys.stdout.flush()
stop()
print(*done, file=sys.stderr)
"""
    )
    with Run(tmp_path, text) as run:
        code, _, err = run.end()
        printed = set(run.record("printed").replace(b"\n", b"").split(b"part "))
        recorded = set(run.record("out").replace(b"\n", b"").split(b"part "))
    done = [number + b" " for number in err.split()]
    assert code == 0
    assert [number for number in done if number not in printed] == []
    assert [number for number in done if number not in recorded] == []


def test_a_forked_child_prints_and_is_not_recorded(tmp_path):
    text = (
        SYS
        + """
start()
print("parent", flush=True)
child = os.fork()
if child == 0:
    print("child")
    sys.stdout.buffer.write(b"raw child\\n")
    sys.stdout.flush()
    own = Tap(appender("child"), appender("child"), lambda: None)
    own.start()
    print("child's own", flush=True)
    own.stop()
    stop()
    os._exit(0)
os.waitpid(child, 0)
import multiprocessing
def work():
    print("worker", flush=True)
if __name__ == "__main__":
    worker = multiprocessing.get_context("fork").Process(target=work)
    worker.start()
    worker.join()
    print("parent again")
"""
    )
    _, out, err, record, _ = both_recorded(tmp_path, text)
    assert out == b"parent\nraw child\nchild\nchild's own\nworker\nparent again\n", err
    assert record == b"parent\nparent again\n"
    assert (tmp_path / "on" / "child").read_bytes() == b"child's own\n"


def test_ctrl_c_during_a_blocked_write_keeps_the_words(tmp_path):
    text = (
        SYS
        + """
start()
print("ready", file=sys.stderr)
try:
    sys.stdout.write("z" * 300_000)
    sys.stdout.flush()
except KeyboardInterrupt:
    os._exit(0)
"""
    )
    with Run(tmp_path, text) as run:
        run.expect(b"ready\n", "err")
        while not run.read(0.05):
            pass
        run.kill(signal.SIGINT)
        run.process.wait(60)
        assert run.record() == b"z" * 300_000
