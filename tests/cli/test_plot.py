"""Curves in the terminal: which metrics of which experiments, on which axes, and how they are told
apart. The drawing itself is in tests/read/test_braille.py.
"""

import json
import math
import os
import re
import signal
import subprocess
import sys
from datetime import datetime, timedelta

import pexpect
import pytest

from cli.command import COMMAND, process, run
from read.records import write_record

NASTY = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202e"
START = "2021-11-23T16:31:56.098327+00:00"


def logged(folder, rows):
    """Write rows of metrics: each step a minute after the one before, the first at the start."""
    start = datetime.fromisoformat(START)
    lines = [
        {"step": step, "time": (start + timedelta(minutes=step)).isoformat(), **row}
        for step, row in enumerate(rows)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture
def curves(tmp_path, monkeypatch):
    """Four experiments: two models of two seeds; the last logged no accuracy."""
    root = tmp_path / "project" / "experiments"
    for n in range(1, 5):
        args = {"model": "cnn" if n < 3 else "mlp", "seed": n % 2, "lr": 0.1}
        folder = write_record(root, str(n), args=args, default_args={})
        rows = [{"loss": n * math.exp(-s / 10), "epoch": s / 10} for s in range(50)]
        for s in range(4, 50, 5):
            rows[s]["val/acc"] = s / 50
        if n == 4:
            rows = [{"loss": row["loss"]} for row in rows]
        logged(folder, rows)
    monkeypatch.chdir(root.parent)
    return root


def drawn(capfd, *argv):
    code, out, err = run(capfd, "plot", *argv)
    assert (code, err) == (0, "")
    return out.splitlines()


def numbers(capfd, *argv):
    code, out, err = run(capfd, "plot", *argv, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["schema"] == 1
    return found["plot"]


# ------------------------------------------------------------------------------ what is drawn


def test_the_last_experiment_is_drawn_and_it_fits(curves, capfd, monkeypatch):
    lines = drawn(capfd, "loss", "--height", "3")
    assert lines[0] == "loss  4"
    assert len(lines) == 1 + 3 + 2
    assert re.match(r" *\d?[┤│][\u2801-\u28ff]", lines[1])
    for width in (40, 80, 300):
        monkeypatch.setenv("COLUMNS", str(width))
        lines = drawn(capfd, "loss", "val/acc", "-i", "1-4")
        assert max(map(len, lines)) in range(width - 1, width + 1)
        assert lines[-5:-1] == [
            "a 1  model=cnn seed=1",
            "b 2  model=cnn seed=0",
            "c 3  model=mlp seed=1",
            "d 4  model=mlp seed=0",
        ]
        assert lines[-1] == "without 'val/acc': 4"
    assert len(drawn(capfd, "loss", "--height", "20")) == 23


def test_metrics_are_names_patterns_or_expressions(curves, capfd):
    def titles(*argv):
        return [panel["title"] for panel in numbers(capfd, *argv)["panels"]]

    assert titles("loss", "epoch", "-i", "1") == ["loss", "epoch"]
    assert titles("*", "-i", "1,2") == ["loss", "epoch", "val/acc"]
    assert titles("val/*", "loss", "-i", "1") == ["val/acc", "loss"]
    assert titles("--regex", "^(val|ep)", "-i", "1") == ["epoch", "val/acc"]
    logged(curves / "3", [{"note": "text", "loss": 1.0, "odd": "NaN"}])
    assert titles("*", "-i", "3") == ["loss", "odd"]
    assert "No number was logged as 'note'." in run(capfd, "plot", "note", "-i", "3")[2]
    assert titles("loss", "epoch", "-i", "1", "--together") == ["loss, epoch"]
    assert titles("-i", "1", "loss", "--x", "epoch", "val/acc") == ["loss", "val/acc"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["lss"], "There is no metric 'lss'. Did you mean 'loss'?"),
        (["zz", "-i", "1"], "There is no metric 'zz'. There are: loss, epoch, val/acc."),
        (["loss", "3-7"], "There is no metric '3-7'. Ids are written as: -i 3-7"),
        (["z*"], "There is no metric 'z*'. There are: loss."),
        (["-i", "1"], "Which metric? There are: loss, epoch, val/acc."),
        (["loss", "--x", "epohc", "-i", "1"], "no metric 'epohc'. Did you mean 'epoch'?"),
        (["--regex", "("], "'(' is no regular expression"),
        (["loss", "--smooth", "1"], "Argument --smooth"),
        (["loss", "--xlim", "3,2"], "Argument --xlim: '3,2' ends before it begins."),
        (["loss", "--xlim", "3"], "Argument --xlim: '3' is not two ends"),
        (["loss,lss"], "There is no metric 'lss'. Did you mean 'loss'?"),
        (["loss", "--ylim=nan,1"], "Argument --ylim"),
        (["loss", "--width", "3"], "Argument --width: it has to be 20 or more"),
        (["loss", "--groupby", "model", "--x", "time"], "Use --x step, or a metric."),
        (["loss", "--groupby", "modl"], "Argument --groupby: There is no 'modl'."),
        (["loss", "-i", "77"], "There is no experiment '77'"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_line(argv, said, curves, capfd):
    code, out, err = run(capfd, "plot", *argv)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_an_experiment_that_logged_nothing(curves, capfd):
    write_record(curves, "9")
    code, _, err = run(capfd, "plot", "loss")
    assert code == 2
    assert "There is no metric 'loss'. Nothing is logged in 9." in err
    (curves / "9" / "metrics.jsonl").mkdir()
    assert "In 9: metrics.jsonl cannot be read: " in run(capfd, "plot", "loss")[2]
    unreadable, without = drawn(capfd, "loss", "-i", "1,9")[-2:]
    assert unreadable.startswith("In 9: metrics.jsonl cannot be read: ")
    assert without == "without 'loss': 9"


def test_nothing_that_matches_a_filter(curves, capfd):
    said = ["No experiments match in experiments/."]
    assert drawn(capfd, "loss", "--filter", "lr > 5")[0].startswith(said[0][:24])
    assert run(capfd, "plot", "loss", "--filter", "lr > 5", "--fail-empty")[0] == 3
    assert numbers(capfd, "loss", "--filter", "lr > 5")["panels"] == []


def test_all_and_groups_are_of_all_experiments_where_none_is_named(curves, capfd):
    def ids(*argv):
        return [curve["ids"] for curve in numbers(capfd, "loss", *argv)["panels"][0]["curves"]]

    assert ids("--all") == [["1"], ["2"], ["3"], ["4"]]
    assert ids("--groupby", "model") == [["1", "2"], ["3", "4"]]
    assert ids("--groupby", "model", "-i", "1-3") == [["1", "2"], ["3"]]


def test_metrics_may_stand_in_a_list_with_commas(curves, capfd):
    logged(curves / "1", [{"loss": 1, "a,b": 2, "val/acc": 3}] * 2)
    panels = numbers(capfd, "loss,val/*", "a,b", "-i", "1")["panels"]
    assert [panel["title"] for panel in panels] == ["loss", "val/acc", "a,b"]
    values = panels[0]["curves"][0]
    assert (values["x"], values["y"]) == ([0, 1], [1.0, 1.0])
    assert {type(value) for value in values["y"]} == {float}


def test_of_many_experiments_the_newest_ten_are_drawn(curves, capfd):
    for n in range(5, 13):
        started = f"2022-11-{n:02}T00:00:00+00:00"
        logged(write_record(curves, str(n), **{"start-time": started}), [{"loss": 1}] * 3)
    lines = drawn(capfd, "loss", "--filter", "lr == 0.1")
    assert lines[-1] == "the newest 10 of 12 experiments; --all draws all"
    shown = [curve["ids"] for curve in numbers(capfd, "loss", "-i", "all")["panels"][0]["curves"]]
    assert shown == [[str(n)] for n in range(3, 13)]
    everything = numbers(capfd, "loss", "-i", "all", "--all")
    assert len(everything["panels"][0]["curves"]) == 12


# ------------------------------------------------------------------------------ x and y


def test_x_is_the_step_the_time_or_another_metric(curves, capfd):
    def xs(*argv):
        return numbers(capfd, *argv)["panels"][0]["curves"][0]["x"]

    assert xs("val/acc", "-i", "1") == list(range(4, 50, 5))
    assert xs("val/acc", "-i", "1", "--x", "epoch") == [s / 10 for s in range(4, 50, 5)]
    wall = xs("val/acc", "-i", "1", "--x", "wall")
    assert wall[1] - wall[0] == 300
    assert xs("val/acc", "-i", "1", "--x", "time")[0] == pytest.approx(240)
    assert drawn(capfd, "loss", "-i", "1", "--x", "time")[-1].split() == [
        "0s",
        "10m",
        "20m",
        "30m",
        "40m",
        "time",
    ]
    assert re.fullmatch(
        r" *(\d\d:\d0 +)+2021-11-2\d", drawn(capfd, "loss", "-i", "1", "--x", "wall")[-1]
    )
    lines = drawn(capfd, "loss", "-i", "1,4", "--x", "epoch")
    assert lines[-1] == "no number of 'loss' with 'epoch': 4"


def test_logarithmic_axes_say_what_has_no_place_on_them(curves, capfd):
    rows = [{"loss": value} for value in (0.0, 1e-4, 1e-2, -3.0, 1.0, 100.0)]
    logged(curves / "4", rows)
    lines = drawn(capfd, "loss", "--log", "xy")
    text = "\n".join(lines)
    assert "1e-4" in text or "0.0001" in text
    assert "x: 2 of 6 values are 0 or less: not on a log axis" in lines
    assert "left out: 1 points at step of 0 or less" in lines


def test_what_is_not_finite_is_marked_and_counted(curves, capfd):
    values = [1.0, "NaN", 2.0, "Infinity", 3.0, "-Infinity"]
    logged(curves / "4", [{"loss": value} for value in values])
    lines = drawn(capfd, "loss")
    assert "x" in lines[1]
    assert lines[-3].count("x") == 2
    assert lines[-1] == "x: 3 of 6 values are no finite numbers"
    assert numbers(capfd, "loss")["panels"][0]["curves"][0]["y"] == [*values]


def test_smoothing_is_a_moving_average_without_the_pull_of_its_start(curves, capfd):
    logged(curves / "4", [{"loss": value} for value in (4.0, 8.0, "NaN", 8.0)])
    curve = numbers(capfd, "loss", "--smooth", "0.5")["panels"][0]["curves"][0]
    assert curve["unsmoothed"] == [4, 8, "NaN", 8]
    average = [4, (0.25 * 4 + 0.5 * 8) / 0.75, None, (0.125 * 4 + 0.25 * 8 + 0.5 * 8) / 0.875]
    assert curve["y"][2] == "NaN"
    for n in (0, 1, 3):
        assert curve["y"][n] == pytest.approx(average[n])
    assert drawn(capfd, "loss", "--smooth", "0.5", "--ascii")[1].count(".")


def test_limits_cut_and_may_be_open(curves, capfd):
    labels = drawn(capfd, "loss", "-i", "1", "--xlim", "20,", "--ylim=-1,1")[-1].split()
    assert labels[0] == "20" and labels[-1] == "step"
    assert drawn(capfd, "loss", "-i", "1", "--xlim", "500,600")[1] == "(no values to draw)"


# ------------------------------------------------------------------------------ groups


def test_groups_are_means_at_common_steps_with_a_band(curves, capfd):
    logged(curves / "1", [{"loss": value} for value in (1.0, 2.0, 3.0)])
    logged(curves / "2", [{"loss": value} for value in (3.0, 4.0)])
    logged(curves / "3", [{"loss": value} for value in (1.0, "NaN")])
    logged(curves / "4", [{"loss": value} for value in (5.0, 1.0)])

    def groups(*argv):
        return numbers(capfd, "loss", "-i", "1-4", "--groupby", "args.model", *argv)

    found = groups()
    cnn, mlp = found["panels"][0]["curves"]
    assert (cnn["label"], cnn["ids"]) == ("model=cnn, n=2", ["1", "2"])
    assert (cnn["x"], cnn["y"], cnn["n"]) == ([0, 1], [2, 3], [2, 2])
    assert cnn["low"] == pytest.approx([2 - math.sqrt(2), 3 - math.sqrt(2)])
    assert mlp["y"] == [3, "NaN"]
    assert found["notes"] == ["'loss', model=cnn, n=2: 1 places of one alone left out"]
    assert groups("--band", "minmax")["panels"][0]["curves"][0]["high"] == [3, 4]
    assert groups("--band", "sem")["panels"][0]["curves"][0]["high"] == pytest.approx([3, 4])
    lines = drawn(capfd, "loss", "-i", "1-3", "--groupby", "model")
    assert lines[-3:-1] == ["a model=cnn, n=2", "b model=mlp, n=1"]


# ------------------------------------------------------------------------------ the output


def test_json_is_thinned_but_keeps_spikes_unless_in_full(curves, capfd):
    values = [math.sin(n) for n in range(20_000)]
    values[12_345] = 50.0
    (curves / "4" / "metrics.jsonl").write_text(
        "".join(
            f'{{"step": {n}, "time": "{START}", "loss": {v!r}}}\n' for n, v in enumerate(values)
        )
    )
    curve = numbers(capfd, "loss")["panels"][0]["curves"][0]
    assert curve["points"] == 20_000
    assert len(curve["x"]) == len(curve["y"]) <= 1000
    assert curve["y"][curve["x"].index(12_345)] == 50
    assert numbers(capfd, "loss", "--full")["panels"][0]["curves"][0]["y"] == values


def test_no_escape_of_a_record_reaches_the_terminal(curves, capfd):
    for n in "89":
        folder = write_record(curves, n, args={NASTY: f"{NASTY}{n}"}, default_args={})
        logged(folder, [{NASTY: 1.0, f"{NASTY}2": 2.0}] * 2)
    for argv in (["*"], ["*", "--together"], ["*", "-i", "8,9"], ["*red*", "--x", NASTY]):
        text = "\n".join(drawn(capfd, *argv))
        assert "red" in text
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    _, _, err = run(capfd, "plot", NASTY + "?")
    assert "\x1b" not in err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_without_braille_gets_ascii(encoding, curves):
    done = process("plot", "loss", "-i", "1,2", env={**os.environ, "PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    assert b"+" in done.stdout and b"\\u" not in done.stdout and b"aaa" in done.stdout


def test_a_pipe_that_closes_early(curves):
    script = f"set -o pipefail; {sys.executable} -m meticulous plot loss --height 5000 | head -1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "loss  4\n", "")


def child(*argv, **env):
    return pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "plot", *argv],
        encoding="utf-8",
        timeout=30,
        dimensions=(24, 80),
        env={**os.environ, "TERM": "xterm", **env},
    )


def test_colours_on_a_terminal_unless_not_wanted(curves):
    coloured = child("loss", "-i", "1,2")
    coloured.expect(pexpect.EOF)
    assert "\x1b[36ma\x1b[0m 1" in coloured.before
    plain = child("loss", "-i", "1,2", NO_COLOR="1")
    plain.expect(pexpect.EOF)
    assert "\x1b" not in plain.before
    assert re.search(r"^a 1 ", plain.before, re.MULTILINE)
    assert plain.before.count("\n") <= 24


def test_watching_draws_in_place_until_nothing_runs(curves):
    folder = write_record(curves, "7", status="RUNNING", session={"host": "elsewhere"})
    watching = child("loss", "--watch", NO_COLOR="1")
    watching.expect("There is no metric 'loss'. Nothing is logged in 7.")
    logged(folder, [{"loss": 1.0}, {"loss": 2.0}])
    watching.expect("\x1b\\[1A\r\x1b\\[Jloss  7\r\n")
    watching.expect(r"step\r\n")
    watching.expect("\x1b\\[[0-9]+A\r\x1b\\[Jloss  7\r\n")
    (folder / "STATUS").write_text("SUCCESS")
    watching.expect(pexpect.EOF)
    watching.close()
    assert watching.exitstatus == 0


def test_watching_ends_with_ctrl_c(curves):
    folder = write_record(curves, "7", status="RUNNING", session={"host": "elsewhere"})
    logged(folder, [{"loss": 1.0}, {"loss": 2.0}])
    watching = child("loss", "--watch")
    watching.expect("loss  7")
    watching.kill(signal.SIGINT)
    watching.expect(pexpect.EOF)
    watching.close()
    assert watching.exitstatus == 130
    assert "Traceback" not in watching.before


def test_without_a_terminal_it_is_drawn_once(curves, capfd):
    folder = write_record(curves, "7", status="RUNNING", session={"host": "elsewhere"})
    logged(folder, [{"loss": 1.0}])
    assert drawn(capfd, "loss", "--watch")[0] == "loss  7"
