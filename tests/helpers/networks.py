"""Very small networks that really change a picture."""

import torch

from vidrts.networks.registry import build
from vidrts.networks.rts import RTS


def tiny_network(seed: int = 0, n: int = 1, channels: int = 4, blur_level: int = 0) -> RTS:
    """A very small RTS whose residual and tail really change a picture."""
    torch.manual_seed(seed)
    network = build("rts", {"n": n, "channels": channels, "blur_level": blur_level})
    with torch.no_grad():
        network.conv_out.weight.normal_(std=0.05)
        network.conv_ext.weight.add_(torch.randn_like(network.conv_ext.weight) * 0.02)
        network.conv_ext.bias.normal_(std=0.005)  # type: ignore[union-attr]
    return network.eval().requires_grad_(False)
