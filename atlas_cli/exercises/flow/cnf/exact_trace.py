"""How fast the space around a point swells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A field that bends, some points, and a time."""
    weight = draw.normal(3, 3)

    def v(x: Tensor, t: float) -> Tensor:
        return (x @ weight).tanh() * (1 + t) + x * x

    return v, draw.normal(4, 3), draw.pick((0.0, 0.5, 1.0))


def the_diagonal(exact_trace: Function) -> tuple[Any, Any]:
    """v = J x with the rows (1, 3) and (-2, 0.5): the trace is 1 + 0.5 = 1.5 everywhere."""
    import torch

    jacobian = torch.tensor([[1.0, 3.0], [-2.0, 0.5]])
    points = torch.tensor([[0.3, -1.0], [2.0, 0.0]])
    return exact_trace(lambda x, t: x @ jacobian.T, points, 0.0), torch.tensor([1.5, 1.5])


EXERCISE = Exercise(
    topic="cnf",
    name="exact_trace",
    title="the trace, one derivative a coordinate",
    task="""
        Return the trace of dv/dx for each point, (B,): how much the i-th coordinate of the velocity changes
        with the i-th coordinate of the point, summed over i. x, (B, D), already requires a gradient. The
        likelihood is trained through this trace, so it must itself have a derivative.
        """,
    equation=r"\mathrm{tr}\, \frac{\partial v}{\partial x} = \sum_i \frac{\partial v_i}{\partial x_i}",
    hints=(
        "Autograd differentiates one number. No point's velocity depends on another point, so the sum of "
        "v_i over the batch has, at each point, the slope of that point's own v_i.",
        "`torch.autograd.grad(out[:, i].sum(), x, create_graph=True)[0]` is the i-th row of every Jacobian, "
        "(B, D). Of it only column i counts.",
        "Add `row[:, i]` over all i. `create_graph=True` leaves a graph behind, for the second derivative.",
    ),
    mistakes=(
        Mistake(
            "row[:, i] for i",
            "row.sum(1) for i",
            "you added whole rows: all entries of the Jacobian, where the trace has its diagonal alone",
        ),
        Mistake(
            "create_graph=True",
            "retain_graph=True",
            "your trace has no gradient: with create_graph=True it can be differentiated in turn, and the "
            "loss needs that",
        ),
        Mistake(
            "for i in range(x.shape[1])",
            "for i in range(1)",
            "you took the first coordinate alone: the trace has a derivative for each",
        ),
    ),
    inputs=inputs,
    by_hand=(the_diagonal,),
    place=10,
)
