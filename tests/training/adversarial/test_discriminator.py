"""VN+SC by its formula, and the discriminator's size and graph."""

import math

import pytest
import torch

from vidrts.networks.registry import parameter_count
from vidrts.training.adversarial.discriminator import Discriminator, normalised, products


def test_vnsc_by_its_formula() -> None:
    """Equations 3 and 4 for single pixels, in Python's own numbers."""
    pictures = torch.rand(1, 3, 16, 15, dtype=torch.float64)
    luma = 255 * (0.299 * pictures[0, 0] + 0.587 * pictures[0, 1] + 0.114 * pictures[0, 2])

    def at(y: int, x: int) -> float:
        """Mirrored at borders."""
        y, x = abs(y), abs(x)
        return float(luma[min(y, 30 - y), min(x, 28 - x)])

    taps = [math.exp(-0.5 * (k / (7 / 6)) ** 2) for k in range(-3, 4)]
    taps = [tap / sum(taps) for tap in taps]

    def hat(y: int, x: int) -> float:
        window = [(taps[a + 3] * taps[b + 3], at(y + a, x + b)) for a in range(-3, 4) for b in range(-3, 4)]
        mean = sum(w * i for w, i in window)
        variance = sum(w * i * i for w, i in window) - mean * mean
        return (at(y, x) - mean) / (math.sqrt(variance) + 1)

    v = products(normalised(pictures))
    assert v.shape == (1, 49, 16, 15)
    for y, x in ((0, 0), (8, 7), (12, 3), (15, 14)):
        for p, q in ((-3, -3), (0, 0), (2, -1), (3, 3)):
            if 0 <= y + p < 16 and 0 <= x + q < 15:
                assert float(v[0, 7 * (p + 3) + q + 3, y, x]) == pytest.approx(
                    hat(y, x) * hat(y + p, x + q), rel=1e-5, abs=1e-6
                )
    flat = normalised(torch.full((1, 3, 16, 16), 0.7))
    assert flat.abs().max() < 1e-2, "float32 keeps flat pictures flat"


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_one_set_of_weights_for_any_number_of_levels(levels: int) -> None:
    network = Discriminator()
    assert parameter_count(network) == 193_761
    assert {name: parameter_count(part) for name, part in network.named_children()} == {
        "analysis": 66_192, "down": 82_064, "synthesis": 45_505
    }  # fmt: skip
    pictures = [torch.rand(2, 3, 16 << k, 16 << k, requires_grad=True) for k in range(levels)]
    scores = network(pictures)
    assert scores.shape == (2, 1, 8, 8)
    scores.sum().backward()
    assert all(picture.grad is not None and picture.grad.abs().sum() > 0 for picture in pictures), "each level counts"


def test_the_recursion_written_out() -> None:
    network = Discriminator(6, 2).double()
    small, middle, large = (torch.rand(1, 3, 16 << k, 16 << k, dtype=torch.float64) for k in range(3))

    def seen(picture: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = network.analysis(products(normalised(picture)).clamp(-16, 16) / 4)
        return features

    h = seen(small) + network.down(seen(middle) + network.down(seen(large)))
    assert torch.allclose(network([small, middle, large]), network.synthesis(network.down(h)), atol=1e-12)


def test_spectral_norms_are_one_and_no_parameters_are_added() -> None:
    network = Discriminator(spectral=True)
    assert parameter_count(network) == 193_761
    for _ in range(30):
        network([torch.rand(1, 3, 16, 16)])
    weight = network.analysis.conv.weight.detach()
    assert float(torch.linalg.matrix_norm(weight.flatten(1), 2)) == pytest.approx(1, abs=0.05)
