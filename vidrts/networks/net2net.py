"""A larger RTS network that begins as a trained smaller one (Net2Net, arXiv:1511.05641), so that what was learned is
not learned again: rts-r6 from rts-r3, rts-lite32 from rts-lite."""

import torch

from vidrts.networks.rts import RTS
from vidrts.networks.upscaler import Upscaler

_NEW_LAYER = 0.03
"""New residual layers keep this part of their fresh weights: nearly the identity, yet no ReLU of theirs is dead."""


@torch.no_grad()
def init_from(network: Upscaler, smaller: Upscaler) -> None:
    """Give a fresh `network` the weights of `smaller`, which has no more layers and channels.

    With more channels it computes what `smaller` does to rounding (the new ones lead nowhere yet); with more layers
    nearly. Raises ValueError where it does not fit, or one of them is no RTS network.
    """
    if not isinstance(network, RTS) or not isinstance(smaller, RTS):
        raise ValueError("only RTS networks grow")
    if smaller.config.n > network.config.n or smaller.config.channels > network.config.channels:
        raise ValueError(
            f"{smaller.config.n} layers of {smaller.config.channels} channels do not fit into "
            f"{network.config.n} of {network.config.channels}"
        )
    c = smaller.config.channels
    for new, old in zip((network.conv_in, *network.layers), (smaller.conv_in, *smaller.layers), strict=False):
        assert isinstance(new.weight, torch.Tensor) and isinstance(old.weight, torch.Tensor)
        new.weight[:c] = 0  # nothing comes from the new channels to the old ones
        new.weight[:c, : old.weight.shape[1]] = old.weight
        assert isinstance(new.bias, torch.Tensor) and isinstance(old.bias, torch.Tensor)
        new.bias[:c] = old.bias
    for new in network.layers[smaller.config.n :]:
        assert isinstance(new.weight, torch.Tensor)
        new.weight *= _NEW_LAYER
    network.conv_out.weight.zero_()
    network.conv_out.weight[:, :c] = smaller.conv_out.weight
    assert network.conv_out.bias is not None and smaller.conv_out.bias is not None
    network.conv_out.bias.copy_(smaller.conv_out.bias)
    network.conv_ext.load_state_dict(smaller.conv_ext.state_dict())
