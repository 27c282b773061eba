"""From one noise to another, along the sphere."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Pairs of noises, and for each pair a share."""
    return draw.normal(3, 1, 4, 4), draw.normal(3, 1, 4, 4), draw.uniform(0.1, 0.9, 3, 1, 1, 1)


def half_way(spherical: Function) -> tuple[Any, Any]:
    """Two noises of length 1 at a right angle, half way: both times √½ = 0.707."""
    import torch

    a, b = torch.tensor([1.0, 0.0]).view(1, 1, 2), torch.tensor([0.0, 1.0]).view(1, 1, 2)
    return spherical(a, b, torch.tensor([[[0.5]]])).flatten(), torch.tensor([0.70711, 0.70711])


EXERCISE = Exercise(
    topic="ddim",
    name="spherical",
    title="between two noises, on the sphere",
    task="""
        Go from noise a to noise b without leaving the sphere on which noise lies: share 0 is a, 1 is b. The
        angle between them comes from their inner product. The dimensions of one noise are `dims`.
        """,
    equation=r"\frac{\sin((1 - s)\,\theta)\, a + \sin(s\,\theta)\, b}{\sin \theta}"
    r" \qquad \cos\theta = \frac{a \cdot b}{|a|\,|b|}",
    hints=(
        "First the angle: the inner product over the product of the lengths is its cosine. Sum over `dims` "
        "with `keepdim=True`, so that it multiplies a whole noise.",
        "At share 0 the weight of a must be 1 and that of b 0: sin(θ) / sin(θ) and sin(0) / sin(θ).",
        "`(((1 - share) * angle).sin() * a + (share * angle).sin() * b) / angle.sin()`",
    ),
    mistakes=(
        Mistake(
            "(((1 - share) * angle).sin() * a + (share * angle).sin() * b) / angle.sin()",
            "(1 - share) * a + share * b",
            "you went along a straight line: half way two noises average to one that is √2 too short, as no "
            "noise is",
        ),
        Mistake(
            "((1 - share) * angle).sin() * a + (share * angle).sin() * b",
            "(share * angle).sin() * a + ((1 - share) * angle).sin() * b",
            "you began at b: share 0 is a",
        ),
        Mistake(
            " / angle.sin()",
            "",
            "you left out the division by sin θ: at share 0 your noise is a times sin θ and not a",
        ),
    ),
    inputs=inputs,
    by_hand=(half_way,),
    place=20,
)
