"""Every setting from every place: the table, the project, the environment, code, command line."""

from __future__ import annotations

import json

import pytest

from meticulous import SettingError, _settings


def settle(folder, **given):
    return _settings.resolve(str(folder), given)


def project(folder, text):
    (folder / "pyproject.toml").write_text(f"[tool.meticulous]\n{text}\n")


def test_defaults_are_those_of_the_table(tmp_path):
    assert settle(tmp_path) == {setting.name: setting.default for setting in _settings.TABLE}
    for setting in _settings.TABLE:
        assert setting.read(setting.default) == setting.default, "a default is allowed"
        assert setting.effect.endswith(".") and setting.allowed


def test_each_place_overrules_the_one_before(tmp_path, monkeypatch):
    project(tmp_path, 'dirty = "allow"\ncapture = "fd"\ngit_seconds = 3')
    assert settle(tmp_path)["dirty"] == "allow"
    monkeypatch.setenv("METICULOUS_DIRTY", "snapshot")
    monkeypatch.setenv("METICULOUS_CAPTURE", "off")
    found = settle(tmp_path, capture="sys", dirty=None)
    assert (found["dirty"], found["capture"], found["git_seconds"]) == ("snapshot", "sys", 3.0)
    monkeypatch.setenv("METICULOUS_DIRTY", "")
    assert settle(tmp_path)["dirty"] == "allow", "an empty variable says nothing"


def test_the_command_line_overrules_code_in_a_real_program(repository):
    repository.write("pyproject.toml", '[tool.meticulous]\ncapture = "fd"\n')
    repository.program(
        """
        import argparse, json
        from meticulous import Experiment
        parser = argparse.ArgumentParser()
        Experiment.add_argument_group(parser)
        experiment = Experiment.from_parser(parser, dirty="allow", capture="off", sample_seconds=0)
        print(json.dumps(experiment.metadata["git"]["policy"]))
        """
    )
    done = repository.run("train.py", "--capture", "sys", env={"METICULOUS_DIRTY": "snapshot"})
    assert json.loads(done.stdout) == "allow", done.stderr
    assert (repository.root / "1" / "stdout").read_bytes() == done.stdout
    repository.run("train.py", "--dirty", "refuse")
    assert (repository.root / "2" / "stdout").read_bytes() == b""
    metadata = json.loads((repository.root / "2" / "metadata.json").read_bytes())
    assert metadata["git"]["policy"] == "refuse"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("capture_limit", "64 MB", 64 << 20),
        ("capture_limit", "64MiB", 64 << 20),
        ("capture_limit", "1.5k", 1536),
        ("capture_limit", "2 g", 2 << 30),
        ("capture_limit", "1e3", 1000),
        ("capture_limit", 0, 0),
        ("capture_limit", 1 << 40, 1 << 40),
        ("strict", "yes", True),
        ("strict", "OFF", False),
        ("strict", 1, True),
        ("norecord", False, False),
        ("sample_seconds", "2.5", 2.5),
        ("sample_seconds", 0, 0.0),
        ("redact", "a, b ,,c", ("a", "b", "c")),
        ("redact", ["x.*"], ("x.*",)),
        ("keep", (), ()),
        ("ranks", "all", "all"),
    ],
)
def test_values_are_read(tmp_path, name, value, expected):
    found = settle(tmp_path, **{name: value})[name]
    assert found == expected and type(found) is type(expected)


WRONG = [
    ("capture", "all"),
    ("dirty", True),
    ("capture_limit", "much"),
    ("capture_limit", -1),
    ("capture_limit", "inf"),
    ("capture_limit", "nan"),
    ("capture_limit", ""),
    ("capture_limit", "k"),
    ("strict", "maybe"),
    ("sample_seconds", "-1"),
    ("sample_seconds", float("nan")),
    ("git_seconds", "inf"),
    ("git_seconds", [1]),
    ("redact", 5),
    ("redact", {"a": 1}),
    ("redact", [1]),
    ("ranks", "0"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_that_cannot_be_used_is_one_clear_error(tmp_path, name, value):
    with pytest.raises(SettingError) as caught:
        settle(tmp_path, **{name: value})
    assert (caught.value.name, caught.value.exit_code) == (name, 2)
    allowed = next(setting.allowed for setting in _settings.TABLE if setting.name == name)
    assert str(caught.value) == f"{name}: {name} cannot be {value!r}. It is {allowed}."


def test_the_error_says_where_the_value_stands(tmp_path, monkeypatch):
    project(tmp_path, 'capture = "some"')
    with pytest.raises(SettingError, match=r"\[tool.meticulous\] in .*pyproject.toml: capture"):
        settle(tmp_path)
    monkeypatch.setenv("METICULOUS_CAPTURE", "none")
    with pytest.raises(SettingError, match="METICULOUS_CAPTURE: capture cannot be 'none'"):
        settle(tmp_path)


def test_an_unknown_setting_is_an_error_in_code_and_in_the_project(tmp_path):
    project(tmp_path, "captre = 1")
    with pytest.raises(SettingError, match="there is no setting 'captre'"):
        settle(tmp_path)
    (tmp_path / "pyproject.toml").unlink()
    with pytest.raises((SettingError, TypeError), match="captre"):
        settle(tmp_path, captre="sys")


@pytest.mark.parametrize(
    "text", ["meticulous = [", "[tool]\nmeticulous = 5", "[project]\nname = 'meticulous'", "\0"]
)
def test_a_project_file_of_others_or_a_broken_one_is_theirs_to_report(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    assert settle(tmp_path)["capture"] == "sys"
