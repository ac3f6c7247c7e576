"""The queue, the buffer and the threads that write: nothing waits, nothing is lost unseen."""

from __future__ import annotations

import contextlib
import os
import threading
import time

import pytest

from meticulous import _files
from meticulous._writer import Channel, Writer

PATIENCE = 30
NEVER = bool


class Storage:
    """A file in memory, with the manners of `Appender`, which can be full or hang."""

    def __init__(self, name="metrics.jsonl"):
        self.path = name
        self.data = b""
        self.room: int | None = None
        self.open = threading.Event()
        self.open.set()
        self.closed = False

    def append(self, data):
        assert self.open.wait(PATIENCE)
        part = data if self.room is None else data[: self.room]
        if not part:
            raise OSError(28, "No space left on device")
        self.data += part
        if self.room is not None:
            self.room -= len(part)
        return len(part)

    def close(self):
        self.closed = True

    @property
    def items(self):
        return [int(line) for line in self.data.split()]


def lines(items):
    return b"".join(b"%d\n" % item for item in items)


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def writer():
    writer = Writer("test")
    writer.start()
    yield writer
    writer.close(PATIENCE)


def test_rows_of_many_threads_are_all_there_each_threads_in_its_order(writer):
    storage = Storage()
    channel = writer.add(Channel(storage, lines, soft_limit=50))
    count = 20_000

    def feed(thread):
        for number in range(count):
            channel.put(thread * 1_000_000 + number)
            if number % 997 == 0:
                channel.put_heavy(thread * 1_000_000 + 500_000 + number)

    threads = [threading.Thread(target=feed, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.close(PATIENCE)
    assert storage.closed and channel.lost == channel.unwritten() == 0
    for thread in range(4):
        mine = [item % 1_000_000 for item in storage.items if item // 1_000_000 == thread]
        assert [item for item in mine if item < 500_000] == list(range(count))
        assert [item - 500_000 for item in mine if item >= 500_000] == list(range(0, count, 997))
        for item in mine[1:]:
            if item >= 500_000:
                assert mine.index(item) > mine.index(item - 500_000)


def test_a_row_is_written_soon_without_anybody_asking(writer):
    storage = Storage()
    channel = writer.add(Channel(storage, lines))
    channel.put(1)
    until(lambda: storage.items == [1])
    assert channel.unwritten() == 0


def test_an_item_that_cannot_be_encoded_takes_no_other_with_it(writer):
    storage = Storage()
    channel = writer.add(Channel(storage, lines))
    for item in (1, "two", 3, None, 5):
        channel.put(item)
    assert writer.close(PATIENCE)
    assert storage.items == [1, 3, 5]
    assert channel.lost == 2 and channel.unwritten() == 0


def test_a_full_disk_costs_only_what_the_buffer_cannot_hold_and_every_line_is_counted():
    storage = Storage()
    storage.room = 1000
    channel = Channel(storage, lambda items: b"".join(b"%07d\n" % item for item in items), 10,
                      buffer=4000)  # fmt: skip
    fed = 0
    for _ in range(50):
        for _ in range(100):
            channel.put(fed)
            fed += 1
        with contextlib.suppress(OSError):
            channel.drain(NEVER, NEVER)
        assert channel.unwritten() * 8 <= 4000 + 100 * 8 + 64 * 8, "memory is bounded"
    written = storage.data.count(b"\n")
    assert len(storage.data) == 1000
    assert written + channel.unwritten() + channel.lost == fed
    storage.room = None
    channel.drain(NEVER, NEVER)
    channel.put(fed)
    channel.drain(NEVER, NEVER)
    assert channel.unwritten() == 0
    assert len(storage.items) + channel.lost == fed + 1
    assert storage.items == sorted(storage.items) and storage.items[-1] == fed
    assert storage.items[: written + 1] == list(range(written + 1)), "what was there goes on"


def test_losses_of_console_output_are_counted_in_bytes():
    storage = Storage("stdout")
    storage.room = 0
    channel = Channel(storage, b"".join, buffer=10, lines=False)
    for piece in (b"12345678", b"9", b"abcdefgh", b"i"):
        channel.put(piece)
        with pytest.raises(OSError):
            channel.drain(NEVER, NEVER)
    channel.put(b"xyz")
    assert channel.lost + channel.unwritten() == 8 + 1 + 8 + 1 + 3
    assert channel.unwritten() <= 10 + 3


def test_a_storage_that_hangs_holds_up_nobody_and_its_end_brings_everything(writer):
    storage = Storage()
    channel = writer.add(Channel(storage, lines, soft_limit=100, buffer=1 << 20))
    storage.open.clear()
    slow = 0
    for number in range(20_000):
        started = time.perf_counter()
        channel.put(number)
        slow += time.perf_counter() - started > 0.005
    assert slow < 200
    started = time.monotonic()
    assert not writer.settle(0.3)
    assert time.monotonic() - started < 5
    started = time.monotonic()
    for _ in range(1000):
        assert not writer.settle(5), "it is not waited for again until it moves"
    assert time.monotonic() - started < 4
    storage.open.set()
    until(lambda: len(storage.items) == 20_000)
    assert storage.items == list(range(20_000)) and channel.lost == 0
    assert writer.settle(PATIENCE)


def test_a_loop_that_outruns_a_slow_storage_waits_for_it_instead_of_losing_lines(writer):
    storage = Storage()
    taken = storage.append

    def slowly(data):
        time.sleep(len(data) / 20e6)  # 20 MB/s
        return taken(data)

    storage.append = slowly
    channel = writer.add(Channel(storage, lambda items: b"%0999d\n" * len(items) % tuple(items),
                                 soft_limit=50, buffer=1 << 20))  # fmt: skip
    for number in range(5000):
        (channel.put if number % 3 else channel.put_heavy)(number)
    assert writer.close(PATIENCE)
    assert channel.lost == 0 and storage.items == list(range(5000))


def test_closing_leaves_a_hanging_storage_behind():
    writer = Writer("hanging")
    storage, other = Storage(), Storage("stdout")
    channel = writer.add(Channel(storage, lines))
    writer.add(Channel(other, lines)).put(7)
    storage.open.clear()
    writer.start()
    channel.put(1)
    started = time.monotonic()
    assert not writer.close(0.3)
    assert time.monotonic() - started < 5
    assert channel.unwritten() == 1
    storage.open.set()
    until(lambda: other.closed)
    assert storage.items == [1] and other.items == [7]


def test_a_channel_that_is_flooded_does_not_starve_the_others(writer):
    flooded, calm = Storage(), Storage("stdout")
    flood = writer.add(Channel(flooded, lines, soft_limit=100))
    quiet = writer.add(Channel(calm, lines))
    stop = threading.Event()

    def feed():
        while not stop.is_set():
            flood.put(1)

    threads = [threading.Thread(target=feed) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(5):
            quiet.put(number)
            until(lambda number=number: calm.items[-1:] == [number])
        assert writer.settle(PATIENCE)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_signal_handler_above_the_frame_that_encodes_can_end_the_program(writer):
    """Such a frame holds the lock for ever, as the handler never returns to it."""
    storage, other = Storage(), Storage("stdout")
    holding, never = threading.Event(), threading.Event()

    def encode(items):
        if 13 in items and threading.current_thread().name == "interrupted":
            holding.set()
            never.wait(PATIENCE)
        return lines(items)

    channel = writer.add(Channel(storage, encode))
    quiet = writer.add(Channel(other, lines))
    thread = threading.Thread(target=channel.put_heavy, args=(13,), name="interrupted")
    thread.start()
    assert holding.wait(PATIENCE)
    channel.put(14)
    quiet.put(1)
    until(lambda: other.items == [1])
    assert writer.settle(PATIENCE, final=True)
    assert storage.items == [14]
    never.set()
    thread.join()
    assert writer.close(PATIENCE)
    assert storage.items == [14, 13]


def test_ctrl_c_while_encoding_loses_no_item():
    storage = Storage()
    interrupt = True

    def encode(items):
        if interrupt:
            raise KeyboardInterrupt
        return lines(items)

    channel = Channel(storage, encode, soft_limit=2)
    channel.put(1)
    channel.put(2)
    with pytest.raises(KeyboardInterrupt):
        channel.put(3)
    interrupt = False
    channel.drain(NEVER, NEVER)
    assert storage.items == [1, 2, 3]


def test_of_several_documents_for_one_file_the_last_wins_and_each_is_tried_again(tmp_path, writer):
    path = tmp_path / "folder" / "summary.json"
    for number in range(100):
        writer.store(str(path), b"%d" % number)
    until(lambda: writer.errors)
    assert writer.errors["summary.json"][0] == "No such file or directory"
    assert writer.pending() == 1
    path.parent.mkdir()
    until(path.exists)
    assert path.read_bytes() == b"99"
    until(lambda: writer.pending() == 0)
    assert os.listdir(path.parent) == ["summary.json"]


def test_an_error_of_any_kind_does_not_end_the_thread(tmp_path, writer):
    def broken():
        raise ValueError("not an OSError")

    channel = writer.add(Channel(Storage(), lines))
    writer.store(str(tmp_path / "broken"), broken)
    writer.store(str(tmp_path / "good"), lambda: b"made in the thread")
    channel.put(1)
    until(lambda: (tmp_path / "good").exists() and channel.appender.items == [1])
    assert writer.errors["broken"][0] == "ValueError"
    writer.store(str(tmp_path / "broken"), b"mended")
    until((tmp_path / "broken").exists)


def test_each_file_that_fails_is_told_once_and_counted():
    told = []
    writer = Writer("t", on_error=lambda name, error: told.append((name, error.errno)))
    storage = Storage()
    storage.room = 0
    channel = writer.add(Channel(storage, lines))
    writer.start()
    for _ in range(3):
        channel.put(1)
        writer.settle(PATIENCE)
    writer.store("/absent/STATUS", b"")
    writer.close(PATIENCE)
    assert sorted(told) == [("STATUS", 2), ("metrics.jsonl", 28)]
    assert writer.errors["metrics.jsonl"][1] >= 3
    assert channel.unwritten() == 3


def test_the_heart_beats_and_goes_on_when_a_beat_fails():
    beats = []

    def beat():
        beats.append(1)
        if len(beats) == 2:
            raise OSError(5, "Input/output error")

    writer = Writer("t", beat=beat, interval=0.05)
    writer.start()
    until(lambda: len(beats) >= 4)
    writer.close(PATIENCE)
    assert [why for why, _ in writer.errors.values()] == ["Input/output error"]


def test_a_writer_that_was_closed_or_never_started_lets_nobody_wait():
    writer = Writer("t")
    assert not writer.settle(PATIENCE)
    assert writer.close(0.01) or True
    started = Writer("t")
    started.start()
    assert started.close(PATIENCE)
    begun = time.monotonic()
    assert not started.settle(PATIENCE)
    assert time.monotonic() - begun < PATIENCE / 2


def test_real_files_are_appended_and_closed(tmp_path, writer):
    channel = writer.add(Channel(_files.Appender(str(tmp_path / "x")), lines))
    for number in range(1000):
        channel.put(number)
    before = len(os.listdir("/proc/self/fd"))
    assert writer.settle(PATIENCE)
    assert (tmp_path / "x").read_bytes() == lines(range(1000))
    assert writer.close(PATIENCE)
    assert len(os.listdir("/proc/self/fd")) <= before
