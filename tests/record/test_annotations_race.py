"""annotations.json, changed by many processes at once and by ones that are killed meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest

from meticulous import _annotations, _folder
from storage_tools import OBEY_MODES, Quick, folder_of, strict

PATIENCE = 60
MARK = ".annotating"

# Tags through the very function that the command calls; all begin at once.
TAGGER = """
import os, sys, time
from meticulous import _annotations, _folder
me, count, folder, go = sys.argv[1], int(sys.argv[2]), _folder.Folder(sys.argv[3]), sys.argv[4]
open(f"{go}-{me}", "w").close()
while not os.path.exists(go):
    time.sleep(0.001)
for number in range(count):
    line = _annotations.change("tag", [f"{me}.{number}"])
    _annotations.apply(folder, [line], 60)
"""


@pytest.fixture
def start(tmp_path):
    with Quick(tmp_path / "project") as quick:
        yield quick


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "1"
    path.mkdir()
    return _folder.Folder(str(path))


def read(folder):
    return strict(pathlib.Path(folder, "annotations.json").read_bytes())


def tag(folder, *tags, seconds=PATIENCE):
    return _annotations.apply(folder, [_annotations.change("tag", list(tags))], seconds)


def left_over(folder):
    return [name for name in os.listdir(folder) if name.startswith(".")]


def taggers(go, folder, names, count, program=TAGGER):
    command = [sys.executable, "-c", program]
    return [subprocess.Popen([*command, name, str(count), str(folder), str(go)]) for name in names]


def begin(go, names):
    deadline = time.monotonic() + PATIENCE
    while not all(go.with_name(f"{go.name}-{name}").exists() for name in names):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    go.touch()


def test_none_is_lost_of_eight_processes_and_a_running_experiment_that_ends_meanwhile(
    start, tmp_path
):
    experiment = start(tags=["first"])
    folder, go, names = folder_of(experiment), tmp_path / "go", list("abcdefgh")
    children = taggers(go, folder, names, 25)
    begin(go, names)
    for number in range(25):
        experiment.tag(f"own.{number}")
    experiment.note("the last one")
    experiment.finish()
    assert [child.wait(PATIENCE) for child in children] == [0] * 8
    experiment.tag("late")
    found = read(folder)
    expected = {f"{name}.{number}" for name in (*names, "own") for number in range(25)}
    assert set(found["tags"]) == expected | {"first", "late"}
    assert len(found["tags"]) == len(set(found["tags"]))
    assert len(found["history"]) == 9 * 25 + 2
    assert [note["text"] for note in found["notes"]] == ["the last one"]
    # On a busy machine it may have waited in vain and tried again, which is noted; nothing is lost.
    problems = strict((folder / "metadata.json").read_bytes()).get("problems", {})
    assert set(problems) <= {"errors"} and set(problems.get("errors", {})) <= {"annotations.json"}
    assert not left_over(folder)


def test_holders_that_are_killed_at_any_moment_stop_nobody_for_long(folder, tmp_path):
    """Of the killed ones each tag is there or not; of the others all are."""
    rounds = 12
    for number in range(rounds):
        go, name = tmp_path / f"go{number}", f"killed{number}"
        [child] = taggers(go, folder.path, [name], 100_000)
        begin(go, [name])
        if number % 2:
            deadline = time.monotonic() + PATIENCE
            while not os.path.exists(folder.file(MARK)) and time.monotonic() < deadline:
                pass
        else:
            time.sleep(0.01 * number)
        child.kill()
        child.wait(PATIENCE)
        # What a killed holder left counts as old at once, so that the test need not wait for it.
        for mark in left_over(folder.path):
            with contextlib.suppress(OSError):
                os.utime(folder.file(mark), (1, 1))
        assert f"sound{number}" in tag(folder, f"sound{number}").annotations["tags"]
    found = read(folder.path)
    assert {f"sound{number}" for number in range(rounds)} <= set(found["tags"])
    for number in range(rounds):
        own = [
            int(tag.split(".")[1]) for tag in found["tags"] if tag.startswith(f"killed{number}.")
        ]
        assert own == list(range(len(own))), "what was reported as done stays"
    assert not [name for name in left_over(folder.path) if name.startswith(MARK)]


def test_of_many_that_take_over_from_a_killed_holder_at_once_none_is_lost(folder, tmp_path):
    for depth in (1, 3):
        for generation in range(depth):
            mark = folder.file(f"{MARK}.{generation}" if generation else MARK)
            os.mkdir(mark)
            os.utime(mark, (1, 1))
        go, names = tmp_path / f"go{depth}", [f"{depth}{letter}" for letter in "abcdef"]
        children = taggers(go, folder.path, names, 10)
        begin(go, names)
        assert [child.wait(PATIENCE) for child in children] == [0] * len(names)
        expected = {f"{name}.{number}" for name in names for number in range(10)}
        assert expected <= set(read(folder.path)["tags"])
        assert not left_over(folder.path)


def test_a_fresh_holder_is_waited_for_and_never_taken_for_dead(folder):
    os.mkdir(folder.file(MARK))
    with pytest.raises(TimeoutError):
        tag(folder, "a", seconds=0.5)
    assert not os.path.exists(folder.file("annotations.json"))
    assert left_over(folder.path) == [MARK], "it stays that of its owner"
    waiting = threading.Thread(target=tag, args=(folder, "a"))
    waiting.start()
    os.rmdir(folder.file(MARK))
    waiting.join(PATIENCE)
    assert read(folder.path)["tags"] == ["a"]


def test_a_holder_that_was_taken_for_dead_notices_and_begins_again(folder):
    """Its own reading is out of date by then; writing it would lose what the other one wrote."""
    marks = _annotations._take(folder.file(MARK), 0)
    os.utime(folder.file(MARK), (1, 1))
    tag(folder, "other")
    slow = [_annotations.change("tag", ["slow"])]
    assert _annotations._write(folder, slow, marks) is None
    assert read(folder.path)["tags"] == ["other"]
    assert not left_over(folder.path)


def test_a_running_experiment_is_not_held_up_and_tries_again(start):
    experiment = start()
    folder = folder_of(experiment)
    (folder / MARK).mkdir()  # just made, so it counts as held
    began = time.monotonic()
    experiment.tag("a")
    assert time.monotonic() - began < 10
    experiment.log({"loss": 1})
    (folder / MARK).rmdir()
    experiment.tag("b")
    deadline = time.monotonic() + PATIENCE
    while not (folder / "annotations.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    experiment.finish()
    assert read(folder)["tags"] == ["a", "b"]
    assert (folder / "STATUS").read_text() == "SUCCESS"


@pytest.mark.parametrize(
    ("broken", "kept_tags"),
    [
        (b"{", []),
        (b"\xff\xfe", []),
        (b"[1]", []),
        (b'{"tags": 5, "rating": 3, "notes": [{"text": "n"}]}', []),
        (b'{"tags": ["x"], "history": {}}', ["x"]),
    ],
)
def test_what_cannot_be_understood_is_kept_beside(folder, broken, kept_tags):
    path = folder.file("annotations.json")
    for number in (1, 2):
        with open(path, "wb") as file:
            file.write(broken)
        done = tag(folder, "a")
        assert done.kept == f"annotations.json.broken-{number}"
        with open(folder.file(done.kept), "rb") as file:
            assert file.read() == broken
        assert read(folder.path)["tags"] == [*kept_tags, "a"]
    assert tag(folder, "b").kept == ""
    if b"rating" in broken:
        assert read(folder.path)["rating"] == 3
        assert read(folder.path)["notes"] == [{"text": "n"}]


def test_a_link_is_neither_followed_nor_lost(folder, tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_text('{"tags": ["secret"]}')
    os.symlink(outside, folder.file("annotations.json"))
    assert tag(folder, "a").annotations["tags"] == ["a"]
    assert json.loads(outside.read_text()) == {"tags": ["secret"]}
    assert os.readlink(folder.file("annotations.json.broken-1")) == str(outside)


def test_unknown_keys_pass_through_and_every_action_has_its_line(folder):
    with open(folder.file("annotations.json"), "w") as file:
        json.dump({"rating": {"by": [1, 0.1]}, "tags": ["x"]}, file)
    steps = [
        ("tag", ["a", "b", "a"]),
        ("untag", ["x", "b", "absent"]),
        ("note", "n"),
        ("name", "baseline"),
        ("lock", None),
    ]
    lines = [_annotations.change(*step) for step in steps]
    for _ in range(2):  # again and again changes nothing
        _annotations.apply(folder, lines, PATIENCE)
        found = read(folder.path)
        assert found["rating"] == {"by": [1, 0.1]}
        assert found["tags"] == ["a"] and found["name"] == "baseline" and found["locked"] is True
        assert [note["text"] for note in found["notes"]] == ["n"]
        assert [(line["action"], line.get("value")) for line in found["history"]] == steps
    again = [_annotations.change("name", ""), _annotations.change("unlock")]
    found = _annotations.apply(folder, again, PATIENCE).annotations
    assert "name" not in found and "locked" not in found and len(found["history"]) == 7


def test_a_folder_that_takes_no_file_is_an_error_and_one_whose_file_is_writable_is_not(tmp_path):
    program = (
        OBEY_MODES
        + """
import sys
from meticulous import _annotations, _folder
try:
    line = _annotations.change("tag", ["a"])
    print(_annotations.apply(_folder.Folder(sys.argv[1]), [line], 60).annotations["tags"])
except OSError as error:
    print(error.strerror)
"""
    )
    for content, expected in ((None, "Permission denied"), ('{"tags": []}' + " " * 400, "['a']")):
        path = tmp_path / f"{content is None}"
        path.mkdir()
        if content is not None:
            (path / "annotations.json").write_text(content)
        path.chmod(0o500)
        try:
            done = subprocess.run(
                [sys.executable, "-c", program, path], capture_output=True, text=True, check=False
            )
        finally:
            path.chmod(0o700)
        assert done.stdout.strip() == expected, done.stderr
        assert not left_over(path)


def test_who_takes_over_at_the_very_moment_when_another_one_has_done_so_waits(tmp_path):
    """The killed holder's folder is replaced by a living one's after it was found to be old."""
    program = """
import os, sys, time
from meticulous import _annotations
folder = sys.argv[1]
path = os.path.join(folder, ".annotating")
os.mkdir(path)
os.utime(path, (1, 1))
done = []
def others(event, arguments):
    if event == "os.mkdir" and arguments[0] == path + ".1" and not done:
        done.append(True)
        os.rmdir(path)
        os.mkdir(path)
sys.addaudithook(others)
try:
    _annotations._take(path, time.monotonic() + 1)
except TimeoutError:
    print(done, os.listdir(folder))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[True] ['.annotating']\n"
