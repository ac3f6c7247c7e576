"""Which experiments words mean, in every command that takes ids."""

import json

import pytest

from cli import command
from meticulous import Experiments, SettingError
from meticulous.cli import _store
from read.records import write_record


@pytest.fixture
def five(tmp_path):
    root = tmp_path / "experiments"
    for number, (acc, loss) in enumerate(
        [(0.5, 3.0), (0.9, 2.0), ("NaN", 1.0), (0.7, "NaN"), (None, None)], 1
    ):
        values = {} if acc is None else {"acc": acc, "loss": loss, "speed": number}
        annotations = {"name": "base, line"} if number == 2 else {"name": "twin"}
        write_record(root, str(number * 2), summary=values, annotations=annotations)
    write_record(root, "baseline", summary={"acc": 0.1})
    return Experiments(experiments_directory=root)


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["2"], "2"),
        (["4-8"], "4 6 8"),
        (["3-7,10", "2"], "4 6 10 2"),
        (["6,6,4-6"], "6 4"),
        (["last"], "10"),
        (["last~2", "last~0"], "6 10"),
        (["all"], "2 4 6 8 10 baseline"),
        ([], "2 4 6 8 10 baseline"),
        (["baseline"], "baseline"),
        (["best:summary.acc"], "4"),
        (["best:loss"], "6"),
        (["min:acc,8"], None),
        (["min:speed"], "2"),
        (["max:summary.speed"], "8"),
        (["twin"], "2 6 8 10"),
    ],
)
def test_words_mean_experiments_in_their_order_and_each_once(five, words, ids):
    if ids is None:
        with pytest.raises(SettingError):
            _store.chosen(five, words)
    else:
        assert _store.chosen(five, words) == ids.split()


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("3", "There is no experiment '3'"),
        ("11-20", "numbers from 2 to 10"),
        ("last~9", "last~9"),
        ("basline", "Did you mean 'baseline'?"),
        ("best:summary.speed", "Write min:summary.speed or max:summary.speed."),
        ("best:summary.akk", "Did you mean 'summary.acc'?"),
        ("../2", "There is no experiment"),
    ],
)
def test_a_word_that_means_nothing_is_told_with_what_to_do(five, word, says):
    with pytest.raises(SettingError) as caught:
        _store.chosen(five, [word])
    assert says in str(caught.value)


def test_an_experiment_called_all_does_not_stand_for_all_where_none_is_named(tmp_path):
    for expid in ("1", "2", "all"):
        write_record(tmp_path, expid)
    store = Experiments(experiments_directory=tmp_path)
    assert _store.chosen(store, []) == ["1", "2", "all"]
    assert _store.chosen(store, [], "lr == 0.1") == ["1", "2", "all"]
    assert _store.chosen(store, ["all"]) == ["all"]


def test_a_folder_whose_number_begins_with_zeros_is_no_part_of_a_range(tmp_path, capfd):
    for expid in ("0", "007", "5", "6", "7", "0099"):
        write_record(tmp_path, expid)
    store = Experiments(experiments_directory=tmp_path)
    assert _store.chosen(store, ["5-7"]) == ["5", "6", "7"]
    assert _store.chosen(store, ["0-5"]) == ["0", "5"]
    assert _store.chosen(store, ["last", "007"]) == ["7", "007"]
    argv = ("rm", "5-7", "--dry-run", "--experiments-directory", tmp_path)
    assert "007" not in command.run(capfd, *argv)[1]


def test_the_best_is_that_of_the_summary_where_an_arg_has_the_same_name(tmp_path):
    for expid, acc in (("1", 0.9), ("2", 0.8)):
        write_record(tmp_path, expid, args={"acc": 1 - acc}, summary={"acc": acc})
    store = Experiments(experiments_directory=tmp_path)
    assert _store.chosen(store, ["best:acc", "min:args.acc"]) == ["1"]
    assert _store.chosen(store, ["max:args.acc"]) == ["2"]


def test_the_best_of_nothing_recorded_is_told_as_that(tmp_path):
    with pytest.raises(SettingError, match="Nothing is recorded there yet"):
        _store.chosen(Experiments(experiments_directory=tmp_path), ["best:acc"])


def test_the_best_by_what_was_logged_needs_no_other_name_than_plot(tmp_path):
    for number, loss in ((1, 0.3), (2, 0.1), (3, 0.2)):
        line = json.dumps({"step": 0, "time": 1.0, "test/loss": loss})
        (write_record(tmp_path, str(number)) / "metrics.jsonl").write_text(line + "\n")
    store = Experiments(experiments_directory=tmp_path)
    assert _store.chosen(store, ["best:test/loss", "max:test/loss"]) == ["2", "1"]
    with pytest.raises(SettingError, match="There is no 'test/los'"):
        _store.chosen(store, ["best:test/los"])


def test_a_filter_narrows_what_the_words_mean(five):
    assert _store.chosen(five, ["2-8"], "acc > 0.6") == ["4", "8"]
    assert list(five.filter("acc > 0.6")) == ["4", "8"]


def test_a_choice_sorts_and_stays_a_choice_when_it_is_refreshed(five):
    chosen = five.only(["2", "4", "8", "10"]).sort("acc", reverse=True)
    assert list(chosen) == ["4", "8", "2", "10"]  # what has no value is last
    assert list(chosen.sort("acc")) == ["2", "8", "4", "10"]
    chosen.refresh_experiments()
    assert list(chosen) == ["4", "8", "2", "10"]
    assert list(five) == ["2", "4", "6", "8", "10", "baseline"]
    with pytest.raises(KeyError):
        five.only(["3"])


def test_a_choice_does_not_make_the_cache_forget_the_others(five):
    five.rows()
    write_record(five.experiments_directory and _path(five), "12", summary={"acc": 1})
    five.refresh_experiments()
    five.only(["12"]).rows()
    index = Experiments(experiments_directory=five.experiments_directory)._index
    assert index.find_all("head") is not None
    again = Experiments(experiments_directory=five.experiments_directory)
    assert [row["expid"] for row in again.rows()] == ["2", "4", "6", "8", "10", "12", "baseline"]


def _path(store):
    from pathlib import Path

    return Path(store.experiments_directory)


def test_the_path_of_a_folder_is_an_id_too(five, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = command.run(capfd, "show", "experiments/4", "--json")
    assert (code, err) == (0, "")
    assert '"expid": "4"' in out
    monkeypatch.chdir(tmp_path / "experiments" / "4")
    assert command.run(capfd, "show", ".", "--json") == (0, out, "")
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other"
    write_record(other, "1")
    code, _, err = command.run(capfd, "export", "experiments/4", "other/1", "--to", "x.csv")
    assert code == 2
    assert "2 experiments folders" in err
    assert json.loads(out)["schema"] == 1
