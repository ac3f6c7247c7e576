"""Any value may go through args, summary and log; what JSON has words for comes back equal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage_tools import (
    ODD,
    Quick,
    alike,
    json_values,
    odd_keys,
    odd_values,
    plain_texts,
    read_all,
    texts,
)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    with Quick(tmp_path_factory.mktemp("values") / "project") as quick:
        yield quick


def recorded(start, args, summary, rows):
    """Everything that three ways of recording leave on disk, strictly read."""
    with start(args, args, tags=["t"]) as experiment:
        experiment.summary(summary)
        for row in rows:
            experiment.log(row)
    found = read_all(experiment.curexpdir)
    assert "problems" not in found["metadata.json"]
    return found


@given(st.dictionaries(plain_texts, json_values, max_size=4))
@settings(deadline=None, max_examples=30)
def test_what_json_has_words_for_comes_back_equal_from_every_file(start, value):
    found = recorded(start, value, value, [{"value": value} if value else {"value": 1}])
    assert alike(found["args.json"], value)
    assert alike(found["default_args.json"], value)
    assert alike(found["summary.json"], value)
    (row,) = found["metrics.jsonl"]
    assert row["step"] == 0
    for name, item in value.items():
        if not isinstance(item, dict) or not item:
            assert any(alike(item, logged) for logged in row.values()), name


@given(
    st.dictionaries(odd_keys | texts, odd_values, max_size=4),
    odd_values,
    st.lists(st.dictionaries(odd_keys | texts, odd_values, max_size=3) | odd_values, max_size=4),
)
@settings(deadline=None, max_examples=50)
def test_anything_is_recorded_and_nothing_raises(start, args, summary, rows):
    found = recorded(start, args, summary, rows)
    assert len(found["args.json"]) == len(args)
    assert len(found.get("metrics.jsonl", ())) == len(rows)


def test_every_odd_value_at_once_and_ten_megabytes(start):
    values = {f"{index}": value for index, value in enumerate(ODD)}
    text = "long \u2028 \U0001f600" * (1 << 20)
    values["text"] = text
    found = recorded(start, values, values, [values, {}])
    for name in ("args.json", "default_args.json", "summary.json"):
        assert len(found[name]) == len(values)
        assert found[name]["text"] == text
    row, empty = found["metrics.jsonl"]
    assert row["text"] == text and empty["step"] == 1
    assert {name.partition("/")[0] for name in row} >= set(values)
