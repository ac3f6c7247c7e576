"""A file system of whole seconds: sshfs, from this machine to itself, where that can be mounted.

There two writes within a second leave a file of the same size with the same time.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from cli.command import run
from meticulous import _index
from meticulous.experiments import Experiments
from read.records import write_record

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
NEEDED = [name for name in ("sshfs", "ssh", "ssh-keygen", "fusermount3") if not shutil.which(name)]
if not os.path.exists(SSHD):
    NEEDED.append("sshd")


def why_not():
    if NEEDED:
        return f"{', '.join(NEEDED)} is not installed"
    if os.geteuid() != 0:
        return "only root can start the server here"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "there is no /dev/fuse"
    return ""


pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "none")


def _serve(folder: Path) -> tuple[subprocess.Popen, int, list[str]]:
    """Start a server that lets in one key, on a free port of this machine."""
    for name in ("host", "key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
        subprocess.run(command, check=True)
    shutil.copy(folder / "key.pub", folder / "authorized")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized\nPermitRootLogin prohibit-password\n"
        "PasswordAuthentication no\nUsePAM no\nStrictModes no\nSubsystem sftp internal-sftp\n"
    )
    os.makedirs("/run/sshd", exist_ok=True)  # where it wants to be confined
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=log)
    options = [f"IdentityFile={folder}/key", f"UserKnownHostsFile={folder}/known"]
    return server, port, [*options, "StrictHostKeyChecking=no", "IdentitiesOnly=yes"]


@pytest.fixture(scope="module")
def remote(tmp_path_factory):
    """A folder of another file system: attributes are asked anew each time, in whole seconds."""
    top = tmp_path_factory.mktemp("sshfs")
    behind, mounted = top / "behind", top / "mounted"
    behind.mkdir()
    mounted.mkdir()
    server, port, options = _serve(top)
    words = ["sshfs", "-f", f"root@127.0.0.1:{behind}", str(mounted), "-p", str(port)]
    for option in (*options, "dir_cache=no", "attr_timeout=0", "entry_timeout=0"):
        words += ["-o", option]
    with (top / "log").open("ab") as log:
        mount = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=log)
    try:
        end = time.monotonic() + 20
        while not os.path.ismount(mounted):
            if server.poll() is not None or time.monotonic() > end:
                pytest.skip(f"sshfs cannot be mounted here: {(top / 'log').read_text()[-300:]}")
            if mount.poll() is not None:  # the server was not there yet
                time.sleep(0.1)
                with (top / "log").open("ab") as log:
                    mount = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=log)
            time.sleep(0.02)
        yield mounted
    finally:
        subprocess.run(["fusermount3", "-uz", mounted], check=False, capture_output=True)
        for process in (mount, server):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def losses(root):
    store = Experiments(experiments_directory=root)
    found = [row["summary"]["loss"] for row in store.lazy_rows()]
    store.remember()
    return found


def settled(folder):
    newest = max(path.stat().st_mtime for path in folder.rglob("*"))
    while time.time() - newest < _index.SETTLED + 1.1:
        time.sleep(0.05)


def test_two_changes_within_one_second_are_both_seen(remote):
    root = remote / "twice"
    folder = write_record(root, summary={"loss": 10})
    path = folder / "summary.json"
    assert path.stat().st_mtime_ns % 1_000_000_000 == 0, "this is no file system of whole seconds"
    same = 0
    for number in range(11, 40):
        before = path.stat()
        path.write_text(json.dumps({"loss": number}, indent=4))
        after = path.stat()
        same += (before.st_mtime, before.st_size) == (after.st_mtime, after.st_size)
        assert losses(root) == [number]
    assert same > 10, "no two writes fell into one second"
    settled(folder)
    assert losses(root) == losses(root) == [39]  # now from the cache
    for number in (40, 41):
        path.write_text(json.dumps({"loss": number}, indent=4))
        assert losses(root) == [number]


def test_the_end_of_a_running_experiment_is_seen_at_once(remote, capfd):
    root = remote / "running"
    folder = write_record(root, status="RUNNING", session={"host": "elsewhere"})
    for _ in range(3):
        for status in ("RUNNING", "SUCCESS", "ERROR\nValueError: no"):
            folder.joinpath("STATUS").write_text(status)
            code, out, err = run(capfd, root)
            assert (code, err) == (0, "") and status.split("\n")[0] in out
    for shown in (["--json"], ["--md"]):
        assert "ValueError: no" in run(capfd, root, *shown)[1]
