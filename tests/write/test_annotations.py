"""Tags and notes: what people say about an experiment, kept with a history."""

from __future__ import annotations

import json
import threading

import pytest

from storage_tools import Quick, folder_of, strict


@pytest.fixture
def start(tmp_path):
    with Quick(tmp_path / "project") as quick:
        yield quick


def annotations(experiment):
    return strict((folder_of(experiment) / "annotations.json").read_bytes())


def test_tags_and_notes_are_kept_once_and_in_order(start):
    with start(tags=["a", "b", "a"], name="baseline") as experiment:
        assert annotations(experiment) == {"name": "baseline", "tags": ["a", "b"]}
        experiment.tag("c", "a")
        experiment.tag("c")
        experiment.note("first")
        experiment.note("second\nline \ud800")
        experiment.tag(7)
    found = annotations(experiment)
    assert found["name"] == "baseline"
    assert found["tags"] == ["a", "b", "c", "7"]
    assert [note["text"] for note in found["notes"]] == ["first", "second\nline \\ud800"]
    actions = [(line["action"], line["value"]) for line in found["history"]]
    assert actions == [
        ("tag", ["c", "a"]),
        ("tag", ["c"]),
        ("note", "first"),
        ("note", "second\nline \\ud800"),
        ("tag", ["7"]),
    ]
    assert all(line["time"].endswith("+00:00") for line in found["history"] + found["notes"])


def test_one_word_is_one_tag(start):
    with start(tags="baseline") as experiment:
        pass
    assert annotations(experiment)["tags"] == ["baseline"]


def test_without_any_there_is_no_file(start):
    with start() as experiment:
        pass
    assert not (folder_of(experiment) / "annotations.json").exists()


def test_what_the_command_line_changed_meanwhile_stays(start):
    with start(tags=["a"]) as experiment:
        experiment.tag("b")
        path = folder_of(experiment) / "annotations.json"
        found = annotations(experiment)
        found["tags"].remove("a")
        found["tags"].remove("b")
        found["rating"] = 5
        path.write_text(json.dumps(found))
        experiment.tag("c")
        experiment.note("n")
    found = annotations(experiment)
    assert found["tags"] == ["c"], "what was taken away is not added again"
    assert found["rating"] == 5


@pytest.mark.parametrize("broken", [b"", b"[1]", b"{", b'{"tags": 5, "notes": "x", "history": 1}'])
def test_a_broken_file_costs_only_what_was_in_it(start, broken):
    with start() as experiment:
        (folder_of(experiment) / "annotations.json").write_bytes(broken)
        experiment.tag("a")
        experiment.note("n")
    found = annotations(experiment)
    assert found["tags"] == ["a"] and len(found["notes"]) == 1


def test_many_threads_lose_none(start):
    with start() as experiment:

        def work(thread):
            for number in range(10):
                experiment.tag(f"{thread}.{number}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(annotations(experiment)["tags"]) == sorted(
        f"{thread}.{number}" for thread in range(4) for number in range(10)
    )


def test_they_can_be_added_after_the_end(start):
    experiment = start()
    experiment.finish()
    experiment.tag("late")
    experiment.note("late")
    found = annotations(experiment)
    assert found["tags"] == ["late"] and found["notes"][0]["text"] == "late"
