"""What reading may cost and must survive, seen from outside: by strace, in a full disk, while
everything changes, and with hostile values in every field and every form of output.
"""

import csv
import io
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import threading
import time

import pytest

from cli.command import COMMAND, process, run
from meticulous import _index
from meticulous.experiments import ExperimentReader, Experiments
from read.records import snapshot, write_record
from storage_tools import Disk

WHOLE = {"STATUS", "args.json", "default_args.json", "metadata.json", "summary.json"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "meticulous"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "project" / "experiments"


def settle(root):
    newest = max(path.lstat().st_ctime for path in root.rglob("*"))
    while time.time() - newest < _index.SETTLED + 0.05:
        time.sleep(0.05)


# ------------------------------------------------------------------------------ what is opened


class Trace:
    """A command under strace: the files of the store that it opened, and what it started."""

    def __init__(self, root, *words):
        log = root.parent / "trace"
        calls = "trace=open,openat,openat2,creat,execve,execveat"
        command = ["strace", "-f", "-qq", "-s", "4096", "-e", calls, "-o", log, *COMMAND, *words]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        self.output = done.stdout
        text = log.read_text(errors="replace")
        opened = re.findall(r'open(?:at2?)?\([^"]*"([^"]*)"', text)
        inside = f"{root}{os.sep}"
        self.opened = {path.removeprefix(inside) for path in opened if path.startswith(inside)}
        self.started = re.findall(r'execve(?:at)?\([^"]*"([^"]*)"', text)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_list_opens_only_what_it_shows_and_starts_nothing(root):
    for number in range(1, 9):
        folder = write_record(
            root,
            str(number),
            summary={"loss": number / 10},
            annotations={"tags": ["a"]},
            session={"duration": 1.0},
        )
        for name in ("metrics.jsonl", "system.jsonl", "files.jsonl", "code.patch"):
            folder.joinpath(name).write_text('{"step": 1, "time": 1, "loss": 0.5}\n')
        folder.joinpath("environment.json").write_text("{}")
    root.joinpath("..", ".git").mkdir()
    settle(root)
    names = WHOLE | {"annotations.json"}
    first = Trace(root, "list", root)
    assert first.opened == {f"{n}/{name}" for n in range(1, 9) for name in names}
    assert len(first.started) == 1, "no git, no other program"
    for words in ([], ["--sort", "loss"], ["--filter", "lr < 1"], ["--json"]):
        again = Trace(root, "list", root, *words)
        assert again.opened == set() and len(again.started) == 1, words
    write_record(root, "9", summary={"loss": 2})
    assert Trace(root, "list", root).opened == {f"9/{name}" for name in WHOLE}
    if hasattr(ExperimentReader, "metrics"):
        asked = Trace(root, "list", root, "--metrics", "loss")
        assert {path for path in asked.opened if "metrics" in path} == {
            f"{n}/metrics.jsonl" for n in range(1, 9)
        }


# ------------------------------------------------------------------------------ the cache


def as_text(rows):
    return json.dumps([dict(row) for row in rows], default=repr)


def rows_of(root):
    store = Experiments(experiments_directory=root)
    rows = [dict(row) for row in store.lazy_rows()]
    store.remember()
    return rows


def test_a_cache_cut_or_flipped_at_any_byte_costs_only_time(root, cache):
    """At every byte of the head, which says what the rest means, and at many of the rest."""
    for number in range(1, 3):
        write_record(root, str(number), summary={"loss": number})
    settle(root)
    expected = as_text(rows_of(root))
    wholes, chance = {path: path.read_bytes() for path in cache.glob("*.sqlite")}, random.Random(7)
    for path, whole in wholes.items():
        for place in [*range(100), *(chance.randrange(100, len(whole)) for _ in range(60))]:
            flipped = bytearray(whole)
            flipped[place] ^= 1 << chance.randrange(8)
            for damaged in (whole[:place], flipped):
                path.write_bytes(damaged)
                assert as_text(rows_of(root)) == expected, (path.name, place)
        path.write_bytes(whole)
    assert not list(cache.glob("*~"))


def test_a_limit_on_the_size_of_files_and_a_small_disk_cost_only_time(root, tmp_path, capfd):
    for number in range(1, 30):
        write_record(root, str(number), args={"text": "x" * 5000, "n": number})
    settle(root)
    expected = process("list", root, "--json", env={**os.environ, "XDG_CACHE_HOME": "/dev/null"})
    limited = process(
        "list",
        root,
        "--json",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert (limited.returncode, limited.stderr) == (0, b"")
    assert limited.stdout == expected.stdout
    disk = Disk(tmp_path, "64k")
    try:
        env = {**os.environ, **disk.env, "XDG_CACHE_HOME": str(disk.path / "cache")}
        for _ in range(2):
            small = process("list", root, "--json", env=env)
            assert (small.returncode, small.stderr) == (0, b"")
            assert small.stdout == expected.stdout
        assert not [path for path in disk.path.rglob("*~") if path.is_file()]
    finally:
        disk.close()


# ------------------------------------------------------------------------------ while it changes

REFRESH = """
import sys, time
from meticulous.experiments import Experiments
store = Experiments(experiments_directory=sys.argv[1])
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    store.refresh_experiments()
    for row in store.lazy_rows():
        number = int(row["expid"].split("_")[0])
        for group in ("args", "summary"):
            assert row[group].get("n", number) == number, dict(row)
        if number < 10:
            assert row["args"]["n"] == row["summary"]["n"] == number and not row["problems"]
            assert row["status"] == "SUCCESS"
    for name in ("args.n", "summary.n"):
        assert sum(int(expid) < 10 for expid in store.sort(name) if "_" not in expid) == 9
        assert len(store.filter(f"{name} < 10 and status == 'SUCCESS'")) >= 9
    store.remember()
"""


def test_folders_that_come_go_and_change_while_two_list_are_never_wrong(root, tmp_path):
    """For six seconds, or CHURN_SECONDS."""
    seconds = float(os.environ.get("CHURN_SECONDS", "6"))
    for number in range(1, 10):
        write_record(root, str(number), args={"n": number}, summary={"n": number})
    ended, chance = threading.Event(), random.Random(1)

    def churn():
        while not ended.is_set():
            number = chance.randint(10, 20)
            folder = root / str(number)
            act = chance.random()
            if not folder.exists():
                values = {"n": number}
                write_record(root, str(number), args=values, summary=values)
            elif act < 0.4:
                shutil.rmtree(folder)
            elif act < 0.6:
                folder.rename(root / f"{number}_{chance.randrange(10**9)}")
            elif act < 0.8:
                name = chance.choice([*WHOLE])
                beside = folder / f".{name}~"
                whole = (root / "1" / name).read_bytes()
                beside.write_bytes(whole.replace(b'"n": 1', b'"n": %d' % number))
                beside.replace(folder / name)
            else:
                shutil.rmtree(folder, ignore_errors=True)
                folder.write_text("a file")
                folder.unlink()
            for path in list(root.glob("*_*"))[3:]:
                shutil.rmtree(path, ignore_errors=True)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        looking = [
            subprocess.Popen(
                [sys.executable, "-c", REFRESH, str(root), str(seconds)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            for _ in range(2)
        ]
        for one in looking:
            output, _ = one.communicate(timeout=seconds + 120)
            assert (one.returncode, output.decode()) == (0, "")
    finally:
        ended.set()
        thread.join()


# ------------------------------------------------------------------------------ hostile values

ODD = {
    "many digits": b'{"n": ' + b"7" * 5_000_000 + b"}",
    "many digits after the point": b'{"n": 0.' + b"7" * 5_000_000 + b"}",
    "a large exponent": b'{"n": 1e999999999}',
    "deep": b'{"n": ' * 10_000 + b"1" + b"}" * 10_000,
    "names twice": b'{"n": 1, "m": 2, "n": [3]}',
    "many names": b"{" + b",".join(b'"k%d": 1' % n for n in range(20_000)) + b"}",
    "a long name": b'{"' + b"x" * 1_000_000 + b'": 1}',
}


@pytest.mark.parametrize("kind", ODD)
def test_json_that_is_odd_is_read_or_named_in_every_form(root, capfd, kind, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    write_record(root, "1", summary={"loss": 1})
    folder = write_record(root, "2", summary={"loss": 2})
    for name in ("args.json", "summary.json"):
        folder.joinpath(name).write_bytes(ODD[kind])
    for form in ("--json", "--csv", "--md", "--latex", "--only-changed"):
        if kind in ("many names", "a long name") and form != "--json":
            continue
        code, out, err = run(capfd, "list", root, form)
        assert (code, err) == (0, ""), form
        assert "SUCCESS" in out
    first, second = rows_of(root)
    assert not first["problems"] and first["summary"] == {"loss": 1}
    if kind in ("many digits", "deep"):
        assert len(second["problems"]) == 2 and second["args"] == {}
    elif kind == "names twice":
        assert second["args"] == {"n": [3], "m": 2}
    elif kind == "a large exponent":
        assert second["args"] == {"n": float("inf")}
    else:
        assert not second["problems"]


NASTY = "=1+1\x1b[31m\x1b]0;t\x07\x9b2J|_&%$#{}~^\\<b>[x](y)`*\"'\x07\u202e\x00"
FORMS = ("csv", "tsv", "md", "latex", "json")


def test_no_field_breaks_out_of_any_form_of_output(root, capfd):
    """Every text that a record holds is hostile, names of values and of the experiment too."""
    nested = {NASTY: NASTY, "b": [NASTY, {NASTY: NASTY}]}
    name = NASTY.replace("/", "").replace("\0", "")
    for number in range(2):
        write_record(
            root,
            f"e{number}{name}",
            status=f"{NASTY}\nTraceback\n{NASTY}",
            args={**nested, "n": number},
            summary={NASTY: NASTY, "loss": number},
            annotations={"tags": [NASTY], "name": NASTY, "note": NASTY},
            description=NASTY,
            githead_sha=NASTY,
            start_time=NASTY,
            problems={"lost": {NASTY: NASTY}},
        )
    header = "expid,sha,start_time,status,status_message,description,problems"
    for words in ([], ["--columns", f"{header},args,summary,annotations"]):
        for form in FORMS:
            code, out, err = run(capfd, "list", root, *words, f"--{form}")
            assert (code, err) == (0, ""), form
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", out), form
            check_form(form, out)
        out = run(capfd, "list", root, *words)[1]
        assert out.replace("\n", "").isprintable()


def check_form(form, out):
    if form == "json":
        assert json.loads(out)["schema"] == 1
    elif form in ("csv", "tsv"):
        delimiter = "," if form == "csv" else "\t"
        rows = list(csv.reader(io.StringIO(out, newline=""), delimiter=delimiter))
        assert len(rows) == 3 and len(set(map(len, rows))) == 1
        assert not [cell for row in rows for cell in row if cell.startswith(tuple("=+@-"))]
    elif form == "md":
        lines = out.splitlines()
        assert len(lines) == 4 and "<b>" not in out and "](" not in out.replace("\\](", "")
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    else:
        for line in out.splitlines()[2:-1]:
            rules = r"\\(?:top|mid|bottom)rule|\\(?:text[a-z]+|char34)\{\}|\\[{}$&#%_]|\{[\[*]\}"
            plain = re.sub(rules, "", line)
            assert not re.search(r"[\\{}$#%_~^<>|\[*]", plain.removesuffix("\\\\")), line


def test_a_filter_that_calls_python_is_a_wrong_filter(root, capfd, tmp_path, monkeypatch):
    write_record(root)
    monkeypatch.chdir(tmp_path)
    before = snapshot(root)
    for text in (
        "__import__('os').system('touch ran')",
        "().__class__.__bases__[0].__subclasses__()",
        "(lambda: open('ran', 'w'))()",
        "[x for x in open('ran', 'w')]",
        "f'{open(\"ran\", \"w\")}' == ''",
        'exec(\'open("ran", "w")\')',
        "args.__class__",
        "@pd.eval('1')",
    ):
        code, out, err = run(capfd, "list", root, "--filter", text)
        assert (code, out) == (2, "") and err.startswith("meticulous: Filter, column "), text
        assert err.count("\n") == 1
    assert not tmp_path.joinpath("ran").exists() and snapshot(root) == before
