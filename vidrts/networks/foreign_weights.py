"""Files of weights that others published: tensors by name.

Pickles are read by torch's restricted loader, which builds tensors and plain containers and runs no code of the file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch

from vidrts.errors import ModelError
from vidrts.networks.checkpoint import METADATA_KEY

_WRAPPERS = ("params_ema", "params-ema", "params", "model_state_dict", "state_dict", "model", "net", "generator")
"""Under which training programs keep the weights of the network, averaged ones first."""
_PREFIXES = ("module.", "netG.", "_orig_mod.")
"""Which they put before every name."""


def foreign_weights(path: Path) -> dict[str, torch.Tensor]:
    """The weights in `path`, a safetensors file by its name, else a pickle of torch's; floats as float32.

    Raises `ModelError`, one line, for a file that is none, and for a model of vidrts.
    """
    held = _safetensors(path) if path.suffix.lower() == ".safetensors" else _pickled(path)
    found = next((held[key] for key in _WRAPPERS if isinstance(held.get(key), Mapping)), held)
    if not found or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in found.items()
    ):  # fmt: skip
        raise ModelError(f"{path}: expected weights by name, got {type(held).__name__} of other things")
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in found):
            found = {name.removeprefix(prefix): value for name, value in found.items()}
    return {name: value.float() if value.is_floating_point() else value for name, value in found.items()}


def _safetensors(path: Path) -> Mapping[str, Any]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            if METADATA_KEY in (file.metadata() or {}):
                raise ModelError(f"{path}: is a vidrts model; use it as it is, with --model")
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except (OSError, safetensors.SafetensorError, ValueError) as error:
        raise ModelError(f"{path}: not a complete safetensors file ({error}); get the file again") from None


def _pickled(path: Path) -> Mapping[str, Any]:
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from None
    except Exception as error:  # noqa: BLE001 - whatever torch makes of foreign bytes
        reason = str(error).splitlines()[0].split(". ")[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: expected a file of weights that torch.save wrote; {reason[:120]}") from None
    if not isinstance(held, Mapping):
        raise ModelError(f"{path}: expected weights by name, got {type(held).__name__} of other things")
    return held
