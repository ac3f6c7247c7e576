"""What a reader gives of the console of good, old and hostile folders."""

import os
import time

import pytest

from meticulous import ExperimentReader
from meticulous import _experiments_console as console
from meticulous._experiments_console import start_of_last
from read.records import OLD_STORE, write_record

STREAMS = ("stdout", "stderr")


@pytest.fixture
def folder(tmp_path):
    return write_record(tmp_path)


def test_the_text_is_as_a_terminal_shows_it_or_as_it_was_written(folder):
    data = b"10%\r 100%\r\n\x1b[31mred\x1b[0m\xff\nno newline"
    (folder / "stdout").write_bytes(data)
    (folder / "stderr").write_bytes(b"oops\n")
    reader = ExperimentReader(folder)
    assert reader.stdout() == " 100%\nred\ufffd\nno newline\n"
    assert reader.stdout(rendered=False) == data.decode("utf-8", "replace")
    assert reader.stderr() == reader.stderr(rendered=False) == "oops\n"
    coloured = list(reader.console("stdout", colours=True))
    assert coloured[1] == "\x1b[0;31mred\x1b[0m\ufffd"
    assert reader.problems == []


@pytest.mark.parametrize("name", ["documented", "newest"])
def test_folders_of_2020_have_their_console(name):
    reader = ExperimentReader(OLD_STORE / name / "experiments" / "3")
    assert "step 4 w" in reader.stdout()
    assert ("ValueError: loss is not finite" in reader.stderr()) == (name == "newest")


def test_what_is_no_file_is_empty_and_a_problem_and_never_waited_for(folder, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")

    def broken(make):
        (folder / "stdout").unlink(missing_ok=True)
        make(folder / "stdout")
        reader = ExperimentReader(folder)
        assert (reader.stdout(), reader.stdout(rendered=False)) == ("", "")
        with pytest.raises(OSError):
            list(reader.console("stdout"))
        return reader.problems

    assert broken(lambda path: None) == []  # absent is empty
    assert "not a regular file" in broken(os.mkfifo)[0]
    link = "stdout cannot be read: a link, which could lead out of the folder"
    assert broken(lambda path: path.symlink_to("/dev/zero")) == [link]
    assert broken(lambda path: path.symlink_to(secret)) == [link]
    (folder / "stdout").unlink()
    (folder / "stdout").mkdir()
    assert ExperimentReader(folder).stdout() == ""


def test_of_a_long_output_the_end_is_given_and_begins_with_a_line(folder):
    with open(folder / "stdout", "wb") as file:
        file.truncate(console.LARGEST + (1 << 20))
        file.seek(0, os.SEEK_END)
        file.write(b"\nnext to last\nlast\n")
    reader = ExperimentReader(folder)
    raw = reader.stdout(rendered=False)
    assert len(raw) <= console.LARGEST
    assert raw.endswith("\nnext to last\nlast\n")
    assert list(reader.console("stdout", largest=18)) == ["next to last", "last"]
    assert list(reader.console("stdout", largest=17)) == ["last"]


def test_the_last_lines_of_a_huge_file_are_read_from_its_end(folder):
    with open(folder / "stdout", "wb") as file:
        file.truncate(10 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + b"".join(b"frame\rline %d\n" % n for n in range(5000)))
    reader = ExperimentReader(folder)
    start = time.monotonic()
    assert list(reader.console("stdout", last=2)) == ["line 4998", "line 4999"]
    assert len(list(reader.console("stdout", last=4000))) == 4000
    with open(folder / "stdout", "rb") as file:
        file.seek(start_of_last(file, 2))
        assert file.read() == b"frame\rline 4998\nframe\rline 4999\n"
        file.seek(start_of_last(file, 4999))
        assert file.readline() == b"frame\rline 1\n"
    assert time.monotonic() - start < 20, "reading 10 GB takes far longer"


def test_the_last_lines_are_those_of_the_whole(folder):
    text = "".join(f"{n}\r{n * 7}\n" for n in range(300)) + "a\nb\x1b[A\rA\nB" + "x" * 300
    (folder / "stdout").write_text(text)
    reader = ExperimentReader(folder)
    whole = reader.stdout().splitlines()
    assert list(reader.console("stdout", last=0)) == []
    for count in (1, 2, 3, 299, 1000):
        assert list(reader.console("stdout", last=count)) == whole[-count:]
    raw = (folder / "stdout").read_bytes()
    lines = raw.split(b"\n")
    with open(folder / "stdout", "rb") as file:
        for count in (0, 1, 2, 299, 1000):
            expected = (
                b"\n".join(lines[-count:]) if 0 < count < len(lines) else raw if count else b""
            )
            file.seek(start_of_last(file, count))
            assert file.read() == expected, count
