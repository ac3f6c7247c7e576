"""What the documents of 2020 show of argparse works, and what then went wrong does not."""

from __future__ import annotations

import json

import pytest

SCRIPT = """
    import argparse
    import pickle
    from meticulous import Experiment

    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--no-cuda", action="store_true")
    Experiment.add_argument_group(parser)
    experiment = Experiment.from_parser(parser)
    args = parser.parse_args()
    print(sorted(vars(args)))
    experiment.summary({"loss": args.lr})
    with experiment.open("model.pkl", "wb") as file:
        pickle.dump(vars(args), file)
"""


def record(repository, number, name="args.json"):
    return json.loads((repository.root / str(number) / name).read_text())


def run(repository, *words, code=0, name="train.py", **options):
    done = repository.run(name, *words, **options)
    assert done.returncode == code, done.stderr.decode()
    return done


def experiments(repository):
    if not repository.root.exists():
        return []
    return sorted(path.name for path in repository.root.iterdir() if path.name[0] != ".")


def test_the_script_of_2020_and_every_option_of_the_group(repository, tmp_path):
    repository.program(SCRIPT)
    for words, code in ((["--help"], 0), (["--nonsense"], 2), (["--lr", "x"], 2)):
        run(repository, *words, code=code)
        assert experiments(repository) == []

    done = run(repository, "--lr", "0.5", "--no-cuda", "--description", "first")
    assert b"'batch_size', 'capture', 'description'" in done.stdout
    assert record(repository, 1) == {"batch_size": 64, "lr": 0.5, "no_cuda": True}
    assert list(record(repository, 1)) == ["batch_size", "lr", "no_cuda"]
    assert record(repository, 1, "default_args.json") == {
        "batch_size": 64,
        "lr": 0.1,
        "no_cuda": False,
    }
    metadata = record(repository, 1, "metadata.json")
    assert metadata["description"] == "first"
    assert metadata["command"] == [
        "train.py", "--lr", "0.5", "--no-cuda", "--description", "first",
    ]  # fmt: skip
    assert (repository.root / "1" / "model.pkl").exists()
    assert record(repository, 1, "summary.json") == {"loss": 0.5}

    # --resume continues the newest with the same args, else starts a new one.
    run(repository, "--lr", "0.5", "--no-cuda", "--resume")
    assert len(record(repository, 1, "metadata.json")["sessions"]) == 2
    run(repository, "--resume")
    assert record(repository, 2)["lr"] == 0.1

    # An abbreviation, an id of one's own, continued only with the same args.
    run(repository, "--desc", "mine", "--experiment-id", "mine")
    assert record(repository, "mine", "metadata.json")["description"] == "mine"
    refused = run(repository, "--experiment-id", "mine", "--lr", "3", code=1)
    assert b"MismatchedArgsException" in refused.stderr
    assert b"lr: 0.1 -> 3.0" in refused.stderr

    before = experiments(repository)
    run(repository, "--norecord", name=repository.path / "train.py", cwd=tmp_path)
    assert experiments(repository) == before
    run(
        repository,
        "--project-directory",
        repository.path,
        "--experiments-directory",
        "human_eval",
        cwd=repository.path.parent,
        name=repository.path / "train.py",
    )
    assert (repository.path / "human_eval" / "1" / "args.json").exists()
    assert experiments(repository) == before


PARSERS = {
    "required, choices, nargs, append": (
        """
        parser.add_argument("--data", required=True)
        parser.add_argument("--kind", choices=["a", "b"], default="a")
        parser.add_argument("--sizes", nargs="*", type=int, default=[1])
        parser.add_argument("--tag", action="append")
        """,
        "--data d --sizes 3 4 --tag x --tag y",
        {"data": "d", "kind": "a", "sizes": [3, 4], "tag": ["x", "y"]},
        {"data": None, "kind": "a", "sizes": [1], "tag": None},
    ),
    "options before positionals, optional positional": (
        """
        parser.add_argument("data")
        parser.add_argument("mode", nargs="?", default="train")
        parser.add_argument("--lr", type=float, default=0.1)
        """,
        "--lr 3 d",
        {"data": "d", "mode": "train", "lr": 3.0},
        {"lr": 0.1},
    ),
    "options before a sub-command, functions by set_defaults": (
        """
        commands = parser.add_subparsers(dest="command", required=True)
        train = commands.add_parser("train")
        train.add_argument("--lr", type=float, default=0.1)
        train.set_defaults(run=print)
        parser.add_argument("--seed", type=int, default=0)
        """,
        "--seed 3 train --lr 2",
        {"command": "train", "seed": 3, "lr": 2.0, "run": "print"},
        {"seed": 0, "lr": 0.1, "run": "print"},
    ),
    "required group, values that JSON has no words for": (
        """
        import enum, pathlib
        class Colour(enum.Enum):
            RED = "red"
        group = parser.add_mutually_exclusive_group(required=True)
        group.add_argument("--path", type=pathlib.Path)
        group.add_argument("--colour", type=Colour)
        parser.add_argument("--out", type=argparse.FileType("w"), default="-")
        """,
        "--path a/b --out o.txt",
        {
            "path": "a/b",
            "colour": None,
            "out": "<_io.TextIOWrapper name='o.txt' mode='w' encoding='UTF-8'>",
        },
        {"path": None, "colour": None, "out": "-"},
    ),
    "suppressed": (
        """
        parser = argparse.ArgumentParser(argument_default=argparse.SUPPRESS)
        Experiment.add_argument_group(parser)
        parser.add_argument("--lr", type=float)
        parser.add_argument("--seed", default=1)
        """,
        "--lr 1",
        {"seed": 1, "lr": 1.0},
        {"seed": 1},
    ),
    "words from a file": (
        """
        parser = argparse.ArgumentParser(fromfile_prefix_chars="@")
        Experiment.add_argument_group(parser)
        parser.add_argument("--lr", type=float, default="2")
        open("words", "w").write("--lr\\n7\\n--description\\nfrom file\\n")
        """,
        "@words",
        {"lr": 7.0},
        {"lr": 2.0},
    ),
}


@pytest.mark.parametrize(
    ("build", "line", "args", "defaults"), PARSERS.values(), ids=PARSERS.keys()
)
def test_parsers_that_2020_could_not_record(build, line, args, defaults, repository):
    import textwrap

    repository.program(
        "import argparse\nfrom meticulous import Experiment\nparser = argparse.ArgumentParser()\n"
        "Experiment.add_argument_group(parser)\n"
        + textwrap.dedent(build)
        + "experiment = Experiment.from_parser(parser)\n"
        "parser.parse_args()\nprint('printed')\n"
    )
    done = run(repository, *line.split())
    assert done.stdout == b"printed\n"
    assert record(repository, 1) == args
    assert list(record(repository, 1)) == list(args)
    assert record(repository, 1, "default_args.json") == defaults
    assert (repository.root / "1" / "STATUS").read_text() == "SUCCESS"


def test_further_ways_to_call_from_parser(repository):
    repository.program(
        """
        import argparse
        from meticulous import Experiment

        class Parser(argparse.ArgumentParser):
            def parse_args(self, args=None, namespace=None):
                parsed = super().parse_args(args, namespace)
                parsed.derived = parsed.lr * 2
                return parsed

        parser = Parser()
        parser.add_argument("--lr", type=float, default=0.1)
        Experiment.add_argument_group(parser, experiments_directory="human_eval")
        Experiment.from_parser(parser, ("--lr", "1"), capture_defaults=False).finish()
        Experiment.from_parser(parser, [], description="from code").finish()
        Experiment.from_parser(parser, ["--desc", "from words"], description="from code").finish()
        given = Experiment.extract_meticulous_args(parser, ["--norecord"])
        assert Experiment({}, **given).norecord
        """
    )
    run(repository)
    root = repository.path / "human_eval"

    def read(number, name):
        return json.loads((root / number / name).read_text())

    assert read("1", "args.json") == {"lr": 1.0, "derived": 2.0}
    assert read("1", "default_args.json") is None
    assert read("2", "args.json") == {"lr": 0.1, "derived": 0.2}
    assert read("2", "default_args.json") == {"lr": 0.1}
    descriptions = [read(number, "metadata.json")["description"] for number in "123"]
    assert descriptions == ["", "from code", "from words"]


def test_options_of_the_program_named_like_ours_are_its_own(repository):
    repository.program(
        """
        import argparse
        from meticulous import Experiment
        parser = argparse.ArgumentParser()
        parser.add_argument("--description", default="its own")
        Experiment.add_argument_group(parser)
        parser.add_argument("--resume", metavar="CHECKPOINT")
        experiment = Experiment.from_parser(parser)
        args = parser.parse_args()
        assert args.resume == "last.pt"
        """
    )
    run(repository, "--resume", "last.pt", "--dirty", "allow")
    assert record(repository, 1) == {"description": "its own", "resume": "last.pt"}
    assert record(repository, 1, "metadata.json")["description"] == ""
    text = b" ".join(run(repository, "--help").stdout.split())
    assert b"left to options of this program: --description, --resume" in text
