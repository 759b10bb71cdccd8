"""What the default model and the light one promise at strength 1: sharp sources unharmed, soft ones nearer the truth.

Photographs that no training saw, in motion, through x264; PSNR by NumPy. The truth bench measures the same at length.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from vidrts.frame import ColorTags, Frame, pixel_format
from vidrts.measure.flicker import flicker
from vidrts.media.read.source import Source
from vidrts.networks.checkpoint import load_model
from vidrts.networks.names import DEFAULT_MODEL
from vidrts.picture.enhancer import Enhancer
from vidrts.picture.options import EnhancerOptions
from vidrts.research.truth.damage import ROWS, Planes, stored
from vidrts.research.truth.sources import clean_clip, held_out

MODELS = (DEFAULT_MODEL, "rts-lite")
ROW = {row.name: row for row in ROWS}
_SIDE, _FRAMES, _SCORED = 256, 6, 4
_TAGS = ColorTags(matrix=1, range=1, siting=1)


@pytest.fixture(scope="module")
def clean(photos: Path) -> list[torch.Tensor]:
    folders = [photos, photos.parent / "photos1600"]
    return [clean_clip(photo, _SIDE, _FRAMES) for photo in held_out(folders, 1)]


@pytest.fixture(scope="module", params=MODELS)
def enhancer(request: pytest.FixtureRequest) -> Enhancer:
    return Enhancer(load_model(request.param), EnhancerOptions(device="cpu"))


def frame(planes: Planes) -> Frame:
    return Frame(planes=planes, format=pixel_format("yuv420p"), color=_TAGS, pts=0, time_base=Fraction(1, 25))


def luma_psnr(planes: Planes, truth: Planes) -> float:
    a, b = (p[0].numpy().astype(float) for p in (planes, truth))
    return float(10 * np.log10(219**2 / np.mean((a - b) ** 2)))


def gain(enhancer: Enhancer, clean: list[torch.Tensor], row: str) -> float:
    """Mean PSNR of Y above the source's, dB."""
    gains = []
    for clip in clean:
        source, truth = ROW[row].spoil(clip, seed=0)[_SCORED], stored(clip[_SCORED])
        (enhanced,) = enhancer([frame(source)])
        assert all(torch.equal(a, b) for a, b in zip(enhanced.planes[1:], source[1:], strict=True))
        gains.append(luma_psnr(enhanced.planes, truth) - luma_psnr(source, truth))
    return float(np.mean(gains))


def test_a_sharp_source_loses_no_more_than_a_tenth_of_a_decibel(enhancer: Enhancer, clean: list[torch.Tensor]) -> None:
    assert gain(enhancer, clean, "sharp + H.264 crf 28") > -0.1


@pytest.mark.parametrize(
    ("row", "least"), [("blur 0.8 + H.264 crf 23", 0.5), ("blur 1", 0.7), ("enlarged, bicubic", 0.3)]
)
def test_a_soft_source_comes_nearer_to_the_truth(
    enhancer: Enhancer, clean: list[torch.Tensor], row: str, least: float
) -> None:
    assert gain(enhancer, clean, row) > least


def test_a_fixed_camera_does_not_flicker(enhancer: Enhancer, clips: Path) -> None:
    with Source(clips / "intel__car-detection.mp4") as source:
        frames = [event for event in source.events() if isinstance(event, Frame)][:6]
    part = (slice(100, 260), slice(300, 620))
    before = torch.stack([f.planes[0][part].float() / 255 for f in frames])
    cut = [frame((f.planes[0][part], *(p[50:130, 150:310] for p in f.planes[1:]))) for f in frames]
    after = torch.stack([enhancer([f])[0].planes[0].float() / 255 for f in cut])
    assert flicker(after, before) < 1.05
