"""vidrts: video frame enhancement for FFmpeg pipelines with a recurrently trained super-resolution network (RTS).

from vidrts import EnhanceOptions, enhance
enhance("in.mp4", "out.mp4", EnhanceOptions(model="rts-lite"))
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

# Waiting OpenMP threads of torch spin by default, which starves decoder and encoder threads and other processes of a
# pipe. libgomp reads this once, when torch is loaded; a value set by the user is kept.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from vidrts import errors

if TYPE_CHECKING:
    from vidrts.networks.checkpoint import load_model
    from vidrts.options import EnhanceOptions
    from vidrts.pipeline import enhance
    from vidrts.training.recurrence import train
    from vidrts.training.recurrence_options import TrainOptions

    __version__: str

__all__ = ["EnhanceOptions", "TrainOptions", "enhance", "errors", "load_model", "train"]

_HOMES = {
    "EnhanceOptions": "options", "enhance": "pipeline", "load_model": "networks.checkpoint",
    "TrainOptions": "training.recurrence_options", "train": "training.recurrence",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Load public names on first use: importing torch takes seconds."""
    if name == "__version__":
        from importlib.metadata import version

        return version("vidrts")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"vidrts.{_HOMES[name]}"), name)
