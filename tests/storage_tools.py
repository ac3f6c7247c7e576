"""What the tests of the record's files share: strict reading, odd values, a quick experiment."""

from __future__ import annotations

import argparse
import atexit
import collections
import contextlib
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import json
import math
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile
import time
import types

import msgspec
import numpy
from hypothesis import strategies

from conftest import Repository
from meticulous import Experiment
from meticulous._redact import Redactor


def strict(data: bytes):
    """Read JSON as the strictest readers do, and see that two of them agree."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    def unique(pairs):
        names = [name for name, _ in pairs]
        assert len(set(names)) == len(names), f"a name twice: {names}"
        return dict(pairs)

    value = json.loads(data.decode("utf-8"), parse_constant=refuse, object_pairs_hook=unique)
    assert alike(value, msgspec.json.decode(data))
    return value


def strict_lines(data: bytes) -> list:
    assert data == b"" or data.endswith(b"\n")
    return [strict(line) for line in data.splitlines() if line or b"\n" in line]


def alike(one, other) -> bool:
    """Equal, with the same types, names in the same order, and the sign of zero."""
    return type(one) is type(other) and json.dumps(one) == json.dumps(other)


def read_all(folder) -> dict:
    """Every JSON file and every line of a folder, strictly read."""
    found = {}
    for path in sorted(pathlib.Path(folder).iterdir()):
        if path.suffix == ".json":
            found[path.name] = strict(path.read_bytes())
        elif path.suffix == ".jsonl":
            found[path.name] = strict_lines(path.read_bytes())
    return found


def rows(experiment) -> list:
    """The rows of metrics.jsonl without their times."""
    lines = strict_lines(folder_of(experiment).joinpath("metrics.jsonl").read_bytes())
    return [{name: value for name, value in line.items() if name != "time"} for line in lines]


def folder_of(experiment) -> pathlib.Path:
    return pathlib.Path(experiment if isinstance(experiment, str) else experiment.curexpdir)


class Quick:
    """Experiments in this process, in one repository, recording only what is asked for."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.started: list[Experiment] = []

    @functools.cached_property
    def repository(self) -> Repository:
        # When first used, in a test, since fixtures of a module come before those of conftest.
        return Repository(self.path)

    def __call__(self, args=None, default_args=None, **options) -> Experiment:
        options = {"dirty": "allow", "capture": "off", "sample_seconds": 0, **options}
        options.setdefault("project_directory", self.repository.path)
        experiment = Experiment(args, default_args, **options)
        self.started.append(experiment)
        return experiment

    def __enter__(self):
        return self

    def __exit__(self, *error):
        while self.started:
            self.started.pop().finish()


# ------------------------------------------------------------------------------ storage in trouble

SHIM = pathlib.Path(__file__).parent / "shims" / "storage_trouble.c"


@contextlib.contextmanager
def limited_file_size(limit: int):
    """Let this process write no file beyond so many bytes: a write stops short, then fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# Programs that begin with this are bound by the modes of files, also when root runs the tests.
OBEY_MODES = """
import ctypes
_libc = ctypes.CDLL(None, use_errno=True)
_header, _sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert _libc.capget(_header, _sets) == 0
_sets[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
assert _libc.capset(_header, _sets) == 0
"""


class Trouble:
    """Child processes whose storage below `root` hangs or fails while a flag says so."""

    _library: str | None = None

    def __init__(self, folder: pathlib.Path, root: pathlib.Path) -> None:
        self.flag = folder / "trouble"
        self.env = {
            "LD_PRELOAD": self.library(),
            "TROUBLE_ROOT": str(root),
            "TROUBLE_FLAG": str(self.flag),
        }

    @classmethod
    def library(cls) -> str:
        if cls._library is None:
            if shutil.which("gcc") is None:
                raise AssertionError("gcc is needed to test a storage that fails: install gcc")
            folder = tempfile.mkdtemp(prefix="shim-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            path = os.path.join(folder, "trouble.so")
            subprocess.run(
                ["gcc", "-shared", "-fPIC", "-O1", "-o", path, str(SHIM), "-ldl"], check=True
            )
            cls._library = path
        return cls._library

    def begin(self, kind: str) -> None:
        """One of the words in storage_trouble.c."""
        beside = self.flag.with_suffix(".new")
        beside.write_text(kind)
        beside.replace(self.flag)

    def end(self) -> None:
        self.flag.unlink(missing_ok=True)


class Disk:
    """A small disk that can be filled: a tmpfs, or where nobody may mount, its imitation."""

    def __init__(self, folder: pathlib.Path, size: str = "20m") -> None:
        self.path = folder / "disk"
        self.path.mkdir()
        self.env: dict[str, str] = {}
        self._trouble: Trouble | None = None
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.path],
            capture_output=True,
            check=False,
        )
        if mounted.returncode:
            self._trouble = Trouble(folder, self.path)
            self.env = self._trouble.env

    def fill(self) -> None:
        """Take all the space there is."""
        if self._trouble is not None:
            self._trouble.begin("ENOSPC")
            return
        with contextlib.suppress(OSError), open(self.path / "ballast", "ab", 0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def free(self) -> None:
        if self._trouble is not None:
            self._trouble.end()
        else:
            (self.path / "ballast").unlink()

    def close(self) -> None:
        if self._trouble is None:
            subprocess.run(["umount", "-l", self.path], check=True)


# What a `Driven` program does: it reads what to do, and answers how long that took.
DRIVEN = """
import contextlib, json, os, resource, shutil, sys, time
from meticulous import Experiment, StorageError

replies = os.fdopen(int(sys.argv[1]), "w", 1)
experiment = Experiment({"lr": 0.1}, **json.loads(sys.argv[2]))


def timed(count, call, pause=0.0):
    times = []
    for number in range(count):
        start = time.perf_counter()
        call(number)
        times.append(time.perf_counter() - start)
        time.sleep(pause)
    return times


def log(count, phase, pause=0.0, text=""):
    row = {"text": text} if text else {}
    return timed(count, lambda n: experiment.log({"phase": phase, "n": n, **row}), pause)


def show(count, text):
    return timed(count, lambda n: print(text, n, flush=True))


def summary(count, **values):
    return timed(count, lambda n: experiment.summary(values))


def annotate(count):
    return timed(count, lambda n: (experiment.tag(f"t{n}"), experiment.note("x")))


def inputs(count, path):
    return timed(count, lambda n: experiment.record_input(path))


def no_more_files():
    used = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, used))
    spare = []
    with contextlib.suppress(OSError):
        while True:
            spare.append(os.open("/dev/null", 0))
    experiment.spare = spare


def finish():
    return timed(1, lambda n: experiment.finish())


def until_error():
    for n in range(1000):
        try:
            experiment.log({"n": n})
        except StorageError as error:
            return [str(error), error.path]
        time.sleep(0.01)


for line in sys.stdin:
    name, arguments, named = json.loads(line)
    if name == "exit":
        sys.exit(*arguments)
    replies.write(json.dumps(globals()[name](*arguments, **named)) + "\\n")
"""


class Driven:
    """A program that is recorded and does what it is told, while its storage fails."""

    def __init__(self, repository, *, env=None, prefix="", **options) -> None:
        if not (repository.path / "driven.py").exists():
            repository.program(prefix + DRIVEN, "driven.py")
        options = {"sample_seconds": 0, **options}
        reading, writing = os.pipe()
        self.replies = os.fdopen(reading)
        self.process = repository.start(
            "driven.py",
            str(writing),
            json.dumps(options),
            env=env,
            stdin=subprocess.PIPE,
            pass_fds=(writing,),
        )
        os.close(writing)

    def tell(self, name: str, *arguments, **named):
        line = json.dumps([name, arguments, named]) + "\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()

    def __call__(self, name: str, *arguments, **named):
        """Let it do something; what it answers, mostly the seconds of each call."""
        self.tell(name, *arguments, **named)
        return json.loads(self.replies.readline())

    def end(self, *code: int) -> tuple[int, float]:
        """Let it leave; its exit code and the seconds that took."""
        self.tell("exit", *code)
        start = time.monotonic()
        self.out, err = self.process.communicate(timeout=90)
        self.err = err.decode()
        self.replies.close()
        return self.process.returncode, time.monotonic() - start

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("meticulous: ")]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.replies.close()


# ---------------------------------------------------------------------------- values of any kind


class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 3


class Mode(enum.Flag):
    A = 1
    B = 2


@dataclasses.dataclass
class Point:
    x: object
    y: object = 0


Pair = collections.namedtuple("Pair", "one two")


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no")


class Unreadable:
    """Raises whatever it is asked for."""

    def __getattr__(self, name):
        raise RuntimeError(name)


class Exhausted(collections.UserDict):
    def __iter__(self):
        raise KeyError("gone")

    def keys(self):
        raise KeyError("gone")

    items = keys


class Text(str):
    def __str__(self):
        return "not what it holds"


def cycle() -> list:
    value: list = [1]
    value.append({"again": value})
    return value


def cyclic_mapping() -> dict:
    value: dict = {"loss": 1}
    value["again"] = value
    return value


def deep() -> list:
    value: list = []
    for _ in range(5000):
        value = [value]
    return value


def deep_mapping() -> dict:
    value: dict = {}
    for _ in range(5000):
        value = {"in": value}
    return value


ODD = [
    b"\x00\xff",
    bytearray(b"x"),
    memoryview(b"x"),
    frozenset({1, "a"}),
    {1, 2.5, None},
    (1, (2,)),
    Pair(1, {2}),
    1 + 2j,
    decimal.Decimal("0.1"),
    decimal.Decimal("1e400"),
    decimal.Decimal("sNaN"),
    decimal.Decimal("-Infinity"),
    fractions.Fraction(1, 3),
    fractions.Fraction(10**400, 3),
    datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC),
    datetime.date(2026, 1, 2),
    datetime.timedelta(1.5),
    Colour.RED,
    Colour.BLUE,
    Level.LOW,
    Mode.A | Mode.B,
    Mode(0),
    Point(1, [Point(2)]),
    argparse.Namespace(a=1, b={2: 3}),
    types.SimpleNamespace(a=1),
    range(3),
    pathlib.Path("a/b"),
    Unprintable(),
    Unreadable(),
    Exhausted(a=1),
    Text("text"),
    cycle(),
    cyclic_mapping(),
    deep(),
    deep_mapping(),
    (item for item in "abc"),
    print,
    len,
    Point,
    math,
    object(),
    ...,
    NotImplemented,
    ValueError("x"),
    10**5000,
    -(10**5000),
    float("nan"),
    float("inf"),
    -0.0,
    5e-324,
    "\ud800 lone",
    "\x00\x1f\x7f\u2028\U0001f600",
    numpy.float32(0.1),
    numpy.float64("nan"),
    numpy.longdouble("0.1"),
    numpy.int64(-3),
    numpy.uint64(2**64 - 1),
    numpy.bool_(True),
    numpy.str_("text"),
    numpy.datetime64("2026-01-02"),
    numpy.complex64(1 + 2j),
    numpy.arange(4.0).reshape(2, 2),
    numpy.array(3),
    numpy.array([], dtype=int),
    numpy.array([None, {1}], dtype=object),
    numpy.ma.masked_array([1.0, 2.0], [True, False]),
    numpy.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
    numpy.float64,
    numpy.dtype("float32"),
]

texts = strategies.text(strategies.characters(exclude_categories=()), max_size=20)
# Hypothesis also draws words that stand in our code, such as ApiKey, which is redacted.
plain_texts = strategies.text(max_size=20).filter(
    lambda text: Redactor().mapping({text: 1, "text": text}) == {text: 1, "text": text}
)
finite = strategies.floats(allow_nan=False, allow_infinity=False)
scalars = strategies.none() | strategies.booleans() | strategies.integers() | finite | plain_texts
json_values = strategies.recursive(
    scalars,
    lambda inner: (
        strategies.lists(inner, max_size=5)
        | strategies.dictionaries(plain_texts, inner, max_size=5)
    ),
    max_leaves=20,
)
# By index, since hypothesis wants to print what it draws from.
odd_scalars = (
    strategies.integers(0, len(ODD) - 1).map(lambda index: ODD[index])
    | strategies.floats()
    | texts
    | scalars
)
ODD_KEYS = [
    *(None, True, 1, "1", 1.0, 2.5, float("nan"), (1, 2), "(1, 2)", frozenset({1}), Colour.RED),
    *(b"1", Point, 10**5000, "\ud800", "a/b", "step", "time", "session", "step_", numpy.int64(1)),
]
odd_keys = strategies.integers(0, len(ODD_KEYS) - 1).map(lambda index: ODD_KEYS[index])
odd_values = strategies.recursive(
    odd_scalars,
    lambda inner: (
        strategies.lists(inner, max_size=4)
        | strategies.tuples(inner, inner)
        | strategies.dictionaries(odd_keys | texts, inner, max_size=4)
        | strategies.builds(Point, inner, inner)
        | strategies.builds(lambda value: argparse.Namespace(value=value), inner)
    ),
    max_leaves=15,
)
