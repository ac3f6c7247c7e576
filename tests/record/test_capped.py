"""A capped file keeps its head and its tail, and says how much is left out between them."""

from __future__ import annotations

import os
import re

import pytest

from meticulous import _capped
from storage_tools import limited_file_size

MARKER = re.compile(rb"\n\[meticulous: (\d+) bytes are left out here; see [^\]]*\]\n")
LIMIT = 4000


def parts(path):
    """Head, count of the marker, and tail."""
    pieces = MARKER.split(path.read_bytes())
    assert len(pieces) in (1, 3), "one marker at most"
    return pieces if len(pieces) == 3 else [pieces[0], b"0", b""]


def numbers(count, start=0):
    return b"".join(b"line %06d\n" % number for number in range(start, start + count))


@pytest.mark.parametrize("piece", [1, 12, 700, 3999, 4000, 4001, 20_000, 200_000])
def test_head_tail_and_count_add_up_to_what_was_printed(tmp_path, piece):
    path = tmp_path / "stdout"
    appender = _capped.CappedAppender(str(path), LIMIT)
    printed = numbers(200_000 // 12 if piece > 1 else 1500)
    for at in range(0, len(printed), piece):
        assert appender.append(printed[at : at + piece]) == len(printed[at : at + piece])
        assert path.stat().st_size <= LIMIT
    appender.close()
    head, left_out, tail = parts(path)
    assert printed.startswith(head) and len(head) >= LIMIT // 4
    assert printed.endswith(tail) and len(tail) >= LIMIT // 2
    assert len(head) + int(left_out) + len(tail) == len(printed)
    assert os.listdir(tmp_path) == ["stdout"]


def test_a_file_within_the_limit_is_left_alone_and_no_limit_is_none(tmp_path):
    for limit, size in ((LIMIT, LIMIT), (0, 10 * LIMIT)):
        path = tmp_path / str(limit)
        appender = _capped.CappedAppender(str(path), limit)
        appender.append(b"x" * size)
        appender.close()
        assert path.read_bytes() == b"x" * size


def test_a_later_session_goes_on_counting(tmp_path):
    path = tmp_path / "stdout"
    printed = numbers(3000)
    for session in range(3):
        appender = _capped.CappedAppender(str(path), LIMIT)
        for at in range(session * 12_000, (session + 1) * 12_000, 600):
            appender.append(printed[at : at + 600])
        appender.close()
    head, left_out, tail = parts(path)
    assert len(head) + int(left_out) + len(tail) == len(printed)
    assert printed.endswith(tail)


def test_a_whole_file_is_capped_after_the_fact_and_again(tmp_path):
    path = tmp_path / "stdout"
    path.write_bytes(numbers(2000))
    _capped.compact(str(path), LIMIT)
    before = path.read_bytes()
    _capped.compact(str(path), LIMIT)
    assert path.read_bytes() == before
    with open(path, "ab") as file:
        file.write(numbers(2000, 2000))
    _capped.compact(str(path), LIMIT)
    head, left_out, tail = parts(path)
    assert numbers(4000).startswith(head) and numbers(4000).endswith(tail)
    assert len(head) + int(left_out) + len(tail) == len(numbers(4000))


def test_a_disk_without_room_for_the_copy_costs_no_output_and_not_a_copy_each_time(tmp_path):
    path = tmp_path / "stdout"
    appender = _capped.CappedAppender(str(path), LIMIT)
    appender.append(b"x" * LIMIT)
    os.mkdir(tmp_path / f".stdout.{os.getpid()}~")  # where the copy would be made
    for _ in range(3):
        assert appender.append(b"y" * 10) == 10
    assert path.read_bytes() == b"x" * LIMIT + b"y" * 30
    os.rmdir(tmp_path / f".stdout.{os.getpid()}~")
    for _ in range(LIMIT // 10):
        appender.append(b"z" * 10)
    appender.close()
    head, left_out, tail = parts(path)
    assert len(head) + int(left_out) + len(tail) == 2 * LIMIT + 30
    assert path.stat().st_size <= LIMIT
    assert os.listdir(tmp_path) == ["stdout"]


def test_a_copy_that_fails_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "stdout"
    path.write_bytes(numbers(1000))
    with limited_file_size(1500), pytest.raises(OSError):
        _capped.compact(str(path), LIMIT)
    assert path.read_bytes() == numbers(1000)
    assert os.listdir(tmp_path) == ["stdout"]
