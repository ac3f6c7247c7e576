"""`meticulous bundle` and `import`: experiments and their code in a file nobody vouches for."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from cli.command import COMMAND, run
from conftest import Repository
from meticulous import _bundle, _bundle_tar, _process
from read.records import SHA, snapshot, write_record
from storage_tools import limited_file_size


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Two experiments of which one ran a snapshot, and history that was rebased away."""
    project = Repository(tmp_path / "project")
    project.write(".gitignore", "experiments\n")
    old = project.commit("the code of one")
    project.git("update-ref", f"refs/meticulous/{old}", old)
    project.git("commit", "-q", "--amend", "-m", "rewritten")
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "-q", "--prune=now")
    tree = project.git("rev-parse", "HEAD^{tree}")
    kept = project.git("commit-tree", "-p", "HEAD", "-m", "snapshot", tree)
    head = project.git("rev-parse", "HEAD")
    session = {"host": "here", "pid": 7, "process-start": 3}
    write_record(project.root, "3", githead_sha=old, session=session, summary={"acc": 1})
    folder = write_record(
        project.root, "7", githead_sha=head, git={"snapshot": kept}, args={"lr": 3}
    )
    (folder / "models").mkdir()
    (folder / "models" / f"{'long' * 40}.bin").write_bytes(os.urandom(3000))
    (folder / "models" / "größe").write_text("")
    project.shas = [old, kept]
    monkeypatch.chdir(project.path)
    return project


def bundled(capfd, project, *words, name="x.tar"):
    path = project.path.parent / name
    code, out, err = run(capfd, "bundle", *(words or ("all",)), "-o", path)
    assert (code, err) == (0, ""), err
    return path, out


def content(folder):
    """Every file but the annotations, with its time in whole seconds."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), int(path.stat().st_mtime))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "annotations.json"
    }


def refs(repository):
    return set(repository.git("for-each-ref", "--format=%(refname)").splitlines())


@pytest.mark.parametrize("where", ["clone", "unrelated"])
def test_a_bundle_brings_folders_and_commits_that_a_repository_never_saw(
    project, capfd, monkeypatch, make_repository, where
):
    path, out = bundled(capfd, project)
    assert "2 experiments" in out and "with the code: 2 commits" in out
    with tarfile.open(path) as tar:
        assert tar.getnames()[-1] == "bundle.json"
        assert "experiments/3/args.json" in tar.getnames()
    if where == "clone":
        project.git("clone", "-q", "--no-local", ".", "../fresh")
        fresh = Repository(project.path.parent / "fresh", init=False)
    else:
        fresh = make_repository("fresh")
        write_record(fresh.root, "3", args={"other": True})
    assert not fresh.git("cat-file", "-t", project.shas[0], check=False)
    monkeypatch.chdir(fresh.path)
    before, status = refs(fresh), fresh.git("status", "--porcelain", "--ignored")
    there = content(fresh.root) if fresh.root.exists() else None
    code, out, err = run(capfd, "import", path, "--dry-run")
    assert (code, err) == (0, "")
    assert (content(fresh.root) if fresh.root.exists() else None) == there
    assert refs(fresh) == before
    code, out, err = run(capfd, "import", path)
    assert (code, err) == (0, "")
    new = "3" if where == "clone" else "8"
    for old, here in (("3", new), ("7", "7")):
        assert content(fresh.root / here) == content(project.root / old)
        annotations = json.loads((fresh.root / here / "annotations.json").read_text())
        assert annotations["imported"]["id"] == old
        assert annotations["imported"]["bundle"] == "x.tar"
        assert annotations["history"][-1]["action"] == "import"
    assert refs(fresh) - before == {f"refs/meticulous/{sha}" for sha in project.shas}
    fresh.git("fsck", "--strict")
    for sha in project.shas:
        fresh.git("checkout", "-q", sha)
    fresh.git("checkout", "-q", "main")
    if where == "clone":
        assert fresh.git("status", "--porcelain", "--ignored").split() == [
            *status.split(), "!!", "experiments/",
        ]  # fmt: skip
    before = snapshot(fresh.root)
    code, out, err = run(capfd, "import", path)
    assert (code, err) == (0, "") and out.count("already here") == 2
    assert snapshot(fresh.root) == before
    code, out, _ = run(capfd, "import", path, "--map", "--json")
    assert {one["state"] for one in json.loads(out)["import"]["experiments"]} == {"here"}


def test_a_later_state_of_an_experiment_is_recognised_and_not_doubled(project, capfd):
    path, _ = bundled(capfd, project, "3")
    metadata = json.loads((project.root / "3" / "metadata.json").read_text())
    metadata["sessions"].append({"start": "2022"})
    (project.root / "3" / "metadata.json").write_text(json.dumps(metadata))
    code, out, _ = run(capfd, "import", path)
    assert (code, out.count("already here")) == (0, 1)
    shutil.rmtree(project.root / "3")
    code, out, _ = run(capfd, "import", path)
    assert code == 0 and (project.root / "3" / "STATUS").read_text() == "SUCCESS"


def test_ids_are_kept_when_they_are_free_and_never_taken_from_the_trash(project, capfd, tmp_path):
    path, _ = bundled(capfd, project)
    other = tmp_path / "other"
    write_record(other, "3", args={"mine": 1})
    words = (path, "--no-code", "--experiments-directory", other)
    code, _, err = run(capfd, "import", *words, "--keep-ids")
    assert code == 2 and "experiments 3" in err
    assert run(capfd, "rm", "3", "--yes", "--experiments-directory", other)[0] == 0
    code, out, _ = run(capfd, "import", *words)
    assert "(--no-code)" in out
    assert sorted(name for name in os.listdir(other) if name[0] != ".") == ["7", "8"]
    third = tmp_path / "third"
    run(capfd, "import", path, "--no-code", "--map", "--experiments-directory", third)
    assert sorted(name for name in os.listdir(third) if name[0] != ".") == ["1", "2"]
    lone = tmp_path / "lone"
    lone.mkdir()
    os.chdir(lone)
    code, _, err = run(capfd, "import", path)
    assert code == 1 and "--no-code" in err
    assert not (lone / "experiments").exists()


def test_what_a_bundle_cannot_hold_is_left_out_and_said(project, capfd):
    folder = project.root / "3"
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "folder").symlink_to("/etc")
    os.mkfifo(folder / "pipe")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("[core]\n")
    (folder / ".session-2").mkdir()
    (folder / ".args.json.1~").write_text("half")
    (folder / "Case").write_text("a")
    (folder / "case").write_text("b")
    Path(os.fsdecode(os.fsencode(folder) + b"/odd\xff\x1b[31m")).write_text("odd")
    write_record(project.root, "8", githead_sha=SHA)
    write_record(project.root, "9", githead_sha=None, status="RUNNING")
    path, out = bundled(capfd, project, "3", "8", "9")
    assert "\x1b" not in out
    left = {line.split(": ", 1)[1] for line in out.splitlines() if line.startswith("left out")}
    assert {line.partition(" (")[0].removeprefix("experiments/3/") for line in left} == {
        "link", "folder", "pipe", ".git/config", "case", "odd\\udcff",
    }  # fmt: skip
    assert f"no longer has the code of 8: {SHA[:10]}" in out
    assert "no commit is recorded for 9" in out
    assert "still running, taken as far as it was: 9" in out
    with tarfile.open(path) as tar:
        assert all(member.isreg() for member in tar)
    code, _, err = run(capfd, "bundle", "3", "-o", path)
    assert code == 1 and "already there" in err
    assert [name.name for name in project.path.parent.glob("x.tar*")] == ["x.tar"]


def test_a_thin_bundle_says_what_it_needs(project, capfd, monkeypatch, make_repository):
    (project.root / "3" / "metadata.json").unlink()
    first = project.git("rev-parse", "HEAD")
    path, out = bundled(capfd, project, "7", "--since", first)
    assert f"since {first[:10]}" in out
    project.git("clone", "-q", "--no-local", ".", "../clone")
    monkeypatch.chdir(project.path.parent / "clone")
    assert run(capfd, "import", path)[0] == 0
    fresh = make_repository("fresh")
    monkeypatch.chdir(fresh.path)
    code, _, err = run(capfd, "import", path)
    assert code == 1 and f"such as {first}" in err and "--since" in err
    assert [name for name in os.listdir(fresh.root) if name != ".gitignore"] == []


def test_where_it_cannot_be_written_is_told_first_and_a_signal_leaves_nothing(
    project, capfd, tmp_path, monkeypatch
):
    code, _, err = run(capfd, "bundle", "3", "-o", tmp_path / "nowhere" / "x.tar")
    assert code == 2 and f"There is no directory {tmp_path}/nowhere" in err
    assert run(capfd, "bundle", "3", "-o", tmp_path / "two.tar", "7")[0] == 0  # options anywhere
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "git"
    real = shutil.which("git")
    script.write_text(
        f'#!/bin/sh\n{real} "$@"; code=$?\n'
        f'case "$*" in *"bundle create"*) touch {folder}/made; sleep 600;; esac; exit $code\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    out = tmp_path / "out"
    out.mkdir()
    process = project.start("-m", "meticulous", "bundle", "3", "-o", out / "x.tar")
    while not (folder / "made").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM and os.listdir(out) == []


# ------------------------------------------------------------------------- nobody vouches for it


def member(name, data=b"x", **facts):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in facts.items():
        setattr(info, key, value)
    return info, data


def hostile(path, *entries, format=tarfile.PAX_FORMAT, manifest=None, **listed):
    """A bundle of experiment 1 with some more entries; the manifest agrees with all of it."""
    plain = [member(f"experiments/1/{name}", b"{}") for name in ("args.json", "metadata.json")]
    facts = {"format": 1, "experiments": [{"id": "1", "commits": []}], "members": {}, **listed}
    with tarfile.open(path, "w", format=format) as tar:
        for info, data in [*plain, *entries]:
            tar.addfile(info, io.BytesIO(data))
            told = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            facts["members"][info.name] = told
        data = json.dumps(facts).encode() if manifest is None else manifest
        info, data = member("bundle.json", data)
        tar.addfile(info, io.BytesIO(data))
    return path


HOSTILE = {
    "../../evil": "not legal",
    "/etc/evil": "no place",
    "experiments/../../evil": "id that is not legal",
    "experiments/1/../../../evil": "leads elsewhere",
    "experiments/1//evil": "leads elsewhere",
    "experiments/1/./evil": "leads elsewhere",
    "experiments/1/..\\evil": "not allowed",
    "experiments/1/a\nb": "not allowed",
    "experiments/1/.git/hooks/post-checkout": "a git repository",
    "experiments/1/.GIT/config": "a git repository",
    "experiments/1/.session-2/x": "a live process",
    "experiments/.trash/x": "not legal",
    "experiments/2/x": "other experiments",
    "experiments/1": "two forms",
    "evil": "not legal",
    "experiments/1/args.json": "twice",
    "experiments/1/ARGS.json": "two forms",
    "experiments/1/args.json/x": "two forms",
    f"experiments/1/{'n' * 300}": "too long",
    f"experiments/1/{'n/' * 900}n": "too long",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_leads_elsewhere_refuses_the_whole_bundle(name, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = hostile(tmp_path / "x.tar", member(name))
    before = sorted(path.name for path in tmp_path.rglob("*"))
    code, out, err = run(capfd, "import", path, "--no-code")
    assert (code, out) == (1, "")
    assert HOSTILE[name] in err and err.count("\n") == 1, err
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"type": tarfile.SYMTYPE, "linkname": "/etc"}, "a symbolic link"),
        ({"type": tarfile.LNKTYPE, "linkname": "experiments/1/args.json"}, "a hard link"),
        ({"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5}, "a device"),
        ({"type": tarfile.FIFOTYPE}, "a pipe"),
        ({"type": tarfile.DIRTYPE}, "a folder of its own"),
        ({"type": tarfile.GNUTYPE_SPARSE}, "a sparse file"),
        ({"type": tarfile.CONTTYPE}, "an entry of kind"),
        ({"pax_headers": {"GNU.sparse.size": "1"}}, "an extended header"),
        ({"pax_headers": {"size": "-1"}}, "an extended header"),
        ({"pax_headers": {"size": "9" * 30}}, "an extended header"),
        ({"pax_headers": {"size": str(1 << 50)}}, "more than"),
    ],
)
def test_anything_but_a_plain_file_refuses_the_whole_bundle(
    facts, text, tmp_path, capfd, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    path = hostile(tmp_path / "x.tar", member("experiments/1/evil", b"", **facts))
    code, _, err = run(capfd, "import", path, "--no-code")
    assert code == 1 and text in err, err
    assert not (tmp_path / "experiments").exists()


def test_what_is_cut_changed_or_no_bundle_is_refused_at_any_byte(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = hostile(tmp_path / "x.tar", member("experiments/1/stdout", b"output" * 100))
    data = whole.read_bytes()
    end = data.rindex(b'"members"')
    path = tmp_path / "y.tar"

    def refused(text, **options):
        code, _, err = run(capfd, "import", path, "--no-code", *options.get("words", ()))
        assert code in (1, 2) and text in err and err.count("\n") == 1, err
        root = tmp_path / "experiments"
        assert not root.exists() or os.listdir(root) == [".gitignore"]

    for cut in range(0, end, 499):
        path.write_bytes(data[:cut])
        refused("y.tar")
    path.write_bytes(data.replace(b"output", b"0utput", 1))
    refused("is not what its manifest says")
    path.write_bytes(data[:200] + b"X" + data[201:])
    refused("a header in it is broken")
    for manifest in (b"", b"[]", b'{"format": 2}', b'{"format": 1, "members": []}', b"[" * 99999):
        hostile(path, manifest=manifest)
        refused("y.tar")
    hostile(path, members={"experiments/1/more": {}})
    refused("does not hold what its manifest lists")
    hostile(path, experiments=[{"id": "1"}, {"id": "2"}])
    refused("other experiments")
    path.write_bytes(data)
    refused("more than 100 bytes", words=("--max-size", "100"))
    refused("no size", words=("--max-size", "much"))
    subprocess.run(["gzip", "-kf", path], check=True)
    os.replace(f"{path}.gz", path)
    refused("gunzip")
    path.unlink()
    refused("No such file")
    os.mkfifo(path)
    refused("not a regular file")
    path.unlink()
    path.mkdir()
    refused("not a regular file")


def test_an_extended_header_that_is_huge_is_not_read(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 32
    path = tmp_path / "x.tar"
    with open(path, "wb") as file:
        file.write(info.tobuf(tarfile.PAX_FORMAT))
        file.truncate((1 << 32) + 4096)
    code, _, err = run(capfd, "import", path, "--no-code")
    assert code == 1 and "an entry of kind 'x'" in err


def test_code_that_is_no_bundle_or_brings_other_refs_changes_nothing(
    project, capfd, monkeypatch, make_repository, tmp_path
):
    fresh = make_repository("fresh")
    monkeypatch.chdir(fresh.path)
    old, kept = project.shas
    project.git("update-ref", "refs/heads/evil", old)
    project.git("update-ref", f"refs/meticulous/{SHA}", old)
    names = ["refs/heads/evil", f"refs/meticulous/{SHA}", f"refs/meticulous/{old}"]
    project.git("bundle", "create", "-q", str(tmp_path / "b"), *names)
    data = (tmp_path / "b").read_bytes()
    before = refs(fresh)
    experiments = [{"id": "1", "commits": [old, kept, SHA, "--upload-pack=touch x", "HEAD"]}]

    def imported(data):
        path = hostile(tmp_path / "x.tar", member("code.bundle", data), experiments=experiments)
        return run(capfd, "import", path)

    for bad in (b"", b"# v2 git bundle\n", data[:-30], b"garbage\n" + data):
        code, _, err = imported(bad)
        if bad == b"# v2 git bundle\n":  # it brings nothing, which is said
            assert code == 0
            shutil.rmtree(fresh.root)
            continue
        assert code in (1, 2) and err.count("\n") == 1, err
        assert refs(fresh) == before
        assert os.listdir(fresh.root) == [".gitignore"]
    code, out, err = imported(data)
    assert (code, err) == (0, "")
    assert refs(fresh) - before == {f"refs/meticulous/{old}"}
    assert "has the code of 1" in out


def test_objects_that_would_harm_a_checkout_are_refused(
    project, capfd, monkeypatch, make_repository, tmp_path
):
    blob = project.git("rev-parse", "HEAD:README")
    inner = tmp_path / "tree"
    inner.write_bytes(b"100644 .git\0" + bytes.fromhex(blob))
    words = ("hash-object", "-w", "--literally", "-t", "tree", str(inner))
    evil = project.git("commit-tree", "-m", "evil", project.git(*words))
    project.git("update-ref", f"refs/meticulous/{evil}", evil)
    project.git("bundle", "create", "-q", str(tmp_path / "b"), f"refs/meticulous/{evil}")
    code = member("code.bundle", (tmp_path / "b").read_bytes())
    path = hostile(tmp_path / "x.tar", code, experiments=[{"id": "1", "commits": [evil]}])
    fresh = make_repository("fresh")
    monkeypatch.chdir(fresh.path)
    before = refs(fresh)
    code, _, err = run(capfd, "import", path)
    assert code == 1 and err.count("\n") == 1
    assert refs(fresh) == before
    assert os.listdir(fresh.root) == [".gitignore"]


def test_a_full_disk_leaves_nothing(project, capfd, tmp_path):
    path, _ = bundled(capfd, project)
    root = tmp_path / "other"
    with limited_file_size(2000):
        code, _, err = run(capfd, "import", path, "--no-code", "--experiments-directory", root)
    assert code == 1 and "File too large" in err
    assert os.listdir(root) == [".gitignore"]
    with limited_file_size(2000):
        code, _, err = run(capfd, "bundle", "all", "-o", tmp_path / "y.tar")
    assert code == 1 and err.count("\n") == 1
    assert not list(tmp_path.glob("y.tar*"))


def test_hooks_of_the_repository_do_not_run(project, capfd, monkeypatch, make_repository):
    path, _ = bundled(capfd, project)
    fresh = make_repository("fresh")
    hook = fresh.write(".git/hooks/reference-transaction", f"#!/bin/sh\ntouch {fresh.path}/ran\n")
    hook.chmod(0o755)
    monkeypatch.chdir(fresh.path)
    assert run(capfd, "import", path)[0] == 0
    assert not (fresh.path / "ran").exists()


def test_an_import_that_is_killed_leaves_whole_experiments_and_is_swept_by_the_next(
    tmp_path, capfd
):
    source = tmp_path / "source"
    for number in range(1, 60):
        folder = write_record(source, str(number), args={"n": number})
        (folder / "large").write_bytes(os.urandom(300_000))
    path = tmp_path / "x.tar"
    words = ("--experiments-directory", source)
    assert run(capfd, "bundle", "all", "--no-code", "-o", path, *words)[0] == 0
    root = tmp_path / "project" / "experiments"
    root.parent.mkdir()
    for number in range(6):
        process = subprocess.Popen(
            [*COMMAND, "import", path, "--no-code", "--experiments-directory", root],
            cwd=root.parent,
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not list(root.glob(".importing-*")) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.02 * number)
        process.send_signal(signal.SIGKILL if number % 2 else signal.SIGINT)
        process.wait()
        for folder in root.iterdir():
            if folder.name[0] != "." and os.listdir(folder):
                assert (folder / "large").stat().st_size == 300_000
                assert (folder / "STATUS").read_text() == "SUCCESS"
        if number % 2 == 0 and process.returncode:
            assert not list(root.glob(f".importing-*-{process.pid}~"))
    assert run(capfd, "import", path, "--no-code", "--experiments-directory", root)[0] == 0
    assert not list(root.glob(".importing-*"))
    found = {
        json.loads((folder / "args.json").read_text())["n"]
        for folder in root.iterdir()
        if folder.name[0] != "." and os.listdir(folder)
    }
    assert found == set(range(1, 60))


def test_the_same_bundle_is_not_imported_twice_at_once(project, capfd, tmp_path):
    path, _ = bundled(capfd, project)
    other = tmp_path / "other"
    words = ("import", path, "--no-code", "--experiments-directory", other)
    processes = [subprocess.Popen([*COMMAND, *words], stderr=subprocess.PIPE) for _ in range(4)]
    told = [process.communicate()[1].decode() for process in processes]
    for process, text in zip(processes, told, strict=True):
        assert process.returncode == 0 or "just now" in text, text
    assert run(capfd, *words)[0] == 0
    assert sorted(name for name in os.listdir(other) if name[0] != ".") == ["3", "7"]


def test_the_own_reader_of_tars_agrees_with_the_standard_one(project, capfd):
    path, _ = bundled(capfd, project)
    with _bundle_tar.opened(str(path)) as file, tarfile.open(path) as tar:
        found = _bundle_tar.members(file, str(path), 1 << 40)
        assert list(found) == tar.getnames()
        for name, one in found.items():
            assert (one.size, one.place) == (
                tar.getmember(name).size,
                tar.getmember(name).offset_data,
            )


def test_what_identifies_a_process_identifies_an_experiment():
    """The fingerprint looks at keys that the record's sessions have."""
    assert set(_bundle._IDENTITY) - {"start"} <= set(_process.identity())
