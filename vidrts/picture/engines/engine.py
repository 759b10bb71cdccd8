"""The interface of engines: they compute the residual branch of a network, and declare devices, precisions and shapes.

Skip connection and tail are not an engine's: they stay in float32 whatever the precision. A new
engine is a file here with a subclass of `Engine`, bound to the name ENGINE, and its name in `options.EngineName`.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch

from vidrts.errors import OptionError
from vidrts.networks.network import BranchNetwork, Layer
from vidrts.picture.options import EngineName, Precision

TYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16, "int8": torch.int8,
}  # fmt: skip
CENTRE = 0.5
"""Subtracted from every sample before the first convolution, whose bias makes up for it: half the size, half the
rounding. bf16 comes nearer to float64 by 4 dB (rts-r3), which costs no time."""


class Engine(ABC):
    """One for each enhancer, not thread-safe; engines share nothing.

    Made of a network, which is not changed, a device and the type of the branch. The constructor raises ImportError,
    OSError or RuntimeError where the engine cannot be used.
    """

    name: ClassVar[EngineName]
    """As users write it."""
    title: ClassVar[str]
    """As users read it."""
    devices: ClassVar[tuple[str, ...]]
    """Types of torch devices that it computes on."""
    multiple: ClassVar[int] = 1
    """Height and width of an input, borders and all, must be multiples of it; tiles are cut so."""

    @abstractmethod
    def __init__(self, network: BranchNetwork, device: torch.device, dtype: torch.dtype) -> None: ...

    @classmethod
    def installed(cls) -> bool:
        """Whether its packages are here."""
        return True

    @classmethod
    @abstractmethod
    def precisions(cls, device: torch.device) -> tuple[Precision, ...]:
        """All that it takes on such a device."""

    @classmethod
    @abstractmethod
    def native(cls, device: torch.device) -> tuple[Precision, ...]:
        """Those that this device computes without emulation, the default first."""

    @abstractmethod
    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) float32 on the engine's device -> (B, 3, h, w) float32, with any strides.

        Beyond the borders is mid grey (`CENTRE`): only what lies the network's `radius` within is the network's.
        """


def engine_precision(dtype: torch.dtype) -> Precision:
    """The name of a type of the branch; raises `OptionError` for one that no engine computes."""
    for precision, its_dtype in TYPES.items():
        if its_dtype == dtype:
            return precision
    raise OptionError(f"precision {dtype}: expected one of {', '.join(map(str, TYPES.values()))}")


def centred_bias(first: Layer) -> torch.Tensor:
    """The bias of the first convolution for samples from which `CENTRE` is subtracted."""
    return (first.bias.double() + CENTRE * first.conv.weight.double().sum((1, 2, 3))).to(first.bias.dtype).detach()


def computes_bf16(device: torch.device) -> bool:
    """Whether `device` multiplies bf16 natively: a GPU from Ampere on, a processor with AVX-512 BF16 or AMX.

    Others emulate it, several times slower than float32.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
