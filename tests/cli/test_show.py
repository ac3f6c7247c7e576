"""``meticulous show``: everything about one experiment, whatever state its folder is in."""

import json
import os
import re
import shlex
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from cli.command import COMMAND, process, run
from meticulous._table import width_of
from read.records import OLD_STORE, SHA, snapshot, write_record

NASTY = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202e\r\n\x7f\t世界"
TRACEBACK = "ERROR\nTraceback (most recent call last):\n  File x\nValueError: boom"


def sections(text):
    """The page as title to lines; titles are not indented."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith(" "):
            lines = found[line] = []
        elif line:
            lines.append(line[2:])
    return found


def titled(page, start):
    return next(lines for title, lines in page.items() if title.startswith(start))


@pytest.fixture
def rich(tmp_path):
    """One experiment with something in every section."""
    root = tmp_path / "project" / "experiments"
    start = datetime.now(UTC) - timedelta(hours=2)
    session = {
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=5)).isoformat(),
        "duration": 300.0,
        "host": "node7",
        "pid": 12,
        "argv": ["/opt/python3.11", "-u", "train.py", "--name", "it's a\nbold try", "--lr", "0.2"],
        "cwd": "/home/ada/net/sub/deep",
        "sha": SHA,
        "ending": {"kind": "error", "exception": "ValueError: boom"},
        "resources": {"peak-memory": 3_000_000},
    }
    folder = write_record(
        root,
        "17",
        status=TRACEBACK,
        args={"lr": 0.2, "model": {"width": 16}, "seed": 1, "same": [1, 2]},
        default_args={"lr": 0.1, "model": {"width": 16}, "seed": "1", "same": [1, 2]},
        summary={"acc": 0.123456789012345678, "tiny": 1e-300},
        annotations={
            "name": "wide net",
            "tags": ["paper", "b"],
            "notes": [{"time": "2026-11-24T06:35:23+00:00", "text": "looks good"}],
        },
        start_time=start.isoformat(),
        description="a bold try",
        sessions=[session],
        git={
            "policy": "snapshot",
            "repository": "net",
            "directory": "sub",
            "dirty": True,
            "branch": "main",
            "remote": "git@host:net.git",
            "ref": "refs/meticulous/abc",
            "snapshot": "f" * 40,
            "changes": [{"state": "modified", "path": f"src/{n}.py"} for n in range(14)],
            "skipped": [{"path": "big.bin", "size": 10**9, "reason": "too large"}],
            "siblings": [{"name": "lib", "sha": "e" * 40, "dirty": True}],
        },
    )
    (folder / "code.patch").write_text("diff --git a/x b/x\n+new\n")
    (folder / "environment.json").write_text(
        json.dumps(
            {
                "user": "ada",
                "python": {"version": "3.11.7", "virtual-environment": "/home/ada/venv"},
                "cpu": {"model": "EPYC", "usable": 8},
                "memory": {"total": 64_000_000_000},
                "devices": {"gpus": [{"name": "H100", "memory": 80_000_000_000}] * 2},
                "scheduler": {"slurm": {"job_id": 4711}},
                "packages": [{"name": "torch", "version": "2.5"}, {"name": "x", "version": "1"}],
            }
        )
    )
    line = {
        "role": "input",
        "base": "project",
        "path": "data.csv",
        "size": 4200,
        "sha256": "a" * 64,
    }
    (folder / "files.jsonl").write_text(json.dumps(line) + '\nnull\n{"role": "outp')
    rows = [{"step": n, "loss": 1 / (n + 1), "acc": n / 100} for n in range(100)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "stdout").write_text("".join(f"line {n}\n" for n in range(50)) + " 10%\r100%")
    (folder / "weights.bin").write_bytes(b"x" * 1500)
    return folder


def test_everything_about_one_experiment_is_told(rich, capfd):
    before = snapshot(rich)
    code, out, err = run(capfd, "show", rich)
    assert (code, err) == (0, "")
    page = sections(out)
    facts = "\n".join(page["experiment 17  wide net"])
    for fact in (
        r"status +ERROR 1h5\dm ago: ValueError: boom",
        r"started +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, 2h00m ago, took 5m00s",
        r"description +a bold try",
        r"tags +paper, b",
        r"command +train.py --lr 0.1",
        r"host +node7",
        r"user +ada",
    ):
        assert re.search(rf"^{fact}$", facts, re.MULTILINE), fact
    args = page["args that differ from the defaults (2 of 4)"]
    assert [line.split() for line in args[1:]] == [["lr", "0.2", "0.1"], ["seed", "1", "1"]]
    assert [line.split() for line in page["summary"][1:]] == [
        ["acc", "0.12345678901234568"],
        ["tiny", "1e-300"],
    ]
    code_lines = "\n".join(page["code"])
    for part in (SHA, "a message", "main", "git@host:net.git", "f" * 40, "src/0.py", "lib eeee"):
        assert part in code_lines
    assert "src/11.py" not in code_lines
    assert "... 5 more: meticulous show 17 --all" in code_lines
    machine = "\n".join(page["environment"])
    for part in ("3.11.7 /home/ada/venv", "8 x EPYC, 64.0 GB", "2 x H100 80.0 GB", "job 4711"):
        assert part in machine
    assert "torch 2.5 (2 in all)" in machine
    assert re.search(r"1 .* 5m00s +error ValueError: boom +node7 +0123456", page["sessions"][1])
    assert page["inputs and outputs"][1].split()[:4] == ["input", "data.csv", "4.2", "kB"]
    assert page["files"][-1].split() == ["weights.bin", "1.5", "kB"]
    assert re.fullmatch(r"2026-11-2\d +looks good", page["notes"][0])
    assert page["why it failed"][0] == "Traceback (most recent call last):"
    assert titled(page, "last lines of stdout")[-2:] == ["line 49", "100%"]
    assert len(titled(page, "last lines of stdout")) == 10
    assert titled(page, "the same by hand")[-2:] == [
        "cd ../net-17/sub/deep",
        "python -u train.py --name $'it\\'s a\\nbold try' --lr 0.2",
    ]
    assert snapshot(rich) == before


def test_metrics_have_their_numbers_and_a_curve(rich, capfd):
    _, out, _ = run(capfd, "show", rich)
    header, loss, acc = sections(out)["metrics"]
    assert header.split()[:3] == ["name", "last", "curve"]
    assert loss.split()[:2] == ["loss", "0.01"]
    assert acc.split()[:2] == ["acc", "0.99"]
    assert re.search("█▄?▃?.*▁▁▁", loss)
    assert re.search("▁.*▄.*█", acc)


def test_the_commands_bring_back_the_code_and_run_it(repository, capfd):
    repository.program(
        """
        import argparse, sys
        from meticulous import Experiment

        parser = argparse.ArgumentParser()
        parser.add_argument("--name")
        args = parser.parse_args()
        with Experiment(vars(args), dirty="snapshot"):
            print("name", repr(args.name), "VERSION")
        """,
        "sub/my train.py",
    )
    program = repository.path / "sub" / "my train.py"
    program.write_text(program.read_text().replace("VERSION", "changed"))
    name = 'it\'s\ta $HOME\n"try" \\ \x1b[1m'
    done = repository.run("my train.py", "--name", name, cwd=repository.path / "sub")
    assert done.returncode == 0, done.stderr
    repository.git("checkout", "-q", ".")
    folder = next(repository.path.rglob("experiments")) / "1"
    commands = json.loads(run(capfd, "show", folder, "--json")[1])["experiment"]["again"]
    _, out, _ = run(capfd, "show", folder)
    assert titled(sections(out), "run it again") == ["meticulous reproduce 1"]
    assert titled(sections(out), "the same by hand") == commands
    script = "\n".join(["set -e", *commands])
    again = subprocess.run(["bash", "-c", script], cwd=repository.path, capture_output=True)
    assert again.returncode == 0, again.stderr.decode()
    assert again.stdout.endswith(done.stdout)
    # And without the commit of the snapshot.
    commented = [line.removeprefix("#   ") for line in commands if line.startswith("#   ")]
    repository.git("worktree", "remove", "--force", f"../{repository.path.name}-1")
    script = "\n".join(["set -e", *commented, *commands[-2:]])
    again = subprocess.run(["bash", "-c", script], cwd=repository.path, capture_output=True)
    assert again.stdout.endswith(done.stdout), again.stderr.decode()


def test_what_is_cut_is_shown_with_all(rich, capfd):
    args = {f"arg{n}": 1 for n in range(300)} | {"long": "x" * 5000}
    (rich / "args.json").write_text(json.dumps(args))
    (rich / "default_args.json").write_text("null")
    _, out, _ = run(capfd, "show", rich)
    assert "args (301)" in out
    assert "... 201 more: meticulous show 17 --all" in out
    _, out, _ = run(capfd, "show", rich, "--all")
    assert "arg299" in out
    assert "x" * 5000 in out
    assert "src/13.py" in out
    assert "--all" not in out
    (rich / "default_args.json").write_text(json.dumps(args))
    assert "all 301 are the defaults" in run(capfd, "show", rich)[1]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_the_terminal(rich, capfd, monkeypatch, width):
    (rich / "args.json").write_text(json.dumps({"a" * 70: "b" * 70, "text": "word " * 100}))
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = run(capfd, "show", rich)
    page = sections(out)
    commands = titled(page, "the same by hand")
    for title, lines in page.items():
        assert width_of(title) <= width
        assert lines is commands or max(map(width_of, lines)) <= width - 2, title


def test_escapes_in_any_text_never_reach_the_terminal(tmp_path, capfd):
    nasty = {NASTY: NASTY, "nested": {NASTY: [NASTY]}}
    folder = write_record(
        tmp_path / "experiments",
        "1",
        status=f"ERROR\n{NASTY}\n{NASTY}",
        args=nasty,
        default_args={},
        summary=nasty,
        annotations={"name": NASTY, "tags": [NASTY, nasty], "notes": [NASTY, {"text": NASTY}]},
        description=NASTY,
        githead_sha=NASTY,
        githead_message=NASTY,
        command=[NASTY],
        parent={"id": NASTY},
        problems={"lost": {NASTY: NASTY}},
        sessions=[
            dict.fromkeys(("start", "host", "pid", "sha", "cwd"), NASTY)
            | {"argv": [NASTY, NASTY], "ending": {"kind": NASTY, "exception": NASTY}}
        ],
        git={
            **dict.fromkeys(("branch", "remote", "repository", "directory", "snapshot"), NASTY),
            "dirty": NASTY,
            "policy": NASTY,
            "ref": NASTY,
            "changes": [{"state": NASTY, "path": NASTY}, NASTY],
            "siblings": [{"name": NASTY, "sha": NASTY}],
            "problem": {"message": NASTY},
        },
    )
    environment = dict.fromkeys(("python", "platform", "container", "cpu", "scheduler"), nasty)
    environment |= {"user": NASTY, "packages": [{"name": NASTY, "version": NASTY}, NASTY]}
    environment |= {"devices": {"gpus": [{"name": NASTY, "memory": NASTY}]}}
    environment |= {"frameworks": {NASTY: nasty}, "memory": {"total": NASTY}}
    (folder / "environment.json").write_text(json.dumps(environment))
    line = json.dumps(dict.fromkeys(("role", "path", "size", "sha256", "base"), NASTY))
    (folder / "files.jsonl").write_text(line + "\n")
    (folder / "metrics.jsonl").write_text(json.dumps({"step": 0, NASTY: 0.5}) + "\n")
    for name in ("stdout", "stderr", f"{NASTY.replace('/', '')}"):
        (folder / name).write_text(NASTY)
    for argv in (("show", folder), ("show", folder, "--all"), ("show", folder, "--json")):
        code, out, err = run(capfd, *argv)
        assert (code, err) == (0, "")
        assert all(line.isprintable() for line in out.split("\n"))
        assert "世界" in out or "--json" in argv


@pytest.mark.parametrize("name", ["documented", "newest"])
def test_folders_of_2020_show_what_they_have(name, capfd):
    root = OLD_STORE / name / "experiments"
    for expid in os.listdir(root):
        code, out, err = run(capfd, "show", root / expid)
        assert (code, err) == (0, "")
        assert out.startswith(f"experiment {expid}\n")
    _, out, _ = run(capfd, "show", root / "3")
    page = sections(out)
    assert "ValueError: loss is not finite" in page["why it failed"]
    assert titled(page, "the same by hand")[-1] == "python train.py --lr 5 --crash"
    assert ["crash", "True", "False"] in [line.split() for line in titled(page, "args")]


def test_a_broken_folder_shows_what_it_has_and_says_what_it_has_not(rich, capfd):
    def shown():
        code, out, err = run(capfd, "show", rich)
        assert (code, err) == (0, "")
        assert json.loads(run(capfd, "show", rich, "--json")[1])["schema"] == 1
        return out

    for name in sorted(path.name for path in rich.iterdir()):
        path = rich / name
        data = path.read_bytes()
        for broken in (b"", b"null", b"[1]", b'{"git": 3, "sessions": {"a": 1}}', b"\xff\x00" * 99):
            path.write_bytes(broken)
            shown()
        path.write_bytes(b"[" * 100_000)
        shown()
        for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)):
            path.unlink()
            make(path)
            out = shown()
            if name in ("stdout", "STATUS", "args.json"):
                assert re.search(rf"{name} cannot be read: (not|a link|is a)", out), (name, make)
            path.rmdir() if path.is_dir() else path.unlink()
            path.write_bytes(data)
    for path in rich.iterdir():
        path.unlink()
    assert "nothing is recorded in the folder" in shown()


def test_the_newest_is_shown_and_the_whole_as_json(store, capfd):
    code, out, _ = run(capfd, "show", "--experiments-directory", store)
    assert (code, out.split("\n")[0]) == (0, "experiment 10")
    code, out, _ = run(capfd, "show", store / "2", "--json")
    found = json.loads(out)["experiment"]
    assert found["args"] == {"lr": 0.2, "layers": [8, 4]}
    more = {"sessions", "metrics", "environment", "recorded_files", "files", "annotations", "again"}
    assert more <= set(found)
    assert found["files"]["STATUS"] == 7
    code, _, err = run(capfd, "show", "1,2", "--experiments-directory", store)
    assert (code, err) == (2, "meticulous: '1,2' means 2 experiments. Name one.\n")


def test_a_pipe_that_closes_is_no_error_and_colours_are_for_terminals(rich):
    command = shlex.join([*COMMAND, "show", str(rich)])
    done = subprocess.run(
        ["bash", "-c", f"{command} | true; echo ${{PIPESTATUS[0]}}"], capture_output=True
    )
    assert (done.stdout, done.stderr) == (b"0\n", b"")
    assert b"\x1b" not in process("show", rich).stdout
