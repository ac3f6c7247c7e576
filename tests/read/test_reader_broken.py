"""Whatever is in a folder: nothing raises or hangs, the damage is named, the others are whole."""

import json
import os
import stat
import time

import pytest

from meticulous.errors import StorageError
from meticulous.experiments import ExperimentReader, Experiments
from read.records import write_record

DOCUMENTS = ("args.json", "default_args.json", "metadata.json", "summary.json", "annotations.json")
FILES = (*DOCUMENTS, "STATUS")


def test_what_ran_where_and_with_which_files_is_public_whatever_is_there(tmp_path):
    folder = write_record(tmp_path)
    reader = ExperimentReader(folder)
    assert (reader.environment, reader.recorded_files, reader.problems) == ({}, [], [])
    (folder / "environment.json").write_text('{"host": "node7"}')
    lines = [
        {"role": role, "path": "a.csv", "size": size} for role, size in (("input", 1), ("input", 2))
    ]
    (folder / "files.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    reader = ExperimentReader(folder)
    assert (reader.environment, reader.recorded_files) == ({"host": "node7"}, lines[1:])
    for name in ("environment.json", "files.jsonl"):
        (folder / name).write_bytes(b'\x00{"torn')
    reader = ExperimentReader(folder)
    assert (reader.environment, reader.recorded_files) == ({}, [])
    assert len(reader.problems) == 2


@pytest.fixture
def store(tmp_path):
    """A good experiment, one to be broken, and another good one."""
    root = tmp_path / "experiments"
    for expid in ("1", "2", "3"):
        write_record(
            root,
            expid,
            status="ERROR\nTraceback (most recent call last):\nValueError: no\n",
            summary={"loss": 0.5, "note": "\u00e4\u20ac"},
            annotations={"tags": ["a"]},
            session={"ending": {"kind": "error"}, "duration": 1.5},
        )
    return root


def content(reader, *args, **kwargs):
    with reader.open(*args, **kwargs) as file:
        return file.read()


def read_all(root):
    """Read everything there is and check its shape; gives the rows by id."""
    experiments = Experiments(experiments_directory=root)
    rows = {row["expid"]: row for row in experiments.rows()}
    for reader in experiments.values():
        row = rows[reader.expid]
        for name in ("args", "default_args", "summary", "annotations", "metadata"):
            assert isinstance(row[name], dict)
        assert all(isinstance(session, dict) for session in reader.sessions)
        assert row["status"].isprintable() and row["status_message"].isprintable()
        assert row["sha"] is None or isinstance(row["sha"], str)
        assert row["start_time"] and isinstance(row["description"], str)
        assert row["duration"] is None or row["duration"] >= 0
        assert all(isinstance(problem, str) and problem for problem in row["problems"])
    return rows


def test_every_prefix_of_every_file_leaves_the_others_whole(store):
    whole = read_all(store)
    assert not any(row["problems"] for row in whole.values())
    for name in FILES:
        path = store / "2" / name
        content = path.read_bytes()
        for length in range(len(content)):
            path.write_bytes(content[:length])
            reader = ExperimentReader(store / "2")
            row = reader.row()
            problems = row.pop("problems")
            if name == "STATUS":
                assert bool(problems) == (length == 0)
            else:
                assert len(problems) == 1 and problems[0].startswith(f"{name} is not JSON: ")
        rows = read_all(store)
        assert {rows[expid]["status"] for expid in ("1", "3")} == {"ERROR"}
        assert rows["1"] == whole["1"] and rows["3"] == whole["3"]
        path.write_bytes(content)


def _nested(depth):
    return b"[" * depth + b"]" * depth


REPLACEMENTS = {
    "directory": lambda path, _: path.mkdir(),
    "fifo": lambda path, _: os.mkfifo(path),
    "socket": lambda path, _: os.mknod(path, stat.S_IFSOCK | 0o600),
    "device": lambda path, _: path.symlink_to("/dev/zero"),
    "dangling link": lambda path, _: path.symlink_to("nothing"),
    "link to itself": lambda path, _: path.symlink_to(path.name),
    "link out": lambda path, outside: path.symlink_to(outside / path.name),
    "empty": lambda path, _: path.write_bytes(b""),
    "zeros": lambda path, _: path.write_bytes(bytes(1000)),
    "bytes": lambda path, _: path.write_bytes(bytes(range(256))),
    "not UTF-8": lambda path, _: path.write_bytes(b'{"a": "\xff"}'),
    "list": lambda path, _: path.write_bytes(b"[1, 2]"),
    "number": lambda path, _: path.write_bytes(b"7"),
    "deep": lambda path, _: path.write_bytes(_nested(10_000)),
    "deep object": lambda path, _: path.write_bytes(b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    "long number": lambda path, _: path.write_bytes(b'{"a": ' + b"9" * 100_000 + b"}"),
    "sparse": lambda path, _: _sparse(path, 5 << 30),
    "large": lambda path, _: _sparse(path, 65 << 20),
}


def _sparse(path, size):
    with path.open("wb") as file:
        file.truncate(size)


@pytest.mark.parametrize("kind", REPLACEMENTS)
def test_a_file_replaced_by_something_else_is_named_and_hides_nothing(store, tmp_path, kind):
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in DOCUMENTS:
        outside.joinpath(name).write_text('{"secret": 1, "description": "secret"}')
    outside.joinpath("STATUS").write_text("SECRET")
    for name in FILES:
        path = store / "2" / name
        content = path.read_bytes()
        path.unlink()
        REPLACEMENTS[kind](path, outside)
        rows = read_all(store)
        assert not rows["1"]["problems"] and not rows["3"]["problems"]
        if name == "STATUS" and path.is_file():
            assert "secret" not in rows["2"]["status"].lower()
        else:
            assert any(problem.startswith(name) for problem in rows["2"]["problems"]), name
        assert "secret" not in json.dumps(rows["2"], default=repr).lower()
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        path.write_bytes(content)
    assert not read_all(store)["2"]["problems"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads files of every mode")
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_may_not_be_read_is_named(store, name):
    (store / "2" / name).chmod(0)
    problems = read_all(store)["2"]["problems"]
    assert problems == [f"{name} cannot be read: permission denied"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named_unless_it_need_not_be_there(store, name):
    (store / "2" / name).unlink()
    needed = name not in ("summary.json", "annotations.json")
    assert read_all(store)["2"]["problems"] == ([f"{name} is missing"] if needed else [])


def test_an_empty_folder_is_an_experiment_without_a_record(store):
    store.joinpath("4").mkdir()
    row = read_all(store)["4"]
    assert row["status"] == "UNKNOWN"
    assert row["problems"] == ["nothing is recorded in the folder"]


def test_a_folder_that_does_not_exist_raises_nothing(tmp_path):
    reader = ExperimentReader(tmp_path / "none")
    assert reader.problems == ["the folder does not exist"]
    assert (reader.status, reader.start_time, reader.args, reader.files) == ("UNKNOWN", "", {}, [])


def test_a_folder_that_vanishes_meanwhile_is_left_out(store):
    experiments = Experiments(experiments_directory=store)
    for path in store.joinpath("2").iterdir():
        path.unlink()
    store.joinpath("2").rmdir()
    assert [row["expid"] for row in experiments.rows()] == ["1", "3"]


def test_values_of_the_wrong_kind_are_passed_over(tmp_path):
    wrong = {
        "githead_sha": 7,
        "start_time": ["x"],
        "timestamp": 5,
        "end_time": {"a": 1},
        "description": {"a": [1]},
        "command": "text",
        "problems": {"lost": 3},
    }
    for number, sessions in enumerate((7, [1, None], {"pid": 1}, [{"pid": "x", "host": 3}])):
        status = "RUNNING"
        write_record(tmp_path, str(number), status=status, sessions=sessions, **wrong)
    rows = read_all(tmp_path)
    assert {row["sha"] for row in rows.values()} == {None}
    assert "sessions" in rows["0"]["problems"][0] and "sessions" in rows["1"]["problems"][0]


def test_unknown_keys_and_words_pass_through(tmp_path):
    write_record(tmp_path, status="DREAMING\nof sheep", dream={"of": "sheep"}, format=99)
    reader = ExperimentReader(tmp_path / "1")
    assert (reader.status, reader.status_message) == ("DREAMING", "of sheep")
    assert reader.metadata["dream"] == {"of": "sheep"}
    assert reader.problems == []


def test_defaults_that_were_not_captured_are_no_problem(tmp_path):
    folder = write_record(tmp_path)
    folder.joinpath("default_args.json").write_text("null")
    reader = ExperimentReader(folder)
    assert (reader.default_args, reader.problems) == ({}, [])


def test_bare_nan_and_infinity_are_numbers(tmp_path):
    folder = write_record(tmp_path, args={"lr": float("nan"), "x": float("-inf")})
    assert "NaN" in folder.joinpath("args.json").read_text()
    args = ExperimentReader(folder).args
    assert args["lr"] != args["lr"] and args["x"] == float("-inf")


def test_what_the_experiment_could_not_record_is_a_problem(tmp_path):
    folder = write_record(tmp_path, problems={"lost": {"metrics.jsonl": 12, "stdout": 3}})
    expected = ["not recorded: 12 of metrics.jsonl, 3 of stdout"]
    assert ExperimentReader(folder).problems == expected


# ------------------------------------------------------------------------------ files and open


def test_open_reads_files_of_the_folder_with_all_arguments_of_open(tmp_path):
    folder = write_record(tmp_path)
    folder.joinpath("figures").mkdir()
    folder.joinpath("figures", "a.txt").write_bytes("\u00e4".encode("latin-1"))
    reader = ExperimentReader(folder)
    assert content(reader, "figures/a.txt", "rb") == b"\xe4"
    assert content(reader, "figures/a.txt", encoding="latin-1") == "\u00e4"
    assert content(reader, folder / "figures" / "a.txt", mode="r", encoding="latin-1")
    with pytest.raises(FileNotFoundError):
        reader.open("none")
    assert [name for name in reader.files if "/" in name] == ["figures/a.txt"]


@pytest.mark.parametrize(
    "path", ["../2/STATUS", "/etc/passwd", "link", "folder/passwd", "up/2/STATUS", "a/../../x", "."]
)
def test_open_never_leaves_the_folder(tmp_path, path):
    folder = write_record(tmp_path)
    write_record(tmp_path, "2")
    folder.joinpath("link").symlink_to("/etc/passwd")
    folder.joinpath("folder").symlink_to("/etc")
    folder.joinpath("up").symlink_to("..")
    with pytest.raises(StorageError, match="leads out of the experiment's folder"):
        ExperimentReader(folder).open(path)
    with pytest.raises(StorageError):
        ExperimentReader(folder).open(path, "w")
    assert not {"link", "folder", "up"} & {
        name.split("/")[0] for name in ExperimentReader(folder).files
    }


def test_open_follows_links_that_stay_inside(tmp_path):
    folder = write_record(tmp_path)
    folder.joinpath("best").symlink_to("stdout")
    folder.joinpath("stdout").write_text("hello")
    assert content(ExperimentReader(folder), "best") == "hello"
    linked = tmp_path / "linked"
    linked.symlink_to(folder)  # which folder is read is up to whoever asks
    assert content(ExperimentReader(linked), "stdout") == "hello"


def test_open_does_not_wait_for_a_fifo_or_read_a_folder(tmp_path):
    folder = write_record(tmp_path)
    os.mkfifo(folder / "pipe")
    folder.joinpath("sub").mkdir()
    for name in ("pipe", "sub"):
        with pytest.raises(StorageError, match="not a regular file"):
            ExperimentReader(folder).open(name)
    assert "pipe" not in ExperimentReader(folder).files


@pytest.mark.parametrize("mode", ["w", "a", "r+", "wb", "x"])
def test_open_does_not_change_the_record_itself(tmp_path, mode):
    folder = write_record(tmp_path)
    reader = ExperimentReader(folder)
    for name in ("STATUS", "./metadata.json", "stdout", "metrics.jsonl"):
        with pytest.raises(StorageError, match="file of the record"):
            reader.open(name, mode)
    assert reader.status == "SUCCESS"
    with reader.open("evaluation.txt", "w") as file:  # scripts of 2020 add files of their own
        file.write("0.9")
    assert content(reader, "evaluation.txt") == "0.9"


# ------------------------------------------------------------------------------ refresh, derive


def test_refreshing_reads_again_and_keeps_what_vanished(tmp_path):
    folder = write_record(tmp_path, status="RUNNING", summary={"loss": 1}, end_time=None)
    reader = ExperimentReader(folder)
    assert (reader.status, reader.summary) == ("RUNNING", {"loss": 1})
    folder.joinpath("STATUS").write_text("ERROR\nsys.exit(3)")
    folder.joinpath("summary.json").write_text('{"loss": 0.5}')
    assert (reader.status, reader.summary) == ("RUNNING", {"loss": 1})
    reader.refresh_status()
    reader.refresh_summary()
    assert (reader.status, reader.status_message) == ("ERROR", "sys.exit(3)")
    assert reader.summary == {"loss": 0.5}
    for name in ("STATUS", "summary.json", "metadata.json"):
        folder.joinpath(name).unlink()
    reader.refresh_status()
    reader.refresh_summary()
    assert (reader.status, reader.summary, reader.sha is None) == ("ERROR", {"loss": 0.5}, False)
    assert "STATUS is missing" in reader.problems


def test_a_derived_reader_may_add_and_set_attributes(tmp_path):
    class Reader(ExperimentReader):
        def __init__(self, path):
            super().__init__(path)
            self.args = {**self.args, "extra": 1}
            self.weights = content(self, "weights.txt")

    folder = write_record(tmp_path)
    write_record(tmp_path, "2")
    folder.joinpath("weights.txt").write_text("3.0")
    experiments = Experiments(experiments_directory=tmp_path, reader=Reader)
    assert experiments["1"].weights == "3.0"
    assert experiments["1"].df_vars()["args"]["extra"] == 1
    assert experiments["2"].status == "SUCCESS"  # a plain reader stands in
    assert experiments["2"].problems[0].startswith("Reader raised FileNotFoundError: ")


def test_a_reader_reads_nothing_before_it_is_asked(tmp_path):
    folder = write_record(tmp_path)
    reader = ExperimentReader(folder)
    folder.joinpath("args.json").write_text('{"late": 1}')
    assert reader.args == {"late": 1}


def test_start_times_fall_back_to_the_folder(tmp_path):
    folder = tmp_path / "7"
    folder.mkdir()
    os.utime(folder, (1_000_000_000, 1_000_000_000))
    assert ExperimentReader(folder).start_time == "2001-09-09T01:46:40+00:00"


def test_durations_count_every_session(tmp_path):
    sessions = [
        {"start": "2026-01-01T00:00:00+00:00", "duration": 10.5},
        {"start": "2026-01-02T00:00:00+00:00", "end": "2026-01-02T00:00:04+00:00"},
        {"start": "2026-01-03T00:00:00+00:00"},  # killed, then resumed
        {"start": "2026-01-04T00:00:00+00:00", "duration": 1},
    ]
    folder = write_record(tmp_path, sessions=sessions)
    assert ExperimentReader(folder).duration == 15.5
    start = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() - 600))
    running = write_record(tmp_path, "2", status="RUNNING", sessions=[{"start": start}])
    assert 600 <= ExperimentReader(running).duration < 700
    silent = write_record(tmp_path, "3", status="RUNNING", sessions=[{"start": start}], silent=400)
    long_ago = time.time() - 450
    for name in ("stdout", "stderr"):
        os.utime(silent / name, (long_ago, long_ago))
    assert 199 <= ExperimentReader(silent).duration < 260  # until its last sign of life
    os.utime(silent / "stdout", (long_ago + 100, long_ago + 100))
    assert 249 <= ExperimentReader(silent).duration < 310, "output is a sign of life too"
