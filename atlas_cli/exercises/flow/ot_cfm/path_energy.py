"""How much a flow moves its points about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A field that bends and changes with time, some points, and a number of steps."""
    weight = draw.normal(2, 2)

    def v(x: Tensor, t: float) -> Tensor:
        return (x @ weight).tanh() + 3 * t * t

    return v, draw.normal(5, 2), draw.pick((2, 4, 10))


def straight_on(path_energy: Function) -> tuple[Any, Any]:
    """Every point moves by (3, 4) at constant speed: the energy is 3² + 4² = 25."""
    import torch

    return path_energy(lambda x, t: torch.tensor([3.0, 4.0]).expand_as(x), torch.zeros(2, 2), 4), 25.0


def ever_faster(path_energy: Function) -> tuple[Any, Any]:
    """The speed grows as 2t, by two steps: (0 + 1) / 4 + (1 + 4) / 4 = 1.5; the distance squared is 1."""
    import torch

    return path_energy(lambda x, t: torch.full_like(x, 2 * t), torch.zeros(3, 1), 2), 1.5


EXERCISE = Exercise(
    topic="ot-cfm",
    name="path_energy",
    title="the energy of a flow's paths",
    task="""
        Return the energy of the paths from z: the mean over the points of the squared speed, integrated over
        time from 0 to 1 by the trapezoid rule, as a float. No flow that ends as the data has less than the
        squared Wasserstein distance.

        `even_steps(v, z, steps)` yields where the points, (N, D), are after each of `steps` steps of one
        length.
        """,
    equation=r"\mathrm{E} \int_0^1 \| v(x_t, t) \|^2\, dt",
    hints=(
        "The way has one place more than it has steps: it begins with z itself.",
        "At place number k the time is k / steps. The squared speed is a sum over the coordinates, and then "
        "a mean over the points.",
        "`torch.trapezoid` of the squares counts each step as 1 long; divide by `steps`.",
    ),
    mistakes=(
        Mistake(
            ".square().sum(1).mean()",
            ".square().mean()",
            "you took the mean over the coordinates: the squared length of a velocity is their sum",
        ),
        Mistake(
            "torch.trapezoid(torch.stack(squares))) / steps",
            "torch.stack(squares).mean())",
            "you took a plain mean over the places: the two ends bound only one step each, and count half",
        ),
        Mistake(
            "v(x, k / steps)",
            "v(x, 0.0)",
            "you asked for the velocity at time 0 everywhere: the field changes with time",
        ),
    ),
    inputs=inputs,
    by_hand=(straight_on, ever_faster),
    source="systems.flow.of_points",
    place=20,
)
