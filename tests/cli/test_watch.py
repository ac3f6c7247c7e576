"""The listing that is drawn again in the same place."""

import os
import re
import sys

import pytest

from cli.command import run
from read.records import write_record

pexpect = pytest.importorskip("pexpect")


def screen(text, rows, columns):
    """What a terminal shows after some output: just what the drawing uses."""
    lines, line, column = [""] * rows, 0, 0
    for part in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
        if part == "\x1b[H":
            line = column = 0
        elif part == "\x1b[K":
            lines[line] = lines[line][:column]
        elif part == "\x1b[J":
            lines[line] = lines[line][:column]
            lines[line + 1 :] = [""] * (rows - line - 1)
        elif part == "\r":
            column = 0
        elif part == "\n":
            if line == rows - 1:
                lines = [*lines[1:], ""]
            line = min(line + 1, rows - 1)
        elif re.fullmatch(r"\x1b\[\d+;1H", part):
            line, column = int(part[2:-3]) - 1, 0
        elif part.startswith("\x1b["):
            assert part.endswith("m"), f"{part!r} is not known to every terminal"
        else:
            assert column + len(part) <= columns, "a line is wider than the terminal"
            lines[line] = (
                lines[line][:column].ljust(column) + part + lines[line][column + len(part) :]
            )
            column += len(part)
    return lines, (line, column)


class Watched:
    def __init__(self, root, rows=30, columns=100, *words):
        self.size = rows, columns
        words = ["-m", "meticulous", "list", "--watch=0.1", str(root), *words]
        env = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        self.child = pexpect.spawn(
            sys.executable, words, dimensions=self.size, encoding="utf-8", timeout=60, env=env
        )
        self.text = ""

    def until(self, pattern):
        """Read until a whole drawing shows something; gives its lines."""
        for _ in range(600):
            self.child.expect_exact("\x1b[H")
            self.text += self.child.before
            lines, _ = screen(self.text, *self.size)
            self.text += "\x1b[H"
            if re.search(pattern, "\n".join(lines)):
                return lines
        raise AssertionError(f"not shown: {pattern}\n" + "\n".join(lines))

    def resize(self, rows, columns):
        self.child.setwinsize(rows, columns)
        self.size, self.text = (rows, columns), "\x1b[H"
        for _ in range(100):  # those that were drawn before
            self.child.expect_exact("\x1b[H")
            lines = re.sub(r"\x1b\[[0-9;]*[A-Za-z]|\r", "", self.child.before).split("\n")
            if len(lines) <= rows and max(map(len, lines)) <= columns:
                return
        raise AssertionError("it is not drawn in the new size")

    def stop(self):
        self.child.sendintr()
        self.child.expect(pexpect.EOF)
        self.text += self.child.before
        self.child.close()
        assert self.child.exitstatus == 130
        assert "\x1b[?" not in self.text, "no mode of the terminal is changed"
        return screen(self.text.replace("^C", ""), *self.size)


@pytest.fixture
def root(tmp_path):
    for number in range(1, 4):
        write_record(tmp_path, str(number), summary={"loss": number})
    return tmp_path


def test_what_happens_meanwhile_is_drawn_in_the_same_place_until_ctrl_c(root):
    watched = Watched(root)
    lines = watched.until("3 experiments in")
    assert [line.split()[:2] for line in lines[4:7]] == [[str(n), "SUCCESS"] for n in (1, 2, 3)]
    assert "1*" in lines[4] and "2*" not in lines[5] and not any(lines[7:])
    write_record(root, "4", status="ERROR\nValueError: no")
    lines = watched.until("4 experiments in")
    assert re.match(r"4 +ERROR .* ValueError: no$", lines[7])
    (root / "4" / "STATUS").write_text("SUCCESS")
    lines = watched.until(r"\n4 +SUCCESS")
    assert "ValueError" not in "\n".join(lines) and not any(lines[8:])
    lines, (line, column) = watched.stop()
    assert lines[7].startswith("4 ") and not any(lines[8:]) and (line, column) == (8, 0)


def test_rows_that_do_not_fit_the_height_are_counted_and_a_new_size_is_drawn_anew(root):
    for number in range(4, 26):
        write_record(root, str(number), args={"text": "x" * 90, "n": number})
    watched = Watched(root, 14, 120)
    lines = watched.until(r"more above: the terminal is too low")
    ids = [line.split()[0] for line in lines if re.match(r"\d+ +SUCC", line)]
    assert ids == [str(n) for n in range(26 - len(ids), 26)] and len(ids) >= 5
    assert f"... {25 - len(ids)} more above" in "\n".join(lines)
    watched.resize(40, 60)
    lines = watched.until(r"\n25 ")
    assert len([line for line in lines if re.match(r"\d+ +SUCC", line)]) == 25
    watched.resize(6, 40)
    watched.until("more above")
    watched.stop()
    watched = Watched(root, 12, 120, "--sort", "loss")
    lines = watched.until("more below: the terminal is too low")
    assert [line.split()[0] for line in lines if " SUCC" in line][:3] == ["3", "2", "1"]
    watched.stop()


def test_without_a_terminal_it_is_shown_once(root, capfd):
    code, out, err = run(capfd, "list", "--watch", root)
    assert (code, err) == (0, "") and out == run(capfd, "list", root, "--all")[1]
    assert run(capfd, "list", root, "--watch", "3")[0] == 0


def test_what_cannot_be_watched_is_refused(root, capfd):
    for words in (["--watch=0"], ["--watch=soon"], ["--watch", "--json"], ["--watch=inf"]):
        code, out, err = run(capfd, "list", root, *words)
        assert (code, out) == (2, "") and err.count("\n") == 1 and "--watch" in err


def test_a_store_that_vanishes_ends_it_with_one_line(root):
    watched = Watched(root)
    watched.until("3 experiments in")
    root.rename(root.with_name("elsewhere"))
    watched.child.expect(r"meticulous: There is no experiments folder")
    watched.child.expect(pexpect.EOF)
    watched.child.close()
    assert watched.child.exitstatus == 1
