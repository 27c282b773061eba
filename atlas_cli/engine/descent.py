"""From a loss to the step: gradients are averaged over the ranks, measured, and refused or clipped.

All of it happens in an optimizer's pre-step hook, so that a system with one loss, one with two optimizers and
one that alternates are guarded, clipped and data-parallel without a line of their own. What is not finite on
one rank is not finite in the average on all of them: no second message is needed, and all ranks stop alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from atlas_cli.engine import distributed


class NotFinite(Exception):
    """A loss or a gradient that no optimizer may step on.

    Args:
        name: What is not finite.
        value: NaN or an infinity.
    """

    def __init__(self, name: str, value: float) -> None:
        super().__init__(f"{name} is {value}")
        self.name, self.value = name, value


@dataclass
class _Descent:
    """Optimizers that step on the gradients of one backward pass, which is prepared once for all of them."""

    optimizers: Sequence[Optimizer]
    loss: Tensor | None = None
    prepared: bool = False

    def parameters(self) -> list[nn.Parameter]:
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        return [p for group in groups for p in group["params"] if p.grad is not None]


_descent: ContextVar[_Descent | None] = ContextVar("_descent", default=None)


def descend(loss: Tensor, *optimizers: Optimizer, inputs: Sequence[Tensor] | None = None) -> None:
    """One step of these optimizers down `loss`; their gradients have one norm, by which all are clipped.

    Args:
        loss: The scalar that the optimizers descend.
        optimizers: Of which none steps if the loss or the common gradient norm is not finite.
        inputs: The leaves that receive gradients; None: all that the loss depends on.

    Raises:
        NotFinite: the loss or the gradient norm, where the training loop guards the optimizers.
    """
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    loss.backward(inputs=inputs)
    token = _descent.set(_Descent(optimizers, loss.detach()))
    try:
        for optimizer in optimizers:
            optimizer.step()
    finally:
        _descent.reset(token)


def guard(optimizer: Optimizer, grad_clip: float) -> None:
    """Before each step of `optimizer`: average its gradients over the ranks, check them, clip their norm.

    Args:
        optimizer: If it steps within `descend`, the optimizers that step with it are prepared with it.
        grad_clip: Largest norm; 0: no clipping.
    """

    def before_step(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        descent = _descent.get() or _Descent([optimizer])
        if not descent.prepared:
            descent.prepared = True
            _prepare(descent, grad_clip)

    optimizer.register_step_pre_hook(before_step)


def _prepare(descent: _Descent, grad_clip: float) -> None:
    parameters = descent.parameters()
    if not parameters:
        return
    grads = [p.grad for p in parameters if p.grad is not None]
    loss = grads[0].new_zeros(()) if descent.loss is None else descent.loss.to(grads[0])
    loss = distributed.average(grads, loss)
    norm = nn.utils.get_total_norm(grads)
    values = torch.stack([loss.to(norm), norm]).tolist()  # the one wait for the device
    for name, value in zip(("loss", "gradient norm"), values, strict=True):
        if not math.isfinite(value):
            raise NotFinite(name, value)
    if grad_clip:
        nn.utils.clip_grads_with_norm_(parameters, grad_clip, norm)
