"""The cache of long curves is only ever a matter of time: whatever happens to the file or to the
cache, what is read is what the file holds.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from records import write_record
from test_history import START, lines_of

from meticulous import ExperimentReader, _series_cache
from meticulous._series import session_line

MANY = 20_000  # 1.6 MB


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write_record(tmp_path / "experiments")
    write(folder, points(0, MANY))
    return folder


def points(first: int, stop: int, shift: float = 0.0) -> bytes:
    rows = [{"loss": n * 0.25 + shift, "acc": n} for n in range(first, stop)]
    return lines_of(*rows, first=first)


def write(folder: Path, data: bytes, mode: str = "wb") -> None:
    with open(folder / "metrics.jsonl", mode) as file:
        file.write(data)


def settle(folder: Path) -> None:
    """Nothing has been written for some minutes."""
    moment = time.time() - 300
    os.utime(folder / "metrics.jsonl", (moment, moment))


def cache_files(folder: Path) -> list[Path]:
    return sorted((folder.parent.parent / "cache" / "meticulous" / "curves").glob("*"))


def everything(folder: Path) -> list:
    """All that can be asked, from the cache or not."""
    reader = ExperimentReader(folder)
    history = reader.history("loss")
    answers = [list(history[name]) for name in ("step", "time", "loss")]
    envelope = [reader.envelope("loss", 20), reader.envelope("loss", 20, x="time", low=START + 9)]
    return [*answers, *envelope, reader.envelope("loss", 9, low=100, high=900), reader.metrics]


def without_cache(folder: Path) -> list:
    cache = os.environ.pop("XDG_CACHE_HOME")
    home, os.environ["HOME"] = os.environ["HOME"], ""
    try:
        return everything(folder)
    finally:
        os.environ["XDG_CACHE_HOME"], os.environ["HOME"] = cache, home


def read_bytes_by(read) -> int:
    """How many bytes this process reads from files meanwhile."""

    def count() -> int:
        facts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
        return int(facts["rchar"])

    before = count()
    read()
    return count() - before


def test_the_second_reading_opens_only_the_cache(folder):
    settle(folder)
    first = everything(folder)
    assert first == without_cache(folder)
    assert len(cache_files(folder)) == 5  # two curves, two envelopes, what became of the metrics
    size = (folder / "metrics.jsonl").stat().st_size
    reader = ExperimentReader(folder)
    assert read_bytes_by(lambda: reader.history("loss")) < size / 3
    assert read_bytes_by(lambda: reader.metrics) < 20_000
    assert everything(folder) == first


def test_of_a_file_that_has_grown_only_the_end_is_read(folder):
    everything(folder)
    write(folder, points(MANY, MANY + 100) + b'{"step":1', "ab")
    assert everything(folder) == without_cache(folder)
    reader = ExperimentReader(folder)
    size = (folder / "metrics.jsonl").stat().st_size
    assert read_bytes_by(lambda: reader.history("loss")) < size / 2
    assert read_bytes_by(lambda: reader.metrics) < size / 4
    write(folder, b',"time":7,"loss":5}\n' + points(MANY + 100, 2 * MANY + 9), "ab")
    assert everything(folder) == without_cache(folder)
    assert everything(folder)[2][-1] == (2 * MANY + 8) * 0.25


def test_what_is_prepared_in_one_pass_is_all_that_is_asked_for(folder):
    settle(folder)
    reader = ExperimentReader(folder)
    assert not reader._is_ready() and not reader._is_ready("loss")
    size = (folder / "metrics.jsonl").stat().st_size
    assert read_bytes_by(reader._prepare) < size * 1.5
    for name in ("loss", "acc"):
        assert reader._is_ready() and reader._is_ready(name)
        drawn = lambda name=name: reader.envelope(name, 20, low=10, high=9000)  # noqa: E731
        assert read_bytes_by(drawn) < size / 2
        assert read_bytes_by(lambda: ExperimentReader(folder).metrics) < 20_000
    assert not reader._is_ready("loss", "time")
    reader._prepare("loss", "time")
    assert reader._is_ready("loss", "time")
    assert everything(folder) == without_cache(folder)


@pytest.mark.parametrize("kind", ["continued", "growing", "many metrics", "another's metric"])
def test_what_one_pass_is_not_for_is_prepared_in_another_way(folder, kind):
    if kind == "continued":
        write(folder, session_line(2, START) + points(MANY - 500, MANY - 400, 7.0), "ab")
    elif kind == "many metrics":
        names = [f"m{number}" for number in range(40)]
        write(folder, lines_of(*[dict.fromkeys(names, n) for n in range(900)], first=MANY), "ab")
    if kind != "growing":
        settle(folder)
    reader = ExperimentReader(folder)
    reader._prepare("nothing" if kind == "another's metric" else "")
    if kind != "another's metric":
        assert reader._is_ready("loss") and reader._is_ready("acc") and not reader._is_ready("m39")
    assert everything(folder) == without_cache(folder)


def test_a_session_that_comes_later_supersedes_what_is_in_the_cache(folder):
    everything(folder)
    write(folder, session_line(2, START), "ab")
    settle(folder)
    assert everything(folder) == without_cache(folder)
    write(folder, points(MANY - 500, MANY - 400, 7.0), "ab")
    settle(folder)
    for _ in range(2):
        found = everything(folder)
        assert found == without_cache(folder)
        assert found[0][-1] == MANY - 401 and len(found[0]) == MANY - 400
        assert found[-1]["loss"]["count"] == MANY - 400
    write(folder, points(MANY - 400, MANY, 9.0), "ab")
    assert everything(folder) == without_cache(folder)


@pytest.mark.parametrize(
    "change",
    [
        "replaced",
        "shortened",
        "edited",
        "edited and grown",
        "same size and time",
    ],
)
def test_a_file_that_is_another_one_is_read_again(folder, change):
    settle(folder)
    everything(folder)
    path = folder / "metrics.jsonl"
    if change == "replaced":
        (folder / "new").write_bytes(points(0, MANY + 1000, 1.0))
        os.replace(folder / "new", path)
    elif change == "shortened":
        os.truncate(path, path.stat().st_size - 100)
    elif change.startswith("edited"):
        with open(path, "r+b") as file:
            file.write(points(0, 1, 5.0))
        if change == "edited and grown":
            write(folder, points(MANY, MANY + 9), "ab")
    else:
        facts = path.stat()
        (folder / "new").write_bytes(points(0, MANY, 0.0).replace(b'"acc":1,', b'"acc":2,'))
        os.utime(folder / "new", ns=(facts.st_atime_ns, facts.st_mtime_ns))
        os.replace(folder / "new", path)
    assert everything(folder) == without_cache(folder)


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty", "newer", "folder", "fifo", "other's"])
def test_a_harmed_cache_is_as_good_as_none(folder, harm):
    settle(folder)
    right = everything(folder)
    chance = random.Random(harm)
    files = cache_files(folder)
    contents = [path.read_bytes() for path in files]
    for _ in range(8 if harm in ("cut", "flipped") else 1):
        for place, path in enumerate(files):
            data = bytearray(contents[place])
            if harm == "cut":
                path.write_bytes(data[: chance.randrange(len(data))])
            elif harm == "flipped":
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
                path.write_bytes(data)
            elif harm == "empty":
                path.write_bytes(b"")
            elif harm == "newer":
                path.write_bytes(data[:16] + b"\xff\0\0\0" + data[20:])
            elif harm == "other's":
                path.write_bytes(contents[place - 1])
            else:
                path.unlink()
                os.mkdir(path) if harm == "folder" else os.mkfifo(path)
        assert everything(folder) == right


def test_without_a_place_for_the_cache_everything_is_read(folder, tmp_path, monkeypatch):
    right = without_cache(folder)
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", "/proc/nowhere", folder.parent / "cache", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(place))
        assert everything(folder) == right
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


def test_short_files_leave_no_cache(folder):
    write(folder, points(0, 1000))
    everything(folder)
    assert cache_files(folder) == []


def test_the_cache_is_bounded_and_what_killed_processes_left_is_removed(folder, monkeypatch):
    monkeypatch.setattr(_series_cache, "LARGEST", 1_000_000)
    everything(folder)
    old = cache_files(folder)[0].parent / "x.curve.0~"
    old.write_bytes(b"x")
    os.utime(old, (1, 1))
    ExperimentReader(folder).history("acc")
    files = cache_files(folder)
    assert old not in files
    assert sum(path.stat().st_size for path in files) <= 1_000_000


def test_processes_that_read_at_once_while_the_file_grows_all_read_the_truth(folder, tmp_path):
    program = tmp_path / "reads.py"
    program.write_text(
        "import sys\n"
        "from meticulous import ExperimentReader\n"
        "while True:\n"
        "    history = ExperimentReader(sys.argv[1]).history('loss')\n"
        "    steps, loss = list(history['step']), list(history['loss'])\n"
        "    assert steps == list(range(len(steps))), len(steps)\n"
        "    assert loss == [step * 0.25 for step in steps]\n"
        "    if len(steps) >= int(sys.argv[2]): break\n"
    )
    total = MANY + 20 * 1500
    readers = [
        subprocess.Popen([sys.executable, program, folder, str(total)], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for part in range(20):
        data = points(MANY + part * 1500, MANY + (part + 1) * 1500)
        write(folder, data[:777], "ab")
        time.sleep(0.02)
        write(folder, data[777:], "ab")
    for reader in readers:
        assert reader.communicate(timeout=60)[1] == b""
        assert reader.returncode == 0
