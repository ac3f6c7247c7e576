"""Files stay whole: replaced at once, appended line by line, whatever the storage does."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
import threading

import pytest

from meticulous import _files
from storage_tools import Disk, limited_file_size


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path, "1m")
    yield disk
    disk.close()


def test_a_replaced_file_is_old_or_new_for_every_reader(tmp_path):
    path = tmp_path / "metadata.json"
    contents = {bytes([letter]) * 50_000 for letter in b"abc"}
    _files.replace(str(path), b"a" * 50_000)
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(100):
        for content in contents:
            _files.replace(str(path), content, sync=False)
    stop.set()
    reader.join()
    assert seen <= contents
    assert os.listdir(tmp_path) == ["metadata.json"]


def test_a_replaced_file_honours_the_umask_and_never_follows_an_earlier_link(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    path = tmp_path / "STATUS"
    path.symlink_to(elsewhere)
    before = os.umask(0o077)
    try:
        _files.replace(str(path), b"RUNNING")
    finally:
        os.umask(before)
    assert not path.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert elsewhere.read_text() == "mine"


def test_a_file_that_cannot_be_replaced_is_as_before_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "args.json"
    path.write_bytes(b"old")
    with limited_file_size(100), pytest.raises(OSError) as caught:
        _files.replace(str(path), b"n" * 1000)
    assert caught.value.errno == errno.EFBIG
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["args.json"]
    with pytest.raises(FileNotFoundError):
        _files.replace(str(tmp_path / "absent" / "x"), b"")
    assert os.listdir(tmp_path) == ["args.json"]


FULL = """
import sys
from meticulous import _files
path, large = sys.argv[1], int(sys.argv[2])
try:
    _files.replace(path, b"ERROR\\n" + b"x" * large)
except OSError as error:
    print(error.errno)
"""


def test_on_a_full_disk_a_short_file_is_written_in_place(disk):
    path = disk.path / "STATUS"
    path.write_bytes(b"RUNNING")
    disk.fill()

    def replace(size):
        command = [sys.executable, "-c", FULL, str(path), str(size)]
        done = subprocess.run(
            command, env={**os.environ, **disk.env}, capture_output=True, check=True, text=True
        )
        return done.stdout.strip()

    assert replace(100) == ""
    assert path.read_bytes() == b"ERROR\n" + b"x" * 100
    assert replace(2_000_000) == str(errno.ENOSPC)
    assert path.read_bytes() == b"ERROR\n" + b"x" * 100, "what is there stays valid"
    assert replace(10) == ""
    assert path.read_bytes() == b"ERROR\n" + b"x" * 10
    assert {"STATUS"} >= set(os.listdir(disk.path)) - {"ballast"}


def test_an_appender_continues_a_short_write_exactly_where_it_stopped(tmp_path):
    path = tmp_path / "metrics.jsonl"
    appender = _files.Appender(str(path))
    data = b"".join(b"%d\n" % number for number in range(1000))
    with limited_file_size(1001):
        written = appender.append(data)
        assert written == 1001
        with pytest.raises(OSError):
            appender.append(data[written:])
    assert appender.append(data[written:]) == len(data) - written
    appender.close()
    assert path.read_bytes() == data


@pytest.mark.parametrize("before", [b'{"torn": 1', b"{}\n", b""])
def test_a_torn_line_of_an_earlier_process_is_closed_so_that_lines_never_glue(tmp_path, before):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(before)
    appender = _files.Appender(str(path))
    appender.append(b"{}\n")
    appender.append(b"[]\n")
    appender.close()
    lines = path.read_bytes().splitlines()
    assert lines == [*before.splitlines(), b"{}", b"[]"]


def test_a_console_file_gets_no_newline_of_ours(tmp_path):
    path = tmp_path / "stdout"
    path.write_bytes(b"50%")
    appender = _files.Appender(str(path), lines=False)
    appender.append(b"\r100%")
    appender.close()
    assert path.read_bytes() == b"50%\r100%"


def test_an_appender_notices_that_its_file_was_removed_and_goes_on_when_the_folder_is_back(
    tmp_path,
):
    folder = tmp_path / "1"
    folder.mkdir()
    appender = _files.Appender(str(folder / "x"))
    appender.append(b"one\n")
    (folder / "x").unlink()
    folder.rmdir()
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            appender.append(b"two\n")
    folder.mkdir()
    appender.append(b"two\n")
    appender.close()
    assert (folder / "x").read_bytes() == b"two\n"


def test_an_appender_keeps_no_descriptor_after_an_error_or_the_end(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    appender = _files.Appender(str(tmp_path / "x"))
    assert appender.size() == 0
    with limited_file_size(1), pytest.raises(OSError):
        appender.append(b"\n")
        appender.append(b"\n")
    assert len(os.listdir("/proc/self/fd")) == before
    appender.append(b"abc\n")
    assert appender.size() == 5
    appender.close()
    appender.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_program_that_closes_all_descriptors_neither_stops_the_record_nor_finds_it_in_its_files(
    tmp_path,
):
    record, mine = tmp_path / "metrics.jsonl", tmp_path / "mine"
    appender = _files.Appender(str(record))
    appender.append(b"one\n")
    number = max(int(name) for name in os.listdir("/proc/self/fd") if is_open(name, record))
    os.close(number)
    appender.append(b"two\n")
    number = max(int(name) for name in os.listdir("/proc/self/fd") if is_open(name, record))
    os.close(number)
    descriptor = os.open(mine, os.O_RDWR | os.O_CREAT)
    os.dup2(descriptor, number)
    appender.append(b"three\n")
    assert appender.size() == len(b"one\ntwo\nthree\n")
    again = max(int(name) for name in os.listdir("/proc/self/fd") if is_open(name, record))
    os.dup2(descriptor, again)
    appender.close()
    for mine_too in {descriptor, number, again}:
        os.close(mine_too)  # still open: nobody else has closed it
    assert record.read_bytes() == b"one\ntwo\nthree\n"
    assert mine.read_bytes() == b""


def is_open(descriptor, path):
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}") == str(path)
    except OSError:
        return False


def test_the_descriptors_are_not_inherited_by_child_processes(tmp_path):
    appender = _files.Appender(str(tmp_path / "x"))
    appender.append(b"\n")
    listing = subprocess.run(
        [sys.executable, "-c", "import os; print([os.path.realpath(f'/proc/self/fd/{n}') "
         "for n in os.listdir('/proc/self/fd')])"],
        close_fds=False, capture_output=True, check=True, text=True,
    )  # fmt: skip
    appender.close()
    assert str(tmp_path) not in listing.stdout


def test_a_reader_is_not_held_up_by_a_pipe_and_refuses_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(b"x" * 11)
    (tmp_path / "good").write_bytes(b'{"a": 1}')
    for name in ("pipe", "folder", "large", "absent"):
        with pytest.raises(OSError):
            _files.read_bytes(str(tmp_path / name), limit=10)
    assert _files.read_bytes(str(tmp_path / "large"), limit=11) == b"x" * 11
    assert _files.read_json(str(tmp_path / "good")) == {"a": 1}
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    for _ in range(soft + 1):
        with pytest.raises(OSError):
            _files.read_bytes(str(tmp_path / "folder"))
