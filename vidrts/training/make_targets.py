"""Phase B of a stage: HR_n = d(SR_n(HR0)), on whole frames, kept as float16."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch

from vidrts.errors import TrainingError
from vidrts.measure.luma import luma
from vidrts.networks.names import Colour
from vidrts.networks.network import Network
from vidrts.picture.engines.choice import pick_precision
from vidrts.picture.tiled_upscaler import TiledUpscaler
from vidrts.training.distributed import Team


def targets(
    network: Network,
    originals: Sequence[torch.Tensor],
    device: torch.device,
    *,
    lock_mean: bool,
    colour: Colour = "rgb",
    team: Team | None = None,
) -> Iterator[torch.Tensor]:
    """HR_n of each original: (3, H, W) uint8 -> (3, H, W) float16 in 0..1, clamped once, never rounded to 8 bit.

    Always from HR0, never from HR_{n-1}. 8-bit rounding would be as large as the steps of the later stages.
    `lock_mean` gives each channel the mean that it has in HR0, so that colours cannot drift from stage to stage.
    colour: "luma" writes back as users get it, the change of luma alone, so that HR_n has HR0's chroma. Of a team each
    process makes its part and gets all.
    """
    team = team or Team()
    resolver = TiledUpscaler(network, device, pick_precision("auto", device), luma=colour == "luma")
    for first in range(0, len(originals), team.size):
        together = originals[first : first + team.size]
        own = _target(resolver, together[team.rank], lock_mean) if team.rank < len(together) else None
        for source, original in enumerate(together):
            made = own if source == team.rank else torch.empty(original.shape, dtype=torch.float16)
            assert made is not None
            yield team.share(made, source)


def _target(resolver: TiledUpscaler, original: torch.Tensor, lock_mean: bool) -> torch.Tensor:
    source = original.to(resolver.device).float() / 255
    enhanced = resolver(source[None])[0]
    if resolver.luma:
        enhanced = source + (enhanced - luma(source))
    if lock_mean:
        enhanced = enhanced + (source - enhanced).mean(dim=(1, 2), keepdim=True)
    return enhanced.clamp_(0, 1).to("cpu", torch.float16)


def kept_in_file(
    pictures: Iterable[torch.Tensor], sizes: Sequence[torch.Size], file: Path, team: Team
) -> list[torch.Tensor]:
    """The pictures, float16 of these sizes, as tensors that lie in `file` and are read where they are used.

    Raises `TrainingError` where the disk has no room.
    """
    counts = [size.numel() for size in sizes]
    if team.leads:
        try:
            with file.open("wb") as made:
                # Claimed at once: a disk that fills up under a mapped file kills the process.
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(made.fileno(), 0, 2 * sum(counts))
                else:
                    made.truncate(2 * sum(counts))
        except OSError as error:
            file.unlink(missing_ok=True)
            raise TrainingError(
                f"{file}: no room for {2 * sum(counts) / 1e9:.1f} GB of targets ({error.strerror}); free the disk and "
                "--resume"
            ) from None
    team.wait()
    whole = torch.from_file(str(file), shared=True, size=sum(counts), dtype=torch.float16)
    parts = torch.split(whole, counts)
    kept = [part.view(size) for part, size in zip(parts, sizes, strict=True)]
    for place, picture in zip(kept, pictures, strict=True):
        if team.leads:
            place.copy_(picture)
    team.wait()
    return kept
