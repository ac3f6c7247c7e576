"""The index: it saves reading, never says other than the files say, and is never in the way."""

import importlib.util
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from meticulous import _index
from meticulous.experiments import ExperimentReader, Experiments
from read.records import OLD_STORE, snapshot, write_record
from storage_tools import Disk

_SPEC = importlib.util.spec_from_file_location(
    "make_store", Path(__file__).parent.parent.parent / "benchmarks" / "make_store.py"
)
make_store = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_store)

WHOLE = ("STATUS", "args.json", "default_args.json", "metadata.json", "summary.json")
COUNT = """
import json, os, sys
from meticulous.experiments import Experiments
opened = []
sys.addaudithook(lambda name, given: opened.append(str(given[0])) if name == "open" else None)
store = Experiments(experiments_directory=sys.argv[1])
rows = store.lazy_rows() if sys.argv[2] == "lazy" else store.rows()
rows = [dict(row) for row in rows]
store.remember()
assert not {"subprocess", "pandas"} & set(sys.modules)
root = os.path.join(store.experiments_directory, "")
print(json.dumps([path.removeprefix(root) for path in opened if path.startswith(root)]))
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "meticulous"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "experiments"


def settle(root: Path) -> None:
    """Wait until what was just written is older than what the index may trust."""
    newest = max(path.lstat().st_ctime for path in root.rglob("*"))
    while time.time() - newest < _index.SETTLED + 0.05:
        time.sleep(0.05)


def read(root, lazy=True):
    store = Experiments(experiments_directory=root)
    rows = [dict(row) for row in (store.lazy_rows() if lazy else store.rows())]
    store.remember()
    return rows


def without_cache(root, lazy=True):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", "/dev/null")
        return read(root, lazy)


def as_text(rows):
    """Rows as text, in which NaN equals NaN; the durations of running ones grow meanwhile."""
    kept = [{**row} for row in rows]
    for row in kept:
        if row["status"] in ("RUNNING", "SILENT", "LOST"):
            row["duration"] = None
            row["status_message"] = ""
    return json.dumps(kept, default=repr)


def opened(root, kind="plain"):
    done = subprocess.run(
        [sys.executable, "-c", COUNT, str(root), kind], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return sorted(json.loads(done.stdout))


# ------------------------------------------------------------------------------ what it saves


@pytest.mark.parametrize("kind", ["plain", "lazy"])
def test_after_one_new_experiment_only_that_one_is_read(root, kind):
    for number in range(1, 6):
        write_record(root, str(number), summary={"loss": 1}, session={"duration": 1.0})
        root.joinpath(str(number), "metrics.jsonl").write_text('{"step": 1}\n')
    settle(root)
    assert opened(root, kind) == sorted(f"{n}/{name}" for n in range(1, 6) for name in WHOLE)
    assert opened(root, kind) == []
    write_record(root, "6", summary={"loss": 2})
    assert opened(root, kind) == sorted(f"6/{name}" for name in WHOLE)
    settle(root)
    assert opened(root, kind) == sorted(f"6/{name}" for name in WHOLE)  # it was too young
    assert opened(root, kind) == []


def test_of_a_running_one_the_status_is_read_again_and_of_a_changed_one_the_change(root):
    write_record(root, "1", status="RUNNING", summary={"loss": 1})
    write_record(root, "2", summary={"loss": 1})
    settle(root)
    assert len(opened(root)) == 10
    assert opened(root) == ["1/STATUS"]
    replaced(root / "2" / "summary.json", '{"loss": 2}')
    assert opened(root) == ["1/STATUS", "2/summary.json"]


def replaced(path, text):
    beside = path.with_name(f".{path.name}~")
    beside.write_text(text)
    beside.replace(path)


def test_lazy_rows_read_only_what_is_asked(root):
    for number in range(1, 4):
        write_record(root, str(number), summary={"loss": number})
    store = Experiments(experiments_directory=root)
    rows = store.lazy_rows()
    for number in range(1, 4):
        replaced(root / str(number) / "summary.json", '{"loss": 7}')
    assert [row["summary"]["loss"] for row in rows] == [7, 7, 7]
    assert rows == store.rows()
    assert list(rows[0]) == list(store.rows()[0]) and {**rows[1]} == store.rows()[1]
    assert rows[0].get("nothing", 5) == 5 and "nothing" not in rows[0] and "args" in rows[0]


# ------------------------------------------------------------------------------ never wrong


def test_rows_are_the_same_in_whatever_order_they_are_asked_for(root):
    """Those that are asked for in their order are read ahead, also over one that has changed."""
    for number in range(1, 301):
        write_record(root, str(number), summary={"loss": number}, args={"n": number})
    settle(root)
    for _ in range(2):
        store = Experiments(experiments_directory=root)
        rows = store.lazy_rows()
        chance = random.Random(3)
        mixed = chance.sample(rows, 300)
        for order in (rows, rows[::-1], rows[::7], rows[:9] + rows[250:] + rows[5:], mixed):
            for group, name in (("summary", "loss"), ("args", "n")):
                found = [(row["expid"], row[group][name]) for row in order]
                assert found == [(row["expid"], int(row["expid"])) for row in order]
        for row in store.lazy_rows():
            if row["expid"] == "20":  # by now others after it have been read ahead
                root.joinpath("40", "summary.json").write_text('{"loss": -1}')
            assert row["summary"]["loss"] == (-1 if row["expid"] == "40" else int(row["expid"]))
        root.joinpath("40", "summary.json").write_text('{"loss": 40}')
        store.remember()


def test_a_broken_store_reads_the_same_with_and_without(root, tmp_path, monkeypatch):
    monkeypatch.setattr(make_store, "BROKEN", 0.0)
    make_store.make(80, str(root))
    damages = list(make_store._DAMAGES.values())
    for number, damage in enumerate(damages):
        damage(str(root / str(number + 2) / ("STATUS", *make_store._DOCUMENTS)[number % 6]))
    for number, path in enumerate(OLD_STORE.rglob("metadata.json")):
        shutil.copytree(path.parent, root / f"old_{number}")
    settle(root)
    before = snapshot(root / "1")
    for lazy in (False, True, True):
        expected = as_text(without_cache(root, lazy))
        for _ in range(2):
            assert as_text(read(root, lazy)) == expected
    assert len(json.loads(expected)) > 80
    pandas = pytest.importorskip("pandas")
    frames = [Experiments(experiments_directory=root).as_dataframe()]
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    frames.append(Experiments(experiments_directory=root).as_dataframe())
    for frame in frames:
        del frame["header", "status_message"]
    pandas.testing.assert_frame_equal(*frames)
    assert snapshot(root / "1") == before


CHANGES = {
    "replaced": lambda root: replaced(root / "2" / "summary.json", '{"loss": 2}'),
    "in place": lambda root: (root / "2" / "summary.json").write_text('{"loss": 2}'),
    "status": lambda root: replaced(root / "2" / "STATUS", "ERROR\nno"),
    "status in place": lambda root: (root / "2" / "STATUS").write_text("FAILED!"),
    "annotated": lambda root: (root / "2" / "annotations.json").write_text('{"tags": ["x"]}'),
    "file gone": lambda root: (root / "2" / "args.json").unlink(),
    "folder gone": lambda root: shutil.rmtree(root / "2"),
    "renamed": lambda root: (root / "2").rename(root / "4"),
    "renamed over": lambda root: (shutil.rmtree(root / "2"), (root / "3").rename(root / "2")),
    "exchanged": lambda root: (
        (root / "2").rename(root / "x"),
        (root / "3").rename(root / "2"),
        (root / "x").rename(root / "3"),
    ),
    "copied in": lambda root: shutil.copytree(root / "2", root / "9"),
    "copied over": lambda root: shutil.copytree(root / "3", root / "2", dirs_exist_ok=True),
    "mode": lambda root: (root / "2" / "metadata.json").chmod(0),
    "link": lambda root: (
        (root / "2" / "args.json").rename(root / "2" / "real"),
        (root / "2" / "args.json").symlink_to("real"),
    ),
}


@pytest.fixture(scope="module")
def threes(tmp_path_factory):
    """Stores of three experiments that only contents tell apart: the same sizes and times. They
    are made at once, since what is young is not trusted yet.
    """
    top = tmp_path_factory.mktemp("threes")
    roots = [top / str(number) / "experiments" for number in range(70)]
    for root in roots:
        for number in range(1, 4):
            folder = write_record(
                root, str(number), summary={"loss": number + 4}, args={"n": number}
            )
            for path in [*folder.iterdir(), folder]:
                os.utime(path, (1_600_000_000, 1_600_000_000))
    settle(top)
    return roots


@pytest.fixture
def three(threes):
    root = threes.pop()
    assert len(read(root)) == 3
    return root


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("whole_seconds", [False, True])
def test_every_change_is_seen(three, change, whole_seconds):
    CHANGES[change](three)
    if whole_seconds:  # as on a file system that counts in seconds, within the same second
        for path in three.rglob("*"):
            if not path.is_symlink():
                os.utime(path, (1_600_000_000, 1_600_000_000))
    for lazy in (True, False):
        for _ in range(2):
            assert as_text(read(three, lazy)) == as_text(without_cache(three, lazy))


def test_two_changes_of_the_same_size_at_once_are_both_seen(root):
    folder = write_record(root, "1", summary={"loss": 0})
    for number in range(1, 8):
        folder.joinpath("summary.json").write_text(f'{{"loss": {number}}}')
        assert read(root)[0]["summary"] == {"loss": number}


def test_stores_do_not_mix_and_a_link_leads_to_the_same_cache(tmp_path, cache, three):
    other = tmp_path / "other"
    write_record(other, "2", args={"other": 1})
    tmp_path.joinpath("link").symlink_to(three)
    files = sorted(cache.iterdir())
    assert opened(tmp_path / "link") == [] and sorted(cache.iterdir()) == files
    assert read(other)[0]["args"] == {"other": 1}
    three.rename(tmp_path / "moved")
    other.rename(three)
    assert [row["args"] for row in read(three)] == [{"other": 1}]
    assert [row["args"]["n"] for row in read(tmp_path / "moved")] == [1, 2, 3]


def test_the_store_may_be_read_only_and_is_never_written(three, cache):
    for path in [*three.rglob("*"), three]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    settle(three)
    before = snapshot(three)
    shutil.rmtree(cache)
    assert as_text(read(three)) == as_text(without_cache(three))
    assert snapshot(three) == before and list(cache.iterdir())
    for path in [three, *three.rglob("*")]:
        path.chmod(0o755)


def test_folders_that_come_and_go_hide_nothing(root):
    for number in range(1, 21):
        write_record(root, str(number), args={"n": number})
    settle(root)
    ended = threading.Event()

    def churn():
        chance = random.Random(1)
        while not ended.is_set():
            expid = str(chance.randint(100, 105))
            shutil.rmtree(root / expid, ignore_errors=True)
            if chance.random() < 0.7 and not root.joinpath(expid).exists():
                write_record(root, expid, args={"n": int(expid)}, summary={"loss": 1})

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            for lazy in (True, False):
                rows = read(root, lazy)
                assert [row["args"]["n"] for row in rows[:20]] == list(range(1, 21))
                assert all(row["args"].get("n", 100) >= 100 for row in rows[20:])
    finally:
        ended.set()
        thread.join()


# ------------------------------------------------------------------------------ never in the way


def test_the_cache_is_the_users_own(three, cache):
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in cache.iterdir()} == {0o600}
    shutil.rmtree(cache)
    assert len(read(three)) == 3 and cache.exists()


def test_a_cache_in_the_store_is_not_made(three, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(three / "1"))
    before = snapshot(three)
    assert len(read(three)) == 3
    assert snapshot(three) == before


def _file_instead(cache):
    shutil.rmtree(cache)
    cache.write_text("")


def _links(cache):
    for path in cache.iterdir():
        path.unlink()
        path.symlink_to("/dev/zero")


def _folders(cache):
    for path in cache.iterdir():
        path.unlink()
        path.mkdir()


def _write(content):
    def damage(cache):
        for path in cache.iterdir():
            path.write_bytes(content(path.read_bytes()))

    return damage


def _sql(script):
    def damage(cache):
        import sqlite3

        for path in cache.iterdir():
            with sqlite3.connect(path) as part:
                part.executescript(script)
            part.close()

    return damage


TROUBLE = {
    "absent": shutil.rmtree,
    "a file": _file_instead,
    "links": _links,
    "folders": _folders,
    "empty": _write(lambda data: b""),
    "noise": _write(lambda data: os.urandom(len(data))),
    "half": _write(lambda data: data[: len(data) // 2]),
    "zeros after the head": _write(lambda data: data[:200] + bytes(len(data) - 200)),
    "other values": _write(lambda data: data.replace(b'"loss":', b'"lost":')),
    "other numbers": _write(lambda data: data.replace(b"00 ", b"01 ").replace(b"SUCC", b"FAIL")),
    "newer": _sql("PRAGMA user_version = 99"),
    "other store": _sql("UPDATE store SET path = 'x'"),
    "other types": _sql("UPDATE files SET value = 7, seal = value"),
    "no table": _sql("DROP TABLE files"),
    "exchanged": _sql(
        "UPDATE files SET id = CAST('x' || id AS BLOB);"
        "UPDATE files SET id = CAST(4 - CAST(substr(CAST(id AS TEXT), 2) AS INT) AS BLOB)"
    ),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_damaged_cache_costs_only_time(three, cache, trouble):
    expected = as_text(without_cache(three))
    TROUBLE[trouble](cache)
    for lazy in (True, False, True):
        assert as_text(read(three, lazy)) == expected
    if trouble not in ("a file", "folders"):
        assert opened(three) == []  # and is whole again
        assert all(path.is_file() and not path.is_symlink() for path in cache.iterdir())


def test_flipped_bytes_never_give_another_row(three, cache):
    expected = as_text(without_cache(three))
    wholes, chance = {path: path.read_bytes() for path in cache.iterdir()}, random.Random(3)
    for path, whole in list(wholes.items()) * 40:
        data = bytearray(whole)
        for _ in range(chance.choice((1, 10, 200))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        assert as_text(read(three)) == expected
        path.write_bytes(whole)


@pytest.mark.parametrize(
    "settings",
    [
        {"XDG_CACHE_HOME": "relative"},
        {"XDG_CACHE_HOME": "/dev/null"},
        {"HOME": ""},
        {"HOME": "/proc"},
    ],
)
def test_without_a_place_for_it_there_is_no_cache(three, tmp_path, monkeypatch, settings):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert len(read(three)) == 3
    assert not os.path.exists("/.cache/meticulous")
    assert not tmp_path.joinpath("relative").exists() and not tmp_path.joinpath(".cache").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_home_costs_only_time(three, cache):
    cache.chmod(0o500)
    write_record(three, "4")
    assert len(read(three)) == 4
    cache.chmod(0o700)


def test_a_full_disk_costs_only_time(root, tmp_path, monkeypatch):
    for number in range(1, 30):
        write_record(root, str(number), args={"text": "x" * 5000})
    settle(root)
    disk = Disk(tmp_path, "1m")
    try:
        monkeypatch.setenv("XDG_CACHE_HOME", str(disk.path / "cache"))
        assert len(read(root)[:3]) == 3
        disk.fill()
        done = subprocess.run(
            [sys.executable, "-c", COUNT, str(root), "lazy"],
            env={**os.environ, **disk.env, "XDG_CACHE_HOME": str(disk.path / "second")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 and done.stderr == ""
        write_record(root, "40")
        assert len(read(root)) == 30
        assert not [path for path in disk.path.rglob("*~") if path.is_file()]
    finally:
        disk.close()


def test_another_process_that_locks_it_is_not_waited_for(three, cache):
    import sqlite3

    for number, path in enumerate(sorted(cache.iterdir())):
        with sqlite3.connect(path, isolation_level=None) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            assert not {path for path in opened(three) if path < "4"}
            write_record(three, f"4{number}")
            assert len(read(three)) == 4 + number
        holder.close()


MANY = """
import os, sys
from meticulous.experiments import Experiments
for number in range(int(sys.argv[2])):
    store = Experiments(experiments_directory=sys.argv[1])
    for row in store.lazy_rows():
        assert row["args"]["n"] == int(row["expid"]), row
        assert row["summary"]["loss"] == int(row["expid"]), row
    store.remember()
    if number % 3 == 0:
        for name in os.listdir(os.path.join(os.environ["XDG_CACHE_HOME"], "meticulous")):
            try:
                os.unlink(os.path.join(os.environ["XDG_CACHE_HOME"], "meticulous", name))
            except FileNotFoundError:
                pass
"""


def test_processes_that_refresh_at_once_and_are_killed_never_give_a_wrong_row(root, cache):
    for number in range(1, 31):
        write_record(root, str(number), args={"n": number}, summary={"loss": number})
    settle(root)
    command = [sys.executable, "-c", MANY, str(root)]
    steady = [
        subprocess.Popen([*command, "25"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    for number in range(8):
        with subprocess.Popen([*command, "1000"], stderr=subprocess.DEVNULL) as killed:
            while killed.poll() is None and not cache.exists():
                time.sleep(0.01)
            time.sleep(0.12 + number * 0.01)  # anywhere in its work
            killed.kill()
    for process in steady:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output.decode()
    for _ in range(2):
        rows = read(root)
        assert [row["args"]["n"] for row in rows] == list(range(1, 31))
    assert opened(root) == []


def test_threads_and_forks_may_share_a_store(three):
    store = Experiments(experiments_directory=three)
    failures = []

    def look():
        try:
            for _ in range(20):
                assert [row["args"]["n"] for row in store.rows()] == [1, 2, 3]
                store.refresh_experiments()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    store.refresh_experiments()
    child = os.fork()
    if child == 0:
        os._exit(0 if [row["args"]["n"] for row in store.rows()] == [1, 2, 3] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(store.rows()) == 3


def test_what_processes_left_and_old_caches_are_removed(three, cache):
    old = [cache / "killed.sqlite.0123~", cache / "forgotten.sqlite"]
    young = [cache / "killed.sqlite.4567~", cache / "used.sqlite"]
    for path in (*old, *young):
        path.write_text("")
    for path in old:
        os.utime(path, (1e9, 1e9))
    for path in cache.glob("[0-9a-f]*[0-9a-f].sqlite"):
        path.unlink()
    assert len(read(three)) == 3
    assert not any(path.exists() for path in old) and all(path.exists() for path in young)


def test_a_large_store_is_written_in_parts_and_forgets_what_is_gone(root, cache, monkeypatch):
    for name in ("_SMALL",):
        monkeypatch.setattr(_index, name, 4000)
    for number in range(1, 31):
        write_record(root, str(number), args={"n": number, "text": "x" * 500})
    settle(root)
    expected = as_text(without_cache(root))
    assert as_text(read(root)) == expected
    shutil.rmtree(root / "7")
    for number in range(31, 43):
        write_record(root, str(number), args={"n": number, "text": "x" * 500})
        if number == 40:
            settle(root)
        assert as_text(read(root)) == as_text(without_cache(root))
    settle(root)
    read(root)
    assert opened(root) == [] and len(list(cache.iterdir())) <= 2
    large = next(path for path in cache.iterdir() if ".new" not in path.name)
    assert b'"n":7,' not in large.read_bytes()


def test_ids_that_are_no_text_and_derived_readers_use_it_as_well(root):
    class Derived(ExperimentReader):
        def __init__(self, path):
            super().__init__(path)
            self.best = self.summary["loss"]

    write_record(root, "1", summary={"loss": 3})
    write_record(root, os.fsdecode(b"odd-\xff\xfe"), summary={"loss": 4})
    settle(root)
    for _ in range(2):
        store = Experiments(experiments_directory=root, reader=Derived)
        assert [store[expid].best for expid in store] == [3, 4]
        assert [row["summary"]["loss"] for row in store.lazy_rows()] == [3, 4]
    assert opened(root) == []
