"""What networks say of themselves, and the noise that is a function of seed, level and position."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vidrts.networks import noise
from vidrts.networks.names import RECIPES
from vidrts.networks.registry import build
from vidrts.networks.spec import NetworkSpec

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("factors", "scales"), [((1,), (1,)), ((2,), (1, 2)), ((4,), (4,)), ((2, 4, 8), (1, 2, 4, 8)), ((1, 2), (1, 2))]
)
def test_scales_are_the_factors_and_half_of_two(factors: tuple[int, ...], scales: tuple[int, ...]) -> None:
    spec = NetworkSpec(reach=dict.fromkeys(factors, 3))
    assert spec.scales == scales
    assert [spec.factor_for(scale) for scale in scales] == [
        1 if scale == 1 and 1 in factors else max(scale, 2) for scale in scales
    ]
    with pytest.raises(ValueError, match=r"expected one of .*, got 16"):
        spec.factor_for(16)


@pytest.mark.parametrize(
    "wrong", [{"reach": {}}, {"reach": {3: 1}}, {"reach": {2: -1}}, {"reach": {2: 1}, "multiple": 0}]
)
def test_what_no_network_can_need_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        NetworkSpec(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "reach"), [("rts-r1", 4), ("rts-r3", 6), ("rts-r6", 9), ("rts-lite", 6)])
def test_rts_networks_double_and_see_so_far(name: str, reach: int) -> None:
    assert build(*RECIPES[name]).spec == NetworkSpec(reach={2: reach})


@given(
    seed=st.integers(0, 2**64), level=st.integers(0, 2), y=st.integers(-40, 9000), x=st.integers(-40, 9000),
    top=st.integers(0, 20), left=st.integers(0, 20),
)  # fmt: skip
def test_noise_is_cut_by_position(seed: int, level: int, y: int, x: int, top: int, left: int) -> None:
    large = noise.normal(seed, level, y, x, 40, 50, CPU)
    small = noise.normal(seed, level, y + top, x + left, 20, 30, CPU)
    assert torch.equal(large[top : top + 20, left : left + 30], small)


def hashed(value: int) -> int:
    value = (value ^ (value >> 16)) * 0x21F0AAAD % 2**32
    value = (value ^ (value >> 15)) * 0x735A2D97 % 2**32
    return value ^ (value >> 15)


def test_noise_by_pythons_own_integers() -> None:
    """Quantiles by bisection of math.erf: neither torch's integers nor its inverse."""
    got = noise.normal(7, 1, -2, 5, 4, 3, CPU)
    start = hashed(hashed(7) ^ 1)
    for row in range(4):
        for column in range(3):
            share = ((hashed(hashed((row - 2) % 2**32 ^ start) ^ (column + 5)) >> 16) + 0.5) / 2**16
            low, high = -6.0, 6.0
            for _ in range(60):
                middle = (low + high) / 2
                low, high = (middle, high) if (1 + math.erf(middle / math.sqrt(2))) / 2 < share else (low, middle)
            assert float(got[row, column]) == pytest.approx(low, abs=1e-5)


def test_noise_is_white_and_normal() -> None:
    z = noise.normal(3, 0, 0, 0, 500, 600, CPU).double()
    assert abs(z.mean()) < 0.01 and abs(z.std() - 1) < 0.01 and abs((z**4).mean() - 3) < 0.1
    for other in (z.roll(1, 0), z.roll(1, 1),
                  noise.normal(3, 1, 0, 0, 500, 600, CPU), noise.normal(4, 0, 0, 0, 500, 600, CPU)):  # fmt: skip
        assert abs((z[:, : other.shape[1]] * other).mean()) < 0.01


@pytest.mark.parametrize(("factor", "levels"), [(1, 1), (2, 1), (4, 2), (8, 3)])
def test_a_map_for_each_level_below_the_output(factor: int, levels: int) -> None:
    assert noise.levels(factor) == levels
