"""A larger RTS network that begins as a trained smaller one (Net2Net, arXiv:1511.05641), so that what was learned is
not learned again: rts-r6 from rts-r3, rts-lite32 from rts-lite."""

import torch

from vidrts.networks.upscaler import ResidualUpscaler, Upscaler

_NEW_LAYER = 0.03
"""New residual layers keep this part of their fresh weights: nearly the identity, yet no ReLU of theirs is dead."""


@torch.no_grad()
def init_from(network: Upscaler, smaller: Upscaler) -> None:
    """Give a fresh `network` the weights of `smaller`, which has no more layers and channels.

    With more channels it computes what `smaller` does to rounding (the new ones lead nowhere yet); with more layers
    nearly. Raises ValueError where it does not fit, or one of them is no residual network.
    """
    new_form, old_form = network.residual_form, smaller.residual_form
    if new_form is None or old_form is None:
        raise ValueError("only residual networks grow")
    (depth, width), (old_depth, c) = _size(new_form), _size(old_form)
    if old_depth > depth or c > width:
        raise ValueError(f"{old_depth} layers of {c} channels do not fit into {depth} of {width}")
    for new, old in zip((new_form.conv_in, *new_form.layers), (old_form.conv_in, *old_form.layers), strict=False):
        assert isinstance(new.weight, torch.Tensor) and isinstance(old.weight, torch.Tensor)
        new.weight[:c] = 0  # nothing comes from the new channels to the old ones
        new.weight[:c, : old.weight.shape[1]] = old.weight
        assert isinstance(new.bias, torch.Tensor) and isinstance(old.bias, torch.Tensor)
        new.bias[:c] = old.bias
    for new in new_form.layers[old_depth:]:
        assert isinstance(new.weight, torch.Tensor)
        new.weight *= _NEW_LAYER
    new_form.conv_out.weight.zero_()
    new_form.conv_out.weight[:, :c] = old_form.conv_out.weight
    assert new_form.conv_out.bias is not None and old_form.conv_out.bias is not None
    new_form.conv_out.bias.copy_(old_form.conv_out.bias)
    new_form.conv_ext.load_state_dict(old_form.conv_ext.state_dict())


def _size(network: ResidualUpscaler) -> tuple[int, int]:
    """(residual layers, channels)."""
    return len(network.layers), network.conv_in.out_channels
