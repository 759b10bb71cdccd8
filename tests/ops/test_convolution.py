"""Convolutions that do not depend on the size of the picture: whatever a network's layers ask for, they compute it."""

import copy

import pytest
import torch
from torch import nn

from vidrts.ops.convolution import use_deterministic_convolution

KINDS = {
    "plain": {"kernel_size": 3, "padding": 1},
    "depthwise": {"kernel_size": 3, "padding": 1, "groups": 8},
    "groups": {"kernel_size": 1, "groups": 4, "bias": False},
    "dilated": {"kernel_size": 3, "padding": 2, "dilation": 2},
    "dilated by rows": {"kernel_size": 3, "padding": (3, 1), "dilation": (3, 1)},
    "wide": {"kernel_size": (1, 7), "padding": (0, 3)},
    "strided": {"kernel_size": 4, "stride": (2, 4)},
    "same": {"kernel_size": (3, 5), "padding": "same"},
    "reflect": {"kernel_size": 5, "padding": 2, "padding_mode": "reflect"},
    "circular": {"kernel_size": 3, "padding": (1, 0), "padding_mode": "circular"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_layers_of_all_kinds(kind: str) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(8, 8, **KINDS[kind]).requires_grad_(False)  # type: ignore[arg-type]
    x = torch.rand(2, 8, 21, 27)
    own = nn.Sequential(copy.deepcopy(layer))
    use_deterministic_convolution(own)
    assert type(own[0]) is not nn.Conv2d
    assert (own(x) - layer.double()(x.double())).abs().max() < 1e-5
