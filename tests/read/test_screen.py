"""Console bytes as the lines that a terminal would show."""

import io
import itertools
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meticulous._screen import LONGEST, ROWS, Screen

SGR = re.compile(r"\x1b\[[0-9;]+m")


def lines(data, **options):
    screen = Screen(**options)
    data = data.encode() if isinstance(data, str) else data
    return screen.feed(data) + screen.flush()


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("", []),
        ("one\ntwo", ["one", "two"]),
        ("one\n\n\n", ["one", "", ""]),
        ("one\r\ntwo\r\n", ["one", "two"]),
        (" 10%\r 55%\r100%\n", ["100%"]),
        ("a long line\rshort", ["shortg line"]),
        ("a long line\r\x1b[Kshort", ["short"]),
        ("bar\r   \r", [""]),
        ("abc\b\bX", ["aXc"]),
        ("\b\bX", ["X"]),
        ("a\tb\t\tc", ["a       b               c"]),
        ("12345678\tx\r\ty", ["12345678y       x"]),
        ("bar 0\nbar 1\x1b[A\rBAR 0\n\rBAR 1\n", ["BAR 0", "BAR 1"]),
        ("a\nb\nc\x1b[2Fx\x1b[Ez", ["x", "z", "c"]),
        ("a\nb\nc\n\x1b[2A\x1b[J", ["a"]),
        ("abcdef\x1b[3D\x1b[1K!", ["   !ef"]),
        ("abcdef\x1b[3D\x1b[2K!", ["   !"]),
        ("abcdef\r\x1b[2P", ["cdef"]),
        ("abcdef\r\x1b[2X", ["  cdef"]),
        ("abcdef\r\x1b[2@", ["  abcdef"]),
        ("ab\x1b[5Gc", ["ab  c"]),
        ("ab\x1b[2Cc", ["ab  c"]),
        ("ab\x1b7cd\x1b8X", ["abXd"]),
        ("before\n\x1b[H\x1b[2Jafter", ["before", "after"]),
        ("before\n\x1b[2J\x1b[Hone\ntwo\x1b[HONE", ["before", "ONE", "two"]),
        ("\x1b[31mred\x1b[0m", ["red"]),
        ("\x1b]0;a title\x07text", ["text"]),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", ["link"]),
        ("\x1bPq#0;1~~\x1b\\picture", ["picture"]),
        ("\x1b]0;a torn title\nnext", ["", "next"]),
        ("\x9b31mred \x9d0;title\x9ctext", ["red text"]),
        ("\x1b(Bascii \x1b[?25l\x1b[6n\x1b[1 q\x07\x00\x7f\x05", ["ascii"]),
        ("\x1b[12", []),
        ("\x1b[12\ntext", ["", "text"]),
        ("日本語\r本", ["本本語"]),
        ("日本語\rab", ["ab本語"]),
        ("日本語\ra", ["a 本語"]),
        ("日本\x1b[2G.", [" .本"]),
        ("e\u0301a\rxy", ["xy"]),
        ("e\u0301", ["e\u0301"]),
        ("no\u202ereversed\u200b \u00a0x", ["noreversed  x"]),
        ("\x1b[99999999999999999999Cx" + "\x1b[9999999999999A\x1b[999999999B", [" " * 1000 + "x"]),
    ],
)
def test_a_line_is_what_a_terminal_would_show(printed, shown):
    assert lines(printed) == shown
    assert [SGR.sub("", line) for line in lines(printed, colours=True)] == shown


def test_invalid_bytes_become_one_sign_each():
    assert lines(b"a\xffb\xe6\x97\n\xc3") == ["a\ufffdb\ufffd", "\ufffd"]


def test_colours_stay_when_they_are_asked_for_and_end_within_their_line():
    assert lines("\x1b[1;31mred\nand\x1b[39m bold\x1b[m no", colours=True) == [
        "\x1b[0;1;31mred\x1b[0m",
        "\x1b[0;1;31mand\x1b[0;1m bold\x1b[0m no",
    ]
    assert lines("\x1b[38;5;200ma\x1b[48;2;1;2;3mb", colours=True) == [
        "\x1b[0;38;5;200ma\x1b[0;38;5;200;48;2;1;2;3mb\x1b[0m"
    ]
    assert lines("\x1b[8mhidden\x1b[38;5;999m\x1b[38m\x1b[1;?m.", colours=True) == ["hidden."]
    assert lines("\x1b[31m日本\rab", colours=True) == ["\x1b[0;31mab本\x1b[0m"]


PIECES = st.sampled_from(
    [
        *"ab \n\r\b\t\x0b\x85",
        "語",
        "\u0301",
        "😀",
        "\x1b",
        "[",
        "\x9b",
        "]",
        "\x07",
        "\x9c",
        "\\",
        "P",
    ]
    + [f"\x1b[{code}" for code in ("A", "2A", "B", "3C", "2D", "K", "1K", "2K", "J", "1J", "2J")]
    + [f"\x1b[{code}" for code in ("H", "3;2H", "G", "2P", "X", "2@", "s", "u", "E", "F", "7")]
    + ["\x1b[31m", "\x1b[0m", "\x1b[1;48;5;3m", "\x1b7", "\x1b8", "\x1bM", "\x1bc", "\r\n", "text"]
).map(str.encode)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(PIECES, PIECES, PIECES, st.binary(max_size=4)), max_size=60).map(b"".join),
    st.lists(st.integers(0, 300), max_size=6),
    st.sampled_from([1, 3, ROWS]),
    st.booleans(),
)
@example(b"e" + b"\xcc\x81" * 10, [4], ROWS, False)
def test_however_the_bytes_are_cut_the_lines_are_the_same_and_safe(data, cuts, rows, colours):
    whole = lines(data, rows=rows, colours=colours)
    screen = Screen(rows, colours=colours)
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    parts = []
    for start, end in itertools.pairwise(places):
        parts += screen.feed(data[start:end])
        assert len(screen.live()) <= rows
    waiting = screen.live()
    last = screen.flush()
    if not screen._pending and b"\x1b" not in data[-80:] and data[-1:] < b"\x80":
        assert waiting == last
    assert parts + last == whole
    for line in whole:
        assert SGR.sub("", line).isprintable()
        assert colours or "\x1b" not in line


def test_the_cursor_goes_back_so_many_lines_and_no_more():
    text = "".join(f"{n}\n" for n in range(1000))
    assert lines(text + "\x1b[9999A!")[1000 - ROWS + 1] == "!" + str(1000 - ROWS + 1)[1:]
    assert lines("a\nb\x1b[A!", rows=1) == ["a", "b!"]
    erased = "a\nb\nc\nd\ne\x1b[9A\x1b[J\n\x1b[9AX"
    assert lines(erased, rows=3) == ["a", "b", "X"], "nor after lines were erased"
    assert Screen(1).feed(b"a\nb") == ["a"], "a line is given as soon as it ends"


def test_what_is_kept_is_bounded():
    screen = Screen()
    long = []
    for _ in range(24):
        long += screen.feed(b"x" * (1 << 18))
    assert {len(line) for line in long} == {LONGEST}
    assert sum(map(len, screen._rows)) <= 2 * LONGEST
    hostile = (b"\x1b]" + b"t" * (1 << 20), b"\x1b[" + b"1" * (1 << 20), b"e" + b"\xcc\x81" * 99999)
    for data in hostile:
        screen = Screen()
        screen.feed(data)
        assert (
            sum(len(cell) for row in screen._rows for cell in row) + len(screen._pending) < 1 << 21
        )
    assert lines("x" * (LONGEST + 5)) == ["x" * LONGEST, "x" * 5]


def test_real_bars_of_tqdm_are_shown_as_they_end():
    import tqdm

    out = io.StringIO()
    bars = [
        tqdm.tqdm(total=20, desc=f"worker {n}", position=n, file=out, ncols=60, mininterval=0)
        for n in range(3)
    ]
    for _ in range(20):
        for bar in bars:
            bar.update()
    for bar in bars:
        bar.close()
    out.write("\n" * 3 + "done\n")
    shown = [line for line in lines(out.getvalue()) if line]
    assert [line.split(":")[0] for line in shown[:3]] == ["worker 0", "worker 1", "worker 2"]
    assert all("100%" in line and "20/20" in line for line in shown[:3])
    assert shown[3:] == ["done"]


def test_a_real_display_of_rich_is_shown_as_it_ends():
    from rich.console import Console
    from rich.progress import Progress

    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=60, color_system="truecolor")
    with Progress(console=console, auto_refresh=False) as progress:
        tasks = [progress.add_task(f"task {n}", total=10) for n in range(3)]
        for step in range(10):
            for task in tasks:
                progress.advance(task)
                progress.refresh()
            if step == 5:
                console.print("[bold]half way[/bold]")
    shown = lines(out.getvalue())
    assert [line.split("  ")[0].split(" ━")[0] for line in shown if line] == [
        "half way",
        "task 0",
        "task 1",
        "task 2",
    ]
    assert sum("100%" in line for line in shown) == 3
    coloured = lines(out.getvalue(), colours=True)
    assert "\x1b[0;1mhalf way\x1b[0m" in coloured
    assert [SGR.sub("", line).rstrip() for line in coloured] == shown


def test_plain_text_takes_a_way_that_is_not_per_character():
    """A ratio, so that a slow machine changes nothing: 100 MB in well under a second or two."""
    data = b"2026-11-24 12:00:00 INFO epoch 3 step 1000 loss 0.1234 acc 0.88\n" * 60_000

    def seconds(work):
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    floor = min(
        seconds(lambda: [line.rstrip() for line in data.decode().split("\n")]) for _ in "ab"
    )
    assert min(seconds(lambda: lines(data)) for _ in "abc") < 20 * floor
