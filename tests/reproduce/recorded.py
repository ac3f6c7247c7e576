"""What tests of reproducing share: a command, and what must not change in a repository."""

from __future__ import annotations

import json

import pytest

from cli.command import run


@pytest.fixture(autouse=True)
def inside(repository, monkeypatch):
    """The command runs in the repository, as a user's would."""
    monkeypatch.chdir(repository.path)
    for name in ("COLUMNS", "NO_COLOR", "PYTHONUNBUFFERED"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def meticulous(capfd):
    """Run the command in this process: exit code, standard output, standard error."""
    return lambda *words: run(capfd, *words)


@pytest.fixture
def untouched(repository):
    """After ``begin()``, check that all files of the user's, but experiments, are as before."""
    before, said = {}, []

    def look():
        found = {}
        for path in sorted(repository.path.rglob("*")):
            name = path.relative_to(repository.path).as_posix()
            if name.split("/")[0] != "experiments" and path.is_file():
                found[name] = path.read_bytes()
        return found

    def check(*allowed):
        after = look()
        changed = {name for name in before | after if before.get(name) != after.get(name)}
        assert {name for name in changed if not name.startswith(allowed)} == set()
        assert [repository.git("status", "--porcelain"), repository.git("stash", "list")] == said

    def begin():
        """Put something of everything there that could get lost."""
        repository.write("changed.txt", "as committed\n")
        repository.commit("a file")
        repository.write("changed.txt", "stashed\n")
        repository.git("stash")
        repository.write("changed.txt", "in the index\n")
        repository.git("add", "changed.txt")
        repository.write("changed.txt", "not committed\n")
        repository.write("mine.txt", "untracked\n")
        said[:] = [repository.git("status", "--porcelain"), repository.git("stash", "list")]
        before.update(look())

    check.begin = begin
    return check


def metadata(repository, expid):
    return json.loads((repository.root / str(expid) / "metadata.json").read_text())


def edit_metadata(repository, expid, **changes):
    path = repository.root / str(expid) / "metadata.json"
    facts = json.loads(path.read_text())
    facts.update({name.replace("_", "-"): value for name, value in changes.items()})
    path.write_text(json.dumps(facts))


def lose_everything(repository):
    """What a rebase and git's garbage collection leave: only what refs lead to."""
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "-q", "--prune=now")


def beside(repository):
    """The directories beside the repository."""
    return sorted(p.name for p in repository.path.parent.iterdir() if p != repository.path)
