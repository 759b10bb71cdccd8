"""Where a network runs and in which precision: from the names that users give to torch's."""

import torch

from vidrts.errors import DeviceError, OptionError


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
        raise OptionError(f"device: expected auto, cpu, cuda or cuda:N, got {name!r}")
    if not torch.cuda.is_available():
        raise DeviceError(f"device {name}: no CUDA device found by torch {torch.__version__}; use --device cpu")
    count = torch.cuda.device_count()
    if index and int(index) >= count:
        raise DeviceError(f"device {name}: expected one of {count} CUDA devices, cuda:0 to cuda:{count - 1}")
    return torch.device(name)


def pick_devices(names: str = "auto") -> list[torch.device]:
    """One device as `pick_device` has it, or several GPUs as "cuda:0,cuda:1"; raises as it does, and for one twice."""
    devices = [pick_device(name.strip()) for name in names.split(",")]
    if len(devices) > 1 and (any(d.index is None for d in devices) or len(set(devices)) < len(devices)):
        raise OptionError(f"device: expected different GPUs, for example cuda:0,cuda:1, got {names!r}")
    return devices
