"""Exponential moving average of a module's parameters, as DDPM and StyleGAN use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """Averaged copies of the trainable parameters, new ones included; buffers are taken as they are.

    The decay starts low, min(decay, (1 + n) / (10 + n)) after n updates, so that short runs are not ruled
    by their random start.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay, self.updates = decay, 0
        self.average = {n: p.detach().clone() for n, p in module.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """average <- decay * average + (1 - decay) * parameter."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        trained = {
            n: p.detach() for n, p in module.named_parameters() if p.requires_grad or n in self.average
        }
        kept = [n for n, p in trained.items() if n in self.average and self.average[n].shape == p.shape]
        if kept:
            torch._foreach_lerp_([self.average[n] for n in kept], [trained[n] for n in kept], 1 - decay)
        # What came or changed its shape starts anew, what went is forgotten: some systems grow.
        self.average = {n: self.average[n] if n in kept else p.clone() for n, p in trained.items()}

    @contextmanager
    def applied(self, module: nn.Module) -> Iterator[None]:
        """Inside, the module computes with the averaged weights; its own come back at the end."""
        parameters = dict(module.named_parameters())
        own = {n: parameters[n].data for n in self.average}
        for n, tensor in self.average.items():
            parameters[n].data = tensor
        try:
            yield
        finally:
            for n, tensor in own.items():
                parameters[n].data = tensor

    def state_dict(self) -> dict[str, Tensor]:
        return {**self.average, "__updates__": torch.tensor(self.updates)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        state = dict(state)
        self.updates = int(state.pop("__updates__"))
        device = next(iter(self.average.values())).device
        self.average = {n: t.to(device, copy=True) for n, t in state.items()}
