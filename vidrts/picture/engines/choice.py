"""The engines that there are, and which one computes a network's residual branch.

engine = pick_engine(network, torch.device("cpu"), torch.bfloat16)
b = x + engine.residual(x)
"""

from importlib import import_module

import torch

from vidrts.errors import DeviceError, OptionError
from vidrts.messages import Code, Message, Tell, ignore
from vidrts.networks.network import BranchNetwork
from vidrts.picture.engines.engine import TYPES, Engine, engine_precision
from vidrts.picture.options import ENGINES, PRECISIONS, EngineName, Precision

KNOWN: tuple[type[Engine], ...] = tuple(import_module(f"vidrts.picture.engines.{name}").ENGINE for name in ENGINES[1:])
"""In the order of `ENGINES`."""


def engines_for(device: torch.device) -> list[type[Engine]]:
    """Those that compute on `device`, whether they are installed or not, the preferred first."""
    return [engine for engine in reversed(KNOWN) if device.type in engine.devices]


def engines_of(device: torch.device) -> tuple[EngineName, ...]:
    """Names of those that are installed and compute on `device`; the first is the default."""
    return tuple(engine.name for engine in engines_for(device) if engine.installed())


def native_precisions(device: torch.device) -> tuple[Precision, ...]:
    """Precisions of the residual branch that `device` computes itself, the default first."""
    return next(engine for engine in engines_for(device) if engine.installed()).native(device)


def precisions_of(name: EngineName, device: torch.device) -> tuple[Precision, ...]:
    """All that the engine of that name takes on `device`; none where it does not compute there."""
    return next((engine.precisions(device) for engine in engines_for(device) if engine.name == name), ())


def pick_precision(name: Precision, device: torch.device) -> torch.dtype:
    """The type of the residual branch; `auto` is bf16 (on a GPU without it fp16) where the device has it, else float32.

    Raises `OptionError` for one that no engine computes on `device`.
    """
    if name == "auto":
        return TYPES[native_precisions(device)[0]]
    taken = {precision for engine in engines_for(device) for precision in engine.precisions(device)}
    if name not in taken:
        known = ", ".join(precision for precision in PRECISIONS if precision in {"auto", *taken})
        raise OptionError(f"precision {name}: no engine computes it on the device {device}; expected one of {known}")
    return TYPES[name]


def pick_engine(
    network: BranchNetwork,
    device: torch.device,
    dtype: torch.dtype,
    name: EngineName = "auto",
    on_message: Tell = ignore,
) -> Engine:
    """The engine for `network` on `device` with its residual in `dtype`; the caller's network is not changed.

    `auto` is OpenVINO on a CPU and torch elsewhere; where OpenVINO cannot be used, torch is, and `on_message` gets the
    reason. Raises `DeviceError` where the engine named, or the only one for `dtype`, cannot be used; `OptionError`
    where the engine named does not compute `dtype`.
    """
    precision = engine_precision(dtype)
    able = [engine for engine in engines_for(device) if precision in engine.precisions(device)]
    others = " or ".join([*(engine.name for engine in able), "auto"])
    if name != "auto":
        named = next(engine for engine in KNOWN if engine.name == name)
        if device.type not in named.devices:
            raise DeviceError(f"engine {name}: computes on {' and '.join(named.devices)}, got the device {device}; "
                              f"expected the engine {others}")  # fmt: skip
        if named not in able:
            raise OptionError(f"precision {precision}: the engine {name} does not compute it on the device {device}; "
                              f"expected the engine {others}")  # fmt: skip
        able = [named]
    for place, engine in enumerate(able):
        try:
            return engine(network, device, dtype)
        except (ImportError, OSError, RuntimeError) as error:  # not installed, a library that it misses, no such graph
            if isinstance(error, torch.OutOfMemoryError):
                raise
            reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
            if place + 1 == len(able):
                advice = "" if name == "auto" else "; use the engine auto"
                raise DeviceError(f"engine {engine.name}, precision {precision}: {reason}{advice}") from error
            instead = able[place + 1].title
            on_message(Message(Code.ENGINE_NOT_USABLE, engine=engine.title, reason=reason, instead=instead))
    raise OptionError(f"precision {precision}: no engine computes it on the device {device}")
