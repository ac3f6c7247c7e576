"""Processors, memory, disk, container and cloud, read from real files below a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from meticulous import _environment_hardware as hardware

GIB = 1 << 30
ID = "0123456789abcdef" * 4


class Root:
    """A folder that stands for ``/``."""

    def __init__(self, path):
        self.path = str(path)

    def file(self, name, text):
        path = Path(self.path) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def root(tmp_path):
    return Root(tmp_path)


def test_this_machine_is_described_plausibly():
    cpu = hardware.cpu()
    assert cpu["logical"] == os.cpu_count()
    if hasattr(os, "sched_getaffinity"):
        assert cpu["usable"] == len(os.sched_getaffinity(0))
    assert cpu["physical"] is None or 1 <= cpu["physical"] <= cpu["logical"]
    assert cpu["quota"] is None or cpu["quota"] > 0
    memory = hardware.memory()
    assert memory["total"] > 1 << 26
    assert memory["limit"] is None or memory["limit"] > 1 << 20
    disk = hardware.disk()
    assert disk["folder"] == str(Path.cwd())
    assert 0 <= disk["free"] <= disk["total"]
    assert disk["filesystem"]


@pytest.mark.parametrize(
    ("group", "files", "quota", "limit"),
    [
        # version 2: the group itself, and the tighter of two around each other
        ("0::/a/b", {"a/b/cpu.max": "250000 100000", "a/b/memory.max": str(GIB)}, 2.5, GIB),
        ("0::/a", {"a/cpu.max": "250000 100000", "cpu.max": "50000 100000"}, 0.5, None),
        ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "50000 100000"}, 0.5, None),
        ("0::/a/b", {"a/b/memory.max": str(2 * GIB), "a/memory.max": str(GIB)}, None, GIB),
        ("0::/a", {"a/cpu.max": "max 100000", "a/memory.max": "max"}, None, None),
        # version 2 in a container: its own group is the top of what it sees
        ("0::/", {"cpu.max": "100000 100000", "memory.max": str(GIB)}, 1.0, GIB),
        ("0::/../other", {"cpu.max": "100000 100000"}, 1.0, None),
        # version 2 beside version 1
        ("0::/a", {"unified/a/cpu.max": "300000 100000"}, 3.0, None),
        # version 1, in its own folder and in one shared by two controllers
        (
            "4:memory:/x\n3:cpu,cpuacct:/x",
            {
                "cpu,cpuacct/x/cpu.cfs_quota_us": "150000",
                "cpu,cpuacct/x/cpu.cfs_period_us": "100000",
                "memory/x/memory.limit_in_bytes": str(GIB),
            },
            1.5,
            GIB,
        ),
        (
            "4:memory:/x\n3:cpu:/x",
            {
                "cpu/x/cpu.cfs_quota_us": "-1",
                "cpu/x/cpu.cfs_period_us": "100000",
                "memory/x/memory.limit_in_bytes": "9223372036854771712",
            },
            None,
            None,
        ),
        # version 1 in a container: the path is the host's, the files are at the top
        ("4:memory:/docker/abc", {"memory/memory.limit_in_bytes": str(GIB)}, None, GIB),
        # nonsense
        ("0::/a", {"a/cpu.max": "", "a/memory.max": "lots"}, None, None),
        ("0::/a", {"a/cpu.max": "100000 0"}, None, None),
        ("nonsense\n::\n\n7", {}, None, None),
        ("", {}, None, None),
    ],
)
def test_limits_of_control_groups_are_found(root, group, files, quota, limit):
    root.file("proc/self/cgroup", group + "\n")
    for name, text in files.items():
        root.file(f"sys/fs/cgroup/{name}", text + "\n")
    assert hardware.cpu(root.path)["quota"] == quota
    assert hardware.memory(root.path)["limit"] == limit


def test_processor_and_memory_are_read_from_proc(root):
    root.file(
        "proc/cpuinfo",
        "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon: Gold\n\nprocessor\t: 1\n",
    )
    root.file("proc/meminfo", "MemTotal:       16384 kB\nMemFree:    1 kB\n")
    assert hardware.cpu(root.path)["model"] == "Xeon: Gold"
    assert hardware.memory(root.path)["total"] == 16384 * 1024


@pytest.mark.parametrize(
    ("siblings", "cores"), [("0", 1.0), ("0,8", 0.5), ("0-1", 0.5), ("0-3", 0.25), ("x", 1.0)]
)
def test_cores_are_counted_by_their_siblings(root, siblings, cores):
    for index in range(os.cpu_count()):
        name = f"sys/devices/system/cpu/cpu{index}/topology/thread_siblings_list"
        root.file(name, siblings + "\n")
    assert hardware.cpu(root.path)["physical"] == round(os.cpu_count() * cores)


def test_the_filesystem_is_that_of_the_deepest_mount(root, tmp_path, monkeypatch):
    work = tmp_path / "my work" / "deep"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    spaced = str(work.parent).replace(" ", "\\040")
    mounts = f"host:/x {spaced} nfs4 rw 0 0\nrootfs / rootfs rw 0 0\n/dev/x / ext4 rw 0 0\n"
    root.file("proc/self/mounts", mounts + f"tmpfs {spaced}/deeper tmpfs rw 0 0\nbroken\n")
    assert hardware.disk(root.path)["filesystem"] == "nfs4"
    monkeypatch.chdir(tmp_path)
    assert hardware.disk(root.path)["filesystem"] == "ext4"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, {}),
        ({".dockerenv": ""}, {"kind": "docker", "id": None}),
        (
            {
                ".dockerenv": "",
                "proc/self/mountinfo": f"1 2 8:1 /docker/containers/{ID}/hostname /etc/hostname rw",
            },
            {"kind": "docker", "id": ID},
        ),
        # a machine that runs containers is none itself
        (
            {"proc/self/mountinfo": f"1 2 8:1 / /var/lib/docker/containers/{ID}/mounts/shm rw"},
            {},
        ),
        (
            {"run/.containerenv": 'engine="podman-4.3"\nname="x"\nimage="example.org/train:1"\n'},
            {"kind": "podman", "image": "example.org/train:1", "id": None},
        ),
        (
            {"proc/self/cgroup": f"0::/kubepods.slice/x.slice/cri-containerd-{ID}.scope\n"},
            {"kind": "kubernetes", "id": ID},
        ),
        ({"proc/self/cgroup": f"3:cpu:/docker/{ID}\n"}, {"kind": "container", "id": ID}),
        (
            {"proc/version": "Linux version 5.15-microsoft-standard-WSL2\n"},
            {"kind": "wsl", "id": None},
        ),
    ],
)
def test_containers_are_recognised(root, files, expected):
    for name, text in files.items():
        root.file(name, text)
    assert hardware.container(root.path) == expected


@pytest.mark.parametrize("prefix", ["APPTAINER", "SINGULARITY"])
def test_apptainer_is_recognised_by_its_variables(root, monkeypatch, prefix):
    monkeypatch.setenv(f"{prefix}_NAME", "train.sif")
    expected = {"kind": prefix.lower(), "image": "train.sif"}
    assert hardware.container(root.path) == expected
    monkeypatch.setenv(f"{prefix}_CONTAINER", "/images/train.sif")
    assert hardware.container(root.path) == {**expected, "image": "/images/train.sif"}


@pytest.mark.parametrize(
    ("vendor", "product", "tag", "cloud", "instance"),
    [
        ("Amazon EC2", "p4d.24xlarge", "i-0abc", "aws", "i-0abc"),
        ("Google", "Google Compute Engine", "asset", "gcp", None),
        ("Microsoft Corporation", "Virtual Machine", hardware._AZURE_TAG, "azure", None),
        ("Microsoft Corporation", "Surface", "owned by ada", None, None),
        ("Dell Inc.", "PowerEdge", "inventory 17", None, None),
    ],
)
def test_the_cloud_is_known_by_the_firmware(root, vendor, product, tag, cloud, instance):
    folder = "sys/class/dmi/id"
    for name, text in {
        "sys_vendor": vendor,
        "product_name": product,
        "board_asset_tag": tag,
        "chassis_asset_tag": tag,
        "product_serial": "serial number",
    }.items():
        root.file(f"{folder}/{name}", text + "\n")
    expected = {"vendor": vendor, "product": product, "cloud": cloud, "instance": instance}
    assert hardware.machine(root.path) == expected


def test_a_machine_that_tells_nothing_is_described_by_python_alone(root):
    assert hardware.cpu(root.path)["logical"] == os.cpu_count()
    assert hardware.cpu(root.path)["model"] is None
    assert hardware.memory(root.path)["total"] > 1 << 26  # by sysconf
    assert hardware.machine(root.path) == dict.fromkeys(("vendor", "product", "cloud", "instance"))
    assert hardware.container(root.path) == {}
    assert hardware.disk(root.path)["filesystem"] is None
