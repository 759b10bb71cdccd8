"""The settings of the recurrence: what `vidrts train` takes."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from vidrts.errors import OptionError
from vidrts.training.loss_names import LossName
from vidrts.training.options import RunOptions
from vidrts.training.schedule import OptimizerName, Schedule

StageInit = Literal["warm", "fresh"]
STAGE_INITS: tuple[StageInit, ...] = ("warm", "fresh")
Aim = Literal["recurrent", "originals"]
AIMS: tuple[Aim, ...] = ("recurrent", "originals")


@dataclass(frozen=True, kw_only=True)
class TrainOptions(RunOptions):
    """The settings of a run of the recurrence. Raises `OptionError` when made."""

    method: ClassVar[str] = "recurrence"
    free: ClassVar[tuple[str, ...]] = (*RunOptions.free, "target_memory")
    stages: int = 3
    steps: int = 15_000
    """Steps of stage 1."""
    later_steps: int = 8_000
    """Steps of each later stage, which starts from the weights of the one before (warm start)."""
    rate: float = 1e-3
    later_rate: float = 5e-4
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
    pair_weight: float = 1.0
    """Weight of the pairs' loss beside that of LR."""
    pair_floor: float = 1.0
    """See `Schedule`."""
    pair_aim: Aim = "originals"
    """Truth of the pairs: HR0 in every stage, or HR_{n-1} as for LR."""
    teacher: str = ""
    """A shipped model's name or a model file: pairs are also held against the luma that it makes of their inputs. With
    `blur_level` what estimates the blur levels is the teacher's, where it has that."""
    teacher_weight: float = 0.5
    """Share of the teacher's luma in what pairs are held against."""
    turn: bool = False
    """Turn and mirror each batch at random."""
    target_memory: float = 16.0
    """GB of targets that are kept in memory; more of them lie in a file of the run's folder."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_counts("stages", "steps", "later_steps")
        if self.scale not in (1, 2):
            raise OptionError(f"scale {self.scale}: expected 1 or 2")
        if self.scale == 2 and (self.stages > 1 or self.pairs):
            raise OptionError(
                "scale 2: expected --stages 1 and no --pairs, which train sharpening at the source's size"
            )
        if self.same_size and (self.stages > 1 or not self.pairs or self.scale != 1 or self.colour != "luma"):
            raise OptionError(
                f"{self.model}: makes luma of the same size, and learns from pairs alone; expected --stages 1, "
                "--pairs, --colour luma and --scale 1"
            )
        if self.teacher and (not self.pairs or self.colour != "luma" or not 0 < self.teacher_weight <= 1):
            raise OptionError(
                f"teacher: expected --pairs, --colour luma and a weight above 0, at most 1, got {self.teacher_weight:g}"
            )
        for name, known in (("stage_init", STAGE_INITS), ("aim", AIMS), ("pair_aim", AIMS)):
            self.check_choice(name, known)
        if not self.target_memory >= 0:
            raise OptionError(f"target-memory {self.target_memory}: expected 0 or more GB")
        for stage in (1, 2):
            self.schedule(stage)  # raises for what it does not take

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
