"""The trace from one random direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A field that bends, some points, a time, and a direction for each."""
    weight = draw.normal(3, 3)

    def v(x: Tensor, t: float) -> Tensor:
        return (x @ weight).tanh() * (1 + t)

    return v, draw.normal(4, 3), draw.pick((0.0, 0.5, 1.0)), draw.normal(4, 3)


def four_signs(hutchinson_trace: Function) -> tuple[Any, Any]:
    """J = (1, 3; -2, 0.5): the directions (1, 1) and (1, -1) say 2.5 and 0.5, on average the trace, 1.5."""
    import torch

    jacobian = torch.tensor([[1.0, 3.0], [-2.0, 0.5]])
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    return hutchinson_trace(lambda x, t: x @ jacobian.T, torch.zeros(2, 2), 0.0, signs), torch.tensor(
        [2.5, 0.5]
    )


EXERCISE = Exercise(
    topic="cnf",
    name="hutchinson_trace",
    title="the trace, from one random direction",
    task="""
        Return, for each point, the estimate of the trace that its direction gives, (B,). However many
        coordinates there are, one call of autograd must do. x, (B, D), already requires a gradient; `probe`,
        (B, D), holds the directions, whose coordinates are independent, with mean 0 and variance 1.
        """,
    equation=r"\mathrm{E}\left[\epsilon^T J \epsilon\right] = \sum_{ij} J_{ij}\, \mathrm{E}[\epsilon_i "
    r"\epsilon_j] = \mathrm{tr}\, J",
    hints=(
        "A vector times the Jacobian costs one backward pass: the gradient of the inner product of v with a "
        "fixed vector.",
        "`torch.autograd.grad(v(x, t), x, probe, create_graph=True)` gives, for every point, the direction "
        "times its Jacobian, (B, D).",
        "Its inner product with the direction is the estimate: `(pulled * probe).sum(1)`.",
    ),
    mistakes=(
        Mistake(
            "(pulled * probe).sum(1)",
            "pulled.sum(1)",
            "you did not multiply by the direction a second time: that mean is 0 and not the trace",
        ),
        Mistake(
            "v(x, t), x, probe, create_graph=True",
            "v(x, t).sum(), x, create_graph=True",
            "you pulled back a vector of ones in place of the direction: on average no entry of the diagonal "
            "is left",
        ),
        Mistake(
            "create_graph=True",
            "create_graph=False",
            "your estimate has no gradient by the field: with create_graph=True it can be differentiated in "
            "turn",
        ),
    ),
    inputs=inputs,
    by_hand=(four_signs,),
    place=20,
)
