"""Our option group gives way to every option of the program and changes nothing in its parsing."""

from __future__ import annotations

import argparse
import copy

import pytest

from meticulous import _arguments
from meticulous._arguments import OPTIONS, add_argument_group, take_meticulous


class Parser(argparse.ArgumentParser):
    """Raises instead of leaving, and has a fixed name."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **{"prog": "train", **options})

    def error(self, message):
        raise ValueError(message)


def with_and_without(build, **options):
    """The same parser twice, without and with our group."""
    plain, ours = Parser(**options), Parser(**options)
    build(plain)
    add_argument_group(ours)
    build(ours)
    return plain, ours


def assert_undisturbed(build, *lines, **options):
    """What the program sees is the same with our group, added before or after its own options."""
    plain, before = with_and_without(build, **options)
    after = Parser(**options)
    build(after)
    add_argument_group(after)
    for line in lines:
        expected = vars(plain.parse_args(line.split()))
        for parser in (before, after):
            for _ in range(2):
                seen = vars(parser.parse_args(line.split()))
                assert {name: seen.get(name) for name in expected} == expected
                assert seen.keys() - expected.keys() <= set(OPTIONS)
            args, _, namespace = take_meticulous(parser, line.split())
            assert args == expected
            if parser._subparsers is None:
                assert list(args) == list(expected)
            assert vars(namespace) == seen
            assert vars(parser.parse_args(line.split())) == seen


def options(parser, line=""):
    return take_meticulous(parser, line.split())[1]


def section(parser):
    """The text of our group in the help, unfolded."""
    return " ".join(parser.format_help().partition("meticulous:")[2].split())


def test_the_group_has_the_options_defaults_and_texts_of_2020():
    parser = Parser()
    assert add_argument_group(parser) is None
    text = section(parser)
    assert text.startswith("arguments for initializing Experiment object --project-directory")
    for words in (
        "--project-directory PROJECT_DIRECTORY",
        "--experiments-directory EXPERIMENTS_DIRECTORY",
        "--experiment-id EXPERIMENT_ID",
        "--description DESCRIPTION",
        "--resume ",
        "--norecord ",
        "--dirty {refuse,snapshot,allow}",
        "--capture {sys,fd,off}",
    ):
        assert words in text
    assert vars(parser.parse_args([])) == {
        "project_directory": "",
        "experiments_directory": "experiments",
        "experiment_id": None,
        "description": "",
        "resume": False,
        "norecord": False,
        "dirty": None,
        "capture": None,
    }
    line = (
        "--project-directory p --experiments-directory e --experiment-id 7 --description d "
        "--resume --norecord --dirty allow --capture fd"
    )
    assert options(parser, line) == {
        "project_directory": "p",
        "experiments_directory": "e",
        "experiment_id": "7",
        "description": "d",
        "resume": True,
        "norecord": True,
        "dirty": "allow",
        "capture": "fd",
    }
    with pytest.raises(ValueError, match="invalid choice: 'x'"):
        parser.parse_args(["--dirty", "x"])
    with pytest.raises(ValueError, match="ignored explicit argument"):
        parser.parse_args(["--norecord=1"])


def test_defaults_set_by_the_program_are_used_and_count_as_said():
    parser = Parser()
    add_argument_group(parser, experiments_directory="human_eval", norecord=True, dirty="allow")
    assert options(parser) == {
        "experiments_directory": "human_eval",
        "norecord": True,
        "dirty": "allow",
    }
    parser.set_defaults(norecord=False, description="later")
    assert options(parser) == {
        "experiments_directory": "human_eval",
        "dirty": "allow",
        "description": "later",
    }
    assert options(parser, "--experiments-directory experiments")["experiments_directory"] == (
        "experiments"
    )


def test_help_of_every_formatter_shows_our_options():
    for formatter in (
        argparse.ArgumentDefaultsHelpFormatter,
        argparse.RawDescriptionHelpFormatter,
        argparse.MetavarTypeHelpFormatter,
    ):
        parser = Parser(formatter_class=formatter)
        if formatter is not argparse.MetavarTypeHelpFormatter:  # it asks every option for a type
            add_argument_group(parser)
            parser.add_argument("--desc", dest="description", help="mine")
            assert "--experiments-directory" in parser.format_help()
            assert "usage: train" in parser.format_usage()


def test_the_group_twice_is_an_error_as_in_2020():
    parser = Parser()
    add_argument_group(parser)
    with pytest.raises(argparse.ArgumentError, match="conflicting option string"):
        add_argument_group(parser)
    assert "left to options" not in section(parser)


def add_one(parser):
    parser.add_argument("--resume", type=int, default=3)
    parser.add_argument("--lr", type=float, default=0.1)


def add_in_group(parser):
    group = parser.add_argument_group("own")
    group.add_argument("-d", "--description", default="mine")


def add_exclusive(parser):
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--resume", action="store_true")
    group.add_argument("--fresh", action="store_true")


def add_exclusive_in_group(parser):
    group = parser.add_argument_group("own").add_mutually_exclusive_group(required=True)
    group.add_argument("--resume", action="store_const", const="x", default="y")
    group.add_argument("--fresh", action="count")


class Twice(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, values * 2)


def add_classes(parser):
    parser.add_argument("--norecord", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--capture", action=Twice, default="c")
    parser.add_argument("--dirty", nargs="+", action="extend", default=["d"])


@pytest.mark.parametrize(
    ("build", "lines", "left"),
    [
        (add_one, ["", "--resume 4", "--resume=5 --lr 1"], "--resume"),
        (add_in_group, ["", "-d x", "--description y"], "--description"),
        (add_exclusive, ["", "--resume", "--fresh"], "--resume"),
        (add_exclusive_in_group, ["--resume", "--fresh --fresh"], "--resume"),
        (
            add_classes,
            ["", "--no-norecord", "--norecord --capture ab --dirty a b"],
            "--norecord, --dirty, --capture",
        ),
    ],
)
@pytest.mark.parametrize("handler", ["error", "resolve"])
def test_ours_gives_way_to_an_option_of_the_same_name(build, lines, left, handler):
    assert_undisturbed(build, *lines, conflict_handler=handler)
    before = Parser(conflict_handler=handler)
    build(before)
    add_argument_group(before)
    after = Parser(conflict_handler=handler)
    add_argument_group(after)
    build(after)
    for parser in (before, after):
        text = section(parser)
        assert text.startswith("arguments for initializing Experiment object; left to options of")
        said = text.partition("this program: ")[2].partition(" --project-directory")[0]
        assert sorted(said.split(", ")) == sorted(left.split(", "))
        assert parser.format_help().count(left.split(", ")[0] + " ") >= 1
        assert not options(parser, lines[0])


def test_conflicts_among_options_of_the_program_stay_errors():
    parser = Parser()
    add_argument_group(parser)
    parser.add_argument("--lr")
    with pytest.raises(argparse.ArgumentError, match="--lr"):
        parser.add_argument("--lr")
    parser.add_argument("--resume")
    with pytest.raises(argparse.ArgumentError, match="--resume"):
        parser.add_argument_group("g").add_argument("--resume")
    with pytest.raises(ValueError, match="unknown action"):
        parser.add_argument("--x", action="nonsense")


def test_an_error_in_an_option_of_the_program_does_not_cost_ours():
    parser = Parser()
    add_argument_group(parser)
    with pytest.raises(TypeError):
        parser.add_argument("--resume", nonsense=1)
    assert options(parser, "--resume") == {"resume": True}


def test_all_of_ours_may_be_taken():
    def build(parser):
        for name in OPTIONS:
            parser.add_argument("--" + name.replace("_", "-"), default=name)

    assert_undisturbed(build, "", "--resume x --capture y")


def test_a_dest_of_the_program_is_its_own_though_the_option_strings_differ():
    def build(parser):
        parser.add_argument("--desc", dest="description", default="none")
        parser.add_argument("--id", dest="experiment_id", type=int)
        parser.add_argument("resume", nargs="?", default="no")

    assert_undisturbed(build, "", "--desc x", "--id 4 yes", "--desc=x")
    for parser in with_and_without(build)[1:]:
        args, given, namespace = take_meticulous(parser, ["--description", "ours", "--desc", "its"])
        assert given == {"description": "ours"}
        assert args["description"] == namespace.description == "its"
        namespace = parser.parse_args(["--desc", "its", "--description", "ours"])
        assert namespace.description == "its"
        _, given, namespace = take_meticulous(parser, ["--resume"])
        assert (given, namespace.resume) == ({"resume": True}, "no")


def test_an_abbreviation_of_the_programs_option_stays_unambiguous():
    def build(parser):
        parser.add_argument("--experiment", default="e")
        parser.add_argument("--describe", action="store_true")
        parser.add_argument("--project-name")
        parser.add_argument("--direction")

    assert_undisturbed(
        build,
        "",
        "--exp x",
        "--experiment=x",
        "--desc",
        "--proj p",
        "--dir up",
    )
    parser = with_and_without(build)[1]
    with pytest.raises(ValueError, match="ambiguous option: --d could match --describe, --direct"):
        parser.parse_args(["--d"])
    assert options(parser, "--experiments x") == {"experiments_directory": "x"}
    assert options(parser, "--descrip x") == {"description": "x"}


def test_abbreviations_of_ours_work_as_in_2020():
    parser = Parser()
    add_argument_group(parser)
    assert options(parser, "--desc x --res --nor --proj=p --experiment-i 3") == {
        "description": "x",
        "resume": True,
        "norecord": True,
        "project_directory": "p",
        "experiment_id": "3",
    }
    with pytest.raises(ValueError, match="ambiguous option: --exp"):
        parser.parse_args(["--exp", "x"])
    with pytest.raises(ValueError, match="unrecognized arguments: --dirt allow"):
        parser.parse_args(["--dirt", "allow"])
    exact = Parser(allow_abbrev=False)
    add_argument_group(exact)
    with pytest.raises(ValueError, match="unrecognized arguments: --desc"):
        exact.parse_args(["--desc=x"])


def add_commands(parser):
    parser.add_argument("--seed", type=int, default=0)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", aliases=["t"])
    train.add_argument("--experiment", default="e")
    train.add_argument("--resume", default="no")
    train.add_argument("--dir")
    train.add_argument("data", nargs="*")
    commands.add_parser("test").add_argument("--checkpoint", required=True)


def test_sub_commands_keep_their_options_and_abbreviations():
    assert_undisturbed(
        add_commands,
        "train",
        "t a b",
        "--seed 3 train --experiment x --resume yes a",
        "train --exp x",
        "train --dir d --res y",
        "test --checkpoint c",
    )
    parser = with_and_without(add_commands)[1]
    args, given, _ = take_meticulous(parser, ["--norecord", "--resume", "train", "--resume", "x"])
    assert given == {"norecord": True, "resume": True}
    assert args["resume"] == "x"
    _, given, namespace = take_meticulous(parser, ["--resume", "test", "--checkpoint", "c"])
    assert given == {"resume": True}
    assert namespace.resume is True


def test_the_group_may_stand_on_a_sub_command():
    parser = Parser()
    commands = parser.add_subparsers(dest="command")
    train = commands.add_parser("train")
    add_argument_group(train, description="d")
    commands.add_parser("test").add_argument("--description")
    assert take_meticulous(parser, ["train", "--norecord"])[:2] == (
        {"command": "train"},
        {"norecord": True, "description": "d"},
    )
    assert take_meticulous(parser, ["test"])[:2] == ({"command": "test", "description": None}, {})
    add_argument_group(parser)
    args, given, _ = take_meticulous(parser, ["--experiment-id", "4", "--resume", "train"])
    assert args == {"command": "train"}
    assert given == {"experiment_id": "4", "resume": True, "description": "d"}


def test_parents_pass_our_group_on_and_it_still_gives_way():
    base = Parser(add_help=False)
    add_argument_group(base, description="base")
    base.add_argument("--lr", default=1)
    child = Parser(parents=[base])
    child.add_argument("--resume", default="mine")
    child.add_argument_group("g").add_argument("--norecord", default="mine")
    args, given, _ = take_meticulous(child, ["--experiment-id", "x"])
    assert args == {"lr": 1, "resume": "mine", "norecord": "mine"}
    assert given == {"experiment_id": "x", "description": "base"}
    assert "left to options of this program: --resume, --norecord" in section(child)
    assert take_meticulous(base, ["--lr", "2"])[0] == {"lr": "2"}

    own = Parser(add_help=False)
    own.add_argument("--description", default="own")
    child = Parser(parents=[own])
    add_argument_group(child)
    assert take_meticulous(child, [])[:2] == ({"description": "own"}, {})


def test_our_group_survives_copies_and_other_prefixes():
    parser = Parser()
    add_argument_group(parser)
    twin = copy.deepcopy(parser)
    twin.add_argument("--resume", default="twin")
    assert take_meticulous(twin, [])[0] == {"resume": "twin"}
    assert take_meticulous(parser, ["--resume"])[:2] == ({}, {"resume": True})
    parser.add_argument("--experiment")
    assert options(copy.deepcopy(parser), "--norec") == {"norecord": True}

    plus = Parser(prefix_chars="+")
    add_argument_group(plus)
    plus.add_argument("+lr")
    assert take_meticulous(plus, ["+lr", "1", "++description", "x"])[:2] == (
        {"lr": "1"},
        {"description": "x"},
    )


def test_argument_default_and_set_defaults_reach_only_whom_they_should():
    def build(parser):
        parser.add_argument("--lr")
        parser.add_argument("--resume")
        parser.set_defaults(resume="r", other=1)

    assert_undisturbed(build, "", "--lr 1", argument_default=argparse.SUPPRESS)
    assert_undisturbed(build, "", "--lr 1", argument_default="x")


def test_other_parsers_of_the_process_are_untouched():
    before = {name: id(value) for name, value in vars(argparse.ArgumentParser).items()}
    before |= {name: id(value) for name, value in vars(argparse._ActionsContainer).items()}
    first = Parser()
    first.add_argument("--resume")
    add_argument_group(Parser())
    second = Parser()
    second.add_argument("--resume")
    for parser in (first, second):
        with pytest.raises(argparse.ArgumentError):
            parser.add_argument("--resume")
        assert type(parser._registries["action"]) is dict
    after = {name: id(value) for name, value in vars(argparse.ArgumentParser).items()}
    after |= {name: id(value) for name, value in vars(argparse._ActionsContainer).items()}
    assert before == after


def test_options_are_listed_once():
    assert tuple(_arguments._PLAIN) == OPTIONS
