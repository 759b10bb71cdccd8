"""The settings of a degrader's training; loads without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

from vidrts.errors import OptionError
from vidrts.networks.names import RECONSTRUCTIONS

EPOCH = 45_000
"""Image views: the paper's epoch (arXiv 2503.02767)."""
_FREE = ("device", "checkpoint_every")


@dataclass(frozen=True, kw_only=True)
class DegraderOptions:
    """What a run is told; kept in its folder as settings.json. Raises `OptionError` when made."""

    method: ClassVar[str] = "degrader"
    free: ClassVar[tuple[str, ...]] = _FREE
    """Settings that may differ when a run goes on."""
    photos: Path
    """Folder of photographs."""
    out: Path
    network: str = "vqvae2"
    """A name of `RECONSTRUCTIONS`."""
    views: int = EPOCH
    """Crops that the network sees in all."""
    side: int = 64
    """Of a crop, in pixels of the scaled-down photograph."""
    batch: int = 8
    shrink: float = 0.5
    """Photographs are scaled by this, then by half as LR is: what the network sees is as LR."""
    held_out: int = 8
    """Photographs that the reconstruction is measured on."""
    left_for_truth: int = 0
    """Photographs of each folder that are not used."""
    seed: int = 1
    free_steps: int = 100
    """First steps, without quantisers: codes are then drawn from the data."""
    fast_steps: int = 1000
    """Steps after these at a rate of 1e-3, unused codes redrawn every 20 steps; then 3e-4 and every 50 steps."""
    checkpoint_every: int = 250
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.network not in RECONSTRUCTIONS:
            raise OptionError(f"network {self.network!r}: expected one of {', '.join(RECONSTRUCTIONS)}")
        for name in ("views", "batch", "held_out", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name.replace('_', '-')} {getattr(self, name)}: expected at least 1")
        if self.side % 8 or not 32 <= self.side <= 512:
            raise OptionError(f"side {self.side}: expected a multiple of 8 from 32 to 512")
        if not 0.1 <= self.shrink <= 1:
            raise OptionError(f"shrink {self.shrink:g}: expected 0.1 to 1")
        if min(self.left_for_truth, self.free_steps, self.fast_steps) < 0:
            raise OptionError("left-for-truth: expected 0 or more")

    @property
    def steps(self) -> int:
        """Of training, in all."""
        return -(-self.views // self.batch)

    @property
    def snapshots(self) -> list[int]:
        """The steps after which one is kept: at views of `EPOCH` times powers of the root of 2 from 1/32 up, and last.

        The paper's 4, 8, 16, 32 and 64 epochs are among them.
        """
        views = [EPOCH * 2 ** (k / 2) for k in range(-10, 41)]
        return sorted({round(seen / self.batch) for seen in views if seen < self.views} - {0} | {self.steps})

    def public(self) -> dict[str, Any]:
        """The settings that belong in a degrader file: all but paths, and where and how it was computed."""
        left = ("photos", "out", "network", *_FREE)
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in left}

    def stored(self) -> dict[str, Any]:
        """All settings as settings.json holds them; `restored` is the way back."""
        own = {name: getattr(self, name) for name in (*_FREE, "network")}
        return {**self.public(), **own, "method": self.method, "photos": str(self.photos.resolve())}

    @classmethod
    def restored(cls, held: Mapping[str, Any], out: Path) -> Self:
        """The options of a run in `out`; raises KeyError, TypeError, ValueError or `OptionError` for other settings."""
        settings = dict(held)
        if settings.pop("method", None) != cls.method:
            raise ValueError("not a degrader's run")
        return cls(**{**settings, "photos": Path(held["photos"]), "out": out})
