"""``meticulous stats``: what it says of groups, and what it leaves out and says so."""

import json
import re
import statistics

import pytest

from cli.command import process, run
from meticulous._compare_groups import Group, Run
from meticulous._compare_results import Chosen, cautions
from meticulous._compare_statistics import describe, paired, welch
from meticulous._query_names import Field, Names
from meticulous._table import MISSING
from read.records import write_record

ACCURACY = {
    "mlp": [0.971, 0.975, 0.968, 0.977, 0.974],
    "linear": [0.951, 0.956, 0.95, 0.955, 0.953],
    "tree": [0.9712, 0.9747, 0.9683, 0.9768, 0.9741],
}
SHA = "fedcba9876543210fedcba9876543210fedcba98"


@pytest.fixture
def seeds(tmp_path, monkeypatch):
    """Three models with five seeds, of which 4 lacks a result and 16 to 19 are odd."""
    root = tmp_path / "experiments"
    expid = 0
    for model, values in ACCURACY.items():
        for seed, value in enumerate(values):
            expid += 1
            folder = write_record(
                root,
                str(expid),
                args={"model": model, "seed": seed, "acc": 1, "lr": 0.1},
                summary={"acc": value},
            )
            rows = [{"step": 0, "val/loss": 1 - value}, {"step": 1, "val/loss": 2 - value}]
            (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(r)}\n" for r in rows))
    write_record(root, "16", args={"model": "mlp", "seed": 9}, status="ERROR\nValueError")
    write_record(root, "17", args={"model": "mlp", "seed": 10}, summary={"acc": "NaN"})
    write_record(root, "18", args={"model": "knn", "seed": 0}, summary={"acc": 0.9})
    write_record(root, "19", args={"model": "knn", "seed": 1}, summary={"other": 0.9})
    monkeypatch.chdir(tmp_path)
    return root


def answer(capfd, *argv):
    code, out, err = run(capfd, "stats", *argv, "--json")
    assert (code, err) == (0, ""), err
    assert out.isascii()
    return json.loads(out)["stats"]


def test_groups_are_shown_and_what_is_left_out_is_said(seeds, capfd):
    code, out, err = run(capfd, "stats", "acc", "--groupby", "model")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "summary.acc by args.model: 18 experiments in experiments/"
    rows = {line.split()[0]: line.split()[1:] for line in lines[2:7]}
    assert list(rows) == ["model", "knn", "linear", "mlp", "tree"]
    assert rows["knn"] == ["1", "0.9"]
    deviation = statistics.stdev(ACCURACY["mlp"])
    assert rows["mlp"][:3] == ["5", "0.973", f"{deviation:.4g}"] and rows["mlp"][5] == "to"
    assert lines[8:] == [
        "Left out: 1 ERROR (16); --all-statuses takes them in.",
        "1 experiment has no summary.acc: 19.",
        "1 experiment left out, since summary.acc is no finite number: 17.",
        "Fewer than 3 results have no interval, and no difference is judged by them.",
        "--baseline VALUE compares every group with one.",
    ]


def test_each_group_is_judged_against_the_baseline(seeds, capfd):
    argv = ("acc", "--groupby", "args_model", "--seed", "seed", "--baseline", "mlp")
    code, out, err = run(capfd, "stats", *argv)
    assert (code, err) == (0, "")
    below = out.split("difference to mlp, paired by args.seed\n")[1]
    verdicts = {line.split()[0]: line for line in below.splitlines() if line}
    assert verdicts["linear"].endswith("5  more than the seeds")
    assert verdicts["tree"].endswith("5  not more than the seeds explain")
    assert verdicts["knn"].endswith("1  too few (n < 3) to tell")
    code, out, err = run(capfd, "stats", *argv[:3], "--baseline", "mlp")
    assert "difference to mlp\n" in out and "--seed args.seed also compares seed by seed" in out


def test_the_p_that_counts_is_shown_at_every_width_whatever_test_it_is_of(
    tmp_path, capfd, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    values = {"a": [0.90, 0.92, 0.91, 0.93], "b": [0.95, 0.99, 0.94, 0.96], "c": [0.87, 0.9, 0.88]}
    for model, numbers in values.items():
        for seed, number in enumerate(numbers):
            args = {"model": model, "seed": seed + 2 * (model == "b")}
            expid = f"{model}{seed}"
            write_record(tmp_path / "experiments", expid, args=args, summary={"acc": number})
    argv = ("stats", "acc", "--groupby", "model", "--seed", "seed", "--baseline", "a")
    for width in ("60", "80", "100", "140"):
        monkeypatch.setenv("COLUMNS", width)
        below = run(capfd, *argv)[1].partition("difference to a, ")[2]
        assert " ".join(below.split()).startswith(
            "paired by args.seed where 3 seeds are common, otherwise Welch"
        )
        assert re.search(r"^b .* Welch +0\.016 .* more than the seeds$", below, re.MULTILINE)
        assert re.search(r"^c .* paired +0\.015 .* more than the seeds$", below, re.MULTILINE)
    below = run(capfd, *argv, "--filter", "model != 'b'")[1].partition("difference to a, ")[2]
    assert below.startswith("paired by args.seed\n") and "alone" not in below


def test_the_json_holds_the_numbers_in_full(seeds, capfd):
    found = answer(capfd, "acc", "--groupby", "model", "--seed", "seed", "--baseline", "mlp")
    groups = {group["group"]["args.model"]: group for group in found["groups"]}
    mlp, linear = ACCURACY["mlp"], ACCURACY["linear"]
    assert {**groups["mlp"], **describe(mlp)._asdict()} == groups["mlp"]
    assert groups["mlp"]["ids"] == ["1", "2", "3", "4", "5"]
    assert groups["mlp"]["not_finite"] == ["17"] and groups["knn"]["without"] == ["19"]
    assert groups["knn"]["std"] is None and groups["knn"]["results"] == [0.9]
    compared = {each["group"]["args.model"]: each for each in found["comparisons"]}
    assert compared["linear"]["welch"] == dict(welch(linear, mlp)._asdict())
    pairs = list(zip(linear, mlp, strict=True))
    assert compared["linear"]["paired"] == dict(paired(pairs)._asdict())
    assert compared["linear"]["p_holm"] == 2 * paired(pairs).p
    assert compared["linear"]["test"] == "paired"
    assert (found["metric"], found["seed"], found["baseline"]) == (
        "summary.acc",
        "args.seed",
        {"args.model": "mlp"},
    )
    assert found["left_out"] == {"ERROR": ["16"]}


def test_experiments_are_chosen_by_id_filter_and_status(seeds, capfd):
    some = answer(capfd, "summary.acc", "--groupby", "model", "-i", "1-7", "last")
    assert [group["n"] for group in some["groups"]] == [0, 2, 5]
    some = answer(capfd, "acc", "--groupby", "model", "--filter", "seed < 2 and model != 'knn'")
    assert [group["n"] for group in some["groups"]] == [2, 2, 2]
    everything = answer(capfd, "acc", "--groupby", "model", "--all-statuses")
    assert everything["left_out"] == {} and "16" in everything["groups"][2]["without"]
    several = answer(capfd, "acc", "--groupby", "model,lr", "--baseline", "mlp, 0.1")
    assert several["baseline"] == {"args.model": "mlp", "args.lr": 0.1}
    assert {"args.model": "mlp"} in [group["group"] for group in several["groups"]]


def test_experiments_that_share_a_seed_or_differ_in_more_are_pointed_out(seeds, capfd):
    folder = write_record(
        seeds,
        "20",
        args={"model": "mlp", "seed": 0, "lr": 0.5},
        summary={"acc": 0.973},
        githead_sha=SHA,
    )
    assert folder.exists()
    found = answer(capfd, "acc", "--groupby", "model", "--seed", "seed", "--baseline", "linear")
    mlp = next(group for group in found["groups"] if group["group"] == {"args.model": "mlp"})
    assert mlp["n"] == 5 and mlp["results"][0] == pytest.approx(0.972)
    assert mlp["same_seed"] == {"0": ["1", "20"]} and mlp["ids"][-1] == "20"
    notes = " ".join(found["notes"])
    assert "share a seed within mlp, such as seed 0 of 1, 20: their mean counts" in notes
    assert "not only the seed differs" in notes and "args.lr, the commit" in notes
    assert "args.seed" not in notes and "args.model" not in notes


def test_logged_metrics_are_results_too(seeds, capfd):
    by_last = answer(capfd, "val/loss", "--groupby", "model")
    assert by_last["metric"] == "val/loss:last"
    by_model = {group["group"]["args.model"]: group for group in by_last["groups"]}
    assert by_model["mlp"]["results"] == [2 - value for value in ACCURACY["mlp"]]
    assert by_model["knn"]["without"] == ["18", "19"]
    for how in ("min", "best"):
        least = answer(capfd, f"val/loss:{how}", "--groupby", "model")
        assert least["groups"][1]["results"] == [1 - value for value in ACCURACY["linear"]]
        assert least["metric"] == "val/loss:min"
    code, _, err = run(capfd, "stats", "val/los", "--groupby", "model")
    assert code == 2
    assert err == (
        "meticulous: Argument METRIC: There is no value and no metric 'val/los'. "
        "Did you mean 'val/loss'?\n"
    )


def test_a_number_of_the_experiment_itself_can_be_the_result(seeds, capfd):
    found = answer(capfd, "duration", "--groupby", "model")
    assert found["metric"] == "duration" and found["groups"][0]["mean"] == 600


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (
            ("acc", "--groupby", "modle"),
            "--groupby: There is no 'modle'. Did you mean 'args.model'?",
        ),
        (("acc", "--groupby", "model", "--seed", "sed"), "--seed: There is no 'sed'. Did you mean"),
        (("acc", "--groupby", "model", "--baseline", "mpl"), "Did you mean 'mlp'?"),
        (("acc", "--groupby", "model", "--baseline", "\x1b[31m"), "There are: knn, linear, mlp"),
        (("acc", "--groupby", "model", "-i", "77"), "There is no experiment '77'"),
        (("acc", "--groupby", "model", "--filter", "x >"), "Filter, column"),
        (("acc", "--groupby", ","), "--groupby: names are missing."),
        (("acc",), "The following arguments are required: --groupby"),
    ],
)
def test_a_wrong_name_is_an_error_in_one_line_with_what_is_near(seeds, capfd, argv, error):
    code, out, err = run(capfd, "stats", *argv)
    assert (code, out) == (2, "")
    assert error in err and err.count("\n") == 1 and "\x1b" not in err


@pytest.fixture
def alike(tmp_path, monkeypatch):
    """Groups that look alike: True and 'True', 1 and '1', None and 'None', none at all and ''."""
    values = [True, "True", 1, "1", None, "None", "", "a,b", 0.5, "x"]
    for place, value in enumerate(values):
        args = {"flag": value, "other": "o"}
        write_record(tmp_path / "experiments", str(place), args=args, summary={"acc": place})
    write_record(tmp_path / "experiments", "10", args={"other": "o"}, summary={"acc": 10})
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("(True)", 0),
        ("'True'", 1),
        ('"True"', 1),
        ("(1)", 2),
        ("1.0", 2),
        ("'1'", 3),
        ("(None)", 4),
        ("'None'", 5),
        ("''", 6),
        ("a,b", 7),
        ("5e-1", 8),
        ("x", 9),
        ("'x'", 9),
        ("()", 10),
    ],
)
def test_each_baseline_can_be_named_also_where_values_look_alike(alike, capfd, text, means):
    for argv, value in ((["flag"], text), (["flag", "other"], f"{text}, o")):
        groups = answer(capfd, "acc", "--groupby", *argv, "--baseline", value)
        compared = [each["group"] for each in groups["comparisons"]]
        (mine,) = (
            g["ids"] for g in groups["groups"] if repr(g["group"]) not in map(repr, compared)
        )
        assert mine == [str(means)]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("True", "'True' can mean 2 groups. Write \"(True)\" or \"'True'\"."),
        ("1", "'1' can mean 2 groups. Write \"(1)\" or \"'1'\"."),
        ("", "'' can mean 2 groups. Write \"''\" or \"()\"."),
        ("Tru", "there is no group 'Tru'. Did you mean 'True'?"),
        ("zzzzz", "There are: 0.5, True, 1, '', '1', 'None', 'True', a,b and 3 more."),
    ],
)
def test_a_baseline_that_could_be_several_is_refused_with_how_to_name_each(
    alike, capfd, text, hint
):
    code, out, err = run(capfd, "stats", "acc", "--groupby", "flag", "--baseline", text)
    assert (code, out) == (2, "") and hint in err


def test_no_experiments_is_an_answer(tmp_path, capfd):
    (tmp_path / "experiments").mkdir()
    argv = ("stats", "acc", "--groupby", "model", "--project-directory", tmp_path)
    code, out, err = run(capfd, *argv)
    assert (code, err) == (0, "") and out.startswith("No experiments in ")
    assert run(capfd, *argv, "--fail-empty")[0] == 3
    code, out, _ = run(capfd, *argv, "--json", "--fail-empty")
    assert code == 3 and json.loads(out)["stats"]["groups"] == []
    write_record(tmp_path / "experiments", "1", status="ERROR\n")
    assert "(left out: 1 ERROR (1); --all-statuses takes them in)" in run(capfd, *argv)[1]


def test_names_and_values_do_nothing_to_the_terminal_whatever_its_width(
    tmp_path, monkeypatch, capfd
):
    evil = "\x1b]0;x\x07\x1b[2Jred\r\n\x9b31m\u202e|%" + "w" * 300
    for expid in range(6):
        write_record(
            tmp_path / "experiments",
            str(expid),
            args={
                evil: f"{evil}{expid % 2}",
                "seed": expid // 2,
                "m": [1] if expid % 2 else None,
                "s": evil,
            },
            summary={evil: 0.1 * expid, "big": 10**400, "deep": [[[]]]},
            status=f"{evil}\n{evil}",
        )
    monkeypatch.chdir(tmp_path)
    name = f"`args.{evil.replace('`', '')}`"
    for width in ("40", "100", "300"):
        monkeypatch.setenv("COLUMNS", width)
        for argv in (
            (f"summary.{evil}", "--groupby", name, "--baseline", f"{evil}1"),
            (f"summary.{evil}", "--groupby", name, "m", "--seed", "seed"),
            (f"summary.{evil}", "--groupby", name, "--seed", "args.s"),
            ("big", "--groupby", "m"),
            ("deep", "--groupby", "m", "--baseline", "[1]"),
        ):
            code, out, err = run(capfd, "stats", *argv)
            assert (code, err) == (0, "")
            printed = out.replace("\n", "")
            assert printed.isprintable()
            if width == "40":
                lines = out.splitlines()
                titles = [line for line in lines if " by " in line or "difference to" in line]
                assert max(len(line) for line in lines if line not in titles) <= 40
                assert max(map(len, titles)) < 250


def test_it_starts_without_what_it_does_not_need(seeds):
    code = (
        "import sys; from meticulous.cli import main; "
        "main(['stats', 'acc', '--groupby', 'model']); "
        "print(sorted({'decimal', 'statistics', 'numpy', 'subprocess'} & set(sys.modules)))"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert process("stats", "--help").returncode == 0


def test_what_else_differs_is_found_with_one_look_at_each_experiment(tmp_path):
    class Counted(dict):
        looks = 0

        def __getitem__(self, name):
            Counted.looks += name == "args"
            return super().__getitem__(name)

    args = [
        {f"option_{n}": n for n in range(30)} | {"model": "m", "late": n > 8} for n in range(10)
    ]
    rows = [Counted(expid=str(n), args=args[n], summary={}, sha="s") for n in range(10)]
    chosen = Chosen(None, rows, Names([dict(row) for row in rows]), {})
    group = Group(("m",))
    group.runs = [Run(row["expid"], "s", MISSING, 1.0) for row in rows]
    (said,) = cautions(chosen, [group], [Field("args", "model")], None)
    assert said == "not only the seed differs between the experiments of a group: args.late"
    assert Counted.looks <= len(rows)
