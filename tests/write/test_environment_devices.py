"""Accelerators: a stand-in `pynvml` with the documented interface, and the drivers' own files.

No test machine needs a GPU: the stand-in is a module on the path of a child process, as the real
one would be, and files below a folder stand for those of the driver.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time

import pytest

from meticulous import _environment_devices as devices
from meticulous._environment_counters import ProcCounters
from meticulous._environment_system import _Accelerators

GIB = 1 << 30
PYNVML = """
import os, time
from types import SimpleNamespace as _Struct

class NVMLError(Exception):
    pass

def _mode(name):
    return name in os.environ.get("FAKE_NVML", "").split()

import threading
where = threading.current_thread().name
if _mode("broken"):
    raise RuntimeError("built for another Python")
depth = 0
def _log(word):
    if "FAKE_LOG" in os.environ:
        with open(os.environ["FAKE_LOG"], "a") as file:
            file.write(word + "\\n")
def nvmlInit():
    _log(where)
    while _mode("hangs"):
        time.sleep(60)
    if _mode("fails"):
        raise NVMLError("driver not loaded")
    _log("init")
def nvmlShutdown():
    _log("shutdown")
def nvmlDeviceGetCount():
    return 3
def nvmlDeviceGetHandleByIndex(index):
    if index == 2:
        raise NVMLError("lost")
    return index
def nvmlSystemGetDriverVersion():
    return b"550.54.15" if _mode("bytes") else "550.54.15"
def nvmlSystemGetCudaDriverVersion():
    return 12040
def nvmlDeviceGetName(handle):
    return b"NVIDIA H100" if _mode("bytes") else "NVIDIA H100"
def nvmlDeviceGetUUID(handle):
    text = "GPU-%d1111111-2222" % handle
    return text.encode() if _mode("bytes") else text
def nvmlDeviceGetMemoryInfo(handle):
    return _Struct(total=80 << 30, used=(handle + 1) << 30, free=0)
def nvmlDeviceGetUtilizationRates(handle):
    return _Struct(gpu=40 + handle, memory=7)
def nvmlDeviceGetPowerUsage(handle):
    if handle == 1:
        raise NVMLError("not supported")
    return 250500
def nvmlDeviceGetTemperature(handle, sensor):
    assert sensor == 0
    return 55
def nvmlDeviceGetComputeRunningProcesses(handle):
    others = [_Struct(pid=1, usedGpuMemory=5 << 30)]
    if handle == 1 or _mode("elsewhere"):
        return others
    return [*others, _Struct(pid=os.getpid(), usedGpuMemory=None if _mode("wddm") else 1 << 30)]
"""
SAMPLE = """
import json, os, sys, time
from meticulous._environment_system import Sampler
rows = []
sampler = Sampler(rows.append, 0.1, root=sys.argv[1])
sampler.start()
deadline = time.monotonic() + 30
while time.monotonic() < deadline and sum("gpus" in row for row in rows) < 3:
    if "FAKE_NVML" in os.environ and "hangs" in os.environ["FAKE_NVML"] and rows:
        break
    if len(rows) > 5:
        break
    time.sleep(0.01)
begin = time.monotonic()
totals = sampler.stop()
print(json.dumps([rows, totals, time.monotonic() - begin, "pynvml" in sys.modules]))
"""
FACTS = """
import json, sys
from meticulous import _environment_devices as devices
print(json.dumps([devices.devices(sys.argv[1]), "pynvml" in sys.modules]))
"""


@pytest.fixture
def machine(tmp_path):
    """A root with an NVIDIA driver, the real /proc where it can be told apart, and a pynvml."""
    root = tmp_path / "root"
    root.joinpath("dev").mkdir(parents=True)
    root.joinpath("dev", "nvidiactl").touch()
    for name in ("proc", "sys"):
        root.joinpath(name).symlink_to(f"/{name}")
    modules = tmp_path / "modules"
    modules.mkdir()
    modules.joinpath("pynvml.py").write_text(PYNVML)

    def run(code, *, mode="", bare=False, **env):
        path = os.environ["PYTHONPATH"] if bare else f"{modules}:{os.environ['PYTHONPATH']}"
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code, str(root)],
            env={**os.environ, "PYTHONPATH": path, "FAKE_NVML": mode, **env},
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert done.stderr == b""
        return json.loads(done.stdout)

    run.root = root
    run.modules = modules
    return run


@pytest.mark.parametrize("mode", ["", "bytes"])
def test_nvml_tells_cards_and_driver_and_is_let_go_again(machine, tmp_path, mode):
    log = tmp_path / "log"
    facts, loaded = machine(FACTS, mode=mode, FAKE_LOG=str(log))
    cards = [
        {"index": i, "name": "NVIDIA H100", "memory": 80 * GIB, "uuid": f"GPU-{i}1111111-2222"}
        for i in (0, 1)
    ]
    assert facts == {"source": "nvml", "driver": "550.54.15", "cuda": "12.4", "gpus": cards}
    assert log.read_text().split() == ["MainThread", "init", "shutdown"]
    assert not loaded, "a program that looks whether it has pynvml must not find ours"


@pytest.mark.parametrize("mode", ["broken", "fails"])
def test_a_broken_driver_or_module_leaves_the_drivers_files(machine, mode):
    assert machine(FACTS, mode=mode)[0] == {}
    root = machine.root
    root.joinpath("proc").unlink()
    folder = root / "proc/driver/nvidia/gpus/0000:17:00.0"
    folder.mkdir(parents=True)
    folder.joinpath("information").write_text(
        "Model: \t\t NVIDIA A100-SXM4-40GB\nIRQ:   \t\t 42\nGPU UUID: \t GPU-abc\n"
    )
    root.joinpath("proc/driver/nvidia/version").write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\n"
        "GCC version:  gcc version 12.2.0\n"
    )
    expected = {
        "source": "proc",
        "driver": "535.129.03",
        "gpus": [{"index": 0, "name": "NVIDIA A100-SXM4-40GB", "uuid": "GPU-abc"}],
    }
    assert machine(FACTS, mode=mode)[0] == expected
    assert machine(FACTS, bare=True)[0] == expected


def test_without_a_driver_pynvml_is_not_even_loaded(machine):
    machine.root.joinpath("dev", "nvidiactl").unlink()
    code = FACTS.replace('"pynvml" in', '"_meticulous_pynvml" in')
    assert machine(code) == [{}, False]


def test_a_warning_of_the_deprecated_package_is_not_provoked(machine):
    """Its finder warns at any import of pynvml; -W error would make that an error."""
    machine.modules.joinpath("sitecustomize.py").write_text(
        textwrap.dedent(
            """
            import sys, warnings
            class Finder:
                def find_spec(self, name, path=None, target=None):
                    if name == "pynvml":
                        warnings.warn("deprecated", FutureWarning, stacklevel=2)
            sys.meta_path.insert(0, Finder())
            """
        )
    )
    assert machine(FACTS)[0]["source"] == "nvml"


def test_samples_tell_each_card_and_totals_its_hours_and_peaks(machine, tmp_path):
    log = tmp_path / "log"
    rows, totals, _, _ = machine(SAMPLE, FAKE_LOG=str(log))
    assert log.read_text().split() == ["meticulous-system", "init", "shutdown"]
    assert "gpus" not in rows[0], "the driver is woken after the first sample"
    sampled = [row["gpus"] for row in rows if "gpus" in row]
    assert len(sampled) >= 2
    assert sampled[0] == [
        {
            "index": 0,
            "utilization": 40,
            "memory": GIB,
            "power": 250.5,
            "temperature": 55,
            "process-memory": GIB,
        },
        {"index": 1, "utilization": 41, "memory": 2 * GIB, "temperature": 55},
    ]
    assert totals["gpu-peak-memory"] == {"0": GIB, "1": 2 * GIB}
    assert totals["gpu-peak-process-memory"] == {"0": GIB}
    assert 0 < totals["gpu-hours"] < 60 / 3600  # one card of two, for the seconds of this test
    assert "failed-samples" not in totals


@pytest.mark.parametrize(
    ("setting", "indices"),
    [
        ("0", [0]),
        ("1", [1]),
        ("1,0", [0, 1]),
        ("", []),
        ("-1", []),
        ("1,-1,0", [1]),
        ("7", []),
        ("GPU-11111111", [1]),
        ("GPU-", []),
        ("MIG-GPU-01111111-2222/1/0", [0]),
        ("MIG-5c0e", [0, 1]),
        ("NoDevFiles", []),
    ],
)
def test_only_visible_cards_are_sampled(setting, indices):
    uuids = {0: "GPU-01111111-2222", 1: "GPU-11111111-2222"}
    assert sorted(devices._visible(setting, uuids)) == indices
    assert devices._visible(None, uuids) == {0, 1}


def test_hidden_cards_are_not_sampled(machine):
    rows, totals, _, _ = machine(SAMPLE, CUDA_VISIBLE_DEVICES="1")
    assert {gpu["index"] for row in rows for gpu in row.get("gpus", [])} == {1}
    assert totals["gpu-peak-memory"] == {"1": 2 * GIB}
    assert totals["gpu-hours"] == 0  # sampled, but no process of ours was on it


def test_a_driver_that_tells_no_process_memory_still_tells_whose_card_it_is(machine):
    rows, totals, _, _ = machine(SAMPLE, mode="wddm")
    assert [gpu.get("process-memory") for gpu in rows[-1]["gpus"]] == [0, None]
    assert totals["gpu-hours"] > 0


def test_a_driver_that_names_nobody_of_ours_counts_no_hours_unless_cuda_is_open(machine):
    assert machine(SAMPLE, mode="elsewhere")[1]["gpu-hours"] == 0


def test_an_open_cuda_device_is_recognised_in_the_whole_process_tree(tmp_path):
    counters = ProcCounters(str(tmp_path))
    counters.pids = [1, 2, 3]
    for pid in (1, 2):
        tmp_path.joinpath(f"proc/{pid}/fd").mkdir(parents=True)
        tmp_path.joinpath(f"proc/{pid}/fd/0").symlink_to("/dev/null")
        tmp_path.joinpath(f"proc/{pid}/fd/1").symlink_to("/dev/nvidia0")  # NVML opens it, too
        tmp_path.joinpath(f"proc/{pid}/fd/2").write_text("no link")
    assert not counters.uses_accelerator()
    tmp_path.joinpath("proc/2/fd/3").symlink_to("/dev/nvidia-uvm")
    assert counters.uses_accelerator()


def test_a_driver_that_hangs_costs_neither_samples_nor_the_end(machine):
    work = "end = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"
    code = SAMPLE.replace("begin = ", work + "begin = ")
    rows, totals, seconds, _ = machine(code, mode="hangs")
    assert rows and rows[0]["memory"] > 0
    assert totals["cpu-seconds"] >= 0.25 and totals["failed-samples"] == 1
    assert 0.4 < seconds < 10  # waits for its half second, and not for the driver


def test_amd_cards_are_read_from_the_files_of_their_driver(tmp_path):
    for number, name in ((0, "card0"), (1, "card10"), (2, "card2")):
        folder = tmp_path / f"sys/class/drm/{name}/device"
        sensors = folder / "hwmon/hwmon3"
        sensors.mkdir(parents=True)
        if number < 2:
            for file, text in {
                "mem_info_vram_total": 64 * GIB,
                "mem_info_vram_used": GIB,
                "product_name": f"Instinct {name}",
                "unique_id": "0xabc",
                "gpu_busy_percent": 93,
            }.items():
                folder.joinpath(file).write_text(f"{text}\n")
        sensors.joinpath("power1_average").write_text("150000000\n")
        sensors.joinpath("temp1_input").write_text("61000\n")
    tmp_path.joinpath("sys/class/drm/card0-DP-1").mkdir()
    tmp_path.joinpath("sys/class/drm/renderD128").mkdir()
    tmp_path.joinpath("sys/module/amdgpu").mkdir(parents=True)
    tmp_path.joinpath("sys/module/amdgpu/version").write_text("6.7.8\n")
    facts = devices.devices(str(tmp_path))
    assert facts["driver"] == "6.7.8"
    assert [gpu["name"] for gpu in facts["gpus"]] == ["Instinct card0", "Instinct card10"]
    assert facts["gpus"][0]["memory"] == 64 * GIB
    gpus = devices.open_gpus(str(tmp_path))
    assert gpus.sample([])[1] == {
        "index": 1,
        "utilization": 93,
        "memory": GIB,
        "power": 150.0,
        "temperature": 61.0,
    }
    gpus.close()
    # The driver names no process: cards count as used while one of ours has ROCm open.
    counters = ProcCounters(str(tmp_path))
    counters.pids = [7]
    tmp_path.joinpath("proc/7/fd").mkdir(parents=True)
    accelerators = _Accelerators(str(tmp_path))
    accelerators.begin()
    accelerators.open()
    assert len(accelerators.sample(counters)) == 2
    assert accelerators.totals()["gpu-hours"] == 0
    tmp_path.joinpath("proc/7/fd/3").symlink_to("/dev/kfd")
    time.sleep(0.01)  # hours are rounded to 4 ms
    accelerators.sample(counters)
    assert accelerators.totals()["gpu-hours"] > 0
    assert accelerators.totals()["gpu-peak-memory"] == {"0": GIB, "1": GIB}
