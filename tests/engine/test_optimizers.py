"""Who steps which parameter, and that Muon's step of a matrix turns all its directions alike."""

from __future__ import annotations

import torch
from torch import nn

from atlas_cli.engine.optimizers import muon_and_adamw
from atlas_cli.engine.system import Setting, System
from atlas_cli.recipe.recipes import TrainConfig


class Tiny(System):
    """Something of everything: an embedding, a linear layer with a bias, a table that is no linear map."""

    def __init__(self) -> None:
        super().__init__(None)
        self.embed = nn.Embedding(5, 4)
        self.block = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 4).requires_grad_(False))
        self.block.table = nn.Parameter(torch.zeros(3, 4))
        self.head = nn.Linear(4, 5, bias=False)


def tiny() -> Tiny:
    torch.manual_seed(0)
    return Tiny().attach(Setting(None, TrainConfig(steps=1, batch_size=1, lr=0.1)))


def test_every_trainable_parameter_is_stepped_once_and_muon_takes_linear_maps_of_the_blocks():
    system = tiny()
    optimizers = muon_and_adamw(system, system.block)
    taken = {name: [p for g in o.param_groups for p in g["params"]] for name, o in optimizers.items()}
    assert [id(p) for p in taken["muon"]] == [id(system.block[0].weight)]
    trainable = {id(p) for p in system.parameters() if p.requires_grad}
    assert sorted(id(p) for ps in taken.values() for p in ps) == sorted(trainable)


def test_a_step_is_as_long_in_every_direction_however_the_gradient_is_shaped():
    system = tiny()
    optimizer = muon_and_adamw(system, system.block)["muon"]
    weight = system.block[0].weight
    before = weight.detach().clone()
    left, right = torch.linalg.qr(torch.randn(6, 4))[0], torch.linalg.qr(torch.randn(4, 4))[0]
    weight.grad = left @ torch.diag(torch.tensor([1.0, 0.5, 0.2, 0.1])) @ right
    optimizer.step()
    lengths = torch.linalg.svdvals(before - weight.detach())
    assert lengths.max() / lengths.min() < 2  # of the gradient: 10
