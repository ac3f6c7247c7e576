"""A command line is parsed once; defaults come from the parser's actions, without parsing again."""

from __future__ import annotations

import argparse
import enum
import functools
import os
import pathlib
import sys

import pytest

from meticulous import _json
from meticulous._arguments import (
    add_argument_group,
    defaults_of,
    extract_meticulous_args,
    take_meticulous,
)
from meticulous.errors import SettingError


class Parser(argparse.ArgumentParser):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **{"prog": "train", **options})
        add_argument_group(self)

    def error(self, message):
        raise ValueError(message)


def taken(parser, line=""):
    """Args and defaults of a command line."""
    words = line.split()
    args, _, namespace = take_meticulous(parser, words)
    return args, defaults_of(parser, namespace, words)


def test_plain_options_and_their_order():
    parser = Parser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default="7")
    parser.add_argument("--name", default="7")
    parser.add_argument("--nothing")
    parser.add_argument("--true", action="store_true")
    parser.add_argument("--false", action="store_false")
    parser.add_argument("--const", action="store_const", const=3)
    parser.add_argument("--many", action="append", default=["x"])
    parser.add_argument("-v", action="count")
    parser.add_argument("--pair", nargs=2, type=int, default=(1, 2))
    parser.add_argument("--maybe", nargs="?", const="c", default="d")
    parser.add_argument("--yes", action=argparse.BooleanOptionalAction)
    expected = {
        "lr": 0.1,
        "steps": 7,
        "name": "7",
        "nothing": None,
        "true": False,
        "false": True,
        "const": None,
        "many": ["x"],
        "v": None,
        "pair": (1, 2),
        "maybe": "d",
        "yes": None,
    }
    assert taken(parser) == (expected, expected)
    line = (
        "--lr 1 --steps 2 --name n --nothing 1 --true --false --const --many a --many b -vv "
        "--pair 3 4 --maybe --no-yes"
    )
    args, defaults = taken(parser, line)
    assert defaults == expected
    assert list(defaults) == list(args) == list(expected)
    assert args == {
        "lr": 1.0,
        "steps": 2,
        "name": "n",
        "nothing": "1",
        "true": True,
        "false": False,
        "const": 3,
        "many": ["x", "a", "b"],
        "v": 2,
        "pair": [3, 4],
        "maybe": "c",
        "yes": False,
    }


def test_required_options_and_groups_do_not_stop_the_program():
    parser = Parser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--lr", type=float, default=0.1)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--adam", action="store_true")
    group.add_argument("--sgd", action="store_true")
    args, defaults = taken(parser, "--data d --sgd")
    assert args == {"data": "d", "lr": 0.1, "adam": False, "sgd": True}
    assert defaults == {"data": None, "lr": 0.1, "adam": False, "sgd": False}


def test_positionals_are_args_but_have_no_defaults():
    parser = Parser()
    parser.add_argument("data")
    parser.add_argument("--lr", default=0.1)
    parser.add_argument("mode", nargs="?", default="train")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    args, defaults = taken(parser, "--lr 3 d eval --more x")
    assert args == {"data": "d", "lr": "3", "mode": "eval", "rest": ["--more", "x"]}
    assert defaults == {"lr": 0.1}


def test_a_slice_of_the_command_line_is_never_taken_for_the_defaults():
    """2020 parsed as many words as there are positionals: a flag among them became a default."""
    parser = Parser()
    parser.add_argument("data")
    parser.add_argument("--fast", action="store_true")
    assert taken(parser, "--fast d")[1] == {"fast": False}


def test_set_defaults_parents_and_suppressed_ones_count_as_in_argparse():
    base = argparse.ArgumentParser(add_help=False)
    base.add_argument("--seed", type=int, default=0)
    base.set_defaults(family="base")
    parser = Parser(parents=[base])
    parser.set_defaults(lr=0.5)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--optional", default=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version="1")
    parser.set_defaults(seed=3, main=len)
    expected = {"seed": 3, "lr": 0.5, "family": "base", "main": len}
    assert taken(parser) == (expected, expected)
    assert taken(parser, "--optional x") == ({**expected, "optional": "x"}, expected)

    quiet = Parser(argument_default=argparse.SUPPRESS)
    quiet.add_argument("--lr", type=float)
    quiet.add_argument("--seed", default=1)
    assert taken(quiet, "--lr 1") == ({"lr": 1.0, "seed": 1}, {"seed": 1})
    assert take_meticulous(quiet, ["--norecord"])[1] == {"norecord": True}


def test_options_that_share_a_dest_have_the_default_of_the_first():
    parser = Parser()
    parser.add_argument("--quiet", dest="level", action="store_const", const=0, default=1)
    parser.add_argument("--loud", dest="level", action="store_const", const=2, default=9)
    assert taken(parser, "--loud") == ({"level": 2}, {"level": 1})
    assert taken(parser) == ({"level": 1}, {"level": 1})


def with_commands(**options):
    parser = Parser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    commands = parser.add_subparsers(**options)
    train = commands.add_parser("train", aliases=["t"])
    train.add_argument("--lr", type=float, default=0.2)
    train.add_argument("--epochs", type=int, default="3")
    train.add_argument("data", nargs="*")
    parts = train.add_subparsers(**{**options, "dest": "part"} if "dest" in options else {})
    parts.add_parser("all").add_argument("--shuffle", action="store_true")
    parts.add_parser("some").add_argument("--share", type=float, default=0.5)
    commands.add_parser("test").add_argument("--checkpoint", default="last")
    return parser


@pytest.mark.parametrize("options", [{"dest": "command"}, {}], ids=["dest", "no dest"])
def test_the_chosen_sub_command_brings_its_defaults(options):
    parser = with_commands(**options)
    args, defaults = taken(parser, "--seed 4 train --epochs 9 some --share 0.1")
    assert args["epochs"] == 9
    assert defaults == {"lr": 0.2, "seed": 0, "epochs": 3, "share": 0.5}
    assert taken(parser, "--lr 5 t all")[1] == {"lr": 0.2, "seed": 0, "epochs": 3, "shuffle": False}
    assert taken(parser, "test")[1] == {"lr": 0.1, "seed": 0, "checkpoint": "last"}
    assert taken(parser)[1] == {"lr": 0.1, "seed": 0}


def test_sub_commands_are_told_apart_by_their_functions():
    parser = Parser()
    commands = parser.add_subparsers()
    for name, value in (("train", 1), ("test", 2)):
        command = commands.add_parser(name)
        command.add_argument("--lr", default=value)
        command.set_defaults(run=functools.partial(print, name))
    for name, value in (("train", 1), ("test", 2)):
        args, defaults = taken(parser, f"{name} --lr 5")
        assert args["lr"] == "5"
        assert defaults["lr"] == value
        assert defaults["run"] is args["run"]


def test_of_sub_commands_that_cannot_be_told_apart_only_common_defaults_are_recorded():
    parser = Parser()
    commands = parser.add_subparsers()
    for name, value in (("train", 1), ("test", 2)):
        command = commands.add_parser(name)
        command.add_argument("--lr", default=value)
        command.add_argument("--seed", type=float, default="0")
    assert taken(parser, "test --lr 5")[1] == {"seed": 0.0}


class Colour(enum.Enum):
    RED = "red"


def test_text_defaults_pass_the_types_of_python():
    parser = Parser()
    parser.add_argument("--path", type=pathlib.Path, default="a/b")
    parser.add_argument("--colour", type=Colour, default="red")
    parser.add_argument("--wrong", type=int, default="abc")
    parser.add_argument("--several", type=int, nargs="+", default="4")
    args, defaults = taken(parser, "--path x --wrong 1 --several 1 2")
    assert args["path"] == pathlib.Path("x")
    expected = {"path": pathlib.Path("a/b"), "colour": Colour.RED, "wrong": "abc", "several": 4}
    assert defaults == expected
    assert list(defaults) == list(args)
    with pytest.raises(ValueError, match="invalid int value"):
        taken(parser)


def test_types_and_actions_of_the_program_are_called_as_often_as_without_us(tmp_path):
    calls = []

    def converted(text):
        calls.append(text)
        return text.split(",")

    class Counting(argparse.Action):
        def __call__(self, parser, namespace, values, option_string=None):
            calls.append(option_string)
            setattr(namespace, self.dest, values)

    parser = Parser(fromfile_prefix_chars="@")
    parser.add_argument("--list", "-l", type=converted, default="a,b")
    parser.add_argument("--act", action=Counting, default="x")
    (tmp_path / "words").write_text("--list\nc,d\n--act\ny\n")

    assert taken(parser) == ({"list": ["a", "b"], "act": "x"},) * 2
    assert calls == ["a,b"]
    for line in ("--list=c --act y", "--li c --act y", "-lc --act y", "-l c --act y"):
        calls.clear()
        expected = {"list": ["c"], "act": "y"}, {"list": "a,b", "act": "x"}
        assert taken(parser, line) == expected
        assert calls == ["c", "--act"]
    calls.clear()
    assert taken(parser, f"@{tmp_path}/words") == (
        {"list": ["c", "d"], "act": "y"},
        {"list": "a,b", "act": "x"},
    )
    assert calls == ["c,d", "--act"]
    namespace = parser.parse_args([])
    assert defaults_of(parser, namespace) == {"list": "a,b", "act": "x"}


def test_files_are_opened_once_and_only_those_that_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opened = []
    file_type = argparse.FileType("w")
    parser = Parser()
    parser.add_argument(
        "--out", type=lambda name: opened.append(name) or file_type(name), default="default.txt"
    )
    parser.add_argument("--log", type=file_type, default="log.txt")
    args, defaults = taken(parser, "--out given.txt --log l.txt")
    assert opened == ["given.txt"]
    assert sorted(os.listdir()) == ["given.txt", "l.txt"]
    assert defaults == {"out": "default.txt", "log": "log.txt"}
    assert "given.txt" in _json.plain(args)["out"]
    for file in args.values():
        file.close()
    args, defaults = taken(parser)
    assert opened == ["given.txt", "default.txt"]
    assert defaults == args
    for file in args.values():
        file.close()


def test_a_parser_that_edits_its_result_is_not_taken_for_plain():
    class Editing(Parser):
        def parse_args(self, *arguments, **options):
            namespace = super().parse_args(*arguments, **options)
            namespace.where = "/edited"
            return namespace

    parser = Editing()
    parser.add_argument("--where", type=lambda text: text, default="here")
    assert taken(parser) == ({"where": "/edited"}, {"where": "here"})


def test_registered_type_names_and_arrays_as_defaults():
    numpy = pytest.importorskip("numpy")
    parser = Parser()
    parser.register("type", "hex", float.fromhex)
    parser.add_argument("--x", type="hex", default="0x1p3")
    parser.add_argument("--grid", default=numpy.arange(3))
    commands = parser.add_subparsers()
    commands.add_parser("a").add_argument("--grid", default=numpy.arange(4))
    commands.add_parser("b").add_argument("--grid", default=numpy.arange(4))
    defaults = taken(parser, "b")[1]
    assert defaults["x"] == 8.0
    assert _json.plain(defaults["grid"]) == [0, 1, 2, 3]


def test_defaults_of_sys_argv(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "--lr", "2", "--norecord"])
    parser = Parser()
    parser.add_argument("--lr", type=float, default=1.0)
    args, options, namespace = take_meticulous(parser)
    assert (args, options) == ({"lr": 2.0}, {"norecord": True})
    assert namespace == parser.parse_args()
    assert extract_meticulous_args(parser)["norecord"] is True
    assert take_meticulous(parser, [])[:2] == ({"lr": 1.0}, {})
    assert take_meticulous(parser, ("--lr", "3"))[0] == {"lr": 3.0}


def test_extract_meticulous_args_gives_our_options_as_parsed():
    parser = Parser()
    parser.add_argument("--lr")
    assert extract_meticulous_args(parser, ["--desc", "d", "--lr", "1"]) == {
        "project_directory": "",
        "experiments_directory": "experiments",
        "experiment_id": None,
        "description": "d",
        "resume": False,
        "norecord": False,
        "dirty": None,
        "capture": None,
    }
    parser.add_argument("--description")
    assert "description" not in extract_meticulous_args(parser, [])


def test_words_unknown_to_the_parser_are_an_error_or_kept_when_asked_for():
    parser = Parser()
    parser.add_argument("--lr", type=float, default=1.0)
    words = ["--lr", "2", "--other", "x", "y", "--norecord"]
    with pytest.raises(ValueError, match="unrecognized arguments: --other x y"):
        take_meticulous(parser, words)
    args, options, namespace = take_meticulous(parser, words, known=True)
    assert args == {"lr": 2.0, "unknown_args": ["--other", "x", "y"]}
    assert options == {"norecord": True}
    assert defaults_of(parser, namespace, words) == {"lr": 1.0}
    assert parser.parse_known_args(words) == (namespace, ["--other", "x", "y"])
    assert take_meticulous(parser, ["--lr", "2"], known=True)[0] == {"lr": 2.0}
    parser.add_argument("--unknown_args")
    assert take_meticulous(parser, ["-x"], known=True)[0]["unknown_args_"] == ["-x"]


def test_a_parser_without_our_group_gives_all_its_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--description", default="d")
    parser.set_defaults(norecord=True)
    args, options, namespace = take_meticulous(parser, [])
    assert (args, options) == ({"description": "d", "norecord": True}, {})
    assert defaults_of(parser, namespace, []) == args


def test_what_is_no_parser_is_refused_in_one_line():
    for value in ({"lr": 1}, None, argparse.Namespace(lr=1)):
        with pytest.raises(SettingError, match="needs an argparse parser") as raised:
            take_meticulous(value, [])
        assert "\n" not in str(raised.value)


def test_help_and_errors_leave_as_argparse_does(capsys):
    parser = argparse.ArgumentParser()
    add_argument_group(parser)
    for words, code in ((["--help"], 0), (["--nonsense"], 2)):
        with pytest.raises(SystemExit) as raised:
            take_meticulous(parser, words)
        assert raised.value.code == code
    assert "--experiments-directory" in capsys.readouterr().out
