"""Taps come and go on any stream, in any order, and leave nothing behind."""

from __future__ import annotations

import codecs
import gc
import io
import os
import sys
import threading
import weakref

import pytest

from meticulous._console import Tap


class Record:
    """Two streams and the waits, as a tap hands them on."""

    def __init__(self):
        self.out, self.err, self.settled = [], [], 0
        self.tap = Tap(self.out.append, self.err.append, self._settle)

    def _settle(self):
        self.settled += 1

    def __enter__(self):
        self.tap.start()
        return self

    def __exit__(self, *_):
        self.tap.stop()

    @property
    def text(self) -> bytes:
        return b"".join(self.out)


class Plain:
    """A stream with nothing but what `print` needs."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text
        return len(text)


class Notebook(io.TextIOBase):
    """As a notebook kernel's stream: text only, no buffer, no descriptor."""

    def __init__(self):
        self.text = ""
        self.flushed = 0

    encoding = "UTF-8"

    def write(self, string):
        self.text += string
        return len(string)

    def flush(self):
        self.flushed += 1


class Forwarding:
    """Hands every attribute on, also when set, except its own ``write``."""

    def __init__(self, stream):
        object.__setattr__(self, "stream", stream)

    def write(self, text):
        return self.stream.write(text)

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def __setattr__(self, name, value):
        setattr(self.stream, name, value)


def file_stream(**options) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedWriter(io.FileIO(os.devnull, "w")), "utf-8", **options)


@pytest.fixture
def printing_to():
    """Print elsewhere from within the test: between fixture and test pytest sets its own."""
    kept = sys.stdout, sys.stderr
    opened = [file_stream()]

    def change(stream=None, errors=opened[0]):
        sys.stdout, sys.stderr = stream or file_stream(), errors
        if hasattr(sys.stdout, "close"):
            opened.append(sys.stdout)
        return sys.stdout

    yield change
    sys.stdout, sys.stderr = kept
    for stream in opened:
        stream.close()


def file_stream_closed() -> io.TextIOWrapper:
    with file_stream() as stream:
        return stream


def attributes(stream):
    return dict(vars(stream)), dict(vars(stream.buffer))


def test_a_thousand_taps_one_after_another_leave_nothing_behind(printing_to):
    stream = printing_to()

    def open_descriptors():
        return set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()

    before, descriptors = (attributes(stream), threading.active_count()), open_descriptors()
    for i in range(1000):
        with Record() as record:
            print(i)
        assert record.text == b"%d\n" % i
        assert attributes(stream) == before[0]
    assert (attributes(stream), threading.active_count()) == before
    assert open_descriptors() <= descriptors  # those of earlier tests may go meanwhile
    del record
    gc.collect()
    assert not any(isinstance(thing, Tap) for thing in gc.get_objects())


def test_a_thousand_nested_taps_lie_over_the_stream_once(printing_to):
    stream = printing_to()
    before = attributes(stream)
    records = [Record() for _ in range(1000)]
    for record in records:
        record.tap.start()
        record.tap.start()
    once = attributes(stream)
    print("all", flush=True)
    assert attributes(stream) == once
    assert all(record.text == b"all\n" and record.settled == 1 for record in records)
    for record in records[::2] + records[::-1]:  # in no particular order, some twice
        record.tap.stop()
    assert attributes(stream) == before
    print("none")
    assert all(record.text == b"all\n" for record in records)


def test_taps_end_in_any_order_and_each_has_its_own_part(printing_to):
    printing_to()
    outer, inner = Record(), Record()
    outer.tap.start()
    print("one")
    inner.tap.start()
    print("two")
    outer.tap.stop()
    print("three")
    outer.tap.start()
    inner.tap.stop()
    print("four")
    outer.tap.stop()
    print("five")
    assert outer.text == b"one\ntwo\nfour\n"
    assert inner.text == b"two\nthree\n"


class Wrapper:
    """As other trackers do: put a function over ``write``, and later back what was there."""

    def __init__(self, stream):
        self.stream, self.saved, self.seen = stream, stream.write, ""

        def write(text):
            self.seen += text
            return self.saved(text)

        stream.write = write

    def remove(self):
        self.stream.write = self.saved


def test_another_wrapper_on_top_is_left_alone_and_nothing_is_recorded_twice(printing_to):
    stream = printing_to()
    record, again, third = Record(), Record(), Record()
    record.tap.start()
    other = Wrapper(stream)
    print("both")
    with again:
        print("nested")
        assert sys.stdout.write("four") == 4
    record.tap.stop()
    print("only the other")
    for i in range(1000):
        with third:
            print(i)
    assert third.text == b"".join(b"%d\n" % i for i in range(1000))
    other.remove()
    print("nobody")
    with third:
        print("third")
    assert record.text == b"both\nnested\nfour"
    assert again.text == b"nested\nfour"
    assert third.text.endswith(b"999\nthird\n")
    assert other.seen.startswith("both\nnested\nfouronly the other\n0\n1\n")
    assert "nobody" not in other.seen
    assert stream.write("x") == 1


def test_a_wrapper_beneath_that_is_taken_away_does_not_end_the_recording(printing_to):
    stream = printing_to()
    other = Wrapper(stream)
    with Record() as record:
        print("over the other")
        stream.flush()
        other.remove()  # throws ours away
        print("seen at the flush", flush=True)
        print("seen at once")
        with Record() as inner:
            print("nested", flush=True)
        other.remove()
        stream.flush()
        stream.write("chunk\n" * 2000)
        print("seen at once again")
    print("after", flush=True)
    chunk = b"chunk\n" * 2000
    expected = b"over the other\nseen at the flush\nseen at once\nnested\n%sseen at once again\n"
    assert record.text == expected % chunk
    assert inner.text == b"nested\n"
    assert stream.write == other.saved
    assert attributes(stream)[1] == {}


def test_a_handler_s_bound_write_goes_on_working_after_the_stop(printing_to):
    printing_to()
    with Record() as record:
        bound = sys.stdout.write
        bound("inside\n")
    assert bound("outside\n") == 8
    assert record.text == b"inside\n"


@pytest.mark.parametrize(
    "make",
    [
        io.StringIO,
        Plain,
        Notebook,
        lambda: Forwarding(Plain()),
        lambda: codecs.getwriter("utf-8")(io.BytesIO()),
        lambda: io.TextIOWrapper(io.BytesIO(), "latin-1"),
        lambda: io.TextIOWrapper(io.FileIO(os.devnull, "w"), "utf-8", write_through=True),
    ],
    ids=["StringIO", "plain", "notebook", "forwarding", "codecs", "latin-1", "raw"],
)
def test_streams_of_any_make_are_recorded_and_restored(printing_to, make):
    stream = printing_to(make())
    before = dict(vars(stream))
    with Record() as record:
        print("caf\xe9", end="")
        print(" two")
        if hasattr(stream, "writelines"):
            sys.stdout.writelines(["a", "b"])
        if hasattr(stream, "flush"):
            sys.stdout.flush()
            assert record.settled >= 1
    assert record.tap.problems == []
    assert record.text.replace(b"ab", b"") == b"caf\xc3\xa9 two\n"
    assert {k: v for k, v in vars(stream).items() if k != "text"} == {
        k: v for k, v in before.items() if k != "text"
    } or isinstance(stream, Notebook)
    print("after")
    assert b"after" not in record.text


class Slots:
    __slots__ = ("text",)

    def write(self, text):
        self.text = text


class ReadOnly(Plain):
    @property
    def write(self):
        return lambda text: len(text)


@pytest.mark.parametrize("make", [Slots, ReadOnly, object])
def test_a_stream_that_cannot_be_recorded_is_named_and_works_as_before(printing_to, make):
    stream = printing_to(make())
    record = Record()
    record.tap.start()
    name = f"{type(stream).__module__}.{type(stream).__qualname__}"
    assert record.tap.problems == [f"stdout: a stream of type {name} cannot be recorded"]
    if hasattr(stream, "write"):
        print("works")
    print("error", file=sys.stderr)
    record.tap.stop()
    assert (record.out, b"".join(record.err)) == ([], b"error\n")


def test_a_process_without_streams_is_no_error(printing_to):
    printing_to()
    sys.stdout = sys.stderr = None
    with Record() as record:
        print("nowhere")
    assert [line.split(":")[0] for line in record.tap.problems] == ["stdout", "stderr"]


def test_one_object_for_both_streams_is_recorded_as_output_once(printing_to):
    sys.stderr = printing_to()
    with Record() as record:
        print("out")
        print("err", file=sys.stderr)
    assert (record.text, record.err) == (b"out\nerr\n", [])


def test_text_goes_to_utf_8_whatever_it_holds(printing_to):
    class Text(str):
        def encode(self, *_):
            raise RuntimeError

    printing_to(Plain())
    with Record() as record:
        sys.stdout.write("\udcff\udce9 \ud800 \udfff \U0001f600")
        sys.stdout.write(Text("own"))
    assert record.text == b"\xff\xe9 \\ud800 \\udfff \xf0\x9f\x98\x80own"
    with Record() as record, pytest.raises(TypeError):
        sys.stdout.write(3)
    assert record.text == b""


def test_a_stream_that_writes_to_itself_is_recorded_as_it_was_called(printing_to):
    class Timed(Plain):
        def write(self, text, stamp=False):
            if stamp:
                sys.stdout.write("12:00 ")
            return super().write(text)

    printing_to(Timed())
    with Record() as record:
        sys.stdout.write("text", stamp=True)
    assert sys.stdout.text == "12:00 text"
    assert sorted(record.out) == [b"12:00 ", b"text"]


def test_a_stream_that_the_program_drops_dies_with_the_tap(printing_to):
    stream = weakref.ref(printing_to(Plain()))
    with Record() as record:
        print("text")
        printing_to()
        print("elsewhere")
    gc.collect()
    assert record.text == b"text\n"
    assert stream() is None


def test_a_stream_that_is_closed_meanwhile_is_let_go(printing_to):
    stream = printing_to()
    with Record() as record:
        print("text")
        stream.close()
        with pytest.raises(ValueError, match="closed"):
            print("more")
    assert record.text == b"text\n"
    assert attributes(stream) == attributes(file_stream_closed())


def test_a_stream_whose_attributes_somebody_threw_away_is_let_go(printing_to):
    printing_to()
    for put_back in (
        lambda s, write: s.__dict__.pop("write"),
        lambda s, write: setattr(s, "write", write),
    ):
        stream = file_stream()
        saved, sys.stdout = stream.write, stream
        with Record() as record:
            for i in range(3):
                put_back(stream, saved)
                print("unseen until flushed", i, flush=True)
                print("seen", i, flush=True)
        printing_to()
        assert record.text.count(b"seen") == 6
        stream.close()
        kept = weakref.ref(stream)
        del stream, saved
        gc.collect()
        assert kept() is None
