"""Very small networks that really change a picture."""

from pathlib import Path

import torch

from vidrts.networks.checkpoint import ModelInfo, save_model
from vidrts.networks.gmgbp import GMGBP, GMGBPConfig
from vidrts.networks.live import Live, LiveConfig
from vidrts.networks.registry import build
from vidrts.networks.rts import RTS


def tiny_network(seed: int = 0, n: int = 1, channels: int = 4, blur_level: int = 0, luma_input: int = 0) -> RTS:
    """A very small RTS whose residual and tail really change a picture."""
    torch.manual_seed(seed)
    network = build("rts", {"n": n, "channels": channels, "blur_level": blur_level, "luma_input": luma_input})
    with torch.no_grad():
        network.conv_out.weight.normal_(std=0.05)
        network.conv_ext.weight.add_(torch.randn_like(network.conv_ext.weight) * 0.02)
        network.conv_ext.bias.normal_(std=0.005)  # type: ignore[union-attr]
    return network.eval().requires_grad_(False)


def lively_gmgbp(features: int = 4, growth: int = 2, projections: int = 2) -> GMGBP:
    """A small G-MGBP whose every part changes the picture, its noise, too."""
    torch.manual_seed(3)
    network = GMGBP(GMGBPConfig(features=features, growth=growth, projections=projections))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.1)
        network.synthesis.conv.weight.normal_(std=0.2)
        for name, weight in network.up.block.named_parameters():
            if name.endswith(("conv1.weight", "conv.weight")):  # they see the noise
                weight[:, 2 * features].normal_(std=0.5)
    return network.eval().requires_grad_(False)


def lively_live(fold: int, blur_level: int = 0) -> Live:
    """One whose every layer changes the picture."""
    torch.manual_seed(fold)
    network = Live(LiveConfig(fold=fold, channels=6, n=2, blur_level=blur_level))
    with torch.no_grad():
        network.conv_out.weight.normal_(std=0.05)
        network.conv_out.bias.normal_(std=0.02)  # type: ignore[union-attr]
    return network.eval().requires_grad_(False)


def calibrated_gmgbp(path: Path) -> Path:
    """A file of such a network, in which detail 1 is half of the noise; returns `path`."""
    info = ModelInfo(
        name=path.stem, architecture="g-mgbp", numbers={"features": 4, "growth": 2, "projections": 2}, stage=1,
        degradation="cubic", data_hash="", detail=((0, 0), (1, 0.5)),
    )  # fmt: skip
    save_model(path, lively_gmgbp(), info)
    return path
