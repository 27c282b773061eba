"""Small flows of points, and fields whose flow is known."""

from __future__ import annotations

import torch

from atlas_cli import data
from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.flow.cnf import CNF, Config

TRAIN = TrainConfig(steps=4, batch_size=16, lr=1e-2)


def on_points(rank: int = 0, world_size: int = 1, density: str = "rings", **fields: object) -> CNF:
    torch.manual_seed(0)
    cnf = CNF(Config(**{"width": 8, "n_layer": 2, "solver": "rk4", "solver_steps": 4, **fields}))
    cnf.attach(
        Setting(data.load({"name": "toy2d", "density": density}), TRAIN, rank=rank, world_size=world_size)
    )
    return cnf


def steep(cnf: CNF, factor: float = 3.0) -> CNF:
    """The same flow with larger weights, so that it bends and squeezes as a trained one does."""
    with torch.no_grad():
        for parameter in cnf.parameters():
            parameter.mul_(factor)
    return cnf
