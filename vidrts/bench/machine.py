"""What this machine is: the processor, its memory, GPUs, and the versions of what computes.

`describe()` stands beside every measurement; `devices()` is what `vidrts devices` lists.
"""

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch

from vidrts.cores import usable_cores
from vidrts.picture.engines.choice import native_precisions

_VERSIONS = ("vidrts", "torch", "openvino", "onnxruntime", "tensorrt", "av")


@dataclass(frozen=True, kw_only=True)
class Device:
    """Something that a network can run on."""

    name: str
    """What --device takes: cpu, cuda:0, ..."""
    title: str
    """The maker's name of it."""
    cores: int
    """Of a CPU, those that this process may use; streaming multiprocessors of a GPU."""
    memory: int
    """Bytes in all."""
    free: int
    """Bytes that are free now."""
    precisions: tuple[str, ...]
    """Computed natively; the first is what --precision auto takes."""
    capability: str = ""
    """Of a GPU, for example 9.0; of a CPU the instruction sets that decide its speed."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The machine in words and numbers, as it is kept in the JSON of a run."""

    cpu: str
    cores: int
    """That this process may use."""
    threads: int
    """Of one torch operation on the CPU."""
    memory: int
    """Bytes."""
    gpus: tuple[str, ...]
    system: str
    versions: Mapping[str, str]


def describe() -> Machine:
    """This machine, now."""
    found = devices()
    return Machine(
        cpu=found[0].title, cores=found[0].cores, threads=torch.get_num_threads(), memory=found[0].memory,
        gpus=tuple(device.title for device in found[1:]), system=f"{platform.system()} {platform.machine()}",
        versions={"python": platform.python_version(), **_versions()},
    )  # fmt: skip


def devices() -> list[Device]:
    """The CPU, then every CUDA device that torch sees."""
    return [_cpu(), *(_cuda(index) for index in range(torch.cuda.device_count()))]


class OtherLoad:
    """How much of the machine other processes took since this was made; their work makes every time here longer."""

    def __init__(self) -> None:
        self._began = self._now()

    @property
    def share(self) -> float | None:
        """Of the time of all cores, 0..1; None where the system does not report it."""
        before, now = self._began, self._now()
        if before is None or now is None or now[0] <= before[0]:
            return None
        wall, all_busy, own = (b - a for a, b in zip(before, now, strict=True))
        return max(0.0, all_busy - own) / (wall * (os.cpu_count() or 1))

    @staticmethod
    def _now() -> tuple[float, float, float] | None:
        """Seconds: the clock, all cores busy, this process and its ended children busy."""
        stat = Path("/proc/stat")
        if not stat.is_file():
            return None
        user, nice, system, _, _, irq, softirq, *_ = map(int, stat.read_text().splitlines()[0].split()[1:])
        ticks = os.sysconf("SC_CLK_TCK")
        own = os.times()
        spent = own.user + own.system + own.children_user + own.children_system
        return time.monotonic(), (user + nice + system + irq + softirq) / ticks, spent


def _cpu() -> Device:
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    sets = ("avx2", "avx512_f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
    total, free = _memory()
    return Device(
        name="cpu", title=_cpu_title(able), cores=usable_cores(), memory=total, free=free,
        precisions=native_precisions(torch.device("cpu")),
        capability=" ".join(name for name in sets if able.get(name)),
    )  # fmt: skip


def _cuda(index: int) -> Device:
    about = torch.cuda.get_device_properties(index)
    free, total = torch.cuda.mem_get_info(index)
    native = native_precisions(torch.device("cuda", index))
    return Device(
        name=f"cuda:{index}", title=about.name, cores=about.multi_processor_count, memory=total, free=free,
        precisions=tuple(dict.fromkeys((*native, "fp32"))), capability=f"{about.major}.{about.minor}",
    )  # fmt: skip


def _cpu_title(able: Mapping[str, object]) -> str:
    """The processor's name, as the system or torch gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = (line.partition(":") for line in cpuinfo.read_text(errors="replace").splitlines())
        named = next((value.strip() for key, _, value in lines if key.strip() == "model name"), "")
        if named:
            return named
    return str(able.get("cpu_name") or platform.processor() or platform.machine())


def _memory() -> tuple[int, int]:
    """Bytes of main memory in all, and available; 0 where the system does not report it."""
    try:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0, 0
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return pages, 1024 * int(line.split()[1])
    return pages, 0


def _versions() -> dict[str, str]:
    """Version of each package that is installed."""
    found = {}
    for package in _VERSIONS:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
