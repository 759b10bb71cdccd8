"""The settings of a run: what `vidrts train` takes, and what the run's settings.json holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from vidrts.errors import OptionError
from vidrts.networks.checkpoint import Colour
from vidrts.networks.registry import RECIPES
from vidrts.training.degradation.recipe import Degradation
from vidrts.training.losses import LossName
from vidrts.training.schedule import OptimizerName, Schedule

StageInit = Literal["warm", "fresh"]
STAGE_INITS: tuple[StageInit, ...] = ("warm", "fresh")
Aim = Literal["recurrent", "originals"]
AIMS: tuple[Aim, ...] = ("recurrent", "originals")


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """The settings of a run; kept in its folder as settings.json. Raises `OptionError` when made."""

    photos: Path
    """Folder of photographs: DIV2K's own two folders, or any pictures."""
    out: Path
    model: str = "rts-r3"
    """A name of `networks.registry.RECIPES`."""
    init: str = ""
    """A shipped model's name or a model file of the same network, whose weights are the start; "" for new ones."""
    stills: tuple[str, ...] = ()
    """Folders of stills, or videos of which stills are taken."""
    stills_weight: float = 0.5
    """Crops of stills for each crop of a photograph."""
    stages: int = 3
    steps: int = 15_000
    """Steps of stage 1."""
    later_steps: int = 8_000
    """Steps of each later stage, which starts from the weights of the one before (warm start)."""
    batch: int = 8
    """Patches in a step, of all processes together."""
    rate: float = 1e-3
    later_rate: float = 5e-4
    patch: int = 64
    """Side of an LR patch in pixels."""
    crops: int = 400
    """Crops for each photograph."""
    held_out: int = 8
    """Photographs kept for validation, where the corpus has no split of its own."""
    decay: bool = True
    """Let the rates fall along half a cosine; False keeps them constant, as in the paper."""
    stage_init: StageInit = "warm"
    """Later stages start from the weights of the one before (warm) or from new ones (fresh)."""
    aim: Aim = "recurrent"
    """Targets of later stages: HR_{n-1} as in the paper, or HR0 again: longer training without recurrence."""
    loss: LossName = "mse"
    ema: float = 0.0
    """Decay of a moving average of the weights, which is then what a stage gives; 0 for none."""
    optimizer: OptimizerName = "adam"
    """adam as in the paper, or muon for the inner convolutions, which needs fewer steps."""
    flats: int = 16
    """Flat patches of random colours beside each batch, which have to stay as they are; 0 for none."""
    lock_mean: bool = True
    """Give each target the mean colour of its photograph."""
    degradation: Degradation = field(default_factory=Degradation)
    colour: Colour = "rgb"
    """What the loss looks at: R'G'B' as in the paper, or luma alone, which is what users get written back."""
    pairs: Degradation | None = None
    """How same-size inputs are made; None for none, the paper's way."""
    pair_weight: float = 1.0
    """Weight of the pairs' loss beside that of LR."""
    pair_batch: int = 8
    """Pairs in a step, of all processes together."""
    pair_floor: float = 1.0
    """See `Schedule`."""
    pair_aim: Aim = "originals"
    """Truth of the pairs: HR0 in every stage, or HR_{n-1} as for LR."""
    blur_level: bool = False
    """Give the network luma, and tell it how blurred the whole picture is (`networks.blur_level`)."""
    shrink: float = 1.0
    """Photographs for training are scaled by a factor between this and `shrink_below`: detail as fine as pixels."""
    shrink_below: float = 1.0
    grey: float = 0.0
    """Share of crops whose colours are taken away."""
    rendered: int = 0
    """Pages of text and line art that are drawn and trained on beside the photographs, as stills are."""
    turn: bool = False
    """Turn and mirror each batch at random."""
    left_for_truth: int = 0
    """Photographs of each folder that are left for `python -m vidrts.research experiment truth`."""
    cache: str = ""
    """Folder where the inputs of crops are kept, for several runs; "" for the run's own."""
    seed: int = 1
    compile: bool = False
    """Run the network through torch.compile in training."""
    target_memory: float = 16.0
    """GB of targets that are kept in memory; more of them lie in a file of the run's folder."""
    viqet: bool = True
    """Measure VIQET's set after each stage; without, no stage has a score."""
    checkpoint_every: int = 500
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.model not in RECIPES:
            raise OptionError(f"model {self.model!r}: wanted one of {', '.join(RECIPES)}")
        for name in ("stages", "steps", "later_steps", "batch", "crops", "held_out", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name.replace('_', '-')} {getattr(self, name)}: wanted at least 1")
        if self.patch < 16:
            raise OptionError(f"patch {self.patch}: wanted at least 16 pixels")
        if not 0 < self.stills_weight <= 100:
            raise OptionError(f"stills-weight {self.stills_weight}: wanted more than 0, for example 0.5")
        if not 0.1 <= self.shrink <= self.shrink_below <= 1:
            raise OptionError(
                f"shrink {self.shrink:g}, shrink-below {self.shrink_below:g}: expected 0.1 to 1, in this order"
            )
        if not 0 <= self.grey <= 1:
            raise OptionError(f"grey {self.grey:g}: expected 0 to 1")
        if self.blur_level and (self.colour != "luma" or not self.pairs):
            raise OptionError("blur-level: expected --colour luma and --pairs with it")
        if self.rendered < 0 or self.left_for_truth < 0:
            raise OptionError(f"rendered {self.rendered}, left-for-truth {self.left_for_truth}: expected 0 or more")
        if not self.target_memory >= 0:
            raise OptionError(f"target-memory {self.target_memory}: wanted 0 or more GB")
        for name, known in (("stage_init", STAGE_INITS), ("aim", AIMS), ("pair_aim", AIMS)):
            if getattr(self, name) not in known:
                raise OptionError(
                    f"{name.replace('_', '-')} {getattr(self, name)!r}: wanted one of {', '.join(known)}"
                )  # fmt: skip
        for stage in (1, 2):
            self.schedule(stage)  # raises for what it does not take

    @property
    def network(self) -> tuple[str, Mapping[str, int]]:
        """Architecture and numbers of the network."""
        architecture, numbers = RECIPES[self.model]
        return architecture, {**numbers, "blur_level": 1} if self.blur_level else numbers

    def schedule(self, stage: int) -> Schedule:
        """The schedule of stage 1, 2, ..."""
        if stage == 1:
            steps, rate, final_rate = self.steps, self.rate, self.rate / 100
        else:
            steps, rate, final_rate = self.later_steps, self.later_rate, self.later_rate / 50
        return Schedule(
            steps=steps, batch=self.batch, rate=rate, final_rate=final_rate if self.decay else rate, loss=self.loss,
            ema=self.ema, optimizer=self.optimizer, flats=self.flats, compile=self.compile,
            colour=self.colour, pair_weight=self.pair_weight if self.pairs else 0.0, pair_batch=self.pair_batch,
            pair_floor=self.pair_floor, turn=self.turn,
        )  # fmt: skip

    def public(self) -> dict[str, Any]:
        """The settings that belong in a model file: all but paths, and where and how the run was computed."""
        left = (*_PATHS, *FREE, "degradation", "model")
        settings = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left}
        return {**settings, "pairs": str(self.pairs or ""), "init": Path(self.init).stem}

    def stored(self) -> dict[str, Any]:
        """All settings as settings.json holds them; `restored` is the way back."""
        return {
            **self.public(),
            **{name: getattr(self, name) for name in FREE},
            "model": self.model,
            "init": self.init,
            "photos": str(self.photos.resolve()),
            "stills": [str(Path(still).resolve()) for still in self.stills],
            "degradation": str(self.degradation),
        }


FREE = ("device", "checkpoint_every", "target_memory", "viqet", "cache")
"""Settings that may differ when a run goes on: they do not change its numbers."""
_PATHS = ("photos", "stills", "out")


def restored(held: dict[str, Any], out: Path) -> TrainOptions:
    """The options of a run in `out`; what an older run's file does not name is as it was then, the default.

    Raises KeyError, TypeError, ValueError or `OptionError` for what cannot be a run's settings.
    """
    known = {f.name for f in fields(TrainOptions)}
    odd = set(held) - known
    if odd:
        raise ValueError(f"unknown: {', '.join(sorted(odd))}")
    return TrainOptions(**{
        **held,
        "photos": Path(held["photos"]),
        "stills": tuple(held.get("stills", ())),
        "degradation": Degradation(held["degradation"]),
        "pairs": Degradation(held["pairs"], halves=False) if held.get("pairs") else None,
        "out": out,
    })  # fmt: skip
