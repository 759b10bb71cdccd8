"""A larger RTS network that begins as a trained smaller one (Net2Net, arXiv:1511.05641), so that what was learned is
not learned again: rts-r6 from rts-r3, rts-lite32 from rts-lite."""

import torch

from vidrts.networks.network import Network, ResidualNetwork

_NEW_LAYER = 0.03
"""New residual layers keep this part of their fresh weights: nearly the identity, yet no ReLU of theirs is dead."""


@torch.no_grad()
def init_from(network: Network, smaller: Network) -> None:
    """Give a fresh `network` the weights of `smaller`, which has no more layers and channels.

    With more channels it computes what `smaller` does to rounding (the new ones lead nowhere yet); with more layers
    nearly. Where one of them alone has luma as its input, the last layer and the extension stay fresh. Raises
    ValueError where it does not fit, or one of them is no residual network.
    """
    new_form, old_form = network.residual_form, smaller.residual_form
    if new_form is None or old_form is None:
        raise ValueError("expected two residual networks")
    (depth, width), (old_depth, c) = _size(new_form), _size(old_form)
    if old_depth > depth or c > width:
        raise ValueError(f"{old_depth} layers of {c} channels do not fit into {depth} of {width}")
    (*new_layers, new_out), (*old_layers, old_out) = _parameters(new_form), _parameters(old_form)
    for (weight, bias), (old_weight, old_bias) in zip(new_layers, old_layers, strict=False):
        weight[:c] = 0  # nothing comes from the new channels to the old ones
        weight[:c, : old_weight.shape[1]] = old_weight
        bias[:c] = old_bias
    for weight, _ in new_layers[len(old_layers) :]:
        weight *= _NEW_LAYER
    if network.luma_input != smaller.luma_input:
        return
    weight, bias = new_out
    weight.zero_()
    weight[:, :c], bias[:] = old_out
    new_form.conv_ext.load_state_dict(old_form.conv_ext.state_dict())


def _parameters(network: ResidualNetwork) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(weight, bias) of each layer of the branch."""
    return [(layer.conv.weight, layer.bias) for layer in network.branch]


def _size(network: ResidualNetwork) -> tuple[int, int]:
    """(layers between the first and the last, channels)."""
    return len(network.branch) - 2, network.branch[0].conv.out_channels
