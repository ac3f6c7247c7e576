"""The content of environment.json, seen from real child processes."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import time

import pytest

from meticulous import _environment, _environment_scheduler

FACTS = "import json, sys; from meticulous import _environment; print(json.dumps([\
_environment.facts(), _environment.scheduler_facts()], allow_nan=False))"

SLURM = {
    "SLURM_JOB_ID": "4711",
    "SLURM_ARRAY_JOB_ID": "4700",
    "SLURM_ARRAY_TASK_ID": "11",
    "SLURM_RESTART_COUNT": "2",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_CLUSTER_NAME": "lake",
    "SLURM_JOB_PARTITION": "gpu",
    "SLURM_JOB_NODELIST": "n[01-04]",
    "SLURM_JOB_ACCOUNT": "vision",
    "SLURM_JOB_NAME": "007",
    "SLURM_JWT": "hunter2",
    "SLURM_COMMENT": "hunter2",
}


def child(*code, env=None, python=(), bare=False):
    """Run a program and give what it printed as JSON."""
    environment = {} if bare else dict(os.environ)
    environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    done = subprocess.run(
        [sys.executable, *python, "-c", "\n".join(code)],
        env={**environment, **(env or {})},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return json.loads(done.stdout)


def test_host_python_and_platform_are_those_that_the_standard_library_tells():
    facts = _environment.facts("train.py")
    assert facts["program"] == "train.py"
    assert facts["host"] == socket.gethostname()
    assert facts["platform"]["system"] == platform.system()
    assert facts["platform"]["release"] == platform.release()
    assert facts["platform"]["machine"] == platform.machine()
    if "libc" in facts["platform"]:
        assert facts["platform"]["libc"] == " ".join(platform.libc_ver())
    if "distribution" in facts["platform"]:
        assert facts["platform"]["distribution"] == platform.freedesktop_os_release()["PRETTY_NAME"]
    python = facts["python"]
    assert python["version"] == platform.python_version().rstrip("+")
    assert python["implementation"] == platform.python_implementation().lower()
    assert python["executable"] == sys.executable
    assert python["prefix"] == sys.prefix
    assert python["gil"] is not python["free-threaded"]
    assert facts["time-zone"]["offset"] == time.strftime("%z")[:3] + ":" + time.strftime("%z")[3:]
    assert facts["cpu"]["logical"] == os.cpu_count()
    assert facts["disk"]["total"] > 0
    assert "problems" not in facts
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_flags_that_change_results_are_told():
    python = ("-OO", "-I", "-X", "utf8", "-X", "dev")
    code = f"import sys; sys.path.append({os.environ['PYTHONPATH']!r})"
    facts = child(code, FACTS, python=python)[0]["python"]
    assert facts["optimize"] == 2
    assert facts["isolated"] and facts["utf8-mode"] and facts["dev-mode"]
    assert facts["hash-seed"] == "random"
    assert child(FACTS, env={"PYTHONHASHSEED": "7"})[0]["python"]["hash-seed"] == "7"
    assert child(FACTS, env={"PYTHONHASHSEED": "0"})[0]["python"]["hash-seed"] == "0"


def test_nothing_third_party_is_imported_nothing_started_nobody_asked():
    """Not by the facts and not by the sampler: an audit hook sees every call that could."""
    seen = child(
        """
import json, sys
seen = []
def hook(event, arguments):
    if event.startswith(("subprocess.", "socket.", "os.exec", "os.posix_spawn", "os.spawn",
                         "os.system", "os.fork", "ctypes.", "urllib.", "os.startfile")):
        seen.append(event)
sys.addaudithook(hook)
before = set(sys.modules)
from meticulous import _environment
from meticulous._environment_system import Sampler
rows = []
sampler = Sampler(rows.append, 0.05)
sampler.start()
facts = _environment.facts()
facts["devices"] = _environment.devices()
_environment.scheduler_facts()
while len(rows) < 3:
    pass
sampler.stop()
names = {name.partition(".")[0] for name in set(sys.modules) - before}
import subprocess, socket
subprocess.run(["true"])
print(json.dumps([seen, sorted(names - sys.stdlib_module_names), facts.get("problems")]))
"""
    )
    events, modules, problems = seen
    assert events == ["subprocess.Popen", "os.posix_spawn"][: len(events)]  # the control's own
    assert events, "the hook sees nothing: the test proves nothing"
    assert modules == ["meticulous"]
    assert problems is None


def test_a_secret_in_the_environment_never_appears():
    names = """
        AWS_SECRET_ACCESS_KEY OPENAI_API_KEY HF_TOKEN WANDB_API_KEY DATABASE_URL PGPASSWORD
        KUBERNETES_TOKEN NCCL_SECRET TF_TOKEN MKL_PASSWORD PBS_O_SECRET HTTPS_PROXY PIP_INDEX_URL
    """
    secrets = dict.fromkeys(names.split(), "hunter2")
    facts, session = child(FACTS, env={**secrets, **SLURM, "XLA_FLAGS": "--xla_seed=1"})
    assert "hunter2" not in json.dumps([facts, session])
    assert facts["variables"]["XLA_FLAGS"] == "--xla_seed=1"


def test_no_listed_variable_sounds_like_a_secret():
    names = list(_environment_scheduler.VARIABLES)
    for _, prefix, few, more in _environment_scheduler._SCHEDULERS.values():
        names += [prefix + name for name in (few + " " + more).split()]
    assert len(names) > 150
    assert not [name for name in names if name.endswith(("KEY", "TOKEN", "SECRET", "PASSWORD"))]
    assert not [name for name in names if "*" in name or name != name.upper()]
    assert len(set(_environment_scheduler.VARIABLES)) == len(_environment_scheduler.VARIABLES)


def test_slurm_is_told_in_full_to_the_environment_and_by_ids_to_the_session():
    facts, session = child(FACTS, env=SLURM)
    assert session == {
        "slurm": {
            "job_id": 4711,
            "array_job_id": 4700,
            "array_task_id": 11,
            "restart_count": 2,
            "procid": 0,
            "localid": 0,
            "cluster_name": "lake",
        }
    }
    slurm = facts["scheduler"]["slurm"]
    assert slurm.items() >= session["slurm"].items()
    assert slurm["job_partition"] == "gpu"
    assert slurm["job_nodelist"] == "n[01-04]"
    assert slurm["job_name"] == "007"  # a name stays text, also one of digits with a zero before


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {}),
        ({"SLURM_NTASKS": "4"}, {}),
        ({"JOB_ID": "7"}, {}),  # anybody's variable: SGE only beside its own
        (
            {"PBS_JOBID": "12.server", "PBS_ARRAY_INDEX": "3"},
            {"pbs": {"jobid": "12.server", "array_index": 3}},
        ),
        ({"LSB_JOBID": "5", "LSB_JOBINDEX": "0"}, {"lsf": {"jobid": 5, "jobindex": 0}}),
        (
            {"JOB_ID": "7", "SGE_TASK_ID": "undefined"},
            {"sge": {"job_id": 7, "task_id": "undefined"}},
        ),
        ({"OAR_JOB_ID": "9"}, {"oar": {"job_id": 9}}),
        (
            {"AWS_BATCH_JOB_ID": "a-b", "AWS_BATCH_JOB_ATTEMPT": "2"},
            {"aws-batch": {"job_id": "a-b", "job_attempt": 2}},
        ),
        (
            {"TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_RESTART_COUNT": "1"},
            {"torchelastic": {"run_id": "none", "restart_count": 1}},
        ),
        ({"FLUX_JOB_ID": "f3x"}, {"flux": {"job_id": "f3x"}}),
        ({"AZUREML_RUN_ID": "x"}, {"azureml": {"run_id": "x"}}),
    ],
)
def test_other_schedulers_are_known_by_their_variables(monkeypatch, tmp_path, variables, expected):
    for name in ("JOB_ID", "KUBERNETES_SERVICE_HOST", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert _environment_scheduler.ids(str(tmp_path)) == expected


def test_kubernetes_tells_pod_and_namespace_and_its_token_is_not_read(monkeypatch, tmp_path):
    folder = tmp_path / "var/run/secrets/kubernetes.io/serviceaccount"
    folder.mkdir(parents=True)
    folder.joinpath("namespace").write_text("vision\n")
    folder.joinpath("token").write_text("hunter2")
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "4")
    expected = {"pod": socket.gethostname(), "namespace": "vision", "job_completion_index": 4}
    assert _environment_scheduler.details(str(tmp_path)) == {"kubernetes": expected}
    facts = _environment.facts(root=str(tmp_path))
    assert facts["scheduler"]["kubernetes"] == expected
    assert "hunter2" not in json.dumps(facts)


def test_only_frameworks_that_are_imported_already_are_told():
    code = """
import sys, types
numpy = types.ModuleType("numpy"); numpy.__version__ = "9.9"
configuration = types.ModuleType("numpy.__config__")
configuration.CONFIG = {"Build Dependencies": {"blas": {"name": "openblas", "version": "0.3"}}}
class Lazy(types.ModuleType):
    def __getattr__(self, name):
        raise SystemExit("something was loaded")
torch = Lazy("torch"); torch.__dict__["__version__"] = "8.8+cu99"
version = Lazy("torch.version"); version.__dict__["cuda"] = "99.1"; version.__dict__["hip"] = None
sys.modules.update({"numpy": numpy, "numpy.__config__": configuration, "torch": torch,
                    "torch.version": version, "jax": Lazy("jax"), "keras": None})
"""
    assert child(code, FACTS)[0]["frameworks"] == {
        "torch": {"version": "8.8+cu99", "cuda": "99.1"},
        "numpy": {"version": "9.9", "blas": "openblas 0.3"},
    }
    assert "frameworks" not in child(FACTS)[0]


def test_an_empty_environment_and_an_empty_machine_raise_nothing(tmp_path):
    facts, session = child(FACTS, bare=True)
    assert session == {}
    assert facts["user"]
    assert _environment.devices(root=str(tmp_path)) == {}
    empty = _environment.facts(root=str(tmp_path))
    assert empty["host"] and empty["python"] and empty["packages"]
    assert "problems" not in empty


def test_the_user_is_named_without_asking_a_directory_service(tmp_path, monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    tmp_path.joinpath("etc").mkdir()
    passwd = tmp_path / "etc" / "passwd"
    passwd.write_text(f"broken\nother:x:999999:0\nada:x:{os.getuid()}:100:Ada:/home/ada:/bin/sh\n")
    assert _environment.facts(root=str(tmp_path))["user"] == "ada"
    passwd.unlink()
    assert _environment.facts(root=str(tmp_path))["user"] == str(os.getuid())
    monkeypatch.setenv("USER", "grace")
    assert _environment.facts(root=str(tmp_path))["user"] == "grace"


@pytest.mark.parametrize(
    "code",
    [
        "import os, tempfile; d = tempfile.mkdtemp(); os.chdir(d); os.rmdir(d)",
        "import sys; sys.path[:] = [p for p in sys.path] + [None, 7, 'x' * 5000, chr(0)]",
        "import sys; sys.argv = []",
        "import sys; sys.argv = [b'x', object()]",
        "import os; os.environ['TZ'] = 'Mars/Olympus'; import time; time.tzset()",
        "import os; os.environb[b'XLA_FLAGS'] = b'--x=\\xff'",
        "import sys; sys.executable = None",
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
    ],
)
def test_odd_surroundings_cost_a_section_at_most(code):
    """Lost working directory, broken path, no arguments, odd time zone, no descriptor left …"""
    late = "import json, sys; from meticulous import _environment, _environment_system"
    facts, _ = child(late, code, FACTS)
    assert facts["host"] and facts["python"]["version"]
    assert "packages" in facts or facts["problems"]
    assert len(facts.get("problems", [])) <= 1
    for problem in facts.get("problems", []):
        assert problem.partition(":")[0] in ("disk", "packages")
