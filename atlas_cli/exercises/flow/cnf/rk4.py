"""One step of the classical method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A field that bends and changes with time, some points, a time, and a step; some go backwards."""
    weight = draw.normal(2, 2)

    def v(x: Tensor, t: float) -> Tensor:
        return (x @ weight).tanh() * (1 + t * t)

    return v, draw.normal(4, 2), draw.pick((0.2, 0.8)), draw.pick((0.5, -0.5, 0.25))


def doubled(rk4: Function) -> tuple[Any, Any]:
    """v = x ln 2 from 0.5 in one step: 1 + l + l²/2 + l³/6 + l⁴/24 times as far, l = ln 2, which is 0.999."""
    import math

    import torch

    end = rk4(lambda x, t: math.log(2) * x, torch.tensor([[0.5]]), 0.0, 1.0)
    factor = sum(math.log(2) ** k / math.factorial(k) for k in range(5))
    return end.flatten(), torch.tensor([0.5 * factor])


EXERCISE = Exercise(
    topic="cnf",
    name="rk4",
    title="four looks before a step",
    task="""
        Write a step of the classical Runge-Kutta method from x at time t, of length h, which may be
        negative. `v(x, t)` is the field. Ask it at the beginning, twice in the middle and at the end, each
        time from where the velocity before would lead.
        """,
    equation=r"k_1 = v(x, t) \qquad k_2 = v(x + \tfrac{h}{2} k_1, t + \tfrac{h}{2}) \qquad k_3 = v(x + "
    r"\tfrac{h}{2} k_2, t + \tfrac{h}{2}) \qquad k_4 = v(x + h k_3, t + h) \qquad x + \tfrac{h}{6} (k_1 + "
    r"2 k_2 + 2 k_3 + k_4)",
    hints=(
        "Every look starts from x itself and not from where the look before was.",
        "The time moves with the place: h / 2 for the two in the middle, h for the last.",
        "The weights are Simpson's, 1, 2, 2 and 1 over 6: `x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)`.",
    ),
    mistakes=(
        Mistake(
            "k3 = v(x + h / 2 * k2, t + h / 2)",
            "k3 = v(x + h / 2 * k1, t + h / 2)",
            "you looked twice from the same place: the third look goes by the second velocity, and without "
            "that the error falls as h³ and not as h⁵",
        ),
        Mistake(
            "k4 = v(x + h * k3, t + h)",
            "k4 = v(x + h * k3, t)",
            "you asked at the end's place but at the time of the beginning: the field changes with time too",
        ),
        Mistake(
            "h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)",
            "h / 4 * (k1 + k2 + k3 + k4)",
            "you took the plain mean of the four: the two in the middle count twice, as in Simpson's rule",
        ),
    ),
    inputs=inputs,
    by_hand=(doubled,),
    source="systems.flow.solvers",
    place=30,
)
