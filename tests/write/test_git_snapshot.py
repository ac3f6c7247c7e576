"""A snapshot keeps the work tree as it is, whatever is in it, and says what it leaves out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from meticulous import _git, _git_snapshot
from meticulous.errors import GitError


def snapshot(repository, *sources):
    paths = [str(repository.path / source) for source in sources]
    return _git.read_code(str(repository.path), dirty="snapshot", sources=paths)


def kept(repository, code) -> list[str]:
    return repository.git("ls-tree", "-r", "-z", "--name-only", code.facts["ref"]).split("\0")[:-1]


def content(repository, code, name) -> str:
    return repository.git("show", f"{code.facts['ref']}:{name}")


@pytest.fixture
def dirty(repository):
    repository.write("a.txt", "a\n")
    repository.write("b.txt", "b\n")
    repository.commit()
    repository.write("README", "changed\n")
    return repository


def test_what_is_too_large_or_no_file_or_anothers_is_left_out_and_listed(dirty):
    with (dirty.path / "large.bin").open("wb") as file:
        file.truncate(_git_snapshot.MAX_FILE + 1)
    with (dirty.path / "a.txt").open("wb") as file:
        file.truncate(_git_snapshot.MAX_FILE + 1)  # tracked: it always enters
    inner = dirty.path / "inner"
    subprocess.run(["git", "init", "-q", str(inner)], check=True)
    (inner / "file.txt").write_text("another repository's\n")
    (dirty.path / "b.txt").unlink()
    os.mkfifo(dirty.path / "b.txt")  # in a tracked file's place
    os.mkfifo(dirty.path / "pipe")
    os.symlink("nowhere", dirty.path / "dangling")
    os.symlink(".", dirty.path / "loop")
    dirty.write("empty.txt", b"")
    (dirty.path / "empty folder").mkdir()
    code = snapshot(dirty)
    assert {(skip["path"], skip["size"]) for skip in code.facts["skipped"]} == {
        ("large.bin", _git_snapshot.MAX_FILE + 1),
        ("inner", None),
        ("b.txt", None),
    }
    assert kept(dirty, code) == ["README", "a.txt", "b.txt", "dangling", "empty.txt", "loop"]
    assert content(dirty, code, "b.txt") == "b"
    size = dirty.git("cat-file", "-s", f"{code.facts['ref']}:a.txt")
    assert int(size) == _git_snapshot.MAX_FILE + 1


def test_untracked_files_enter_small_ones_first_up_to_a_total(tmp_path):
    paths = [f"big{number:02}" for number in range(11)]
    for path in paths:
        with (tmp_path / path).open("wb") as file:
            file.truncate(_git_snapshot.MAX_FILE - 1)
    (tmp_path / "z.py").write_text("small\n")
    skipped = _git_snapshot._Skipped([], str(tmp_path))
    chosen = _git_snapshot._within_caps([*paths, "z.py", "vanished"], skipped)
    assert chosen == ["z.py", *paths[:10]][: len(chosen)] and len(chosen) >= 10
    assert [skip["path"] for skip in skipped.found] == paths[len(chosen) - 1 :]
    count = _git_snapshot.MAX_FILES + 5
    many = [f"many/{number:05}" for number in range(count)]
    (tmp_path / "many").mkdir()
    for path in many:
        (tmp_path / path).touch()
    skipped = _git_snapshot._Skipped([], str(tmp_path))
    assert len(_git_snapshot._within_caps(many, skipped)) == count - 5
    assert len(skipped.found) == 5


# Root may read everything but for this: without these rights even root asks the mode.
WITHOUT_RIGHTS = """
import ctypes, os, sys
if os.geteuid() == 0:
    for right in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if ctypes.CDLL(None).prctl(24, right, 0, 0, 0):
            sys.exit(77)
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="drops rights with prctl")
def test_what_cannot_be_read_is_left_out_and_listed_and_what_cannot_be_written_is_an_error(dirty):
    for name in ("a.txt", "new.txt"):
        dirty.write(name, "unreadable\n").chmod(0)
    program = f"""
from meticulous import _git
try:
    code = _git.read_code({str(dirty.path)!r}, dirty="snapshot", sources=[])
    print(code.facts.get("skipped"), code.facts["ref"])
except _git.GitError as error:
    print(error)
code = _git.read_code({str(dirty.path)!r}, dirty="allow", sources=[])
print(code.facts.get("problem", {{}}).get("reason"))
"""
    done = dirty.run("-c", WITHOUT_RIGHTS, program)
    if done.returncode == 77:
        pytest.skip("rights cannot be dropped here")
    out = done.stdout.decode().splitlines()
    expected = [{"path": name, "size": 11, "reason": "unreadable"} for name in ("a.txt", "new.txt")]
    assert out[0].startswith(str(expected)), done.stderr
    ref = out[0].split()[-1]
    assert dirty.git("show", ref + ":a.txt") == "a", "what HEAD holds stays"
    dirty.git("update-ref", "-d", ref)
    dirty.git("update-ref", "-d", "refs/meticulous/" + dirty.git("rev-parse", "HEAD"))
    dirty.write("README", "changed again\n")
    folders = [dirty.path / ".git" / "objects", *(dirty.path / ".git" / "objects").iterdir()]
    for folder in [*folders, dirty.path / ".git" / "refs" / "meticulous"]:
        folder.chmod(0o555)
    out = dirty.run("-c", WITHOUT_RIGHTS, program).stdout.decode().splitlines()
    for folder in [*folders, dirty.path / ".git" / "refs" / "meticulous"]:
        folder.chmod(0o755)
    assert out[0].startswith("Git failed in ") and "allow" in out[0] and len(out) == 2
    assert out[1] == "not-pinned"


def test_a_file_that_vanishes_meanwhile_is_not_in_it(dirty):
    dirty.git("config", "filter.thief.clean", "rm -f b.txt z.txt; cat")
    dirty.write(".gitattributes", "a.txt filter=thief\n")
    dirty.write("a.txt", "taken\n")
    dirty.write("b.txt", "vanishes\n")
    dirty.write("z.txt", "vanishes\n")
    code = snapshot(dirty)
    assert kept(dirty, code) == [".gitattributes", "README", "a.txt"]
    assert content(dirty, code, "a.txt") == "taken"


def test_a_file_that_changes_meanwhile_is_read_again(dirty):
    script = "test -e done || { sleep 0.02; echo late > a.txt; echo > done; }; cat"
    dirty.git("config", "filter.late.clean", script)
    dirty.write(".gitattributes", "b.txt filter=late\n")
    dirty.write("a.txt", "soon\n")
    dirty.write("b.txt", "taken\n")
    code = snapshot(dirty)
    assert content(dirty, code, "a.txt") == "late" and content(dirty, code, "b.txt") == "taken"


def test_a_change_of_the_same_size_in_the_same_instant_is_seen(dirty):
    """Git tells such changes by comparing their time with that of the index."""
    dirty.git("config", "core.trustctime", "false")
    time = (dirty.path / "a.txt").stat().st_mtime_ns - 100 * 10**9
    dirty.write("a.txt", "1\n")
    os.utime(dirty.path / "a.txt", ns=(time, time))
    dirty.git("add", "a.txt")
    dirty.write("a.txt", "2\n")
    for path in (dirty.path / "a.txt", dirty.path / ".git" / "index"):
        os.utime(path, ns=(time, time))
    assert content(dirty, snapshot(dirty), "a.txt") == "2"


def test_a_filter_that_fails_is_an_error_and_leaves_nothing(dirty):
    dirty.git("config", "filter.broken.clean", "false")
    dirty.git("config", "filter.broken.required", "true")
    dirty.write(".gitattributes", "new.txt filter=broken\n")
    dirty.write("new.txt", "x\n")
    temporary = dirty.path.parent / "temporary"
    temporary.mkdir()
    program = f"""
from meticulous import _git
try:
    _git.read_code({str(dirty.path)!r}, dirty="snapshot", sources=[])
except _git.GitError as error:
    print(error)
"""
    out = dirty.run("-c", program, env={"TMPDIR": str(temporary)}).stdout
    assert b"filter 'broken' failed" in out and out.count(b"\n") == 1
    assert not list(temporary.iterdir())
    assert dirty.git("for-each-ref", "refs/meticulous") == ""
    assert not list((dirty.path / ".git").rglob("*.lock"))


@pytest.mark.parametrize("setting", ["true", "input", "false"])
def test_line_endings_are_restored_by_the_same_configuration(dirty, setting):
    dirty.git("config", "core.autocrlf", setting)
    dirty.write("a.txt", b"1\r\n2\r\n" if setting != "input" else b"1\n2\n")
    dirty.write("new.txt", b"1\r\n2\r\n" if setting != "input" else b"1\n2\n")
    dirty.write("binary", b"1\r\n\x00\n2\r")
    code = snapshot(dirty)
    clone = dirty.path.parent / "clone"
    options = ("-q", "-c", f"core.autocrlf={setting}", "--no-checkout")
    dirty.git("clone", *options, str(dirty.path), str(clone))
    subprocess.run(["git", "fetch", "-q", "origin", code.facts["ref"]], cwd=clone, check=True)
    subprocess.run(["git", "checkout", "-q", "FETCH_HEAD"], cwd=clone, check=True)
    for name in ("a.txt", "new.txt", "binary"):
        assert (clone / name).read_bytes() == (dirty.path / name).read_bytes()


def test_the_same_state_elsewhere_is_the_same_commit_and_another_state_another(
    dirty, make_repository
):
    dirty.write("new.py", "x\n")
    first = snapshot(dirty)
    dirty.git("clone", "-q", str(dirty.path), "../clone")
    clone = make_repository("clone", init=False)
    clone.write("README", "changed\n")
    clone.write("new.py", "x\n")
    again = snapshot(clone)
    assert again.facts["snapshot"] == first.facts["snapshot"] and again.patch == first.patch
    (dirty.path / "new.py").chmod(0o755)
    assert snapshot(dirty).facts["snapshot"] != first.facts["snapshot"]
    author = dirty.git("log", "-1", "--format=%an <%ae> %cn <%ce>", first.facts["ref"])
    assert (
        author == "meticulous <meticulous@localhost> " * 2 + "" or author.count("meticulous") == 4
    )
    times = dirty.git("log", "--format=%ad %cd", "-2", first.facts["ref"]).splitlines()
    assert times[0] == times[1]


# --- sources, submodules and neighbours ---------------------------------------------------------


@pytest.fixture
def nested(make_repository):
    """A project with a submodule `sub`."""
    library = make_repository("library")
    library.write("tool.py", "t = 1\n")
    library.commit()
    outer = make_repository("outer")
    outer.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.path), "sub"
    )
    outer.commit("with a submodule")
    sub = make_repository("outer/sub", init=False)
    return outer, sub


def read(repository, dirty, *sources):
    paths = [str(repository.path / source) for source in sources]
    return _git.read_code(str(repository.path), dirty=dirty, sources=paths)


def test_a_submodule_is_recorded_with_the_commit_that_is_checked_out(nested):
    outer, sub = nested
    head = sub.git("rev-parse", "HEAD")
    outer.git("config", "submodule.sub.ignore", "all")
    sub.write("scratch.txt", "untracked alone is not dirty\n")
    code = read(outer, "refuse", "sub/tool.py")
    assert code.facts["submodules"] == [{"path": "sub", "sha": head, "dirty": False}]
    assert code.facts["dirty"] is False and "siblings" not in code.facts

    moved = sub.commit("moved")
    code = read(outer, "snapshot", "sub/tool.py")
    assert code.facts["submodules"] == [{"path": "sub", "sha": moved, "dirty": True}]
    assert code.facts["changes"] == [{"path": "sub", "state": "submodule"}]
    assert outer.git("rev-parse", code.facts["ref"] + ":sub") == moved
    assert moved.encode() in code.patch and "skipped" not in code.facts

    sub.write("tool.py", "t = 2\n")
    code = read(outer, "snapshot")
    assert [(skip["path"], skip["reason"]) for skip in code.facts["skipped"]] == [
        ("sub", "changes inside a submodule")
    ]
    outer.commit("moved and dirty")
    code = read(outer, "allow")
    assert code.facts["submodules"] == [{"path": "sub", "sha": moved, "dirty": True}]
    with pytest.raises(_git.DirtyRepoException) as caught:
        read(outer, "refuse")
    assert caught.value.paths == ["sub"]

    sub.git("checkout", "-q", "tool.py")
    sub.write("imported.py", "untracked, but it runs\n")
    assert read(outer, "refuse", "sub/tool.py").facts["dirty"] is False
    code = read(outer, "snapshot", "sub/imported.py")
    assert code.facts["changes"] == [{"path": "sub/imported.py", "state": "untracked"}]
    assert code.facts["skipped"][0]["path"] == "sub" and code.facts["submodules"][0]["dirty"]

    outer.git("submodule", "--quiet", "deinit", "--force", "sub")
    code = read(outer, "refuse")
    assert code.facts["submodules"] == [
        {"path": "sub", "sha": moved, "dirty": False, "absent": True}
    ]
    sub.write("plain.py", "in the place of the submodule\n")
    code = read(outer, "snapshot", "sub/plain.py")
    assert content(outer, code, "sub/plain.py") == "in the place of the submodule"


def test_a_project_that_is_a_submodule_is_a_repository_of_its_own(nested):
    _, sub = nested
    sub.write("tool.py", "t = 3\n")
    code = read(sub, "snapshot")
    assert code.facts["repository"] == "sub" and code.sha == sub.git("rev-parse", "HEAD")
    assert content(sub, code, "tool.py") == "t = 3"


def test_other_repositories_that_code_comes_from_are_told_but_never_refused(make_repository):
    project, near, far = (make_repository(name) for name in ("project", "near", "project/far"))
    near.git("config", "remote.origin.url", "https://u:secret@host.org/near")
    near.write("lib.py", "changed\n")
    project.write(".gitignore", "far\n")
    project.commit()
    env = near.path / "lib" / "site-packages"
    sources = ["../near/lib.py", "../near/README", "far/README", "README", str(env / "x.py")]
    code = read(project, "refuse", *sources, "../../nowhere.py")
    assert code.facts["siblings"] == [
        {
            "name": "far",
            "sha": far.git("rev-parse", "HEAD"),
            "branch": "main",
            "dirty": False,
        },
        {
            "name": "near",
            "sha": near.git("rev-parse", "HEAD"),
            "branch": "main",
            "dirty": True,
            "changes": 1,
            "remote": "https://host.org/near",
        },
    ]
    assert code.facts["dirty"] is False and "submodules" not in code.facts
    for repository in (near, far):
        assert repository.git("for-each-ref", "refs/meticulous") == ""
    (near.path / ".git" / "HEAD").write_text("rubbish")
    told = read(project, "refuse", "../near/lib.py").facts["siblings"]
    assert told[0]["sha"] is None and "Git failed" in told[0]["problem"]
    tops = [make_repository(f"many{number}") for number in range(9)]
    code = read(project, "refuse", *(f"../{top.path.name}/README" for top in tops))
    assert (len(code.facts["siblings"]), code.facts["siblings-left-out"]) == (8, 1)


def test_many_sources_are_asked_for_at_once(repository):
    names = [f"pkg/module{number:03}.py" for number in range(120)]
    for name in names:
        repository.write(name, "x\n")
    repository.commit()
    repository.write("pkg/:(top)odd*.py", "x\n")
    code = read(repository, "allow", *names, "pkg/:(top)odd*.py")
    assert code.facts["changes"] == [{"path": "pkg/:(top)odd*.py", "state": "untracked"}]
    (repository.path / "pkg/:(top)odd*.py").rename(repository.path / ":(top)odd*.py")
    repository.commit()
    assert read(repository, "refuse", ":(top)odd*.py").facts["dirty"] is False


def test_a_repository_that_holds_python_itself_is_no_neighbour(repository, tmp_path):
    """As ~/.pyenv is one: neither Python's library nor a console script there is user code."""
    home = tmp_path / "pyenv"
    home.mkdir()
    subprocess.run(["git", "init", "-q", str(home)], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home / "env")], check=True)
    (home / "env" / "bin" / "script").write_text("")
    program = f"""
import json, os
from meticulous import _git
sources = [os.__file__, {str(home / "env" / "bin" / "script")!r}]
print(_git.read_code({str(repository.path)!r}, dirty="refuse", sources=sources).facts)
"""
    python = home / "env" / "bin" / "python"
    done = subprocess.run([python, "-c", program], capture_output=True, check=True)
    assert b"'dirty': False" in done.stdout and b"siblings" not in done.stdout


LOADED = """
import sys, types
sys.path[:0] = [{0!r}, {0!r} + "/linked"]
import helper, package.part, space.inner, viapyc, aslink  # noqa
class Odd:
    def __getattribute__(self, name):
        raise SystemExit("asked")
class Lazy(types.ModuleType):
    def __getattribute__(self, name):
        raise SystemExit("asked")
sys.modules["odd"] = Odd()
sys.modules["lazy"] = Lazy("lazy")
sys.modules["none"] = None
sys.modules["number"] = 5
sys.modules["untold"] = types.ModuleType("untold")
sys.modules["untold"].__file__ = b"bytes"
sys.modules["extension"] = types.ModuleType("extension")
sys.modules["extension"].__file__ = {0!r} + "/extension.cpython-311-x86_64-linux-gnu.so"
import os
os.chdir("/")
from meticulous import _git
for path in _git.loaded_sources():
    if path.startswith({0!r}):
        print(path)
"""


def test_the_main_script_and_every_imported_source_are_listed(repository, tmp_path):
    top = Path(os.path.realpath(repository.path))
    for name in ("helper", "package/__init__", "package/part", "space/inner", "real/viapyc"):
        repository.write(f"{name}.py", "")
    repository.write("target.py", "")
    (top / "linked").symlink_to("real")
    (top / "aslink.py").symlink_to("target.py")
    program = repository.write("train", LOADED.format(str(top)))
    expected = {
        *("train", "helper.py", "package/__init__.py", "package/part.py", "space/inner.py"),
        *("real/viapyc.py", "aslink.py", "target.py"),
    }
    done = repository.run(program.name)
    assert done.stderr == b""
    assert set(done.stdout.decode().splitlines()) == {str(top / name) for name in expected}
    done = repository.run("-c", "from meticulous import _git\nprint(_git.loaded_sources())")
    assert done.stderr == b"" and b"<string>" not in done.stdout


def test_modules_may_appear_while_they_are_looked_at(repository):
    """As other threads import: here the garbage collector is what comes in between."""
    program = """
import gc, sys, types
from meticulous import _git
made, held = [], [(number, number) for number in range(9000)]  # none is left over to be used again
def import_more(phase, info):
    if len(made) < 2000:
        made.append(None)
        sys.modules[f"more{len(made)}"] = types.ModuleType("more")
gc.callbacks.append(import_more)
gc.set_threshold(1)
_git.loaded_sources()
gc.callbacks.clear()
print(len(made))
"""
    done = repository.run("-c", program)
    assert done.stderr == b"" and int(done.stdout) > 0


def test_a_module_without_source_stands_for_itself(repository):
    import py_compile

    top = os.path.realpath(repository.path)
    repository.write("bare.py", "x = 1\n")
    py_compile.compile(f"{top}/bare.py", cfile=f"{top}/bare.pyc")
    (repository.path / "bare.py").unlink()
    program = f"import sys\nsys.path.insert(0, {top!r})\nimport bare\nfrom meticulous import _git\n"
    program += "print(_git.loaded_sources())"
    assert f"{top}/bare.pyc".encode() in repository.run("-c", program).stdout


def test_a_snapshot_that_takes_too_long_is_an_error_and_ends(dirty):
    dirty.git("config", "filter.slow.clean", "sleep 600")
    dirty.write(".gitattributes", "new.txt filter=slow\n")
    dirty.write("new.txt", "x\n")
    with pytest.raises(GitError) as caught:
        _git.read_code(str(dirty.path), dirty="snapshot", sources=[], time_limit=0.5)
    assert caught.value.reason == "timeout"
    assert not list((dirty.path / ".git").rglob("*.lock"))
