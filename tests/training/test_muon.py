"""Muon: held against the singular value decomposition, and against Adam where it counts."""

import pytest
import torch

from vidrts.errors import OptionError
from vidrts.networks.registry import build
from vidrts.training import train_stage
from vidrts.training.muon import Muon, orthogonal
from vidrts.training.schedule import Schedule


@pytest.mark.parametrize("shape", [(8, 72), (64, 576), (16, 16)])
def test_the_step_is_nearly_the_orthogonal_factor(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, dtype=torch.float64)
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    found = left.T @ orthogonal(matrix) @ right.T  # diagonal in the matrix's own singular vectors
    diagonal = found.diagonal()[values > 0.02 * values.norm()]
    assert (diagonal > 0.6).all()
    assert (diagonal < 1.3).all()
    assert (found - torch.diag(found.diagonal())).abs().max() < 1e-9


def test_a_step_is_as_long_as_adams_and_goes_downhill() -> None:
    torch.manual_seed(1)
    weight = torch.nn.Parameter(torch.randn(16, 16, 3, 3))
    truth = torch.randn(16, 16, 3, 3)
    optimizer = Muon([weight], lr=0.05)
    losses = []
    for _ in range(60):
        loss = (weight - truth).square().mean()
        weight.grad = None
        loss.backward()
        before = weight.detach().clone()
        optimizer.step()
        losses.append(loss.item())
        moved = (weight.detach() - before).square().mean().sqrt().item()
        assert 0.5 * 0.2 * 0.05 < moved < 1.3 * 0.2 * 0.05
    assert losses[-1] < 0.5 * losses[0]


def test_muon_has_the_inner_convolutions_and_adam_the_rest() -> None:
    network = build("rts", {"n": 3, "channels": 8})
    state = train_stage.fresh_state(network, Schedule(steps=1, optimizer="muon"))
    adam, muon = ([p for g in o.param_groups for p in g["params"]] for o in state.optimizers)
    assert [p.shape for p in muon] == [torch.Size([8, 8, 3, 3])] * 3
    assert {id(p) for p in (*adam, *muon)} == {id(p) for p in network.parameters()}
    assert len(adam) + len(muon) == len(list(network.parameters()))
    (only,) = train_stage.fresh_state(network, Schedule(steps=1)).optimizers
    assert isinstance(only, torch.optim.Adam)


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(OptionError, match="adam, muon"):
        Schedule(steps=1, optimizer="sgd")  # type: ignore[arg-type]
