"""A trained diffusion model, read as a flow."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """What a diffusion model says as v, what it sees, and the shares of data and noise in it."""
    angle = draw.uniform(0.1, 1.4, 4, 1)
    return draw.normal(4, 5), draw.normal(4, 5), angle.sin(), angle.cos()


def half_of_each(velocity_of_v: Function) -> tuple[Any, Any]:
    """data 2, noise 1, a = 0.6, s = 0.8: x = 2, v = 0.6 · 1 - 0.8 · 2 = -1; data - noise = 1."""
    import torch

    return velocity_of_v(torch.tensor([-1.0]), torch.tensor([2.0]), 0.6, 0.8), torch.tensor([1.0])


EXERCISE = Exercise(
    topic="cfm",
    name="velocity_of_v",
    title="a diffusion model, read as a flow",
    task="""
        A diffusion model sees x = a · data + s · noise, with a² + s² = 1, and says v = a · noise - s · data.
        Return the velocity of the straight path, data - noise, from x and v alone.
        """,
    equation=r"x = a\, x_1 + s\, x_0 \qquad v = a\, x_0 - s\, x_1 \qquad x_1 - x_0 = \; ?",
    hints=(
        "Two equations, two unknowns. Multiply the first by a and the second by s, and subtract: the noise "
        "drops out.",
        "a² + s² = 1 makes it short: data = a x - s v, and in the same way noise = s x + a v.",
        "Subtract the one from the other and collect what stands before x and before v.",
    ),
    mistakes=(
        Mistake(
            "(a - s) * x - (a + s) * v",
            "-v",
            "you took -v for the velocity: that is how the point moves on the circle, up to a factor; the "
            "straight path has a share of x in it as well",
        ),
        Mistake(
            "(a - s) * x - (a + s) * v",
            "(s - a) * x + (a + s) * v",
            "you returned noise - data: the path runs from noise to data",
        ),
        Mistake(
            "(a - s) * x - (a + s) * v",
            "a * x - s * v",
            "you stopped at the data: the velocity is the data minus the noise, and noise = s x + a v",
        ),
    ),
    inputs=inputs,
    by_hand=(half_of_each,),
    source="systems.flow.paths",
    place=20,
)
