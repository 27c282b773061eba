"""Which parameters weight decay pulls to zero: the matrices, as in nanoGPT.

A bias, a norm's scale or a rate of decay has no reason to be near zero. What has two dimensions and is no
matrix (the A of a state-space model) is marked where it is made: `self.A_log = without_decay(...)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

_MARK = "_no_weight_decay"


def without_decay(parameter: nn.Parameter) -> nn.Parameter:
    """Mark a parameter that weight decay must leave alone; returns it."""
    setattr(parameter, _MARK, True)
    return parameter


def decay_groups(parameters: Iterable[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Groups for an optimizer: trainable matrices decay, all else does not.

    Without weight decay there is one group, in the order given.
    """
    trained = [p for p in parameters if p.requires_grad]
    if not weight_decay:
        return [{"params": trained, "weight_decay": 0.0}]
    matrices = [p for p in trained if p.ndim >= 2 and not getattr(p, _MARK, False)]
    taken = set(map(id, matrices))
    others = [p for p in trained if id(p) not in taken]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]
