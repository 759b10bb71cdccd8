"""Reconstruction networks: their sizes by part, and what a few steps of training make of them."""

import numpy as np
import torch
from torch import nn

from vidrts.networks.reconstruction.vqvae2 import VQVAE2, VQConfig

RNG = np.random.default_rng(0)


def parts(network: nn.Module) -> dict[str, int]:
    return {
        name: count for name, part in network.named_children() if (count := sum(p.numel() for p in part.parameters()))
    }


def test_vqvae2_has_the_customary_size() -> None:
    network = VQVAE2()
    assert parts(network) == {
        "bottom_encoder": 364_160, "top_encoder": 287_232, "to_top": 8_256, "top_decoder": 287_232,
        "to_bottom": 12_352, "enlarge_top": 65_600, "decoder": 364_035,
    }  # fmt: skip
    assert sum(parts(network).values()) == 1_388_867
    assert sum(quantizer.book.numel() for quantizer in network.quantizers) == 65_536
    assert sum(buffer.numel() for buffer in network.buffers()) == 132_096


def test_vqvae2_gives_the_size_it_is_given() -> None:
    made = VQVAE2(VQConfig(channels=8, inner=4, dim=4, codes=16)).eval()(torch.rand(2, 3, 24, 40), RNG)
    assert made.picture.shape == (2, 3, 24, 40)
    assert [coded.indices.shape for coded in made.coded] == [(2, 3, 5), (2, 6, 10)]


def test_reach_of_vqvae2_is_what_a_pixel_depends_on() -> None:
    """By the gradient of one pixel, without quantisers, whose gradient is the identity anyway."""
    network = VQVAE2(VQConfig(channels=4, inner=2, dim=2, codes=4)).eval()
    for quantizer in network.quantizers:
        quantizer.passes = True
    for part in network.modules():  # no path is cut off by a ReLU
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.uniform_(part.weight, 0.01, 0.1)
    for place in range(128, 136):
        x = torch.rand(1, 3, 264, 8, requires_grad=True)
        network(x, RNG).picture[0, 0, place].sum().backward()
        assert x.grad is not None
        rows = torch.nonzero(x.grad.abs().sum((0, 1, 3)))[:, 0]
        assert int((rows - place).abs().max()) <= network.reach
    assert int((rows - place).abs().max()) > network.reach - 24, "and not much more than needed"
