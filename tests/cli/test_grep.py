"""``meticulous grep``: text in the output, args, notes and patches of many experiments."""

import json
import os
import re
import subprocess

import pexpect
import pytest

from cli.command import COMMAND, run
from read.records import write_record

HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31mneedle\u202e\x00\x08\r"


@pytest.fixture
def searched(tmp_path):
    root = tmp_path / "experiments"
    for expid in ("2", "10", "named"):
        write_record(root, expid, description=f"needle {expid}", summary={"acc": 0.5})
    folder = root / "10"
    (folder / "stdout").write_text("nothing\n 10% needle\r100%\nthe needle\x1b[31m here\x1b[0m\n")
    (folder / "stderr").write_text("Needle\n")
    (folder / "args.json").write_text('{"model": {"kind": "needle"}, "lr": 0.1}')
    (folder / "code.patch").write_text("+a needle\n-b\n")
    annotations = {"name": "needles", "notes": [{"text": "first\nneedle"}], "tags": ["a needle"]}
    (folder / "annotations.json").write_text(json.dumps(annotations))
    return root


def grep(capfd, root, *argv):
    code, out, err = run(capfd, "grep", *argv, "--experiments-directory", root)
    return code, out.splitlines(), err


def test_each_line_that_matches_is_printed_with_its_place_in_the_order_of_ids(searched, capfd):
    code, lines, err = grep(capfd, searched, "needle")
    assert (code, err) == (0, "")
    assert lines == [
        "2:description:1: needle 2",
        "10:stdout:2: 100% needle",  # as a terminal shows it
        "10:stdout:3: the needle here",
        "10:args:1: model.kind = needle",
        "10:notes:1: needles",
        "10:notes:2: a needle",
        "10:notes:4: needle",
        "10:patch:1: +a needle",
        "10:description:1: needle 10",
        "named:description:1: needle named",
    ]
    assert grep(capfd, searched, "needle", "named", "2")[1] == [lines[-1], lines[0]]
    assert grep(capfd, searched, "needle", "--max", "9", "named", "2")[1] == [lines[-1], lines[0]]
    assert grep(capfd, searched, "needle", "--filter", "expid == 2")[1] == lines[:1]
    assert grep(capfd, searched, r"^[Nn]eedle$", "--in", "output,notes")[1] == [
        "10:stderr:1: Needle",
        "10:notes:4: needle",
    ]
    assert grep(capfd, searched, "acc = 0.5", "--in", "summary", "-l")[1] == ["2", "10", "named"]
    assert grep(capfd, searched, "train.py", "--in", "all", "-c")[1] == ["2:1", "10:1", "named:1"]
    assert grep(capfd, searched, "NEEDLE", "-i", "-c")[1] == ["2:1", "10:9", "named:1"]
    assert grep(capfd, searched, "lr = 0.1", "-F", "--in", "args", "-l")[1][1] == "10"
    assert grep(capfd, searched, ".1", "-F", "--in", "notes")[1] == []


def test_what_is_left_out_and_what_is_not_found_is_said(searched, capfd):
    code, lines, err = grep(capfd, searched, "needle", "--max", "2")
    assert (code, len(lines)) == (0, 4)
    assert err == "meticulous: 6 more lines that match are left out of 10.\n"
    code, lines, err = grep(capfd, searched, "haystack")
    assert (code, lines, err) == (0, [], "meticulous: No match in 3 experiments.\n")
    assert grep(capfd, searched, "haystack", "--fail-empty")[0] == 3
    assert grep(capfd, searched, "needle", "--fail-empty")[0] == 0


def test_json_holds_the_matches(searched, capfd):
    _, lines, _ = grep(capfd, searched, "needle", "--json", "--max", "1")
    found = json.loads("\n".join(lines))
    assert found["schema"] == 1
    second = found["experiments"][1]
    assert (second["expid"], second["count"]) == ("10", 8)
    assert second["matches"] == [
        {"expid": "10", "where": "stdout", "line": 2, "text": "100% needle"}
    ]
    _, lines, _ = grep(capfd, searched, "needle", "--json", "-l")
    assert json.loads("\n".join(lines))["experiments"][0] == {"expid": "2"}


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["a(b"], r"missing \), unterminated subpattern at character 2 of 'a\(b'. Write -F"),
        (["a{99999999999999999999}"], "Argument PATTERN: .* Write -F"),
        (["a", "--in", "outptu"], "there is no 'outptu'. Did you mean 'output'?"),
        (["a", "--in", "xyz"], "there is no 'xyz'. Known: output, args"),
        (["a", "--max", "0"], "has to be 1 or more"),
        (["a", "-l", "-c"], "not allowed with"),
        ([], "required: PATTERN"),
    ],
)
def test_wrong_usage_is_one_clear_line(searched, capfd, argv, said):
    code, lines, err = grep(capfd, searched, *argv)
    assert (code, lines) == (2, [])
    assert re.search(said.replace("?", r"\?"), err)
    assert err.count("\n") == 1


def test_an_odd_pattern_warns_of_nothing(searched, capfd):
    assert grep(capfd, searched, "[[n]eedle 2")[1:] == (["2:description:1: needle 2"], "")


def test_escapes_never_reach_the_terminal(searched, capfd):
    folder = searched / "2"
    for name in ("stdout", "code.patch"):
        (folder / name).write_text(HOSTILE + "\n" + HOSTILE)
    (folder / "args.json").write_text(json.dumps({HOSTILE: {HOSTILE: HOSTILE}}))
    (folder / "annotations.json").write_text(json.dumps({"tags": [HOSTILE], "name": 3}))
    for options in ((), ("--in", "all"), ("--json",)):
        code, lines, _ = grep(capfd, searched, "needle", "2", *options)
        assert code == 0
        assert len(lines) >= 4
        assert all(line.isprintable() for line in lines)


def test_what_is_no_file_is_passed_over_and_said(searched, capfd):
    (searched / "2" / "stdout").unlink()
    os.mkfifo(searched / "2" / "stdout")
    (searched / "10" / "stderr").unlink()
    (searched / "10" / "stderr").symlink_to("/dev/zero")
    (searched / "named" / "code.patch").mkdir()
    (searched / "named" / "stdout").unlink()
    code, lines, err = grep(capfd, searched, "needle", "-c")
    assert (code, lines) == (0, ["2:1", "10:8", "named:1"])
    assert err.splitlines() == [
        "meticulous: Cannot search stdout of 2: not a regular file.",
        "meticulous: Cannot search stderr of 10: a link, which could lead out of the folder.",
        "meticulous: Cannot search code.patch of named: not a regular file.",
    ]


def test_long_lines_cost_little_and_are_said(searched, capfd):
    (searched / "2" / "stdout").write_text("a" * 200_000 + "needle\n" + "a needle\n")
    _, lines, err = grep(capfd, searched, "a*needle", "2", "--in", "output")
    assert lines == ["2:stdout:2: a needle"]
    assert err == "meticulous: 1 long line was searched in the first 10,000 characters only.\n"
    _code, lines, err = grep(capfd, searched, "needle", "2", "--in", "output", "-F")
    assert (len(lines), err) == (2, "")


def test_on_a_terminal_the_match_is_coloured_and_in_sight(searched):
    (searched / "2" / "stdout").write_text("x" * 5000 + " needle " + "y" * 5000 + "\n")
    command = [*COMMAND[1:], "grep", "needle", "2", "--in", "output"]
    terminal = pexpect.spawn(
        COMMAND[0],
        [*command, "--experiments-directory", str(searched)],
        dimensions=(20, 60),
        env={**os.environ, "TERM": "xterm"},
    )
    terminal.expect(pexpect.EOF)
    terminal.close()
    line = terminal.before.decode().split("\r\n")[0]
    assert "\x1b[1;31mneedle\x1b[0m" in line
    assert len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= 60


def test_a_huge_file_needs_little_memory_and_a_closed_pipe_is_no_error(searched):
    with open(searched / "2" / "stdout", "wb") as file:
        file.write(b"needle\n" * 300_000)
        file.truncate(200 << 20)
    program = (
        "import resource, sys\nfrom meticulous.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_AS, (150 << 20, 150 << 20))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [COMMAND[0], "-c", program, "grep", "needle|zzz", "--in", "output"]
    command += ["--experiments-directory", str(searched)]
    done = subprocess.run([*command, "-c"], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()[0]) == (0, "2:300000"), done.stderr
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"2:stdout:1: needle\n"
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(60) == 0
