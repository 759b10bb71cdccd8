"""The settings of a run that all training methods share, and how settings.json holds them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from vidrts.errors import OptionError
from vidrts.networks.names import COLOURS, RECIPES, SAME_SIZE, Colour

if TYPE_CHECKING:
    from vidrts.training.degradation.recipe import Degradation

_PATHS = ("photos", "out", "stills")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a run of any method is told; kept in its folder as settings.json. Raises `OptionError` when made.

    A method adds its own settings in a child (`recurrence_options.TrainOptions`).
    """

    method: ClassVar[str]
    """The method's name in `methods.METHODS`."""
    free: ClassVar[tuple[str, ...]] = ("device", "checkpoint_every", "viqet", "cache")
    """Settings that may differ when a run goes on. They change its numbers by rounding at most."""
    photos: Path
    """Folder of photographs: DIV2K's own two folders, or any pictures."""
    out: Path
    model: str = "rts-r3"
    """A name of `networks.registry.RECIPES`."""
    scale: int = 1
    """The --scale of `vidrts enhance` that it is for: 1, or 2, where the recurrence has no meaning."""
    init: str = ""
    """A shipped model's name or a model file of the same network, whose weights are the start; "" for new ones."""
    stills: tuple[str, ...] = ()
    """Folders of stills, or videos of which stills are taken."""
    stills_weight: float = 0.5
    """Crops of stills for each crop of a photograph."""
    batch: int = 8
    """Patches in a step, of all processes together."""
    patch: int = 64
    """Side of an LR patch in pixels."""
    crops: int = 400
    """Crops for each photograph."""
    held_out: int = 8
    """Photographs kept for validation, where the corpus has no split of its own."""
    degradation: "Degradation" = field(default_factory=lambda: _degradation())
    pairs: "Degradation | None" = None
    """How same-size inputs are made; None for none, the paper's way."""
    pair_batch: int = 8
    """Pairs in a step, of all processes together."""
    colour: Colour = "rgb"
    """What the loss looks at: R'G'B' as in the paper, or luma alone, which is what users get written back."""
    blur_level: bool = False
    """Give the network luma, and tell it how blurred the whole picture is (`networks.blur_level`)."""
    luma_input: bool = False
    """Give the network luma, whose inner channels then need not keep colours (`networks.rts`)."""
    shrink: float = 1.0
    """Photographs for training are scaled by a factor between this and `shrink_below`: detail as fine as pixels."""
    shrink_below: float = 1.0
    grey: float = 0.0
    """Share of crops whose colours are taken away."""
    rendered: int = 0
    """Pages of text and line art that are drawn and trained on beside the photographs, as stills are."""
    left_for_truth: int = 0
    """Photographs of each folder that are left for `python -m vidrts.research experiment truth`."""
    cache: str = ""
    """Folder of inputs, targets and what estimates the blur level, for several runs; "" for the run's own."""
    seed: int = 1
    compile: bool = False
    """Run the network through torch.compile in training."""
    viqet: bool = True
    """Measure VIQET's set after each stage; without, no stage has a score."""
    checkpoint_every: int = 500
    device: str = "auto"

    def __post_init__(self) -> None:
        self.check_choice("model", RECIPES)
        self.check_choice("colour", COLOURS)
        self.check_counts("batch", "crops", "held_out", "checkpoint_every", "pair_batch")
        if self.patch < 16:
            raise OptionError(f"patch {self.patch}: expected at least 16 pixels")
        if not 0 < self.stills_weight <= 100:
            raise OptionError(f"stills-weight {self.stills_weight}: expected more than 0, for example 0.5")
        if not 0.1 <= self.shrink <= self.shrink_below <= 1:
            raise OptionError(
                f"shrink {self.shrink:g}, shrink-below {self.shrink_below:g}: expected 0.1 to 1, in this order"
            )
        if not 0 <= self.grey <= 1:
            raise OptionError(f"grey {self.grey:g}: expected 0 to 1")
        if self.blur_level and (self.colour != "luma" or not self.pairs):
            raise OptionError("blur-level: expected --colour luma and --pairs with it")
        if self.luma_input and (self.colour != "luma" or self.blur_level or RECIPES[self.model][0] != "rts"):
            raise OptionError("luma-input: expected an RTS network, and --colour luma without --blur-level")
        if self.rendered < 0 or self.left_for_truth < 0:
            raise OptionError(f"rendered {self.rendered}, left-for-truth {self.left_for_truth}: expected 0 or more")

    def check_counts(self, *names: str) -> None:
        """Raises `OptionError` for a setting below 1."""
        for name in names:
            if getattr(self, name) < 1:
                raise OptionError(f"{name.replace('_', '-')} {getattr(self, name)}: expected at least 1")

    def check_choice(self, name: str, known: Collection[str]) -> None:
        """Raises `OptionError` for a setting that is none of `known`."""
        if getattr(self, name) not in known:
            raise OptionError(f"{name.replace('_', '-')} {getattr(self, name)!r}: expected one of {', '.join(known)}")

    @property
    def network(self) -> tuple[str, Mapping[str, int]]:
        """Architecture and numbers of the network."""
        architecture, numbers = RECIPES[self.model]
        if architecture in SAME_SIZE:
            return architecture, {**numbers, "blur_level": int(self.blur_level)}
        inputs = {"blur_level": self.blur_level, "luma_input": self.luma_input}
        return architecture, {**numbers, **{name: 1 for name, asked in inputs.items() if asked}}

    @property
    def same_size(self) -> bool:
        """Whether the network does not enlarge."""
        return self.network[0] in SAME_SIZE

    def public(self) -> dict[str, Any]:
        """The settings that belong in a model file: all but paths, and where and how the run was computed."""
        left = (*_PATHS, *self.free, "degradation", "model")
        settings = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left}
        return {**settings, "pairs": str(self.pairs or ""), "init": Path(self.init).stem}

    def stored(self) -> dict[str, Any]:
        """All settings as settings.json holds them; `restored` is the way back."""
        return {
            **self.public(),
            **{name: getattr(self, name) for name in self.free},
            "method": self.method,
            "model": self.model,
            "init": self.init,
            "photos": str(self.photos.resolve()),
            "stills": [str(Path(still).resolve()) for still in self.stills],
            "degradation": str(self.degradation),
        }

    @classmethod
    def restored(cls, held: Mapping[str, Any], out: Path) -> Self:
        """The options of a run in `out`; what an older run's file does not name is as it was then, the default.

        Raises KeyError, TypeError, ValueError or `OptionError` for what cannot be a run's settings.
        """
        settings = {name: value for name, value in held.items() if name != "method"}
        if odd := set(settings) - {f.name for f in fields(cls)}:
            raise ValueError(f"unknown: {', '.join(sorted(odd))}")
        return cls(**{
            **settings,
            "photos": Path(held["photos"]),
            "stills": tuple(held.get("stills", ())),
            "degradation": _degradation(held["degradation"]),
            "pairs": _degradation(held["pairs"], halves=False) if held.get("pairs") else None,
            "out": out,
        })  # fmt: skip


def _degradation(*arguments: Any, **more: Any) -> "Degradation":
    """A `Degradation`, whose steps load torch only then."""
    from vidrts.training.degradation.recipe import Degradation

    return Degradation(*arguments, **more)
