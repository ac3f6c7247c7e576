"""`meticulous push-code`: recorded commits to a remote, by the user's own git, only when asked."""

from __future__ import annotations

import json
import os

import pytest

from cli.command import run
from conftest import Repository
from read.records import SHA, snapshot, write_record


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A clone with a bare remote; its commits are the user's, the snapshot nobody else's."""
    bare = Repository(tmp_path / "bare.git", init=False)
    bare.git("init", "-q", "--bare")
    project = Repository(tmp_path / "project")
    project.write(".gitignore", "experiments\n")
    project.commit("code")
    project.git("remote", "add", "origin", str(bare.path))
    project.git("push", "-q", "-u", "origin", "main")
    head = project.git("rev-parse", "HEAD")
    kept = project.git("commit-tree", "-p", head, "-m", "snapshot", f"{head}^{{tree}}")
    for sha in (head, kept):
        project.git("update-ref", f"refs/meticulous/{sha}", sha)
    write_record(project.root, "1", githead_sha=head)
    write_record(project.root, "2", githead_sha=head, git={"snapshot": kept})
    write_record(project.root, "3", githead_sha=SHA)
    project.shas, project.bare = (head, kept), bare
    monkeypatch.chdir(project.path)
    return project


def kept(bare):
    lines = bare.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/meticulous")
    return dict(line.split(" ") for line in lines.splitlines())


def test_what_was_not_there_is_shown_and_pushed_and_nothing_else(project, capfd):
    head, copy = project.shas
    for hook in ("pre-push", "reference-transaction"):
        path = project.write(f".git/hooks/{hook}", f"#!/bin/sh\ntouch {project.path}/ran\nexit 1\n")
        path.chmod(0o755)
    project.git("config", "push.followTags", "true")
    project.git("config", "push.default", "matching")
    project.git("-c", "core.hooksPath=/dev/null", "tag", "-a", "-m", "x", "v1")
    before = snapshot(project.path), snapshot(project.bare.path)
    code, out, err = run(capfd, "push-code", "--dry-run")
    assert (code, err) == (0, "")
    assert out.startswith(f"origin ({project.bare.path}): 2 commits to push, 0 there already\n")
    assert f"  {copy[:12]}  experiment 2\n" in out
    assert (snapshot(project.path), snapshot(project.bare.path)) == before
    code, out, err = run(capfd, "push-code")
    assert code == 0 and out.endswith("pushed\n")
    assert kept(project.bare) == {f"refs/meticulous/{sha}": sha for sha in (head, copy)}
    assert project.bare.git("for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags") == (
        "refs/heads/main"
    )
    assert not (project.path / "ran").exists()
    code, out, err = run(capfd, "push-code")
    assert (code, err) == (0, "") and "0 commits to push, 2 there already" in out


def test_those_of_some_experiments_to_a_named_remote_or_an_address(project, capfd, tmp_path):
    _, copy = project.shas
    for name in ("second", "third"):
        Repository(tmp_path / f"{name}.git", init=False).git("init", "-q", "--bare")
    project.git("remote", "add", "second", "../second.git")
    project.git("update-ref", "-d", f"refs/meticulous/{copy}")  # no need of a pin
    code, out, _ = run(capfd, "push-code", "second", "2-3", "--json")
    told = json.loads(out)["push"]
    assert (code, told["remote"], told["done"]) == (0, "second", True)
    assert told["commits"] == [{"commit": copy, "experiments": ["2"], "state": "pushed"}]
    assert told["missing"] == [SHA]
    second = Repository(tmp_path / "second.git", init=False)
    assert set(kept(second)) == {f"refs/meticulous/{copy}"}
    code, out, _ = run(capfd, "push-code", str(tmp_path / "third.git"), "1", "3")
    assert code == 0 and f"{SHA[:12]}  is not in the repository" in out
    assert len(kept(Repository(tmp_path / "third.git", init=False))) == 1
    code, out, _ = run(capfd, "push-code", "2")  # no remote of that name: an experiment
    assert out.startswith("origin (") and len(kept(project.bare)) == 1


def test_nothing_is_forced_and_failures_are_told_with_gits_own_reason(
    project, capfd, tmp_path, monkeypatch
):
    head, copy = project.shas
    other = project.bare.git("rev-parse", "refs/heads/main")
    assert other == head
    tree = project.git("rev-parse", "HEAD^{tree}")
    foreign = project.git("commit-tree", "-m", "foreign", tree)
    project.git("push", "-q", "origin", f"{foreign}:refs/meticulous/{copy}")
    code, out, err = run(capfd, "push-code", "2")
    assert code == 1 and "pushed" not in out
    assert "rejected" in err and "'git push' with origin failed" in err
    assert kept(project.bare)[f"refs/meticulous/{copy}"] == foreign
    code, out, err = run(capfd, "push-code", "orgin")
    assert code == 2 and "no experiment 'orgin'" in err and "The remotes are: origin." in err
    project.git("remote", "set-url", "origin", str(tmp_path / "absent.git"))
    code, out, err = run(capfd, "push-code")
    assert code == 1 and "does not appear to be a git repository" in err
    project.git("remote", "remove", "origin")
    code, _, err = run(capfd, "push-code")
    assert code == 2 and "has no remote" in err
    code, _, err = run(capfd, "push-code", "--", "--upload-pack=touch x;.git")
    assert code == 2
    assert not os.path.exists("x")
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capfd, "push-code")
    assert code == 1 and "not in a git repository" in err


def test_the_users_own_configuration_and_variables_are_used(project, capfd, monkeypatch, tmp_path):
    """Addresses may be rewritten, and programs for ssh or passwords named, in either."""
    project.git("remote", "set-url", "origin", "lab:project")
    config = tmp_path / "gitconfig"
    config.write_text(f'[url "{project.bare.path}"]\n\tinsteadOf = lab:project\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    code, _, err = run(capfd, "push-code")
    assert code == 0, err
    monkeypatch.delenv("GIT_DIR")
    assert len(kept(project.bare)) == 2
