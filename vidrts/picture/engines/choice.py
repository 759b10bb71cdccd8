"""How the residual branch of an RTS network is computed. Skip connection and tail are not an engine's: they stay in
float32 whatever the precision (DESIGN section 3).

engine = pick_engine(network, torch.device("cpu"), torch.bfloat16)
b = x + engine.residual(x)
"""

import importlib.util
from collections.abc import Callable
from typing import Protocol

import torch

from vidrts.errors import DeviceError, OptionError
from vidrts.networks.upscaler import ResidualUpscaler
from vidrts.picture.device import Precision, cpu_has_bf16
from vidrts.picture.engines.torch import TorchEngine
from vidrts.picture.options import ENGINES as ENGINES
from vidrts.picture.options import EngineName as EngineName


class Engine(Protocol):
    """One for each enhancer, not thread-safe; engines share nothing."""

    @property
    def name(self) -> str:
        """One of `ENGINES`."""

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 3, h, w) float32 on the engine's device -> (B, 3, h, w) float32, with any strides.

        Beyond the borders is mid grey (`torch.CENTRE`): only what lies its `radius` within is the network's.
        """


def pick_engine(
    network: ResidualUpscaler,
    device: torch.device,
    dtype: torch.dtype,
    name: EngineName = "auto",
    on_message: Callable[[str], None] = lambda line: None,
) -> Engine:
    """The engine for `network` on `device` with its residual in `dtype`; the caller's network is not changed.

    `auto` is OpenVINO on a CPU and torch elsewhere; where OpenVINO cannot do it, torch does, and `on_message` hears
    why. Raises `DeviceError` where `openvino`, or int8, which it alone computes, is asked for and cannot be had;
    `OptionError` for int8 by torch.
    """
    if dtype == torch.int8 and name == "torch":
        raise OptionError("precision int8: the engine torch does not compute it; wanted the engine openvino or auto")
    if name == "torch" or (name == "auto" and device.type != "cpu"):
        return TorchEngine(network, device, dtype)
    if device.type != "cpu":
        raise DeviceError(f"engine openvino: computes on the device cpu, got {device}; wanted the engine torch")
    try:
        from vidrts.picture.engines.openvino import OpenVINOEngine

        return OpenVINOEngine(network, dtype)
    except (ImportError, OSError, RuntimeError) as error:  # not installed, a library that it misses, no such graph
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
        if dtype == torch.int8:
            raise DeviceError(f"precision int8: needs OpenVINO ({reason}); wanted bf16, fp32 or auto") from error
        if name == "openvino":
            raise DeviceError(f"engine openvino: {reason}; wanted the engine torch") from error
        on_message(f"OpenVINO cannot be used ({reason}): computing with torch, which is slower")
        return TorchEngine(network, device, dtype)


def native_precisions(device: torch.device) -> tuple[Precision, ...]:
    """Precisions of the residual branch that `device` computes itself, the default first."""
    if device.type == "cuda":
        return ("bf16", "fp16") if torch.cuda.get_device_capability(device) >= (8, 0) else ("fp16", "fp32")
    floats: tuple[Precision, ...] = ("bf16", "fp32") if cpu_has_bf16() else ("fp32",)
    return (*floats, "int8") if "openvino" in engines_of(device) else floats


def engines_of(device: torch.device) -> tuple[EngineName, ...]:
    """What computes on `device` here; the first is the default."""
    if device.type == "cpu" and importlib.util.find_spec("openvino") is not None:
        return "openvino", "torch"
    return ("torch",)
