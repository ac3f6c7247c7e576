"""What can be asked of the listing: which experiments, in which order, which columns."""

import json
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from cli.command import listed, process, run
from read.records import OLD_STORE, write_record


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Three models with three seeds each, and one that failed before it had a summary."""
    root = tmp_path / "experiments"
    for number in range(9):
        model, seed = ("cnn", "mlp", "vit")[number // 3], number % 3
        write_record(
            root,
            str(number + 1),
            args={"model": model, "seed": seed, "opt": {"name": "adam", "lr": 0.1}},
            default_args={"model": "cnn", "seed": 0, "opt": {"name": "adam", "lr": 0.1}},
            summary={"acc": 0.5 + number / 100, "loss": [0.5, 0.2, 0.3][seed], "same": 1},
            annotations={"tags": ["best", "paper"] if number == 8 else ["paper"]},
            start_time=(datetime.now(UTC) - timedelta(hours=number)).isoformat(),
        )
    write_record(root, "10", status="ERROR\nOSError: full", args={"model": "vit", "seed": 3})
    monkeypatch.chdir(tmp_path)
    return root


def ids(capfd, *argv):
    return list(listed(capfd, *argv)[1])


# ------------------------------------------------------------------------------ which experiments


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--filter", "args_model == 'cnn' and summary_acc > 0.505"], "2 3"),
        (["--filter", "`args.opt.lr` == 0.1 and seed in [0]"], "1 4 7"),
        (["--filter", "id > 8"], "9 10"),
        (["--filter", "status != 'SUCCESS'"], "10"),
        (["--status", "error,lost"], "10"),
        (["--status", "Success", "--filter", "seed == 2"], "3 6 9"),
        (["--tag", "best"], "9"),
        (["--tag", "paper", "--tag", "best"], "9"),
        (["--since", "150m"], "1 2 3"),
        (["--since", "1d"], "1 2 3 4 5 6 7 8 9"),
        (["--since", "2021-01-01"], "1 2 3 4 5 6 7 8 9 10"),
        (["--sort", "acc", "--tail", "3"], "2 1 10"),
        (["--sort", "acc", "--tails=1"], "10"),
        (["--sort", "summary_acc", "--sort_reverse"], "1 2 3 4 5 6 7 8 9 10"),
        (["--filter", "seed == 1 or seed == 2", "--filter", "acc < 0.53"], "2 3"),
        (["--sort", "model", "--sort", "acc"], "9 8 7 10 6 5 4 3 2 1"),
        (["--sort", "id"], "10 9 8 7 6 5 4 3 2 1"),
        (["--sort", "model,acc"], "9 8 7 10 6 5 4 3 2 1"),
        (["--sort", "args.model", "summary.acc", "--sort-reverse"], "1 2 3 4 5 6 7 8 9 10"),
        (["--sort", "seed", "loss", "--columns", "acc", "--tail", "2"], "4 7"),
        (["--tail", "2"], "9 10"),
    ],
)
def test_which_experiments_and_in_which_order(runs, capfd, options, expected):
    assert ids(capfd, "list", *options) == expected.split()
    assert ids(capfd, "experiments", *options) == expected.split()


def test_the_command_shows_the_newest_and_a_folder_all(tmp_path, capfd, monkeypatch):
    root = tmp_path / "experiments"
    for number in range(1, 36):
        start = f"2021-11-{30 - number % 30:02d}T00:00:00+00:00"
        write_record(root, str(number), start_time=start)
    monkeypatch.chdir(tmp_path)
    oldest = {str(number) for number in (25, 26, 27, 28, 29)}
    assert (
        ids(capfd, "list") == ids(capfd) == [n for n in map(str, range(1, 36)) if n not in oldest]
    )
    assert "newest 30 of 35 experiments in experiments/; --all shows all" in run(capfd, "list")[1]
    for argv in (
        ["list", "--all"],
        ["experiments"],
        ["--args", "all"],
        ["list", "--sort", "lr"],
        ["list", "--filter", "lr > 0"],
        ["list", "--since", "2021-01-01"],
    ):
        assert len(ids(capfd, *argv)) == 35
    assert len(json.loads(run(capfd, "list", "--json")[1])["experiments"]) == 35
    assert len(run(capfd, "list", "--csv")[1].splitlines()) == 36


def test_a_broken_record_in_a_copied_folder_is_not_taken_for_new(tmp_path, capfd, monkeypatch):
    root = tmp_path / "experiments"
    for number in range(1, 36):
        start = f"2021-11-23T00:{number:02d}:00+00:00"
        folder = write_record(root, str(number), start_time=start)
        if number in (2, 3, 4, 20, 35):  # the time of these folders is now, of the last rightly so
            (folder / "metadata.json").write_text("{")
    monkeypatch.chdir(tmp_path)
    assert ids(capfd, "list") == [str(number) for number in range(6, 36)]


def test_ids_can_be_asked_for_as_in_every_command(runs, capfd):
    assert ids(capfd, "list", "-i", "3-4,last", "-i", "1") == ["3", "4", "10", "1"]
    assert ids(capfd, "list", "--ids", "best:acc", "-i", "2") == ["9", "2"]
    assert ids(capfd, "list", "-i", "1-5", "--filter", "seed == 2", "--sort", "id") == ["3"]
    code, out, err = run(capfd, "list", "-i", "77")
    assert (code, out) == (2, "") and "There is no experiment '77'" in err


def test_a_tag_that_nothing_has_is_told_with_one_that_looks_like_it(runs, capfd):
    code, out, err = run(capfd, "list", "--tag", "papr")
    assert (code, err) == (0, "")
    hint = "None has the tag 'papr'. Did you mean 'paper'?"
    assert out == f"No experiments match in experiments/. {hint}\n"
    assert run(capfd, "list", "--tag", "paper,zzz")[1].endswith(" None has the tag 'zzz'.\n")
    assert run(capfd, "list", "--tag", "best", "--filter", "seed == 0")[1].endswith(
        "experiments/.\n"
    )
    assert run(capfd, "list", "--tag", "papr", "--fail-empty")[0] == 3
    assert json.loads(run(capfd, "list", "--tag", "papr", "--json")[1])["experiments"] == []


WRONG = [
    (["--filter", "acuracy > 1"], "Filter, column 1, at 'acuracy > 1': There is no 'acuracy'."),
    (
        ["--filter", "args.lr"],
        "Filter, column 1, at 'args.lr': There is no 'args.lr'. Did you mean",
    ),
    (["--filter", "__import__('os').system('touch x')"], 'Filter, column 1, at "__import__'),
    (["--filter", ""], "Filter, column 1, its end: it is empty."),
    (["--groupby", "modl"], "Argument --groupby: There is no 'modl'. Did you mean 'args.model'?"),
    (["--groupby", "s"], "Argument --groupby: 's' can mean "),
    (["--groupby", "model", "--sort", "los"], "Argument --sort: 'los' can mean "),
    (["--groupby", "model", "--columns", "z"], "Argument --columns: There is no 'z'."),
    (["--columns", "nothing"], "Argument --columns: There is no 'nothing'."),
    (["--columns", ","], "Argument --columns: names are missing."),
    (["--sort", "acuracy"], "Argument --sort: There is no 'acuracy'."),
    (["--tail", "0"], "Argument --tail: it has to be 1 or more."),
    (["--tail", "x"], "Argument --tail/--tails: invalid int value: 'x'."),
    (["--since", "yesterday"], "Argument --since: 'yesterday' is no time."),
    (["--status", "sucess"], "Argument --status: there is no 'sucess'. Did you mean 'SUCCESS'?"),
    (["--export", "table.xls"], "Argument --export: what to write into 'table.xls' is not known."),
    (["--normalize_json_values", "-1"], "Argument --normalize_json_values: it has to be"),
    (["--csv", "--json"], "Argument --json: not allowed with argument --csv."),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_a_wrong_question_is_an_error_and_never_the_whole_table(runs, capfd, options, message):
    for form in ([], ["--export", "out.csv"] if "--export" not in options else []):
        code, out, err = run(capfd, "list", *options, *form)
        assert (code, out) == (2, "")
        assert err.startswith(f"meticulous: {message}") and err.count("\n") == 1
    assert sorted(path.name for path in runs.parent.iterdir()) == ["experiments"]


def test_nothing_is_an_answer_unless_it_is_to_fail(runs, tmp_path, capfd):
    nothing = "No experiments match in experiments/.\n"
    assert run(capfd, "list", "--filter", "acc > 2") == (0, nothing, "")
    assert run(capfd, "list", "--filter", "acc > 2", "--fail-empty") == (3, nothing, "")
    assert run(capfd, "list", "--tag", "none", "--json", "--fail-empty")[0] == 3
    assert run(capfd, "list", "--filter", "acc > 0", "--fail-empty")[0] == 0
    for options in (["--groupby", "model"], ["--columns", "acc"], ["--sort", "acc"], []):
        found = run(capfd, "list", "--filter", "acc > 2", *options)
        assert found == (0, nothing, "")
    tmp_path.joinpath("empty").mkdir()
    for options in (["--filter", "x > 2"], ["--groupby", "x"], ["--sort", "x"], ["--columns", "x"]):
        assert run(capfd, "empty", *options) == (0, "No experiments in empty/.\n", "")
        assert run(capfd, "empty", *options, "--csv")[::2] == (0, "")


def test_tags_and_names_can_be_asked_for_before_there_are_any(tmp_path, capfd):
    write_record(tmp_path)
    for expression in ("'paper' in tags", "name == 'baseline'", "annotations.locked == True"):
        code, out, err = run(capfd, "list", tmp_path, "--filter", expression)
        assert (code, err) == (0, "") and out.startswith("No experiments match")
    assert run(capfd, "list", tmp_path, "--filter", "tag == 'paper'")[0] == 2


def test_the_folder_is_named_as_for_every_other_command(runs, capfd, monkeypatch):
    everything = run(capfd, "list", "experiments")
    assert run(capfd, "list", "--all", "--experiments-directory", "experiments") == everything
    code, out, err = run(capfd, "list", "experiments", "--experiments-directory", "experiments")
    assert (code, out) == (2, "") and "Two folders" in err
    code, out, err = run(capfd, runs.parent)
    assert (code, out) == (2, "") and err.endswith(f"Name the folder in it: {runs}\n")


# ------------------------------------------------------------------------------ which columns


@pytest.mark.parametrize(
    ("options", "header"),
    [
        (["--columns", "args_model,summary.acc"], "id model acc"),
        (["--columns", "args.model", "acc"], "id model acc"),
        (["--columns", "args.model", "--columns", "acc"], "id model acc"),
        (["--columns", "args.model,seed acc", "status"], "id model seed acc status"),
        (["--columns", "summary_l"], "id loss"),
        (["--columns", "args.opt", "--flat_cols"], "id args.opt.name args.opt.lr"),
        (["--columns", "args.opt", "--normalize_json_values", "0"], "id opt"),
        (["--columns", "header.status"], "id status"),
        (["--columns", "id", "sha"], "id sha"),
        (["--groupby", "model", "--columns", "count", "acc"], "model count acc_mean acc_std"),
        (["--groupby", "model", "--columns", "acc_std"], "model acc_std"),
        (["--groupby", "args_model", "--no_summary"], "model count"),
    ],
)
def test_which_columns_are_shown(runs, capfd, options, header):
    out = run(capfd, "list", *options)[1].splitlines()
    assert header.split() in [line.split() for line in out[2:4]]


def test_columns_that_are_the_same_everywhere_can_be_left_out(runs, capfd):
    out = run(capfd, "list", "--only-changed", "--filter", "acc > 0", "--flat-cols")[1]
    assert out.splitlines()[2].split()[5:] == [
        "args.model",
        "args.seed",
        "summary.acc",
        "summary.loss",
        "tags",
    ]


def test_the_names_are_listed_one_a_line(runs, capfd):
    code, out, err = run(capfd, "list", "--list_columns")
    names = out.splitlines()
    assert (code, err) == (0, "")
    assert names[0] == "header.expid" and names.index("args.opt.lr") < names.index("summary.acc")
    for name in names:
        assert run(capfd, "list", "--columns", f"`{name}`")[0] == 0


def test_groups_have_means_and_deviations_in_the_order_of_their_keys(runs, capfd):
    out = run(capfd, "list", "--groupby", "args_model", "--filter", "acc > 0")[1]
    assert "3 groups in experiments/, filtered by acc > 0" in out
    assert [re.sub(" +", " ", line) for line in out.splitlines()[3:]] == [
        "model count acc_mean acc_std loss_mean loss_std same_mean same_std",
        "cnn 3 0.51 0.01 0.33333333 0.15275252 1.0 0.0",
        "mlp 3 0.54 0.01 0.33333333 0.15275252 1.0 0.0",
        "vit 3 0.57 0.01 0.33333333 0.15275252 1.0 0.0",
    ]
    options = ["--groupby", "model,seed", "--columns", "acc_mean", "--sort", "acc", "--tail", "2"]
    out = run(capfd, "list", *options)[1]
    assert [line.split() for line in out.splitlines()[-2:]] == [["cnn", "0", "0.5"], ["vit", "3"]]


def test_what_is_no_number_is_left_out_of_a_mean_and_that_is_said(tmp_path, capfd, monkeypatch):
    for number in range(1, 7):
        summary = {"mixed": "n/a" if number == 6 else number, "text": "a"}
        args = {"m": "a" if number < 4 else "b"}
        write_record(tmp_path / "experiments", str(number), args=args, summary=summary)
    monkeypatch.chdir(tmp_path)
    said = "summary.mixed: 1 of 6 is no number (6)."
    for words in ([], ["--columns", "mixed"]):
        out = run(capfd, "list", "--groupby", "m", *words)[1]
        assert out.endswith(f"\n\n{said}\n")
        assert re.search(r"^b .* 4\.5 +0\.70710678$", out, re.MULTILINE)
    code, out, err = run(capfd, "list", "--groupby", "m", "--csv")
    assert (code, err) == (0, f"meticulous: {said}\n")
    assert said not in out and "text" not in out
    assert said not in run(capfd, "list", "--groupby", "m", "--columns", "count")[1]
    words = ["--columns", "mixed", "--filter", "mixed == 'n/a'"]
    assert "summary.mixed: 1 of 1 is no" in run(capfd, "list", "--groupby", "m", *words)[1]


def test_the_long_example_of_2020_works(tmp_path, capfd, monkeypatch):
    for number in range(4):
        args = {"xval_strategy": "xval", "k": number // 2, "method": "m"}
        summary = {"significance": number / 10}
        write_record(tmp_path / "experiments", str(number), args=args, summary=summary)
    monkeypatch.chdir(tmp_path)
    code, out, err = run(
        capfd,
        "experiments/",
        *("--filter", "args_xval_strategy=='xval'", "--groupby", "args_k,args_method"),
        *("--columns", "summary_significance_mean,summary_significance_std"),
        *("--sort", "summary_significance_mean", "--export", "table.md"),
    )
    assert (code, err) == (0, "") and "Written to table.md." in out
    assert tmp_path.joinpath("table.md").read_text().splitlines() == [
        "| args.k | args.method | summary.significance_mean | summary.significance_std |",
        "| ---: | --- | ---: | ---: |",
        "| 1 | m | 0.25 | 0.07071067812 |",
        "| 0 | m | 0.05 | 0.07071067812 |",
    ]


@pytest.mark.parametrize("name", ["documented", "newest"])
def test_stores_of_2020_answer_questions(name, capfd):
    root = OLD_STORE / name / "experiments"
    assert ids(capfd, root, "--filter", "summary_loss < 0.02 and status == 'SUCCESS'")
    out = run(capfd, root, "--groupby", "args_optimizer", "--columns", "summary_loss")[1]
    assert re.search(r"optimizer +loss_mean +loss_std", out)


def test_help_needs_neither_the_parser_nor_difflib():
    code = """if True:
        import sys
        from meticulous.cli import main
        code = main(["list", "--help"])
        loaded = {"ast", "difflib", "csv", "sqlite3", "meticulous._query"} & set(sys.modules)
        sys.exit(code or ", ".join(loaded) or 0)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_filter_is_never_run(runs, capfd):
    began = time.monotonic()
    for text in ("9**9**9 > 1", "'a' * 10**9 == 'b'", "(" * 9999, "-" * 9999 + "1"):
        run(capfd, "list", "--filter", text)
    done = process("list", runs, "--filter", "__import__('os').system('touch ran')", cwd=runs)
    assert done.returncode == 2 and done.stdout == b"" and not (runs / "ran").exists()
    assert time.monotonic() - began < 60
