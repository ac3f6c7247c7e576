"""The machine without its accelerators: processors, memory, disk, container, cloud."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import Any

from ._environment_source import number, read, value_after

__all__ = ["container", "cpu", "disk", "machine", "memory"]

MAX_TOPOLOGY = 64  # processors whose siblings are looked up; the others are taken to be alike
_NO_LIMIT = 1 << 60  # cgroup v1 writes "no limit" as a huge number
_GROUP_ID = r"(?:docker|containers|libpod|kubepods|lxc)\S*?[/-]([0-9a-f]{64})"
# A machine that runs containers lists their mounts, too; only inside one this is its own name.
_MOUNT_ID = r"containers/([0-9a-f]{64})/\S*hostname /etc/hostname "
_CLOUDS = {
    "Amazon EC2": "aws",
    "Google": "gcp",
    "Google Compute Engine": "gcp",
    "Alibaba Cloud": "alibaba",
    "DigitalOcean": "digitalocean",
    "Hetzner": "hetzner",
    "OVH": "ovh",
    "Scaleway": "scaleway",
}
_AZURE_TAG = "7783-7084-3265-9085-8269-3286-77"


def cpu(root: str = "/") -> dict[str, Any]:
    """Tell which processors there are, and how many of them this process may use.

    Returns:
        ``model``, ``logical`` and ``physical`` counts, ``usable`` (the affinity mask's count) and
        ``quota`` (processors that the cgroup grants, a float); what is not known is None.
    """
    # Only the first page: on a large machine the kernel asks every processor for its clock rate.
    first = read(root, "proc/cpuinfo", 4096)
    model = value_after(first, "model name") or value_after(first, "Model")
    if model is None and first is None and os.name == "nt":
        model = os.environ.get("PROCESSOR_IDENTIFIER")
    logical = os.cpu_count()
    try:
        # Of the process, not 0: that would be the calling thread's.
        usable: int | None = len(os.sched_getaffinity(os.getpid()))
    except (AttributeError, OSError):
        usable = None
    return {
        "model": model,
        "logical": logical,
        "physical": _physical(root, logical or 0),
        "usable": usable,
        "quota": _cpu_quota(root),
    }


def _physical(root: str, logical: int) -> int | None:
    """Count cores: each processor is one n-th of a core that it shares with n - 1 others."""
    cores, seen = 0.0, 0
    for index in range(min(logical, MAX_TOPOLOGY)):
        folder = f"sys/devices/system/cpu/cpu{index}/topology"
        siblings = read(root, f"{folder}/thread_siblings_list", 256)
        if siblings:
            seen += 1
            cores += 1 / max(1, _count(siblings))
    return round(cores * logical / seen) if seen else None


def _count(ranges: str) -> int:
    """Count what ``0-3,8`` names."""
    total = 0
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        low, high = number(first), number(last or first)
        if low is not None and high is not None:
            total += high - low + 1
    return total


def _cgroup_files(
    root: str, controller: str, *names: str
) -> Iterator[tuple[int, list[str | None]]]:
    """Read files of the process's control group and of the groups around it, inmost first.

    Yields:
        The version (2 or 1) and the texts, for each group that has the first of the files. A
        container may not see its path below the mount: its own files then stand at the top.
    """
    for line in (read(root, "proc/self/cgroup") or "").splitlines():
        hierarchy, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if hierarchy == "0" and not controllers:
            version, mounts = 2, ["sys/fs/cgroup", "sys/fs/cgroup/unified"]
        elif controller in controllers.split(","):
            version, mounts = 1, [f"sys/fs/cgroup/{controllers}", f"sys/fs/cgroup/{controller}"]
        else:
            continue
        for mount in mounts:
            parts = [part for part in path.split("/") if part not in ("", "..")]
            for length in range(len(parts), -1, -1):
                folder = "/".join([mount, *parts[:length]])
                texts = [read(root, f"{folder}/{name}", 256) for name in names]
                if any(text is not None for text in texts):
                    yield version, texts


def _cpu_quota(root: str) -> float | None:
    quotas = []
    names = ("cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us")
    for version, (both, quota, period) in _cgroup_files(root, "cpu", *names):
        if version == 2:
            quota, _, period = (both or "").partition(" ")
        granted, length = number(quota), number(period)
        if granted is not None and length and granted > 0:  # "max" and -1 are no quota
            quotas.append(granted / length)
    return min(quotas, default=None)


def memory(root: str = "/") -> dict[str, int | None]:
    """Tell the bytes of memory: ``total`` of the machine, ``limit`` of the control group."""
    limits = []
    names = ("memory.max", "memory.limit_in_bytes")
    for version, (new, old) in _cgroup_files(root, "memory", *names):
        limit = number(new if version == 2 else old)
        if limit is not None and limit < _NO_LIMIT:
            limits.append(limit)
    return {"total": _total_memory(root), "limit": min(limits, default=None)}


def _total_memory(root: str) -> int | None:
    text = value_after(read(root, "proc/meminfo", 4096), "MemTotal")
    kibibytes = number(text.split()[0]) if text else None
    if kibibytes is not None:
        return kibibytes * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def disk(root: str = "/") -> dict[str, Any]:
    """Tell the bytes ``total`` and ``free`` to this user where the process works, and the
    ``filesystem``'s kind (``ext4``, ``nfs4``, ``lustre`` …).
    """
    folder = os.getcwd()
    facts: dict[str, Any] = {"folder": folder, "filesystem": _filesystem(root, folder)}
    if hasattr(os, "statvfs"):
        status = os.statvfs(folder)
        facts["total"] = status.f_blocks * status.f_frsize
        facts["free"] = status.f_bavail * status.f_frsize
    else:
        import shutil

        facts["total"], _, facts["free"] = shutil.disk_usage(folder)
    return facts


def _filesystem(root: str, folder: str) -> str | None:
    """Find the kind of the mount that holds a folder: the deepest, and of these the last."""
    best, kind = "", None
    for line in (read(root, "proc/self/mounts", 1 << 18) or "").splitlines():
        fields = line.split(" ")
        if len(fields) > 2:
            mount = fields[1].replace("\\040", " ").rstrip("/") + "/"
            if (folder + "/").startswith(mount) and len(mount) >= len(best):
                best, kind = mount, fields[2]
    return kind


def machine(root: str = "/") -> dict[str, str | None]:
    """Tell maker and model of the machine, and the cloud and instance where these show.

    From files of the firmware only; no metadata server is asked. Serial numbers are not read.
    """
    folder = "sys/class/dmi/id"
    vendor = read(root, f"{folder}/sys_vendor", 256) or None
    product = read(root, f"{folder}/product_name", 256) or None
    cloud = _CLOUDS.get(vendor or "")
    if vendor == "Microsoft Corporation":
        tag = read(root, f"{folder}/chassis_asset_tag", 256)
        cloud = "azure" if tag == _AZURE_TAG else None
    instance = read(root, f"{folder}/board_asset_tag", 256) if cloud == "aws" else None
    return {"vendor": vendor, "product": product, "cloud": cloud, "instance": instance}


def container(root: str = "/") -> dict[str, Any]:
    """Tell whether the process runs in a container: ``kind``, ``image``, ``id``; empty if not."""
    groups = read(root, "proc/self/cgroup") or ""
    mounts = read(root, "proc/self/mountinfo", 1 << 18) or ""
    found = re.search(_GROUP_ID, groups) or re.search(_MOUNT_ID, mounts)
    facts: dict[str, Any] = {"id": found[1] if found else None}
    podman = read(root, "run/.containerenv", 1 << 14)
    for prefix in ("APPTAINER", "SINGULARITY"):
        if f"{prefix}_NAME" in os.environ or f"{prefix}_CONTAINER" in os.environ:
            image = os.environ.get(f"{prefix}_CONTAINER") or os.environ.get(f"{prefix}_NAME")
            return {"kind": prefix.lower(), "image": image}
    if podman is not None:
        image = value_after(podman, "image", "=")
        facts.update(kind="podman", image=image.strip('"') if image else None)
    elif read(root, ".dockerenv", 1) is not None:
        facts["kind"] = "docker"
    elif "kubepods" in groups:
        facts["kind"] = "kubernetes"
    elif found:
        facts["kind"] = "container"
    elif sys.platform == "linux" and "microsoft" in (read(root, "proc/version") or "").lower():
        facts["kind"] = "wsl"
    return facts if "kind" in facts else {}
