"""The accelerators: through NVML where `pynvml` is installed, else from the drivers' own files."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection
from typing import Any

from ._environment_source import number, read, value_after

__all__ = ["Gpus", "devices", "open_gpus"]

Facts = dict[str, Any]
_VERSION = r"\b\d+\.\d+(?:\.\d+)*\b"


class Gpus:
    """The accelerators that this process may use, looked at again and again by one thread."""

    def sample(self, pids: Collection[int]) -> list[Facts]:
        """Tell how busy each is.

        Args:
            pids: the processes whose memory on the accelerator is ours.

        Returns:
            For each ``index``, ``utilization`` in percent, ``memory`` in bytes (of everybody),
            ``power`` in watts, ``temperature`` in degrees Celsius, ``process-memory`` in bytes
            where a process of ours holds the accelerator; what the driver does not tell is absent.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the driver."""


def devices(root: str = "/") -> Facts:
    """Tell which accelerators the machine has, and the versions of their driver.

    Loads NVML where there is an NVIDIA driver and `pynvml` is installed. That may take a second,
    and for ever with a broken driver: not for the program's own thread.

    Returns:
        ``gpus`` (``index``, ``name``, ``memory`` in bytes, ``uuid``), ``driver``, ``cuda`` (the
        newest version that the driver supports) and ``source``; empty where there is none.
    """
    gpus = open_gpus(root)
    if isinstance(gpus, _Nvidia):
        try:
            return gpus.facts()
        finally:
            gpus.close()
    return _nvidia_files(root) or _amd_files(root)


def open_gpus(root: str = "/") -> Gpus | None:
    """Open the accelerators for sampling; None when there is none that can be sampled."""
    nvml = _load_nvml() if _has_nvidia(root) else None
    if nvml is not None and _ask(nvml.nvmlInit) is not _FAILED:
        return _Nvidia(nvml)
    cards = _amd_cards(root)
    return _Amd(root, cards) if cards else None


def _has_nvidia(root: str) -> bool:
    """Without a driver's trace pynvml is not even loaded; dxg is Linux inside Windows."""
    if os.name == "nt":
        return True
    names = ("proc/driver/nvidia", "dev/nvidiactl", "dev/dxg")
    return any(os.path.exists(os.path.join(root, name)) for name in names)


def _load_nvml() -> Any:
    """Load a `pynvml` of our own, None when it is not installed.

    Under a private name and past the import hooks: the deprecated package of that name hooks
    itself in only to print a warning, which nobody would expect from us; and a program that
    imports pynvml at this very moment shall not meet a half-loaded one.
    """
    ours = "_meticulous_pynvml"
    for name in ("pynvml", ours):
        if hasattr(sys.modules.get(name), "nvmlDeviceGetComputeRunningProcesses"):
            return sys.modules[name]
    import importlib.machinery
    import importlib.util

    try:
        found = importlib.machinery.PathFinder.find_spec("pynvml")
        if found is None or not found.origin:
            return None
        spec = importlib.util.spec_from_file_location(ours, found.origin)
        if spec is None or spec.loader is None:
            return None
        module = importlib.util.module_from_spec(spec)
        sys.modules[ours] = module
        spec.loader.exec_module(module)
    except Exception:  # whatever a broken or foreign module raises: we do without it
        sys.modules.pop(ours, None)
        return None
    return module


_FAILED = object()


def _ask(question: Callable[..., Any], *arguments: Any) -> Any:
    """Ask the driver; `_FAILED` when it does not know, as consumer cards know little."""
    try:
        return question(*arguments)
    except Exception:  # NVMLError is a class of a module that may be anybody's
        return _FAILED


def _known(**facts: Any) -> Facts:
    return {
        key.replace("_", "-"): value
        for key, value in facts.items()
        if value is not _FAILED and value is not None
    }


def _text(value: Any) -> Any:
    """Older versions of pynvml answer with bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


class _Nvidia(Gpus):
    """NVIDIA's accelerators through NVML, which must be initialised."""

    def __init__(self, nvml: Any) -> None:
        self._nvml = nvml
        count = _ask(nvml.nvmlDeviceGetCount)
        handles = [
            (index, _ask(nvml.nvmlDeviceGetHandleByIndex, index))
            for index in range(count if isinstance(count, int) else 0)
        ]
        self._handles = [(index, handle) for index, handle in handles if handle is not _FAILED]
        self._uuids = {
            index: str(_text(_ask(nvml.nvmlDeviceGetUUID, handle)))
            for index, handle in self._handles
        }

    def facts(self) -> Facts:
        nvml = self._nvml
        cuda = _ask(nvml.nvmlSystemGetCudaDriverVersion)
        gpus = []
        for index, handle in self._handles:
            memory = _ask(nvml.nvmlDeviceGetMemoryInfo, handle)
            gpus.append(
                _known(
                    index=index,
                    name=_text(_ask(nvml.nvmlDeviceGetName, handle)),
                    memory=getattr(memory, "total", None),
                    uuid=self._uuids[index],
                )
            )
        return _known(
            source="nvml",
            driver=_text(_ask(nvml.nvmlSystemGetDriverVersion)),
            cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if isinstance(cuda, int) else None,
            gpus=gpus,
        )

    def sample(self, pids: Collection[int]) -> list[Facts]:
        chosen = _visible(os.environ.get("CUDA_VISIBLE_DEVICES"), self._uuids)
        return [self._sample(i, handle, pids) for i, handle in self._handles if i in chosen]

    def _sample(self, index: int, handle: Any, pids: Collection[int]) -> Facts:
        nvml = self._nvml
        power = _ask(nvml.nvmlDeviceGetPowerUsage, handle)
        processes = _ask(nvml.nvmlDeviceGetComputeRunningProcesses, handle)
        ours = [one for one in processes if one.pid in pids] if processes is not _FAILED else []
        return _known(
            index=index,
            utilization=getattr(_ask(nvml.nvmlDeviceGetUtilizationRates, handle), "gpu", None),
            memory=getattr(_ask(nvml.nvmlDeviceGetMemoryInfo, handle), "used", None),
            power=power / 1000 if isinstance(power, int) else None,
            temperature=_ask(nvml.nvmlDeviceGetTemperature, handle, 0),  # 0: the chip's sensor
            process_memory=sum(one.usedGpuMemory or 0 for one in ours) if ours else None,
        )

    def close(self) -> None:
        _ask(self._nvml.nvmlShutdown)


def _visible(setting: str | None, uuids: dict[int, str]) -> set[int]:
    """Follow CUDA_VISIBLE_DEVICES as CUDA does: up to the first entry that it does not know.

    CUDA may number unlike cards otherwise than NVML, unless CUDA_DEVICE_ORDER=PCI_BUS_ID; a part
    of a card (MIG) stands for the whole where its name tells which card it is on.
    """
    if setting is None:
        return set(uuids)
    chosen = set()
    for entry in map(str.strip, setting.split(",")):
        name = entry.removeprefix("MIG-").partition("/")[0]
        index = number(entry)
        found = [key for key, uuid in uuids.items() if name and uuid.startswith(name)]
        if index is not None and index in uuids:
            chosen.add(index)
        elif entry.startswith(("GPU-", "MIG-GPU-")) and len(found) == 1:
            chosen.add(found[0])
        elif entry.startswith("MIG-"):  # newer names of parts do not tell: it may be any card
            return set(uuids)
        else:
            break
    return chosen


def _nvidia_files(root: str) -> Facts:
    """NVIDIA's driver without NVML: names and ids, but no memory."""
    folder = "proc/driver/nvidia"
    version = read(root, f"{folder}/version")
    gpus = []
    for index, name in enumerate(_list(root, f"{folder}/gpus")):
        text = read(root, f"{folder}/gpus/{name}/information")
        name_, uuid = value_after(text, "Model"), value_after(text, "GPU UUID")
        gpus.append(_known(index=index, name=name_, uuid=uuid))
    if version is None and not gpus:
        return {}
    driver = re.search(_VERSION, version or "")
    return _known(source="proc", driver=driver[0] if driver else None, gpus=gpus)


def _list(root: str, folder: str) -> list[str]:
    try:
        return sorted(os.listdir(os.path.join(root, folder)))
    except OSError:
        return []


def _amd_cards(root: str) -> list[str]:
    """List the folders of the cards that AMD's driver serves."""
    drm = "sys/class/drm"
    cards = sorted((name for name in _list(root, drm) if name[4:].isdecimal()), key=len)
    folders = [f"{drm}/{name}/device" for name in cards if name.startswith("card")]
    return [each for each in folders if read(root, f"{each}/mem_info_vram_total") is not None]


def _amd_files(root: str) -> Facts:
    cards = _amd_cards(root)
    if not cards:
        return {}
    gpus = [
        _known(
            index=index,
            name=read(root, f"{card}/product_name") or read(root, f"{card}/device"),
            memory=number(read(root, f"{card}/mem_info_vram_total")),
            uuid=read(root, f"{card}/unique_id"),
        )
        for index, card in enumerate(cards)
    ]
    return _known(source="sysfs", driver=read(root, "sys/module/amdgpu/version"), gpus=gpus)


class _Amd(Gpus):
    """AMD's accelerators through the files of their driver."""

    def __init__(self, root: str, cards: list[str]) -> None:
        self._root = root
        self._cards = cards
        self._sensors = [
            next((f"{card}/hwmon/{name}" for name in _list(root, f"{card}/hwmon")), "")
            for card in cards
        ]

    def sample(self, pids: Collection[int]) -> list[Facts]:
        return [self._sample(index) for index in range(len(self._cards))]

    def _sample(self, index: int) -> Facts:
        card, sensors = self._cards[index], self._sensors[index]
        power = number(read(self._root, f"{sensors}/power1_average"))
        heat = number(read(self._root, f"{sensors}/temp1_input"))
        return _known(
            index=index,
            utilization=number(read(self._root, f"{card}/gpu_busy_percent")),
            memory=number(read(self._root, f"{card}/mem_info_vram_used")),
            power=power / 1e6 if power is not None else None,
            temperature=heat / 1000 if heat is not None else None,
        )
