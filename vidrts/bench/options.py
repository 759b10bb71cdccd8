"""What is measured: `EnhancementBench`, `TrainBench` and their `Pace`. Loads without torch."""

from dataclasses import dataclass, field
from pathlib import Path

from vidrts.errors import OptionError
from vidrts.networks.names import RECIPES
from vidrts.picture.options import EngineName, Precision


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long is measured. Raises `OptionError` when made."""

    rounds: int = 3
    slice: float = 0.3
    """Seconds of a task's turn in a round, at least; it always does one piece of work."""

    def __post_init__(self) -> None:
        if not 1 <= self.rounds <= 1000:
            raise OptionError(f"rounds: expected 1 to 1000, got {self.rounds}")
        if self.slice < 0:
            raise OptionError(f"slice: expected 0 seconds or more, got {self.slice}")


@dataclass(frozen=True, kw_only=True)
class EnhancementBench:
    """What is measured. Raises `OptionError` when made."""

    models: tuple[str, ...] = ("rts-lite", "rts-r3")
    sizes: tuple[tuple[int, int], ...] | None = None
    """(width, height) in pixels; None: that of `clip`, `SIZES` without one."""
    presets: tuple[str, ...] = ("veryfast", "medium")
    """Of x264; whole pipelines take the first."""
    clip: Path | None = None
    """A video of one's own; None: the sample that comes with vidrts."""
    device: str = "auto"
    engines: tuple[EngineName, ...] = ()
    """Of the residual branch; none: all that are here. Enhancement and whole pipelines take the first of each."""
    precisions: tuple[Precision, ...] = ()
    """Of the residual branch; none: those that the device computes natively."""
    seconds: float = 5.0
    """Of one run of a whole pipeline, about; at least a few frames are enhanced."""
    pace: Pace = field(default_factory=Pace)
    quick: bool = False
    """Smaller ceilings: for a look at whether it works, not for numbers."""

    def __post_init__(self) -> None:
        if not (self.models and self.presets) or self.sizes == ():
            raise OptionError("bench: expected at least one model, one size and one preset")
        for width, height in self.sizes or ():
            if min(width, height) < 16 or (width | height) % 2:
                raise OptionError(f"size: expected even numbers from 16 up, got {width}x{height}")
        if not self.seconds > 0:
            raise OptionError(f"seconds: expected more than 0, got {self.seconds}")


@dataclass(frozen=True, kw_only=True)
class TrainBench:
    """What is measured. Raises `OptionError` when made."""

    model: str = "rts-r3"
    batch: int = 8
    patch: int = 128
    """Side of an LR patch in pixels; the paper has 128."""
    steps: int = 10
    """Measured steps, after two that are not."""
    flats: int = 16
    device: str = "auto"
    compile: bool = False

    def __post_init__(self) -> None:
        if self.model not in RECIPES:
            raise OptionError(f"model {self.model!r}: expected one of {', '.join(RECIPES)}")
        if self.steps < 2:
            raise OptionError(f"steps: expected at least 2, got {self.steps}")
