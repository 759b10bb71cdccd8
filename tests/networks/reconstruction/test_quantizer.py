"""The quantiser: nearest codes, the moving book, its gradient, codes that are drawn anew."""

import numpy as np
import pytest
import torch

from vidrts.networks.reconstruction.quantizer import Quantizer


def test_each_vector_gets_its_nearest_code() -> None:
    quantizer = Quantizer(dim=5, codes=40).eval()
    x = torch.randn(2, 5, 6, 7)
    coded = quantizer(x)
    for b, y, c in np.ndindex(2, 6, 7):
        distances = [float((x[b, :, y, c].double() - code.double()).square().sum()) for code in quantizer.book]
        best = int(np.argmin(distances))
        assert coded.indices[b, y, c] == best
        assert torch.allclose(coded.value[b, :, y, c], quantizer.book[best], atol=1e-6)
    assert float(coded.commitment) == pytest.approx(float((coded.value - x).square().mean()), rel=1e-5)
    assert torch.equal(coded.vectors[7], x[0, :, 1, 0])


def test_the_book_follows_by_hand() -> None:
    """Two codes, three vectors: 1 and 3 choose code 0 (at 1), -4 chooses code 1 (at -2)."""
    quantizer = Quantizer(dim=1, codes=2, decay=0.9, epsilon=1e-5)
    assert quantizer.counts.tolist() == [1, 1], "counts start at one"
    quantizer.book = torch.tensor([[1.0], [-2.0]])
    quantizer.sums = quantizer.book.clone()
    quantizer(torch.tensor([1.0, 3.0, -4.0]).view(1, 1, 1, 3))
    assert quantizer.counts.tolist() == pytest.approx([0.9 + 0.1 * 2, 0.9 + 0.1 * 1])
    assert quantizer.sums.flatten().tolist() == pytest.approx([0.9 * 1 + 0.1 * 4, 0.9 * -2 + 0.1 * -4])
    total = 1.1 + 1.0
    smoothed = [(count + 1e-5) / (total + 2e-5) * total for count in (1.1, 1.0)]
    assert quantizer.book.flatten().tolist() == pytest.approx([1.3 / smoothed[0], -2.2 / smoothed[1]], rel=1e-6)
    before = quantizer.book.clone()
    quantizer.eval()(torch.randn(1, 1, 4, 4))
    assert torch.equal(quantizer.book, before), "frozen outside training"


def test_unused_codes_stay_finite() -> None:
    quantizer = Quantizer(dim=2, codes=8)
    quantizer.book = torch.cat([torch.zeros(1, 2), torch.full((7, 2), 100.0)])
    quantizer.sums = quantizer.book.clone()
    for _ in range(300):
        quantizer(0.1 * torch.randn(1, 2, 4, 4))
    assert quantizer.book.isfinite().all() and float(quantizer.book.abs().max()) < 150


def test_the_gradient_passes_straight_through() -> None:
    quantizer = Quantizer(dim=3, codes=4)
    x = torch.randn(1, 3, 2, 2, requires_grad=True)
    weights = torch.randn(1, 3, 2, 2)
    (quantizer(x).value * weights).sum().backward()
    assert x.grad is not None and torch.equal(x.grad, weights)
    x.grad = None
    coded = quantizer(x)
    coded.commitment.backward()
    assert torch.allclose(x.grad, 2 * (x - coded.value).detach() / x.numel(), atol=1e-6)


def test_unused_codes_are_drawn_anew() -> None:
    quantizer = Quantizer(dim=2, codes=6)
    quantizer.counts = torch.tensor([5.0, 0.05, 1.0, 0.0, 0.2, 0.09])
    before = quantizer.book.clone()
    vectors = torch.arange(20.0).view(10, 2)
    assert quantizer.redraw(vectors, np.random.default_rng(1), below=0.1) == 3
    for code in (1, 3, 5):
        assert quantizer.book[code].tolist() in vectors.tolist() and quantizer.counts[code] == 1
        assert torch.equal(quantizer.sums[code], quantizer.book[code])
    assert torch.equal(quantizer.book[[0, 2, 4]], before[[0, 2, 4]])
    quantizer.fill(vectors, np.random.default_rng(2))
    assert all(code.tolist() in vectors.tolist() for code in quantizer.book)
    assert quantizer.counts.tolist() == [1] * 6


def test_it_passes_what_it_is_given_on_request() -> None:
    quantizer = Quantizer(dim=2, codes=6)
    quantizer.passes = True
    before = quantizer.book.clone()
    x = torch.randn(1, 2, 3, 3)
    coded = quantizer(x)
    assert torch.equal(coded.value, x) and coded.commitment == 0 and torch.equal(quantizer.book, before)
