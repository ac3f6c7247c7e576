"""A folder of experiments as a mapping: where it is found, what is in it, and in which order."""

import os
import subprocess
import sys

import pytest

from meticulous.errors import StorageError
from meticulous.experiments import ExperimentReader, Experiments
from read.records import write_record


@pytest.fixture
def project(tmp_path):
    """A repository without git, with a store, and a folder three levels down in it."""
    project = tmp_path / "project"
    project.joinpath("src", "deep", "er").mkdir(parents=True)
    project.joinpath(".git").mkdir()
    write_record(project / "experiments")
    return project


def where(*args, **kwargs):
    return Experiments(*args, **kwargs).experiments_directory


def test_the_store_is_found_upward_within_the_repository(project, monkeypatch):
    for folder in (project, project / "src" / "deep" / "er", project / "experiments" / "1"):
        monkeypatch.chdir(folder)
        assert where() == str(project / "experiments")
        assert where(experiments_directory="experiments/") == str(project / "experiments")


def test_the_search_ends_at_the_top_of_the_repository(project, monkeypatch):
    inner = project / "src" / "deep"
    inner.joinpath(".git").write_text("gitdir: elsewhere")  # a submodule or worktree
    monkeypatch.chdir(inner / "er")
    with pytest.raises(StorageError, match="There is no experiments folder") as caught:
        where()
    assert caught.value.path == str(inner / "er" / "experiments")
    write_record(inner / "experiments")
    assert where() == str(inner / "experiments")


def test_without_a_repository_only_the_working_directory_counts(project, monkeypatch):
    project.joinpath(".git").rmdir()
    monkeypatch.chdir(project / "src")
    with pytest.raises(StorageError):
        where()
    monkeypatch.chdir(project)
    assert where() == str(project / "experiments")


def test_a_package_of_that_name_is_not_the_store(project, monkeypatch):
    package = project / "src" / "experiments"
    package.mkdir()
    package.joinpath("__init__.py").write_text("")
    monkeypatch.chdir(project / "src")
    assert where() == str(project / "experiments")


def test_a_project_that_is_named_is_taken_as_named(project, tmp_path, monkeypatch):
    assert where(project) == str(project / "experiments")
    assert where(str(project), "experiments") == str(project / "experiments")
    assert where(project, project / "experiments") == str(project / "experiments")
    monkeypatch.chdir(tmp_path)
    assert where("project") == str(project / "experiments")
    assert where("project", "project/experiments") == str(project / "experiments")  # as in 2020
    with pytest.raises(StorageError) as caught:
        where(project / "src")
    assert caught.value.path == str(project / "src" / "experiments")


def test_the_folder_itself_may_be_named_also_where_another_one_is_near(
    project, tmp_path, monkeypatch
):
    write_record(tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    assert where(project / "experiments") == str(project / "experiments")
    assert where("project/experiments/", "experiments/") == str(project / "experiments")
    project.joinpath("experiments", "experiments").mkdir()
    assert where(project / "experiments") == str(project / "experiments" / "experiments")


def test_a_project_without_experiments_is_never_taken_for_the_one_around(project, monkeypatch):
    monkeypatch.chdir(project)
    for wrong in ("nowhere", project / "src", "/nowhere"):
        with pytest.raises(StorageError, match="There is no experiments folder") as caught:
            where(wrong)
        assert caught.value.path == str(project / wrong / "experiments")
    with pytest.raises(StorageError):
        where("nowhere", "experiments")


def test_numbers_come_first_and_foreign_things_are_left_alone(tmp_path):
    for expid in ("10", "9", "b", "a", "007"):
        write_record(tmp_path, expid)
    for foreign in (".trash/5", ".hidden", "figures", "8/"):
        tmp_path.joinpath(foreign).mkdir(parents=True)
    tmp_path.joinpath("11").write_text("a file")
    tmp_path.joinpath("12").symlink_to(tmp_path / "9")
    experiments = Experiments(experiments_directory=tmp_path)
    assert list(experiments) == ["007", "8", "9", "10", "a", "b"]
    assert [reader.expid for reader in experiments.values()] == list(experiments)
    assert experiments.get("11") is None and "12" not in experiments


def test_an_empty_store_is_an_empty_mapping(tmp_path):
    experiments = Experiments(experiments_directory=tmp_path)
    assert len(experiments) == 0 and not experiments.rows() and dict(experiments) == {}


def test_refreshing_sees_what_is_new_and_reads_again(tmp_path):
    folder = write_record(tmp_path)
    experiments = Experiments(experiments_directory=tmp_path)
    assert experiments["1"].args["lr"] == 0.1
    write_record(tmp_path, "2")
    folder.joinpath("args.json").write_text('{"lr": 7}')
    assert list(experiments) == ["1"] and experiments["1"].args["lr"] == 0.1
    experiments.refresh_experiments()
    assert list(experiments) == ["1", "2"] and experiments["1"].args == {"lr": 7}


def test_a_file_in_the_place_of_the_store_is_one_clear_error(tmp_path):
    path = tmp_path / "experiments"
    path.write_text("")
    with pytest.raises(StorageError, match=f"Cannot list {path}: Not a directory"):
        Experiments(experiments_directory=path)


def test_rows_are_plain_values_as_recorded(tmp_path):
    folder = write_record(
        tmp_path, "a", summary={"loss": 1}, annotations={"tags": ["t"]}, description="d"
    )
    row = Experiments(experiments_directory=tmp_path).rows()[0]
    metadata = row.pop("metadata")
    assert metadata["command"] == ["train.py", "--lr", "0.1"]
    assert row == {
        "expid": "a",
        "curexpdir": str(folder),
        "status": "SUCCESS",
        "status_message": "",
        "sha": metadata["githead-sha"],
        "start_time": "2021-11-23T16:31:56.098327+00:00",
        "duration": 600.0,
        "description": "d",
        "args": {"lr": 0.1, "layers": [8, 4]},
        "default_args": {"lr": 0.1, "layers": [8, 4]},
        "summary": {"loss": 1},
        "annotations": {"tags": ["t"]},
        "problems": [],
    }


def test_any_callable_makes_the_readers_and_its_errors_hide_nothing(tmp_path):
    for expid in ("1", "2"):
        write_record(tmp_path, expid)

    def make(path):
        if path.endswith("1"):
            raise RuntimeError("not this one")
        return ExperimentReader(path)

    experiments = Experiments(experiments_directory=tmp_path, reader=make)
    assert experiments["1"].problems == ["make raised RuntimeError: not this one"]
    assert experiments["2"].problems == []


def test_reading_needs_no_git_prints_nothing_and_loads_no_writing_half(project):
    code = (
        "import sys; from meticulous import Experiments;"
        "rows = Experiments().rows(); assert len(rows) == 1;"
        "names = {name for name in sys.modules if name.startswith('meticulous')};"
        "assert not {'subprocess', 'pandas', 'numpy'} & set(sys.modules);"
        "sys.exit(repr(names))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project / "src",
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    loaded = {name.removeprefix("meticulous.") for name in eval(done.stderr)}
    assert loaded <= {
        "meticulous",
        "errors",
        "experiments",
        "_experiments_console",
        "_experiments_reader",
        "_experiments_row",
        "_experiments_series",
        "_files",
        "_folder",
        "_folder_numbers",
        "_index",
        "_index_folder",
        "_json",
        "_process",
        "_status",
        "_table",
    }
