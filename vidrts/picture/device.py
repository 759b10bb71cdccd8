"""Where the network runs and in which precision: the words that people give, and what they mean on this machine."""

import torch

from vidrts.errors import DeviceError, OptionError
from vidrts.picture.options import PRECISIONS as PRECISIONS
from vidrts.picture.options import Precision as Precision

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16, "int8": torch.int8}


def pick_device(name: str = "auto") -> torch.device:
    """`auto` (CUDA where there is one, else the CPU), `cpu`, `cuda` or `cuda:i`.

    Raises `OptionError` for another name, `DeviceError` where the device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    kind, _, index = name.partition(":")
    if kind != "cuda" or (index and not index.isdigit()) or name.endswith(":"):
        raise OptionError(f"device {name!r}: wanted auto, cpu, cuda or cuda:N")
    if not torch.cuda.is_available():
        raise DeviceError(f"device {name}: torch {torch.__version__} sees no CUDA device here; wanted the device cpu")
    count = torch.cuda.device_count()
    if index and int(index) >= count:
        raise DeviceError(f"device {name}: there are {count} CUDA devices, cuda:0 to cuda:{count - 1}")
    return torch.device(name)


def pick_devices(names: str = "auto") -> list[torch.device]:
    """One device as `pick_device` has it, or several GPUs as "cuda:0,cuda:1"; raises as it does, and for one twice."""
    devices = [pick_device(name.strip()) for name in names.split(",")]
    if len(devices) > 1 and (any(d.index is None for d in devices) or len(set(devices)) < len(devices)):
        raise OptionError(f"device {names!r}: wanted different GPUs, for example cuda:0,cuda:1")
    return devices


def pick_precision(name: Precision, device: torch.device) -> torch.dtype:
    """The type of the residual branch; `auto` is bf16 where the device computes it natively, else float32."""
    if name != "auto":
        if name == "fp16" and device.type == "cpu":
            raise OptionError("precision fp16: a CPU computes it a thousand times slower; use bf16, fp32 or auto")
        if name == "int8" and device.type != "cpu":
            raise OptionError(f"precision int8: computed on a CPU alone, got {device}; wanted the device cpu, or auto")
        return _TYPES[name]
    if computes_bf16(device):
        return torch.bfloat16
    return torch.float16 if device.type == "cuda" else torch.float32


def computes_bf16(device: torch.device) -> bool:
    """Whether `device` multiplies bf16 natively: a GPU from Ampere on, a processor with AVX-512 BF16 or AMX.

    Others emulate it, several times slower than float32.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return cpu_has_bf16()


def cpu_has_bf16() -> bool:
    """`computes_bf16` of this machine's processor."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
