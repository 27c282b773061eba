"""What the average velocity must be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A small net of average velocities, and a batch of stretches."""
    t = draw.uniform(0.0, 0.5, 4)
    batch = _batch(draw.normal(4, 1, 2, 2), t, t + draw.uniform(0.1, 0.5, 4), draw.normal(4, 1, 2, 2))
    return _net(draw.normal(1, 1, 2, 2)), batch


def _net(weight: Tensor) -> Any:
    from atlas_cli.systems.flow.meanflow import _load_forward_mode

    _load_forward_mode()
    net = SimpleNamespace(weight=weight)

    def average(x: Tensor, t: Tensor, s: Tensor, label: Tensor) -> Tensor:
        from atlas_cli.systems.flow.meanflow import spread

        return (net.weight * x).tanh() * spread(1 + t * s) + spread(t * t)

    net.average = average
    net.guided_velocity = lambda x_t, batch: batch.data - batch.noise
    return net


def _batch(data: Tensor, t: Tensor, s: Tensor, noise: Tensor) -> Any:
    import torch

    from atlas_cli.systems.flow.meanflow import Batch

    return Batch(data=data, label=torch.zeros(len(data), dtype=torch.long), t=t, s=s, noise=noise)


def on_a_parabola(loss: Function) -> tuple[Any, Any]:
    """u = x t at x = 0, t = ½, s = 1, v = 4: du/dt = 4 · ½ + 0 = 2, the target 4 + ½ · 2 = 5, and 5² = 25."""
    import torch

    from atlas_cli.systems.flow.meanflow import spread

    one = torch.ones(1, 1, 1, 1)
    net = SimpleNamespace(average=lambda x, t, s, label: x * spread(t), guided_velocity=lambda *_: 4 * one)
    batch = _batch(2 * one, torch.tensor([0.5]), torch.tensor([1.0]), -2 * one)
    return loss(net, batch)[1]["squared_error"], torch.tensor(25.0)


EXERCISE = Exercise(
    topic="meanflow",
    name="target",
    title="the average, by its own slope",
    task="""
        Find what the average velocity from t to s must be at x_t, if v is the velocity there: `u`, what the
        net says now, and `target`, what the identity asks for, as if it did not depend on the weights.

        `along(x, time)` is the net with s and the classes held fixed. `torch.func.jvp(f, inputs,
        directions)` gives f's value and its slope in one direction; the fused attention kernels know no such
        derivative, so it is called inside `with sdpa_kernel(SDPBackend.MATH):`. `spread` makes (B,) multiply
        images.
        """,
    equation=r"u = v + (s - t)\, \frac{du}{dt} \qquad \frac{du}{dt} = \frac{\partial u}{\partial x}\, v + "
    r"\frac{\partial u}{\partial t}",
    hints=(
        "du/dt is the slope along the way: while the time runs by 1, the place moves by v.",
        "So the directions are v for the place and ones for the time: `torch.func.jvp(along, (x_t, t), (v, "
        "torch.ones_like(t)))`.",
        "The target is `v + spread(s - t) * rate`, and `.detach()` makes it a given number.",
    ),
    mistakes=(
        Mistake(
            "(v, torch.ones_like(t))",
            "(torch.zeros_like(v), torch.ones_like(t))",
            "you held the place fixed while the time ran: along the way x moves with the velocity v",
        ),
        Mistake(
            "(v + spread(s - t) * rate).detach()",
            "v + spread(s - t) * rate",
            "your target carries a gradient: it is to be taken as given, or the net can lower its loss by "
            "moving the target",
        ),
        Mistake(
            "spread(s - t) * rate",
            "spread(t - s) * rate",
            "you turned the sign: with s as the end and t as the beginning the length is s - t. The paper "
            "counts time the other way",
        ),
    ),
    inputs=inputs,
    by_hand=(on_a_parabola,),
    place=10,
)
