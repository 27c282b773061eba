"""Guidance that is learned, and not paid for at every sample."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor

N_CLASSES = 3


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A net that heeds times and classes, places on the way, and a batch; some labels were dropped."""
    label = draw.integers(0, N_CLASSES, 5)
    label[0] = N_CLASSES
    t = draw.uniform(0.0, 0.5, 5)
    batch = _batch(draw.normal(5, 1, 2, 2), label, t, t + 0.3, draw.normal(5, 1, 2, 2))
    return _net(draw.normal(N_CLASSES + 1, 1, 1, 1), draw.pick((1.5, 3.0))), draw.normal(5, 1, 2, 2), batch


def _net(by_class: Tensor, guidance: float) -> Any:
    def average(x: Tensor, t: Tensor, s: Tensor, label: Tensor) -> Tensor:
        from atlas_cli.systems.flow.meanflow import spread

        return x * by_class[label] * spread(1 + s - t)

    config = SimpleNamespace(guidance=guidance, n_classes=N_CLASSES)
    return SimpleNamespace(config=config, average=average)


def _batch(data: Tensor, label: Tensor, t: Tensor, s: Tensor, noise: Tensor) -> Any:
    from atlas_cli.systems.flow.meanflow import Batch

    return Batch(data=data, label=label, t=t, s=s, noise=noise)


def twice_as_far(guided_velocity: Function) -> tuple[Any, Any]:
    """v = 3, without a class the net says 1, w = 2: 2 · 3 - 1 · 1 = 5; where the label was dropped, 3."""
    import torch

    net = _net(torch.ones(N_CLASSES + 1, 1, 1, 1), 2.0)
    two = torch.ones(2, 1, 1, 1)
    at = torch.zeros(2)
    batch = _batch(2 * two, torch.tensor([1, N_CLASSES]), at, at + 0.5, -two)
    return guided_velocity(net, two, batch).flatten(), torch.tensor([5.0, 3.0])


EXERCISE = Exercise(
    topic="meanflow",
    name="guided_velocity",
    title="guidance, learned with the rest",
    task="""
        Return the velocity that is learned from: that of the pair, `v`, with what its class adds exaggerated
        by the weight `w`. What there is without a class, the net itself says: its velocity at `batch.t` for
        the label `self.config.n_classes`. Images whose label was dropped keep v.

        `self.average(x, t, s, label)` is the mean velocity from t to s.
        """,
    equation=r"v_w = w\, v + (1 - w)\, u(x_t, t, t, \varnothing)",
    hints=(
        "A velocity is an average over no time at all: ask for the stretch from t to t.",
        "`torch.full_like(batch.label, self.config.n_classes)` is the label of nobody for the whole batch.",
        "`torch.where(spread(batch.label == nobody), v, w * v + (1 - w) * plain)`",
    ),
    mistakes=(
        Mistake(
            "batch.t, batch.t, nobody",
            "batch.t, batch.s, nobody",
            "you asked for the mean up to s: guidance is of the velocity at t, whose stretch has no length",
        ),
        Mistake(
            "torch.where(spread(batch.label == nobody), v, w * v + (1 - w) * plain)",
            "w * v + (1 - w) * plain",
            "you guided images without a class as well: with nothing to exaggerate, they keep v",
        ),
        Mistake(
            "w * v + (1 - w) * plain",
            "v + (1 - w) * plain",
            "you left out w before v: the two weights must add up to 1",
        ),
    ),
    inputs=inputs,
    by_hand=(twice_as_far,),
    place=20,
)
