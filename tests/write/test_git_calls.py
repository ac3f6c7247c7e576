"""The git program is asked without a prompt, a hook or the network, and never left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from meticulous import _git
from meticulous.errors import GitError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs shell scripts and signals")

READ = """
import sys
from meticulous import _git
code = _git.read_code({!r}, dirty={!r}, sources=[], time_limit=float(sys.argv[1]))
print(code.facts)
"""


@pytest.fixture
def fake_git(tmp_path, monkeypatch):
    """Put a shell script called git first on PATH."""

    def make(text: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        script = folder / "git"
        script.write_text("#!/bin/sh\n" + text)
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder

    return make


def wait_for(condition, seconds=30):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)
    return found


def is_gone(pid: int) -> bool:
    """A process that ended, or a zombie that its new parent does not collect."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return not Path("/proc/self").exists() or is_gone(pid)


HANGING = """
sleep 600 &
echo "$! $$" >> {0}/pids.$$
trap '' TERM
wait
sleep 600
"""


def started(folder: Path) -> list[int]:
    """The processes of the hanging gits."""
    texts = [path.read_text() for path in folder.glob("pids.*")]
    return [int(pid) for text in texts for pid in text.split()]


def test_a_hanging_git_is_given_up_after_its_time_limit_and_nothing_is_left(
    repository, fake_git, tmp_path
):
    fake_git(HANGING.format(tmp_path))
    for limit, policy in ((2, "refuse"), (0.2, "allow")):
        begin = time.monotonic()
        try:
            code = _git.read_code(str(repository.path), dirty=policy, sources=[], time_limit=limit)
            assert policy == "allow" and code.sha is None
            assert code.facts["problem"]["reason"] == "timeout"
        except GitError as error:
            assert policy == "refuse" and error.reason == "timeout" and "\n" not in str(error)
        assert limit <= time.monotonic() - begin < 60
        assert started(tmp_path)
        wait_for(lambda: all(is_gone(pid) for pid in started(tmp_path)))


def test_ctrl_c_while_git_hangs_ends_the_program_and_every_git(repository, fake_git, tmp_path):
    fake_git(HANGING.format(tmp_path))
    program = READ.format(str(repository.path), "refuse")
    with subprocess.Popen([sys.executable, "-c", program, "600"], stderr=subprocess.PIPE) as child:
        pids = wait_for(lambda: len(started(tmp_path)) >= 8 and started(tmp_path))
        child.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in child.communicate(timeout=60)[1]
    assert child.returncode == -signal.SIGINT
    wait_for(lambda: all(is_gone(pid) for pid in pids))


def test_what_is_known_stays_when_only_one_question_hangs(repository, fake_git):
    real = subprocess.check_output(["which", "git"], text=True).strip()
    fake_git(f'case "$*" in *porcelain*) exec sleep 600;; esac\nexec {real} "$@"\n')
    code = _git.read_code(str(repository.path), dirty="allow", sources=[], time_limit=2)
    assert code.message == "first\n" and code.facts["ref"].endswith(str(code.sha))
    assert code.facts["problem"]["reason"] == "timeout" and "dirty" not in code.facts


def test_a_git_that_asks_for_a_password_gets_no_terminal_and_no_answer(
    repository, fake_git, tmp_path
):
    fake_git(
        f"(echo Password: > /dev/tty) 2>/dev/null && touch {tmp_path}/asked\n"
        f"cat > {tmp_path}/stdin.$$\n"
        '$GIT_ASKPASS "Password:" > /dev/null\n'
        "echo fatal: could not read Username for https://user:secret@host/x >&2; exit 128\n"
    )
    terminal, device = os.openpty()
    program = "import fcntl, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    program += READ.format(str(repository.path), "allow")
    done = subprocess.run(
        [sys.executable, "-c", program, "60"],
        stdin=device,
        stdout=subprocess.PIPE,
        stderr=device,
        start_new_session=True,
        timeout=120,
        check=True,
    )
    os.close(device)
    os.set_blocking(terminal, False)
    try:
        assert os.read(terminal, 1 << 16) == b""
    except (BlockingIOError, OSError):
        pass  # nothing was ever written
    finally:
        os.close(terminal)
    assert not (tmp_path / "asked").exists()
    inputs = list(tmp_path.glob("stdin.*"))
    assert inputs and all(path.read_bytes() == b"" for path in inputs)
    assert b"could not read Username for https://host/x" in done.stdout
    assert b"secret" not in done.stdout


def test_without_a_git_program_the_error_is_one_line(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for policy in ("refuse", "snapshot"):
        with pytest.raises(GitError) as caught:
            _git.read_code(str(repository.path), dirty=policy, sources=[])
        assert caught.value.reason == "no-git" and "\n" not in str(caught.value)
    code = _git.read_code(str(repository.path), dirty="allow", sources=[])
    assert code.facts["problem"]["reason"] == "no-git"
    assert code.facts["repository"] == "project"
    (tmp_path / "git").write_text("not a program")
    assert _git.read_code(str(repository.path), dirty="allow", sources=[]).sha is None


def test_the_project_decides_about_the_repository_not_the_environment(
    repository, make_repository, monkeypatch
):
    other = make_repository("other")
    other.write("README", "changed\n")
    sha = repository.git("rev-parse", "HEAD")
    repository.write("train.py", "x\n")
    index = (other.path / ".git" / "index").read_bytes()
    for name, value in {
        "GIT_DIR": other.path / ".git",
        "GIT_WORK_TREE": other.path,
        "GIT_INDEX_FILE": other.path / ".git" / "index",
        "GIT_OBJECT_DIRECTORY": other.path / ".git" / "objects",
        "GIT_COMMON_DIR": other.path / ".git",
        "GIT_PREFIX": "sub/",
        "GIT_NAMESPACE": "other",
        "GIT_CEILING_DIRECTORIES": repository.path,
        "GIT_TRACE": "1",
        "GIT_LITERAL_PATHSPECS": "0",
        "GIT_CONFIG_PARAMETERS": "'core.bare=true'",
    }.items():
        monkeypatch.setenv(name, str(value))
    source = str(repository.path / "train.py")
    assert _git.read_code(str(repository.path), dirty="refuse", sources=[]).sha == sha
    code = _git.read_code(str(repository.path), dirty="snapshot", sources=[source])
    for name in list(os.environ):
        if name.startswith("GIT_") and "CONFIG_" not in name:
            monkeypatch.delenv(name)
    monkeypatch.delenv("GIT_CONFIG_PARAMETERS")
    assert repository.git("show", code.facts["ref"] + ":train.py") == "x"
    assert other.git("for-each-ref", "refs/meticulous") == ""
    assert (other.path / ".git" / "index").read_bytes() == index


def test_no_hook_and_no_file_monitor_of_the_users_is_run(repository, tmp_path):
    marker = tmp_path / "ran"
    names = (
        "post-index-change reference-transaction pre-commit post-commit commit-msg "
        "prepare-commit-msg post-checkout pre-auto-gc fsmonitor"
    )
    for name in names.split():
        hook = repository.write(f".git/hooks/{name}", f"#!/bin/sh\necho {name} >> {marker}\n")
        hook.chmod(0o755)
    repository.git("config", "core.fsmonitor", str(repository.path / ".git/hooks/fsmonitor"))
    repository.git("status")
    assert marker.exists(), "the hooks work"
    marker.unlink()
    repository.write("README", "changed\n")
    for hooks in ("", str(repository.path / ".git" / "hooks")):
        if hooks:
            repository.git("config", "core.hooksPath", hooks)
            marker.unlink(missing_ok=True)
        repository.write("new.py", f"{hooks}\n")
        for policy in ("allow", "snapshot"):
            code = _git.read_code(str(repository.path), dirty=policy, sources=[])
            assert code.facts["dirty"] is True
        assert not marker.exists()


def test_a_program_that_ignores_the_end_of_its_children_is_told_the_truth(repository):
    program = "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    program += READ.format(str(repository.path), "allow")
    repository.write("README", "changed\n")
    done = repository.run("-c", program, "60")
    assert b"'dirty': True" in done.stdout and b"'ref'" in done.stdout, done.stderr
    (repository.path / ".git" / "refs" / "heads" / "main").write_text("1" * 40)
    done = repository.run("-c", program, "60")
    assert b"'problem': {'reason': 'failed'" in done.stdout, done.stderr


def test_twenty_programs_that_start_at_once_pin_the_same_commit(repository, tmp_path):
    repository.write("README", "changed\n")
    program = "import os, time\nopen({!r} + str(os.getpid()), 'w').close()\n"
    program += "while not os.path.exists({!r}): time.sleep(0.001)\n"
    program = program.format(str(tmp_path / "ready."), str(tmp_path / "go"))
    program += READ.format(str(repository.path), "snapshot")
    command = [sys.executable, "-c", program, "60"]
    children = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(20)
    ]
    wait_for(lambda: len(list(tmp_path.glob("ready.*"))) == 20)
    (tmp_path / "go").touch()
    ends = [(*child.communicate(timeout=120), child.returncode) for child in children]
    assert {error for _, error, _ in ends} == {b""} and {code for *_, code in ends} == {0}
    assert len({out for out, *_ in ends}) == 1 and b"problem" not in ends[0][0]
    folder = repository.path / ".git" / "refs" / "meticulous"
    assert len(list(folder.iterdir())) == 1, "one ref and no lock"


def test_commits_that_the_user_makes_meanwhile_succeed_and_are_told_whole(repository):
    script = "for i in $(seq 40); do echo $i > README && git commit -qam n$i || exit 1; done"
    seen = []
    with subprocess.Popen(
        ["sh", "-c", script], cwd=repository.path, stderr=subprocess.PIPE
    ) as loop:
        while loop.poll() is None:
            policy = ("snapshot", "allow")[len(seen) % 2]
            seen.append(_git.read_code(str(repository.path), dirty=policy, sources=[]))
        assert loop.communicate()[1] == b"" and loop.returncode == 0
    lines = repository.git("log", "--format=%H %s").splitlines()
    messages = {sha: f"{message}\n" for sha, _, message in (line.partition(" ") for line in lines)}
    assert len(messages) == 41 and len(seen) > 1
    assert all(code.message == messages[str(code.sha)] for code in seen)
    assert repository.git("fsck", "--strict", "--no-dangling") == ""


def test_a_commit_that_is_being_made_does_not_make_its_own_content_dirty(repository, tmp_path):
    """Between git's move of HEAD and of the index all that was committed looks changed."""
    marker = tmp_path / "moved"
    text = f'#!/bin/sh\n[ "$1" = committed ] && touch {marker} && sleep 0.5\nexit 0\n'
    repository.write(".git/hooks/reference-transaction", text).chmod(0o755)
    repository.write("README", "changed\n")
    with subprocess.Popen(["git", "commit", "-qam", "second"], cwd=repository.path) as commit:
        wait_for(marker.exists)
        assert "README" in repository.git("diff", "--cached", "--name-only")
        code = _git.read_code(str(repository.path), dirty="refuse", sources=[])
    assert commit.returncode == 0 and code.message == "second\n"


def test_a_head_that_moves_while_it_is_read_is_read_again(repository, fake_git, tmp_path):
    """Else the state of one commit would be told as that of another."""
    repository.write("README", "changed\n")
    repository.commit("second")
    first = repository.git("rev-parse", "HEAD^")
    real = subprocess.check_output(["which", "git"], text=True).strip()
    moved = tmp_path / "moved"
    fake_git(
        'case "$*" in\n'
        f'*porcelain*) {real} "$@"; test -e {moved} || {real} reset -q --soft HEAD^\n'
        f"touch {moved};;\n"
        f'*" log "*) until test -e {moved}; do sleep 0.01; done; exec {real} "$@";;\n'
        f'*) exec {real} "$@";;\n'
        "esac\n"
    )
    code = _git.read_code(str(repository.path), dirty="allow", sources=[])
    assert code.sha == first and code.facts["dirty"] is True
