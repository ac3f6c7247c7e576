"""Which packages are installed, compared with what pip and importlib.metadata say."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import zipfile

import pytest

from meticulous import _environment_packages
from meticulous._environment_packages import conda, installed, without_credentials

CHILD = """
import json, sys
from meticulous import _environment
print(json.dumps(_environment.facts()["packages"]))
"""


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def versions(packages):
    return {package["name"]: package["version"] for package in packages}


def from_child(*folders, cwd=None):
    path = os.pathsep.join([*map(str, folders), os.environ["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        env={**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1"},
        cwd=cwd,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return {package["name"]: package for package in json.loads(done.stdout)}


def metadata(folder, name, version, **files):
    """Make the metadata folder that an installer leaves, with further files in it."""
    where = folder / f"{name}-{version}.dist-info"
    where.mkdir(parents=True)
    where.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )
    for file, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        where.joinpath(f"{file}.json").write_text(text)
    return where


def test_names_and_versions_are_those_of_importlib_metadata():
    truth = {}
    for distribution in importlib.metadata.distributions():
        truth.setdefault(normal(distribution.metadata["Name"]), distribution.version)
    packages = installed()
    assert versions(packages) == truth
    assert [package["name"] for package in packages] == sorted(truth)


@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="this environment has no pip")
def test_names_versions_and_editable_origin_are_those_of_pip():
    done = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    truth = json.loads(done.stdout)
    packages = from_child()
    assert versions(packages.values()) == {normal(one["name"]): one["version"] for one in truth}
    editable = {one["name"]: one["editable_project_location"] for one in truth if len(one) > 2}
    for name, folder in editable.items():
        assert packages[normal(name)]["editable"] is True
        assert packages[normal(name)]["url"] == f"file://{folder}"


def test_what_was_installed_from_elsewhere_tells_its_origin_without_credentials(tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    metadata(tmp_path, "From_Folder", "1.0", direct_url={"url": "file:///src/x", "dir_info": {}})
    metadata(
        tmp_path,
        "edited",
        "2.0.dev3+g12ab",
        direct_url={"url": "file:///src/edited", "dir_info": {"editable": True}},
    )
    metadata(
        tmp_path,
        "cloned",
        "3.1",
        direct_url={
            "url": "https://ada:hunter2@git.example.org/ada/cloned.git",
            "vcs_info": {"vcs": "git", "commit_id": commit, "requested_revision": "main"},
            "subdirectory": "python",
        },
    )
    metadata(
        tmp_path,
        "fetched",
        "4",
        direct_url={
            "url": "https://files.example.org/fetched-4.whl?sig=hunter2#egg=hunter2",
            "archive_info": {"hash": "sha256=abcd"},
        },
    )
    packages = from_child(tmp_path)
    assert "hunter2" not in json.dumps(packages)
    assert packages["from-folder"] == {
        "name": "from-folder",
        "version": "1.0",
        "url": "file:///src/x",
    }
    assert packages["edited"] == {
        "name": "edited",
        "version": "2.0.dev3+g12ab",
        "editable": True,
        "url": "file:///src/edited",
    }
    assert packages["cloned"] == {
        "name": "cloned",
        "version": "3.1",
        "url": "https://git.example.org/ada/cloned.git",
        "vcs": "git",
        "commit": commit,
        "revision": "main",
        "subdirectory": "python",
    }
    assert packages["fetched"]["url"] == "https://files.example.org/fetched-4.whl"
    assert packages["fetched"]["hash"] == "sha256=abcd"


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://example.org/a/b.git", "https://example.org/a/b.git"),
        ("https://example.org:8443/a/@scope/b", "https://example.org:8443/a/@scope/b"),
        ("https://u:secret@example.org:8443/a", "https://example.org:8443/a"),
        ("https://secret@example.org/a", "https://example.org/a"),
        ("https://u:sec@ret@example.org/a", "https://example.org/a"),
        ("https://u:sec/ret@example.org/a", "https://example.org/a"),
        ("ssh://git@example.org/a.git", "ssh://git@example.org/a.git"),
        ("ssh://git:secret@example.org/a.git", "ssh://example.org/a.git"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
        ("https://example.org/a?token=secret", "https://example.org/a"),
        ("https://example.org/a#secret", "https://example.org/a"),
        ("file:///home/ada/a b", "file:///home/ada/a b"),
        ("file:///C:/Users/ada", "file:///C:/Users/ada"),
        ("", ""),
    ],
)
def test_an_address_loses_its_credentials_and_nothing_else(url, clean):
    assert without_credentials(url) == clean


def test_older_kinds_of_metadata_are_read(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    source = tmp_path / "source"
    site.joinpath("old_style-1.5-py3.11.egg-info").write_text("Name: old-style\nVersion: 1.5\n")
    site.joinpath("plain.egg-info").write_text("Name: plain\nVersion: 2.5\n")
    folder = site / "Ext.Module-3.5-py3.11-linux-x86_64.egg-info"
    folder.mkdir()
    develop = source / "in_develop.egg-info"
    develop.mkdir(parents=True)
    develop.joinpath("PKG-INFO").write_text("Name: in-develop\nVersion: 4.5\n\nVersion: 9\n")
    site.joinpath("in-develop.egg-link").write_text(f"{source}\n.")
    metadata(site, "by_pth", "5.5")
    site.joinpath("__editable__.by_pth-5.5.pth").write_text("")
    metadata(site, "by_hatch", "6.5")
    site.joinpath("_editable_impl_by_hatch.pth").write_text("")
    egg = tmp_path / "zipped-7.5-py3.11.egg"
    with zipfile.ZipFile(egg, "w") as archive:
        archive.writestr("EGG-INFO/PKG-INFO", "Name: zipped\nVersion: 7.5\n")
    packages = {package["name"]: package for package in installed([site, str(egg)])}
    assert versions(packages.values()) == {
        "old-style": "1.5",
        "plain": "2.5",
        "ext-module": "3.5",
        "in-develop": "4.5",
        "by-pth": "5.5",
        "by-hatch": "6.5",
        "zipped": "7.5",
    }
    assert packages["in-develop"]["url"] == f"file://{source}"
    editable = {name for name, package in packages.items() if package.get("editable")}
    assert editable == {"in-develop", "by-pth", "by-hatch"}


def test_of_a_name_in_two_folders_the_first_counts_as_for_an_import(tmp_path):
    metadata(tmp_path / "first", "Twice", "1.0")
    metadata(tmp_path / "second", "twice", "2.0")
    path = [tmp_path / "first", tmp_path / "second", tmp_path / "first"]
    assert installed(path) == [{"name": "twice", "version": "1.0"}]


def test_a_stopped_upgrade_shows_the_version_that_is_whole_and_names_the_other(tmp_path):
    metadata(tmp_path, "broken", "1.0").joinpath("METADATA").unlink()
    metadata(tmp_path, "broken", "2.0")
    tmp_path.joinpath("~roken-0.9.dist-info").mkdir()
    assert installed([tmp_path]) == [{"name": "broken", "version": "2.0", "also": ["1.0"]}]


def test_strange_folders_and_files_raise_nothing_and_hide_nothing(tmp_path):
    metadata(tmp_path, "good", "1.0")
    for name in ("-1.0", "", "_-_", "nothing-", "noversion", "a-b-c-1.0", "~gone-1.0", "-"):
        tmp_path.joinpath(f"{name}.dist-info").mkdir(exist_ok=True)
    os.mkdir(os.fsencode(tmp_path) + b"/nam\xff-1.0.dist-info")
    tmp_path.joinpath("file-1.0.dist-info").write_text("Name: file\n")
    tmp_path.joinpath("loop-1.0.dist-info").symlink_to(tmp_path / "loop-1.0.dist-info")
    tmp_path.joinpath("lost.egg-link").write_bytes(b"/does/not/exist\xff\n")
    tmp_path.joinpath("null.egg-link").write_bytes(b"/a\0b\n")
    tmp_path.joinpath("empty.egg-link").write_text("")
    tmp_path.joinpath("binary.egg-info").write_bytes(bytes(range(256)))
    os.mkfifo(tmp_path / "pipe.egg-info")
    for number, text in enumerate(
        ["", "[]", "{}", '{"url": 3}', '{"url": "x", "vcs_info": []}', "\udcff", "[" * 9999]
    ):
        where = metadata(tmp_path, f"bad{number}", "1.0")
        where.joinpath("direct_url.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    metadata(tmp_path, "piped", "1.0")
    os.mkfifo(tmp_path / "piped-1.0.dist-info" / "direct_url.json")
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("inside.py", "")
    locked = tmp_path / "locked"
    metadata(locked, "secret", "1.0")
    locked.chmod(0)
    packages = from_child(tmp_path, archive, locked, tmp_path / "absent", tmp_path / "good")
    locked.chmod(0o700)
    assert packages["good"] == {"name": "good", "version": "1.0"}
    assert packages["a-b-c"]["version"] == "1.0"
    assert packages["noversion"] == {"name": "noversion", "version": None}
    assert {f"bad{number}" for number in range(7)} <= set(packages)
    assert "piped" in packages and "file" not in packages and "gone" not in packages
    assert packages["lost"]["editable"] is True


def test_entries_of_sys_path_that_are_no_text_are_passed_over(tmp_path):
    metadata(tmp_path, "good", "1.0")
    path = [object(), None, 3, b"/bytes", tmp_path, "\0", str(tmp_path / ("x" * 5000))]
    assert installed(path) == [{"name": "good", "version": "1.0"}]


def test_the_working_directory_counts_where_an_import_would_look(tmp_path):
    metadata(tmp_path, "local", "1.0")
    assert from_child(cwd=tmp_path)["local"]["version"] == "1.0"  # -c puts '' first


def test_a_folder_with_a_million_files_is_not_read_to_its_end(tmp_path, monkeypatch):
    for number in range(50):
        tmp_path.joinpath(f"{number}.txt").touch()
    metadata(tmp_path, "good", "1.0")
    monkeypatch.setattr(_environment_packages, "MAX_ENTRIES", 10)  # a limit, not behaviour
    assert len(installed([tmp_path])) <= 1


def test_conda_packages_are_named_by_their_files(tmp_path):
    folder = tmp_path / "conda-meta"
    folder.mkdir()
    for name in (
        "numpy-2.1.0-py312h_0.json",
        "ca-certificates-2024.2-h1_0.json",
        "history",
        "x.json",
    ):
        folder.joinpath(name).touch()
    assert conda(str(tmp_path)) == [
        {"name": "ca-certificates", "version": "2024.2", "build": "h1_0"},
        {"name": "numpy", "version": "2.1.0", "build": "py312h_0"},
    ]
    assert conda(str(tmp_path / "absent")) == []
