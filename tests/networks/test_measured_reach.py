"""Measured reach, of functions whose reach is known."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from vidrts.networks.measured_reach import LARGEST, Reach, measured_reach


def blurred(x: torch.Tensor, radius: int, times: int = 1) -> torch.Tensor:
    for _ in range(times):
        x = F.avg_pool2d(x, 2 * radius + 1, 1, radius)
    return x


def in_windows(x: torch.Tensor, size: int) -> torch.Tensor:
    """The mean of each window of a grid that begins at the corner; x itself where sizes do not fit."""
    rows, columns = (-(-side // size) * size for side in x.shape[-2:])
    padded = F.pad(x, (0, columns - x.shape[-1], 0, rows - x.shape[-2]), mode="replicate")
    means = F.interpolate(F.avg_pool2d(padded, size), scale_factor=size)
    return x + means[..., : x.shape[-2], : x.shape[-1]]


@pytest.mark.parametrize(("radius", "times", "reach"), [(0, 1, 0), (1, 1, 1), (3, 1, 3), (2, 10, 20), (4, 15, 60)])
def test_the_reach_of_windows_that_move_is_exact(radius: int, times: int, reach: int) -> None:
    assert measured_reach(lambda x: blurred(x, radius, times), 1, 1) == Reach(reach, 1)


def test_small_weights_count() -> None:
    """What fades on these pictures may not on others."""
    assert measured_reach(lambda x: x + 1e-12 * blurred(x, 9), 1, 3) == Reach(9, 1)


def test_what_fades_ends_below_what_is_felt() -> None:
    """Radius 100 in all, with a Gaussian's weights: 1e-5 of it lies within 30 pixels or so."""
    found = measured_reach(lambda x: blurred(x, 1, 100), 1, 1)
    assert isinstance(found, Reach) and 24 <= found.reach <= 64 and found.multiple == 1


def test_larger_results() -> None:
    assert measured_reach(lambda x: F.pixel_shuffle(blurred(x, 2).repeat(1, 4, 1, 1), 2), 2, 1) == Reach(2, 1)


@pytest.mark.parametrize(("size", "multiple"), [(2, 16), (8, 16), (16, 16), (3, 48), (12, 48)])
def test_grids_that_begin_at_the_corner_give_a_multiple(size: int, multiple: int) -> None:
    found = measured_reach(lambda x: in_windows(x, size), 1, 1)
    assert isinstance(found, Reach) and found.multiple == multiple and found.reach % multiple == 0


def test_known_needs_are_met() -> None:
    def network(x: torch.Tensor) -> torch.Tensor:
        assert x.shape[-1] % 8 == x.shape[-2] % 8 == 0 and min(x.shape[-2:]) >= 64
        return in_windows(x, 8)

    found = measured_reach(network, 1, 1, multiple=8, least=64)
    assert isinstance(found, Reach) and found.multiple == 8 and 16 + 2 * found.reach >= 64


@pytest.mark.parametrize(
    "network",
    [
        lambda x: x - x.mean((2, 3), keepdim=True),
        lambda x: x / x.std(),
        lambda x: x * x.amax((2, 3), keepdim=True),
        lambda x: in_windows(x, 7),
    ],
    ids=["mean", "deviation", "peak", "windows of 7"],
)
def test_the_whole_picture_is_no_reach(network) -> None:  # type: ignore[no-untyped-def]
    found = measured_reach(lambda x: network(x) / 2, 1, 1)
    assert isinstance(found, float) and found > 1e-4 and LARGEST >= 128
