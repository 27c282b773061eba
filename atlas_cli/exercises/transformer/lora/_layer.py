"""An adapter with weights of its own, for the exercises on it."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw


def layer(draw: Draw) -> Any:
    """From 6 to 5 channels through two, scaled by 3."""
    from torch import nn

    from atlas_cli.systems.transformer.lora import LoRALinear

    made = LoRALinear(nn.Linear(6, 5), rank=2, alpha=6.0)
    made.base.weight.data, made.base.bias.data = draw.normal(5, 6), draw.normal(5)
    made.A.data, made.B.data = draw.normal(2, 6), draw.normal(5, 2)
    return made


def of_ones() -> Any:
    """One channel to one: W = 1, no bias, A = 2, B = 3, scaled by 4."""
    import torch
    from torch import nn

    from atlas_cli.systems.transformer.lora import LoRALinear

    made = LoRALinear(nn.Linear(1, 1), rank=1, alpha=4.0)
    for tensor, value in ((made.base.weight, 1.0), (made.base.bias, 0.0), (made.A, 2.0), (made.B, 3.0)):
        tensor.data = torch.full_like(tensor, value)
    return made
