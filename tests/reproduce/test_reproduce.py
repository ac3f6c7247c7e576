"""``meticulous reproduce``: the same program, from its own code, in a clean place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pexpect
import pytest

from cli.command import COMMAND
from meticulous import SettingError, _reproduce_command
from reproduce.recorded import beside, edit_metadata, lose_everything, metadata

TRAIN = """
    import argparse, os, random, sys
    from meticulous import Experiment

    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.5)
    parser.add_argument("--seed", type=int)
    Experiment.add_argument_group(parser)
    experiment = Experiment.from_parser(parser)
    args = parser.parse_args()
    numbers = random.Random(args.seed)
    for step in range(20):
        noise = numbers.gauss(0, 0.01) if step >= 5 else 0
        experiment.log({"loss": args.lr ** step + noise, "time/epoch": os.getpid()}, step=step)
    with experiment.open("model.txt", "w") as file:
        file.write(str(args.lr))
    experiment.summary({"loss": 1 + noise, "duration": os.getpid()})
    threads = os.environ.get("OMP_NUM_THREADS")
    print("optimize", sys.flags.optimize, threads, os.path.basename(os.getcwd()))
    """
OUTSIDE = (COMMAND[0], "-P", *COMMAND[1:], "run", "--dirty", "allow", "--")


def record(repository, *words, **options):
    return subprocess.run(
        [*OUTSIDE, *words], cwd=repository.path, check=False, capture_output=True, **options
    )


def test_a_training_with_a_fixed_seed_comes_out_identical_and_nothing_of_the_users_changes(
    repository, meticulous, untouched
):
    repository.program(TRAIN, "code/train.py")
    variables = {"OMP_NUM_THREADS": "3"}
    done = repository.run(
        "train.py", "--seed", "1", python=("-O",), env=variables, cwd=repository.path / "code"
    )
    assert done.returncode == 0, done.stderr
    shutil.move(repository.path / "code" / "experiments", repository.root)
    repository.program("raise ValueError", "code/train.py")
    untouched.begin()
    code, out, err = meticulous("reproduce", "1")
    assert code == 0, out + err
    assert "IDENTICAL: 1 summary value, 1 curve, 1 file are the same" in out
    assert "not compared: duration, time/epoch" in out
    assert out.splitlines()[0] == "optimize 1 3 code"
    assert [line.split(":")[1] for line in err.splitlines()] == [" code", " running"]
    untouched()
    assert beside(repository) == []
    facts = metadata(repository, 2)
    assert facts["reproduces"]["id"] == "1" and facts["reproduces"]["verdict"] == "IDENTICAL"
    assert facts["githead-sha"] == metadata(repository, 1)["githead-sha"]
    assert "parent" not in facts and len(facts["sessions"]) == 1
    assert facts["command"][-2:] == ["--seed", "1"]
    history = json.loads((repository.root / "1" / "annotations.json").read_text())
    assert history["history"][0]["action"] == "reproduced" and list(history) == ["history"]
    assert history["history"][0]["value"] == {"id": "2", "verdict": "IDENTICAL"}

    code, out, err = meticulous("reproduce", "1", "--set", "lr=0.25", "--json")
    answer = json.loads(out)["reproduction"]
    assert (code, answer["verdict"], answer["new"]) == (4, "DIFFERENT", "3")
    assert "changed on purpose: lr=0.25 added" in answer["notes"]
    assert metadata(repository, 3)["reproduces"]["changed"] == ["lr=0.25 added"]
    curve = next(each for each in answer["differences"] if each["what"] == "metric loss")
    assert (curve["step"], curve["old"], curve["new"], curve["largest"]) == (1, 0.5, 0.25, 0.25)
    assert "optimize 1 3 code" in err
    code, out, err = meticulous("reproduce", "1", "--dry-run", "--set", "lr=0.25")
    assert code == 0 and "--lr 0.25" in out and len(list(repository.root.glob("[0-9]*"))) == 3
    untouched()
    assert beside(repository) == []


def test_a_training_with_a_free_seed_is_judged_by_tolerance_or_by_its_seeds(repository, meticulous):
    repository.program(TRAIN)
    assert repository.run("train.py").returncode == 0
    code, out, _ = meticulous("reproduce", "1")
    assert code == 4 and "DIFFERENT: 2 of 3 differ" in out and "metric loss parts at step 5" in out
    code, out, _ = meticulous("reproduce", "1", "--atol", "0.2")
    assert code == 0 and "WITHIN TOLERANCE: no number differs by more than atol 0.2" in out
    for seed in ("1", "2", "3"):
        assert repository.run("train.py", "--seed", seed).returncode == 0
    first = next(e for e in "3456" if metadata(repository, e).get("reproduces") is None)
    # Another program now: its noise is within that of the seeds, but not of two of them.
    code, out, _ = meticulous("reproduce", first, "--set", "seed=2")
    assert code == 0 and "3 experiments that differ in seed do among themselves" in out
    (repository.root / str(int(first) + 2) / "STATUS").write_text("ERROR\n")
    assert meticulous("reproduce", first, "--set", "seed=2")[0] == 4


def test_programs_in_any_language_pipelines_and_failures_are_run_again(
    repository, meticulous, tmp_path
):
    repository.write(
        "sum.c",
        "#include <stdio.h>\nint main(int n, char **w)"
        "{ double s = 0; for (int i = 1; i <= 99; i++) s += 1.0 / i;"
        ' printf("%.17g %d %s\\n", s, n, w[1]); return 0; }\n',
    )
    repository.write("Makefile", "sum: sum.c\n\t$(CC) -o sum sum.c\n")
    repository.write(".gitignore", "sum\n")
    # The recorder is started in the program's directory, and must not take its modules.
    repository.write("json.py", "raise SystemExit(9)\n")
    repository.commit()
    pipeline = f"make -s sum && ./sum n={repository.path}/x | tr a-z A-Z"
    assert record(repository, "sh", "-c", pipeline).returncode == 0
    assert record(repository, "sh", "-c", "echo out; exit 3").returncode == 3
    assert record(repository, "sh", "-c", "test -f here").returncode == 1
    assert record(repository, "sh", "-c", "kill -9 $$").returncode == -9
    assert record(repository, "sh", "-c", "echo $$").returncode == 0
    code, out, err = meticulous("reproduce", "1", "--keep")
    assert code == 4 and "output, line 1" in out and "PROJECT-1-AGAIN" in out
    kept = next(tmp_path.glob("project-1-again-*"))
    assert kept.joinpath("sum").exists() and str(kept) in out
    code, out, err = meticulous("reproduce", "2")
    assert code == 0 and "IDENTICAL: it printed the same, and recorded nothing else" in out
    code, out, _ = meticulous("reproduce", "3")
    assert code == 0 and "IDENTICAL: it ended the same way" in out
    code, out, _ = meticulous("reproduce", "3", "--", "x")
    assert code == 0
    code, out, _ = meticulous("reproduce", "4")
    assert code == 0 and "IDENTICAL: it ended the same way" in out
    code, out, _ = meticulous("reproduce", "5")
    assert code == 4 and "DIFFERENT: 1 of 1 differ" in out
    repository.git("worktree", "remove", "--force", kept)
    # What fails now and did not then.
    assert record(repository, "./sum", "x").returncode == 0
    code, _, err = meticulous("reproduce", "last")
    assert code == 2 and "'./sum' is not there" in err and beside(repository) == []
    code, out, _ = meticulous("reproduce", "last", "--with", "sum")
    assert code == 0 and "IDENTICAL" in out
    assert beside(repository) == []


def test_a_program_that_now_fails_is_failed_and_says_how(repository, meticulous):
    repository.program("""
        import os
        from meticulous import Experiment
        with Experiment({}):
            if "-again-" in os.getcwd():
                raise ValueError("not this time")
        """)
    assert repository.run("train.py").returncode == 0
    code, out, _ = meticulous("reproduce", "1")
    assert code == 1
    assert "FAILED: it ended with ERROR ValueError: not this time, 1 with SUCCESS" in out
    assert metadata(repository, 2)["reproduces"]["verdict"] == "FAILED"


def test_secrets_are_taken_from_the_environment_or_the_terminal_and_stars_never_run(
    repository, meticulous, monkeypatch
):
    repository.program("""
        import sys, os
        from meticulous import Experiment
        Experiment({})
        print("METICULOUS_SECRET_API_KEY" in os.environ, len(sys.argv[2]), sys.argv[2][::-1])
        """)
    assert repository.run("train.py", "--api-key", "hunter2hunter2").returncode == 0
    assert metadata(repository, 1)["command"][-1] == "***"
    code, out, err = meticulous("reproduce", "1")
    assert code == 2 and "METICULOUS_SECRET_API_KEY" in err and beside(repository) == []
    assert len(list(repository.root.glob("[0-9]*"))) == 1
    monkeypatch.setenv("METICULOUS_SECRET_API_KEY", "hunter2hunter2")
    code, out, err = meticulous("reproduce", "1")
    assert code == 0 and "False 14 2retnuh2retnuh" in out and "hunter2" not in err
    assert "hunter2" not in (repository.root / "2" / "metadata.json").read_text()
    monkeypatch.delenv("METICULOUS_SECRET_API_KEY")
    child = pexpect.spawn(COMMAND[0], [*COMMAND[1:], "reproduce", "1"], timeout=60)
    child.expect("api-key .was not recorded.: ")
    child.sendline("hunter2hunter2")
    child.expect("2retnuh2retnuh")
    child.expect(pexpect.EOF)
    assert b"hunter2" not in child.before
    child.close()
    assert child.exitstatus == 0


def test_inputs_are_compared_and_taken_and_what_the_program_leaves_is_kept(
    repository, meticulous, tmp_path
):
    repository.write(".gitignore", "data/\nlogs/\n")
    data = repository.write("data/numbers.txt", "1 2 3\n")
    repository.write("data/folder/a.txt", "a\n")
    machine = tmp_path / "machine.txt"
    machine.write_text("far\n")
    repository.program(f"""
        import os, sys
        from meticulous import Experiment
        with Experiment({{}}) as experiment:
            for path in ("data/numbers.txt", "data/folder", {str(machine)!r}, "README"):
                experiment.record_input(path)
            text = open("data/numbers.txt").read()
            open("data/numbers.txt", "a").close()
            if "--leave" in sys.argv:
                os.makedirs("logs")
                open("logs/log.txt", "w").write(text)
                open("README", "a").write(text)
            experiment.summary({{"sum": sum(map(int, text.split()))}})
        """)
    done = repository.run("train.py")
    assert done.returncode == 0, done.stderr
    code, out, err = meticulous("reproduce", "1")
    assert code == 0 and "inputs: 4, the same as then" in err and "IDENTICAL" in out, out + err
    assert beside(repository) == ["machine.txt"]
    code, out, err = meticulous("reproduce", "1", "--", "--leave")
    assert code == 0 and "the program left README, logs/log.txt in" in err
    kept = next(tmp_path.glob("project-1-again-*"))
    assert kept.joinpath("logs", "log.txt").exists()
    repository.git("worktree", "remove", "--force", kept)

    data.write_text("1 2 4\n")
    machine.unlink()
    code, out, err = meticulous("reproduce", "1")
    assert code == 2 and "data/numbers.txt: changed: other content" in err
    assert "machine.txt: missing" in err and "--inputs skip" in err
    assert beside(repository) == []
    code, out, err = meticulous("reproduce", "1", "--inputs", "skip")
    assert code == 4 and "sum: 6 -> 7" in out and "note: input" in out
    path = repository.root / "1" / "files.jsonl"
    evil = {"role": "input", "base": "project", "path": "../../evil", "sha256": "0" * 64}
    path.write_text(json.dumps(evil) + "\n")
    assert "leads out of the project" in meticulous("reproduce", "1")[2]


def test_the_projects_own_package_comes_from_the_checked_out_code(repository, meticulous):
    """An editable install would lead to the user's work tree."""
    repository.write("src/ours/__init__.py", "value = 1\n")
    repository.program("""
        from meticulous import Experiment
        from ours import value
        with Experiment({}) as experiment:
            experiment.summary({"value": value})
        """)
    path = os.pathsep.join([str(repository.path / "src"), os.environ["PYTHONPATH"]])
    assert repository.run("train.py", env={"PYTHONPATH": path}).returncode == 0
    package = {"name": "ours", "version": "1", "editable": True}
    environment = repository.root / "1" / "environment.json"
    facts = {"packages": [{**package, "url": f"file://{repository.path}"}]}
    environment.write_text(json.dumps(facts))
    # Of another length: within one second Python would take the compiled file of the first.
    repository.write("src/ours/__init__.py", "value = 22\n")
    repository.commit("another value")
    os.environ["PYTHONPATH"], before = path, os.environ["PYTHONPATH"]
    try:
        assert meticulous("reproduce", "1")[0] == 0
        environment.write_text("{}")
        code, out, _ = meticulous("reproduce", "1")
        assert code == 4 and "imported code from the present work tree" in out
    finally:
        os.environ["PYTHONPATH"] = before


def test_experiments_of_2020_and_broken_records_are_run_or_refused_in_a_line(
    repository, meticulous, untouched
):
    repository.program(TRAIN)
    assert repository.run("train.py", "--seed", "5").returncode == 0
    facts = metadata(repository, 1)
    old = {name: facts[name] for name in ("githead-sha", "command", "start-time")}
    path = repository.root / "1" / "metadata.json"
    path.write_text(json.dumps(old))
    code, out, err = meticulous("reproduce", "1")
    assert code == 0 and "IDENTICAL" in out, out + err
    sessions = [{"argv": facts["sessions"][0]["argv"], "cwd": "/nowhere/at/all"}]
    for broken, message in (
        ({"command": []}, "its command was not recorded"),
        ({"command": [""], "sessions": [{"argv": ["python"]}]}, "read from standard input"),
        ({"sessions": [{"argv": ["python", "-m", "ipykernel_launcher"]}]}, "in a notebook"),
        ({"sessions": sessions}, "/nowhere/at/all is not there"),
        ({"githead-sha": None}, "no commit recorded"),
    ):
        path.write_text(json.dumps({**old, **broken}))
        code, _, err = meticulous("reproduce", "1")
        assert code in (1, 2) and message in err, (message, err)
        assert beside(repository) == []
    del untouched


def test_a_second_tracked_program_records_into_the_same_experiments(repository, meticulous):
    repository.program("from meticulous import Experiment\nExperiment({'n': 1})\n", "one.py")
    repository.program("from meticulous import Experiment\nExperiment({'n': 2})\n", "two.py")
    both = f"{sys.executable} one.py && {sys.executable} two.py"
    assert record(repository, "sh", "-c", both).returncode == 0
    assert meticulous("reproduce", "1")[0] == 0
    assert beside(repository) == []
    children = [metadata(repository, number).get("parent", {}).get("id") for number in (1, 2, 3, 4)]
    assert children == [None, "1", None, "3"]


def test_a_snapshot_that_is_gone_is_run_from_its_patch(repository, meticulous):
    repository.program(TRAIN)
    repository.write("train.py", (repository.path / "train.py").read_text().replace("1 +", "2 +"))
    done = repository.run("train.py", "--seed", "1", env={"METICULOUS_DIRTY": "snapshot"})
    assert done.returncode == 0
    repository.git("checkout", "-q", "--", ".")
    snapshot = metadata(repository, 1)["git"]["snapshot"]
    repository.git("update-ref", "-d", f"refs/meticulous/{snapshot}")
    lose_everything(repository)
    code, out, err = meticulous("reproduce", "1")
    assert code == 0 and "IDENTICAL" in out, out + err
    # The same tree on the same commit is the same snapshot: it is kept again.
    assert metadata(repository, 2)["git"]["snapshot"] == snapshot
    assert snapshot in repository.git("for-each-ref")
    edit_metadata(repository, 1, sessions=metadata(repository, 1)["sessions"] * 2)
    assert "it ran in 2 sessions" in meticulous("reproduce", "1", "--dry-run")[1]


@pytest.mark.parametrize(
    ("words", "changes", "expected"),
    [
        (["p", "--lr", "0.5", "x"], {"lr": "0.1"}, ["p", "--lr", "0.1", "x"]),
        (["p", "--lr=0.5"], {"lr": "0.1"}, ["p", "--lr=0.1"]),
        (["p", "lr=0.5", "+b.c=2"], {"lr": "1", "b.c": "3"}, ["p", "lr=1", "+b.c=3"]),
        (["p", "--batch-size", "-1"], {"batch_size": "2"}, ["p", "--batch-size", "2"]),
        (["p", "--flag", "--x"], {"flag": "false"}, ["p", "--x"]),
        (["p", "--flag", "--x"], {"flag": "true"}, ["p", "--flag", "--x"]),
        (["p", "a=1"], {"lr": "0.1"}, ["p", "a=1", "lr=0.1"]),
        (["p", "a"], {"lr": "0.1"}, ["p", "a", "--lr", "0.1"]),
    ],
)
def test_set_changes_an_arg_in_the_form_it_has(words, changes, expected):
    assert _reproduce_command.changed(words, changes, {})[0] == expected


@pytest.mark.parametrize(
    ("words", "changes", "expected"),
    [
        (["p", "--x", "1"], {"fast": "true"}, ["p", "--x", "1", "--fast"]),
        (["p", "--x", "1"], {"fast": "false"}, ["p", "--x", "1", "--no-fast"]),
        (["p", "--no-fast", "--x"], {"fast": "true"}, ["p", "--x"]),
        (["p", "fast=0"], {"slow": "true"}, ["p", "fast=0", "slow=true"]),
        (["p", "--layers", "1,2"], {"layers": "3"}, ["p", "--layers", "3"]),
    ],
)
def test_set_knows_flags_and_lists_by_what_was_recorded(words, changes, expected):
    args = {"fast": True, "slow": False, "layers": [1, 2]}
    assert _reproduce_command.changed(words, changes, args)[0] == expected


@pytest.mark.parametrize(
    "words", [["p", "--layers", "1", "2"], ["p", "--layers", "1", "--layers", "2", "--x"]]
)
def test_set_does_not_change_a_part_of_a_list(words):
    with pytest.raises(SettingError, match="a list of several words"):
        _reproduce_command.changed(words, {"layers": "9"}, {"layers": [1, 2]})


def test_paths_move_only_as_whole_paths():
    moved = [
        _reproduce_command._moved(word, ["/a/p"], "/b/q")
        for word in ("/a/p", "/a/p/x", "--x=/a/p/x", "cd /a/p; ./x", "/a/pp/x", "/z/a/p/x")
    ]
    assert moved == ["/b/q", "/b/q/x", "--x=/b/q/x", "cd /b/q; ./x", "/a/pp/x", "/z/a/p/x"]


def test_a_file_that_an_arg_names_is_taken_and_a_change_of_it_is_a_note(repository, meticulous):
    """Nobody said that it is an input: the program may write it, too."""
    repository.write(".gitignore", "data.txt\n")
    repository.write("data.txt", "first")
    repository.program(
        """
        from meticulous import Experiment

        with Experiment({"data": "data.txt"}) as experiment:
            experiment.summary({"length": len(open("data.txt").read())})
        """
    )
    assert repository.run("train.py").returncode == 0
    code, out, err = meticulous("reproduce", "1")
    assert code == 0 and "IDENTICAL" in out, out + err
    repository.write("data.txt", "second one")
    code, out, err = meticulous("reproduce", "1")
    assert "data.txt, which an arg names, is not as it was" in out + err
    assert code != 1, out + err
