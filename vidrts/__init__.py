"""vidrts: video frame enhancement for FFmpeg pipelines with a recurrently trained super-resolution network (RTS).

from vidrts import EnhanceOptions, enhance
enhance("in.mp4", "out.mp4", EnhanceOptions(model="rts-lite"))
"""

import os
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

# torch's OpenMP threads spin while they wait, which starves decoder and encoder threads, and the other processes of a
# pipe, of the same cores. libgomp reads this once, when torch is first loaded; a value of the user's own stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from vidrts import errors

if TYPE_CHECKING:
    from vidrts.networks.checkpoint import load_model
    from vidrts.pipeline import EnhanceOptions, enhance
    from vidrts.training.recurrence import train
    from vidrts.training.recurrence_options import TrainOptions

__version__ = version("vidrts")
__all__ = ["EnhanceOptions", "TrainOptions", "enhance", "errors", "load_model", "train"]

_HOMES = {
    "EnhanceOptions": "pipeline", "enhance": "pipeline", "load_model": "networks.checkpoint",
    "TrainOptions": "training.recurrence_options", "train": "training.recurrence",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """The public names, loaded when first used: torch takes seconds, in which Ctrl-C could not be answered yet."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"vidrts.{_HOMES[name]}"), name)
