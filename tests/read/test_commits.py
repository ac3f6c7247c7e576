"""What a repository is asked about the commits of experiments: read-only, bounded, few calls."""

import os
import shutil
import time

import pytest

from meticulous import GitError, _commits, _git_snapshot
from read.records import SHA, snapshot

ABSENT = SHA


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """A git that writes down each call of it."""
    log = tmp_path / "calls"
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return lambda: log.read_text().splitlines() if log.exists() else []


def loose(repository, sha):
    return repository.path / ".git" / "objects" / sha[:2] / sha[2:]


def test_of_many_commits_two_calls_tell_which_are_there_and_pinned(repository, counted):
    first = repository.git("rev-parse", "HEAD")
    second = repository.commit("second")
    repository.git("tag", "-a", "-m", "note", "v1", first)
    tag = repository.git("rev-parse", "v1")
    tree = repository.git("rev-parse", "HEAD^{tree}")
    repository.git("update-ref", f"refs/meticulous/{first}", first)
    repository.git("update-ref", f"refs/meticulous/{ABSENT}", second)  # another commit's name
    before = len(counted())
    odd = ["--all", "HEAD", first[:10], first.upper(), f"{first}\nHEAD", "", 7, None, tag, tree]
    many = [f"{number:040x}" for number in range(1, 3000)]
    known = _commits.known(str(repository.path), [*odd, first, ABSENT, second, *many])
    assert known.trees == {first: repository.git("rev-parse", f"{first}^{{tree}}"), second: tree}
    assert known.pinned == {first}
    assert len([line for line in counted()[before:] if "no-pager" in line]) == 2
    assert _commits.known(str(repository.path), []).trees == {}


def test_a_commit_without_its_tree_is_lost_and_does_not_hide_the_others(repository):
    first = repository.git("rev-parse", "HEAD")
    repository.write("more", "more")
    second = repository.commit("second")
    loose(repository, repository.git("rev-parse", f"{second}^{{tree}}")).unlink()
    third = repository.git("commit-tree", "-m", "third", f"{first}^{{tree}}")
    loose(repository, third).chmod(0o644)
    loose(repository, third).write_bytes(b"torn")
    known = _commits.known(str(repository.path), [third, second, first])
    assert list(known.trees) == [first]


def test_commits_between_two_that_have_parted_are_told_for_either_side(repository):
    base = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "-q", "-b", "left")
    left = repository.commit("on the left: \x1b[31mred")
    repository.git("checkout", "-q", "-b", "right", base)
    right = [repository.commit(f"right {number}") for number in range(2)]
    found = _commits.between(str(repository.path), left, right[-1])
    assert [subject for _, subject in found.added] == ["right 1", "right 0"]
    assert [sha for sha, _ in found.added] == right[::-1]
    assert [sha for sha, _ in found.removed] == [left]
    assert (found.base, found.more) == (base, False)
    orphan = repository.git("commit-tree", "-m", "orphan", f"{base}^{{tree}}")
    assert _commits.between(str(repository.path), base, orphan).base is None
    with pytest.raises(GitError, match=r"bad|ambiguous|Invalid"):
        _commits.between(str(repository.path), base, ABSENT)
    with pytest.raises(GitError, match="not the id of a commit"):
        _commits.between(str(repository.path), base, "--output=/tmp/x")


def test_files_between_two_commits_are_counted_and_nobodys_program_runs(repository, tmp_path):
    marker = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {marker}\ncat 2>/dev/null\n")
    program.chmod(0o755)
    for name in ("diff.external", "diff.x.textconv", "diff.x.command", "core.pager", "gpg.program"):
        repository.git("config", name, str(program))
    repository.git("config", "log.showSignature", "true")
    repository.git("config", "diff.ignoreSubmodules", "all")
    repository.write(".gitattributes", "*.txt diff=x\n")
    repository.write("a name.txt", "one\ntwo\n")
    repository.write("old.py", "".join(f"line {number}\n" for number in range(20)))
    repository.write("large", b"x" * (_commits.MAX_BLOB + 1))
    first = repository.commit("first files")
    hooks = repository.path / ".git" / "hooks"
    shutil.copy(program, hooks / "reference-transaction")
    repository.write("a name.txt", "one\n2\nthree\n")
    repository.git("mv", "old.py", "new\tname.py")
    repository.write("binary", b"\0\1")
    repository.write("large", b"y" * (_commits.MAX_BLOB + 1))
    tree = repository.git("rev-parse", f"{repository.commit('unsigned')}^{{tree}}")
    text = (
        f"tree {tree}\nparent {first}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n"
        "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n"
        "second files\n"
    )
    signed = repository.write("../signed", text.encode())
    second = repository.git("hash-object", "-t", "commit", "-w", str(signed))
    marker.unlink(missing_ok=True)
    root = str(repository.path)
    before = snapshot(repository.path / ".git")
    found = {change.path: change for change in _commits.changes(root, first, second)}
    assert found["a name.txt"] == _commits.Change("a name.txt", "", 2, 1)
    assert found["new\tname.py"] == _commits.Change("new\tname.py", "old.py", 0, 0)
    assert found["binary"][2:] == found["large"][2:] == (None, None)
    text, whole = _commits.patch(root, first, second, found.values())
    assert whole
    assert "-two\n+2\n+three\n" in text
    assert "rename from old.py" in text
    assert "Binary files a/large and b/large differ" in text
    assert _commits.between(root, first, second).added[0][1] == "second files"
    assert snapshot(repository.path / ".git") == before
    _commits.pin(root, [first, second])
    assert not marker.exists()


def test_a_patch_is_bounded_and_says_so(repository):
    first = repository.git("rev-parse", "HEAD")
    for number in range(_commits.MAX_PATCHED + 5):
        repository.write(f"small/{number:04}", f"{number}\n")
    second = repository.commit("many")
    for number in range(6):
        repository.write(f"large{number}", b"0123456789\n" * 80_000)
    third = repository.commit("large")
    root = str(repository.path)
    text, whole = _commits.patch(root, first, second, _commits.changes(root, first, second))
    assert (text.count("diff --git"), whole) == (_commits.MAX_PATCHED, False)
    text, whole = _commits.patch(root, second, third, _commits.changes(root, second, third))
    assert not whole
    assert text.endswith("+0123456789\n")
    assert _commits.MAX_PATCH - 20 < len(text) <= _commits.MAX_PATCH


def test_many_pins_are_made_at_once_named_as_recording_names_them(repository, counted):
    root = str(repository.path)
    first, second, third = (repository.commit(name) for name in "abc")
    made = _git_snapshot.pin(root, first, time.monotonic() + 10)
    before = len(counted())
    assert _commits.pin(root, [first, second, third, second, ABSENT]) == 2
    assert len([line for line in counted()[before:] if "no-pager" in line]) == 3
    refs = repository.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/meticulous")
    assert sorted(refs.splitlines()) == sorted(
        f"refs/meticulous/{sha} {sha}" for sha in (first, second, third)
    )
    assert made == f"refs/meticulous/{first}"
    assert _commits.pin(root, [first, second]) == 0
    lock = repository.path / ".git" / "refs" / "meticulous" / f"{repository.commit('d')}.lock"
    lock.touch()
    with pytest.raises(GitError):
        _commits.pin(root, [lock.stem])


def test_no_repository_no_git_and_no_trust_are_a_sentence_each(repository, tmp_path, monkeypatch):
    inside = repository.path / "deep" / "er"
    inside.mkdir(parents=True)
    assert _commits.find("", str(tmp_path), str(inside)) == str(repository.path)
    with pytest.raises(GitError, match="not in a git repository") as caught:
        _commits.find(str(tmp_path))
    assert caught.value.reason == "no-repository"
    assert "dirty=" not in str(caught.value)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="not found") as caught:
        _commits.known(str(repository.path), [ABSENT])
    assert caught.value.reason == "no-git"
    assert "dirty=" not in str(caught.value)


def test_a_git_that_hangs_is_given_up(repository, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(GitError, match="did not answer in time") as caught:
        _commits.known(str(repository.path), [ABSENT], 0.3)
    assert caught.value.reason == "timeout"
