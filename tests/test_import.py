"""Importing costs little and does nothing: rule 8 of docs/design.md.

Time is measured by the benchmark, on a quiet machine; here it is what makes the time that is
counted: which modules are loaded. Every look is taken in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"

FACE = "import meticulous"
WRITING = "from meticulous import Experiment"
READING = "from meticulous import ExperimentReader, Experiments"

# Each costs milliseconds, and none is needed before an experiment starts or at all.
HEAVY = {
    "argparse",
    "asyncio",
    "concurrent",
    "ctypes",
    "dataclasses",
    "email",
    "hashlib",
    "http",
    "importlib.metadata",
    "inspect",
    "logging",
    "multiprocessing",
    "pathlib",
    "random",
    "shutil",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "tokenize",
    "tomllib",
    "traceback",
    "typing_extensions",
    "unittest",
    "urllib",
    "uuid",
    "zipfile",
}

# Modules of the standard library beyond those of bare Python: `typing` and `json` with what they
# load, `threading`, `signal` … Raise one only in a commit that says why.
BUDGETS = {FACE: 36, WRITING: 66, READING: 66}


def modules_after(statement: str, *options: str, path: Path = SOURCE) -> set[str]:
    """The modules that a statement loads beyond those that Python itself loads."""
    program = (
        f"import sys; sys.path.insert(0, {str(path)!r}); before = set(sys.modules); {statement}; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", *options, "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def foreign(modules: set[str]) -> set[str]:
    tops = {name.split(".")[0] for name in modules}
    return tops - set(sys.stdlib_module_names) - {"meticulous"}


def heavy(modules: set[str]) -> set[str]:
    return {name for name in HEAVY if name in modules}


@pytest.mark.parametrize("statement", BUDGETS)
def test_only_light_modules_of_the_standard_library_are_loaded(statement):
    modules = modules_after(statement)
    assert foreign(modules) == set()
    assert heavy(modules) == set()
    standard = sorted(name for name in modules if not name.startswith("meticulous"))
    assert len(standard) <= BUDGETS[statement], standard


def test_the_writing_half_does_not_load_the_reading_half():
    loaded = {name for name in modules_after(WRITING) if name.startswith("meticulous")}
    assert not loaded & {"meticulous.experiments", "meticulous._table", "meticulous.cli"}
    loaded = {name for name in modules_after(READING) if name.startswith("meticulous")}
    assert not loaded & {"meticulous.experiment", "meticulous._git", "meticulous._console"}


def test_a_heavy_or_foreign_import_would_be_seen(tmp_path):
    package = tmp_path / "meticulous"
    package.mkdir()
    (package / "__init__.py").write_text("import subprocess, outsider\n")
    (tmp_path / "outsider.py").write_text("")
    modules = modules_after(FACE, path=tmp_path)
    assert foreign(modules) == {"outsider"}
    assert "subprocess" in heavy(modules)


STATE = """
import json, sys
sys.path.insert(0, {path!r})
import atexit, builtins, gc, io, logging, os, signal, threading, warnings

forks = []
original = os.register_at_fork
os.register_at_fork = lambda **hooks: (forks.append(sorted(hooks)), original(**hooks))

def state():
    return {{
        "threads": [thread.name for thread in threading.enumerate()],
        "handlers": [str(signal.getsignal(number)) for number in signal.valid_signals()],
        "atexit": atexit._ncallbacks(),
        "hooks": [id(sys.excepthook), id(sys.exit), id(threading.excepthook), id(builtins.exit)],
        "streams": [id(sys.stdout), id(sys.stderr), id(sys.stdin), type(sys.stdout).__name__],
        "writes": [sys.stdout.write == sys.__stdout__.write, "write" in vars(sys.stdout)],
        "files": sorted(os.listdir(".")),
        "descriptors": sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc") else [],
        "environment": sorted(os.environ),
        "directory": os.getcwd(),
        "filters": len(warnings.filters),
        "logging": [len(logging.root.handlers), sorted(logging.root.manager.loggerDict)],
        "tracing": [sys.gettrace() is None, sys.getprofile() is None],
        "collector": [gc.isenabled(), *gc.get_threshold()],
        "path": sys.path,
        "forks": len(forks),
    }}

import builtins
builtins.exit = sys.exit
before = json.dumps(state())
{statement}
after = json.dumps(state())
print(json.dumps([json.loads(before), json.loads(after)]))
"""


def changed_by(statement: str, folder: Path, path: Path = SOURCE) -> set[str]:
    """What of a process is another after a statement."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", STATE.format(path=str(path), statement=statement)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout)
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize("statement", BUDGETS)
def test_nothing_happens_at_import(statement, tmp_path):
    assert changed_by(statement, tmp_path) == set()


def test_what_happens_at_import_would_be_seen(tmp_path):
    package = tmp_path / "meticulous"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import atexit, logging, os, sys, threading, warnings\n"
        "atexit.register(print)\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "sys.excepthook = print\n"
        "open('left.txt', 'w').close()\n"
        "os.environ['LEFT'] = '1'\n"
        "os.register_at_fork(before=print)\n"
        "warnings.simplefilter('ignore')\n"
        "logging.getLogger('ours').addHandler(logging.NullHandler())\n"
    )
    expected = {"threads", "atexit", "hooks", "files", "environment", "forks", "filters", "logging"}
    assert changed_by(FACE, tmp_path, path=tmp_path) == expected
