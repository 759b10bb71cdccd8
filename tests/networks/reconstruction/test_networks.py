"""Reconstruction networks: their sizes by part, and what a few steps of training make of them."""

import numpy as np
import pytest
import torch
from torch import nn

from vidrts.networks.names import RECONSTRUCTIONS
from vidrts.networks.reconstruction.registry import build
from vidrts.networks.reconstruction.vqvae import VQVAE
from vidrts.networks.reconstruction.vqvae2 import VQVAE2, VQConfig

SMALL = {
    "vqvae2": {"channels": 16, "inner": 8, "blocks": 1, "dim": 8, "codes": 32},
    "vqvae": {"channels": 16, "inner": 8, "blocks": 1, "dim": 8, "codes": 32},
    "vae": {"channels": 4, "latent": 16},
    "mae": {"dim": 32, "depth": 1, "decoder_dim": 16, "decoder_depth": 1, "heads": 2, "hidden": 75},
}
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


def test_vqvae_has_the_customary_size() -> None:
    network = VQVAE()
    assert parts(network) == {"encoder": 364_160, "to_codes": 8_256, "decoder": 290_307}
    assert sum(parts(network).values()) == 662_723
    assert [quantizer.book.numel() for quantizer in network.quantizers] == [32_768]
    small = VQVAE(VQConfig(channels=8, inner=4, dim=4, codes=16)).eval()
    made = small(torch.rand(1, 3, 20, 28), RNG)
    assert made.picture.shape == (1, 3, 20, 28) and made.coded[0].indices.shape == (1, 5, 7)


def test_sizes_of_the_others() -> None:
    def linear(a: int, b: int) -> int:
        return a * b + b

    def layer(d: int) -> int:  # attention's projections, two norms, two layers of 4 d
        return linear(d, 3 * d) + linear(d, d) + 4 * d + linear(d, 4 * d) + linear(4 * d, d)

    convolutions = sum(16 * a * b for a, b in ((3, 32), (32, 64), (64, 128), (128, 256)))
    vae = build("vae", RECONSTRUCTIONS["vae"])
    assert parts(vae) == {
        "encoder": convolutions + 32 + 64 + 128 + 256, "to_mean": linear(4096, 128),
        "to_log_variance": linear(4096, 128), "from_latent": linear(128, 4096),
        "decoder": convolutions + 128 + 64 + 32 + 3,
    }  # fmt: skip
    mae = build("mae", RECONSTRUCTIONS["mae"])
    assert parts(mae) == {
        "embed": linear(192, 128), "encoder": 4 * layer(128) + 2 * 128, "to_decoder": linear(128, 96),
        "decoder": 2 * layer(96) + 2 * 96, "to_picture": linear(96, 192),
    }  # fmt: skip
    assert sum(p.numel() for p in mae.parameters()) == sum(parts(mae).values()) + 64 * 128 + 96 + 64 * 96
    assert set(RECONSTRUCTIONS) == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_it_learns_to_rebuild_and_depends_on_the_seed_alone(name: str) -> None:
    torch.manual_seed(1)
    network = build(name, SMALL[name])
    ramp = torch.linspace(-1, 1, 64)
    x = torch.stack([(ramp[:, None] * a + ramp * b).expand(3, -1, -1) / 2 for a, b in ((1, 1), (1, -1), (0.3, 1))])
    adam = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for step in range(25):
        made = network(x, np.random.default_rng(step))
        error = (made.picture - x).square().mean()
        losses.append(float(error.detach()))
        adam.zero_grad()
        (error + made.penalty).backward()
        adam.step()
    assert losses[-1] < 0.85 * losses[0]
    network.eval()
    one, again = (network(x, np.random.default_rng(5)).picture for _ in range(2))
    assert torch.equal(one, again)
    assert torch.equal(network(x, np.random.default_rng(6)).picture, one) == (name != "mae"), "hidden squares are drawn"


def test_a_masked_autoencoder_sees_a_quarter() -> None:
    network = build("mae", SMALL["mae"]).eval()
    x = torch.rand(1, 3, 64, 64, requires_grad=True)
    network(x, np.random.default_rng(3)).picture.sum().backward()
    assert x.grad is not None
    squares = x.grad.abs().sum((0, 1)).view(8, 8, 8, 8).sum((1, 3))
    assert int((squares > 0).sum()) == 16
