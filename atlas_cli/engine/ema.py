"""Exponential moving average of a module's parameters, as DDPM and StyleGAN use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """Averaged copies of the trainable parameters; buffers are taken as they are.

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
        current = dict(module.named_parameters())
        names = [n for n in self.average if self.average[n].shape == current[n].shape]
        for n in self.average.keys() - set(names):  # a parameter that changed its shape starts anew
            self.average[n] = current[n].detach().clone()
        torch._foreach_lerp_(
            [self.average[n] for n in names], [current[n].detach() for n in names], 1 - decay
        )

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
