"""A band of rows at a time is the whole picture: the same values for every format, height, siting and field."""

import pytest
import torch
from helpers.planes import SITES, full_tags, random_planes
from hypothesis import given, settings
from hypothesis import strategies as st

from vidrts import color, colorplan
from vidrts.frame import PIXEL_FORMATS, pixel_format
from vidrts.ops.lanczos import enlarge
from vidrts.picture import banded_color

HEIGHTS = st.one_of(st.integers(1, 9), st.integers(-4, 4).map(lambda k: banded_color.ROWS + k), st.integers(120, 140))


@settings(max_examples=180)
@given(
    name=st.sampled_from(sorted(PIXEL_FORMATS)),
    width=st.integers(1, 24),
    height=HEIGHTS,
    siting=st.sampled_from(sorted(SITES)),
    field=st.sampled_from(["progressive", "tff", "bff"]),
    strength=st.sampled_from([1, 0.4, 2]),
    keep=st.booleans(),
)
def test_bands_are_the_whole(
    name: str, width: int, height: int, siting: int, field: str, strength: float, keep: bool
) -> None:
    tags = full_tags(name, siting=siting)
    plan = colorplan.plan(tags, pixel_format(name), field=field, keep=keep)  # type: ignore[arg-type]
    planes = random_planes(name, width, height)
    rgb = torch.empty(3, height, width)
    banded_color.read(planes, plan, rgb)
    wanted = color.to_rgb(planes, plan).clamp(0, 1)
    assert (rgb - wanted).abs().max() <= 1e-6  # a matrix product may round by its size
    resolved = rgb + 0.2 * torch.randn(rgb.shape)
    if keep:
        resolved = colorplan.luma(resolved)[None]
        change = strength * (resolved - colorplan.luma(rgb)[None])
    else:
        change = (rgb + strength * (resolved - rgb)).clamp(0, 1) - rgb
    for got, whole in zip(
        banded_color.write_back(planes, rgb, resolved.clone(), plan, strength=strength),
        color.write_back(planes, change, plan),
        strict=True,
    ):
        off = (got.int() - whole.int()).abs() >> plan.format.shift
        assert off.max() <= 1  # where a sum lies between two codes
        assert (off != 0).sum() <= 2


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("name", ["yuv420p", "gbrp10le", "gray"])
def test_twice_the_size(name: str, keep: bool) -> None:
    plan = colorplan.plan(full_tags(name), pixel_format(name), keep=keep)
    planes = random_planes(name, 30, 70)
    rgb = torch.empty(3, 70, 30)
    banded_color.read(planes, plan, rgb)
    base = enlarge(rgb[None], 2)[0]
    resolved = base + 0.1 * torch.randn(base.shape)
    if keep:
        resolved = colorplan.luma(resolved)[None]
        wanted = color.write_back(planes, resolved - colorplan.luma(base), plan, scale=2)
    else:
        wanted = color.write_back(planes, resolved.clamp(0, 1) - base, plan, scale=2)
    got = banded_color.write_back(planes, rgb, resolved, plan, scale=2)
    for a, b in zip(got, wanted, strict=True):  # luma, then enlarged, or the other way round
        off = (a.int() - b.int()).abs()
        assert off.max() <= (1 if keep else 0)
        assert (off != 0).sum() <= 4
