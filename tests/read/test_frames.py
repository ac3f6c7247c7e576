"""Flat frames of polars and Arrow: every column of one kind, nothing lost, nothing invented."""

import io
import json
import math
import sys

import pytest

from cli.command import run
from meticulous.errors import MeticulousError, QueryError, SettingError
from meticulous.experiments import Experiments
from read.records import OLD_STORE, write_record

polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")
HEADER = ["expid", "sha", "start_time", "duration", "status", "status_message", "description"]


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = tmp_path / "experiments"
    write_record(
        root,
        "1",
        args={"lr": 1, "seed": 3, "model": {"width": 8}, "big": 2**70, "flag": True, "mixed": 1},
        summary={"loss": float("nan"), "word": "Infinity", "steps": 5, "only": None},
        annotations={"tags": ["a", "b"]},
    )
    write_record(
        root,
        "2",
        args={"lr": 0.5, "seed": -4, "model": {}, "big": 1, "flag": None, "mixed": "x\ud800"},
        summary={"loss": 0.25, "word": 2, "steps": 2**53 + 1, "list": [1, {"a": "\u4e16"}]},
    )
    write_record(root, "named", args={"mixed": [1.5, None], "\ud800": False}, summary={})
    return root


EXPECTED = {
    "args.lr": ("float", [1.0, 0.5, None]),
    "args.seed": ("int", [3, -4, None]),
    "args.model.width": ("int", [8, None, None]),
    "args.model": ("text", ['{"width":8}', "{}", None]),
    "args.big": ("text", [str(2**70), "1", None]),
    "args.flag": ("bool", [True, None, None]),
    "args.mixed": ("text", ["1", "x\\ud800", "[1.5,null]"]),
    "args.\\ud800": ("bool", [None, None, False]),
    "summary.loss": ("float", [math.nan, 0.25, None]),
    "summary.word": ("float", [math.inf, 2.0, None]),
    "summary.steps": ("int", [5, 2**53 + 1, None]),
    "summary.only": ("text", [None, None, None]),
    "summary.list": ("text", [None, '[1,{"a":"\u4e16"}]', None]),
    "annotations.tags": ("text", ['["a","b"]', None, None]),
}
KINDS = {
    "float": (polars.Float64, "double"),
    "int": (polars.Int64, "int64"),
    "bool": (polars.Boolean, "bool"),
    "text": (polars.String, "string"),
}


def check(columns, kind_of, kind):
    assert list(columns)[:7] == HEADER and set(columns) == {*HEADER, *EXPECTED}
    assert columns["expid"] == ["1", "2", "named"] and columns["status"] == ["SUCCESS"] * 3
    assert columns["duration"] == [600.0] * 3 and kind_of("duration") == KINDS["float"][kind]
    for name, (expected, values) in EXPECTED.items():
        assert repr(columns[name]) == repr(values), name
        assert kind_of(name) == KINDS[expected][kind], name


def test_polars_and_arrow_have_columns_of_one_kind_and_all_values(root):
    store = Experiments(experiments_directory=root)
    frame = store.to_polars()
    check(frame.to_dict(as_series=False), lambda name: frame.schema[name], 0)
    assert frame.filter(polars.col("args.lr") > 0.7)["expid"].to_list() == ["1"]
    table = store.to_arrow()
    check(table.to_pydict(), lambda name: str(table.schema.field(name).type), 1)


def test_an_empty_store_gives_the_columns_of_the_header(tmp_path):
    store = Experiments(experiments_directory=tmp_path)
    assert store.to_polars().columns == store.to_arrow().column_names == HEADER
    assert store.to_polars().shape == (0, 7) and store.to_arrow().num_rows == 0


def test_old_records_fit_as_well():
    store = Experiments(experiments_directory=OLD_STORE / "newest/experiments")
    assert store.to_polars().height == store.to_arrow().num_rows == 9
    assert str(store.to_arrow().schema.field("args.lr").type) == "double"


def test_without_the_library_the_error_names_the_extra(root, monkeypatch):
    store = Experiments(experiments_directory=root)
    monkeypatch.setitem(sys.modules, "polars", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MeticulousError, match=r"polars, which .* pip install 'met.*\[polars\]'"):
        store.to_polars()
    with pytest.raises(MeticulousError, match=r"pyarrow, which .* pip install 'met.*\[arrow\]'"):
        store.to_arrow()


# ------------------------------------------------------------------------------ Parquet


@pytest.mark.parametrize("without", [(), ("pyarrow",), ("polars", "pandas"), ("polars", "pyarrow")])
def test_parquet_is_written_by_whichever_library_is_there(root, capfdbinary, monkeypatch, without):
    monkeypatch.chdir(root.parent)
    with monkeypatch.context() as patch:
        for name in without:
            patch.setitem(sys.modules, name, None)
        words = ["list", "--sort", "lr", "--columns", "lr,mixed,duration"]
        code, out, err = run(capfdbinary, *words, "--parquet")
        exported, _, _ = run(capfdbinary, *words, "--export", "t.parquet")
    if len(without) == 2 and "pyarrow" in without:
        assert (code, exported, out) == (1, 1, b"") and b"pip install" in err
        assert not root.parent.joinpath("t.parquet").exists()
        return
    assert (code, exported, err) == (0, 0, b"")
    for source in (io.BytesIO(out), root.parent / "t.parquet"):
        assert polars.read_parquet(source).to_dict(as_series=False) == {
            "expid": ["1", "2", "named"],
            "args.lr": [1.0, 0.5, None],
            "args.mixed": ["1", "x\\ud800", "[1.5,null]"],
            "duration": [600.0] * 3,
        }


def test_parquet_is_not_written_to_a_terminal(root):
    pexpect = pytest.importorskip("pexpect")
    words = ["-m", "meticulous", "list", str(root), "--parquet"]
    child = pexpect.spawn(sys.executable, words, encoding="utf-8", timeout=60)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 2 and len(child.before.splitlines()) == 1
    assert "Send it to a file" in child.before and "PAR1" not in child.before


# ------------------------------------------------------------------------------ choices


def test_filter_sort_and_only_give_stores_in_that_order(root):
    store = Experiments(experiments_directory=root)
    assert list(store.sort("args.lr")) == ["2", "1", "named"]
    assert list(store.sort("args.lr", reverse=True)) == ["1", "2", "named"]
    assert list(store.sort("status", "args.seed")) == ["2", "1", "named"]
    chosen = store.filter("args.seed < 100").sort("args.lr")
    assert chosen.to_polars()["expid"].to_list() == list(chosen) == ["2", "1"]
    assert [row["expid"] for row in chosen.rows()] == ["2", "1"] and len(store) == 3
    assert list(chosen.only(["1"])) == ["1"] and chosen["1"].args["lr"] == 1
    write_record(root, "4", args={"seed": 1})
    chosen.refresh_experiments()
    assert list(chosen) == ["2", "1"]
    assert json.loads(json.dumps(list(store.filter("args.lr > 99")))) == []
    for call, error in (
        (lambda: store.filter("args.lrr > 1"), QueryError),
        (lambda: store.sort("args.sede"), SettingError),
        (lambda: store.only(["17"]), KeyError),
    ):
        with pytest.raises(error):
            call()
