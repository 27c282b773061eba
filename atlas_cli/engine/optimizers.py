"""Muon for the matrices of a stack of blocks, AdamW for all else: the optimizer for short runs on text.

Source:  Liu et al. 2025, arXiv:2502.16982, section 2.2: with its scale Muon takes the learning rate of AdamW.
"""

from __future__ import annotations

import torch
from torch import nn

from atlas_cli.engine.decay import decay_groups
from atlas_cli.engine.system import Optimizers, System


def muon_and_adamw(system: System, blocks: nn.Module) -> Optimizers:
    """Muon turns all directions of a matrix alike in every step; what is no linear map is left to AdamW.

    Args:
        system: Its recipe gives the learning rate and the rest.
        blocks: The part of it whose linear layers Muon takes; not embeddings, nor what reads out.
    """
    train = system.setting.train
    matrices = [m.weight for m in blocks.modules() if isinstance(m, nn.Linear) and m.weight.requires_grad]
    taken = {id(p) for p in matrices}
    others = [p for p in system.parameters() if p.requires_grad and id(p) not in taken]
    return {
        "muon": torch.optim.Muon(
            matrices, lr=train.lr, weight_decay=train.weight_decay, adjust_lr_fn="match_rms_adamw"
        ),
        "main": torch.optim.AdamW(
            decay_groups(others, train.weight_decay), lr=train.lr, betas=train.betas, fused=True
        ),
    }
