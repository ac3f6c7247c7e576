"""``meticulous reproduce --env``: the recorded packages, built once, whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile

import pytest

from cli.command import COMMAND

PROGRAM = """
    import sys
    import tiny
    from meticulous import Experiment
    with Experiment({}) as experiment:
        experiment.summary({"answer": tiny.ANSWER})
        print(sys.prefix)
    """


def write_wheel(folder, name, version, code):
    folder.mkdir(exist_ok=True)
    facts = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", code)
        wheel.writestr(
            f"{facts}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{facts}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{facts}/RECORD", "")


@pytest.fixture
def recorded(repository, tmp_path, monkeypatch):
    """An experiment with a package that is nowhere but in a folder of wheels."""
    wheels = tmp_path / "wheels"
    write_wheel(wheels, "tiny", "1.0", "ANSWER = 42\n")
    write_wheel(wheels, "tiny", "2.0", "ANSWER = 43\n")
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(wheels))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    outside = repository.path.parent / "outside"
    outside.mkdir()
    (outside / "tiny.py").write_text("ANSWER = 42\n")
    repository.program(PROGRAM)
    import os

    path = os.pathsep.join([str(outside), os.environ["PYTHONPATH"]])
    done = repository.run("train.py", env={"PYTHONPATH": path})
    assert done.returncode == 0, done.stderr

    def change(**facts):
        tiny = {"name": "tiny", "version": "1.0"}
        ours = {"name": "meticulous-ml", "version": "1", "editable": True}
        python = {"version": ".".join(map(str, sys.version_info[:3])), "implementation": "cpython"}
        facts = {"python": python, "packages": [tiny, ours], **facts}
        (repository.root / "1" / "environment.json").write_text(json.dumps(facts))
        return facts

    change()
    return change


def test_an_environment_is_built_once_by_one_of_many_and_what_fails_leaves_nothing(
    repository, meticulous, recorded, tmp_path
):
    both = [
        subprocess.Popen(
            [*COMMAND, "reproduce", "1", "--env"],
            cwd=repository.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert sorted("building it, " in err for _, err in told) == [False, True]
    assert all("from the cache" in err for _, err in told if "building it, " not in err)
    store = tmp_path / "cache" / "meticulous" / "environments"
    folder = next(path for path in store.iterdir() if (path / "complete").exists())
    assert all(out.startswith(f"{folder}\n") and "IDENTICAL" in out for out, _ in told)

    # As a build that was killed leaves it.
    (folder / "complete").unlink()
    (folder / "bin" / "python").unlink()
    code, out, err = meticulous("reproduce", "1", "--env")
    assert code == 0 and "building it, 1 package with" in err and "IDENTICAL" in out
    # As an update of Python leaves it, on which it was built.
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to("/nowhere/python")
    code, out, err = meticulous("reproduce", "1", "--env")
    assert code == 0 and "building it, 1 package with" in err and "IDENTICAL" in out

    facts = recorded()
    missing = {"name": "nowhere", "version": "9.9"}
    recorded(packages=[*facts["packages"], missing])
    before = sorted(path.name for path in store.iterdir() if path.is_dir())
    code, _, err = meticulous("reproduce", "1", "--env")
    assert code == 1 and "cannot be installed" in err and "nowhere" in err and "--env=close" in err
    assert sorted(path.name for path in store.iterdir() if path.is_dir()) == before
    for words in (["--env=close"], ["--env", "close"]):
        code, out, _ = meticulous("reproduce", *words, "1")
        assert code == 0 and "environment without nowhere==9.9 (cannot be installed)" in out

    tiny = tmp_path / "wheels" / "tiny-1.0-py3-none-any.whl"
    tiny.unlink()
    recorded(packages=[{"name": "tiny", "version": "2.0"}], variables={"TZ": "UTC"})
    code, out, _ = meticulous("reproduce", "1", "--env")
    assert code == 4 and "summary answer: 42 -> 43, by 1" in out


def test_what_cannot_be_had_is_listed_before_anything_starts(
    repository, meticulous, recorded, tmp_path
):
    packages = [
        {"name": "local", "version": "1", "url": "file:///tmp/local-1-py3-none-any.whl"},
        {"name": "here", "version": "1", "url": "file:///nowhere/here", "editable": True},
        {"name": "unknown", "version": None},
        {"name": "--index-url=evil", "version": "1"},
        {"name": "spaced", "version": "1 --index-url=evil"},
        {
            "name": "versioned",
            "version": "1",
            "url": "https://host/x",
            "vcs": "git",
            "commit": "-x",
        },
    ]
    python = {"version": "3.1.4", "implementation": "cpython"}
    recorded(packages=packages, python=python, **{"conda-packages": [{"name": "mkl"}]})
    code, _, err = meticulous("reproduce", "1", "--env")
    assert code == 1
    for word in ("cpython 3.1.4", "1 packages of conda", "local (", "here (installed in place"):
        assert word in err
    for word in ("unknown (its version", "--index-url=evil (no name", "spaced (", "versioned ("):
        assert word in err
    assert not (tmp_path / "cache" / "meticulous" / "environments").exists()
    assert len(list(repository.root.glob("[0-9]*"))) == 1
    code, out, _ = meticulous("reproduce", "1", "--env", "--dry-run")
    assert code == 0 and "cannot be had  local (" in out
    (repository.root / "1" / "environment.json").unlink()
    code, _, err = meticulous("reproduce", "1", "--env")
    assert code == 1 and "were not recorded" in err


def test_packages_from_addresses_and_repositories_become_requirements():
    from meticulous._reproduce_environment import _requirement

    commit = "a" * 40
    for package, line in (
        ({"version": "1.0+cu121"}, "p==1.0+cu121"),
        ({"url": "https://h/p.whl", "hash": "sha256=ab12"}, "p @ https://h/p.whl#sha256=ab12"),
        (
            {"url": "https://h/p", "vcs": "git", "commit": commit, "subdirectory": "x/y"},
            f"p @ git+https://h/p@{commit}#subdirectory=x/y",
        ),
    ):
        assert _requirement("p", package) == (line, "")
