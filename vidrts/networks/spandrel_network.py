"""Networks that others designed and trained, as the package spandrel knows them: by the names and shapes of weights.

spandrel is needed for these alone (`pip install '.[import]'`), and loaded when one is built.
"""

import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from vidrts.errors import MissingPackageError, ModelError
from vidrts.networks.network import Network
from vidrts.networks.spec import Context, NetworkSpec

ARCHITECTURE = "spandrel"
"""In model files; what network it is the weights say."""
NUMBERS = ("factor", "channels", "reach", "multiple")
"""Of such a network in a model file."""
_MODULE = "module."


class SpandrelNetwork(Network):
    """A network of spandrel's with its weights; results are clamped to 0..1, as its authors' programs show them.

    call: computes a picture with `module`. factor, channels: 1 or 2, and 1 (luma) or 3. reach, multiple: as in
    `NetworkSpec`, measured when it was imported.
    """

    def __init__(
        self,
        module: nn.Module,
        call: Callable[[nn.Module, torch.Tensor], torch.Tensor],
        *,
        factor: int,
        channels: int,
        reach: int,
        multiple: int,
    ) -> None:
        super().__init__()
        part: Any
        for part in module.modules():
            if hasattr(part, "update_params"):  # SPAN's layers join their convolutions whenever they are run
                part.update_params()
                part.update_params = _nothing
        self.module = module
        self._call = call
        self._spec = NetworkSpec(
            reach={factor: reach}, multiple=multiple, channels="luma" if channels == 1 else "rgb"
        )  # fmt: skip

    @property
    def spec(self) -> NetworkSpec:
        """As the model file says."""
        return self._spec

    def to(self, *args: Any, **kwargs: Any) -> "SpandrelNetwork":
        """As any module's, but its weights keep their layout: others' code may count on it."""
        kwargs.pop("memory_format", None)
        return super().to(*args, **kwargs)

    def forward(self, x: torch.Tensor, context: Context | None = None) -> torch.Tensor:
        """SR(x), in 0..1. One picture at a time, as spandrel has it: some networks take no more."""
        pictures = (
            part.clone(memory_format=torch.contiguous_format) for part in torch.split(x, 1)
        )  # some write into it
        results = [self._call(self.module, picture) for picture in pictures]
        return (torch.cat(results) if len(results) > 1 else results[0]).clamp(0, 1)


def described(weights: Mapping[str, torch.Tensor]) -> Any | None:
    """spandrel's description of the network of these weights, with the network (`ModelDescriptor`); None if unknown.

    Raises `MissingPackageError`, and `ModelError`, one line without a file's name, where spandrel cannot build it.
    """
    spandrel = _package()
    if not weights:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of empty layers and the like, which are no matter of users
            return spandrel.ModelLoader("cpu").load_from_state_dict(dict(weights))
    except spandrel.UnsupportedModelError:
        return None
    except Exception as error:  # noqa: BLE001 - whatever spandrel makes of foreign weights
        raise ModelError(f"spandrel cannot build the network of its weights ({first_line(error)})") from None


def wrapped(descriptor: Any, numbers: Mapping[str, int]) -> SpandrelNetwork:
    """The described network with `NUMBERS`; raises TypeError or ValueError for others."""
    if set(numbers) != set(NUMBERS):
        raise TypeError(f"expected the numbers {', '.join(NUMBERS)}")
    return SpandrelNetwork(descriptor.model, descriptor._call_fn, **numbers)


def build_of_weights(numbers: Mapping[str, int], weights: Mapping[str, torch.Tensor]) -> SpandrelNetwork:
    """What `build` of the registry gives for `ARCHITECTURE`; `weights` have the names of a `SpandrelNetwork`'s state.

    Raises `ModelError` and `MissingPackageError`.
    """
    descriptor = described({name.removeprefix(_MODULE): weight for name, weight in weights.items()})
    if descriptor is None:
        raise ModelError(f"spandrel knows no network with these {len(weights)} weights; update it, or import again")
    try:
        return wrapped(descriptor, numbers)
    except (TypeError, ValueError) as error:
        raise ModelError(f"network architecture {ARCHITECTURE!r} cannot have {dict(numbers)!r}: {error}") from None


def version() -> str:
    """Of spandrel; raises `MissingPackageError`."""
    return str(_package().__version__)


def _nothing() -> None:
    pass


def first_line(error: BaseException) -> str:
    """What another's code says of its failure, in a line of no great length."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0][:120]}" if said else type(error).__name__


def _package() -> Any:
    try:
        return importlib.import_module("spandrel")
    except ImportError as error:
        raise MissingPackageError(
            f"networks of others need the package spandrel ({first_line(error)}); pip install '.[import]'"
        ) from None
