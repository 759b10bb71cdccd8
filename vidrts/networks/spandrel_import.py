"""A network that spandrel knows as a vidrts model: whether it fits, how far it sees, and that it can be rebuilt."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from vidrts.errors import ModelError
from vidrts.messages import Code, Message, Tell, ignore
from vidrts.networks.checkpoint import ModelInfo
from vidrts.networks.measured_reach import LARGEST, Reach, measured_reach
from vidrts.networks.network import Network
from vidrts.networks.spandrel_network import (
    ARCHITECTURE,
    SpandrelNetwork,
    build_of_weights,
    described,
    first_line,
    version,
    wrapped,
)
from vidrts.networks.spec import next_multiple
from vidrts.ops.convolution import use_deterministic_convolution

LICENCE = "its author's; see where FILE came from"
_PURPOSES = ("SR", "Restoration")
_SIDE = 64
"""Pixels of the picture by which a rebuilt network is compared."""


def imported_network(
    path: Path, weights: Mapping[str, torch.Tensor], on_message: Tell = ignore
) -> tuple[Network, ModelInfo]:
    """The network of these weights, and its description. Takes seconds to minutes: its reach is measured, as
    `on_message` is told.

    Raises `ModelError`, one line that begins with `path`, where spandrel does not know it or vidrts cannot run it, and
    `MissingPackageError`.
    """
    try:
        descriptor = described(weights)
        if descriptor is None:
            raise ModelError(
                "expected weights of G-MGBP as its authors published them, or of a network that spandrel "
                f"{version()} knows, got {len(weights)} tensors of other names"
            )
        title = " ".join((str(descriptor.architecture.name), *map(str, descriptor.tags)))
        try:
            _check(descriptor, weights)
            on_message(Message(Code.REACH_MEASURED, network=title).about(path))
            network, numbers = _measured(descriptor)
        except ModelError as error:
            raise ModelError(f"{title}: {error}") from None
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    info = ModelInfo(
        name=path.stem, architecture=ARCHITECTURE, numbers=numbers, stage=1, degradation="not known", data_hash="",
        training={"imported": path.name, "network": title, "built by": f"spandrel {version()}"}, licence=LICENCE,
        colour="luma" if numbers["channels"] == 1 else "rgb",
    )  # fmt: skip
    return network.eval().requires_grad_(False), info


def _measured(descriptor: Any) -> tuple[SpandrelNetwork, dict[str, int]]:
    """The network as it will be rebuilt, and its numbers."""
    sizes = descriptor.size_requirements
    numbers = {"factor": descriptor.scale, "channels": descriptor.input_channels, "reach": 0, "multiple": 1}
    given = wrapped(descriptor, numbers).eval().requires_grad_(False)
    state = given.state_dict()
    network = build_of_weights(numbers, state).eval().requires_grad_(False)
    try:
        side = next_multiple(max(_SIDE, sizes.minimum), sizes.multiple_of)
        picture = torch.rand(1, descriptor.input_channels, side, side, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            before, after = given(picture), network(picture)
        if before.shape != after.shape or not float((before - after).abs().max()) <= 1e-6:
            raise ModelError("its weights alone do not rebuild it")
        found = _reach(network, descriptor)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        raise ModelError(f"cannot be run ({first_line(error)})") from None
    numbers |= {"reach": found.reach, "multiple": found.multiple}
    return build_of_weights(numbers, state), numbers


def _check(descriptor: Any, weights: Mapping[str, torch.Tensor]) -> None:
    """Raises `ModelError` for what vidrts cannot run."""
    if descriptor.purpose not in _PURPOSES:
        raise ModelError(f"made for {descriptor.purpose}; expected a network that enlarges or restores pictures")
    if descriptor.scale not in (1, 2):
        raise ModelError(f"enlarges by {descriptor.scale}; expected 1x or 2x")
    channels = descriptor.input_channels, descriptor.output_channels
    if channels not in ((3, 3), (1, 1)):
        raise ModelError(f"takes {channels[0]} channels and gives {channels[1]}; expected 3 (R'G'B') or 1 (luma)")
    if descriptor.tiling.name != "SUPPORTED":
        raise ModelError("needs the whole picture at once, by spandrel; expected a network that can work in tiles")
    if descriptor.size_requirements.square:
        raise ModelError("takes square pictures alone; expected a network for any size")
    if bad := [name for name, weight in weights.items() if not bool(weight.isfinite().all())]:
        raise ModelError(f"{bad[0]}: expected finite numbers; get the file again")


def _reach(network: SpandrelNetwork, descriptor: Any) -> Reach:
    tried = copy.deepcopy(network)
    use_deterministic_convolution(tried)
    sizes = descriptor.size_requirements
    found = measured_reach(
        tried, descriptor.scale, descriptor.input_channels, multiple=sizes.multiple_of, least=sizes.minimum
    )
    if isinstance(found, Reach):
        return found
    raise ModelError(
        f"a pixel sees the whole picture, or more than {LARGEST} pixels around it (what lies there changes it by "
        f"{found:.1g} of full scale), so that tiles would show; expected a network that sees less"
    )
