"""The data frame of 2020: two levels of columns, the ids as index."""

import sys

import pytest

from meticulous.errors import MeticulousError
from meticulous.experiments import ExperimentReader, Experiments
from read.records import OLD_STORE, write_record

HEADER = [("header", name) for name in ("sha", "start_time", "status", "status_message")]


def test_without_pandas_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)  # how Python itself marks an absent module
    with pytest.raises(MeticulousError) as caught:
        Experiments(experiments_directory=tmp_path).as_dataframe()
    assert str(caught.value) == (
        "A data frame needs pandas, which is not installed. "
        "Install it with: pip install 'meticulous-ml[pandas]'"
    )


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas")


def test_columns_and_index_are_those_of_2020(pandas):
    frame = Experiments(experiments_directory=OLD_STORE / "newest/experiments").as_dataframe()
    names = ["lr", "seed", "optimizer", "layers", "out", "crash", "stop_with", "hang"]
    facts = ["githead-sha", "githead-message", "description", "start-time", "command", "end-time"]
    assert list(frame.columns) == [
        *HEADER,
        *(("args", name) for name in names),
        *(("default_args", name) for name in names),
        *(("metadata", name) for name in facts),
        *(("summary", name) for name in ("loss", "step", "note")),
    ]
    assert list(frame.index) == ["1", "2", "3", "4", "5", "6", "7", "8", "baseline"]
    assert frame.index.name == ("header", "expid")
    assert frame["header"]["status"]["4"] == "ERROR"
    assert frame.loc["7", ("args", "layers")] == [16, 16]
    assert frame.loc["2", ("args", "lr")] == 0.01
    assert pandas.isna(frame.loc["6", ("args", "lr")])
    assert pandas.isna(frame.loc["3", ("summary", "note")])
    assert frame.loc["4", ("metadata", "command")] == "train.py --seed 7 --stop-with 3"
    assert frame[frame.args.lr > 1].index.tolist() == ["3"]
    assert frame.groupby(("args", "optimizer"))[[("summary", "loss")]].count().shape == (2, 1)


def test_an_empty_store_gives_an_empty_frame_with_the_header(pandas, tmp_path):
    frame = Experiments(experiments_directory=tmp_path).as_dataframe()
    assert frame.shape == (0, 4)
    assert list(frame.columns) == HEADER
    assert frame.index.name == ("header", "expid")
    assert frame["header"]["status"].tolist() == []


def test_nested_values_stay_or_become_levels_with_clean_labels(pandas, tmp_path):
    args = {"lr": 0.1, "a.b": 2, "model": {"width": 3, "head": {"bias": True}}, "empty": {}}
    write_record(tmp_path, "1", args=args, default_args={})
    write_record(tmp_path, "x.y", args={"model": 7}, default_args={})
    experiments = Experiments(experiments_directory=tmp_path)
    flat = experiments.as_dataframe()
    assert flat.columns.nlevels == 2
    assert flat.loc["1", ("args", "model")] == args["model"]
    one = experiments.as_dataframe(normalize_json_values=1)
    assert one.columns.nlevels == 3
    assert one.loc["1", ("args", "model", "width")] == 3
    assert one.loc["1", ("args", "model", "head")] == {"bias": True}
    assert one.loc["1", ("args", "empty", "")] == {}
    two = experiments.as_dataframe(2)
    assert two.loc["1", ("args", "model", "head", "bias")] == True  # noqa: E712  (numpy's True)
    assert two.loc["x.y", ("args", "model", "", "")] == 7
    assert two.loc["1", ("args", "a.b", "", "")] == 2
    for frame in (flat, one, two):
        assert list(frame.index) == ["1", "x.y"]
        assert all(isinstance(part, str) for column in frame.columns for part in column)
        assert frame.columns[2][:2] == ("header", "status")


def test_a_derived_reader_adds_groups_and_values(pandas, tmp_path):
    class Reader(ExperimentReader):
        def df_vars(self):
            found = super().df_vars()
            found["header"]["machine"] = "m1"
            return {**found, "curve": {"best": 3}}

    write_record(tmp_path)
    frame = Experiments(experiments_directory=tmp_path, reader=Reader).as_dataframe()
    assert frame.loc["1", ("curve", "best")] == 3
    assert frame.loc["1", ("header", "machine")] == "m1"
    assert frame.columns[-1] == ("curve", "best")
    assert frame.columns[4] == ("header", "machine")


def test_what_is_not_finite_is_a_number_among_numbers(pandas, tmp_path):
    losses = [0.5, "NaN", "-Infinity", None, 2]
    for number, loss in enumerate(losses):
        summary = {"loss": loss, "word": "NaN" if number else "text", "big": "NaN" if number else 9}
        write_record(tmp_path, str(number), args={"clip": "Infinity"}, summary=summary)
    frame = Experiments(experiments_directory=tmp_path).as_dataframe()
    loss = frame["summary"]["loss"]
    assert loss.dtype == float and frame.sort_values(("summary", "loss")).index[0] == "2"
    assert (
        loss["0"] == 0.5 and loss["2"] == float("-inf") and loss.isna().tolist()[1::2] == [True] * 2
    )
    assert frame["args"]["clip"].tolist() == [float("inf")] * 5
    assert frame["summary"]["word"].tolist() == ["text", "NaN", "NaN", "NaN", "NaN"]


def test_text_that_is_no_unicode_hides_no_other(pandas, tmp_path):
    write_record(tmp_path, "1", args={"lr": 1, "lone\ud800": "\udc00"}, description="\ud800")
    write_record(tmp_path, "2", args={"lr": 2})
    frame = Experiments(experiments_directory=tmp_path).as_dataframe()
    assert frame["args"]["lr"].tolist() == [1, 2]
    assert frame.loc["1", ("args", "lone\\ud800")] == "\\udc00"
    assert frame.loc["1", ("metadata", "description")] == "\\ud800"
