"""Which code runs: what counts as dirty, what the policies do, and odd repositories."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from meticulous import _git
from meticulous.errors import DirtyRepoException, GitError, SettingError

ODD = "odd \n\t\"'\\ \udcff\u00e9.py"
FILES = {
    "README": b"a project\n",
    "train.py": b"import helper\n",
    "helper.py": b"x = 1\n",
    "pkg/data.bin": bytes(range(256)) * 9,
    ODD: b"odd\n",
    ".gitignore": b"ignored*\n",
}


@pytest.fixture
def project(make_repository):
    project = make_repository("project")
    for name, data in FILES.items():
        project.write(name, data)
    os.symlink("train.py", project.path / "link.py")
    project.commit("the code\n\nIn full: \u00fc.\n")
    return project


def read(project, dirty="refuse", sources=(), **options):
    paths = [str(project.path / source) for source in sources]
    return _git.read_code(str(project.path), dirty=dirty, sources=paths, **options)


def frozen(folder: Path) -> dict[str, object]:
    """Every file below a .git folder with its bytes, but for what a snapshot may add."""
    found: dict[str, object] = {"index time": (folder / "index").stat().st_mtime_ns}
    for top, folders, names in os.walk(folder):
        place = os.path.relpath(top, folder)
        if place in ("objects", "refs"):
            folders[:] = [name for name in folders if place != "refs" or name != "meticulous"]
            if place == "objects":
                folders[:] = ["info"]
        found[place + "/"] = sorted(folders)
        for name in names:
            found[f"{place}/{name}"] = (Path(top) / name).read_bytes()
    return found


def tree_of(folder: Path) -> dict[str, object]:
    """Every file of a work tree: its kind, whether it is executable, its bytes."""
    found: dict[str, object] = {}
    for top, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in (".git", "experiments")]
        names = [name for name in names if name != ".git"]
        for name in [*names, *(d for d in folders if os.path.islink(os.path.join(top, d)))]:
            path = os.path.join(top, name)
            mode = os.lstat(path).st_mode
            data = os.readlink(path) if stat.S_ISLNK(mode) else Path(path).read_bytes()
            found[os.path.relpath(path, folder)] = (
                stat.S_IFMT(mode),
                stat.S_ISREG(mode) and bool(mode & stat.S_IXUSR),
                data,
            )
    return found


def restored(project, code, name, *options) -> Path:
    """A fresh clone with the snapshot checked out."""
    clone = project.path.parent / name
    project.git("clone", "-q", "--no-checkout", *options, project.path.as_uri(), str(clone))
    subprocess.run(["git", "fetch", "-q", "origin", code.facts["ref"]], cwd=clone, check=True)
    subprocess.run(["git", "checkout", "-q", "FETCH_HEAD"], cwd=clone, check=True)
    return clone


# --- what is dirty ------------------------------------------------------------------------------


def modified(project):
    project.write("train.py", b"import helper  # changed\n")
    return [("train.py", "modified")]


def staged(project):
    project.write("train.py", b"staged\n")
    project.git("add", "train.py")
    project.write("train.py", FILES["train.py"])
    return [("train.py", "modified")]


def added(project):
    project.write("new.py", b"staged\n")
    project.git("add", "new.py")
    return [("new.py", "added")]


def intended(project):
    project.write("new.py", b"only intended\n")
    project.git("add", "-N", "new.py")
    return [("new.py", "added")]


def deleted(project):
    (project.path / "helper.py").unlink()
    return [("helper.py", "deleted")]


def removed(project):
    project.git("rm", "-q", "helper.py")
    return [("helper.py", "deleted")]


def renamed(project):
    project.git("mv", "helper.py", "other.py")
    return [("other.py", "renamed")]


def executable(project):
    (project.path / "train.py").chmod(0o755)
    return [("train.py", "mode")]


def became_link(project):
    (project.path / "helper.py").unlink()
    os.symlink("train.py", project.path / "helper.py")
    return [("helper.py", "type-changed")]


def became_folder(project):
    (project.path / "helper.py").unlink()
    project.write("helper.py/__init__.py", b"now a package\n")
    return [("helper.py", "deleted")]


def folder_became_link(project):
    shutil.rmtree(project.path / "pkg")
    project.write("elsewhere/data.bin", b"other")
    os.symlink("elsewhere", project.path / "pkg")
    return [("pkg/data.bin", "deleted")]


def unmerged(project):
    project.git("checkout", "-q", "-b", "side")
    project.write("helper.py", b"x = 2\n")
    project.commit()
    project.git("checkout", "-q", "main")
    project.write("helper.py", b"x = 3\n")
    project.commit()
    project.git("merge", "side", check=False)
    return [("helper.py", "unmerged")]


def odd_name(project):
    project.write(ODD, b"changed\n")
    return [(ODD, "modified")]


def binary(project):
    project.write("pkg/data.bin", bytes(range(255, -1, -1)))
    return [("pkg/data.bin", "modified")]


def untracked_source(project):
    project.write("pkg/imported.py", b"y = 1\n")
    return [("pkg/imported.py", "untracked")]


def ignored_source(project):
    project.write("ignored_module.py", b"y = 1\n")
    return [("ignored_module.py", "ignored")]


def unwatched_source(project):
    project.git("update-index", "--assume-unchanged", "helper.py")
    project.git("update-index", "--skip-worktree", "train.py")
    project.write("helper.py", b"x = 9\n")
    project.write("train.py", b"x = 9\n")
    return [("helper.py", "modified"), ("train.py", "modified")]


STATES = [
    modified,
    staged,
    added,
    intended,
    deleted,
    removed,
    renamed,
    executable,
    became_link,
    became_folder,
    folder_became_link,
    unmerged,
    odd_name,
    binary,
    untracked_source,
    ignored_source,
    unwatched_source,
]
SOURCES = ("train.py", "helper.py", "pkg/imported.py", "ignored_module.py")


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_dirty_tree_is_refused_told_or_kept_and_nothing_of_the_users_changes(project, state):
    expected = state(project)
    project.write("notes/untracked.txt", b"taken along\x00\xff\r\n")
    head, before = project.git("rev-parse", "HEAD"), frozen(project.path / ".git")
    tree = tree_of(project.path)

    with pytest.raises(DirtyRepoException) as caught:
        read(project, "refuse", SOURCES)
    assert sorted(caught.value.paths) == sorted(path for path, _ in expected)
    for path, kind in expected:
        assert f"{kind:<12} {_git.shown(path)}\n" in caught.value.message
    assert "snapshot" in caught.value.hint and "allow" in caught.value.hint

    allowed = read(project, "allow", SOURCES)
    assert allowed.sha == head and allowed.patch is None
    assert [(c["path"], c["state"]) for c in allowed.facts["changes"]] == expected
    assert allowed.facts["dirty"] is True and allowed.facts["policy"] == "allow"
    assert "problem" not in allowed.facts
    assert project.git("rev-parse", allowed.facts["ref"]) == head

    kept = read(project, "snapshot", SOURCES)
    assert read(project, "snapshot", SOURCES) == kept, "the same state is the same commit"
    assert kept.sha == head and kept.facts["changes"] == allowed.facts["changes"]
    assert project.git("rev-parse", kept.facts["ref"] + "^") == head
    assert "skipped" not in kept.facts

    assert frozen(project.path / ".git") == before
    assert tree_of(project.path) == tree
    clone = restored(project, kept, "clone")
    assert tree_of(clone) == tree
    subprocess.run(["git", "checkout", "-q", "-f", head], cwd=clone, check=True)
    subprocess.run(["git", "apply", "--index", "-"], cwd=clone, input=kept.patch, check=True)
    assert tree_of(clone) == tree, "the patch alone restores the tree"


def test_a_clean_tree_is_told_and_its_commit_is_pinned(project):
    project.write("scratch/untracked.py", b"not imported\n")
    project.write("ignored.py", b"not imported\n")
    for name in FILES:
        os.utime(project.path / name)  # only the time changes
    before = frozen(project.path / ".git")
    for policy in ("refuse", "snapshot", "allow"):
        code = read(project, policy, ["train.py", "helper.py", "link.py"])
        assert code == (
            project.git("rev-parse", "HEAD"),
            "the code\n\nIn full: \u00fc.\n",
            {
                "policy": policy,
                "repository": "project",
                "directory": ".",
                "dirty": False,
                "branch": "main",
                "files": ["helper.py", "link.py", "train.py"],
                "ref": f"refs/meticulous/{code.sha}",
            },
            None,
        )
    assert frozen(project.path / ".git") == before
    project.git("commit", "-q", "--amend", "-m", "rewritten")
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "-q", "--prune=now")
    assert project.git("show", f"{code.sha}:train.py"), "gc must not lose what was recorded"
    assert _git.read_code(str(project.path / "pkg"), dirty="refuse", sources=[]).facts[
        "directory"
    ] == ("pkg")


def test_installed_packages_environments_and_the_experiments_folder_are_not_the_users_code(project):
    names = [
        "lib/site-packages/numpy.py",
        "vendor/dist-packages/six.py",
        "env/src/deep/tool.py",
        "experiments/1/copy.py",
        "gone.py",
    ]
    for name in names[:-1]:
        project.write(name, b"installed\n")
    project.write("env/pyvenv.cfg", b"home = /usr/bin\n")
    project.write("experiments/tracked.txt", b"1\n")
    project.git("add", "-f", "experiments/tracked.txt")
    project.commit("the experiments folder is tracked by mistake")
    project.git("rm", "-rqf", "--cached", *names[:-1])
    project.git("commit", "-q", "-m", "untracked again")
    project.write("experiments/tracked.txt", b"2\n")
    ignore = str(project.path / "experiments")
    assert read(project, "refuse", names, ignore=ignore).facts["dirty"] is False
    modified(project)
    code = read(project, "snapshot", names, ignore=ignore)
    assert [change["path"] for change in code.facts["changes"]] == ["train.py"]
    kept = project.git("ls-tree", "-r", "--name-only", code.facts["ref"])
    assert not any(name in kept for name in names)
    assert [(skip["path"], skip["reason"]) for skip in code.facts["skipped"]] == [
        (name, "installed packages")
        for name in ("env", "lib/site-packages", "vendor/dist-packages")
    ]
    assert project.git("show", code.facts["ref"] + ":experiments/tracked.txt") == "1"


def test_a_long_list_of_changes_is_cut_in_message_and_facts_but_not_in_the_paths(project):
    for number in range(1100):
        project.write(f"many/f{number:04}", b"")
    project.git("add", "many")
    with pytest.raises(DirtyRepoException) as caught:
        read(project)
    assert len(caught.value.paths) == 1100
    assert caught.value.message.count("\n") == 22 and "... and 1080 more" in caught.value.message
    facts = read(project, "allow").facts
    assert (len(facts["changes"]), facts["changes-left-out"]) == (1000, 100)


def test_an_unknown_policy_is_a_setting_error(project):
    with pytest.raises(SettingError):
        read(project, "maybe")


HOSTILE = """
    status.showUntrackedFiles=all status.short=true status.renames=false color.ui=always
    log.showSignature=true log.decorate=full log.date=relative log.mailmap=true
    i18n.logOutputEncoding=latin1 i18n.commitEncoding=latin1 core.quotePath=false
    core.logAllRefUpdates=always core.splitIndex=true core.untrackedCache=true
    diff.noprefix=true diff.external=false diff.renames=copies
    commit.gpgSign=true user.name=Other index.sparse=true
    core.pager=false tag.gpgSign=true fetch.all=true add.ignoreErrors=true
"""


def sign(project, marker):
    """Make HEAD a commit with a signature, and a program that checks it."""
    raw = project.git("cat-file", "commit", "HEAD").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n -----END PGP SIGNATURE-----\n\n", 1
    )
    path = project.write(".git/raw", raw.encode() + b"\n")
    project.git("update-ref", "HEAD", project.git("hash-object", "-wt", "commit", str(path)))
    script = project.write(".git/gpg", f"#!/bin/sh\ntouch {marker}\nexit 1\n")
    script.chmod(0o755)
    project.git("config", "gpg.program", str(script))


def test_the_users_configuration_changes_nothing(project, tmp_path):
    sign(project, tmp_path / "checked")
    modified(project)
    plain = [read(project, policy) for policy in ("allow", "snapshot")]
    for setting in HOSTILE.split():
        project.git("config", *setting.split("=", 1))
    for code in plain:
        project.git("update-ref", "-d", code.facts["ref"])
    project.git("log", "-1")
    (tmp_path / "checked").unlink()
    before = frozen(project.path / ".git")
    assert [read(project, policy) for policy in ("allow", "snapshot")] == plain
    assert not (tmp_path / "checked").exists()
    assert frozen(project.path / ".git") == before


def test_a_split_index_is_read_and_stays_as_it_was(project):
    project.git("update-index", "--split-index")
    before = frozen(project.path / ".git")
    assert any("sharedindex" in name for name in before)
    modified(project)
    code = read(project, "snapshot")
    assert project.git("show", code.facts["ref"] + ":train.py") == "import helper  # changed"
    assert frozen(project.path / ".git") == before


def test_a_message_in_another_encoding_is_told_as_text(project):
    project.git("config", "i18n.commitEncoding", "ISO-8859-1")
    message = project.write("message", "Grüße\n".encode("latin-1"))
    project.git("commit", "-q", "--allow-empty", "-F", str(message))
    assert read(project).message == "Grüße\n"


# --- odd repositories ---------------------------------------------------------------------------


def refusal(path, reason, dirty="refuse"):
    """The one-line error; and that with allow the same is only told."""
    with pytest.raises(GitError) as caught:
        _git.read_code(str(path), dirty=dirty, sources=[])
    assert caught.value.reason == reason and caught.value.hint
    assert "\n" not in str(caught.value) and str(caught.value).isascii()
    code = _git.read_code(str(path), dirty="allow", sources=[])
    assert code.facts["policy"] == "allow"
    assert code.facts["problem"] == {"reason": reason, "message": caught.value.message}
    return code


def test_no_repository_is_told(tmp_path):
    (tmp_path / "sub" / ".git").mkdir(parents=True)  # an empty .git is none, as for git
    assert _git.find_root(str(tmp_path / "sub")) is None
    code = refusal(tmp_path / "sub", "no-repository")
    assert code.sha is None and code.message is None
    refusal(tmp_path / "absent", "no-repository", "snapshot")


def test_the_top_is_found_from_anywhere_below_it(project):
    top = os.path.realpath(project.path)
    assert _git.find_root(str(project.path)) == top
    assert _git.find_root(str(project.path / "pkg" / "not" / "there")) == top
    os.symlink(project.path / "pkg", project.path.parent / "way")
    assert _git.find_root(str(project.path.parent / "way")) == top


def test_no_commit_yet_is_told_and_a_snapshot_is_its_first(make_repository):
    fresh = make_repository("fresh", init=False)
    fresh.git("init", "-q", "-b", "trunk")
    assert refusal(fresh.path, "no-commit").facts["branch"] == "trunk"
    fresh.write("train.py", b"x\n")
    fresh.write("staged.py", b"y\n")
    fresh.git("add", "staged.py")
    tree = tree_of(fresh.path)
    code = read(fresh, "snapshot", ["train.py"])
    assert code.sha is None and code.message is None
    assert fresh.git("rev-list", "--parents", code.facts["ref"]) == code.facts["snapshot"]
    assert tree_of(restored(fresh, code, "clone")) == tree
    assert b"+x\n" in code.patch
    assert fresh.git("status", "--short") == "A  staged.py\n?? train.py"
    allowed = read(fresh, "allow", ["train.py"])
    assert allowed.facts["dirty"] is True and allowed.facts["problem"]["reason"] == "no-commit"


def test_a_detached_head_has_no_branch(project):
    project.git("checkout", "-q", "--detach")
    code = read(project)
    assert code.facts["branch"] is None and code.sha == project.git("rev-parse", "HEAD")


def test_a_shallow_clone_is_recorded_as_one(project, make_repository):
    project.git("clone", "-q", "--depth=1", project.path.as_uri(), "../shallow")
    shallow = make_repository("shallow", init=False)
    code = read(shallow)
    assert code.facts["shallow"] is True and code.sha == project.git("rev-parse", "HEAD")
    shallow.write("train.py", b"changed\n")
    kept = read(shallow, "snapshot")
    assert b"+changed\n" in kept.patch
    assert shallow.git("rev-parse", kept.facts["ref"] + "^") == code.sha


def test_a_linked_worktree_has_its_own_state_and_shares_the_pins(project, make_repository):
    project.git("worktree", "add", "-q", "../linked", "-b", "side")
    linked = make_repository("linked", init=False)
    modified(project)
    assert read(linked).facts["branch"] == "side"
    linked.write("helper.py", b"x = 5\n")
    tree, before = tree_of(linked.path), frozen(project.path / ".git")
    code = read(linked, "snapshot")
    assert [change["path"] for change in code.facts["changes"]] == ["helper.py"]
    assert frozen(project.path / ".git") == before
    assert tree_of(restored(project, code, "clone")) == tree
    (project.path / ".git").rename(project.path / "moved")
    refusal(linked.path, "failed")


def test_a_sparse_checkout_is_clean_and_its_snapshot_keeps_what_is_not_checked_out(project):
    project.write("other/big.txt", b"not checked out\n")
    project.commit()
    project.git("sparse-checkout", "set", "--cone", "pkg")
    assert not (project.path / "other").exists()
    assert read(project, "refuse", ["train.py"]).facts["dirty"] is False
    modified(project)
    project.write("other/new.txt", b"outside of the cone\n")
    before = frozen(project.path / ".git")
    code = read(project, "snapshot")
    assert frozen(project.path / ".git") == before
    clone = restored(project, code, "clone")
    assert (clone / "other/big.txt").read_bytes() == b"not checked out\n"
    assert (clone / "other/new.txt").read_bytes() == b"outside of the cone\n"
    assert tree_of(project.path).items() <= tree_of(clone).items()


def test_a_partial_clone_whose_remote_is_gone_is_read_and_kept(project, make_repository):
    project.write("other/big.txt", b"never fetched\n")
    project.commit()
    project.git("config", "uploadpack.allowFilter", "true")
    uri = project.path.as_uri()
    project.git("clone", "-q", "--filter=blob:none", "--no-checkout", uri, "../partial")
    partial = make_repository("partial", init=False)
    partial.git("sparse-checkout", "set", "--cone", "pkg")
    partial.git("checkout", "-q", "main")
    sha = project.git("rev-parse", "HEAD")
    project.path.rename(project.path.parent / "elsewhere")
    assert read(partial).sha == sha
    partial.write("train.py", b"changed\n")
    partial.git("mv", "helper.py", "other.py")
    (partial.path / "other.py").write_bytes(b"x = 1\ny = 1\n")
    code = read(partial, "snapshot", ["other.py"])
    assert b"+changed\n" in code.patch and "problem" not in code.facts
    assert partial.git("show", code.facts["ref"] + ":other.py") == "x = 1\ny = 1"
    assert "other/big.txt" in partial.git("ls-tree", "-r", "--name-only", code.facts["ref"])


def test_a_sha256_repository_works(make_repository):
    long = make_repository("long", init=False)
    long.git("init", "-q", "--object-format=sha256")
    long.write("train.py", b"x\n")
    sha = long.commit()
    assert len(sha) == 64 and read(long).sha == sha
    long.write("train.py", b"y\n")
    code = read(long, "snapshot")
    assert len(code.facts["snapshot"]) == 64
    assert long.git("show", code.facts["ref"] + ":train.py") == "y"


@pytest.mark.skipif(not hasattr(os, "chown") or os.geteuid() != 0, reason="needs root")
def test_a_repository_of_another_user_is_told(project, monkeypatch):
    monkeypatch.delenv("SUDO_UID", raising=False)
    for top, folders, names in os.walk(project.path):
        for name in [*folders, *names, "."]:
            os.lchown(os.path.join(top, name), 12345, 12345)
    assert "belongs to another user" in refusal(project.path, "unsafe").facts["problem"]["message"]
    # A trust that the environment tells git of is trust for us, too.
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "*")
    assert read(project).facts["dirty"] is False


def test_a_corrupt_repository_is_one_line(project):
    head = project.path / ".git" / "HEAD"
    ref = project.path / ".git" / "refs" / "heads" / "main"
    index = project.path / ".git" / "index"
    good = {path: path.read_bytes() for path in (head, ref, index)}
    for path, bad in (
        (head, b"rubbish\n"),
        (head, b""),
        (ref, b"1" * 40 + b"\n"),
        (ref, b""),
        (index, b"rubbish"),
    ):
        path.write_bytes(bad)
        refusal(project.path, "failed")
        refusal(project.path, "failed", "snapshot")
        path.write_bytes(good[path])
    sha = project.git("rev-parse", "HEAD")
    index.write_bytes(b"rubbish")
    code = read(project, "allow")
    assert code.sha == sha and code.facts["ref"], "what is known is told and kept"
    index.write_bytes(good[index])
    (project.path / ".git" / "config").write_bytes(b"[rubbish")
    refusal(project.path, "failed")


def test_a_lock_that_a_dead_git_left_is_in_nobodys_way(project):
    lock = project.path / ".git" / "index.lock"
    lock.write_bytes(b"")
    os.utime(lock, (1, 1))
    assert read(project).facts["dirty"] is False
    modified(project)
    assert read(project, "snapshot").facts["snapshot"]
    assert lock.read_bytes() == b""


def test_a_commit_that_cannot_be_pinned_is_a_problem_but_a_snapshot_that_cannot_is_an_error(
    project,
):
    project.write(".git/refs/meticulous", b"")
    code = read(project)
    assert code.sha and code.facts["problem"]["reason"] == "not-pinned" and "ref" not in code.facts
    modified(project)
    with pytest.raises(GitError) as caught:
        read(project, "snapshot")
    assert "\n" not in str(caught.value)


def test_a_packed_pin_is_found(project):
    ref = read(project).facts["ref"]
    project.git("pack-refs", "--all")
    assert not (project.path / ".git" / ref).exists()
    assert read(project).facts["ref"] == ref
    assert not (project.path / ".git" / ref).exists()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://user:secret@host.org/x/y.git", "https://host.org/x/y.git"),
        ("https://secret@host.org:8080/x", "https://host.org:8080/x"),
        ("https://u:sec@ret@host.org/x", "https://host.org/x"),
        ("https://u:sec/ret@host.org/x", "https://host.org/x"),
        ("https://u:1#secret@host.org/x", "https://host.org/x"),
        ("https://host.org/x?token=secret#secret", "https://host.org/x"),
        ("https://host.org:8080/@scope/x", "https://host.org:8080/@scope/x"),
        ("http::https://u:secret@host.org/x", "http::https://host.org/x"),
        ("ssh://git@host.org/x.git", "ssh://git@host.org/x.git"),
        ("ssh://git:secret@host.org/x.git", "ssh://host.org/x.git"),
        ("git@host.org:x/y.git", "git@host.org:x/y.git"),
        ("secret@host.org:x/y.git", "host.org:x/y.git"),
        ("u:secret@host.org:x/y.git", "host.org:x/y.git"),
        ("/srv/git/x@y.git", "/srv/git/x@y.git"),
        ("file:///srv/git/x.git", "file:///srv/git/x.git"),
    ],
)
def test_credentials_in_the_address_of_the_remote_are_never_told(project, url, told):
    project.git("config", "remote.origin.url", url)
    code = read(project)
    assert code.facts["remote"] == told
    assert "secret" not in repr(code)
