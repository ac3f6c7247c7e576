"""What others do with the streams goes on working while they are recorded, and looks the same."""

from __future__ import annotations

import importlib.util

import pytest
from console_tools import SYS, Run, both

STANDARD = (
    SYS
    + '''
import contextlib, doctest, io, logging, traceback, unittest, warnings
start()
with contextlib.redirect_stdout(io.StringIO()) as elsewhere:
    print("redirected")
assert elsewhere.getvalue() == "redirected\\n"
with contextlib.redirect_stdout(sys.stderr):
    print("to the other stream")

def double(n):
    """
    >>> double(2)
    4
    >>> print("in a doctest")
    in a doctest
    """
    return 2 * n

print(doctest.testmod())
logging.basicConfig(stream=sys.stdout, level="INFO", format="%(message)s")
logging.info("logged")
logging.getLogger().handlers[0].flush()
warnings.showwarning = lambda message, *rest: print("warning:", message, file=sys.stderr)
warnings.warn("careful")
traceback.print_stack(file=sys.stdout)

class Case(unittest.TestCase):
    def test(self):
        print("in a unit test")

done = unittest.TextTestRunner(stream=io.StringIO()).run(unittest.TestSuite([Case("test")]))
print(done.testsRun, "test")
sys.displayhook([1, 2])
exec(compile("'shown'", "<input>", "single"))
try:
    raise ValueError("handled")
except ValueError:
    traceback.print_exc()
import atexit
atexit.register(print, "at exit")
raise KeyError("not handled")
'''
)


def test_the_standard_library_s_own_printing_is_the_same_and_recorded(tmp_path):
    code, out, err, record, record_err = both(tmp_path, STANDARD)
    assert code == 1
    assert record == out.replace(b"redirected\n", b"")
    assert record_err == err
    assert b"TestResults(failed=0, attempted=2)\nlogged\n" in record
    assert b"in a unit test\n1 test\n[1, 2]\n'shown'\n" in record
    assert record.endswith(b"at exit\n")
    assert b"to the other stream\nwarning: careful\n" in record_err
    assert b"KeyError: 'not handled'\n" in record_err


ASK = (
    SYS
    + """
import getpass, warnings
warnings.simplefilter("ignore")
start()
print("no newline ", end="")
name = input("name? ")
print("hello", name)
if not sys.stdin.isatty():
    print(len(getpass.getpass("secret? ", stream=sys.stderr)))
try:
    input()
except EOFError:
    print("end of input")
print("bye", file=sys.stderr)
"""
)


def test_input_and_getpass_ask_and_answer_through_pipes(tmp_path):
    # getpass reads from the terminal of the session where there is one
    _, out, err, record, record_err = both(tmp_path, ASK, data=b"Ada\nxyz\n", python=NO_TERMINAL)
    assert out == record == b"no newline name? hello Ada\n3\nend of input\n"
    assert err == record_err
    assert b"secret? " in err
    assert err.endswith(b"bye\n")


# Starts the program in a session without a terminal.
NO_TERMINAL = (
    "-c",
    "import os, sys; os.setsid(); os.execv(sys.executable, sys.orig_argv[:1] + sys.argv[1:])",
)


def test_input_on_a_terminal_is_the_terminal_s_own(tmp_path):
    texts = []
    for on in (False, True):
        with Run(tmp_path, ASK, on=on, terminal=True) as run:
            run.expect(b"no newline name? ")
            run.say(b"Ada\n")
            run.expect(b"hello Ada\n")
            code, out, _ = run.end(b"\n")
            texts.append((code, out))
            record = run.record()
    assert texts[0] == texts[1] == (0, b"no newline name? hello Ada\nbye\n")
    assert record == b"no newline hello Ada\n"  # the prompt is written by C


DEBUG = (
    SYS
    + """
start()
value = 41
breakpoint()
print("value", value)
"""
)


@pytest.mark.parametrize("terminal", [False, True])
def test_the_debugger_stops_and_goes_on(tmp_path, terminal):
    commands = b"p value\nvalue = 42\nc\n"
    code, out, _, record, _ = both(tmp_path, DEBUG, data=commands, terminal=terminal)
    assert code == 0
    assert b"41" in out
    assert out.endswith(b"value 42\n")
    assert b"41\n" in record
    assert record.endswith(b"value 42\n")
    assert terminal or record == out


FAULT = (
    SYS
    + """
import faulthandler
start()
faulthandler.enable()
print("before", flush=True)
faulthandler.dump_traceback()
os.kill(os.getpid(), 11)
"""
)


def test_faulthandler_writes_and_the_signal_kills(tmp_path):
    with Run(tmp_path, FAULT) as run:
        code, out, err = run.end()
    assert (code, out, run.record()) == (-11, b"before\n", b"before\n")
    assert err.count(b"program.py") == 2
    assert b"Segmentation fault" in err


CAPTURED = """
import os, sys
import pytest
from meticulous._console import Tap

class Record:
    def __enter__(self):
        self.data = []
        self.tap = Tap(self.data.append, self.data.append, lambda: None)
        self.tap.start()
        return self.data
    def __exit__(self, *_):
        self.tap.stop()

def test_capsys(capsys):
    with Record() as data:
        print("one")
        print("two", file=sys.stderr)
        assert capsys.readouterr() == ("one\\n", "two\\n")
        sys.stdout.buffer.write(b"three")
    assert capsys.readouterr().out == "three"
    assert b"".join(data) == b"one\\ntwo\\nthree"

def test_capfd(capfd):
    with Record() as data:
        print("one")
        os.write(1, b"direct")
    assert capfd.readouterr().out == "one\\ndirect"
    assert b"".join(data) == b"one\\n"

def test_plain():
    with Record() as data:
        print("plain")
    assert b"".join(data) == b"plain\\n"

def test_that_fails():
    with Record():
        print("shown by pytest")
        assert False

kept = Record()
def test_starts(): kept.__enter__()
def test_goes_on(): print("later")
def test_ends(): kept.__exit__()
"""


@pytest.mark.parametrize("capture", ["fd", "sys", "no", "tee-sys"])
def test_pytest_captures_as_without_us(tmp_path, capture):
    text = (
        SYS
        + f"""
sys.dont_write_bytecode = True
start()
import pytest
code = pytest.main(["-q", "-p", "no:cacheprovider", "--capture={capture}", "-p", "no:randomly",
                    "../test_inner.py"])
print("pytest ended with", int(code))
"""
    )
    (tmp_path / "test_inner.py").write_text(CAPTURED)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    with Run(tmp_path, text, env={"COLUMNS": "80"}) as run:
        _, out, err = run.end()
    assert b"1 failed, 6 passed" in out, out + err
    assert out.endswith(b"pytest ended with 1\n")
    assert out.count(b"shown by pytest") == 1 + (capture == "tee-sys") + out.count(b'print("shown')
    if capture in ("fd", "sys"):
        assert run.record().endswith(b"pytest ended with 1\n")


def needs(name):
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"no {name}")


TQDM = (
    SYS
    + """
import tqdm
class Clock:
    now = 0.0
    def time(self):
        Clock.now += 0.25
        return Clock.now
tqdm.std.time = Clock().time
start()
for i in tqdm.tqdm(range(20), mininterval=0, ncols=60):
    if i == 10:
        tqdm.tqdm.write("a line above the bar")
print("done", flush=True)
"""
)


@needs("tqdm")
@pytest.mark.parametrize("terminal", [False, True])
def test_tqdm_s_bars_look_the_same(tmp_path, terminal):
    code, out, err, record, record_err = both(tmp_path, TQDM, terminal=terminal)
    assert code == 0
    assert record == b"a line above the bar\ndone\n"
    assert record_err.count(b"\r") >= 20
    assert terminal or (record, record_err) == (out, err)


RICH = (
    SYS
    + """
import rich.console, rich.live, rich.table
start()
console = rich.console.Console(width=60)
console.print("[bold red]red[/] and", {"a": 1})
table = rich.table.Table("name", "value")
table.add_row("loss", "0.1")
console.print(table)
with rich.live.Live(console=console, auto_refresh=False) as live:
    for i in range(3):
        live.update(str(i), refresh=True)
        print("through rich's own stream", i)
print("after")
"""
)


@needs("rich")
@pytest.mark.parametrize("terminal", [False, True])
def test_rich_prints_the_same(tmp_path, terminal):
    code, out, _, record, _ = both(tmp_path, RICH, terminal=terminal)
    assert code == 0
    assert record == out
    assert b"through rich's own stream 2\n" in record
    assert (b"\x1b[1;31mred" in out) == terminal


IPYTHON = (
    SYS
    + """
import IPython
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor", history_manager=None)
start()
for cell in ("x = 2", "print('printed', x)", "x * 21", "import sys; sys.stderr.write('e\\\\n');",
             "1/0", "!echo from a child"):
    shell.run_cell(cell)
sys.stdout.flush()
from IPython.utils.capture import capture_output
with capture_output() as captured:
    print("captured")
assert captured.stdout == "captured\\n"
"""
)


@needs("IPython")
def test_ipython_cells_print_the_same(tmp_path):
    env = {"IPYTHONDIR": str(tmp_path / "ipython")}
    code, out, err, record, record_err = both(tmp_path, IPYTHON, env=env)
    assert code == 0, err
    assert b"printed 2\n" in record
    assert b"42\n" in record
    assert b"ZeroDivisionError" in record
    assert b"e\n" in record_err
    assert out.replace(b"from a child\n", b"") == record


def test_the_interactive_prompt_says_the_same(tmp_path):
    commands = b"start()\n1 + 1\nprint('x')\n1/0\n"
    text = SYS + "sys.ps1 = 'ask> '\n"
    env = {"PYTHON_BASIC_REPL": "1"}
    code, out, err, record, record_err = both(
        tmp_path, text, data=commands, python=("-i",), env=env
    )
    assert code == 0
    assert record == out == b"2\nx\n"
    assert b"ZeroDivisionError" in record_err
    assert err.startswith(b"ask> ")
